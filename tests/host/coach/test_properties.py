"""What holds for any strides at all, however wild."""

import itertools
import math
from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.coach.faults import FAULTS
from host.records import Cue, Stride
from host.texts.language import language
from tests.host.coach.runner import Run, replay, stride

FAULT = {fault.id: fault for fault in FAULTS}
METRICS = ("tibial_inclination_ic_deg", "foot_ahead_of_pelvis_mm", "pelvic_tilt_deg", "cadence_spm")


def _profile(**usual: float) -> Baseline:
    coach = Coach()
    Run(coach, seed=1).go(130, **usual)
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


# All columns that the table of faults looks at, and what each pattern makes of them.
USUAL = {
    "tibial_inclination_ic_deg": 12.6,
    "foot_ahead_of_pelvis_mm": 227.0,
    "pelvic_tilt_deg": 6.5,
    "cadence_spm": 171.4,
    "contact_time_ms": 226.0,
    "contact_time_difference_ms": 0.0,
    "duty_factor": 0.32,
    "pelvic_drop_deg": 3.2,
    "pelvic_drop_difference_deg": 0.0,
    "pelvic_tilt_range_deg": 9.0,
    "pelvic_obliquity_range_deg": 8.0,
    "pelvic_rotation_range_deg": 15.5,
    "pelvic_rotation_lag_percent": 11.0,
    "shank_retraction_dps": 90.0,
    "shank_rate_early_stance_dps": 370.0,
    "shank_mid_stance_deg": 8.0,
    "pelvis_over_foot_percent": 46.0,
    "vertical_oscillation_mm": 90.0,
}
CHANGES = {
    "overstride": {"tibial_inclination_ic_deg": 9.0, "foot_ahead_of_pelvis_mm": 45.0},
    "hips_back": {"pelvis_over_foot_percent": 8.0, "pelvic_tilt_deg": 5.0},
    "sitting_back": {"shank_mid_stance_deg": -5.0, "duty_factor": 0.05, "vertical_oscillation_mm": -25.0},
    "tilt_flattened": {"pelvic_tilt_deg": -5.0},
    "tilt_excessive": {"pelvic_tilt_deg": 6.0},
    "pawing": {"shank_retraction_dps": 200.0, "shank_rate_early_stance_dps": 150.0},
    "hip_lag": {"pelvic_rotation_lag_percent": 12.0},
    "asymmetry": {"pelvic_drop_deg": 4.0, "pelvic_drop_difference_deg": 4.0},
    "stiff_pelvis": {
        "pelvic_tilt_range_deg": -5.0,
        "pelvic_obliquity_range_deg": -4.0,
        "pelvic_rotation_range_deg": -8.0,
    },
    "low_cadence": {"cadence_spm": -21.0},
}


PROFILES_OF_ALL = (None, _profile(**USUAL))
patterns = st.lists(
    st.tuples(
        st.integers(5, 200),
        st.sets(st.sampled_from(sorted(CHANGES)), max_size=3),
        st.sampled_from([None, None, None, "left", "right"]),
    ),
    min_size=2,
    max_size=10,
)


@settings(max_examples=50, deadline=None)
@given(
    parts=patterns,
    always=st.sets(st.sampled_from(["overstride", "low_cadence"]), max_size=1),  # what the norm knows, too
    profile=st.sampled_from(PROFILES_OF_ALL),
    muted=st.frozensets(st.sampled_from(sorted(CHANGES)), max_size=3),
)
def test_what_is_said_holds_is_asked_for_and_is_no_symptom(parts, always, profile, muted):
    coach = Coach(profile, muted=muted)
    run = Run(coach)
    run.go(20, **USUAL)
    alone = Counter()  # cues on what holds against the norm alone
    for strides, names, only in parts:
        changed = dict(USUAL)
        for metric, change in itertools.chain.from_iterable(CHANGES[name].items() for name in sorted(names | always)):
            changed[metric] += change
        for _ in range(strides):
            for side in ("left", "right"):
                for cue in run.take(stride(run.t_s, side, **(changed if only in (None, side) else USUAL))):
                    held = {fault.fault: fault for fault in coach.held}
                    assert cue.fault not in muted
                    if cue.kind == "praise":
                        assert cue.fault not in held
                        continue
                    assert cue.side == held[cue.fault].side
                    alone[cue.fault] += not held[cue.fault].against_own
                    for cause in (FAULT[name] for name in held if name not in muted):
                        assert cue.fault not in cause.silences
    assert all(count <= 2 for count in alone.values())


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
