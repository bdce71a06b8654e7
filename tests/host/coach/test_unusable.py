"""Strides that say nothing: flawed, walked, in between, of a pod that is lost."""

from dataclasses import replace

import pytest

from tests.host.coach.runner import NAN, STRIDE_S, stride
from tests.host.coach.warm import CLEAR, kinds, strides_of, warm

UNUSABLE = [
    {"duty_factor": 0.52},
    {"quality": "gap"},
    {"quality": "saturated"},
    {"quality": "uncalibrated"},
    {"quality": "settling"},
    {"quality": "slipped"},
    {"quality": "walking"},
    {"quality": "bad_rate"},
    {"quality": "invalid"},
    {"quality": "gap|pod_missing"},
    {"turn_rate_dps": 25.0},
    {"turn_rate_dps": -25.0},
]


@pytest.mark.parametrize("unusable", UNUSABLE, ids=lambda changes: str(next(iter(changes.values()))))
@pytest.mark.parametrize("fault", CLEAR)
def test_unusable_strides_say_nothing(fault, unusable):
    run = warm(seed=None)
    run.go(60, **CLEAR[fault] | unusable)
    assert run.cues == []
    assert run.held == []


def test_a_bad_stride_counts_neither_for_nor_against():
    run = warm(seed=None)
    for _ in range(11):
        run.go(1, **CLEAR["overstride"])
        run.go(1, quality="gap")
    assert run.held == []
    run.go(1, **CLEAR["overstride"])
    assert run.held == [("overstride", "")]
    for _ in range(13):
        run.go(1, quality="gap", **CLEAR["overstride"])
        run.go(1)
    # Twelve beyond and thirteen good: the last twenty that count hold seven.
    assert run.held == [("overstride", "")]
    run.go(1)
    assert run.held == []


def test_an_unknown_metric_counts_neither_for_nor_against():
    run = warm(seed=None)
    run.go(20, **CLEAR["tilt_excessive"])
    for _ in range(13):
        run.go(1, quality="pod_missing", pelvic_tilt_deg=NAN)
        run.go(1)
    assert run.held == [("tilt_excessive", "")]
    run.go(1)
    assert run.held == []


def test_a_bend_of_a_track_counts():
    run = warm(seed=None)
    assert kinds(run.go(20, turn_rate_dps=-7.0, **CLEAR["overstride"])) == [("cue", "overstride")]


def test_a_stop_clears_what_was_before():
    run = warm(seed=None)
    run.go(11, **CLEAR["overstride"])
    run.pause(11)
    assert run.go(11, **CLEAR["overstride"]) == []
    assert kinds(run.go(1, **CLEAR["overstride"])) == [("cue", "overstride")]


def test_a_short_gap_clears_nothing():
    run = warm(seed=None)
    run.go(11, **CLEAR["overstride"])
    run.pause(5)
    assert kinds(run.go(1, **CLEAR["overstride"])) == [("cue", "overstride")]


def test_a_lost_pelvis_pod_leaves_the_faults_of_the_shanks():
    # Without the pelvis: no tilt, no distance to it.
    lost = {"quality": "pod_missing", "pelvic_tilt_deg": NAN, "foot_ahead_of_pelvis_mm": NAN}
    run = warm(seed=None)
    run.go(12, **CLEAR["tilt_excessive"])
    assert run.held == [("tilt_excessive", "")]
    run.go(strides_of(12), **lost)
    assert run.held == [], "nothing is known of the tilt any more"
    run.go(20, tibial_inclination_ic_deg=17.5, **lost)
    assert kinds(run.cues) == [("cue", "tilt_excessive"), ("cue", "overstride")]


def test_a_lost_shank_pod_silences_what_needs_both_legs():
    run = warm(seed=None)
    for _ in range(60):
        run.take(stride(run.t_s, "right", quality="pod_missing", pelvic_tilt_deg=15.0))
        run.pause(STRIDE_S / 2)
    assert run.cues == []


@pytest.mark.parametrize(
    "unknown",
    ["tibial_inclination_ic_deg", "pelvic_tilt_deg", "cadence_spm", "grade_percent", "turn_rate_dps"],
)
def test_an_unknown_metric_is_no_fault(unknown):
    run = warm(seed=None)
    for i in range(200):
        run.take(replace(stride(run.t_s, ("left", "right")[i % 2]), **{unknown: NAN}))
    assert run.cues == []


def test_unknown_speed_says_nothing():
    run = warm(seed=None)
    run.go(60, speed_mps=NAN, tibial_inclination_ic_deg=30.0, foot_ahead_of_pelvis_mm=300.0, pelvic_tilt_deg=6.0)
    assert run.cues == []
