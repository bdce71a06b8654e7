"""Which way a shank's pod faces about the leg's long axis: its hinge axis points left, not right.

Standing says nothing of that, and the axis a shank turns about has no sign of its own. But a knee bends one way, so
wherever on the leg the pod sits, motion tells.
"""

import math

from dsp.alignment import EVERY
from dsp.attitude import tilt_at
from dsp.contacts import SWING_NEXT
from dsp.jit import kernel
from dsp.orientation import lose_attitude
from dsp.quaternion import rotate_row
from dsp.state import RING


@kernel
def faces_right(pod, co):  # type: ignore[no-untyped-def]
    """Whether the hinge axis, newly estimated, points to the right; turns it round then.

    From the heel's rise until the swing's end a shank's upper end is ahead: the slow mean of its lean is forward, by 15
    degrees at the least in 48 legs of eight runners (Fukuchi, Fukuchi & Duarte 2017, doi 10.7717/peerj.3298), by 10 in
    a simulated walker. With left and right confused forward is backward. That shows within the first step, but needs an
    attitude, which contacts that are none soon lead astray. Later the rate itself tells: a leg swings through faster
    than it turns back, so the mean cube of its rate is negative, by a fifth of the same without signs (same legs).
    """
    axis, w = pod["axis"], pod["gyr"]
    rate = axis[0] * w[0] + axis[1] * w[1] + axis[2] * w[2]
    if not pod["ready"] or abs(rate) < co["axis_min_radps"]:
        return False
    dt = EVERY * pod["period_s"]
    gain = dt / co["facing_s"]
    pod["cube"] += gain * (rate**3 - pod["cube"])
    pod["size"] += gain * (abs(rate) ** 3 - pod["size"])
    pod["moved_s"] += dt
    if pod["moved_s"] < co["facing_early_s"]:
        pod["lean"] += dt / co["axis_tau_s"] * (lean(pod) - pod["lean"])
        wrong = pod["lean"] < -co["facing_lean"]
    else:
        wrong = pod["cube"] > co["facing_cube"] * pod["size"]
    if wrong:
        axis[0], axis[1], axis[2] = -axis[0], -axis[1], -axis[2]
        pod["lean"] = -pod["lean"]
        pod["cube"] = -pod["cube"]
    return wrong


@kernel
def lean(pod):  # type: ignore[no-untyped-def]
    """How far the shank's upper end is ahead of the lower in the newest ring row: sine of the angle."""
    rows = pod["ring"]
    i = (pod["n"] - 1) & (RING - 1)
    axis, up = pod["axis"], pod["up"]
    nx, ny, _ = rotate_row(rows, i, axis[0], axis[1], axis[2])
    x, y, z = rotate_row(rows, i, up[0], up[1], up[2])
    tx, ty = tilt_at(pod, pod["t_s"]) if pod["kf_n"] > 0 else (0.0, 0.0)
    return ((x - tx * z) * ny - (y - ty * z) * nx) / math.sqrt(nx * nx + ny * ny + 1e-12)


@kernel
def begin_anew(pod, leg):  # type: ignore[no-untyped-def]
    """Left and right were confused: forget the contacts of `leg`, and what they taught the attitude."""
    if pod["kf_n"] > 0:
        lose_attitude(pod)
    pod["off_n"] = 0
    pod["confirm_n"] = 0
    leg["phase"] = SWING_NEXT
    leg["zero_n"] = 0
    leg["heading_n"] = 0
    leg["ic_s"] = math.nan
    leg["was_ic_s"] = math.nan
    leg["ms_s"] = math.nan
