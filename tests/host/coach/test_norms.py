import math

import pytest

from host.coach.baseline import METRICS
from host.coach.norms import norm, usual_change

# Copied by hand from the published table (mean and SD between 26 runners).
PUBLISHED = [
    ("cadence_spm", 2.5, 161.718, 9.611),
    ("cadence_spm", 4.5, 184.04, 13.704),
    # Against quiet standing, about 3 deg above the angle against gravity.
    ("tibial_inclination_ic_deg", 3.5, 12.616, 3.997),
    ("pelvic_tilt_deg", 2.5, 4.778, 4.098),
    ("pelvic_drop_deg", 4.5, 3.782, 1.423),
    ("foot_ahead_of_pelvis_mm", 3.5, 227.346, 21.926),
]


@pytest.mark.parametrize(("metric", "speed_mps", "mean", "sd"), PUBLISHED)
def test_norm_at_a_measured_speed_is_the_published_one(metric, speed_mps, mean, sd):
    assert norm(metric, speed_mps)[:2] == pytest.approx((mean, sd))


def test_norm_is_linear_between_measured_speeds():
    # Half way between 161.718 and 171.449; a quarter of the way between 171.449 and 184.04.
    assert norm("cadence_spm", 3.0).mean == pytest.approx(166.5835)
    assert norm("cadence_spm", 3.75).mean == pytest.approx(174.59675)
    assert norm("cadence_spm", 3.75).sd == pytest.approx(11.68575)


def test_norm_is_held_a_little_beyond_the_measured_speeds():
    assert norm("cadence_spm", 2.0) == norm("cadence_spm", 2.5)
    assert norm("cadence_spm", 5.0) == norm("cadence_spm", 4.5)


@pytest.mark.parametrize("speed_mps", [1.9, 5.1, -1.0, math.nan, math.inf])
def test_norm_is_unknown_far_beyond_the_measured_speeds(speed_mps):
    assert math.isnan(norm("cadence_spm", speed_mps).mean)
    assert math.isnan(norm("cadence_spm", speed_mps).sd)


# Names for which a norm would be against gravity, or does not exist.
@pytest.mark.parametrize("metric", ["shank_retraction_dps", "pelvic_tilt_abs_deg", "tibial_inclination_ic_abs_deg"])
def test_metric_without_a_norm_is_unknown(metric):
    assert math.isnan(norm(metric, 3.5).mean)


def test_usual_change_is_that_of_the_table():
    # Copied by hand from slopes.csv.
    assert usual_change("shank_retraction_dps") == (101.2, 23.8, 38.7, 0.0)
    # On the mean, 26 runners tell more than 8: norms.csv.
    assert usual_change("cadence_spm") == pytest.approx((12.18, (184.04 - 161.718) / 2.0, 4.33, 0.98))


def test_every_metric_of_a_habit_has_a_known_usual_change():
    assert not [metric for metric in METRICS if math.isnan(usual_change(metric).per_mps_sd)]


@pytest.mark.parametrize("metric", [metric for metric in METRICS if "_difference_" in metric])
def test_no_leg_is_preferred_at_any_speed(metric):
    """Left less right: mirrored runners are runners, so on the mean it is 0 at every speed and slope."""
    change = usual_change(metric)
    assert (change.per_mps, change.per_percent) == (0.0, 0.0)


def test_norm_moves_with_the_slope_where_that_is_known():
    # 4 % at 7 % of slope (Padulo 2013), of 171.449 spm.
    assert norm("cadence_spm", 3.5, 7.0).mean / norm("cadence_spm", 3.5).mean == pytest.approx(1.04, abs=0.001)
    assert norm("cadence_spm", 3.5, -7.0).mean < norm("cadence_spm", 3.5).mean
    assert norm("pelvic_tilt_deg", 3.5, 7.0) == norm("pelvic_tilt_deg", 3.5)
