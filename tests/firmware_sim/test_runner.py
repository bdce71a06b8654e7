"""The simulated runner obeys physics and its own truth, checked by independent means (scipy, plain geometry)."""

import functools
import itertools
import math
import operator
import statistics

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dsp.params import G_MPS2
from dsp.types import Role, Side
from firmware_sim.runner.form import FAULTS, NATURAL, Form
from firmware_sim.runner.runner import SimulatedRunner, site_m
from firmware_sim.runner.truth import TrueStride

SHANKS = (Role.SHANK_LEFT, Role.SHANK_RIGHT)


def run(plan: str, until_s: float, *, seed: int = 1, form: Form = NATURAL) -> tuple[SimulatedRunner, list[TrueStride]]:
    runner = SimulatedRunner(plan, seed=seed, form=form)
    runner.motion(Role.PELVIS, np.array([0.0, until_s]))
    return runner, [stride for stride in runner.take_truth() if stride.next_ic_s <= until_s]


def mean(strides: list[TrueStride], name: str, *, since_s: float = 0.0, side: str = "") -> float:
    return statistics.fmean(getattr(s, name) for s in strides if s.ic_s > since_s and s.side in (side, side or s.side))


def orientation(pose: np.ndarray) -> Rotation:
    return Rotation.from_euler("ZYX", pose[:, 3:])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("plan", ["run 3.5", "grade 6; turn 40; run 4.2", "walk 1.4"])
def test_the_ideal_gyro_integrates_to_the_true_orientation(role: Role, plan: str) -> None:
    runner, _ = run(plan, 8.0)
    step = 1 / 2000
    t = np.arange(4.0, 5.5, step)
    rate = runner.motion(role, t).gyr
    true = orientation(runner.pose(role, t))
    turns = Rotation.from_rotvec((rate[1:] + rate[:-1]) / 2 * step)
    turned = functools.reduce(operator.mul, turns, true[0])
    assert (turned.inv() * true[-1]).magnitude() < math.radians(0.02)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("plan", ["impact 0; run 3.5", "impact 0; grade 6; turn 40; run 4.2", "impact 0; stand 2; run"])
def test_the_ideal_specific_force_integrates_to_the_true_path_of_the_pod(role: Role, plan: str) -> None:
    runner, _ = run(plan, 8.0)
    step = 1 / 4000
    t = np.arange(2.0, 5.0, step)
    pose = runner.pose(role, t)
    axes = orientation(pose)
    place = pose[:, :3] + axes.apply(site_m(role))
    acceleration = axes.apply(runner.motion(role, t).acc) - [0.0, 0.0, G_MPS2]
    start = (-3 * place[0] + 4 * place[1] - place[2]) / (2 * step)
    velocity = start + np.vstack([np.zeros(3), np.cumsum((acceleration[1:] + acceleration[:-1]) / 2 * step, axis=0)])
    reached = place[0] + np.vstack([np.zeros(3), np.cumsum((velocity[1:] + velocity[:-1]) / 2 * step, axis=0)])
    assert np.abs(reached - place).max() < 0.002


def test_an_impact_shakes_the_pod_and_leaves_neither_speed_nor_place_behind() -> None:
    hard, _ = run("run 3.5", 8.0)
    soft, _ = run("impact 0; run 3.5", 8.0)
    t = np.arange(4.0, 7.0, 1 / 4000)
    shaking = (hard.motion(Role.SHANK_LEFT, t).acc - soft.motion(Role.SHANK_LEFT, t).acc)[:, 2]
    assert 3 * G_MPS2 < shaking.max() < 12 * G_MPS2
    velocity = np.cumsum(shaking) / 4000
    quiet = np.abs(shaking) < 1e-3
    assert np.abs(velocity).max() > 0.1
    assert np.abs(velocity[quiet]).max() < 2e-3
    assert np.abs(np.cumsum(velocity) / 4000).max() < 0.02


@pytest.mark.parametrize("role", Role)
def test_standing_is_gravity_and_nothing_else(role: Role) -> None:
    runner, strides = run("stand", 20.0)
    motion = runner.motion(role, np.linspace(0.0, 20.0, 999))
    assert not strides
    assert np.abs(np.linalg.norm(motion.acc, axis=1) - G_MPS2).max() < 1e-6
    assert np.abs(motion.gyr).max() < 1e-9
    up = orientation(runner.pose(role, np.array([3.0]))).inv().apply([0.0, 0.0, G_MPS2])
    assert motion.acc[5] == pytest.approx(up[0], abs=1e-6)


@pytest.mark.parametrize("speed", [2.5, 3.5, 4.5])
def test_the_ankle_stands_still_in_mid_stance_while_the_shank_turns_over_it(speed: float) -> None:
    runner, strides = run(f"run {speed}", 15.0)
    for stride in strides[8:]:
        role = SHANKS[Side[stride.side.upper()]]
        contact = stride.tc_s - stride.ic_s
        t = stride.ic_s + np.array([0.35, 0.40, 0.45]) * contact
        pose = runner.pose(role, np.sort(np.concatenate([t - 1e-3, t + 1e-3])))
        velocity = (pose[1::2, :3] - pose[::2, :3]) / 2e-3
        assert np.linalg.norm(velocity, axis=1).max() < 0.05
        assert runner.motion(role, t).gyr[:, 1].min() > 1.0


@pytest.mark.parametrize("speed", [2.5, 3.5, 4.5])
def test_the_mean_runner_is_the_norm(speed: float) -> None:
    """Within 0.3 of the SD between runners of Fukuchi, Fukuchi & Duarte 2017, doi:10.7717/peerj.3298."""
    index = [2.5, 3.5, 4.5].index(speed)
    norms = {  # mean and SD by speed, written out here from the data set's summary, apart from the simulator's table
        "tibial_inclination_ic_vs_standing_deg": ([9.557, 12.616, 14.787], [3.309, 3.997, 4.118]),
        "foot_ahead_of_pelvis_mm": ([183.2, 227.3, 265.3], [22.6, 21.9, 22.8]),
        "pelvic_tilt_mean_vs_standing_deg": ([4.778, 6.464, 7.261], [4.098, 3.835, 4.386]),
        "pelvic_tilt_range_deg": ([8.131, 8.990, 9.524], [2.031, 2.022, 2.178]),
        "pelvic_drop_peak_stance_deg": ([2.733, 3.239, 3.782], [0.966, 1.150, 1.423]),
        "pelvic_rotation_range_deg": ([11.273, 15.556, 20.063], [3.348, 3.773, 4.212]),
    }
    _, strides = run(f"run {speed}", 60.0)
    steady = [s for s in strides if s.ic_s > 6.0]
    for name, (means, sds) in norms.items():
        assert abs(mean(steady, name) - means[index]) < 0.3 * sds[index], name
    contact_ms = 1e3 * statistics.fmean(s.tc_s - s.ic_s for s in steady)
    cadence = 120.0 / statistics.fmean(s.next_ic_s - s.ic_s for s in steady)
    assert abs(contact_ms - [270.7, 226.3, 197.7][index]) < 5.0
    assert abs(cadence - [161.7, 171.4, 184.0][index]) < 1.5
    assert mean(steady, "speed_mps") == pytest.approx(speed, rel=0.005)
    assert 54 < mean(steady, "pelvic_rotation_lag_percent") < 73


def test_strides_differ_from_one_another_as_those_of_real_runners_do() -> None:
    _, strides = run("run 3.5", 120.0)
    steady = [s for s in strides if s.ic_s > 6.0 and s.side == "left"]
    for name, low, high in [
        ("tibial_inclination_ic_vs_standing_deg", 0.8, 1.2),  # norms: 0.99 +- 0.19
        ("pelvic_tilt_mean_vs_standing_deg", 0.35, 0.75),  # norms: 0.54 +- 0.14
    ]:
        assert low < statistics.stdev(getattr(s, name) for s in steady) < high, name


@pytest.mark.parametrize("speed", [2.2, 3.0, 4.0, 5.0])
def test_legs_take_turns_and_both_are_in_the_air_between(speed: float) -> None:
    runner, strides = run(f"run {speed}", 25.0)
    steady = sorted((s for s in strides if s.ic_s > 5.0), key=lambda s: s.ic_s)
    for this, following in itertools.pairwise(steady):
        assert this.side != following.side
        assert this.ic_s < this.tc_s < following.ic_s < this.next_ic_s
        middle = (this.tc_s + following.ic_s) / 2
        pose = runner.pose(Role.PELVIS, np.array([middle]))
        world = orientation(pose).apply(runner.motion(Role.PELVIS, np.array([middle])).acc)
        assert world[0, 2] < 0.6 * G_MPS2  # hardly anything carries the body


def test_the_shank_swings_as_shanks_do() -> None:
    runner, strides = run("run 3.5", 30.0)
    t = np.arange(0.0, 30.0, 1 / 1000)
    for role in SHANKS:
        rate = runner.motion(role, t).gyr[:, 1]
        leads = []
        for stride in strides[8:]:
            if SHANKS[Side[stride.side.upper()]] is not role:
                continue
            inside = (t >= stride.ic_s) & (t < stride.next_ic_s)
            assert -12.0 < rate[inside].min() < -7.0
            before = np.flatnonzero((t < stride.next_ic_s) & (rate < 0.0))[-1]
            leads.append(stride.next_ic_s - t[before])
        assert 0.010 < statistics.fmean(leads) < 0.040  # 26 ms on average among real runners


def test_truth_is_the_geometry_of_the_motion() -> None:
    runner, strides = run("turn 15; grade 3; run 3.5; at 8 overstride", 25.0, form=Form(tilt_rad=0.05))
    for stride in strides[6:]:
        role = SHANKS[Side[stride.side.upper()]]
        t = np.linspace(stride.ic_s, stride.next_ic_s, 400)
        pelvis, shank = runner.pose(Role.PELVIS, t), runner.pose(role, t)
        way = pelvis[-1, :2] - pelvis[0, :2]
        forward = way / np.linalg.norm(way)
        knee_from_ankle = orientation(shank[:1]).apply([0.0, 0.0, 1.0])[0]
        inclination = -math.degrees(math.atan2(knee_from_ankle[:2] @ forward, knee_from_ankle[2]))
        assert stride.tibial_inclination_ic_deg == pytest.approx(inclination, abs=1e-6)
        standing = run("stand", 1.0)[0].pose(role, np.zeros(1))[0, 4]
        assert stride.tibial_inclination_ic_vs_standing_deg == pytest.approx(inclination + math.degrees(standing))
        assert stride.foot_ahead_of_pelvis_mm == pytest.approx(1e3 * (shank[0, :2] - pelvis[0, :2]) @ forward)
        nose = orientation(pelvis).apply([1.0, 0.0, 0.0])
        tilt = -np.degrees(np.arcsin(nose[:, 2]))
        assert stride.pelvic_tilt_mean_abs_deg == pytest.approx(tilt.mean(), abs=0.03)
        assert stride.pelvic_tilt_range_deg == pytest.approx(np.ptp(tilt), abs=0.03)
        left_hip = orientation(pelvis).apply([0.0, 1.0, 0.0])
        higher = np.degrees(np.arcsin(left_hip[:, 2])) * (1 if stride.side == "left" else -1)
        assert stride.pelvic_drop_peak_stance_deg == pytest.approx(higher[t <= stride.tc_s].max(), abs=0.03)
        assert stride.speed_mps == pytest.approx(np.linalg.norm(way) / (t[-1] - t[0]), rel=1e-6)
        assert stride.grade_percent == pytest.approx(3.0, abs=0.6)
        turned = math.degrees(
            math.atan2(nose[0, 0] * nose[-1, 1] - nose[0, 1] * nose[-1, 0], nose[0, :2] @ nose[-1, :2])
        )
        assert stride.turn_rate_dps == pytest.approx(turned / (t[-1] - t[0]), abs=0.1)
    assert mean(strides[6:], "turn_rate_dps") == pytest.approx(15.0, abs=1.5)


def test_overstriding_lands_further_ahead_at_the_same_speed() -> None:
    _, strides = run("run 3.2; at 20 overstride strong", 50.0)
    good = [s for s in strides if 6 < s.ic_s < 19]
    bad = [s for s in strides if s.ic_s > 25]
    asked = FAULTS["overstride"]

    def gain(name: str) -> float:
        return mean(bad, name) - mean(good, name)

    assert gain("tibial_inclination_ic_vs_standing_deg") == pytest.approx(math.degrees(asked.tibia_rad), abs=0.5)
    assert gain("foot_ahead_of_pelvis_mm") == pytest.approx(1e3 * asked.landing_m, abs=6.0)
    assert abs(gain("speed_mps")) < 0.01
    assert gain("pelvis_over_foot_percent") > 5.0


def test_two_runs_that_differ_in_nothing_but_where_the_foot_lands() -> None:
    plain = run("run 3.5", 40.0)[1]
    ahead = run("run 3.5", 40.0, form=Form(landing_m=0.040))[1]
    for one, other in zip(plain[10:], ahead[10:], strict=True):
        assert (other.ic_s, other.tc_s) == pytest.approx((one.ic_s, one.tc_s), abs=1e-9)
        assert other.speed_mps == pytest.approx(one.speed_mps, rel=0.01)
        assert other.tibial_inclination_ic_deg == pytest.approx(one.tibial_inclination_ic_deg, abs=0.1)
        assert other.foot_ahead_of_pelvis_mm - one.foot_ahead_of_pelvis_mm == pytest.approx(40.0, abs=4.0)


@pytest.mark.parametrize(
    ("fault", "name", "least"),
    [
        ("overstride", "tibial_inclination_ic_vs_standing_deg", 3.5),
        ("hips_back", "pelvis_over_foot_percent", 3.0),
        ("sitting_back", "shank_mid_stance_deg", -3.5),
        ("sitting_back", "vertical_oscillation_mm", -15.0),
        ("pawing", "shank_retraction_dps", 25.0),
        ("hip_lag", "pelvic_rotation_lag_percent", 7.0),
        ("tilt_flattened", "pelvic_tilt_mean_vs_standing_deg", -3.0),
        ("tilt_excessive", "pelvic_tilt_mean_vs_standing_deg", 4.0),
        ("stiff_pelvis", "pelvic_rotation_range_deg", -4.0),
        ("asymmetry", "pelvic_drop_peak_stance_deg", 0.3),
    ],
)
def test_each_fault_shows_where_it_should_even_when_mild(fault: str, name: str, least: float) -> None:
    _, strides = run(f"run 3.2; at 20 {fault} mild", 45.0)
    change = mean([s for s in strides if s.ic_s > 25], name) - mean([s for s in strides if 6 < s.ic_s < 19], name)
    assert change / least > 1.0


def test_a_fault_may_grow_slowly() -> None:
    _, strides = run("run 3.2; at 20 tilt_excessive 40", 75.0)
    tilt = [
        mean([s for s in strides if a < s.ic_s < a + 5.0], "pelvic_tilt_mean_vs_standing_deg") for a in (14, 38, 65)
    ]
    assert tilt[1] - tilt[0] == pytest.approx(4.5, abs=0.8)
    assert tilt[2] - tilt[0] == pytest.approx(9.0, abs=0.8)


def test_low_cadence_keeps_the_speed() -> None:
    _, strides = run("run 3.2; at 20 low_cadence", 45.0)
    before = [s for s in strides if 6 < s.ic_s < 19]
    after = [s for s in strides if s.ic_s > 25]
    ratio = statistics.fmean(s.next_ic_s - s.ic_s for s in before) / statistics.fmean(
        s.next_ic_s - s.ic_s for s in after
    )
    assert ratio == pytest.approx(1.0 + FAULTS["low_cadence"].cadence, abs=0.01)
    assert mean(after, "speed_mps") == pytest.approx(mean(before, "speed_mps"), rel=0.005)


def test_a_fault_of_one_side_leaves_the_other_alone() -> None:
    _, strides = run("run 3.2; at 20 overstride strong right", 45.0)
    name = "tibial_inclination_ic_vs_standing_deg"
    for side, change in (("left", 0.0), ("right", math.degrees(FAULTS["overstride"].tibia_rad))):
        before = mean([s for s in strides if 6 < s.ic_s < 19], name, side=side)
        assert mean(strides, name, since_s=25.0, side=side) - before == pytest.approx(change, abs=0.8)


class TestHearing:
    NAME = "tibial_inclination_ic_vs_standing_deg"

    def after_cue(self, plan: str, cue: str | None) -> tuple[float, float, float]:
        """Mean inclination before the cue at 30 s, some two strides after it, and from 40 s on."""
        runner = SimulatedRunner(plan, seed=2)
        for t in np.arange(0.5, 60.0, 0.5):
            runner.motion(Role.PELVIS, np.array([t]))
            if t == 30.0 and cue is not None:
                runner.hear(cue)
        strides = runner.take_truth()
        before = [s for s in strides if 24 < s.ic_s < 30]
        soon = [s for s in strides if 31.5 < s.ic_s < 32.7]
        late = [s for s in strides if s.ic_s > 40]
        return mean(before, self.NAME), mean(soon, self.NAME), mean(late, self.NAME)

    def test_a_cue_is_heard_and_acted_on_some_strides_later(self) -> None:
        before, soon, late = self.after_cue("run 3.2; at 15 overstride", "overstride")
        assert soon == pytest.approx(before, abs=1.2)
        assert late == pytest.approx(before - math.degrees(FAULTS["overstride"].tibia_rad), abs=0.6)

    @pytest.mark.parametrize(
        ("plan", "cue"),
        [
            ("run 3.2; at 15 overstride", None),
            ("run 3.2; at 15 overstride", "tilt_flattened"),
            ("run 3.2; at 15 overstride", "no such fault"),
            ("run 3.2; at 15 overstride deaf", "overstride"),
        ],
    )
    def test_nothing_changes_without_the_right_cue(self, plan: str, cue: str | None) -> None:
        before, _, late = self.after_cue(plan, cue)
        assert late == pytest.approx(before, abs=0.6)

    def test_a_cue_for_a_fault_that_is_not_there_is_not_remembered(self) -> None:
        runner = SimulatedRunner("run 3.2; at 15 overstride", seed=2)
        for t in np.arange(0.5, 40.0, 0.5):
            runner.motion(Role.PELVIS, np.array([t]))
            if t == 5.0:
                runner.hear("overstride")
        assert mean(runner.take_truth(), self.NAME, since_s=25.0) > 16.0


def test_stops_restarts_and_walking() -> None:
    runner, strides = run("stand 3; run 3; at 15 stand 8; walk 1.4; at 45 run 4; at 60 stand", 75.0)
    # Who walks always has a foot on the ground.
    walking = sorted((s for s in strides if 28 < s.ic_s < 43), key=lambda s: s.ic_s)
    assert len(walking) > 20
    for this, following in itertools.pairwise(walking):
        assert this.side != following.side
        assert this.tc_s > following.ic_s
    # Nothing of a stride while standing.
    stops = [(0.0, 3.0), (19.0, 23.0), (64.5, 75.0)]
    for a, b in stops:
        assert not [s for s in strides if s.ic_s < b and s.next_ic_s > a]
        t = np.linspace(a, b - 0.1, 200)
        for role in Role:
            assert np.abs(runner.motion(role, t).gyr).max() < 1e-6
    # No jerk anywhere that a body could not make.
    t = np.arange(50.0, 75.0, 1 / 208)
    for role in Role:
        motion = runner.motion(role, t)
        assert np.abs(motion.gyr).max() < 16.0
        assert np.linalg.norm(motion.acc, axis=1).max() < 20 * G_MPS2


def test_climbing_and_bends() -> None:
    runner, strides = run("run 3; at 10 grade 8; at 30 grade 0; turn 30", 50.0)
    height = runner.pose(Role.PELVIS, np.array([29.0]))[0, 2] - runner.pose(Role.PELVIS, np.array([11.0]))[0, 2]
    assert height == pytest.approx(18.0 * 3.0 * 0.08, rel=0.03)
    # The barometric formula's slope near 100 m: about 11.9 Pa a metre.
    assert (runner.pressure_pa(11.0) - runner.pressure_pa(29.0)) / height == pytest.approx(11.9, abs=0.1)
    assert mean([s for s in strides if 12 < s.ic_s < 28], "grade_percent") == pytest.approx(8.0, abs=0.2)
    assert mean(strides, "turn_rate_dps", since_s=32.0) == pytest.approx(30.0, abs=0.5)


def test_pieces_of_any_length_give_the_same_motion() -> None:
    plan = "stand 2; run 3.4; at 12 overstride; at 20 stand 4; walk"
    t = np.arange(0.0, 35.0, 1 / 208)
    whole = SimulatedRunner(plan, seed=5)
    pieces = SimulatedRunner(plan, seed=5)
    expected = {role: whole.motion(role, t) for role in Role}
    cuts = np.array_split(t, 500)
    got = {role: [] for role in Role}
    for cut in cuts:
        for role in Role:
            got[role].append(pieces.motion(role, cut))
    for role in Role:
        assert np.abs(np.vstack([m.acc for m in got[role]]) - expected[role].acc).max() < 1e-3
        assert np.abs(np.vstack([m.gyr for m in got[role]]) - expected[role].gyr).max() < 1e-8


def test_one_seed_is_one_run_and_another_seed_another() -> None:
    t = np.linspace(10.0, 12.0, 50)
    one, same, other = (run("run 3", 13.0, seed=seed)[0].motion(Role.SHANK_LEFT, t).acc for seed in (7, 7, 8))
    assert (one == same).all()
    assert np.abs(one - other).max() > 1.0


def test_memory_does_not_grow_with_time() -> None:
    runner = SimulatedRunner("run 3", seed=0)
    sizes = []
    for t in np.arange(0.0, 400.0, 1.0):
        runner.motion(Role.PELVIS, np.array([t]))
        runner.take_truth()
        if t in (120.0, 399.0):
            track = runner._steps.track
            sizes.append([len(track.knots), len(track.footfalls[0]), len(track.impacts[0]), len(track._path)])
            sizes[-1].append(len(runner._curve._points) // 1000)
    assert np.abs(np.subtract(*sizes)).max() <= 4


def test_times_before_the_start_are_standing_and_times_long_past_are_refused() -> None:
    runner = SimulatedRunner("stand 1; run 3", seed=0, start_s=math.inf)
    assert runner.motion(Role.PELVIS, np.array([1e6])).gyr == pytest.approx(np.zeros((1, 3)))
    runner.start(1e6)
    assert np.linalg.norm(runner.motion(Role.SHANK_LEFT, np.array([1e6 + 5.0])).gyr) > 0.01
    assert min(stride.ic_s for stride in runner.take_truth()) > 1e6
    for t in np.arange(0.0, 100.0, 1.0):
        runner.motion(Role.PELVIS, np.array([1e6 + t]))
    with pytest.raises(ValueError, match="not known"):
        runner.motion(Role.PELVIS, np.array([1e6 + 10.0]))
