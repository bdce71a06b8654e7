"""Errors of the metrics that no reference session knows, against the simulator: the numbers in docs/metrics.md.

`python -m tests.benchmarks.bench_metrics`. Twelve runs of a minute: paces, bends, hills, faults. The runner's waveforms
are means of real ones, so errors from person to person are not in it. Below them the real runners in ../shared/data,
where they are: obliquity is that of optical motion capture, times and the windows of the shank's rates are those of the
force plate, the rates the sensors' own about the axis that the shank turned about most in the whole session.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.springmass import stiffness
from dsp.types import Role
from firmware_sim.offline import simulate
from host.records import Stride, strides_from_records
from tests.benchmarks.bench_core import read_table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PLANS = [f"stand 5; run {speed}; at 25 {then}" for speed in (2.5, 3.2, 4.2) for then in ("turn 12", "hips_back strong")]
PLANS += [f"stand 5; run 3.2; at 25 {then}" for then in ("pawing", "hip_lag", "sitting_back", "stiff_pelvis")]
PLANS += ["stand 5; run 3.2; at 20 grade 6", "stand 5; run 3.0; forefoot"]
SECONDS = 60.0
LEG_M = 0.9  # of nobody: the model's error hardly depends on it
SIMULATED = (
    "pelvic_rotation_lag_percent",
    "turn_rate_dps",
    "shank_retraction_dps",
    "shank_mid_stance_deg",
    "pelvis_over_foot_percent",
    "vertical_oscillation_mm",
)


def analysed(frames: dict) -> list[Stride]:
    analyzer = GaitAnalyzer(Params(lag_s=1e3, leg_length_m=LEG_M))
    parts = [analyzer.push(role, f) for role, f in frames.items()]
    return [s for s in strides_from_records(np.concatenate([*parts, analyzer.flush()])) if s.good]


def pairs(strides: list[Stride], truth: Sequence[Mapping[str, str]]) -> list[tuple[Stride, Mapping[str, str]]]:
    """Strides and the true ones whose contacts lie within 40 ms."""
    found = []
    for true in truth:
        mine = [s for s in strides if s.side == true["side"]]
        near = min(mine, key=lambda s: abs(s.ic_s - float(true["ic_s"])), default=None)
        if near and abs(near.ic_s - float(true["ic_s"])) < 0.04:
            found.append((near, true))
    return found


def show(name: str, measured: Sequence[float], true: Sequence[float]) -> None:
    m, t = np.array(measured), np.array(true)
    known = np.isfinite(m) & np.isfinite(t)
    error = m[known] - t[known]
    if name == "pelvic_rotation_lag_percent":
        error = (error + 50.0) % 100.0 - 50.0
    spread = float(np.std(t[known]))
    print(
        f"{name:32s} {known.sum():6d} strides  bias {error.mean():+7.2f}  RMSE {math.sqrt((error**2).mean()):6.2f}"
        f"  true mean {t[known].mean():7.1f}, SD {spread:6.2f}"
    )


def main() -> None:
    both: list[tuple[Stride, Mapping[str, str]]] = []
    for seed, plan in enumerate(PLANS):
        frames, truth = simulate(plan, SECONDS, seed=seed)
        both += pairs(analysed(frames), [{f: getattr(s, f) for f in s.__dataclass_fields__} for s in truth])
    for name in SIMULATED:
        show(name, [getattr(s, name) for s, _ in both], [float(t[name]) for _, t in both])
    for folder in ("rbds", "rbds_hard"):
        real: list[tuple[Stride, dict[str, float]]] = []
        for path in sorted(DATA.glob(f"{folder}/*.truth.csv")):
            with path.open() as lines:
                rows = [row for row in csv.DictReader(lines) if row["pelvic_obliquity_range_deg"]]
            frames = read_table(path.with_name(path.name.replace(".truth.csv", ".imu.csv.gz")))
            rates = {role.label.removeprefix("shank_"): hinge_rates(frames[role]) for role in Role if role > 0}
            real += [(s, true_columns(t, rows, *rates[s.side])) for s, t in pairs(analysed(frames), rows)]
        print(f"{folder}, real runners:" if real else f"no {folder} here")
        for name in real[0][1] if real else ():
            show(name, [getattr(s, name) for s, _ in real], [t[name] for _, t in real])


def true_columns(
    stride: Mapping[str, str], strides: Sequence[Mapping[str, str]], t_s: np.ndarray, rate_dps: np.ndarray
) -> dict[str, float]:
    """Columns of `stride` from the force plate's times, the treadmill's speed and the shank's own rate."""
    ic, tc, end = (float(stride[name]) for name in ("ic_s", "tc_s", "next_ic_s"))
    others = [float(s["ic_s"]) for s in strides if s["side"] != stride["side"] and tc < float(s["ic_s"]) < end]
    flight = others[0] - tc if others else math.nan
    vertical, leg = stiffness(tc - ic, flight, float(stride["speed_mps"]), LEG_M)
    return {
        "flight_time_ms": 1e3 * flight,
        "duty_factor": (tc - ic) / (end - ic),
        "pelvic_obliquity_range_deg": float(stride["pelvic_obliquity_range_deg"]),
        "shank_retraction_dps": float(np.interp(np.linspace(ic - 0.03, ic, 301), t_s, rate_dps).mean()),
        "shank_rate_early_stance_dps": float(np.interp(np.linspace(ic, ic + 0.05, 501), t_s, rate_dps).mean()),
        "vertical_stiffness_npmkg": vertical,
        "leg_stiffness_npmkg": leg,
    }


def hinge_rates(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times (s) and rates (deg/s) about the axis that a shank turned about most, + to the left."""
    known = frames[np.isfinite(frames["gyr_radps"]).all(axis=1)]
    axis = np.linalg.eigh(np.cov(known["gyr_radps"].T))[1][:, -1]
    return known["t_s"], np.degrees(known["gyr_radps"] @ axis) * np.sign(axis[1])


if __name__ == "__main__":
    main()
