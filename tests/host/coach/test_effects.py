"""What came of a cue, from strides written down by hand: means are of what was put in."""

from dataclasses import replace

import pytest

from host.coach.coach import Coach
from host.coach.effects import STRIDES, compare, mean_change
from host.coach.faults import FAULTS
from host.coach.learning import learn
from host.coach.norms import norm
from tests.host.coach.runner import NAN, STRIDE_S, Run, replay, stride

FAULT = {fault.id: fault for fault in FAULTS}
TIBIA = "tibial_inclination_ic_deg"
REACH = {"tibial_inclination_ic_deg_by": 4.5, "foot_ahead_of_pelvis_mm_by": 30.0}


def usual_strides():
    return [stride(i * STRIDE_S, side) for i in range(100) for side in ("left", "right")]


USUAL = learn(usual_strides())


def warm(**options):
    """A run past its first words, without noise, with a profile."""
    run = Run(Coach(USUAL, **options))
    assert run.go(45) == []
    return run


def cued(changes=REACH, **options):
    """A run right after a cue."""
    run = warm()
    run.go(12, **changes, **options)
    assert [cue.kind for cue in run.cues] == ["cue"]
    return run


def test_the_strides_before_and_after_are_compared():
    run = cued()
    run.go(26, tibial_inclination_ic_deg_by=1.5)
    (effect,) = run.coach.effects
    cue = run.cues[0]
    assert (effect.cue_number, effect.fault, effect.side, effect.text) == (1, "overstride", "", cue.text)
    assert (effect.language, effect.metric) == ("en", TIBIA)
    # Twelve strides of the left leg bring the cue, and eleven of the right; those before were as usual.
    assert (effect.n_before, effect.n_after) == (23, 40)
    assert effect.before == pytest.approx(4.5, abs=1e-6)
    assert effect.after == pytest.approx(1.5, abs=1e-6)
    # Known with the last of the strides: the words took 3 s, then 20 of the second leg.
    assert effect.t_s - cue.t_s == pytest.approx(3.0 + 20.5 * STRIDE_S, abs=STRIDE_S)


def test_a_pattern_that_stays_has_not_grown():
    run = cued()
    run.go(26, **REACH)
    (effect,) = run.coach.effects
    assert effect.before == pytest.approx(effect.after)


def test_a_pattern_that_has_long_been_there_is_told_by_20_strides_of_a_leg():
    run = cued()
    run.go(115, **REACH)
    second = run.coach.effects[1]
    assert second.cue_number == 2
    assert (second.n_before, second.n_after) == (40, 40)


def test_a_chance_stride_before_the_pattern_is_not_its_beginning():
    run = warm()
    run.go(1, **REACH)
    run.go(6)
    run.go(40, **REACH)
    (effect, *_) = run.coach.effects
    assert effect.n_before < 30
    assert effect.before == pytest.approx(4.5, abs=1e-6)


def test_strides_without_it_in_between_count():
    run = warm()
    for _ in range(7):
        run.go(2, **REACH)
        run.go(1)
    assert len(run.cues) == 1
    run.go(26)
    # From the first on that showed it: up to twelve of both legs, with five without it between them.
    assert run.coach.effects[0].before == pytest.approx(4.5 * 23 / 33, abs=1e-6)


def test_what_is_run_while_the_cue_is_spoken_counts_for_neither():
    run = cued()
    run.go(4, tibial_inclination_ic_deg_by=400.0)  # the last of them begins 2.4 s after the cue
    run.go(26)
    (effect,) = run.coach.effects
    assert effect.after == pytest.approx(0.0, abs=1e-6)
    run = cued()
    run.go(5, tibial_inclination_ic_deg_by=400.0)  # that of the right leg begins 3.1 s after it
    run.go(26)
    (effect,) = run.coach.effects
    assert effect.after == pytest.approx(400.0 / 40)


def test_slowing_down_is_no_success():
    run = cued()
    slower = norm(TIBIA, 2.9).mean - norm(TIBIA, 3.5).mean
    assert slower < -1.0, "the tibia falls with speed, so a plain comparison would see a success"
    run.go(26, speed_mps=2.9, **REACH)
    (effect,) = run.coach.effects
    assert effect.after == pytest.approx(4.5, abs=0.3)


def test_neither_is_a_hill_where_the_habit_knows_hills():
    hills = [
        stride(i * STRIDE_S, side, grade_percent=grade, tibial_inclination_ic_deg=12.0 - 0.5 * grade)
        for i in range(100)
        for side in ("left", "right")
        for grade in (0.0, 4.0)
    ]
    before = [stride(i, "left", tibial_inclination_ic_deg=16.0) for i in range(20)]
    after = [stride(i, "left", grade_percent=4.0, tibial_inclination_ic_deg=14.0) for i in range(20)]
    found = compare(FAULT["overstride"], before, after, learn(hills), against_own=True)
    assert found.before == pytest.approx(4.0, abs=0.05)
    assert found.after == pytest.approx(4.0, abs=0.15)


@pytest.mark.parametrize("side", ["left", "right"])
def test_of_one_leg_only_that_one_counts(side):
    run = warm()
    run.go(12, only=side, **REACH)
    other = "right" if side == "left" else "left"
    run.go(26, only=other, tibial_inclination_ic_deg_by=50.0)
    effect = run.coach.effects[0]
    assert effect.side == side
    assert (effect.n_before, effect.n_after) == (12, 20)
    assert effect.before == pytest.approx(4.5, abs=1e-6)
    assert effect.after == pytest.approx(0.0, abs=1e-6)


def test_only_good_strides_count():
    run = cued()
    for _ in range(14):
        run.go(1, tibial_inclination_ic_deg_by=1.0)
        run.go(1, quality="gap", tibial_inclination_ic_deg_by=90.0)
    run.go(10, quality="gap")
    (effect,) = run.coach.effects
    assert effect.after == pytest.approx(1.0, abs=1e-6)
    assert 22 <= effect.n_after <= 25, "half of what is run in 17 s"


def walk(run):
    run.go(1, quality="walking")


def stop(run):
    run.pause(2.5)


@pytest.mark.parametrize("torn", [walk, stop])
@pytest.mark.parametrize("after", [0, 19])
def test_a_walk_or_a_stop_leaves_no_effect(torn, after):
    run = cued()
    run.go(after)
    torn(run)
    run.go(40)
    assert run.coach.effects == []


def test_what_came_before_a_stop_is_not_compared_with():
    run = warm()
    run.go(11, **REACH)
    stop(run)
    run.go(1, **REACH)
    assert len(run.cues) == 1
    run.go(40)
    assert run.coach.effects == [], "one stride since the stop is too few"


def test_what_came_long_before_the_cue_is_not_compared_with():
    run = warm()
    run.go(8, **REACH)
    run.go(30, quality="gap")
    run.go(12, **REACH)
    run.go(26)
    (effect,) = run.coach.effects
    assert (effect.n_before, effect.before) == (23, pytest.approx(4.5))


def test_too_few_good_strides_leave_no_effect():
    run = cued()
    run.go(9)
    run.go(40, quality="gap")
    assert run.coach.effects == []


def test_where_both_legs_had_it_both_must_be_known():
    run = cued()
    run.go(40, only="right", quality="gap")
    assert run.coach.effects == []


def test_strides_long_after_the_cue_do_not_count():
    run = cued()
    run.go(4)
    for _ in range(10):
        run.go(4, quality="gap")
        run.go(1)
    assert run.coach.effects == []


def test_a_fault_in_the_other_direction_falls_too():
    run = cued({"pelvic_tilt_deg_by": -4.5})
    run.go(26, pelvic_tilt_deg_by=-0.5)
    effect = run.coach.effects[0]
    assert (effect.fault, effect.metric) == ("tilt_flattened", "pelvic_tilt_deg")
    assert effect.before == pytest.approx(4.5, abs=1e-6)
    assert effect.after == pytest.approx(0.5, abs=1e-6)


def test_the_metric_is_the_one_that_decided():
    run = cued({"foot_ahead_of_pelvis_mm_by": 60.0})
    run.go(26)
    assert run.coach.effects[0].metric == "foot_ahead_of_pelvis_mm"
    assert run.coach.effects[0].before == pytest.approx(60.0, abs=1e-6)


def test_what_is_unknown_is_not_compared():
    before, after = (
        [stride(i, "left", **{TIBIA: NAN if i < blind else 20.0}, foot_ahead_of_pelvis_mm=300.0) for i in range(20)]
        for blind in (0, 11)
    )
    assert compare(FAULT["overstride"], before, before, USUAL, against_own=True).metric == TIBIA
    assert compare(FAULT["overstride"], before, after, USUAL, against_own=True).metric == "foot_ahead_of_pelvis_mm"
    assert compare(FAULT["pawing"], before, after, USUAL, against_own=True) is None


@pytest.mark.parametrize("value", [NAN, float("inf"), float("-inf")])
def test_one_impossible_number_spoils_nothing(value):
    run = cued()
    run.go(10)
    run.take(stride(run.t_s, "left", **{TIBIA: value}))
    run.take(stride(run.t_s, "right"))
    run.go(16)
    (effect,) = run.coach.effects
    assert effect.n_after == 39
    assert effect.after == pytest.approx(0.0, abs=1e-6)
    assert run.coach.profile().to_json()


def test_against_the_norm_where_only_that_is_passed():
    run = Run()
    run.go(round(61 / STRIDE_S), tibial_inclination_ic_deg_by=8.0)
    assert len(run.cues) == 1
    run.go(26, tibial_inclination_ic_deg_by=6.0)
    (effect,) = run.coach.effects
    assert effect.before == pytest.approx(8.0, abs=0.1)
    assert effect.after == pytest.approx(6.0, abs=0.1)


def always_ahead(seconds_of_each, slope_deg_per_percent=-0.5):
    """The habit of one who always lands far ahead, and whose tibia leans less on hills."""
    return [
        stride(i * STRIDE_S, side, grade_percent=grade, **{TIBIA: norm(TIBIA, 3.5).mean + 8.0 + change * grade})
        for i in range(seconds_of_each)
        for side in ("left", "right")
        for grade, change in ((0.0, 0.0), (4.0, slope_deg_per_percent))
    ]


def test_a_hill_is_no_success_against_the_norm_either():
    """The norm knows nothing of this runner's hills, the habit does."""
    run = Run(Coach(learn(always_ahead(100))))
    run.go(22, tibial_inclination_ic_deg_by=8.0)
    assert [(cue.fault, cue.kind) for cue in run.cues] == [("overstride", "cue")]
    run.go(26, grade_percent=4.0, tibial_inclination_ic_deg_by=8.0 - 2.0)
    (effect,) = run.coach.effects
    assert effect.before == pytest.approx(8.0, abs=0.1)
    assert effect.after == pytest.approx(8.0, abs=0.2)
    run = Run(Coach(learn(always_ahead(100))))
    run.go(22, tibial_inclination_ic_deg_by=8.0)
    run.go(26, grade_percent=4.0, tibial_inclination_ic_deg_by=3.0 - 2.0)
    assert run.coach.effects[0].after == pytest.approx(3.0, abs=0.2)


def test_without_a_habit_the_norm_goes_with_the_slope_as_far_as_that_is_known():
    usual = norm("cadence_spm", 3.5)
    before, after = (
        [stride(i, "left", grade_percent=grade, cadence_spm=usual.mean - 25.0 + 0.98 * grade) for i in range(20)]
        for grade in (0.0, 5.0)
    )
    found = compare(FAULT["low_cadence"], before, after, None, against_own=False)
    assert found.before == pytest.approx(25.0)
    assert found.after == pytest.approx(25.0)
    assert found.margin == pytest.approx(1.5 * usual.sd)
    assert compare(FAULT["low_cadence"], before, after, None, against_own=True) is None
    assert compare(FAULT["tilt_flattened"], before, after, None, against_own=False) is None


def test_what_has_no_norm_of_people_is_measured_from_past_days():
    usual_deg = norm("pelvic_tilt_deg", 3.5).mean
    before, after = ([stride(i, "left", pelvic_tilt_deg=usual_deg - by) for i in range(20)] for by in (6.0, 2.0))
    change = compare(FAULT["tilt_flattened"], before, after, USUAL, against_own=False)
    assert (change.before, change.after) == pytest.approx((6.0, 2.0), abs=0.3)


def test_against_the_norm_each_leg_goes_by_its_own_habit():
    """A leg that lands further ahead than the other is as far from the norm as it is, not as the two are."""
    habit = [replace(one, **{TIBIA: 20.0 if one.side == "left" else 18.0}) for one in usual_strides()]
    run = [stride(i, side, **{TIBIA: 22.0}) for i in range(20) for side in ("left", "right")]
    found = compare(FAULT["overstride"], run, run, learn(habit), against_own=False)
    assert found.before == pytest.approx(22.0 - norm(TIBIA, 3.5).mean)
    assert found.after == pytest.approx(found.before)


def test_less_than_usual_is_below_zero_where_only_more_is_a_fault():
    less = [stride(i, "left", tibial_inclination_ic_deg=norm(TIBIA, 3.5).mean - 1.0) for i in range(20)]
    assert (
        compare(
            replace(FAULT["overstride"], limits=FAULT["overstride"].limits[:1]), less, less, USUAL, against_own=True
        ).before
        < 0.0
    )


def test_gain_is_measured_in_limits():
    before = [stride(i, "left", tibial_inclination_ic_deg=norm(TIBIA, 3.5).mean + 4.5) for i in range(20)]
    after = [replace(one, tibial_inclination_ic_deg=norm(TIBIA, 3.5).mean + 1.5) for one in before]
    found = compare(FAULT["overstride"], before, after, USUAL, against_own=True)
    assert found.margin == 3.0  # deg, the row's
    assert found.gain == pytest.approx(1.0)


def test_a_difference_that_went_to_the_other_side_is_less_than_none():
    of_leg = {"contact_time_ms": 250.0}
    usual = learn([replace(one, contact_time_difference_ms=0.0, **of_leg) for one in usual_strides()])
    before = [stride(i, "left", contact_time_difference_ms=-20.0, **of_leg) for i in range(STRIDES)]
    after = [stride(i, "left", contact_time_difference_ms=5.0, **of_leg) for i in range(STRIDES)]
    found = compare(FAULT["asymmetry"], before, after, usual, against_own=True)
    assert (found.before, found.after) == (pytest.approx(20.0), pytest.approx(-5.0))


def test_effects_are_numbered_as_all_that_was_said():
    run = cued()
    run.go(60)
    run.go(40, **REACH)
    run.go(60)
    assert [cue.kind for cue in run.cues] == ["cue", "praise", "cue", "praise"]
    assert [effect.cue_number for effect in run.coach.effects] == [1, 3]


def test_the_same_strides_give_the_same_effects():
    run = Run(Coach(USUAL), seed=3)
    for _ in range(4):
        run.go(45)
        run.go(40, **REACH)
    again = Coach(USUAL)
    assert list(replay(run.strides, again)) == run.cues
    assert again.effects == run.coach.effects
    assert len(run.coach.effects) >= 3


def test_the_mean_is_of_the_metric_that_most_cues_were_about():
    run = cued()
    run.go(26)
    (effect,) = run.coach.effects
    effects = [
        replace(effect, before=4.0, after=1.0),
        replace(effect, metric="foot_ahead_of_pelvis_mm", before=90.0, after=0.0),
        replace(effect, before=2.0, after=3.0),
    ]
    assert mean_change(effects) == (TIBIA, 1.0)
    assert mean_change([]) is None


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "cue on landing ahead of the body: once; overstride fell by 2.1 degrees on average."),
        ("de", "Hinweis „der Fuß landet vor dem Körper“: einmal; das Landen vor dem Körper nahm im Mittel um"
         " 2,1 Grad ab."),
    ],
)  # fmt: skip
def test_the_summary_says_so_in_the_runners_language(language, expected):
    run = warm(language=language)
    run.go(12, **REACH)
    run.go(26, tibial_inclination_ic_deg_by=4.5 - 2.1)
    assert run.coach.summary()["faults"]["overstride"]["effect"] == expected


def test_the_summary_says_what_could_not_be_measured_and_what_got_worse():
    run = cued()
    assert "once; too little steady running" in run.coach.summary()["faults"]["overstride"]["effect"]
    run.go(26, tibial_inclination_ic_deg_by=4.5 + 2.1)
    assert "rose by 2.1 degrees" in run.coach.summary()["faults"]["overstride"]["effect"]
    run = cued()
    run.go(26, tibial_inclination_ic_deg_by=4.5 + 0.01)
    assert "stayed the same" in run.coach.summary()["faults"]["overstride"]["effect"]
