"""Cues fade as the runner improves over sessions; what is known goes from session to session as one text."""

import itertools
import json

import pytest

from host.coach.coach import Coach
from host.coach.history import LEAST_FREQUENCY, LEAST_STRIDES, Held, History
from host.coach.learning import learn
from host.coach.profile import Profile
from host.coach.wordings import Tried
from tests.host.coach.runner import STRIDE_S, Run, stride

REACH = {"tibial_inclination_ic_deg_by": 4.5, "foot_ahead_of_pelvis_mm_by": 30.0}
BASELINE = learn([stride(i * STRIDE_S, side) for i in range(100) for side in ("left", "right")])
KNOWN = History({"Quicker, lighter steps.": Tried(2.0, 1.5)}, {"overstride": Held(0.4, 0.1)})
ENOUGH = round(LEAST_STRIDES)


def sessions(*shares: float) -> History:
    """The history after longer and longer sessions in which overstride held for these shares, cued in the first."""
    history = History()
    for i, share in enumerate(shares):
        cued, strides = {"overstride"} if i == 0 else set(), 1000 * (i + 1)
        history = history.with_session(strides, {"overstride": round(strides * share), "pawing": 5}, cued)
    return history


def test_a_pattern_as_there_ever_was_is_cued_as_ever():
    assert History().frequency("overstride") == 1.0
    assert sessions(0.4).frequency("overstride") == 1.0
    assert sessions(0.4, 0.4, 0.5).frequency("overstride") == 1.0


def test_cues_fade_as_a_pattern_becomes_rarer():
    frequencies = [sessions(*[0.4, 0.2, 0.1, 0.05][:n]).frequency("overstride") for n in (1, 2, 3, 4)]
    assert frequencies == pytest.approx([1.0, 0.75, LEAST_FREQUENCY, LEAST_FREQUENCY])


def test_they_come_back_with_the_pattern():
    assert sessions(0.4, 0.1, 0.05).frequency("overstride") == LEAST_FREQUENCY
    assert sessions(0.4, 0.1, 0.05, 0.5).frequency("overstride") == 1.0


def test_what_was_never_cued_does_not_fade():
    assert "pawing" not in sessions(0.4, 0.1).held


def test_a_short_session_tells_nothing():
    history = sessions(0.4)
    assert history.with_session(ENOUGH - 1, {"overstride": 0}, set()) is history
    assert history.with_session(ENOUGH, {"overstride": 0}, set()).frequency("overstride") < 1.0


@pytest.mark.parametrize(("history", "gaps_s"), [(History(), [60, 75, 90]), (KNOWN, [120, 150, 180])])
def test_the_pauses_between_cues_of_a_run_grow(history, gaps_s):
    run = Run(Coach(BASELINE, history=history))
    run.go(round(600 / STRIDE_S), **REACH)
    times = [cue.t_s for cue in run.cues]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps[:3] == pytest.approx(gaps_s, abs=STRIDE_S)


def test_a_runner_who_improves_from_session_to_session_hears_less():
    profile = Profile(BASELINE)
    cues, held = [], []
    for strides in (300, 140, 140, 140):
        run = Run(Coach(profile.baseline, history=profile.history))
        run.go(60)
        run.go(strides, **REACH)
        run.go(600 - strides)
        cues.append(sum(cue.kind == "cue" for cue in run.cues))
        profile = run.coach.profile()
        held.append(profile.history.held["overstride"])
    assert cues[0] == 3
    assert cues[1] == 2
    assert cues[3] == 1, "for as much of it as in the second"
    assert held[0].most == held[3].most > held[3].recent


# ---------------------------------------------------------------- as text


@pytest.mark.parametrize(
    "profile", [Profile(), Profile(BASELINE), Profile(BASELINE, KNOWN), Profile(None, KNOWN)], ids=range(4)
)
def test_a_profile_is_read_as_it_was_written(profile):
    assert Profile.from_json(profile.to_json()) == profile


def test_a_habit_of_an_older_version_is_a_profile_without_history():
    assert Profile.from_json(BASELINE.to_json()) == Profile(BASELINE)


def test_a_run_too_short_for_anything_leaves_no_profile():
    run = Run()
    run.go(10)
    assert run.coach.profile() is None


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"version": 1}',
        '{"history": 3}',
        '{"history": {"tried": {}}}',
        '{"history": {"tried": {"x": ["y"]}, "held": {}}}',
        '{"history": {"tried": {}, "held": {"x": [1, 2, 3]}}}',
        "{",
        json.dumps({"history": {"tried": {}, "held": {}}, "version": 99}),
    ],
)
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Profile.from_json(text)


def test_a_session_starts_where_the_last_one_ended_whatever_carries_it():
    first = Run(Coach(BASELINE), seed=2)
    first.go(60)
    first.go(300, **REACH)
    first.go(100)
    carried = Profile.from_json(first.coach.profile().to_json())
    runs = []
    for profile in (first.coach.profile(), carried):
        run = Run(Coach(profile.baseline, history=profile.history), seed=4)
        run.go(60)
        run.go(300, **REACH)
        runs.append((run.cues, run.coach.effects, run.coach.profile()))
    assert runs[0] == runs[1]
    assert runs[0][0]
