"""Which fault comes first, and which is silent because of another."""

from dataclasses import replace

import pytest

from host.coach.coach import CoachParams
from host.coach.faults import FAULTS
from tests.host.coach.runner import STRIDE_S, Run
from tests.host.coach.warm import CLEAR, kinds, strides_of, warm


def test_overstride_first():
    run = warm(seed=None)
    run.go(40, **CLEAR["overstride"], **CLEAR["tilt_excessive"], **CLEAR["low_cadence"])
    assert kinds(run.cues)[0] == ("cue", "overstride")
    assert [fault for fault, _ in run.held] == ["overstride", "tilt_excessive", "low_cadence"]


def causal(fault="tilt_excessive", symptom="overstride", **options):
    """Coaching rules in which one fault explains another."""
    table = tuple(replace(row, silences=(symptom,)) if row.id == fault else row for row in FAULTS)
    return warm(seed=None, params=CoachParams(faults=table), **options)


def test_a_cause_silences_its_symptom():
    run = causal()
    run.go(strides_of(120), **CLEAR["overstride"], **CLEAR["tilt_excessive"])
    assert {fault for _, fault in kinds(run.cues)} == {"tilt_excessive"}
    assert ("overstride", "") in run.held


def test_a_symptom_waits_for_a_cause_that_is_on_its_way():
    run = causal()
    run.go(3, **CLEAR["overstride"])
    run.go(30, **CLEAR["overstride"], **CLEAR["tilt_excessive"])
    assert kinds(run.cues) == [("cue", "tilt_excessive")]


def test_a_symptom_waits_for_a_cause_that_is_nearly_there():
    run = causal()
    run.go(1, **CLEAR["overstride"], **CLEAR["tilt_excessive"])
    run.go(12, **CLEAR["overstride"], pelvic_tilt_deg_by=3.5)  # of 4
    assert run.held == [("overstride", "")]
    run.go(20, **CLEAR["overstride"], **CLEAR["tilt_excessive"])
    assert kinds(run.cues) == [("cue", "tilt_excessive")]


def test_a_fault_waits_for_one_of_higher_priority_that_is_on_its_way():
    run = warm(seed=None)
    run.go(3, **CLEAR["low_cadence"])
    run.go(30, **CLEAR["low_cadence"], **CLEAR["tilt_excessive"])
    assert kinds(run.cues)[0] == ("cue", "tilt_excessive")


def test_but_not_where_that_one_may_not_be_cued():
    run = warm(seed=None, muted=frozenset({"tilt_excessive"}))
    run.go(3, **CLEAR["low_cadence"])
    run.go(30, **CLEAR["low_cadence"], **CLEAR["tilt_excessive"])
    assert kinds(run.cues)[0] == ("cue", "low_cadence")


def test_but_not_for_ever():
    run = causal()
    # Seven of any twenty strides show the cause: more than a fault ends with, and it never comes to hold.
    for _ in range(2):
        run.go(7, **CLEAR["overstride"], **CLEAR["tilt_excessive"])
        run.go(13, **CLEAR["overstride"])
    assert kinds(run.cues) == [("cue", "overstride")]
    onset = run.strides[-80 + 2 * 11]
    assert run.cues[0].t_s - onset.decided_s == pytest.approx(10, abs=STRIDE_S)


def test_a_crouch_is_told_of_once_though_it_shows_as_pawing():
    usual = {"shank_mid_stance_deg": 8.0, "duty_factor": 0.32, "vertical_oscillation_mm": 80.0}
    pawing = {"shank_retraction_dps": 60.0, "shank_rate_early_stance_dps": 300.0}
    crouch = {"shank_mid_stance_deg": 0.0, "duty_factor": 0.38, "vertical_oscillation_mm": 50.0}
    run = Run(seed=None)
    run.go(strides_of(80), **usual, **pawing)
    pulling = {"shank_retraction_dps": 200.0, "shank_rate_early_stance_dps": 450.0}
    run.go(strides_of(55), **crouch, **pulling)
    assert kinds(run.cues) == [("cue", "sitting_back")]
    assert ("cue", "pawing") in kinds(run.go(strides_of(40), **usual, **pulling)), "what stays without it is told of"


def test_a_symptom_alone_is_cued():
    run = causal()
    assert kinds(run.go(20, **CLEAR["overstride"])) == [("cue", "overstride")]


def test_a_muted_cause_silences_nothing():
    run = causal(muted=frozenset({"tilt_excessive"}))
    run.go(30, **CLEAR["overstride"], **CLEAR["tilt_excessive"])
    assert kinds(run.cues) == [("cue", "overstride")]


def test_muted_faults_are_never_cued_but_still_seen():
    run = warm(muted=frozenset({"overstride"}))
    run.go(40, **CLEAR["overstride"])
    run.go(40)
    assert run.cues == []
    assert run.coach.summary()["faults"]["overstride"]["cues"] == 0
