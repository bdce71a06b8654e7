"""When it got better, and when that is said."""

import pytest

from host.coach.coach import Coach
from host.texts.language import language
from tests.host.coach.runner import Run
from tests.host.coach.warm import CLEAR, HABITUAL, USUAL, kinds, profile, strides_of, warm

ENGLISH = language("en")


@pytest.mark.parametrize("fault", CLEAR)
def test_praise_comes_once_when_it_got_better_then_silence(fault):
    run = warm()
    run.go(20, **CLEAR[fault])
    run.go(strides_of(300))
    assert kinds(run.cues) == [("cue", fault), ("praise", fault)]
    assert run.cues[1].text in ENGLISH.faults[fault].praise
    assert 20 <= run.cues[1].t_s - run.cues[0].t_s <= 30


def test_no_praise_for_what_was_never_cued():
    run = Run(Coach(USUAL), seed=2)
    run.go(strides_of(12), **CLEAR["overstride"])  # before the first word
    run.go(strides_of(60))
    assert run.cues == []


def test_no_praise_while_it_still_holds_or_after_a_stop():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    run.pause(30)
    run.go(strides_of(60))
    assert kinds(run.cues) == [("cue", "overstride")]


def test_no_praise_to_one_who_has_begun_again():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    run.go(14)
    assert run.held == []
    # Twenty seconds after the cue are over before it holds again.
    run.go(25, **CLEAR["overstride"])
    assert kinds(run.cues) == [("cue", "overstride")]


def test_praise_that_came_too_late_is_not_said():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    run.go(14)  # it ends here, before twenty seconds are over
    assert run.held == []
    # Half a minute of bad strides, without a stop: at its end the good news is old.
    for _ in range(4):
        run.go(strides_of(8), quality="gap")
    run.go(strides_of(30))
    assert kinds(run.cues) == [("cue", "overstride")]


@pytest.mark.parametrize(("left_deg", "praised"), [(2.6, False), (2.2, False), (1.8, True)])
def test_no_praise_while_it_is_nearly_there(left_deg, praised):
    """Of 4.5 deg beyond usual so much is left, of a limit of 3."""
    run = warm(seed=None)
    run.go(20, **CLEAR["tilt_flattened"])
    run.go(strides_of(50), pelvic_tilt_deg_by=-left_deg)
    assert (("praise", "tilt_flattened") in kinds(run.cues)) is praised


def test_no_praise_to_one_who_overdoes_it():
    run = warm(seed=None)
    run.go(20, **CLEAR["tilt_flattened"])
    run.go(strides_of(50), **CLEAR["tilt_excessive"])
    assert kinds(run.cues) == [("cue", "tilt_flattened"), ("cue", "tilt_excessive")]


@pytest.mark.parametrize("speed_mps", [1.9, 5.2])
def test_no_praise_where_nobody_knows_whether_it_got_better(speed_mps):
    always = HABITUAL["low_cadence"]
    run = Run(Coach(profile(**always)), seed=3)
    run.go(strides_of(40), **always)
    run.go(strides_of(30), speed_mps=speed_mps, cadence_spm=168.0 if speed_mps > 3.5 else 131.0)
    assert kinds(run.cues) == [("cue", "low_cadence")], "beyond the norm's speeds it was neither there nor gone"
    assert run.held == []


def test_a_cue_goes_before_praise():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    run.go(strides_of(16), **CLEAR["tilt_excessive"])
    assert kinds(run.cues) == [("cue", "overstride"), ("cue", "tilt_excessive")]


def test_each_praise_follows_a_cue_of_its_own():
    run = warm(seed=None)
    for _ in range(3):
        run.go(20, **CLEAR["overstride"])
        run.go(strides_of(80))
    assert kinds(run.cues) == [("cue", "overstride"), ("praise", "overstride")] * 3
