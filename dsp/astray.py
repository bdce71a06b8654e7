"""A pelvis that goes elsewhere than it faces: its pod has turned about the vertical, which up does not show.

Or its pod was worn so from the start. Who is seen to start from standing tells where forward is; else the pod is
taken to be worn as instructed, and what it then makes of speed agrees with that. But a runner brakes first in stance
and drives on then, so how velocity bends tells forward, too, from the samples alone.
"""

import math

from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.quaternion import rotate_row
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
    if pod["astray_n"] == 1 or abs(astray - pod["astray_last_rad"]) > 0.5 * co["astray_rad"]:
        pod["astray_last_rad"] = astray
        pod["astray_rad"] = 0.0
        up[:] = 0.0
        return
    pod["astray_rad"] += astray
    up[0] += x
    up[1] += y
    up[2] += z
    if math.sqrt(up[0] ** 2 + up[1] ** 2 + up[2] ** 2) < TURN_STEPS - 0.5:
        return
    angle = pod["astray_rad"] / TURN_STEPS
    axis = pod["axis"]
    turn_frame(
        pod, mean_way(pod) if pod["usual_n"] > 0 else (up[0], up[1], up[2]), up, axis[0], axis[1], axis[2], angle
    )
    pod["usual_n"] = 0
    pod["off_n"] = 0
    pod["confirm_n"] = 0
    pod["kf_heading"] += angle  # the axis turned in the pod, the pod did not
    pod["astray_n"] = 0


@kernel
def turn_frame(pod, old, new, x, y, z, angle):  # type: ignore[no-untyped-def]
    """Turn the seat so that `old` up (3,) comes to `new`, and forward (x, y, z) to `angle` to the left of itself.

    Forward is level in either; vectors in sensor axes, of any length.
    """
    size = math.sqrt(old[0] ** 2 + old[1] ** 2 + old[2] ** 2)
    ux, uy, uz = old[0] / size, old[1] / size, old[2] / size
    fx, fy, fz = levelled(x, y, z, ux, uy, uz)
    lx, ly, lz = uy * fz - uz * fy, uz * fx - ux * fz, ux * fy - uy * fx
    size = math.sqrt(new[0] ** 2 + new[1] ** 2 + new[2] ** 2)
    px, py, pz = new[0] / size, new[1] / size, new[2] / size
    x, y, z = levelled(x, y, z, px, py, pz)
    c, s = math.cos(angle), math.sin(angle)
    gx, gy, gz = c * x + s * (py * z - pz * y), c * y + s * (pz * x - px * z), c * z + s * (px * y - py * x)
    mx, my, mz = py * gz - pz * gy, pz * gx - px * gz, px * gy - py * gx
    for name in range(3):
        v = pod["up"] if name == 0 else pod["axis"] if name == 1 else pod["forward_sum"]
        a = v[0] * ux + v[1] * uy + v[2] * uz
        b = v[0] * fx + v[1] * fy + v[2] * fz
        d = v[0] * lx + v[1] * ly + v[2] * lz
        v[0] = a * px + b * gx + d * mx
        v[1] = a * py + b * gy + d * my
        v[2] = a * pz + b * gz + d * mz


@kernel
def levelled(x, y, z, ux, uy, uz):  # type: ignore[no-untyped-def]
    """The unit vector along that part of (x, y, z) that is square to the unit vector u."""
    d = x * ux + y * uy + z * uz
    x, y, z = x - d * ux, y - d * uy, z - d * uz
    size = math.sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size


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
