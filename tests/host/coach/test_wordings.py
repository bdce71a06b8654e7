"""Which wording is said: what worked for this runner, and others now and then. The same history, the same words."""

import random
from collections import Counter

import pytest

from host.coach.coach import Coach
from host.coach.history import History
from host.coach.learning import learn
from host.coach.wordings import Tried, Wordings, choose
from host.texts.language import language
from tests.host.coach.runner import STRIDE_S, Run, stride

THREE = ("ground", "hips", "other")
REACH = {"tibial_inclination_ic_deg_by": 4.5, "foot_ahead_of_pelvis_mm_by": 30.0}
USUAL_WORDS = language("en").faults["overstride"].cues["usual"]
BASELINE = learn([stride(i * STRIDE_S, side) for i in range(100) for side in ("left", "right")])


def tried(*successes: float) -> Tried:
    return Tried(len(successes), sum(successes))


def test_those_never_tried_come_first_in_their_order():
    wordings = Wordings({})
    assert [wordings.choose(THREE) for _ in range(4)] == ["ground", "hips", "other", "ground"]


def test_one_that_was_said_without_a_known_effect_is_tried_again():
    wordings = Wordings({"ground": tried(0.5), "hips": tried(0.5)})
    assert wordings.choose(THREE) == "other"
    assert wordings.choose(THREE) == "other"


@pytest.mark.parametrize("best", THREE)
def test_what_works_is_preferred_and_the_others_are_still_tried(best):
    successes = random.Random(7)
    wordings = Wordings({})
    said = Counter[str]()
    for _ in range(100):
        text = wordings.choose(THREE)
        said[text] += 1
        wordings.learn(text, successes.gauss(0.8 if text == best else 0.3, 0.2))
    assert said[best] > 60
    assert min(said.values()) >= 3


def test_a_wording_that_wears_out_is_left():
    wordings = Wordings({"ground": tried(*[0.9] * 15), "hips": tried(*[0.5] * 5)})
    said = []
    for _ in range(40):
        said.append(wordings.choose(THREE[:2]))
        wordings.learn(said[-1], 0.1 if said[-1] == "ground" else 0.5)
    assert said[0] == "ground"
    assert said[-10:].count("hips") > 5


def test_success_is_between_none_and_all_and_fades_with_later_trials():
    wordings = Wordings({})
    wordings.learn(wordings.choose(THREE), -3.0)
    assert wordings.tried == {"ground": Tried(1.0, 0.0)}
    wordings.learn(wordings.choose(THREE), 7.0)
    assert wordings.tried == {"ground": Tried(0.95, 0.0), "hips": Tried(1.0, 1.0)}
    wordings.choose(("else", "more"))
    wordings.learn("else", 0.5)
    assert wordings.tried["hips"] == Tried(1.0, 1.0), "another cue says nothing of this one"


def test_the_memory_ends():
    wordings = Wordings({})
    for _ in range(200):
        wordings.learn(wordings.choose(THREE[:1]), 1.0)
    assert wordings.tried["ground"] == (pytest.approx(20.0, abs=0.01), pytest.approx(20.0, abs=0.01))


def test_the_formula_is_that_of_auer_and_others():
    # mean + sqrt(ln n / n_j / 4), by hand for n = 8: 0.80 + 0.29 = 1.09 for one of 6 trials of 0.8; for one of 2
    # trials the doubt is 0.51, so a mean of 0.57 is not enough, and one of 0.60 is.
    six = tried(*[0.8] * 6)
    assert choose(THREE[:2], {"ground": six, "hips": tried(0.55, 0.59)}, {}) == "ground"
    assert choose(THREE[:2], {"ground": six, "hips": tried(0.55, 0.65)}, {}) == "hips"


def test_the_coach_says_what_worked_before():
    history = History({text: tried(*[0.2] * 5) for text in USUAL_WORDS} | {USUAL_WORDS[1]: tried(*[0.9] * 5)})
    run = Run(Coach(BASELINE, history=history))
    run.go(60, **REACH)
    assert run.cues[0].text == USUAL_WORDS[1]


def test_the_coach_learns_what_works_and_the_next_session_knows():
    run = Run(Coach(BASELINE))
    run.go(45)
    run.go(60, **REACH)  # the first wording changes nothing
    run.go(60)
    run.go(12, **REACH)
    run.go(60)  # the second ends it
    first, second, *_ = USUAL_WORDS
    assert [cue.text for cue in run.cues if cue.kind == "cue"] == [first, second]
    learnt = run.coach.profile().history.tried
    assert learnt == {first: Tried(0.95, 0.0), second: tried(1.0)}
    third = Run(Coach(BASELINE, history=run.coach.profile().history))
    third.go(60, **REACH)
    assert third.cues[0].text == USUAL_WORDS[2], "one that was never tried"


@pytest.mark.parametrize("works", [0, 1, 2])
def test_over_sessions_the_coach_comes_to_say_what_works(works):
    """A runner who corrects after one wording of three, and not at all after the others."""
    history, said = History(), []
    for session in range(16):
        run = Run(Coach(BASELINE, history=history), seed=session)
        run.go(45)
        for _ in range(3):
            heard = run.go(20, **REACH)
            helped = any(cue.text == USUAL_WORDS[works] for cue in heard)
            run.go(30, **({} if helped else REACH))
            run.go(60)
        said.append([cue.text for cue in run.cues if cue.kind == "cue"])
        history = run.coach.profile().history
    assert set(said[0]) == set(USUAL_WORDS)
    late = [text for texts in said[2:] for text in texts]
    assert late.count(USUAL_WORDS[works]) > 0.6 * len(late)
    assert len(set(late)) == 3, "the others are still tried"
