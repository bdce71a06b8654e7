"""Which leg is named, and what takes both."""

from dataclasses import replace

import pytest

from tests.host.coach.runner import stride
from tests.host.coach.warm import CLEAR, kinds, warm


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_leg_that_reaches_is_named(side):
    run = warm()
    cues = run.go(20, only=side, **CLEAR["overstride"])
    assert kinds(cues) == [("cue", "overstride")]
    assert cues[0].side == side
    assert side in cues[0].text
    assert run.held == [("overstride", side)]


@pytest.mark.parametrize("fault", ["tilt_flattened", "tilt_excessive", "low_cadence"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_fault_without_a_side_needs_both_legs(fault, side):
    run = warm(seed=None)
    # The cadence of a stride is its length, so a leg alone can only show it in the column.
    for _ in range(40):
        for leg in ("left", "right"):
            one = stride(run.t_s, leg)
            if leg == side:
                column, change = next(iter(CLEAR[fault].items()))
                column = column.removesuffix("_by")
                one = replace(one, **{column: getattr(one, column) + change})
            assert run.take(one) == []
    assert run.held == []
