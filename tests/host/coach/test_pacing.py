"""How often a word may come, and when the first."""

import itertools

import pytest

from host.coach.coach import Coach
from host.texts.language import language
from tests.host.coach.runner import STRIDE_S, Run
from tests.host.coach.warm import CLEAR, HABITUAL, USUAL, kinds, strides_of, warm

ENGLISH = language("en")


def test_the_same_cue_comes_again_after_60_then_75_then_90_seconds():
    run = warm(seed=None)
    run.go(strides_of(400), **CLEAR["overstride"])
    times = [cue.t_s for cue in run.cues]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps[:4] == pytest.approx([60, 75, 90, 90], abs=STRIDE_S)


def test_two_different_cues_keep_twenty_seconds_apart():
    run = warm(seed=None)
    run.go(strides_of(50), **CLEAR["overstride"], **CLEAR["tilt_excessive"])
    assert kinds(run.cues) == [("cue", "overstride"), ("cue", "tilt_excessive")]
    assert run.cues[1].t_s - run.cues[0].t_s == pytest.approx(20, abs=STRIDE_S)


def test_wordings_take_turns():
    run = warm(seed=None)
    run.go(strides_of(120), **CLEAR["overstride"])
    usual = ENGLISH.faults["overstride"].cues["usual"]
    assert [cue.text for cue in run.cues] == usual[:2]


def test_no_word_to_one_who_is_getting_better():
    run = warm(seed=None)
    run.go(strides_of(59), **CLEAR["overstride"])
    # Sixty seconds after the cue come while the fault still holds, with nine, eight, seven of twenty.
    run.go(13)
    assert run.held == [("overstride", "")]
    assert len(run.cues) == 1


def test_no_word_while_it_is_less_than_it_was_at_its_onset():
    run = warm(seed=None)
    run.go(20, **CLEAR["overstride"])
    # Every other stride: ten of twenty keep it, and do not call for another word.
    for _ in range(strides_of(100) // 2):
        run.go(1)
        run.go(1, **CLEAR["overstride"])
    assert run.held == [("overstride", "")]
    assert len(run.cues) == 1


def test_nothing_in_the_first_minute_then_at_once():
    run = Run()
    run.go(strides_of(85), **HABITUAL["overstride"])
    assert kinds(run.cues) == [("cue", "overstride")]
    assert run.cues[0].t_s - run.strides[0].ic_s == pytest.approx(60, abs=2 * STRIDE_S)


def test_fifteen_seconds_where_a_profile_holds_a_baseline():
    run = Run(Coach(USUAL))
    run.go(strides_of(30), **CLEAR["overstride"])
    assert kinds(run.cues) == [("cue", "overstride")]
    assert run.cues[0].t_s - run.strides[0].ic_s == pytest.approx(15, abs=2 * STRIDE_S)


def test_walking_is_not_running():
    run = Run(Coach(USUAL))
    run.go(strides_of(120), quality="walking")
    run.go(strides_of(14), **CLEAR["overstride"])
    assert run.cues == []
