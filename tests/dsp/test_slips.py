"""Pods that slip on the body mid-run: seen, flagged and put right; and bodies that only move otherwise."""

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp import astray, onset, seat, slip, state, way
from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.types import Quality, Role, Side
from firmware_sim.offline import simulate
from tests.dsp import ring
from tests.dsp.test_whole_core import SHARED, Frames, read

Array = NDArray[np.float64]
CO = Params().record()[0]
Axis = tuple[float, float, float]
LEFT, LONG, FORWARD = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture(scope="module")
def frames() -> Frames:
    """5 s of standing, then a run at 3.2 m/s."""
    return simulate("stand 5; run 3.2", 32.0, seed=3)[0]


@pytest.fixture(scope="module")
def before(frames: Frames) -> np.ndarray:
    return in_order(frames)


@pytest.fixture
def pod() -> np.void:
    """A shank's pod whose usual way is that of a swing of 100 degrees, a little to one side."""
    pod = state.core(6.0)[0]["pods"][Role.SHANK_LEFT]
    angle = np.radians(-40.0 + 50.0 * np.sin(2.0 * np.pi * np.arange(state.PHASES) / state.PHASES))
    pod["usual_way"] = np.c_[np.sin(angle), 0.1 * np.cos(2.0 * angle), np.cos(angle)]
    pod["usual_way"] /= np.linalg.norm(pod["usual_way"], axis=1)[:, None]
    pod["usual_axis"] = pod["axis"]
    pod["usual_n"] = 10
    return pod


def in_order(frames: Frames, params: Params | None = None) -> np.ndarray:
    analyzer = GaitAnalyzer(params or Params(lag_s=1e3))
    found = [analyzer.push(role, rows) for role, rows in frames.items()]
    strides = np.concatenate([*found, analyzer.flush()])
    return strides[np.argsort(strides["ic_s"], kind="stable")]


def unit(v: Array) -> Array:
    return v / np.linalg.norm(v)


# --- the way of up


def test_the_way_of_up_is_read_off_the_attitudes(frames: Frames) -> None:
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    for role, rows in frames.items():
        analyzer.push(role, rows)
    analyzer.flush()
    pod = analyzer._pods[Role.SHANK_LEFT].copy()
    rows = ring.ring_of(pod)
    end_s, start_s = rows.t[-1] - 0.05, rows.t[-1] - 0.75
    assert way.sense_way(pod, start_s, end_s, 0.0, 1.0)
    for k in range(state.PHASES):
        t = start_s + (k + 0.5) / state.PHASES * (end_s - start_s)
        i = int(np.searchsorted(rows.t, t, side="right")) - 1
        up = rows.attitude[i].inv().apply(ring.true_up(pod, t))
        assert pod["way"][k] == pytest.approx(unit(up), abs=0.05), k  # a sample is up to 0.05 rad
    assert np.linalg.norm(pod["way"], axis=1) == pytest.approx(1.0)
    assert not way.sense_way(pod, end_s, end_s + 10.0, 0.0, 1.0)


@pytest.mark.parametrize("degrees", [1.0, 8.0, 30.0, 60.0, 120.0, 170.0])
def test_a_turned_way_tells_by_how_much(pod: np.void, rng: np.random.Generator, degrees: float) -> None:
    """scipy's answer to the same question is Kabsch's, another method. Half around is looked for from half around."""
    axis = unit(rng.normal(size=3)) if degrees < 90.0 else unit(np.array([0.1, -0.1, 1.0]))
    turn = Rotation.from_rotvec(math.radians(degrees) * axis)
    start = (1.0, 0.0, 0.0, 0.0) if degrees < 90.0 else (0.0, 0.0, 0.0, 1.0)
    pod["way"] = turn.apply(pod["usual_way"])
    *found, left = way.turn_between(pod, *start)
    assert found == pytest.approx(turn.as_rotvec(), abs=1e-6)
    assert left < 1e-3
    assert way.misfit(pod, *turn.as_rotvec()) < 1e-4
    pod["way"] += rng.normal(0.0, 0.03, pod["way"].shape)
    *found, left = way.turn_between(pod, *start)
    best = Rotation.align_vectors(pod["way"], pod["usual_way"])[0]
    assert (Rotation.from_rotvec(found) * best.inv()).magnitude() < 0.01
    moved = Rotation.from_rotvec(found).apply(pod["usual_way"])
    assert left == pytest.approx(np.linalg.norm(pod["way"] - moved) / math.sqrt(state.PHASES), rel=1e-2)
    expected = np.linalg.norm(pod["way"] - moved) / np.linalg.norm(moved - pod["usual_way"])
    assert way.misfit(pod, *found) == pytest.approx(expected)


def test_a_tipped_half_tells_the_shortest_turn(pod: np.void, rng: np.random.Generator) -> None:
    a, b = unit(pod["usual_way"][3:9].mean(axis=0)), unit(rng.normal(size=3))
    turn = Rotation.from_rotvec(unit(np.cross(a, b)) * math.acos(a @ b))
    pod["way"][3:9] = turn.apply(pod["usual_way"][3:9])
    assert way.tip_between(pod, 3 / 16, 9 / 16) == pytest.approx(turn.as_rotvec())
    assert way.tip_between(pod, 0.75, 0.75) == (0.0, 0.0, 0.0)
    assert np.array(way.mean_way(pod)) == pytest.approx(pod["usual_way"].sum(axis=0))
    half = pod["usual_way"].copy()
    way.learn_way(pod, 3 / 16, 9 / 16, 0.25)
    half[3:9] += 0.25 * (pod["way"][3:9] - half[3:9])
    assert pod["usual_way"] == pytest.approx(half)


# --- a step or a ramp


def test_a_step_is_told_from_a_ramp(pod: np.void, rng: np.random.Generator) -> None:
    """Half strides with the noise of eight runners' pelvis, 0.5 degrees; 10 degrees at once or over three strides."""
    k = np.arange(state.TURNS) - state.BEFORE
    courses = {
        "step": (k > 0) + 0.6 * (k == 0),
        "ramp": np.clip((k + 2.5) / 6.0, 0.0, 1.0),
        "quick ramp": np.clip((k + 1.5) / 4.0, 0.0, 1.0),
    }
    for name, course in courses.items():
        told = []
        for _ in range(100):
            axis = unit(rng.normal(size=3))
            pod["turns"] = np.radians(np.outer(10.0 * course, axis) + rng.normal(0.0, 0.5, (state.TURNS, 3)))
            pod["off_turn"] = pod["turns"][state.BEFORE + 1 :].mean(axis=0)
            told.append(onset.step_beats_ramp(pod) > CO["slip_clear_rad"] ** 2)
        assert np.mean(told) == pytest.approx(float(name == "step"), abs=0.02), name
    course = rng.normal(size=state.TURNS)
    left = np.r_[course[:3], course[4:] - course[4:].mean()]
    assert onset.misfit_of_step(course, 3) == pytest.approx(left @ left)
    shape = np.clip((np.arange(state.TURNS) + 0.5 - 2.0) / 5.0, 0.0, 1.0)[:, None]
    assert onset.misfit_of_ramp(course, 2.0, 5.0) == pytest.approx(np.linalg.lstsq(shape, course)[1][0])


def test_turns_are_noted_newest_last(pod: np.void) -> None:
    for n in range(state.TURNS + 3):
        onset.note_turn(pod, float(n), 2.0 * n, -1.0)
    assert pod["turns"][:, 0] == pytest.approx(np.arange(3, state.TURNS + 3))
    assert pod["turns"][-1] == pytest.approx([state.TURNS + 2.0, 2.0 * state.TURNS + 4.0, -1.0])


# --- what becomes of it


def test_strides_that_are_off_count_while_they_agree(pod: np.void) -> None:
    limit = math.radians(3.0)
    assert not slip.is_off(pod, CO, 0.0, math.radians(2.9), 0.0, limit)
    assert slip.is_off(pod, CO, 0.0, math.radians(3.5), 0.0, limit)
    assert not pod["doubtful"]  # one alone, and not by much
    assert slip.is_off(pod, CO, 0.0, math.radians(14.0), 0.0, limit)
    assert pod["doubtful"]
    assert pod["slipped"] > 0  # no body does that within two strides
    assert slip.is_off(pod, CO, 0.0, math.radians(12.0), 0.0, limit)
    assert pod["off_turn"] == pytest.approx([0.0, math.radians(13.0), 0.0])  # the first was on the way
    assert not slip.is_off(pod, CO, 0.0, math.radians(4.0), 0.0, limit)  # back to less than half: a stumble
    assert (pod["off_n"], pod["slipped"]) == (0, 0)
    assert slip.is_off(pod, CO, math.radians(6.0), 0.0, 0.0, limit)
    assert pod["doubtful"]
    assert not slip.is_off(pod, CO, math.radians(-4.0), 0.0, 0.0, limit)


def test_a_stride_that_is_far_off_in_another_way_begins_another_row(pod: np.void) -> None:
    limit, far = math.radians(3.0), math.radians(60.0)
    assert slip.is_off(pod, CO, far, 0.0, 0.0, limit)
    pod["doubtful"] = 0
    assert slip.is_off(pod, CO, 0.0, 0.0, far, limit)
    assert (pod["off_n"], pod["doubtful"]) == (1, 1)
    assert slip.is_off(pod, CO, 0.0, 0.0, far, limit)
    assert pod["off_turn"] == pytest.approx([0.0, 0.0, far])


def test_a_seat_turns_as_a_whole(pod: np.void, rng: np.random.Generator) -> None:
    turn = Rotation.from_rotvec(rng.normal(size=3))
    for name in ("up", "axis", "forward_sum"):
        pod[name] = rng.normal(size=3)
    expected = {name: turn.apply(pod[name]) for name in ("up", "axis", "forward_sum")}
    seat.turn_seat(pod, *turn.as_rotvec())
    for name, vector in expected.items():
        assert pod[name] == pytest.approx(vector), name


def test_a_posture_that_is_left_again_is_no_slip(pod: np.void, rng: np.random.Generator) -> None:
    """Within 3 degrees of where the body came from."""
    for _ in range(50):
        pod["body_turn"] = rng.normal(0.0, math.radians(4.0), 3)
        off = pod["off_turn"] = rng.normal(0.0, math.radians(2.0), 3) - rng.choice([0.0, 1.0]) * pod["body_turn"]
        back = np.linalg.norm(off + pod["body_turn"]) < CO["slip_rad"] and off @ pod["body_turn"] < 0.0
        assert slip.goes_back(pod, CO) == back
    pod["body_turn"], pod["off_turn"] = 0.0, (0.0, math.radians(2.0), 0.0)
    assert not slip.goes_back(pod, CO)


def test_who_tips_on_a_hill_and_back_at_once_reads_as_before() -> None:
    """The way back came within two strides, and was taken for the pod's: tilt read 5 degrees too much from then on."""
    plan = "stand 5; run 3.2; at 55 grade 6; at 100 tilt_excessive mild deaf; at 150 well"
    frames, truth = simulate(plan, 175.0, seed=133)
    found = in_order(frames)
    late = found[(found["ic_s"] > 160.0) & (found["quality"] == 0)]
    true = np.mean([one.pelvic_tilt_mean_vs_standing_deg for one in truth if one.ic_s > 160.0])
    assert len(late) > 30
    assert np.degrees(late["pelvic_tilt_rad"].mean()) == pytest.approx(true, abs=1.0)


def test_hands_turn_further_than_bodies_or_as_standing_says(pod: np.void) -> None:
    """By 13 degrees anyhow; by 6 where the runner has stood since, nearer to the new seat than to the old one."""
    for degrees, stood_deg, told in ((13.0, None, True), (6.0, None, False), (6.0, 2.0, False), (6.0, 5.0, True)):
        pod["up"], pod["off_turn"], pod["rest_up"] = (0.0, 0.0, 1.0), (0.0, math.radians(degrees), 0.0), 0.0
        if stood_deg is not None:
            pod["rest_up"] = (math.sin(math.radians(stood_deg)), 0.02, math.cos(math.radians(stood_deg)))
        assert slip.is_handled(pod, CO) == told, (degrees, stood_deg)


def test_a_seat_is_turned_and_its_hinge_with_it(pod: np.void, rng: np.random.Generator) -> None:
    """By scipy. The hinge had begun to follow by itself, which is forgotten."""
    pod["up"], pod["forward_sum"], pod["usual_axis"] = unit(rng.normal(size=3)), rng.normal(size=3), (0.1, 0.97, 0.1)
    pod["axis"], pod["cov"], pod["usual_offset"], pod["heading_offset"] = (0.4, 0.9, 0.0), range(6), 0.2, 0.5
    turn = Rotation.from_rotvec([0.1, -0.3, 0.4])
    expected = {name: turn.apply(pod[name]) for name in ("up", "forward_sum", "usual_axis", "usual_way")}
    pod["off_turn"] = turn.as_rotvec()
    slip.put_right(pod)
    for name, vectors in expected.items():
        assert pod[name] == pytest.approx(vectors, abs=1e-12), name
    assert pod["axis"] == pytest.approx(unit(expected["usual_axis"]))
    xx, xy, xz, yy, yz, zz = pod["cov"]
    assert np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) == pytest.approx(
        8.0 * np.outer(pod["axis"], pod["axis"])
    )
    assert pod["heading_offset"] == 0.2


def test_what_is_left_of_a_slip_is_put_right_with_the_last_flag(pod: np.void) -> None:
    pod["up"], pod["off_turn"], pod["off_n"] = (0.0, 0.0, 1.0), (0.0, 0.3, 0.0), state.OFF
    pod["usual_turn_rad2"], pod["seat_sd_rad"] = 0.02**2, 0.03
    slip.settle(pod, True, 1.0)
    assert pod["up"] == pytest.approx([math.sin(0.3), 0.0, math.cos(0.3)])
    flags = []
    for left in (0.02, 0.04, 0.0, 0.06):
        pod["slipped"] -= 1
        flags.append(int(pod["slipped"]))
        slip.confirm(pod, 0.0, left, 0.0, 1.0)
    assert flags == [4, 3, 2, 1]
    assert pod["up"] == pytest.approx([math.sin(0.33), 0.0, math.cos(0.33)])
    assert pod["confirm_n"] == 0
    assert pod["seat_sd_rad"] == pytest.approx(math.sqrt(0.03**2 + 0.5 * 0.02**2))


def test_who_runs_otherwise_now_is_learnt_anew(pod: np.void) -> None:
    pod["off_n"], pod["slipped"], pod["doubtful"], pod["off_turn"] = state.OFF, 3, 1, (0.1, 0.0, 0.0)
    up = pod["up"].copy()
    slip.settle(pod, False, 1.0)
    assert (pod["off_n"], pod["slipped"], pod["doubtful"], pod["usual_n"]) == (0, 0, 0, 0)
    assert pod["up"] == pytest.approx(up)


def test_the_usual_way_is_a_mean_that_fades_after_ten_strides(pod: np.void, rng: np.random.Generator) -> None:
    """In whole strides, or in halves that come by turns."""
    ways = rng.normal(size=(4, state.PHASES, 3))
    for parts in ((0.0, 1.0),), ((0.5, 1.0), (0.0, 0.5)):
        pod["usual_n"], pod["usual_way"], pod["usual_turn_rad2"] = 0, 0.0, 0.0
        for one, (begin, end) in product(ways, parts):
            pod["way"] = one
            slip.learn(pod, begin, end, 0.0, 0.5, 0.0, 0.1, 3.0)
        assert pod["usual_way"] == pytest.approx(ways.mean(axis=0))
        assert pod["usual_turn_rad2"] == pytest.approx(
            0.01 * (1.0 - 0.95 ** (4 * len(parts)))
        )  # never beyond the limit
        assert pod["usual_pace_mps"] == pytest.approx(3.0)
    pod["usual_n"] = 1000
    slip.learn(pod, 0.0, 1.0, 0.0, 0.0, 0.0, 0.1, math.nan)
    assert pod["usual_n"] == slip.MEMORY
    assert pod["usual_pace_mps"] == pytest.approx(3.0)


def test_nothing_is_said_of_a_pod_in_doubt(pod: np.void) -> None:
    pod["calibrated"], pod["p"][1, 1], pod["gap_s"], pod["slipped"], pod["doubtful"] = 1, 1e-6, 3.0, 3, 1
    assert not slip.may_watch(pod, CO, 5.0)  # no filter yet
    pod["kf_n"] = 1
    assert slip.may_watch(pod, CO, 5.0)
    assert (pod["slipped"], pod["doubtful"]) == (1, 0)
    assert not slip.may_watch(pod, CO, 2.0)  # samples were lost in that stride
    pod["p"][1, 1] = 1.0
    assert not slip.may_watch(pod, CO, 5.0)
    pod["p"][1, 1], pod["calibrated"] = 1e-6, 0
    assert not slip.may_watch(pod, CO, 5.0)
    assert pod["slipped"] == 0


# --- about the vertical


def test_a_pod_has_turned_when_steps_agree(pod: np.void) -> None:
    pod["astray_n"], pod["usual_astray_rad"], pod["slipped"], pod["axis"] = 0, 0.02, 0, unit(np.array([0.9, 0.1, 0.3]))
    up, axis = unit(pod["usual_way"].sum(axis=0)), pod["axis"].copy()
    tip = Rotation.from_rotvec(math.radians(4.0) * unit(np.cross(up, axis)))  # on the way it tips as well
    tipped = tip.apply(up)
    for angle in (0.2, 0.28, 0.33, 0.34):  # it still turned during the first, and steps differ
        assert astray.is_astray(pod, CO, angle)
        astray.watch_turn(pod, CO, angle, *tipped)
        assert pod["slipped"] > 0
    assert pod["astray_n"] == 4  # the second one began the count
    astray.watch_turn(pod, CO, 0.37, *tipped)
    assert pod["astray_n"] == 0
    assert pod["usual_n"] == 0  # where up lies is learnt anew
    assert pod["axis"] == pytest.approx((Rotation.from_rotvec(1.04 / 3.0 * tipped) * tip).apply(axis))
    pod["usual_astray_rad"] = 0.3
    assert not astray.is_astray(pod, CO, 0.32)  # a filter that lags in a bend comes to it little by little


# --- whole runs


def slipped(
    frames: Frames, role: Role, axis: Axis, degrees: float, begin_s: float = 16.0, lasts_s: float = 0.2
) -> Frames:
    """A pod that turns on its segment about `axis` (sensor). Its gyro's offset, seen in standing, stays its own."""
    f = frames[role].copy()
    offset = f["gyr_radps"][f["t_s"] < 4.0].mean(axis=0)
    angle = np.radians(degrees) * np.clip((f["t_s"] - begin_s) / lasts_s, 0.0, 1.0)
    turn = Rotation.from_rotvec(np.outer(angle, axis)).inv()
    f["acc_mps2"], f["gyr_radps"] = turn.apply(f["acc_mps2"]), turn.apply(f["gyr_radps"] - offset) + offset
    f["gyr_radps"] += np.outer(np.gradient(angle, f["t_s"]), axis)
    return frames | {role: f}


def shaken(frames: Frames, degrees: float, begin_s: float) -> Frames:
    """All pods swing to and fro for 4 s, and end as they were."""
    worn = {}
    for role, f in frames.items():
        worn[role] = f = f.copy()
        share = np.clip((f["t_s"] - begin_s) / 4.0, 0.0, 1.0)
        angle = np.radians(degrees) * np.sin(np.pi * share) * np.sin(12.0 * np.pi * share)
        turn = Rotation.from_rotvec(np.outer(angle, LEFT)).inv()
        f["acc_mps2"], f["gyr_radps"] = turn.apply(f["acc_mps2"]), turn.apply(f["gyr_radps"])
        f["gyr_radps"] += np.outer(np.gradient(angle, f["t_s"]), LEFT)
    return worn


def off_deg(found: np.ndarray, before: np.ndarray, columns: tuple[str, ...]) -> Array:
    """By stride of `found`, how far the worst of `columns` is from the same stride in `before`."""
    off = []
    for row in found:
        same = before[(before["side"] == row["side"]) & (np.abs(before["ic_s"] - row["ic_s"]) < 0.03)]
        off.append(max(abs(math.degrees(row[name] - same[name][0])) for name in columns) if len(same) else np.nan)
    return np.array(off)


def judged(found: np.ndarray, before: np.ndarray, role: Role, begin_s: float) -> None:
    """Flagged within ten strides of a leg, right again after them, and at no time good and far off."""
    columns = ("pelvic_tilt_rad", "pelvic_drop_rad") if role is Role.PELVIS else ("tibial_inclination_ic_rad",)
    found = found[found["next_ic_s"] > begin_s]
    flagged = found[(found["quality"] & Quality.SLIPPED) > 0]
    assert 5 <= len(flagged) <= 20
    if role is not Role.PELVIS:
        found = found[found["side"] == role - 1]
    ten = 20 if role is Role.PELVIS else 10
    off = off_deg(found, before, columns)
    assert np.nanmax(off[found["quality"] == 0]) < 3.0
    assert (found["quality"][ten:] == 0).all()
    assert np.nanmax(off[ten:]) < 2.0
    assert flagged["decided_s"].max() < found["next_ic_s"][ten]


@pytest.mark.parametrize("degrees", [8.0, -15.0, 30.0])
@pytest.mark.parametrize(
    ("role", "axis"),
    [
        (Role.PELVIS, LEFT),
        (Role.PELVIS, FORWARD),
        (Role.SHANK_LEFT, LEFT),
        (Role.SHANK_LEFT, FORWARD),
        (Role.SHANK_RIGHT, LONG),
    ],
)
def test_a_pod_that_slips_is_flagged_and_sits_right_again(
    role: Role, axis: Axis, degrees: float, frames: Frames, before: np.ndarray
) -> None:
    judged(in_order(slipped(frames, role, axis, degrees)), before, role, 16.0)


@pytest.mark.parametrize("degrees", [100.0, 180.0])
def test_a_shank_pod_that_slips_around_the_leg_finds_its_left_again(
    frames: Frames, before: np.ndarray, degrees: float
) -> None:
    """With left and right confused swings pass for stances: at most five strides, none of them good."""
    found = in_order(slipped(frames, Role.SHANK_LEFT, LONG, degrees))
    mine, true = (rows[rows["side"] == Side.LEFT] for rows in (found, before))
    wrong = np.abs(mine["ic_s"][:, None] - true["ic_s"]).min(axis=1) > 0.03
    assert wrong.sum() <= 5
    assert (mine["quality"][wrong] != 0).all()
    assert not wrong[mine["ic_s"] > 21.0].any()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize(
    ("name", "role", "degrees", "begin_s"),
    [
        ("rbds002_4.5mps", Role.SHANK_LEFT, 180.0, 19.06),
        ("rbds010_4.5mps", Role.SHANK_LEFT, 180.0, 18.79),
        ("rbds010_3.5mps", Role.SHANK_RIGHT, 180.0, 18.76),
    ],
)
def test_a_real_runner_has_no_good_stride_until_the_pod_has_found_its_left(
    name: str, role: Role, degrees: float, begin_s: float
) -> None:
    """A swing that passes for a stance turns up in another way than any turn of the pod would. Nor does it tell where
    the pelvis drives to."""
    frames = read(SHARED / "rbds" / f"{name}.imu.csv.gz")
    found, before = in_order(slipped(frames, role, LONG, degrees, begin_s)), in_order(frames)
    mine, true = (rows[(rows["side"] == role - 1) & (rows["next_ic_s"] > begin_s)] for rows in (found, before))
    good = mine[mine["quality"] == 0]
    assert np.abs(good["ic_s"][:, None] - true["ic_s"]).min(axis=1).max() < 0.03
    assert np.nanmax(off_deg(good, before, ("tibial_inclination_ic_rad",))) < 3.0
    assert ((mine["quality"] & Quality.SLIPPED) > 0).any()
    assert (mine["quality"][mine["ic_s"] > begin_s + 11.0] == 0).all()


def test_what_no_turn_explains_is_uncalibrated_until_the_next_standing(rng: np.random.Generator) -> None:
    """The usual way is made one that no body takes, in the middle of a run."""
    frames = simulate("stand 5; run 3.2 15; stand 5; run 3.2", 32.0, seed=3)[0]
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    pod, parts = analyzer._pods[Role.SHANK_LEFT], []
    for begin_s, end_s in ((0.0, 12.0), (12.0, 99.0)):
        for role, rows in frames.items():
            some = rows[(rows["t_s"] >= begin_s) & (rows["t_s"] < end_s)]
            parts.append(analyzer.push(role, some))
        if end_s == 12.0:
            pod["usual_way"] = rng.normal(size=pod["usual_way"].shape)
    strides = np.concatenate([*parts, analyzer.flush()])
    mine = strides[(strides["side"] == Side.LEFT) & (strides["next_ic_s"] > 12.5)]
    running = mine[mine["ic_s"] < 19.0]
    uncalibrated = (running["quality"] & Quality.UNCALIBRATED) > 0
    assert (running["quality"] != 0).all()
    assert uncalibrated.argmax() == pytest.approx(slip.LOST, abs=1)
    assert uncalibrated[slip.LOST :].any()
    assert (mine["quality"] == 0)[-4:].all()


@pytest.mark.parametrize(("degrees", "alone"), [(25.0, False), (-20.0, False), (40.0, False), (25.0, True)])
def test_a_pelvis_pod_that_turns_about_the_vertical_is_put_right(
    frames: Frames, before: np.ndarray, degrees: float, alone: bool
) -> None:
    """Up hardly moves in the pod, but the runner goes elsewhere than it faces. Left as it is, tilt would be read as a
    drop of one side: of 5 degrees between the sides at 25 of turn."""
    worn = slipped(frames, Role.PELVIS, LONG, degrees)
    found = in_order({Role.PELVIS: worn[Role.PELVIS]} if alone else worn)
    flagged = found[(found["quality"] & Quality.SLIPPED) > 0]
    assert 16.0 < flagged["decided_s"].min() < 17.5
    assert flagged["decided_s"].max() < 23.0
    found, before = found[found["ic_s"] > 23.0], before[before["ic_s"] > 23.0]
    assert len(found) > 15
    assert np.degrees(found["pelvic_tilt_rad"].mean() - before["pelvic_tilt_rad"].mean()) == pytest.approx(0, abs=0.8)
    drops = [np.degrees(x["pelvic_drop_difference_rad"].mean()) for x in (found, before)]
    assert drops[0] == pytest.approx(drops[1], abs=2.2)


@pytest.mark.parametrize(
    "plan",
    [
        "stand 5; run 3.2 9; stand 4; run 3.5",
        "stand 5; run 2.5 9; run 4 9; run 3 6; run 5",
        "stand 5; run 3.2; at 14 turn 25; wait 6; turn -25; wait 6; turn 0",
        "stand 5; run 3.0 10; walk 1.5 8; run 3.4",
        "stand 5; run 3.2; at 14 hips_back strong deaf; tilt_excessive strong deaf",
        "stand 5; run 3.2; at 14 tilt_flattened strong deaf; at 24 well",
        "stand 5; run 3.2; at 14 overstride strong left deaf; sitting_back strong deaf",
        "stand 5; run 3.2; at 14 grade 8; at 23 grade -8",
    ],
)
def test_who_moves_otherwise_has_not_slipped(plan: str) -> None:
    """Stops, paces, bends, walking, hills, and faults that come over three strides: 16 degrees of tilt at most."""
    strides = in_order(simulate(plan, 36.0, seed=4)[0])
    assert (strides["quality"] == 0).mean() > 0.45
    assert not (strides["quality"] & Quality.SLIPPED).any()


def test_a_pod_that_slips_while_its_runner_stands_is_seen_after() -> None:
    """No rest but the first one says how a pod sits, so only running can tell."""
    paused = simulate("stand 5; run 3.2 12; stand 4; run 3.2", 42.0, seed=3)[0]
    judged(in_order(slipped(paused, Role.SHANK_LEFT, LEFT, 15.0, 19.0)), in_order(paused), Role.SHANK_LEFT, 23.2)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize("name", ["rbds003_2.5mps_hard", "rbds008_3.5mps_hard"])
def test_pods_that_are_handled_in_a_stop_sit_right_again(name: str) -> None:
    """Real runners who stand for 12 s, and have a pod turned in between, or shaken, or both shanks' tightened alike."""
    whole = read(SHARED / "rbds_hard" / f"{name}.imu.csv.gz")
    frames = {role: f[f["t_s"] < 170.0] for role, f in whole.items()}
    before = in_order(frames)
    both = slipped(frames, Role.SHANK_LEFT, LEFT, 20.0, 138.0, 1.0)
    cases = {
        "both": (slipped(both, Role.SHANK_RIGHT, LEFT, 20.0, 138.0, 1.0), 8),
        "both, a little": (
            slipped(slipped(frames, Role.SHANK_LEFT, LEFT, -8.0, 137.0), Role.SHANK_RIGHT, LEFT, -8.0, 139.0),
            8,
        ),
        "pelvis, about the vertical": (slipped(frames, Role.PELVIS, LONG, 20.0, 138.0, 1.0), 8),
        "pelvis, far about the vertical": (slipped(frames, Role.PELVIS, LONG, -60.0, 138.0, 1.0), 8),
        "pelvis": (slipped(frames, Role.PELVIS, LEFT, 20.0, 138.0, 1.0), 8),
        "left": (slipped(frames, Role.SHANK_LEFT, FORWARD, 60.0, 138.0, 1.0), 8),
        "shaken": (shaken(frames, 40.0, 137.0), 0),
    }
    for case, (handled, flagged) in cases.items():
        found = in_order(handled)
        found = found[found["ic_s"] > 146.0]
        good = found["quality"] == 0
        off = off_deg(found, before, ("pelvic_tilt_rad", "pelvic_drop_rad", "tibial_inclination_ic_rad"))
        assert np.nanmax(off[good]) < 3.0, case
        assert good[found["ic_s"] > 160.0].mean() > 0.8, case
        assert ((found["quality"] & Quality.SLIPPED) > 0).sum() >= flagged, case


@pytest.mark.parametrize(("ramp", "sd"), [(0.0, 0.21), (0.5, 0.0)])
def test_a_tilt_that_may_have_been_a_slip_makes_tilt_less_sure(
    frames: Frames, before: np.ndarray, ramp: float, sd: float
) -> None:
    """A step is unclear here only under a limit beyond reason; a ramp is the body's."""
    worn = slipped(frames, Role.PELVIS, LEFT, -12.0, lasts_s=0.2 + 6.0 * ramp)
    found = in_order(worn, Params(lag_s=1e3, slip_clear_rad=9.0))
    assert not (found["quality"] & Quality.SLIPPED).any()
    late, usual = (np.median(x["pelvic_tilt_sd_rad"][x["ic_s"] > 26.0]) for x in (found, before))
    assert late == pytest.approx(math.hypot(usual, sd), abs=0.02)


@pytest.mark.parametrize("axes", ["z", "x", "y"])
def test_a_pelvis_pod_worn_backwards_or_upside_down_is_put_right_or_flagged(
    frames: Frames, before: np.ndarray, axes: str
) -> None:
    """Backwards: where the runner goes is forward. Upside down: standing does not calibrate what cannot be worn so."""
    turn = Rotation.from_euler(axes, 180.0, degrees=True)
    f = frames[Role.PELVIS].copy()
    f["acc_mps2"], f["gyr_radps"] = turn.apply(f["acc_mps2"]), turn.apply(f["gyr_radps"])
    found = in_order(frames | {Role.PELVIS: f})
    if axes == "z":
        good = found[found["quality"] == 0]
        assert len(good) >= (before["quality"] == 0).sum() - 1
        assert np.nanmax(off_deg(good, before, ("pelvic_tilt_rad", "pelvic_drop_rad"))) < 0.1
    else:
        assert ((found["quality"] & Quality.UNCALIBRATED) > 0).all()
        assert np.isnan(found["pelvic_tilt_rad"]).all()


def test_a_pelvis_drives_on_where_it_faces(pod: np.void) -> None:
    """At 3 m/s 0.3 are lost and won again, tipped by 1 degree on the way; facing 30 or 60 degrees elsewhere."""
    pod["ready"], pod["period_s"], pod["n"], pod["t_s"] = 1, 0.005, 200, 0.995
    t = np.arange(200) * 0.005
    pod["ring"][:200, state.T] = t
    pod["ring"][:200, state.QUAT] = 1.0
    speed = 3.0 - 0.3 * np.sin(np.pi * np.clip((t - 0.5) / 0.25, 0.0, 1.0)) + 9.8 * math.radians(1.0) * t
    pod["ring"][:200, state.VEL] = speed
    for degrees, told in ((30.0, False), (-30.0, False), (60.0, True), (180.0, True)):
        pod["calibrated"], pod["drive_n"], pod["axis_n"] = 1, 0, 40
        pod["axis"] = (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0)
        for n in range(8):
            assert pod["calibrated"], n
            assert astray.watch_drive(pod, 0.5, 0.75) == (told or n < 3)
        assert math.degrees(math.atan2(pod["drive"][1], pod["drive"][0])) == pytest.approx((180 - degrees) % 360 - 180)
        assert pod["drive"][0] == pytest.approx(0.6 * math.cos(math.radians(degrees)), abs=0.02)
        assert (pod["calibrated"] == 0) == told
        assert (pod["axis_n"] == 0) == told


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize("degrees", [0.0, 90.0, 180.0])
@pytest.mark.parametrize("name", ["rbds005_2.5mps", "rbds004_3.5mps"])
def test_a_pelvis_pod_worn_another_way_round_whose_start_was_not_seen_is_uncalibrated(
    name: str, degrees: float
) -> None:
    """It was silent while its runner started: nothing but the steps themselves tells where forward is."""
    frames = read(SHARED / "rbds" / f"{name}.imu.csv.gz")
    before = in_order(frames)
    f = frames[Role.PELVIS]
    f = f[(f["t_s"] < 6.0) | (f["t_s"] > 11.0)]
    turn = Rotation.from_euler("z", degrees, degrees=True)
    f["acc_mps2"], f["gyr_radps"] = turn.apply(f["acc_mps2"]), turn.apply(f["gyr_radps"])
    found = in_order(frames | {Role.PELVIS: f})
    late = found[found["ic_s"] > 16.0]
    uncalibrated = (late["quality"] & Quality.UNCALIBRATED) > 0
    assert (uncalibrated == (degrees > 0.0)).all()
    good = found[found["quality"] == 0]
    assert np.nanmax(off_deg(good, before, ("pelvic_tilt_rad", "pelvic_drop_rad")), initial=0.0) < 2.5


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize(
    ("name", "role", "axis", "degrees"),
    [
        ("rbds003_2.5mps", Role.SHANK_RIGHT, LEFT, 8.0),
        ("rbds009_4.5mps", Role.SHANK_LEFT, LEFT, -15.0),
        ("rbds005_3.5mps", Role.SHANK_LEFT, LONG, 30.0),
        ("rbds008_3.5mps", Role.PELVIS, LEFT, 8.0),
        ("rbds010_4.5mps", Role.PELVIS, FORWARD, -12.0),
    ],
)
def test_slips_on_real_runners(name: str, role: Role, axis: Axis, degrees: float) -> None:
    frames = read(SHARED / "rbds" / f"{name}.imu.csv.gz")
    judged(in_order(slipped(frames, role, axis, degrees, 18.0)), in_order(frames), role, 18.0)
