"""What a session leaves behind: the profile and the summary."""

import pytest

from host.coach.coach import Coach
from host.texts.language import language
from tests.host.coach.runner import STRIDE_S, Run, replay
from tests.host.coach.warm import CLEAR, USUAL, strides_of, warm

ENGLISH = language("en")


def test_the_profile_grows_by_this_session():
    run = Run(Coach(USUAL), seed=8)
    run.go(strides_of(20))
    assert run.coach.baseline() is USUAL, "too short to have learnt"
    run.go(strides_of(80))
    merged = run.coach.baseline()
    assert merged.sessions == 2
    assert merged.usual("pelvic_tilt_deg", "left", 3.5, 0.0).mean == pytest.approx(6.46, abs=0.3)


def test_strides_with_a_fault_do_not_enter_the_profile():
    run = Run(seed=8)
    run.go(strides_of(90))
    known = run.coach.baseline().sums["pelvic_tilt_deg", "left"].n
    run.go(200, **CLEAR["overstride"])
    # Those before it held, one in 19 of both legs.
    assert run.coach.baseline().sums["pelvic_tilt_deg", "left"].n <= known + 3
    run.go(200)
    assert run.coach.baseline().sums["pelvic_tilt_deg", "left"].n > known + 8


def test_no_profile_from_too_short_a_run():
    run = Run()
    run.go(strides_of(30))
    assert run.coach.baseline() is None


def test_summary_of_a_run_is_plain_data():
    run = warm(seed=None)
    run.go(20, only="left", **CLEAR["overstride"])
    run.go(strides_of(40))
    summary = run.coach.summary()
    assert summary["running_s"] == pytest.approx(len(run.strides) * STRIDE_S / 2, rel=0.01)
    assert summary["faults"] == {
        "overstride": {
            "name": "landing ahead of the body",
            "strides_held": {"left": 22, "right": 0},  # from the 12th of 20 on, and 13 more until it ended
            "cues": 1,
            "norm_only_cues": 0,
            "praises": 1,
            # 4.5 degrees in the twelve strides before, and in three of the 20 after.
            "effect": "cue on landing ahead of the body: once; overstride fell by 3.8 degrees on average.",
            "advice": ENGLISH.faults["overstride"].advice,
            "exercises": ENGLISH.faults["overstride"].exercises,
        }
    }
    assert "not a medical device" in summary["closing"]


def test_the_same_strides_give_the_same_cues():
    run = warm()
    for fault in CLEAR:
        run.go(40, **CLEAR[fault])
        run.go(40)
    assert list(replay(run.strides, Coach(USUAL))) == run.cues
    assert len(run.cues) > 4
