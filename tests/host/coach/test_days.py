"""Days differ: what the coach knows of past ones, and what it makes of a new one."""

import math

import pytest

from host.coach.baseline import DAY_SHARE, DAY_SHARE_WEIGHS, Baseline, Days
from host.coach.coach import Coach
from host.coach.learning import learn
from host.coach.norms import usual_change
from tests.host.coach.runner import STRIDE_S, Run

TILT, KEY = "pelvic_tilt_deg", ("pelvic_tilt_deg", "left")
SECOND = 1.0 / STRIDE_S  # strides of a leg
USUAL_SD = DAY_SHARE * usual_change(TILT).sd


def session(known=None, seconds=90, seed=1, **changes):
    run = Run(Coach(known), seed=seed)
    run.go(round(seconds * SECOND), **changes)
    return run


def past(*tilts_deg):
    """The profile after days on which the tilt was that much from the mean."""
    known = None
    for seed, tilt_deg in enumerate(tilts_deg):
        known = session(known, seed=seed, pelvic_tilt_deg_by=tilt_deg).coach.baseline()
    return known


def faults(run):
    return [cue.fault for cue in run.cues if cue.kind == "cue"]


def test_the_spread_of_days_is_that_of_runners_in_general_until_this_one_has_shown_another():
    assert math.sqrt(Days().variance(TILT)) == pytest.approx(USUAL_SD)
    assert Days().new_day_variance(TILT) == pytest.approx(2.0 * USUAL_SD**2), "the past day is but one, too"
    alike, unlike = (past(0.0, *[by, -by] * 4).days[KEY].variance(TILT) for by in (0.0, 2.5))
    assert alike < 0.6 * USUAL_SD**2
    assert unlike > 1.5 * alike


def test_two_days_teach_what_differs_as_one_of_independent_days():
    days = past(0.0, 2.0).days[KEY]
    assert days.n == pytest.approx(1.9)
    assert days.told == 1.0
    assert days.squares == pytest.approx(2.0**2 / 2.0, rel=0.1)
    assert days.variance(TILT) == pytest.approx(
        (DAY_SHARE_WEIGHS * USUAL_SD**2 + days.squares) / (DAY_SHARE_WEIGHS + 1.0)
    )


def test_a_day_takes_its_level_from_its_first_minute_and_its_changes_from_the_past():
    known = past(0.0)
    today = known.on(learn(session(pelvic_tilt_deg_by=2.5).strides))
    was, now = known.habit(*KEY), today.habit(*KEY)
    assert now.coefficients[0] - was.coefficients[0] == pytest.approx(2.5, abs=0.15)
    assert now.coefficients[1:] == pytest.approx(was.coefficients[1:], abs=0.05)
    assert now.day_sd == 0.0
    assert now.doubt(0.0, 0.0) < 0.2


def test_a_level_further_than_days_differ_is_not_taken_for_usual():
    known = past(0.0, 0.0, 0.0)
    today = known.on(learn(session(pelvic_tilt_deg_by=-5.0).strides))
    assert today.habit(*KEY) is None
    assert today.habit("cadence_spm", "left") is not None


@pytest.mark.parametrize("tilt_deg", [-3.3, 3.3])
def test_another_day_is_no_fault(tilt_deg):
    assert faults(session(past(0.0), 600, pelvic_tilt_deg_by=tilt_deg)) == []


@pytest.mark.parametrize(("tilt_deg", "fault"), [(-5.0, "tilt_flattened"), (6.0, "tilt_excessive")])
def test_a_fault_that_is_there_from_the_first_step_is_said_twice_and_left_to_the_summary(tilt_deg, fault):
    run = session(past(0.3, -0.3, 0.0), 600, pelvic_tilt_deg_by=tilt_deg)
    assert faults(run) == [fault, fault]
    assert run.cues[0].t_s < 40.0


def test_a_fault_of_the_day_is_judged_by_the_day_and_said_again_and_again():
    run = session(past(0.0), 90, pelvic_tilt_deg_by=2.5)
    run.go(round(600 * SECOND), pelvic_tilt_deg_by=2.5 - 4.5)
    assert faults(run) == ["tilt_flattened"] * len(faults(run))
    assert len(faults(run)) > 4


def test_days_are_kept_with_the_profile_and_one_without_is_the_habit_itself():
    known = past(0.0, 1.0)
    assert Baseline.from_json(known.to_json()) == known
    without = Baseline(known.easy_speed_mps, known.sessions, known.sums)
    old = Baseline.from_json(without.to_json())
    assert old.days == {}
    run = Run(Coach(old), seed=3)
    run.go(round(30 * SECOND))
    run.go(40, pelvic_tilt_deg_by=-4.5)
    assert faults(run) == ["tilt_flattened"]
    assert old.merged(learn(session().strides)).days[KEY].n == pytest.approx(0.9 * 1.9 + 1.0)
