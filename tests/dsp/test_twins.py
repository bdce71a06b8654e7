"""Kernels of single events and columns against slow plain twins, formulas and signals whose answer is known.

What only joins others is tested as a whole (test_whole_core.py): JOINTS. Each other kernel has a test of its own.
"""

import ast
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.spatial.transform import Rotation

import dsp
from dsp import (
    alignment,
    alone,
    attitude,
    contacts,
    grade,
    midstance,
    orientation,
    pelvis,
    quaternion,
    springmass,
    state,
    stream,
    strides,
)
from dsp.analyzer import GaitAnalyzer
from dsp.params import G_MPS2, Params
from dsp.types import STRIDE, Role
from firmware_sim.offline import simulate
from tests.dsp import naive, ring

Array = NDArray[np.float64]
CO = Params().record()[0]
DT = 1 / 208
JOINTS = {
    "push",
    "run",
    "take",
    "take_alone",
    "mid_stance",
    "mid_stance_alone",
    "guide_pelvis",
    "complete",
    "arrive",
    "watch_seats",
    "watch_shank",
    "watch_pelvis",
}


def test_every_kernel_has_a_twin_or_joins_some() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    kernels = {
        f"{path.stem}.{part.name}"
        for path in Path(dsp.__file__).parent.glob("*.py")
        for part in ast.parse(path.read_text()).body
        if isinstance(part, ast.FunctionDef)
        and any(isinstance(by, ast.Name) and by.id in ("kernel", "inlined") for by in part.decorator_list)
    }
    assert len(kernels) > 50
    assert {name.split(".")[1] for name in kernels if not re.search(rf"\b{name}\(", tests)} == JOINTS


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture(scope="module")
def core() -> np.void:
    """The core in the middle of a bend, tipped by a tilt error of half a degree on purpose."""
    frames, _ = simulate("stand 3; run 3.2 8; turn 12", 14.3, seed=6)
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    for role, rows in frames.items():
        analyzer.push(role, rows)
    analyzer.flush()
    core = analyzer._core[0]
    core["pods"]["x"][:, 1] += (0.009, -0.006)
    return core


def unit(v: Array) -> Array:
    return v / np.linalg.norm(v)


# --- quaternions, seats, filter


def test_quaternions_turn_as_scipys(rng: np.random.Generator) -> None:
    q, v = unit(rng.normal(size=4)), rng.normal(0.0, 0.03, 3)
    turned = naive.rotation(np.array(quaternion.turn(*q, *(40.0 * v), 1.0 / 40.0)))
    assert (turned * (naive.rotation(q) * Rotation.from_rotvec(v)).inv()).magnitude() < 1e-7
    both = naive.rotation(np.array(quaternion.product(*q, *np.roll(q, 1))))
    assert (both * (naive.rotation(q) * naive.rotation(np.roll(q, 1))).inv()).magnitude() < 1e-12
    in_world = q.copy()
    quaternion.turn_world(in_world, *(20.0 * v))
    assert (naive.rotation(in_world) * (Rotation.from_rotvec(20.0 * v) * naive.rotation(q)).inv()).magnitude() < 1e-12
    assert quaternion.turned(*v, *q[:3]) == pytest.approx(Rotation.from_rotvec(q[:3]).apply(v))
    a, b = rng.normal(size=3), rng.normal(size=3)
    around = Rotation.from_rotvec(quaternion.shortest(*a, *b))
    assert unit(around.apply(a)) == pytest.approx(unit(b))
    assert around.as_rotvec() @ a == pytest.approx(0.0, abs=1e-12)  # no further than needed
    assert quaternion.shortest(*a, *(2.0 * a)) == (0.0, 0.0, 0.0)
    rows = np.zeros((3, state.WIDTH))
    rows[1, state.QUAT : state.QUAT + 4] = q
    assert quaternion.rotate_row(rows, 1, *v) == pytest.approx(naive.rotation(q).apply(v))
    assert quaternion.sense_row(rows, 1, *v) == pytest.approx(naive.rotation(q).inv().apply(v))


def test_the_forward_axis_is_the_mean_direction_of_travel_made_level(core: np.void) -> None:
    pod = core["pods"][Role.PELVIS].copy()
    rows = ring.ring_of(pod)
    first, last = int(pod["n"]) - 400, int(pod["n"])
    travel = np.array([0.6, 0.8, 0.0])
    pod["axis_n"] = 0
    alignment.learn_forward(pod, CO, first, last, *travel[:2])
    mean = rows.attitude[len(rows.t) - 400 :].inv().apply(travel).mean(axis=0)
    assert pod["axis"] == pytest.approx(unit(mean - (mean @ pod["up"]) * pod["up"]), abs=0.005)
    alignment.square(pod, 0.3, 0.5, 0.9)
    flat = np.array([0.3, 0.5, 0.9])
    assert pod["axis"] == pytest.approx(unit(flat - (flat @ pod["up"]) * pod["up"]))


def test_errors_grow_as_integrals(core: np.void) -> None:
    pod = core["pods"][Role.PELVIS].copy()
    pod["x"] = [[0.1, 0.2], [0.01, -0.02], [0.002, 0.001], [0.03, -0.01]]
    t = np.linspace(0.0, 0.4, 2001)
    tilt = pod["x"][1] + np.outer(t, pod["x"][2])
    velocity = pod["x"][0] + cumulative_trapezoid(G_MPS2 * tilt + pod["x"][3], t, axis=0, initial=0.0)
    assert attitude.tilt_at(pod, pod["kf_s"] + 0.4) == pytest.approx(tilt[-1])
    assert attitude.velocity_error_at(pod, pod["kf_s"] + 0.4) == pytest.approx(velocity[-1])


def test_tilt_is_less_sure_after_a_gap_and_a_surprise_and_never_surer_than_the_accelerometer(core: np.void) -> None:
    pod = core["pods"][Role.PELVIS].copy()
    pod["surprise"] = 1.0
    before = attitude.tilt_sd(pod)
    assert before == pytest.approx(math.sqrt(pod["p"][1, 1]))
    attitude.loosen(pod, 0.01, 0.5)
    assert attitude.tilt_sd(pod) == pytest.approx(math.hypot(before, 0.01))
    pod["surprise"] = 4.0
    assert math.hypot(before, 0.01) < attitude.tilt_sd(pod) < 2.0 * math.hypot(before, 0.01)
    pod["surprise"] = 0.0
    assert attitude.tilt_sd(pod) == pytest.approx(math.sqrt(pod["p"][3, 3]) / G_MPS2)


# --- rest and start


def test_rest_gives_the_gyros_offset_and_up(rng: np.random.Generator) -> None:
    """A still, tilted pod with noise: means of the samples that count, which are all but the first and the last."""
    pod = state.core(6.0)[0]["pods"][Role.SHANK_LEFT]
    pod["period_s"] = DT
    bias, up = np.array([0.01, -0.02, 0.005]), unit(np.array([0.1, -0.05, 1.0]))
    samples = np.c_[G_MPS2 * up + rng.normal(0, 0.05, (600, 3)), bias + rng.normal(0, 0.003, (600, 3))]
    for k, sample in enumerate(samples):
        orientation.advance(pod, k * DT, sample)
        orientation.watch_rest(pod, CO, k * DT, sample, True)
    block = math.ceil(0.25 / DT)
    assert pod["held_n"] == block
    settled = math.ceil(CO["rest_settle_s"] / DT) - 1
    counted = samples[settled : settled + (600 - settled) // block * block - block]
    assert pod["calibrated"]
    assert pod["up"] == pytest.approx(unit(counted[:, :3].mean(axis=0)), abs=1e-3)
    assert counted[:, :3].mean(axis=0) - pod["acc_offset"] == pytest.approx(G_MPS2 * pod["up"], abs=1e-3)
    assert pod["bias"] == pytest.approx(counted[:, 3:].mean(axis=0), abs=2e-3)
    assert pod["resting_s"] == pytest.approx(len(counted) * DT)
    orientation.end_rest(pod)
    assert (pod["resting_s"], pod["slow_n"]) == (0.0, 0)
    assert not pod["rest_sum"].any()


def test_a_pod_that_is_calibrated_knows_nothing_from_before() -> None:
    pod = state.core(6.0)[0]["pods"][Role.SHANK_LEFT]
    gone = (
        "slipped",
        "off_n",
        "confirm_n",
        "usual_n",
        "lean_n",
        "axis_n",
        "drive_n",
        "seat_sd_rad",
        "moved_s",
        "lean",
        "cube",
        "size",
    )
    for name in gone:
        pod[name] = 3
    pod["rest_up"] = (0.0, 0.6, 0.8)
    orientation.calibrate(pod)
    assert pod["calibrated"]
    assert pod["up"].tolist() == [0.0, 0.6, 0.8]
    assert not any(pod[name] for name in gone)


def test_a_block_counts_only_once_the_next_one_was_rest_too() -> None:
    pod = state.core(6.0)[0]["pods"][Role.SHANK_LEFT]
    pod["period_s"] = DT
    for blocks in (1, 2, 3):
        pod["block_sum"][:3], pod["block_n"] = (0.0, 0.0, 9.8 * 52), 52
        orientation.take_rest_block(pod, CO)
        assert pod["rest_n"] == 52 * (blocks - 1)


def test_a_start_in_motion_takes_the_mean_force_for_up(rng: np.random.Generator) -> None:
    pod = state.core(6.0)[0]["pods"][Role.PELVIS]
    pod["period_s"] = DT
    n = math.ceil(float(pod["start_s"]) / DT)
    t = np.arange(n) * DT
    tilt = Rotation.from_euler("xy", (8.0, -5.0), degrees=True)
    acc = tilt.inv().apply(np.c_[3 * np.sin(12.0 * t), np.cos(9.0 * t), G_MPS2 + 8 * np.sin(2 * np.pi * 3 * t)])
    for k in range(n):
        orientation.advance(pod, t[k], np.r_[acc[k], 0.0, 0.0, 0.0])
    assert pod["ready"]
    assert naive.rotation(pod["q"]).apply(unit(acc[1:].mean(axis=0))) == pytest.approx([0.0, 0.0, 1.0], abs=1e-6)
    orientation.start(pod, *acc[0])  # and begins to count anew
    assert pod["first"] == pod["n"]


def test_a_repeated_sample_is_frozen_only_in_motion_and_later() -> None:
    core = state.core(6.0)[0]
    core["stride_s"] = core["now_s"] = 1.0
    pod = core["pods"][Role.SHANK_LEFT]
    pod["bias"] = (0.01, 0.0, -0.02)
    sample = np.array([1.0, -2.0, 9.0, 0.1, 0.02, 0.03])
    orientation.advance(pod, 1.0, sample)
    pod["raw_s"] = 1.0
    for t, now_s, frozen in ((1.01, 1.0, True), (1.0, 1.0, False), (1.01, 9.0, False)):
        core["now_s"] = now_s
        assert stream.is_frozen(core, pod, CO, np.array([t, *sample, np.nan])) == frozen
    core["now_s"] = 1.0
    for j in range(6):
        assert not stream.is_frozen(core, pod, CO, np.array([1.01, *(sample + 1e-3 * np.eye(6)[j]), np.nan]))
    orientation.advance(pod, 1.0, sample * [1, 1, 1, 1, 40, 1])  # turning fast, though nobody runs
    core["now_s"] = 9.0
    assert stream.is_frozen(core, pod, CO, np.array([1.01, *(sample * [1, 1, 1, 1, 40, 1]), np.nan]))


# --- contacts


def leg_after(swings: int = 0) -> np.void:
    leg = state.core(CO["swing_peak_radps"])[0]["legs"][0]
    leg["zero_n"] = swings
    return leg


def followed(step: Callable[[float, float, float], int], t: Array, w: Array, force: Array) -> list[int]:
    return [step(*sample) for sample in zip(t, w, force, strict=True)]


@pytest.mark.parametrize("slope_mps3", [2500.0, 6000.0])
def test_an_impact_is_found_where_it_begins(slope_mps3: float) -> None:
    """The swing slows down and crosses zero at 0.3 s; the force rises from 0.3203 s on: at most a sample early."""
    leg, t = leg_after(), np.arange(0.0, 0.45, DT)
    w = np.interp(t, [0.0, 0.2, 0.26, 0.36], [0.0, -8.0, -4.0, 6.0])
    force = np.interp(t, [0.3203, 0.3203 + 60.0 / slope_mps3], [5.0, 65.0])
    found = followed(lambda *x: contacts.follow_leg(leg, CO, x[0], DT, *x[1:]), t, w, force)
    assert found.count(contacts.INITIAL) == 1
    assert 0.3203 - DT < leg["ic_s"] < 0.3203 + 0.0008
    assert leg["zero_s"] == pytest.approx(0.3, abs=1e-3)
    assert leg["ic_decided_s"] == t[found.index(contacts.INITIAL)]


def test_a_leg_that_slows_down_before_the_impact_is_no_part_of_it() -> None:
    """As a sprinter's: 20 m/s2 of slow rise, then the impact at 0.3203 s."""
    leg, t = leg_after(), np.arange(0.0, 0.45, DT)
    leg["usual_rise"] = 120.0
    w = np.interp(t, [0.0, 0.2, 0.26, 0.36], [0.0, -8.0, -4.0, 6.0])
    force = np.interp(t, [0.30, 0.3203, 0.3303], [-20.0, 0.0, 100.0])
    for sample in zip(t, w, force, strict=True):
        contacts.follow_leg(leg, CO, sample[0], DT, *sample[1:])
    assert 0.3203 - DT < leg["ic_s"] < 0.3203 + DT


def test_without_an_impact_the_learnt_lead_is_taken() -> None:
    leg, t = leg_after(), np.arange(0.0, 0.6, DT)
    w = np.interp(t, [0.0, 0.2, 0.26, 0.36], [0.0, -8.0, -4.0, 6.0])
    leg["zero_lead_s"] = 0.041
    found = [contacts.follow_leg(leg, CO, x, DT, y, 5.0) for x, y in zip(t, w, strict=True)]
    assert found.count(contacts.INITIAL) == 1
    assert leg["ic_s"] == pytest.approx(0.341, abs=1e-3)


def test_a_leg_that_is_lifted_and_does_not_turn_back_has_not_landed() -> None:
    leg, t = leg_after(), np.arange(0.0, 0.6, DT)
    w = np.interp(t, [0.0, 0.2, 0.3], [0.0, -8.0, -0.1])
    assert not any(contacts.follow_leg(leg, CO, x, DT, y, 5.0) for x, y in zip(t, w, strict=True))
    assert leg["phase"] == contacts.SWING_NEXT


@pytest.mark.parametrize(("hz", "sd_ms"), [(416, 0.8), (208, 0.82), (104, 3.1)])
def test_the_fewer_samples_the_less_sure(hz: int, sd_ms: float) -> None:
    """Of an impact as steep as can be: a sixth of a sample, and more where an impact is shorter than one."""
    leg, t = leg_after(), np.arange(0.0, 0.45, 1 / hz)
    w = np.interp(t, [0.0, 0.2, 0.26, 0.36], [0.0, -8.0, -4.0, 6.0])
    for x, y in zip(t, w, strict=True):
        contacts.follow_leg(leg, CO, x, 1 / hz, y, 5.0 + 300.0 * (x > 0.32))
    assert 1e3 * leg["ic_sd_s"] == pytest.approx(sd_ms, abs=0.1)
    assert 0.32 - 1 / hz < leg["ic_s"] <= 0.32 + 1 / hz


def test_the_first_impact_is_learnt_whole_and_later_ones_little_by_little() -> None:
    leg = leg_after()
    assert leg["usual_rise"] == 0.0
    for rise, usual in ((80.0, 80.0), (60.0, 76.0)):
        leg["phase"], leg["ic_s"], leg["rise"] = contacts.STANCE, 0.0, rise
        contacts.stance(leg, CO, 0.05, DT, 1.0, 10.0)
        assert leg["usual_rise"] == pytest.approx(usual)


def test_a_swing_that_goes_on_is_no_landing() -> None:
    leg = leg_after()
    leg["phase"], leg["swing_min"] = contacts.SEARCH, -8.0
    assert contacts.search(leg, CO, 0.3, DT, -7.0, 90.0) == contacts.NOTHING
    assert leg["phase"] == contacts.SWING


def test_the_foot_leaves_before_the_rate_has_risen() -> None:
    """The rate rises from 1 rad/s at 0.25 s on by 100 rad/s2."""
    leg, t = leg_after(), np.arange(0.1, 0.4, DT)
    leg["phase"], leg["ic_s"], leg["w_min"] = contacts.STANCE, 0.0, 99.0
    found = []
    for x, y in zip(t, 1.0 + 100.0 * np.maximum(t - 0.25, 0.0), strict=True):
        if leg["phase"] == contacts.STANCE:
            found.append(contacts.stance(leg, CO, x, DT, y, 10.0))
            leg["last_w"] = y
    assert found[-1] == contacts.TERMINAL
    assert leg["tc_s"] == pytest.approx(0.25 + CO["tc_rise_radps"] / 100.0 - CO["tc_lag_s"], abs=1e-6)


def test_a_walkers_foot_leaves_at_the_peak() -> None:
    leg, t = leg_after(), np.arange(0.5, 0.8, DT)
    leg["phase"], leg["ic_s"], leg["w_min"] = contacts.STANCE, 0.0, 1.0
    w = 1.0 + 3.0 * np.exp(-(((t - 0.62) / 0.06) ** 2))
    left_s = next(x for x, y in zip(t, w, strict=True) if contacts.walking_stance(leg, CO, x, y) == contacts.TERMINAL)
    assert leg["tc_s"] == pytest.approx(0.62, abs=DT)
    assert 0.62 < left_s == leg["tc_decided_s"] < 0.68


def test_the_lead_is_learnt_as_a_mean_then_a_fading_one(rng: np.random.Generator) -> None:
    leg, leads = leg_after(), rng.normal(0.03, 0.004, 60)
    mean, variance = 0.0, 0.0
    for k, lead in enumerate(leads):
        contacts.learn_lead(leg, lead)
        if k >= 10:
            variance += 0.05 * (min((lead - mean) ** 2, 9 * 0.004**2) - variance)
        mean = np.mean(leads[: k + 1]) if k < 10 else mean + 0.1 * (lead - mean)
        assert leg["zero_lead_s"] == pytest.approx(mean)
        assert leg["zero_lead_var_s2"] == pytest.approx(variance)


def test_a_contact_moves_the_one_before_it() -> None:
    leg = leg_after()
    contacts.land(leg, CO, 1.0, 0.001, 1.01, 0)
    leg["tc_s"] = 1.25
    contacts.land(leg, CO, 1.8, 0.002, 1.81, 0)
    assert [leg[name] for name in ("was_ic_s", "was_tc_s", "ic_s", "ic_sd_s")] == [1.0, 1.25, 1.8, 0.002]
    assert leg["stride_s"] == pytest.approx(0.70 + 0.2 * 0.10)
    contacts.land(leg, CO, 2.1, 0.002, 2.11, 1)  # half a stride later, by the pelvis: another leg's
    assert math.isnan(leg["was_ic_s"])


@pytest.mark.parametrize(("at_s", "hips", "side"), [(1.35, 0.0, 1), (1.70, 0.0, 0), (1.35, 0.1, 0), (9.0, 0.0, 1)])
def test_whose_turn_it_is(at_s: float, hips: float, side: int) -> None:
    """The left foot landed last, at 1.0 s; steps last 0.35 s; `hips` objects."""
    core = state.core(6.0)[0]
    core["legs"]["ic_s"] = (1.0, 0.65)
    core["steps"]["event_s"], core["steps"]["hips"] = at_s, hips
    assert alone.whose_turn(core["steps"], core["legs"], 0.70) == side


@pytest.mark.parametrize(("at_s", "side"), [(1.05, -1), (1.30, 1), (1.50, 1), (1.68, -1), (9.0, -1)])
def test_a_step_is_the_lost_legs_in_the_middle_of_the_others_stride(at_s: float, side: int) -> None:
    core = state.core(6.0)[0]
    core["legs"]["ic_s"] = (1.0, 0.65)
    core["steps"]["event_s"] = at_s
    assert alone.turn_of(core["steps"], core["legs"], 1) == side


# --- columns


def test_the_ankle_moves_as_the_pod_and_the_shank_on_it(core: np.void) -> None:
    pod, leg = core["pods"][Role.SHANK_LEFT], core["legs"][0]
    rows, arm, at = ring.ring_of(pod), float(CO["ankle_lever_m"]), float(leg["ms_s"])
    half = float(CO["mid_stance_half_s"])
    near = rows.between(at - half, at + half)
    x, y, rate, ok = midstance.ankle_velocity(pod, CO, at)
    assert ok
    assert (x, y) == pytest.approx(ring.ankle(near, pod["up"], arm).mean(axis=0))
    assert rate == pytest.approx(near.rate.mean())
    first, last = orientation.row_at(pod, leg["ms_before_s"]), orientation.row_at(pod, at)
    some = rows.between(leg["ms_before_s"] - DT, at)
    assert len(some.t) == last - first + 1
    assert midstance.travelled(pod, CO, first, last) == pytest.approx(
        ring.way(some, pod["up"], arm, pod["period_s"]), abs=1e-6
    )


def test_the_shank_leans_as_scipy_says(core: np.void) -> None:
    pod, leg = core["pods"][Role.SHANK_RIGHT], core["legs"][1]
    rows = ring.ring_of(pod)
    for t in (leg["was_ic_s"], leg["ms_s"], leg["was_ic_s"] + 0.5):
        expected = ring.inclination(rows, pod, leg["h"], float(t))
        assert strides.inclination(pod, *leg["h"], t) == pytest.approx(expected, abs=1e-4)  # small angles of the tilt
    fine = np.linspace(leg["was_ic_s"], leg["was_ic_s"] + 0.05, 5001)
    mean = np.interp(fine, rows.t, rows.rate).mean()
    assert strides.mean_rate(pod, fine[0], fine[-1]) == pytest.approx(mean, abs=1e-3)  # single samples: 0.1
    assert math.isnan(strides.mean_rate(pod, 0.0, 0.05))  # long gone


def test_inclination_is_as_sure_as_attitude_standing_time_and_direction(core: np.void) -> None:
    pod, leg, row = core["pods"][Role.SHANK_LEFT], core["legs"][0], np.zeros(1, STRIDE)[0]
    row["ic_s"], row["next_ic_s"] = leg["was_ic_s"], leg["ic_s"]
    known = math.hypot(attitude.tilt_sd(pod), CO["standing_sd_rad"])
    late = 0.5 * math.sqrt(2) / (2 * math.pi * 0.5) * pod["period_s"]  # half the delay of a filter at half the rate
    row["turn_rate_radps"] = math.nan
    assert strides.inclination_sd(pod, CO, leg["h"], row) == pytest.approx(known)
    row["shank_retraction_radps"], row["shank_rate_early_stance_radps"], row["ic_sd_s"] = 3.0, 5.0, 0.004
    assert strides.inclination_sd(pod, CO, leg["h"], row) == pytest.approx(
        math.hypot(known, 4.0 * math.hypot(0.004, late)), rel=1e-3
    )
    row["shank_retraction_radps"], row["shank_rate_early_stance_radps"] = 0.0, 0.0
    pod["seat_sd_rad"] = 0.02  # a slip was put right
    assert strides.inclination_sd(pod, CO, leg["h"], row) == pytest.approx(math.hypot(known, 0.02))
    pod["seat_sd_rad"] = 0.0
    row["turn_rate_radps"] = 0.4
    lean = ring.inclination(ring.ring_of(pod), pod, np.array([-leg["h"][1], leg["h"][0]]), float(leg["was_ic_s"]))
    mixed = 0.5 * 0.4 * (leg["ic_s"] - leg["was_ic_s"]) * lean
    assert strides.inclination_sd(pod, CO, leg["h"], row) == pytest.approx(math.hypot(known, mixed), rel=1e-3)


@pytest.mark.parametrize("at", [0.02, 0.48, 0.61, 0.83])
def test_a_side_that_comes_late_is_late_alone(at: float) -> None:
    """The pelvis turns to `at`, and half a stride on to the other side's moment; one of the two comes 0.1 late."""
    share = np.arange(72) / 72
    late = share - 0.1 * (0.5 + 0.5 * np.cos(2.0 * np.pi * (share - at - 0.1)))  # not half a stride on
    for phase, own, other in ((share, at, at + 0.5), (late, at + 0.1, at + 0.5)):
        forward = 0.12 * np.cos(2.0 * np.pi * (phase - at)) + 0.01 * np.cos(6.0 * np.pi * (phase - at))
        assert abs((pelvis.foremost(forward, 1 / 72) - own + 0.5) % 1.0 - 0.5) < 0.02
        assert abs((pelvis.foremost(-forward, 1 / 72) - other + 0.5) % 1.0 - 0.5) < 0.03


@pytest.mark.parametrize("side", [0, 1])
def test_the_pelviss_columns_are_the_twins(core: np.void, side: int) -> None:
    """Kernels look at every other sample, and take the angles of a bend as small."""
    pod, leg = core["pods"][Role.PELVIS], core["legs"][side]
    ic, tc, end = (float(leg[name]) for name in ("was_ic_s", "was_tc_s", "ic_s"))
    row, rows = np.zeros(1, STRIDE)[0], ring.ring_of(pod).between(ic, end)
    falling = pelvis.pelvis_columns(pod, CO, side, ic, tc, end, row)
    for name, value in ring.pelvis(rows, pod, float(CO["pelvis_lean_rad"]), tc, bool(side)).items():
        near = {"vertical_oscillation_m": 0.002, "pelvic_rotation_lag": 0.01}.get(name, np.radians(0.3))
        assert row[name] == pytest.approx(value, abs=near), name
    assert falling == pytest.approx((rows.fall < CO["free_fall_mps2"] - G_MPS2).mean(), abs=0.02)
    assert np.degrees(row["turn_rate_radps"]) == pytest.approx(12.0, abs=3.0)
    forward = unit(rows.vel[:, :2].mean(axis=0))
    tx, ty = attitude.tilt_at(pod, pod["kf_s"])
    first = orientation.row_at(pod, ic) + 1
    found = pelvis.braking(pod, first, ic, tc, tx, ty, *forward)
    assert found == pytest.approx(ring.braking(rows, pod, forward, ic, tc), abs=1e-9)


def test_up_is_the_mean_over_a_stride(core: np.void) -> None:
    pod = core["pods"][Role.PELVIS].copy()
    rows, n = ring.ring_of(pod), int(pod["n"])
    ups = rows.attitude[len(rows.t) - 150 :].inv().apply(ring.true_up(pod, pod["kf_s"]))
    found = midstance.mean_up(pod, n - 150, n)
    assert found == pytest.approx(unit(ups.mean(axis=0)), abs=3e-3)
    before = pod["up"].copy()
    midstance.learn_up(pod, *found)
    assert pod["up"] == pytest.approx(unit(before + midstance.RECENT * (np.array(found) - before)))
    assert pod["up"] @ pod["axis"] == pytest.approx(0.0, abs=1e-12)


def test_differences_are_left_less_right_where_strides_overlap() -> None:
    legs, row = state.core(6.0)[0]["legs"], np.zeros(1, STRIDE)[0]
    row["tibial_inclination_ic_rad"], row["pelvic_drop_rad"] = 0.2, 0.05
    strides.differences(legs[0], legs[1], 0, 1.0, 1.7, 0.25, row)
    assert math.isnan(row["contact_time_difference_s"])  # the right leg has not been seen
    row["tibial_inclination_ic_rad"], row["pelvic_drop_rad"] = 0.17, 0.06
    strides.differences(legs[1], legs[0], 1, 1.35, 2.05, 0.24, row)
    names = ("contact_time_difference_s", "tibial_inclination_difference_rad", "pelvic_drop_difference_rad")
    assert [row[name] for name in names] == pytest.approx([0.01, 0.03, -0.01])


def test_the_landing_is_the_line_and_a_share_of_what_braking_says_beyond_it() -> None:
    leg, row = leg_after(), np.zeros(1, STRIDE)[0]
    line, shifts = 0.385 * 3.0 * 0.25 - 0.078, []
    weight = 0.030**2 / (0.030**2 + 0.020**2)
    row["pelvis_over_foot"] = math.nan
    strides.foot_ahead(leg, CO, 3.0, 0.25, False, row)  # where braking was not seen the line alone is left
    assert (row["foot_ahead_of_pelvis_m"], row["foot_ahead_of_pelvis_sd_m"]) == pytest.approx((line, 0.030))
    for over in (0.40, 0.44, 0.42):
        row["pelvis_over_foot"] = over
        shifts.append(3.0 * 0.25 * over - CO["foot_offset_m"] - line)
        strides.foot_ahead(leg, CO, 3.0, 0.25, False, row)
        assert row["foot_ahead_of_pelvis_m"] == pytest.approx(line + weight * np.mean(shifts))
    assert row["foot_ahead_of_pelvis_sd_m"] == pytest.approx((0.030**-2 + 0.020**-2) ** -0.5)  # of two guesses
    row["pelvis_over_foot"] = 0.1
    strides.foot_ahead(leg, CO, 3.0, 0.25, True, row)  # walking teaches nothing
    assert row["foot_ahead_of_pelvis_m"] == pytest.approx(line + weight * np.mean(shifts))


def test_stiffness_is_that_of_half_a_sine() -> None:
    """Force per kg over contact, integrated twice: it balances the weight of a whole step, and lowers the body."""
    contact, flight, speed, leg_m = 0.24, 0.11, 3.3, 0.92
    t = np.linspace(0.0, contact, 20001)
    force = np.sin(np.pi * t / contact)
    force *= G_MPS2 * (contact + flight) / np.trapezoid(force, t)
    velocity = cumulative_trapezoid(force - G_MPS2, t, initial=0.0) - G_MPS2 * flight / 2
    drop = -cumulative_trapezoid(velocity, t, initial=0.0).min()
    shorter = drop + leg_m - math.sqrt(leg_m**2 - (speed * contact / 2) ** 2)
    assert springmass.stiffness(contact, flight, speed, leg_m) == pytest.approx(
        (force.max() / drop, force.max() / shorter), rel=1e-5
    )


def test_the_grade_is_a_fading_line(rng: np.random.Generator) -> None:
    core, tau = state.core(6.0)[0], float(CO["grade_tau_s"])
    t = np.cumsum(rng.uniform(0.3, 0.7, 60))
    speed = rng.uniform(2.5, 3.5, 60)
    way = np.cumsum(np.r_[0.0, speed[1:] * np.diff(t)])
    pressure = 101325.0 * np.exp(-(0.05 * way + rng.normal(0.0, 0.1, 60)) / grade.SCALE_HEIGHT_M)
    for reading in zip(t, pressure, speed, strict=True):
        grade.climb(core, CO, *reading)
    height = -grade.SCALE_HEIGHT_M * np.log(pressure / 101325.0)
    weight = np.exp(-(t[-1] - t[1:]) / tau)  # the first reading has no way
    twin = np.polyfit(way[1:], height[1:], 1, w=np.sqrt(weight))[0]
    assert grade.grade(core, CO) == pytest.approx(twin, rel=1e-6)


# --- the stream


def test_lost_samples_of_a_runner_are_those_of_a_stride_earlier(core: np.void) -> None:
    core = core.copy()
    pod, leg = core["pods"][Role.SHANK_LEFT], core["legs"][0]
    missing = stream.bridge(core, pod, core["legs"], CO, 1, 20)
    assert missing == 20
    back = round(float(leg["stride_s"] / pod["period_s"]))
    assert core["back"] == back
    stream.substitute(core, pod, 0.5)
    row = pod["ring"][(pod["n"] - back) % state.RING]
    assert core["sample"][:3] == pytest.approx(row[state.ACC : state.ACC + 3])
    assert core["sample"][3:] == pytest.approx(row[state.GYR : state.GYR + 3] + pod["bias"])
    assert stream.bridge(core, pod, core["legs"], CO, 1, 200) == 0  # too many: the pod starts anew
    assert (pod["ready"], pod["first"], leg["phase"]) == (0, pod["n"], contacts.SWING_NEXT)


def test_lost_samples_at_rest_lie_on_a_line(core: np.void) -> None:
    core = core.copy()
    core["now_s"] = core["stride_s"] + 10.0  # long stopped
    pod = core["pods"][Role.PELVIS]
    pod["slow_n"] = 20
    core["frame"][state.FRAME_ACC : state.FRAME_ACC + 6] = (1.0, 2.0, 3.0, 0.05, 0.1, 0.15)
    assert stream.bridge(core, pod, core["legs"], CO, 0, 4) == 4
    assert core["back"] == 0
    last = pod["ring"][(pod["n"] - 1) % state.RING]
    stream.substitute(core, pod, 0.25)
    before = np.r_[last[state.ACC : state.ACC + 3], last[state.GYR : state.GYR + 3] + pod["bias"]]
    assert core["sample"] == pytest.approx(0.75 * before + 0.25 * core["frame"][1:7])


def test_a_pod_that_moves_and_has_no_stride_to_repeat_starts_anew(core: np.void) -> None:
    core = core.copy()
    core["now_s"] = core["stride_s"] + 10.0
    pod = core["pods"][Role.PELVIS]
    most = int(CO["bridge_line_s"] / pod["period_s"])
    for before, rate, still in ((20, 0.1, True), (20, 1.0, False), (0, 0.1, False)):
        pod["slow_n"] = before
        core["frame"][state.FRAME_GYR : state.FRAME_GYR + 3] = (0.0, rate, 0.0)
        assert orientation.slow(CO, 0.0, rate, 0.0) == (rate < 0.27)  # 16 degrees a second
        assert stream.bridge(core, pod, core["legs"], CO, 0, most) == most
        assert core["back"] == (0 if still else -1)
        assert stream.bridge(core, pod.copy(), core["legs"], CO, 0, most + 1) == (most + 1 if still else 0)


def test_what_is_no_time_comes_first_and_what_is_no_pressure_is_not_taken(core: np.void) -> None:
    assert [stream.orderly(t) for t in (math.nan, math.inf, 3.5)] == [-math.inf, -math.inf, 3.5]
    core = core.copy()
    for pressure, taken in ((math.nan, False), (0.0, False), (2e5, False), (1e5, True)):
        core["grade"]["t_s"] = 0.0
        stream.barometer(core, core["legs"], CO, 15.0, pressure)
        assert (core["grade"]["t_s"] == 15.0) == taken
