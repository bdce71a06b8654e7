"""How frames come in: pod by pod, late, out of order or not at all. They wait here until every pod has delivered.

`push` is the only kernel that Python calls, once for each notification: several that shared `run` would each hold a
copy of it, and the compiler may round a product and a sum together in one copy and not in another. What waits is
`waiting`, (3, n, 8), by role, FRAME as rows of numbers, of which `first` to before `end` of the core hold frames.
"""

import math

import numpy as np

from dsp.jit import inlined, kernel
from dsp.state import FRAME_ACC, FRAME_GYR, FRAME_PRESSURE, FRAME_T, FRAME_WIDTH, NO_TIME_S
from dsp.stream import run

FAR_S = 1.0  # longer than any gap that is bridged: what comes after it starts anew and can do without a sample
NO_ROOM = -1  # what is said of frames for which `waiting` is too small
NOBODY = -1  # as a role: the stream has ended, and what waits is waited for no longer


@kernel
def push(cores, cos, pelvis, left, right, roles, counts, waiting, out):  # type: ignore[no-untyped-def]
    """Take the next n frames of a pod for each role and n of `roles` and `counts`, (k,), one after the other.

    pelvis, left, right: (n,) FRAME, all frames of each pod. out: STRIDE rows to write; returns how many were, or
    NO_ROOM and has done nothing.
    """
    core = cores[0]
    used = core["used"]
    used[:] = 0
    for k in range(len(roles)):
        if roles[k] != NOBODY:
            used[roles[k]] += counts[k]
    for role in range(3):
        if not make_room(core, waiting, role, used[role]):
            used[:] = 0
            return NO_ROOM
    used[:] = 0
    written = 0
    for k in range(len(roles)):
        role = roles[k]
        mark = math.inf
        if role != NOBODY:
            start = used[role]
            used[role] = start + counts[k]
            frames = pelvis if role == 0 else left if role == 1 else right
            hold(core, waiting, role, frames[start : used[role]])
            mark = watermark(core, cos[0])
        written += run(cores, cos, waiting, mark, out[written:])
    used[:] = 0  # what is left behind depends on the samples alone
    return written


@kernel
def make_room(core, waiting, role, n):  # type: ignore[no-untyped-def]
    """Whether `n` more frames of a pod find room, if need be once those that wait have moved to the front."""
    first, end = core["first"][role], core["end"][role]
    room = waiting.shape[1]
    if end - first + n > room:
        return False
    if end + n > room:
        for i in range(end - first):
            for j in range(FRAME_WIDTH):
                waiting[role, i, j] = waiting[role, first + i, j]
        core["first"][role] = 0
        core["end"][role] = end - first
    return True


@kernel
def doubted(core, role, newest, t):  # type: ignore[no-untyped-def]
    """The time `t`, far ahead of the pod's `newest`, if it follows on one that was; else it is no time.

    A single wrong time would make the pod deaf until then; after a pause this costs a sample.
    """
    follows = 0.0 < t - core["doubt_s"][role] < FAR_S
    core["doubt_s"][role] = t
    return t if follows or newest == -math.inf else math.nan


@inlined
def hold(core, waiting, role, frames):  # type: ignore[no-untyped-def]
    """Put frames with those that wait, and note the newest time of the pod, and the first of any pod."""
    end = core["end"][role]
    newest = core["newest_s"][role]
    for i in range(len(frames)):
        frame = frames[i]
        row = waiting[role, end + i]
        t = frame["t_s"]
        if t > newest + FAR_S:
            t = doubted(core, role, newest, t)
        row[FRAME_T] = t
        for j in range(3):
            row[FRAME_ACC + j] = frame["acc_mps2"][j]
            row[FRAME_GYR + j] = frame["gyr_radps"][j]
        row[FRAME_PRESSURE] = frame["pressure_pa"]
        if abs(t) < NO_TIME_S:
            newest = max(newest, t)
            if core["begin_s"] == -math.inf:
                core["begin_s"] = np.nextafter(t, -math.inf)  # another pod may begin at the same time
    core["end"][role] = end + len(frames)
    core["newest_s"][role] = newest


@inlined
def watermark(core, co):  # type: ignore[no-untyped-def]
    """Up to where every pod that is not silent has delivered, s; one that was never seen counts from the beginning."""
    a = max(core["newest_s"][0], core["begin_s"])
    b = max(core["newest_s"][1], core["begin_s"])
    c = max(core["newest_s"][2], core["begin_s"])
    oldest = max(a, b, c) - co["lag_s"]
    mark = math.inf
    for t in (a, b, c):
        if t >= oldest:
            mark = min(mark, t)
    return mark
