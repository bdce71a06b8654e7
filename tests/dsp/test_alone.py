"""The pelvis pod alone, or for one leg, always or since both shanks were lost: simulated, and of real runners."""

import csv
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from dsp import alone, state
from dsp.analyzer import GaitAnalyzer
from dsp.contacts import INITIAL, TERMINAL
from dsp.params import Params
from dsp.types import Quality, Role, Side
from firmware_sim.offline import simulate
from firmware_sim.runner.truth import TrueStride
from tests.dsp.test_whole_core import SHARED, Frames, analyse, read

CO = Params().record()[0]
G = 9.80665
SHANKS = (Role.SHANK_LEFT, Role.SHANK_RIGHT)


@pytest.fixture(scope="module")
def session() -> tuple[Frames, list[TrueStride]]:
    return simulate("stand 5; run 3.2", 30.0, seed=3)


def without_shanks(frames: Frames, start_s: float = -math.inf, end_s: float = math.inf) -> Frames:
    lost = {role: frames[role][(frames[role]["t_s"] < start_s) | (frames[role]["t_s"] > end_s)] for role in SHANKS}
    return {Role.PELVIS: frames[Role.PELVIS]} | {role: rows for role, rows in lost.items() if len(rows)}


@pytest.mark.parametrize(("contact_s", "step_s"), [(0.30, 0.38), (0.25, 0.36), (0.18, 0.30)])
def test_steps_of_half_sines_are_found(contact_s: float, step_s: float) -> None:
    """Vertical force as in the spring-mass model: contacts are known by construction."""
    t = np.arange(0.0, 8.0, 1 / 208)
    phase = (t - 1.0) % step_s
    force = math.pi / 2 * step_s / contact_s * np.sin(math.pi * phase / contact_s)
    fall = G * np.where((phase < contact_s) & (t > 1.0), force - 1.0, -1.0)
    level = CO["free_fall_mps2"] - G
    late = brentq(lambda x: np.interp(x, phase[t > 1.0][:20], fall[t > 1.0][:20]) - level, 0.0, 0.05)
    steps = state.core(6.0)[0]["steps"]
    steps["ic_s"] = steps["rise_s"] = math.nan
    landed, left = [], []
    for k in range(1, len(t)):
        found = alone.follow_steps(steps, CO, 2 * step_s, t[k], 1 / 208, fall[k])
        if found == INITIAL:
            landed.append(steps["event_s"])
        elif found == TERMINAL:
            left.append(
                steps["event_s"] + alone.lead(steps["event_s"] - landed[-1] + late, 2 * step_s, CO["free_fall_mps2"])
            )
    true = 1.0 + step_s * np.arange(len(landed))
    assert len(landed) == int(7.0 / step_s) + 1
    assert landed == pytest.approx(true + late, abs=0.003)  # slower than a foot that hits the ground
    assert left == pytest.approx(true[: len(left)] + contact_s, abs=0.003)


def test_a_bump_in_flight_is_no_landing() -> None:
    steps = state.core(6.0)[0]["steps"]
    steps["ic_s"] = steps["rise_s"] = math.nan
    times = np.arange(0.0, 0.5, 1 / 208)
    fall = -9.0 + 5.0 * np.exp(-(((times - 0.1) / 0.02) ** 2)) + 25.0 / (1.0 + np.exp(-(times - 0.3) / 0.004))
    found = [alone.follow_steps(steps, CO, 0.7, t, 1 / 208, x) for t, x in zip(times, fall, strict=True)]
    assert [x for x in found if x] == [INITIAL]
    assert steps["event_s"] == pytest.approx(0.292, abs=0.004)


def test_the_pelvis_alone_gives_what_it_can(session: tuple[Frames, list[TrueStride]]) -> None:
    frames, truth = session
    found = analyse(without_shanks(frames))
    true = [next(t for t in truth if t.side == Side(r["side"]).label and abs(t.ic_s - r["ic_s"]) < 0.03) for r in found]
    assert len(found) >= len(truth) - 4
    assert (found["quality"][4:] == Quality.POD_MISSING).all()
    durations = found["next_ic_s"] - found["ic_s"]
    assert durations == pytest.approx([t.next_ic_s - t.ic_s for t in true], abs=0.02)
    assert np.isfinite(found["pelvic_drop_rad"][1:]).all()
    tilt = [t.pelvic_tilt_mean_vs_standing_deg for t in true]
    assert np.degrees(found["pelvic_tilt_rad"][4:]) == pytest.approx(tilt[4:], abs=0.8)
    for name in ("speed_mps", "tibial_inclination_ic_rad", "foot_ahead_of_pelvis_m", "shank_retraction_radps"):
        assert np.isnan(found[name]).all(), name


@pytest.mark.parametrize("from_s", [-1.0, 12.0, 12.13, 12.27, 12.41, 12.55])
@pytest.mark.parametrize("right_later_s", [0.0, 0.9])
def test_shanks_that_go_and_come_back_double_nothing(
    session: tuple[Frames, list[TrueStride]], from_s: float, right_later_s: float
) -> None:
    """Each leg loses at most two strides where it changes hands, and a leg whose pod is still away while it is."""
    frames, truth = session
    broken = without_shanks(frames, from_s, 18.1 + max(from_s, 12.0) - 12.0)
    late = broken[Role.SHANK_RIGHT]["t_s"]
    broken[Role.SHANK_RIGHT] = broken[Role.SHANK_RIGHT][(late < from_s) | (late > late[late > 12.7][0] + right_later_s)]
    found = analyse(broken)
    for side in Side:
        mine = np.sort(found[found["side"] == side], order="ic_s")
        true = np.array([t.ic_s for t in truth if t.side == side.label])
        near = np.abs(mine["ic_s"][:, None] - true).argmin(axis=1)
        assert mine["ic_s"] == pytest.approx(true[near], abs=0.03)
        assert len(set(near)) == len(near), "doubled"
        assert mine["next_ic_s"] - mine["ic_s"] == pytest.approx(np.diff(true).mean(), rel=0.15)
        assert len(true) - len(mine) <= 4 + (2 if side and right_later_s else 0)
    late = found[found["ic_s"] > 23.0]["quality"]
    assert len(late) > 15
    assert (late == (Quality.UNCALIBRATED if from_s < 0.0 else 0)).all()


@pytest.mark.parametrize("lost", SHANKS)
def test_a_leg_without_its_pod_has_what_the_pelvis_knows(session: tuple[Frames, list[TrueStride]], lost: Role) -> None:
    frames, truth = session
    found = analyse({role: rows for role, rows in frames.items() if role is not lost})
    own, other = (np.sort(found[found["side"] == s], order="ic_s") for s in (lost - 1, 2 - lost))
    assert abs(len(own) - len(other)) <= 1
    own = own[own["ic_s"] > 8.0]
    true = [t for t in truth if t.side == Side(lost - 1).label and t.ic_s > 8.0]
    assert own["ic_s"] == pytest.approx([t.ic_s for t in true], abs=0.03)
    assert own["next_ic_s"] == pytest.approx([t.next_ic_s for t in true], abs=0.03)
    assert (own["quality"] == Quality.POD_MISSING).all()
    assert own["speed_mps"] == pytest.approx([t.speed_mps for t in true], rel=0.04)
    tilt = [t.pelvic_tilt_mean_vs_standing_deg for t in true]
    assert np.degrees(own["pelvic_tilt_rad"]) == pytest.approx(tilt, abs=0.3)
    drop = [t.pelvic_drop_peak_stance_deg for t in true]
    assert np.degrees(own["pelvic_drop_rad"]).mean() == pytest.approx(np.mean(drop), abs=0.3)
    for name in ("tibial_inclination_ic_rad", "foot_ahead_of_pelvis_m"):
        assert np.isnan(own[name]).all(), name
    # A contact time by the pelvis does not compare with one by a shank.
    assert np.isnan(found["contact_time_difference_s"][4:]).all()


def test_sides_that_were_begun_the_wrong_way_round_are_put_right(session: tuple[Frames, list[TrueStride]]) -> None:
    """Mirrored, the first to land is the other leg: either way sides come from how the hips move."""
    frames, truth = session
    pelvis = frames[Role.PELVIS].copy()
    pelvis["acc_mps2"] *= (1.0, -1.0, 1.0)
    pelvis["gyr_radps"] *= (-1.0, 1.0, -1.0)
    for rows, same in ((frames[Role.PELVIS], True), (pelvis, False)):
        found = analyse({Role.PELVIS: rows})
        assert (found["next_ic_s"] - found["ic_s"] > 0.6).all()  # no step passes for a stride
        found = found[found["ic_s"] > 9.0]
        assert len(found) > 40
        for row in found:
            true = min(truth, key=lambda stride: abs(stride.ic_s - row["ic_s"]))
            assert (Side(row["side"]).label == true.side) == same


def test_chunks_and_stops_change_nothing(session: tuple[Frames, list[TrueStride]]) -> None:
    pelvis = without_shanks(session[0])
    whole = analyse(pelvis, lag_s=0.25)
    assert len(whole) > 50
    assert analyse(pelvis, 0.0384, 0.25).tobytes() == whole.tobytes()
    analyzer, found = GaitAnalyzer(), []
    for rows in np.array_split(pelvis[Role.PELVIS], 300):
        found.append(analyzer.push(Role.PELVIS, rows))
        saved = analyzer.snapshot()
        analyzer = GaitAnalyzer()
        analyzer.restore(saved)
    assert np.concatenate([*found, analyzer.flush()]).tobytes() == whole.tobytes()


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
def test_real_runners_by_the_pelvis_alone() -> None:
    """As test_whole_core: every step and its side, contact time as well as from any sacrum (20 ms, Patoz et al. 2022,
    doi 10.3390/s22030784; a little more is allowed), cadence, and tilt as with all pods."""
    errors: dict[str, list[float]] = {"cadence": [], "contact": [], "tilt": []}
    for name in ("rbds001_2.5mps", "rbds002_4.5mps", "rbds004_3.5mps", "rbds005_2.5mps", "rbds009_4.5mps"):
        with (SHARED / "rbds" / f"{name}.truth.csv").open(newline="") as file:
            truth = [row for row in csv.DictReader(file) if row["next_ic_s"]]
        found = analyse(without_shanks(read(SHARED / "rbds" / f"{name}.imu.csv.gz")))
        assert found["ic_s"].min() > 5.0  # nobody steps while standing
        cadence = []
        for true in truth:
            same = found[found["side"] == Side[true["side"].upper()]]
            row = same[np.argmin(np.abs(same["ic_s"] - float(true["ic_s"])))]
            assert abs(row["ic_s"] - float(true["ic_s"])) < 0.05
            cadence.append(120 / (row["next_ic_s"] - row["ic_s"]))
            errors["contact"].append(row["contact_time_s"] - float(true["tc_s"]) + float(true["ic_s"]))
            errors["tilt"].append(np.degrees(row["pelvic_tilt_rad"]) - float(true["pelvic_tilt_mean_vs_standing_deg"]))
        errors["cadence"].append(
            np.mean(cadence) - np.mean([120 / (float(t["next_ic_s"]) - float(t["ic_s"])) for t in truth])
        )
    rms = {key: float(np.sqrt(np.mean(np.square(values)))) for key, values in errors.items()}
    print("pelvis alone, RMSE:", rms)
    assert rms["cadence"] < 0.3
    assert rms["contact"] < 0.030
    assert rms["tilt"] < 0.3
