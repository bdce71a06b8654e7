"""The whole way from simulated pods to the cue: one scenario of each form pattern. `make coach-report` runs all."""

import pytest

from tests.host.coach.scenarios import FAULTY, PRIORITY, Scenario, run

STRONG = {fault: next(s for s in FAULTY if s.fault == fault and "strong" in s.name) for fault in PRIORITY}


@pytest.mark.parametrize("scenario", STRONG.values(), ids=STRONG.keys())
def test_the_right_cue_comes_first_in_time_and_is_over_after_recovery(scenario: Scenario) -> None:
    outcome = run(scenario)
    assert outcome.met(scenario), (scenario.name, outcome.cues, outcome.delay, outcome.held_at_end)
