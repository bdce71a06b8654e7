import math
import random

import pytest

from host.coach.baseline import MIN_STRIDES, SESSION_STRIDES, Baseline, Habit, Sums
from host.coach.learning import learn
from host.coach.norms import usual_change
from tests.host.coach.runner import NAN, stride

TIBIA = "tibial_inclination_ic_deg"


def run(strides=60, side="left", seed=1, **columns):
    """Strides of one leg; a column is a value, or a function of the stride's index and a random generator."""
    dice = random.Random(seed)
    rows = []
    for i in range(strides):
        values = {name: value(i, dice) if callable(value) else value for name, value in columns.items()}
        rows.append(stride(0.7 * i, side, **values))
    return rows


def test_habit_is_mean_and_spread_of_the_strides():
    usual = learn(run(400, tibial_inclination_ic_deg=lambda i, dice: dice.gauss(15.0, 1.2))).usual(
        TIBIA, "left", 3.5, 0.0
    )
    assert usual.mean == pytest.approx(15.0, abs=0.2)
    assert usual.sd == pytest.approx(1.2, rel=0.1)


def test_each_leg_has_its_own_habit():
    baseline = learn(run(tibial_inclination_ic_deg=15.0) + run(side="right", tibial_inclination_ic_deg=11.0))
    assert baseline.usual(TIBIA, "left", 3.5, 0.0).mean == pytest.approx(15.0, abs=0.05)
    assert baseline.usual(TIBIA, "right", 3.5, 0.0).mean == pytest.approx(11.0, abs=0.05)


def test_one_wild_stride_in_ten_hardly_moves_the_habit():
    wild = learn(run(200, tibial_inclination_ic_deg=lambda i, dice: 60.0 if i % 10 == 0 else dice.gauss(15.0, 1.0)))
    # A plain mean would read 19.5.
    assert wild.usual(TIBIA, "left", 3.5, 0.0).mean == pytest.approx(15.3, abs=0.4)


def test_unseen_speed_follows_healthy_runners_and_is_less_certain():
    baseline = learn(run(speed_mps=3.0, tibial_inclination_ic_deg=14.0))
    at_4 = baseline.usual(TIBIA, "left", 4.0, 0.0)
    assert at_4.mean == pytest.approx(14.0 + usual_change(TIBIA).per_mps, abs=0.1)
    # slopes.csv: legs differ by an SD of 1.34 deg in what one m/s changes.
    assert at_4.doubt == pytest.approx(1.34, rel=0.05)
    assert baseline.usual(TIBIA, "left", 3.0, 0.0).doubt < 0.1


def test_speeds_that_were_run_teach_the_own_slope():
    # This runner lands the same at every speed, unlike the norm (+ 2.6 deg per m/s).
    baseline = learn(
        run(
            200,
            speed_mps=lambda i, _: 3.0 + (i % 5) * 0.25,
            tibial_inclination_ic_deg=lambda i, d: d.gauss(14, 1),
        )
    )
    assert baseline.usual(TIBIA, "left", 4.0, 0.0).mean == pytest.approx(14.0, abs=0.4)
    assert baseline.usual(TIBIA, "left", 4.0, 0.0).sd == pytest.approx(1.0, rel=0.15)
    assert baseline.usual(TIBIA, "left", 4.0, 0.0).doubt < 0.3


def test_slope_never_run_is_uncertain_and_one_that_was_is_not():
    flat = learn(run(pelvic_tilt_deg=lambda i, d: d.gauss(6.0, 0.5)))
    assert flat.usual("pelvic_tilt_deg", "left", 3.5, 8.0).doubt == pytest.approx(0.05 * 4.794 * 8, rel=0.05)
    hills = learn(
        run(
            200,
            grade_percent=lambda i, _: float(i % 9),
            pelvic_tilt_deg=lambda i, d: d.gauss(6 + 0.4 * (i % 9), 0.5),
        )
    )
    assert hills.usual("pelvic_tilt_deg", "left", 3.5, 8.0).mean == pytest.approx(6 + 0.4 * 8, abs=0.2)
    assert hills.usual("pelvic_tilt_deg", "left", 3.5, 8.0).sd == pytest.approx(0.5, rel=0.2)
    assert hills.usual("pelvic_tilt_deg", "left", 3.5, 8.0).doubt < 0.2


def test_steps_quicken_uphill_until_the_own_hills_are_known():
    flat = learn(run(cadence_spm=lambda i, d: d.gauss(170.0, 2.0)))
    at_8 = flat.usual("cadence_spm", "left", 3.5, 8.0)
    level = flat.usual("cadence_spm", "left", 3.5, 0.0)
    assert at_8.mean - level.mean == pytest.approx(8 * 0.98)
    assert flat.usual("cadence_spm", "left", 3.5, -8.0).mean < 165.0
    own = learn(run(200, grade_percent=lambda i, _: 8.0 * (i % 2), cadence_spm=lambda i, d: d.gauss(170.0, 2.0)))
    assert own.usual("cadence_spm", "left", 3.5, 8.0).mean == pytest.approx(170.0, abs=0.6)


def test_errors_of_speed_and_slope_teach_nothing():
    # They happen to go with the cadence: 1 spm for half a percent, or for 0.02 m/s.
    baro = learn(run(grade_percent=lambda i, _: 0.5 * (i % 2), cadence_spm=lambda i, _: 170.0 + i % 2))
    at_6 = baro.usual("cadence_spm", "left", 3.5, -6.0)
    assert at_6.mean == pytest.approx(170.5 - 6.25 * 0.98, abs=0.1)
    assert at_6.doubt == pytest.approx(0.05 * 12.18 * 6.25, rel=0.05)
    pace = learn(run(speed_mps=lambda i, _: 3.5 + 0.02 * (i % 2), cadence_spm=lambda i, _: 170.0 + i % 2))
    at_4 = pace.usual("cadence_spm", "left", 4.51, 0.0)
    assert at_4.mean == pytest.approx(170.5 + usual_change("cadence_spm").per_mps, abs=0.1)
    assert at_4.doubt == pytest.approx(4.33, rel=0.05)


def test_without_a_barometer_the_ground_counts_as_level():
    baseline = learn(run(grade_percent=NAN, tibial_inclination_ic_deg=14.0))
    assert baseline.usual(TIBIA, "left", 3.5, NAN) == baseline.usual(TIBIA, "left", 3.5, 0.0)
    assert baseline.usual(TIBIA, "left", 3.5, NAN).mean == pytest.approx(14.0, abs=0.05)


def test_differences_are_those_from_the_legs_own_habit_at_this_speed():
    baseline = learn(run(tibial_inclination_ic_deg=15.0) + run(side="right", tibial_inclination_ic_deg=11.0))
    for side, usual in (("left", 15.0), ("right", 11.0)):
        faster = stride(0.0, side, speed_mps=4.0, tibial_inclination_ic_deg=17.0, pelvic_drop_deg=NAN)
        found = baseline.differences(faster, (TIBIA, "pelvic_drop_deg"))
        assert found == {TIBIA: pytest.approx(17.0 - usual - 0.5 * usual_change(TIBIA).per_mps, abs=0.1)}


def test_few_strides_unknown_metric_or_speed_tell_nothing():
    few = learn(run(MIN_STRIDES - 1, tibial_inclination_ic_deg=14.0))
    assert math.isnan(few.usual(TIBIA, "left", 3.5, 0.0).mean)
    enough = learn(run(MIN_STRIDES, tibial_inclination_ic_deg=14.0))
    assert not math.isnan(enough.usual(TIBIA, "left", 3.5, 0.0).mean)
    assert math.isnan(enough.usual(TIBIA, "left", NAN, 0.0).mean)
    assert math.isnan(enough.usual(TIBIA, "right", 3.5, 0.0).mean)
    assert math.isnan(enough.usual("vertical_oscillation_mm", "left", 3.5, 0.0).mean)


def test_regression_agrees_with_an_augmented_least_squares_twin():
    """A prior on a slope is the same as one imagined stride more: solved by plain least squares instead."""
    numpy = pytest.importorskip("numpy")
    dice = random.Random(3)
    rows = [(dice.uniform(2.5, 4.5), dice.uniform(-5, 8)) for _ in range(80)]
    values = [12 + 2 * (v - 3.5) + 0.3 * g + dice.gauss(0, 1) for v, g in rows]
    sums = Sums.total(Sums.of(v, g, y) for (v, g), y in zip(rows, values, strict=True))
    habit = Habit.fit(TIBIA, sums)
    sigma, between, slope_sd = math.sqrt(habit.variance), 3.977, 1.34  # slopes.csv
    # Speed and slope as they most likely were: nearer to their mean by the share of their variance that is error.
    x, g = numpy.array(rows).T
    x = x.mean() + (x - x.mean()) * (1 - 0.03**2 / x.var()) - 3.5
    g = g.mean() + (g - g.mean()) * (1 - 0.3**2 / g.var())
    design = [[1.0, *row] for row in zip(x, g, strict=True)]
    design += [[0, sigma / slope_sd, 0], [0, 0, sigma / (0.05 * between)]]
    target = [*values, usual_change(TIBIA).per_mps * sigma / slope_sd, 0.0]
    twin = numpy.linalg.lstsq(numpy.array(design), numpy.array(target), rcond=None)[0]
    assert habit.coefficients == pytest.approx(tuple(twin), abs=1e-3)
    residual = numpy.array(values) - numpy.array(design[:-2]) @ twin
    assert habit.variance == pytest.approx(float(residual @ residual) / len(values), rel=1e-3)


def test_json_round_trip_keeps_everything():
    baseline = learn(run() + run(side="right"))
    again = Baseline.from_json(baseline.to_json())
    assert again == baseline
    assert again.usual(TIBIA, "left", 3.1, 2.0) == baseline.usual(TIBIA, "left", 3.1, 2.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 99}',
        '{"version": 1}',
        '{"version": 1, "habits": {"x": {"left": ["?"]}}}',
        "null",
    ],
)
def test_what_is_no_baseline_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 (the message is the reader's own)
        Baseline.from_json(text)


def test_sessions_merge_with_the_old_fading():
    old = learn(run(100, speed_mps=3.0, pelvic_tilt_deg=4.0))
    new = learn(run(100, speed_mps=4.0, pelvic_tilt_deg=6.0))
    merged = old.merged(new)
    assert merged.sessions == 2
    assert merged.easy_speed_mps == pytest.approx(3.5)
    assert merged.sums["pelvic_tilt_deg", "left"].n == pytest.approx(190.0)
    # Two sessions that disagree: the mean weighs the later one more, and the spread shows it.
    again = learn(run(100, pelvic_tilt_deg=4.0)).merged(learn(run(100, pelvic_tilt_deg=6.0)))
    usual = again.usual("pelvic_tilt_deg", "left", 3.5, 0.0)
    assert usual.mean == pytest.approx((90 * 4 + 100 * 6) / 190)
    assert usual.sd == pytest.approx(1.0, rel=0.05)


def test_a_day_of_running_counts_as_one_session():
    day = learn(run(2000, pelvic_tilt_deg=6.0))
    merged = learn(run(100, pelvic_tilt_deg=4.0)).merged(day)
    assert merged.sums["pelvic_tilt_deg", "left"].n == pytest.approx(90 + SESSION_STRIDES)


def test_a_metric_only_one_session_knows_is_kept():
    old = learn(run(vertical_oscillation_mm=80.0))
    merged = old.merged(learn(run()))
    assert merged.usual("vertical_oscillation_mm", "left", 3.5, 0.0).mean == pytest.approx(80.0)
    assert learn(run()).merged(old).usual("vertical_oscillation_mm", "left", 3.5, 0.0).mean == pytest.approx(80.0)
