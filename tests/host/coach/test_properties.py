"""What holds for any strides at all, however wild."""

import itertools
import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.records import Cue, Stride
from host.texts.language import language
from tests.host.coach.runner import Run, replay, stride

METRICS = ("tibial_inclination_ic_deg", "foot_ahead_of_pelvis_mm", "pelvic_tilt_deg", "cadence_spm")


def _profile() -> Baseline:
    coach = Coach()
    Run(coach, seed=1).go(130)
    baseline = coach.baseline()
    assert baseline is not None
    return baseline


PROFILES = (None, _profile())

# Bouts of some strides that are alike: single wild strides alone would never make a fault hold.
bouts = st.lists(
    st.tuples(
        st.integers(1, 45),
        st.fixed_dictionaries(
            {},
            optional={
                "tibial_inclination_ic_deg": st.sampled_from([12.0, 17.0, 22.0, math.nan]),
                "foot_ahead_of_pelvis_mm": st.sampled_from([180.0, 230.0, 280.0, math.nan]),
                "pelvic_tilt_deg": st.sampled_from([-5.0, 2.0, 6.5, 12.0, math.nan]),
                "cadence_spm": st.sampled_from([140.0, 150.0, 160.0, 171.4, 190.0]),
                "speed_mps": st.sampled_from([0.5, 2.5, 3.5, 4.4, 7.0, math.nan]),
                "grade_percent": st.sampled_from([-10.0, 0.0, 5.0, math.nan]),
                "turn_rate_dps": st.sampled_from([0.0, 15.0, -40.0, math.nan]),
                "quality": st.sampled_from(["", "", "", "gap", "walking", "pod_missing", "settling|slipped"]),
            },
        ),
        st.sampled_from([None, None, "left", "right"]),
        st.sampled_from([0.0, 0.0, 3.0, 40.0]),
    ),
    min_size=1,
    max_size=14,
)


def run_of(parts, profile) -> Run:
    run = Run(Coach(profile))
    for strides, changes, only, pause_s in parts:
        run.pause(pause_s)
        run.go(strides, only=only, **changes)
    return run


@settings(max_examples=60, deadline=None)
@given(parts=bouts, profile=st.sampled_from(PROFILES))
def test_pacing_wording_and_meaning(parts, profile):
    run = run_of(parts, profile)
    by_decision = {one.decided_s: one for one in run.strides}
    for earlier, later in itertools.pairwise(run.cues):
        assert later.t_s - earlier.t_s >= 20.0
    for fault in language("en").faults:
        same = [cue.t_s for cue in run.cues if (cue.kind, cue.fault) == ("cue", fault)]
        assert all(later - earlier >= 60.0 for earlier, later in itertools.pairwise(same))
        praises = sum(cue.kind == "praise" and cue.fault == fault for cue in run.cues)
        assert praises <= len(same)
    for cue in run.cues:
        assert isinstance(cue, Cue)
        assert len(cue.text.split()) <= 8
        decided_by = by_decision[cue.t_s]
        assert decided_by.quality in ("", "pod_missing")
        assert not abs(decided_by.turn_rate_dps) > 20.0
        assert cue.t_s - run.strides[0].ic_s >= (60.0 if profile is None else 15.0)


@settings(max_examples=30, deadline=None)
@given(parts=bouts, profile=st.sampled_from(PROFILES))
def test_the_same_strides_give_the_same_cues(parts, profile):
    run = run_of(parts, profile)
    assert list(replay(run.strides, Coach(profile))) == run.cues


@settings(max_examples=30, deadline=None)
@given(parts=bouts, profile=st.sampled_from(PROFILES), shift_s=st.integers(1, 10_000))
def test_only_differences_of_time_matter(parts, profile, shift_s):
    run = run_of(parts, profile)
    later = [
        replace(one, ic_s=one.ic_s + shift_s, next_ic_s=one.next_ic_s + shift_s, decided_s=one.decided_s + shift_s)
        for one in run.strides
    ]
    assert list(replay(later, Coach(profile))) == [replace(cue, t_s=cue.t_s + shift_s) for cue in run.cues]


@settings(max_examples=30, deadline=None)
@given(parts=bouts, profile=st.sampled_from(PROFILES))
def test_mirroring_the_legs_mirrors_the_cues(parts, profile):
    """Nothing prefers a leg: with equal habits, swapping the legs swaps the sides and changes no time."""
    other = {"left": "right", "right": "left", "": ""}
    run = run_of(parts, None)
    mirrored = [replace(one, side=other[one.side]) for one in run.strides]
    assert [(cue.t_s, cue.kind, cue.fault, other[cue.side]) for cue in replay(mirrored, Coach())] == [
        (cue.t_s, cue.kind, cue.fault, cue.side) for cue in run.cues
    ]


wild = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.tuples(*[wild] * len(METRICS), wild, wild), min_size=1, max_size=60))
def test_no_number_breaks_the_coach(values):
    coach = Coach(PROFILES[1])
    for i, (tibia, foot, tilt, cadence, speed, grade) in enumerate(values):
        one: Stride = replace(
            stride(0.35 * i, ("left", "right")[i % 2]),
            tibial_inclination_ic_deg=tibia,
            foot_ahead_of_pelvis_mm=foot,
            pelvic_tilt_deg=tilt,
            cadence_spm=cadence,
            speed_mps=speed,
            grade_percent=grade,
        )
        coach.step(one)
    coach.summary()
    coach.baseline()
