"""The whole way from simulated pods to the cue: some scenarios of every kind. `make coach-report` runs all."""

import math

import pytest

from firmware_sim.runner.form import Form
from tests.host.coach.scenarios import FAULTY, PAIRS, PRIORITY, Scenario, run

STRONG = {fault: next(s for s in FAULTY if s.fault == fault and "strong" in s.name) for fault in PRIORITY}
# A cause before what came first; the order of the table where nothing explains the other; the side of a hip; mild ones
# that single strides do not show; what is over is over.
SOME = {
    "hips_back + hip_lag",
    "tilt_flattened + low_cadence",
    "hips_back + tilt_excessive",
    "hip_lag strong left level",
    "hip_lag strong right level",
    "asymmetry mild fast with profile",
    "stiff_pelvis mild slow with profile",
    "overstride + asymmetry",
    "overstride strong uphill with profile",
    "low_cadence strong level walk",
}


@pytest.mark.parametrize("scenario", STRONG.values(), ids=STRONG.keys())
def test_the_right_cue_comes_first_in_time_and_is_over_after_recovery(scenario: Scenario) -> None:
    outcome = run(scenario)
    assert outcome.met(scenario), (scenario.name, outcome.cues, outcome.delay, outcome.held_at_end)


@pytest.mark.parametrize("scenario", [s for s in (*FAULTY, *PAIRS) if s.name in SOME], ids=lambda s: s.name)
def test_so_it_does_in_company_on_slopes_and_after_breaks(scenario: Scenario) -> None:
    outcome = run(scenario)
    assert outcome.met(scenario), (scenario.name, outcome.cues, outcome.delay, outcome.held_at_end)


@pytest.mark.parametrize("tilt_deg", [-8.0, 12.0])  # 2 and 3 SD from the mean of healthy runners
def test_a_natural_tilt_is_no_fault(tilt_deg: float) -> None:
    natural = Form(tilt_rad=math.radians(tilt_deg))
    outcome = run(Scenario("tilt", "stand 5; run 3.2", 150.0, 7, form=natural))
    assert outcome.running_s > 120.0
    assert outcome.cues == []
