"""Uphill and fast: words and limits of their own."""

from dataclasses import replace

import pytest

from host.coach.coach import Coach
from host.texts.language import language
from tests.host.coach.runner import NAN, Run
from tests.host.coach.warm import CLEAR, kinds, strides_of, warm

ENGLISH = language("en")


def test_uphill_has_its_own_words_and_a_tighter_limit():
    # 2.7 deg above habit: less than 3, more than four fifths of 3. Of a runner whose hills are known.
    change = {"tibial_inclination_ic_deg_by": 2.7}
    runner = Run(Coach())
    for _ in range(8):
        runner.go(strides_of(30))
        runner.go(strides_of(30), grade_percent=4.0)
    known = replace(runner.coach.baseline(), days={})
    assert Run(Coach(known)).go(50, **change) == []
    cues = Run(Coach(known)).go(25, grade_percent=3.0, **change)
    assert kinds(cues) == [("cue", "overstride")]
    assert cues[0].context == "uphill"
    assert cues[0].text in ENGLISH.faults["overstride"].cues["uphill"]


def test_fast_has_its_own_words():
    cues = warm(seed=None).go(
        25,
        speed_mps=4.4,
        cadence_spm=183.0,
        tibial_inclination_ic_deg_by=6.0,
        foot_ahead_of_pelvis_mm_by=40.0,
    )
    assert kinds(cues) == [("cue", "overstride")]
    assert cues[0].context == "fast"
    assert cues[0].text in ENGLISH.faults["overstride"].cues["fast"]


@pytest.mark.parametrize(("told_mps", "context"), [(2.9, "fast"), (2.95, ""), (NAN, "")])
def test_the_easy_speed_that_was_told_goes_before_the_learnt_one(told_mps, context):
    """At 3.5 m/s, the speed of the profile: 20 % above 2.92 m/s."""
    cues = warm(easy_speed_mps=told_mps).go(40, **CLEAR["overstride"])
    assert [cue.context for cue in cues[:1]] == [context]


def test_a_fault_that_knows_no_context_names_none():
    cues = warm(seed=None).go(25, grade_percent=3.5, **CLEAR["low_cadence"])
    assert [(cue.fault, cue.context) for cue in cues] == [("low_cadence", "")]


def test_advice_and_exercises_after_the_run_name_hills_if_hills_were_cued():
    run = warm(seed=None)
    run.go(25, grade_percent=4.0, **CLEAR["overstride"])
    words = ENGLISH.faults["overstride"]
    summary = run.coach.summary()["faults"]["overstride"]
    assert summary["advice"] == f"{words.advice} {words.context_advice['uphill']}"
    assert summary["exercises"] == [*words.exercises, words.context_exercises["uphill"]]
