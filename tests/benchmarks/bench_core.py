"""What the signal core costs and how soon it knows: `python -m tests.benchmarks.bench_core [FILE.imu.csv.gz ...]`.

Cost: all of the core for three pods, in one call for 30 s as files are analysed, in one for 1 s, and pod by pod in
chunks of 1 s, beside VQF's C++ batch (orientation alone) on the same samples in the same run, all in turn. Latency:
signal time from a contact to the sample that made it known.
Without arguments: the real runners in ../shared/data, where they are.
"""

import gzip
import sys
import time
from pathlib import Path

import numpy as np
import vqf

from dsp.analyzer import GaitAnalyzer, warm_up
from dsp.params import Params
from dsp.types import FRAME, Role

ROOT = Path(__file__).resolve().parents[2]
CHUNK_S = 1.0
BATCH_S = 30.0  # as host/analyze.py reads tables
REPEATS = 5


def read_table(path: Path) -> dict[Role, np.ndarray]:
    """Frames by role from an IMU table: t_s, pod, acc (3), gyr (3)."""
    by_pod: dict[str, list[str]] = {role.label: [] for role in Role}
    with gzip.open(path, "rt") as lines:
        next(lines)
        for line in lines:
            t, pod, rest = line.split(",", 2)
            by_pod[pod].append(f"{t},{rest}")
    frames = {}
    for role in Role:
        values = np.loadtxt(by_pod[role.label], delimiter=",", ndmin=2)
        frames[role] = np.zeros(len(values), FRAME)
        frames[role]["t_s"] = values[:, 0]
        frames[role]["acc_mps2"] = values[:, 1:4]
        frames[role]["gyr_radps"] = values[:, 4:7]
        frames[role]["pressure_pa"] = np.nan
    return frames


def chunks(frames: dict[Role, np.ndarray]) -> list[tuple[Role, np.ndarray]]:
    """Frames in the order in which they become known, in chunks of CHUNK_S."""
    start = min(f["t_s"][0] for f in frames.values())
    end = max(f["t_s"][-1] for f in frames.values())
    found = []
    for t in np.arange(start, end + CHUNK_S, CHUNK_S):
        for role, f in frames.items():
            i, j = np.searchsorted(f["t_s"], (t, t + CHUNK_S))
            found.append((role, f[i:j]))
    return found


def batch_seconds(frames: dict[Role, np.ndarray], batch_s: float = BATCH_S) -> tuple[float, np.ndarray]:
    """Time of the core alone when `batch_s` are handed over at once, and its strides."""
    pieces = chunks(frames)
    size = 3 * int(batch_s / CHUNK_S)
    batches, done = [], dict.fromkeys(Role, 0)
    for start in range(0, len(pieces), size):
        some = pieces[start : start + size]
        roles, counts = np.array([role for role, _ in some]), np.array([len(f) for _, f in some])
        by_role = []
        for role in Role:
            end = done[role] + counts[roles == role].sum()
            by_role.append(frames[role][done[role] : end])
            done[role] = end
        batches.append((by_role, roles, counts))
    analyzer = GaitAnalyzer(Params(lag_s=1.5))
    began = time.process_time()
    strides = [analyzer.push_many(*batch) for batch in batches]
    strides.append(analyzer.flush())
    seconds = time.process_time() - began
    return seconds, np.concatenate(strides)


def chunk_seconds(frames: dict[Role, np.ndarray]) -> tuple[float, np.ndarray]:
    """Time of the core alone in chunks, pod by pod, and its strides."""
    analyzer = GaitAnalyzer(Params(lag_s=1.5))
    pieces = chunks(frames)
    began = time.process_time()
    strides = [analyzer.push(role, f) for role, f in pieces]
    strides.append(analyzer.flush())
    seconds = time.process_time() - began
    return seconds, np.concatenate([s for s in strides if len(s)])


def vqf_seconds(frames: dict[Role, np.ndarray]) -> float:
    """Time of VQF's C++ batch for the orientation of the same samples."""
    total = 0.0
    for f in frames.values():
        acc, gyr = np.ascontiguousarray(f["acc_mps2"]), np.ascontiguousarray(f["gyr_radps"])
        began = time.process_time()
        vqf.VQF((f["t_s"][-1] - f["t_s"][0]) / (len(f) - 1)).updateBatch(gyr, acc)
        total += time.process_time() - began
    return total


def main() -> None:
    data = ROOT.parent / "shared" / "data"
    paths = [Path(a) for a in sys.argv[1:]] or sorted(data.glob("rbds_hard/*.imu.csv.gz"))
    if not paths:
        sys.exit("no tables: name some *.imu.csv.gz")
    warm_up()
    ways = {"core, 30 s": batch_seconds, "core, 1 s": lambda f: batch_seconds(f, CHUNK_S), "1 s by pod": chunk_seconds}
    samples, peer, ours, strides = 0, 0.0, dict.fromkeys(ways, 0.0), []
    for path in paths:
        frames = read_table(path)
        samples += sum(len(f) for f in frames.values())
        runs: dict[str, list[tuple[float, np.ndarray]]] = {name: [] for name in ways}
        others = []
        for _ in range(REPEATS):
            others.append(vqf_seconds(frames))
            for name, way in ways.items():
                runs[name].append(way(frames))
        peer += min(others)
        for name, of_way in runs.items():
            ours[name] += min(seconds for seconds, _ in of_way)
        assert len({of_way[0][1].tobytes() for of_way in runs.values()}) == 1
        strides.append(runs["1 s by pod"][0][1])
    found = np.concatenate(strides)
    good = found[found["quality"] == 0]
    print(f"samples      {samples}, strides {len(found)}")
    print(f"VQF batch    {1e9 * peer / samples:.0f} ns a sample")
    for name, seconds in ours.items():
        print(f"{name:12s} {1e9 * seconds / samples:.0f} ns a sample, ratio {seconds / peer:.3f} (target 0.25)")
    for name, decided, event in (
        ("IC", "ic_decided_s", "ic_s"),
        ("TC", "tc_decided_s", "tc_s"),
        ("stride", "decided_s", "next_ic_s"),
    ):
        late = 1000 * (good[decided] - good[event])
        print(f"{name:12s} known after p50 {np.percentile(late, 50):.0f} ms, p99 {np.percentile(late, 99):.0f} ms")


if __name__ == "__main__":
    main()
