"""When a fault begins to hold, and when it ends."""

import pytest

from host.coach.faults import FAULTS
from tests.host.coach.runner import Run
from tests.host.coach.warm import CLEAR, kinds, strides_of, warm

FAULT = {fault.id: fault for fault in FAULTS}


@pytest.mark.parametrize("fault", CLEAR)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_clear_fault_is_cued_within_twenty_strides_of_its_onset(fault, seed):
    run = warm(seed)
    cues = run.go(20, **CLEAR[fault])
    assert kinds(cues) == [("cue", fault)]
    assert cues[0].side == ""
    assert cues[0].context == ""
    assert run.held == [(fault, "")]


@pytest.mark.parametrize("fault", CLEAR)
def test_it_takes_twelve_strides_of_both_legs(fault):
    run = warm(seed=None)
    assert run.go(11, **CLEAR[fault]) == []
    assert run.held == []
    cues = run.go(1, **CLEAR[fault])
    assert kinds(cues) == [("cue", fault)]
    assert cues[0].t_s == run.strides[-1 if not FAULT[fault].sided else -2].decided_s


def test_twelve_of_the_last_twenty_need_not_be_in_a_row():
    run = warm(seed=None)
    for _ in range(7):
        run.go(1, **CLEAR["overstride"])
        run.go(1)
    # Every other stride: never more than ten of twenty.
    assert run.go(10) == []
    assert run.held == []
    for _ in range(5):
        run.go(3, **CLEAR["overstride"])
        run.go(2)
    assert kinds(run.cues) == [("cue", "overstride")]


def test_it_ends_at_six_of_twenty_and_not_before():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    run.go(13)  # seven are left of the last twenty
    assert run.held == [("overstride", "")]
    run.go(1)
    assert run.held == []


def test_after_its_end_it_takes_twelve_again():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    run.go(14)
    run.go(5, **CLEAR["overstride"])
    assert run.held == []
    run.go(20, **CLEAR["overstride"])
    assert run.held == [("overstride", "")]


def test_clean_running_hears_nothing():
    run = Run(seed=4)
    run.go(strides_of(1200))
    assert run.cues == []
    assert run.coach.summary()["faults"] == {}


def test_running_faster_or_slower_hears_nothing():
    run = warm()
    for speed_mps, cadence_spm in ((2.5, 161.7), (3.0, 166.6), (4.5, 184.0), (5.0, 184.0), (3.5, 171.4)):
        run.go(strides_of(60), speed_mps=speed_mps, cadence_spm=cadence_spm)
    assert run.cues == []
