"""The core as a whole: real runners, any chunking, any stop, broken samples, lost pods, the other side, no jit."""

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, lfilter, lfilter_zi

from dsp import arrival
from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.rehearsal import rehearsal
from dsp.types import FRAME, STRIDE, Quality, Role, Side
from firmware_sim.offline import simulate
from firmware_sim.runner.form import Form

SHARED = Path(__file__).parents[3] / "shared" / "data"
SECONDS = 24.0
Frames = dict[Role, np.ndarray]


@pytest.fixture(scope="module")
def frames() -> Frames:
    """A simulated run with pods of their own rates."""
    return simulate("stand 3; run 3.2", SECONDS, seed=4, rate_error=None)[0]


def analyse(frames: Frames, chunk_s: float = 1.0, lag_s: float = 1e3) -> np.ndarray:
    analyzer = GaitAnalyzer(Params(lag_s=lag_s))
    found = []
    end_s = max(rows["t_s"][-1] for rows in frames.values() if len(rows))
    for t in np.arange(0.0, end_s + chunk_s, chunk_s):
        for role, rows in frames.items():
            i, j = np.searchsorted(rows["t_s"], (t, t + chunk_s))
            found.append(analyzer.push(role, rows[i:j]))
    found.append(analyzer.flush())
    return np.concatenate(found)


def copied(frames: Frames) -> Frames:
    return {role: rows.copy() for role, rows in frames.items()}


@pytest.mark.parametrize("chunk_s", [0.0384, 0.5, 7.0, 100.0])
def test_chunks_change_nothing(frames: Frames, chunk_s: float) -> None:
    assert analyse(frames, chunk_s).tobytes() == analyse(frames).tobytes()


def pushes(frames: Frames, jams: bool, seed: int) -> list[tuple[Role, int]]:
    """Packets of 8 frames in the order of their arrival: up to 40 ms late, and if `jams` up to 3 s now and then.

    By then the other pods have not been waiting any more for long.
    """
    rng = np.random.default_rng(seed)
    arrivals = []
    for role, rows in frames.items():
        ends = np.arange(8, len(rows), 8)
        late_s = rng.uniform(0.0, 0.04, len(ends))
        for at in rng.choice(len(ends) - 120, 4 * jams, replace=False):
            many = rng.integers(5, 80)
            late_s[at : at + many] += np.linspace(many * 0.0384, 0.0, many)
        times = np.maximum.accumulate(rows["t_s"][ends - 1] + late_s)
        arrivals += [(t, role, 8) for t in times]
    return [(role, n) for _, role, n in sorted(arrivals)]


@pytest.mark.parametrize("jams", [False, True])
@pytest.mark.parametrize("batch", [1, 7, 300, 10**6])
def test_many_pushes_at_once_are_the_same_pushes(frames: Frames, batch: int, jams: bool) -> None:
    """To the last bit, of strides and of everything that is known afterwards."""
    alone, together = GaitAnalyzer(), GaitAnalyzer()
    found, expected = [], []
    done = dict.fromkeys(Role, 0)
    schedule = pushes(frames, jams, seed=batch)
    for start in range(0, len(schedule), batch):
        part = schedule[start : start + batch]
        before = dict(done)
        for role, n in part:
            expected.append(alone.push(role, frames[role][done[role] : done[role] + n]))
            done[role] += n
        news = [frames[role][before[role] : done[role]] for role in Role]
        found.append(together.push_many(news, *np.array(part).T))
        assert together.snapshot() == alone.snapshot()
    assert np.concatenate(found).tobytes() == np.concatenate(expected).tobytes()
    assert len(np.concatenate(found)) > 20
    assert alone.dropped.any() == jams


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
def test_many_pushes_at_once_are_the_same_on_a_hard_day() -> None:
    """Over minutes a single product that is rounded otherwise shows."""
    frames = read(SHARED / "rbds_hard" / "rbds010_4.5mps_hard.imu.csv.gz")
    schedule = pushes(frames, False, seed=0)
    alone, done, expected = GaitAnalyzer(), dict.fromkeys(Role, 0), []
    for role, n in schedule:
        expected.append(alone.push(role, frames[role][done[role] : done[role] + n]))
        done[role] += n
    found = GaitAnalyzer().push_many([frames[role][: done[role]] for role in Role], *np.array(schedule).T)
    assert found.tobytes() == np.concatenate(expected).tobytes()
    assert len(found) > 600


def test_stopping_anywhere_and_going_on_changes_nothing(frames: Frames) -> None:
    whole = analyse(frames)
    analyzer, found = GaitAnalyzer(Params(lag_s=1e3)), []
    for t in np.arange(0.0, SECONDS + 1.0, 0.73):
        for role, rows in frames.items():
            i, j = np.searchsorted(rows["t_s"], (t, t + 0.73))
            found.append(analyzer.push(role, rows[i:j]))
            saved = analyzer.snapshot()
            analyzer = GaitAnalyzer(Params(lag_s=1e3))
            analyzer.restore(saved)
    found.append(analyzer.flush())
    assert np.concatenate(found).tobytes() == whole.tobytes()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32))
def test_any_pieces_in_any_order_with_any_stops_change_nothing(frames: Frames, seed: int) -> None:
    """Of a session in which samples, stretches and pods are lost: the same strides, and the same is known after."""
    rng = np.random.default_rng(seed)
    broken = copied(frames)
    for role in Role:
        rows = broken[role]
        at = rng.integers(0, len(rows) - 900, 4)
        rows["acc_mps2"][at[0] : at[0] + 20] = np.nan
        rows["gyr_radps"][at[1]] = np.inf
        rows["t_s"][at[2]] = rng.choice([np.nan, np.inf, -np.inf, 1e300, 1e6, rows["t_s"][at[2] - 1]])
        broken[role] = np.delete(rows, slice(at[3], at[3] + rng.choice([0, 30, 90, 900])))
    if rng.random() < 0.5:
        del broken[Role(rng.integers(3))]
    found = []
    for sizes, stops in (([10**6], 0.0), ([1, 2, 8, 300], 0.03)):
        analyzer, strides, used = GaitAnalyzer(Params(lag_s=1e3)), [], dict.fromkeys(broken, 0)
        while waiting := [role for role in broken if used[role] < len(broken[role])]:
            role = waiting[rng.integers(len(waiting))]
            end = used[role] + rng.choice(sizes)
            strides.append(analyzer.push(role, broken[role][used[role] : end]))
            used[role] = end
            if rng.random() < stops:
                saved = analyzer.snapshot()
                analyzer = GaitAnalyzer(Params(lag_s=1e3))
                analyzer.restore(saved)
        strides.append(analyzer.flush())
        found.append((np.concatenate(strides).tobytes(), analyzer.snapshot()))
    assert found[0] == found[1]


def test_a_foreign_snapshot_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        GaitAnalyzer().restore(b"something else")


def test_contacts_and_speed_are_those_of_the_simulator(frames: Frames) -> None:
    _, truth = simulate("stand 3; run 3.2", SECONDS, seed=4, rate_error=None)
    found = analyse(frames)
    good = found[found["quality"] == 0]
    assert len(good) > 0.85 * len(truth)
    for row in good:
        true = min(truth, key=lambda stride: abs(stride.ic_s - row["ic_s"]))
        assert Side(row["side"]).label == true.side
        assert row["ic_s"] == pytest.approx(true.ic_s, abs=0.02)
        assert row["tc_s"] == pytest.approx(true.tc_s, abs=0.02)
        assert row["speed_mps"] == pytest.approx(true.speed_mps, rel=0.1)


def test_the_mirrored_runner_swaps_the_sides(frames: Frames) -> None:
    """Mirrored in the x-z plane: vectors change sign along y, axial vectors (rates) along x and z."""
    mirrored = copied(frames)
    for rows in mirrored.values():
        rows["acc_mps2"] *= (1.0, -1.0, 1.0)
        rows["gyr_radps"] *= (-1.0, 1.0, -1.0)
    mirrored[Role.SHANK_LEFT], mirrored[Role.SHANK_RIGHT] = mirrored[Role.SHANK_RIGHT], mirrored[Role.SHANK_LEFT]
    ours, theirs = (rows[np.argsort(rows["ic_s"])] for rows in (analyse(frames), analyse(mirrored)))
    assert len(ours) == len(theirs)
    assert (ours["side"] == 1 - theirs["side"]).all()
    for name in STRIDE.names or ():
        sign = -1.0 if name == "turn_rate_radps" or "difference" in name else 1.0
        if name not in ("side", "grade"):  # the way for the grade is that of the left leg
            np.testing.assert_allclose(ours[name], sign * theirs[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("as_rows", [True, False])
def test_lost_samples_are_flagged_and_bridged(frames: Frames, as_rows: bool) -> None:
    """0.2 s of a shank, once as rows that say nothing, once as no rows at all."""
    broken = copied(frames)
    rows = broken[Role.SHANK_LEFT]
    i, j = np.searchsorted(rows["t_s"], (15.0, 15.2))
    if as_rows:
        rows["acc_mps2"][i:j] = np.nan
        rows["gyr_radps"][i:j] = np.nan
    else:
        broken[Role.SHANK_LEFT] = np.delete(rows, slice(i, j))
    whole, found = analyse(frames), analyse(broken)
    flagged = found[(found["quality"] & Quality.GAP) != 0]
    assert 1 <= len(flagged) <= 4
    assert (flagged["ic_s"] < 15.3).all()
    assert (flagged["next_ic_s"] > 15.0).all()
    later = found[found["ic_s"] > 17.0]
    same = whole[whole["ic_s"] > 17.0]
    assert len(later) == len(same)
    np.testing.assert_allclose(
        later["tibial_inclination_ic_rad"], same["tibial_inclination_ic_rad"], atol=np.radians(1.5)
    )


def test_numbers_that_make_no_sense_harm_nothing(frames: Frames) -> None:
    broken = copied(frames)
    rows = broken[Role.PELVIS]
    rows["acc_mps2"][3000:3003] = np.inf
    rows["gyr_radps"][3100] = 1e300
    rows["t_s"][3200] = np.nan
    found = analyse(broken)
    assert len(found) == len(analyse(frames))
    assert np.isfinite(found["ic_s"]).all()
    assert ((found["quality"] & (Quality.INVALID | Quality.GAP)) != 0).any()


@pytest.mark.parametrize("ahead_s", [1.5, 40.0, 1e9])
@pytest.mark.parametrize("role", list(Role))
def test_one_wild_time_stamp_is_one_lost_sample(frames: Frames, role: Role, ahead_s: float) -> None:
    wild, lost = copied(frames), copied(frames)
    wild[role]["t_s"][3200] += ahead_s
    lost[role] = np.delete(lost[role], 3200)
    assert analyse(wild, lag_s=0.25).tobytes() == analyse(lost, lag_s=0.25).tobytes()


@pytest.mark.parametrize("start_s", [-60.0, 1.7e9])
def test_seconds_may_count_from_anywhere(frames: Frames, start_s: float) -> None:
    """From the middle of a run, so that its start is negative, or since 1970."""
    moved = copied(frames)
    for rows in moved.values():
        rows["t_s"] += start_s
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    parts = [analyzer.push(role, rows) for role, rows in moved.items()]
    expected, found = analyse(frames), np.concatenate([*parts, analyzer.flush()])
    assert len(found) == len(expected)
    for name in ("ic_s", "tc_s", "next_ic_s"):
        assert found[name] - start_s == pytest.approx(expected[name], abs=1e-4, nan_ok=True), name
    for name in ("tibial_inclination_ic_rad", "speed_mps", "pelvic_tilt_rad", "pelvic_drop_rad"):
        assert found[name] == pytest.approx(expected[name], abs=1e-3, nan_ok=True), name


@pytest.mark.parametrize("missing", list(Role))
def test_a_missing_pod_takes_only_what_it_gives(frames: Frames, missing: Role) -> None:
    found = analyse({role: rows for role, rows in frames.items() if role is not missing})
    assert set(found["side"]) == set(Side)
    assert ((found["quality"] & Quality.POD_MISSING) != 0).all()
    assert np.isfinite(found["contact_time_s"]).all()
    if missing is Role.PELVIS:
        assert np.isnan(found["pelvic_tilt_rad"]).all()


def test_without_standing_the_angles_that_need_it_are_unknown(frames: Frames) -> None:
    running = {role: rows[rows["t_s"] > 8.0] for role, rows in frames.items()}
    found = analyse(running)
    assert len(found) > 30
    assert ((found["quality"] & Quality.UNCALIBRATED) != 0).all()
    assert np.isnan(found["tibial_inclination_ic_rad"]).all()
    assert np.isnan(found["pelvic_tilt_rad"]).all()
    assert np.isfinite(found["contact_time_s"][4:]).all()


def test_walking_is_told_from_running() -> None:
    walk, _ = simulate("stand 3; walk 1.4", 20.0, seed=1)
    found = analyse(walk)
    assert len(found) > 10
    assert (found["quality"] != 0).all()  # the first ones are settling: no flight is known yet
    assert ((found["quality"][6:] & Quality.WALKING) != 0).all()


def test_a_bouncing_walker_walks() -> None:
    # Long-legged, slow, up and down: the pelvis falls as freely as a runner's, but both feet stand on the ground.
    bouncing = Form(cadence=-0.087, contact=0.126, landing_m=0.048, tibia_rad=-0.04, drop=0.42, bounce=0.16)
    found = analyse(simulate("stand 3; walk 1.5", 30.0, seed=36, form=bouncing)[0])
    known = found[np.isfinite(found["contact_time_s"])]
    assert len(known) > 15
    assert ((known["quality"] & Quality.WALKING) != 0).all()
    assert (found["quality"] != 0).all()


def test_walking_teaches_nothing_of_where_the_foot_lands_in_running() -> None:
    frames, _ = simulate("stand 3; run 3; at 20 walk 1.5 20; run 3", 55.0, seed=1)
    found = analyse(frames)
    found = found[(found["quality"] == 0) & (found["tc_s"] > 0)]
    before = found[(found["ic_s"] > 12) & (found["ic_s"] < 19)]["foot_ahead_of_pelvis_m"]
    after = found[(found["ic_s"] > 40)][:6]["foot_ahead_of_pelvis_m"]
    assert abs(np.median(after) - np.median(before)) < 0.015


def test_standing_has_no_strides() -> None:
    still, _ = simulate("stand 30", 20.0, seed=1)
    assert len(analyse(still)) == 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize("name", ["rbds002_2.5mps", "rbds005_3.5mps", "rbds010_4.5mps"])
def test_real_runners(name: str) -> None:
    """Optical motion capture and a force plate (Fukuchi 2017, doi 10.7717/peerj.3298) say what is true."""
    with (SHARED / "rbds" / f"{name}.truth.csv").open(newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["next_ic_s"]]
    found = analyse(read(SHARED / "rbds" / f"{name}.imu.csv.gz"))
    errors: dict[str, list[float]] = {key: [] for key in ("ic", "tc", "tibia", "tilt", "speed")}
    for true in truth:
        same = found[found["side"] == Side[true["side"].upper()]]
        row = same[np.argmin(np.abs(same["ic_s"] - float(true["ic_s"])))]
        errors["ic"].append(row["ic_s"] - float(true["ic_s"]))
        errors["tc"].append(row["tc_s"] - float(true["tc_s"]))
        tibia = np.degrees(row["tibial_inclination_ic_rad"])
        errors["tibia"].append(tibia - float(true["tibial_inclination_ic_vs_standing_deg"]))
        errors["tilt"].append(np.degrees(row["pelvic_tilt_rad"]) - float(true["pelvic_tilt_mean_vs_standing_deg"]))
        errors["speed"].append(row["speed_mps"] / float(true["speed_mps"]) - 1.0)
    rms = {key: float(np.sqrt(np.mean(np.square(values)))) for key, values in errors.items()}
    # One runner each: the targets hold for all together, so half as much again is allowed for one.
    assert rms["ic"] < 0.006
    assert rms["tc"] < 0.012
    assert rms["tibia"] < 1.2
    assert rms["tilt"] < 0.45
    assert rms["speed"] < 0.04


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
def test_impacts_are_found_behind_the_filter_of_a_slow_chip() -> None:
    """104 Hz after a low-pass of second order at half of that (LSM6DSO data sheet) show half of an impact."""
    name = "rbds010_3.5mps"
    with (SHARED / "rbds" / f"{name}.truth.csv").open(newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["next_ic_s"]]
    found = analyse({role: slow_chip(rows) for role, rows in read(SHARED / "rbds" / f"{name}.imu.csv.gz").items()})
    late_s, tibia = [], []
    for true in truth:
        same = found[found["side"] == Side[true["side"].upper()]]
        row = same[np.argmin(np.abs(same["ic_s"] - float(true["ic_s"])))]
        late_s.append(row["ic_s"] - float(true["ic_s"]))
        tibia.append(
            np.degrees(row["tibial_inclination_ic_rad"]) - float(true["tibial_inclination_ic_vs_standing_deg"])
        )
    assert abs(np.mean(late_s)) < 0.004
    assert np.std(late_s) < 0.005
    assert np.sqrt(np.mean(np.square(tibia))) < 1.5


def slow_chip(rows: np.ndarray) -> np.ndarray:
    t = np.arange(rows["t_s"][0], rows["t_s"][-1], 1 / 1664)
    b, a = butter(2, 52, fs=1664)
    out = np.zeros(len(t[::16]), FRAME)
    out["t_s"], out["pressure_pa"] = t[::16], np.nan
    for name in ("acc_mps2", "gyr_radps"):
        for axis in range(3):
            fine = np.interp(t, rows["t_s"], rows[name][:, axis])
            out[name][:, axis] = lfilter(b, a, fine, zi=lfilter_zi(b, a) * fine[0])[0][::16]
    return out


def read(path: Path) -> Frames:
    with gzip.open(path, "rt") as lines:
        rows = list(csv.reader(lines))[1:]
    result = {}
    for role in Role:
        values = np.array([[row[0], *row[2:8]] for row in rows if row[1] == role.label], dtype=float)
        result[role] = np.zeros(len(values), FRAME)
        result[role]["t_s"], result[role]["pressure_pa"] = values[:, 0], np.nan
        result[role]["acc_mps2"], result[role]["gyr_radps"] = values[:, 1:4], values[:, 4:7]
    return result


def test_the_rehearsal_is_taken_for_strides() -> None:
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    parts = [analyzer.push(role, frames) for role, frames in rehearsal()]
    strides = np.concatenate([*parts, analyzer.flush()])
    assert len(strides) > 4
    assert np.isfinite(strides["tc_s"]).all()
    assert np.isfinite(strides["speed_mps"]).sum() > 2


def test_the_kernel_that_python_calls_has_one_signature(frames: Frames) -> None:
    """Every further one would be compiled in the middle of a run, for seconds."""
    analyzer = GaitAnalyzer()
    rows = frames[Role.PELVIS]
    fixed = rows.copy()
    fixed.flags.writeable = False
    swapped = rows.astype(FRAME.newbyteorder())
    for some in (rows[:8], rows[8:16].copy(), rows[::2][8:16], fixed[32:40], swapped[40:48], rows[:0], rows[48:2000]):
        analyzer.push(Role.PELVIS, some)
    analyzer.restore(analyzer.snapshot())
    pushes = np.array([[Role.PELVIS, 8], [Role.SHANK_LEFT, 4], [Role.SHANK_LEFT, 4]])
    analyzer.push_many([rows[2000:2008], fixed[:8], rows[:0]], *pushes.T)
    analyzer.flush()
    assert len(arrival.push.signatures) == 1


def test_a_push_is_one_call_of_a_kernel(frames: Frames, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for once in a while, when there is no room."""
    calls = []

    def counted(kernel: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            calls.append(kernel)
            return kernel(*arguments)

        return call

    analyzer, strides = GaitAnalyzer(), 0
    monkeypatch.setattr(analyzer, "_kernel", counted(arrival.push))
    for start in range(0, 2400, 8):
        for role in Role:
            calls.clear()
            strides += len(analyzer.push(role, frames[role][start : start + 8]))
            assert len(calls) == 1
    assert strides > 10


_DIGEST = """
import numpy as np, sys
from tests.dsp.test_whole_core import some_of_all
np.save(sys.argv[1], some_of_all())
"""


def some_of_all() -> np.ndarray:
    """Strides of a short run, of its pelvis pod alone, and of a short walk."""
    run, walk = (simulate(plan, 7.0, seed=4)[0] for plan in ("stand 2; run 3.2", "stand 2; walk 1.6"))
    return np.concatenate([analyse(frames) for frames in (run, {Role.PELVIS: run[Role.PELVIS]}, walk)])


def test_without_jit_the_numbers_are_the_same(tmp_path: Path) -> None:
    """Python's own arithmetic is the twin of the compiled one: equal but for the order of roundings."""
    path = tmp_path / "plain.npy"
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", _DIGEST, str(path)], env=environment, cwd=root, check=True)
    plain, jitted = np.load(path), some_of_all()
    assert len(plain) == len(jitted) > 15
    for name in plain.dtype.names:
        np.testing.assert_allclose(plain[name], jitted[name], rtol=1e-6, atol=1e-9, err_msg=name)
