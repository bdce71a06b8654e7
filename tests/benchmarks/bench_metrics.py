"""Errors of the metrics that no reference session knows, against the simulator: the numbers in docs/metrics.md.

`python -m tests.benchmarks.bench_metrics`. Twelve runs of a minute: paces, bends, hills, faults. The runner's waveforms
are means of real ones, so errors from person to person are not in it. Pelvic obliquity is that of the real runners in
../shared/data, where they are.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.springmass import stiffness
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
        real: list[tuple[Stride, Mapping[str, str]]] = []
        stiffnesses: list[tuple[float, ...]] = []
        for path in sorted(DATA.glob(f"{folder}/*.truth.csv")):
            with path.open() as lines:
                rows = [row for row in csv.DictReader(lines) if row["pelvic_obliquity_range_deg"]]
            found = pairs(analysed(read_table(path.with_name(path.name.replace(".truth.csv", ".imu.csv.gz")))), rows)
            real += found
            stiffnesses += [
                (s.vertical_stiffness_npmkg, s.leg_stiffness_npmkg, *true_stiffness(t, rows)) for s, t in found
            ]
        if real:
            print(f"{folder}, real runners:")
            name = "pelvic_obliquity_range_deg"
            show(name, [getattr(s, name) for s, _ in real], [float(t[name]) for _, t in real])
            vertical, leg, true_vertical, true_leg = zip(*stiffnesses, strict=True)
            show("vertical_stiffness_npmkg", vertical, true_vertical)
            show("leg_stiffness_npmkg", leg, true_leg)


def true_stiffness(stride: Mapping[str, str], strides: Sequence[Mapping[str, str]]) -> tuple[float, float]:
    """The model of `stride` with the force plate's times and the treadmill's speed."""
    ic, tc, end = (float(stride[name]) for name in ("ic_s", "tc_s", "next_ic_s"))
    others = [float(s["ic_s"]) for s in strides if s["side"] != stride["side"] and tc < float(s["ic_s"]) < end]
    flight = others[0] - tc if others else math.nan
    found: tuple[float, float] = stiffness(tc - ic, flight, float(stride["speed_mps"]), LEG_M)
    return found


if __name__ == "__main__":
    main()
