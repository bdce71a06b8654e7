"""A pelvis that goes elsewhere than it faces: its pod has turned about the vertical, which up does not show.

Or its pod was worn so from the start. Who is seen to start from standing tells where forward is; else the pod is
taken to be worn as instructed, and what it then makes of speed agrees with that. But a runner brakes first in stance
and drives on then, so how velocity bends tells forward, too, from the samples alone.

The numbers below are chosen, and halved or doubled change no share of turns seen (`bench_slips constants`); twice
DRIVE_STEPS doubts 0.4 % more of good strides.
"""

import math

from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.quaternion import rotate_row, shortest
from dsp.seat import turn_seat
from dsp.state import RING, VEL
from dsp.way import mean_way

TURN_STEPS = 3  # so many steps that agree tell a turn of the pod
FLAGGED = 10  # steps that are flagged after it
DRIVE_STEPS = 8  # so many even out how the two legs and single steps differ


@kernel
def is_astray(pod, co, astray):  # type: ignore[no-untyped-def]
    """Whether the pelvis goes far from where it faces (`astray`, rad, + to the left), and did not before.

    A filter that lags in a bend comes to that little by little; and what lasts is believed.
    """
    jump = astray - pod["usual_astray_rad"]
    return min(abs(astray), abs(jump)) > co["astray_rad"] and pod["astray_n"] < 2 * TURN_STEPS


@kernel
def watch_turn(pod, co, astray, x, y, z):  # type: ignore[no-untyped-def]
    """The pelvis goes `astray`, up lying at (x, y, z; unit) in the sensor: is it the pod that has turned?

    In the first such step it may still be turning. When the next ones agree it has, and its seat turns with it.
    """
    pod["slipped"] = FLAGGED
    pod["astray_n"] += 1
    up = pod["astray_up"]
    agrees = pod["astray_n"] > 1 and abs(astray - pod["astray_last_rad"]) < 0.5 * co["astray_rad"]
    pod["astray_last_rad"] = astray
    if not agrees:
        pod["astray_rad"] = 0.0
        up[:] = 0.0
        return
    pod["astray_rad"] += astray
    up[0] += x
    up[1] += y
    up[2] += z
    size = math.sqrt(up[0] ** 2 + up[1] ** 2 + up[2] ** 2)
    if size < TURN_STEPS - 0.5:
        return
    if pod["usual_n"] > 0:
        ux, uy, uz = mean_way(pod)
        x, y, z = shortest(ux, uy, uz, up[0], up[1], up[2])
        turn_seat(pod, x, y, z)
    angle = pod["astray_rad"] / TURN_STEPS
    turn_seat(pod, angle * up[0] / size, angle * up[1] / size, angle * up[2] / size)
    pod["usual_n"] = 0
    pod["off_n"] = 0
    pod["confirm_n"] = 0
    pod["kf_heading"] += angle  # the axis turned in the pod, the pod did not
    pod["astray_n"] = 0


@kernel
def watch_drive(pod, ic, tc):  # type: ignore[no-untyped-def]
    """A stance from `ic` to `tc` (s) of either leg: whether the pelvis may not face where it drives to.

    Where it does not, by 45 degrees, what standing said of it is forgotten. The mean over 8 steps lies within 18
    degrees of forward (28 sessions of eight runners).
    """
    first, last = row_at(pod, ic), row_at(pod, tc)
    half = (last - first) // 2
    if not pod["ready"] or first < 0 or half < 2:
        return False
    rows, axis, drive = pod["ring"], pod["axis"], pod["drive"]
    i, j, k = first & (RING - 1), (first + half) & (RING - 1), (first + 2 * half) & (RING - 1)
    bx = rows[i, VEL] + rows[k, VEL] - 2.0 * rows[j, VEL]  # tilt and speed cancel
    by = rows[i, VEL + 1] + rows[k, VEL + 1] - 2.0 * rows[j, VEL + 1]
    ax, ay, _ = rotate_row(rows, j, axis[0], axis[1], axis[2])
    pod["drive_n"] = min(pod["drive_n"] + 1, DRIVE_STEPS)
    gain = 1.0 / pod["drive_n"]
    drive[0] += gain * (ax * bx + ay * by - drive[0])
    drive[1] += gain * (ax * by - ay * bx - drive[1])
    wrong = drive[0] < abs(drive[1])
    if pod["calibrated"] and pod["drive_n"] == DRIVE_STEPS and wrong:
        pod["calibrated"] = 0
        pod["axis_n"] = 0  # the next start from standing tells
        pod["drive_n"] = 0
    return wrong or pod["drive_n"] < DRIVE_STEPS // 2
