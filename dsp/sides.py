"""Whether the left shank's pod is on the right leg and the right one's on the left.

Who stands has the feet apart, who runs lands near the line of travel: in mid-stance a shank leans outwards against
standing, its knee further from the other leg than its ankle. Pods on each other's leg say inwards. In a bend, on a
slanted road, or with a pod that has slipped one leg may lean inwards, but not both.
"""

import math

from dsp.attitude import tilt_at
from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.quaternion import rotate_row
from dsp.state import RING

# Two strides of a leg tell, for single ones scatter by 1 deg. But who has run for a while and then hops sideways, feet
# wide apart, has not swapped pods on the way: a mean of some twenty.
FEWEST, RECENT = 2, 0.05


@kernel
def watch_sides(core, co, side):  # type: ignore[no-untyped-def]
    """A running stride of `side`: how its shank leaned in mid-stance, and what both legs say of their pods."""
    pod, other = core["pods"][1 + side], core["pods"][2 - side]
    lean = lean_to_right(pod, core["legs"][side]["ms_s"])
    in_doubt = pod["slipped"] or pod["doubtful"] or math.sqrt(pod["p"][1, 1]) > co["settled_tilt_sd_rad"]
    if in_doubt or not pod["calibrated"] or math.isnan(lean):
        return
    pod["lean_n"] += 1
    inwards = lean if side == 0 else -lean
    pod["inwards_rad"] += max(1.0 / pod["lean_n"], RECENT) * (inwards - pod["inwards_rad"])
    if min(pod["lean_n"], other["lean_n"]) >= FEWEST:
        core["swapped"] = min(pod["inwards_rad"], other["inwards_rad"]) > co["swapped_lean_rad"]
        pod["anew"] = core["swapped"]
        other["anew"] = core["swapped"]


@kernel
def lean_to_right(pod, t):  # type: ignore[no-untyped-def]
    """How far the shank leans at `t` (s) against standing, its upper end to the right +, rad; NaN if unknown."""
    k = row_at(pod, t)
    if k < 0:
        return math.nan
    axis, up = pod["axis"], pod["up"]
    d = axis[0] * up[0] + axis[1] * up[1] + axis[2] * up[2]
    a, b, c = axis[0] - d * up[0], axis[1] - d * up[1], axis[2] - d * up[2]  # left, level in standing
    x, y, z = rotate_row(pod["ring"], k & (RING - 1), a, b, c)
    tx, ty = tilt_at(pod, t)
    return math.atan2(z + tx * x + ty * y, math.hypot(x, y))
