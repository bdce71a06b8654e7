"""A run past its first words, clear cases of faults for it, and short ways to ask what was said."""

from dataclasses import replace

from host.coach.coach import Coach
from tests.host.coach.runner import STRIDE_S, Run

SECOND = 1.0 / STRIDE_S  # strides of a leg in a second

# A clear case of each fault, as changes from usual: more than the own limit and less than the norm's.
CLEAR = {
    "overstride": {"tibial_inclination_ic_deg_by": 4.5, "foot_ahead_of_pelvis_mm_by": 30.0},
    "tilt_flattened": {"pelvic_tilt_deg_by": -4.5},
    "tilt_excessive": {"pelvic_tilt_deg_by": 5.5},
    "low_cadence": {"cadence_spm_by": -13.0},
}
# Beyond the norm too: what one sees who has always run like this.
HABITUAL = {
    "overstride": {"tibial_inclination_ic_deg_by": 8.0, "foot_ahead_of_pelvis_mm_by": 40.0},
    "low_cadence": {"cadence_spm_by": -22.0},
}


def strides_of(seconds):
    return round(seconds * SECOND)


def profile(**changes):
    """The habit of a day like this one, run as usual but for `changes`."""
    coach = Coach()
    Run(coach, seed=9).go(strides_of(90), **changes)
    baseline = coach.baseline()
    assert baseline is not None
    return replace(baseline, days={})


USUAL = profile()


def warm(seed=1, **options):
    """A run past its first words, with a profile."""
    run = Run(Coach(USUAL, **options), seed=seed)
    assert run.go(strides_of(30)) == []
    return run


def kinds(cues):
    return [(cue.kind, cue.fault) for cue in cues]
