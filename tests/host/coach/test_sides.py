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


def test_what_the_other_leg_nearly_did_before_is_no_part_of_it():
    run = warm(seed=None)
    run.go(1, only="right", **CLEAR["overstride"])
    run.go(8, only="right", tibial_inclination_ic_deg_by=2.5, foot_ahead_of_pelvis_mm_by=20.0)  # of 3 deg, 25 mm
    run.go(13, only="left", **CLEAR["overstride"])
    assert run.held == [("overstride", "left")]
    assert [cue.side for cue in run.cues] == ["left"]
