"""The order of things: frames of three pods, in time order, each through clock, attitude, contacts and strides."""

import math

from dsp.alignment import watch_hinge
from dsp.alone import take_alone
from dsp.attitude import begin, loosen
from dsp.contacts import INITIAL, NOTHING, SWING_NEXT, TERMINAL, follow_leg
from dsp.facing import begin_anew, faces_right
from dsp.grade import climb
from dsp.jit import inlined, kernel
from dsp.midstance import mid_stance
from dsp.orientation import advance, lose_attitude, slow, tick, watch_rest
from dsp.state import (
    ACC,
    FALL,
    FRAME_ACC,
    FRAME_GYR,
    FRAME_PRESSURE,
    FRAME_T,
    FRAME_WIDTH,
    GYR,
    NO_TIME_S,
    RATE,
    RING,
    RUNNING_S,
)
from dsp.strides import complete

DROPPED = -1  # what `arrive` says of a frame that is not to be taken


@kernel
def run(cores, cos, frames, watermark, out):  # type: ignore[no-untyped-def]
    """Process waiting frames of all pods up to `watermark` (s), in time order, the lower role first where equal.

    frames: (3, n, 8), by role, FRAME as rows of numbers, of which `first` to before `end` of the core wait; moves them
    on. out: STRIDE rows to write; returns how many were.
    """
    core = cores[0]
    co = cos[0]
    first = core["first"]
    end = core["end"]
    pods = core["pods"]
    legs = core["legs"]
    frame = core["frame"]
    measured = frame[FRAME_ACC:FRAME_PRESSURE]
    due = core["due_s"]
    written = 0
    for role in range(3):
        due[role] = orderly(frames[role, first[role], FRAME_T]) if first[role] < end[role] else math.inf
    while True:
        role = 0
        if due[1] < due[0]:
            role = 1
        if due[2] < due[role]:
            role = 2
        t = due[role]
        if t > watermark or t == math.inf:
            break
        n = first[role]
        first[role] = n + 1
        due[role] = orderly(frames[role, n + 1, FRAME_T]) if n + 1 < end[role] else math.inf
        pod = pods[role]
        for j in range(FRAME_WIDTH):
            frame[j] = frames[role, n, j]
        missing = arrive(core, pod, co, frame)
        if missing == DROPPED:
            continue
        if missing > 0:
            missing = bridge(core, pod, legs, co, role, missing)
        for k in range(missing + 1):  # the lost samples, then the one that came
            if k < missing:
                substitute(core, pod, (k + 1.0) / (missing + 1.0))
            else:
                if role == 0:
                    barometer(core, legs, co, t, frame[FRAME_PRESSURE])
                if watch_rest(pod, co, t, measured, legs[0]["strides"] + legs[1]["strides"] == 0):
                    acc_bias = co["pelvis_acc_bias_mps2"] if role == 0 else co["shank_acc_bias_mps2"]
                    begin(pod, co, pod["rest_s"], acc_bias, 1.0)
            sample = core["sample"][:] if k < missing else measured
            found = take(core, co, role, pod["t_s"] - (missing - k) * pod["period_s"], sample)
            if found == INITIAL and written < len(out):
                side = role - 1 if role > 0 else core["steps"]["side"]
                written += complete(core, pods, legs, co, side, out[written])
        if missing > 0 and core["back"] != 0:
            gap = missing * pod["period_s"]
            loosen(pod, co["bridge_tilt_radps"] * gap, co["bridge_velocity_mps2"] * gap)
    for role in range(3):
        due[role] = 0.0  # what is left behind depends on the samples alone
        if first[role] == end[role]:
            first[role] = 0
            end[role] = 0
    return written


@inlined
def orderly(t):  # type: ignore[no-untyped-def]
    """The time `t` of a frame for sorting: what is no number comes first, and is dropped."""
    return t if abs(t) < NO_TIME_S else -math.inf


@inlined
def arrive(core, pod, co, frame):  # type: ignore[no-untyped-def]
    """One frame of one pod, flags and clock: how many samples were lost before it, or DROPPED."""
    t = frame[FRAME_T]
    size = abs(frame[1]) + abs(frame[2]) + abs(frame[3])
    spin = abs(frame[4]) + abs(frame[5]) + abs(frame[6])
    # lost, or what no sensor of this kind can say: nothing at all, too much, the same again
    if not (0.0 < size < 4000.0 and spin < 200.0) or is_frozen(core, pod, co, frame):
        if size == size and spin == spin:
            pod["invalid_s"] = t
        pod["lost"] += 1
        return DROPPED
    if t < core["now_s"] - co["missing_s"] - 1.0:
        pod["dropped"] += 1
        return DROPPED
    missing = tick(pod, co, t)
    if missing == DROPPED:
        return DROPPED
    core["now_s"] = max(core["now_s"], t)
    clip = 0.998 * pod["acc_range_mps2"]
    if size >= clip and max(abs(frame[1]), abs(frame[2]), abs(frame[3])) >= clip:
        pod["clipped"] += 1
        if pod["clipped"] * pod["period_s"] > co["saturated_s"]:
            pod["saturated_s"] = t
    else:
        pod["clipped"] = 0
    clip = 0.998 * pod["gyr_range_radps"]
    if spin >= clip and max(abs(frame[4]), abs(frame[5]), abs(frame[6])) >= clip:
        pod["saturated_s"] = t
    return missing


@inlined
def is_frozen(core, pod, co, frame):  # type: ignore[no-untyped-def]
    """Whether a sensor says the same again later, to the last bit and in motion: noise alone would change it."""
    row = pod["ring"][(pod["n"] - 1) & (RING - 1)]
    if frame[FRAME_ACC] != row[ACC] or frame[FRAME_ACC + 1] != row[ACC + 1] or frame[FRAME_ACC + 2] != row[ACC + 2]:
        return False
    for j in range(3):
        if frame[FRAME_GYR + j] - pod["bias"][j] != row[GYR + j]:
            return False
    running = core["now_s"] - core["stride_s"] < RUNNING_S
    moving = running or not slow(co, frame[FRAME_GYR], frame[FRAME_GYR + 1], frame[FRAME_GYR + 2])
    return moving and frame[FRAME_T] > pod["raw_s"]


@kernel
def barometer(core, legs, co, t, pressure):  # type: ignore[no-untyped-def]
    """The pressure that came with a pelvis sample, where it is one."""
    if 3e4 < pressure < 1.2e5:  # from the top of the highest mountain to the lowest shore
        recent = core["now_s"] - core["stride_s"] < RUNNING_S
        climb(core, co, t, pressure, legs[0]["was_speed_mps"] if recent else math.nan)


@kernel
def bridge(core, pod, legs, co, role, missing):  # type: ignore[no-untyped-def]
    """Samples were lost: how many to stand in for; none where they are too many, then the pod starts anew.

    Too many are fewer where the pod moves and there is no stride to repeat: a line knows nothing of a swing. Sets what
    they are made of: `core["back"]`, one stride earlier in rows, or a straight line from the last row, `core["last"]`:
    0 at rest, -1 in motion.
    """
    dt = pod["period_s"]
    pod["gap_s"] = pod["t_s"]
    pod["lost"] += missing
    stride = legs[role - 1]["stride_s"] if role > 0 else 0.5 * (legs[0]["stride_s"] + legs[1]["stride_s"])
    back = int(stride / dt + 0.5)
    moving = core["now_s"] - core["stride_s"] < 1.5 and pod["n"] - pod["first"] > back + 2 and back > missing
    still = pod["slow_n"] > 0 and slow(
        co, core["frame"][FRAME_GYR], core["frame"][FRAME_GYR + 1], core["frame"][FRAME_GYR + 2]
    )
    if missing * dt > (co["bridge_s"] if moving or still else co["bridge_line_s"]):
        pod["start_s"] = stride
        lose_attitude(pod)
        if role > 0:
            legs[role - 1]["phase"] = SWING_NEXT
        return 0
    core["back"] = back if moving else 0 if still else -1
    core["last"] = (pod["n"] - 1) & (RING - 1)
    return missing


@kernel
def substitute(core, pod, share):  # type: ignore[no-untyped-def]
    """The next lost sample: what the pod did one stride earlier; where it rested, on the line to the frame in hand."""
    moving = core["back"] > 0
    i = (pod["n"] - core["back"]) & (RING - 1) if moving else core["last"]
    h = 0.0 if moving else share
    row = pod["ring"][i]
    frame = core["frame"]
    for j in range(3):
        core["sample"][j] = (1.0 - h) * row[ACC + j] + h * frame[FRAME_ACC + j]
        core["sample"][3 + j] = (1.0 - h) * (row[GYR + j] + pod["bias"][j]) + h * frame[FRAME_GYR + j]


@inlined
def take(core, co, role, t, sample):  # type: ignore[no-untyped-def]
    """One sample, measured or bridged, into attitude and contacts: NOTHING, INITIAL or TERMINAL became known."""
    pod = core["pods"][role]
    legs = core["legs"]
    advance(pod, t, sample)
    row = pod["ring"][(pod["n"] - 1) & (RING - 1)]
    dt = pod["period_s"]
    if role == 0:
        if t - min(core["pods"][1]["raw_s"], core["pods"][2]["raw_s"]) > co["bridge_s"]:
            return take_alone(core, co, t, dt, row[FALL])
        return NOTHING
    if watch_hinge(pod, co) and faces_right(pod, co):
        begin_anew(pod, legs[role - 1])
    axis = pod["axis"]
    up = pod["up"]
    w = row[GYR] * axis[0] + row[GYR + 1] * axis[1] + row[GYR + 2] * axis[2]
    row[RATE] = w
    force = sample[0] * up[0] + sample[1] * up[1] + sample[2] * up[2]
    found = follow_leg(legs[role - 1], co, t, dt, w, force)
    if found == TERMINAL:
        mid_stance(core, core["pods"], legs, co, role - 1)
    return found
