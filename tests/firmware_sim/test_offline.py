"""Sessions without radio: frames, tables, and the real signal core finding the simulated steps in them."""

import csv
import gzip
import math
import statistics
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dsp.analyzer import GaitAnalyzer
from dsp.types import FRAME, Role, Side
from firmware_sim.offline import Frames, Session, simulate, write_session, write_table
from firmware_sim.runner.truth import TrueStride


def test_frames_are_in_si_units_on_true_time() -> None:
    frames, truth = simulate("stand 3; run 3.2", 20.0, seed=1)
    for samples in frames.values():
        assert samples.dtype == FRAME
        assert len(samples) == 20 * 208 + 1
        assert np.diff(samples["t_s"]) == pytest.approx(1 / 208)
        still = samples[samples["t_s"] < 2.5]
        assert np.linalg.norm(still["acc_mps2"].mean(axis=0)) == pytest.approx(9.807, abs=0.15)
        assert np.degrees(np.linalg.norm(still["gyr_radps"].mean(axis=0))) < 3.2
    pressure = frames[Role.PELVIS]["pressure_pa"]
    assert np.isfinite(pressure).sum() == 41
    assert np.nanmean(pressure) == pytest.approx(100_129.0, abs=20.0)  # ICAO standard atmosphere at 100 m
    assert np.isnan(frames[Role.SHANK_LEFT]["pressure_pa"]).all()
    assert 40 < len(truth) < 50
    assert max(stride.next_ic_s for stride in truth) <= 20.0


def test_pods_have_their_own_wrong_rates_when_asked() -> None:
    frames, _ = simulate("clean", 10.0, rate_error=None)
    rates = [(len(samples) - 1) / (samples["t_s"][-1] - samples["t_s"][0]) for samples in frames.values()]
    assert all(0.01 <= abs(rate / 208 - 1) <= 0.03 for rate in rates)
    assert len({round(rate, 3) for rate in rates}) == 3


def test_tables_hold_what_was_simulated(tmp_path: Path) -> None:
    frames, truth = simulate("stand 1; run 3.2", 8.0, seed=1)
    table = write_session(tmp_path, "one", frames, truth)
    assert table.name == "one.imu.csv.gz"
    with gzip.open(table, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:8] == ["t_s", "pod", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z"]
    times = [float(row["t_s"]) for row in rows]
    assert times == sorted(times)
    left = [row for row in rows if row["pod"] == "shank_left"]
    samples = frames[Role.SHANK_LEFT]
    assert np.array([[float(row[f"gyr_{axis}"]) for axis in "xyz"] for row in left]) == pytest.approx(
        samples["gyr_radps"], abs=1e-5
    )
    write_table(tmp_path / "one.imu.parquet", frames)
    same = pq.read_table(tmp_path / "one.imu.parquet").to_pydict()
    assert same["pod"] == [row["pod"] for row in rows]
    assert np.array(same["acc_x"]) == pytest.approx(np.array([float(row["acc_x"]) for row in rows]), abs=1e-4)
    with (tmp_path / "one.truth.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [float(row["ic_s"]) for row in written] == [stride.ic_s for stride in truth]
    with pytest.raises(ValueError, match=r"ends in"):
        write_table(tmp_path / "one.xlsx", frames)


def test_a_session_can_be_talked_to_between_pieces() -> None:
    session = Session("run 3.2; at 10 overstride", seed=2)
    for t in range(1, 46):
        session.read(float(t))
        if t == 20:
            session.runner.hear("overstride")
    strides = session.runner.take_truth()
    late = [s.tibial_inclination_ic_vs_standing_deg for s in strides if s.ic_s > 30]
    early = [s.tibial_inclination_ic_vs_standing_deg for s in strides if 14 < s.ic_s < 20]
    assert statistics.fmean(early) - statistics.fmean(late) == pytest.approx(8.0, abs=0.8)


def analyze(frames: Frames) -> np.ndarray:
    """The strides that the signal core finds, fed as live."""
    analyzer, parts = GaitAnalyzer(), []
    for t in np.arange(0.0, frames[Role.PELVIS]["t_s"][-1] + 0.1, 0.05):
        for role, samples in frames.items():
            first, end = np.searchsorted(samples["t_s"], (t, t + 0.05))
            parts.append(analyzer.push(role, samples[first:end]))
    return np.concatenate([*parts, analyzer.flush()])


def errors(found: np.ndarray, truth: list[TrueStride], column: str, name: str, scale: float) -> np.ndarray:
    """Found minus true of strides whose initial contacts agree within 40 ms, after the first 10 s."""
    out = []
    for stride in truth:
        own = found[found["side"] == Side[stride.side.upper()]]
        near = own[np.abs(own["ic_s"] - stride.ic_s) < 0.040]
        if len(near) and stride.ic_s > 10.0:
            out.append(near[0][column] * scale - getattr(stride, name))
    return np.array(out)


@pytest.mark.parametrize(("plan", "seed"), [("stand 5; run 2.7", 3), ("stand 5; run 3.2; at 20 overstride", 4)])
def test_the_signal_core_finds_the_simulated_steps(plan: str, seed: int) -> None:
    """The simulated waveforms are real enough for a core made for real runners, mounts and noise included."""
    frames, truth = simulate(plan, 40.0, seed=seed)
    found = analyze(frames)
    steady = [stride for stride in truth if stride.ic_s > 10.0]
    ic = errors(found, truth, "ic_s", "ic_s", 1.0)
    assert len(ic) >= 0.99 * len(steady)
    assert len(found) <= 1.02 * len(truth)
    assert abs(np.median(ic)) < 0.005
    assert ic.std() < 0.004
    tc = errors(found, truth, "tc_s", "tc_s", 1.0)
    assert abs(np.median(tc)) < 0.010
    assert tc.std() < 0.008
    degrees = math.degrees(1.0)
    for column, name, scale, limit in [
        ("tibial_inclination_ic_rad", "tibial_inclination_ic_vs_standing_deg", degrees, 1.2),
        ("pelvic_tilt_rad", "pelvic_tilt_mean_vs_standing_deg", degrees, 0.5),
        ("pelvic_drop_rad", "pelvic_drop_peak_stance_deg", degrees, 0.6),
        ("pelvic_rotation_range_rad", "pelvic_rotation_range_deg", degrees, 1.2),
        ("speed_mps", "speed_mps", 1.0, 0.12),
    ]:
        wrong = errors(found, truth, column, name, scale)
        assert np.sqrt(np.mean(wrong**2)) < limit, name
