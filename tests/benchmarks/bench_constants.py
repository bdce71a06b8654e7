"""What every number in dsp/params.py is worth: scores on eight real runners with it a root of two smaller and larger.

`python -m tests.benchmarks.bench_constants [NAME ...]` needs ../shared/data. A number that moves no score by a tenth of
its target is not fitted to these runners, whatever its source; one that does must come from physics, literature, or
hold for a runner left out (tests/dsp/test_constants.py). Contacts that are missed or invented count as F1.
"""

import csv
import math
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.types import Side
from tests.dsp.test_whole_core import SHARED, Frames, read

FACTOR = math.sqrt(2.0)
WORTH_TELLING = 0.1  # of a target
NEAR_S = 0.04
# Target of each score, plain and hard (design targets). Shares count what is missing to one.
TARGETS = {
    "IC F1": (0.002, 0.015),
    "IC bias ms": (5.0, 5.0),
    "IC SD ms": (4.0, 7.0),
    "TC F1": (0.005, 0.02),
    "TC bias ms": (6.0, 8.0),
    "TC SD ms": (8.0, 11.0),
    "tibia deg": (0.8, 1.5),
    "foot ahead mm": (18.0, 22.0),
    "tilt deg": (0.3, 0.8),
    "tilt range deg": (0.4, 0.8),
    "drop deg": (0.5, 0.9),
    "rotation deg": (1.0, 1.5),
    "speed %": (2.5, 4.0),
    "not good %": (5.0, 15.0),
}
# Score, truth's column, ours, our unit in the truth's.
ANGLES = (
    ("tibia deg", "tibial_inclination_ic_vs_standing_deg", "tibial_inclination_ic_rad", math.degrees(1.0)),
    ("foot ahead mm", "foot_ahead_of_pelvis_mm", "foot_ahead_of_pelvis_m", 1000.0),
    ("tilt deg", "pelvic_tilt_mean_vs_standing_deg", "pelvic_tilt_rad", math.degrees(1.0)),
    ("tilt range deg", "pelvic_tilt_range_deg", "pelvic_tilt_range_rad", math.degrees(1.0)),
    ("drop deg", "pelvic_drop_peak_stance_deg", "pelvic_drop_rad", math.degrees(1.0)),
    ("rotation deg", "pelvic_rotation_range_deg", "pelvic_rotation_range_rad", math.degrees(1.0)),
)


@dataclass(frozen=True)
class Session:
    """`truth` by column; NaN where nothing is known."""

    hard: bool
    frames: Frames
    truth: dict[str, NDArray[np.float64]]


def session(path: Path) -> Session:
    name = path.name.removesuffix(".imu.csv.gz")
    with (path.parent / f"{name}.truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["next_ic_s"]]  # the last stride of a leg is cut off
    truth = {key: np.array([float(r[key] or "nan") for r in rows]) for key in rows[0] if key != "side"}
    truth["side"] = np.array([Side[row["side"].upper()] for row in rows], float)
    return Session(name.endswith("_hard"), read(path), truth)


def strides_of(frames: Frames, params: Params) -> NDArray[np.void]:
    analyzer = GaitAnalyzer(params)
    end_s = max(rows["t_s"][-1] for rows in frames.values())
    parts = []
    for start in np.arange(0.0, end_s + 30.0, 30.0):
        for role, rows in frames.items():
            i, j = np.searchsorted(rows["t_s"], (start, start + 30.0))
            parts.append(analyzer.push(role, rows[i:j]))
    return np.concatenate([*parts, analyzer.flush()])


def pairs(truth: dict[str, NDArray[np.float64]], found: NDArray[np.void]) -> tuple[NDArray[np.int64], ...]:
    """Rows of truth and of `found` that are the same contact."""
    theirs, ours = [], []
    for side in Side:
        mine = np.flatnonzero(found["side"] == side)
        for i in np.flatnonzero(truth["side"] == side):
            if len(mine):
                j = mine[abs(found["ic_s"][mine] - truth["ic_s"][i]).argmin()]
                if abs(found["ic_s"][j] - truth["ic_s"][i]) <= NEAR_S:
                    theirs.append(i)
                    ours.append(j)
    return np.array(theirs, int), np.array(ours, int)


def scores(sessions: list[Session], params: Params) -> dict[str, float]:
    """Every score by its name, all of them less where better."""
    errors: dict[str, list[NDArray[np.float64]]] = {name: [] for name in ("ic", "tc", "speed", *(a[0] for a in ANGLES))}
    true = found_n = same = left = good = 0
    for one in sessions:
        found = strides_of(one.frames, params)
        first, last = one.truth["ic_s"].min() - 0.1, one.truth["ic_s"].max() + 0.1
        found = found[(found["ic_s"] > first) & (found["ic_s"] < last)]
        i, j = pairs(one.truth, found)
        true, found_n, same = true + len(one.truth["ic_s"]), found_n + len(found), same + len(set(j.tolist()))
        errors["ic"].append(found["ic_s"][j] - one.truth["ic_s"][i])
        tc = found["tc_s"][j] - one.truth["tc_s"][i]
        errors["tc"].append(tc)
        left += int(np.sum(abs(tc) <= NEAR_S))
        fine = found["quality"][j] == 0
        good += int(fine.sum())
        i, j = i[fine], j[fine]
        errors["speed"].append(found["speed_mps"][j] / one.truth["speed_mps"][i] - 1.0)
        for name, theirs, ours, unit in ANGLES:
            errors[name].append(found[ours][j] * unit - one.truth[theirs][i])
    every = {name: np.concatenate(values) for name, values in errors.items()}
    result = {
        "IC F1": 1.0 - 2.0 * same / (true + found_n),
        "IC bias ms": 1e3 * abs(float(np.nanmedian(every["ic"]))),
        "IC SD ms": 1e3 * float(np.nanstd(every["ic"])),
        "TC F1": 1.0 - 2.0 * left / (true + found_n),
        "TC bias ms": 1e3 * abs(float(np.nanmedian(every["tc"]))),
        "TC SD ms": 1e3 * float(np.nanstd(every["tc"])),
        "speed %": 100.0 * rms(every["speed"]),
        "not good %": 100.0 * (1.0 - good / true),
    }
    return result | {name: rms(every[name]) for name, *_ in ANGLES}


def rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.nanmean(np.square(values)))) if np.isfinite(values).any() else math.nan


def main() -> None:
    if not SHARED.is_dir():
        sys.exit("../shared/data is not here: nothing to measure on")
    wanted = sys.argv[1:] or [f.name for f in fields(Params) if f.name not in ("leg_length_m", "lag_s")]
    paths = [path for kind in ("rbds", "rbds_hard") for path in sorted((SHARED / kind).glob("*.imu.csv.gz"))]
    sessions = [session(path) for path in track(paths, "reading", transient=True)]
    kinds = [(kind, [one for one in sessions if one.hard == hard]) for hard, kind in enumerate(("plain", "hard"))]
    usual = replace(Params(), lag_s=1e3)  # what is pushed pod by pod must not wait for a slow radio
    before = {kind: scores(some, usual) for kind, some in kinds}
    for name in TARGETS:
        print(f"{name:16s}", *(f"{kind} {before[kind][name]:8.4g}" for kind, _ in kinds))
    for name in track(wanted, "changing", transient=True):
        print(f"{name:26s}", end="")
        for factor in (1.0 / FACTOR, FACTOR):
            changed = replace(usual, **{name: getattr(usual, name) * factor})
            moved = []
            for hard, (kind, some) in enumerate(kinds):
                after = scores(some, changed)
                for score, targets in TARGETS.items():
                    step = (after[score] - before[kind][score]) / targets[hard]
                    if not abs(step) < WORTH_TELLING:
                        over = " MISSED" if not after[score] <= targets[hard] else ""
                        moved.append((-abs(step), f"{kind} {score} {after[score]:.3g} ({step:+.0%} of target{over})"))
            print(f"  x {factor:.2f}: {'; '.join(text for _, text in sorted(moved)[:3]) or 'nothing'}", end="")
        print()


if __name__ == "__main__":
    main()
