"""How a change came: at once, as a pod slips, or over strides, as a body gets into another posture.

Two courses are fitted, by least squares, to how far the last half strides were turned: a step, whose one half stride on
the way says nothing, and a ramp over two strides, which also fits a slower change better than a step does. By how much
the ramp leaves more says which it was.

How sensitive that is (`bench_slips constants`): with a ramp of one stride 71 instead of 88 % of slips of 6 degrees are
seen; with one of four, 98, and two of 217 sessions without a slip have one. Without MARGIN 71 % again; twice it changes
nothing, nor does half or twice state.BEFORE.
"""

import math

from dsp.jit import kernel
from dsp.state import BEFORE, TURNS

RAMP = 4.0  # half strides
MARGIN = 1  # half strides by which the beginning may lie to either side of where it was seen


@kernel
def note_turn(pod, x, y, z):  # type: ignore[no-untyped-def]
    """The newest half stride was turned by (x, y, z; rad)."""
    turns = pod["turns"]
    for k in range(TURNS - 1):
        for j in range(3):
            turns[k, j] = turns[k + 1, j]
    turns[TURNS - 1, 0], turns[TURNS - 1, 1], turns[TURNS - 1, 2] = x, y, z


@kernel
def step_beats_ramp(pod):  # type: ignore[no-untyped-def]
    """How much more a ramp than a step leaves of the turn that began with row BEFORE of `turns`, rad^2."""
    turns, course = pod["turns"], pod["course"]
    off = pod["off_turn"]
    size = math.sqrt(off[0] ** 2 + off[1] ** 2 + off[2] ** 2)
    for k in range(TURNS):
        course[k] = (turns[k, 0] * off[0] + turns[k, 1] * off[1] + turns[k, 2] * off[2]) / size
    step, ramp = math.inf, math.inf
    for k in range(BEFORE - MARGIN, BEFORE + MARGIN + 1):
        step = min(step, misfit_of_step(course, k))
    for k in range(BEFORE - MARGIN - 1, BEFORE + MARGIN + 1):
        ramp = min(ramp, misfit_of_ramp(course, k - 0.5 * RAMP, RAMP))
    return ramp - step


@kernel
def misfit_of_step(course, at):  # type: ignore[no-untyped-def]
    """Sum of squares that a step leaves: nothing before row `at`, the mean after it, that row itself left out."""
    n = TURNS - 1 - at
    mean, left = 0.0, 0.0
    for k in range(at + 1, TURNS):
        mean += course[k] / n
    for k in range(TURNS):
        off = course[k] if k < at else course[k] - mean if k > at else 0.0
        left += off * off
    return left


@kernel
def misfit_of_ramp(course, begins, lasts):  # type: ignore[no-untyped-def]
    """Sum of squares that the best ramp leaves, of any height, that rises from row edge `begins` over `lasts` rows."""
    shape2, product, course2 = 0.0, 0.0, 0.0
    for k in range(TURNS):
        shape = min(max((k + 0.5 - begins) / lasts, 0.0), 1.0)
        shape2 += shape * shape
        product += shape * course[k]
        course2 += course[k] * course[k]
    return course2 - product * product / shape2
