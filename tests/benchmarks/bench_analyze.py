"""How fast files are analysed: `python -m tests.benchmarks.bench_analyze [MINUTES]` (default 60).

A simulated run as .imu.parquet, .imu.csv.gz and .mcap, made once and kept in the temporary folder. Each kind is
analysed several times after start-up, the kinds in turn, so that a machine that slows down slows all; the best counts.
Then where the time goes, what memory a sixth of the run and the whole of it take, and many files against one.
"""

import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dsp.types import Role
from firmware_sim.offline import Frames, simulate, write_table
from host.analyze import TABLE_CHUNK_S, TABLE_LAG_S, analyze_files, batches_of
from host.coach.coach import Coach
from host.pipeline import Output, Pipeline, warm_up
from host.pods.profile import encode_pressure
from host.records import Channel, Cue, LinkState, PodEvent, SessionInfo, Stride
from host.results import writer
from host.sinks.mcap_file import EventWriter
from host.sinks.recording import read_recording
from host.tables import read_table
from tests.benchmarks.bench_packets import events_of

FOLDER = Path(tempfile.gettempdir()) / "hamstream-bench"
PLAN, SEED = "stand 4; run 3.2", 1
TARGETS = {"imu.parquet": 3000, "imu.csv.gz": 1000, "mcap": 1000}
REPEATS, REPEATS_OF_MANY = 5, 2
CORES = os.cpu_count() or 1
FLUSH_S = 0.4  # a live recording is made of chunks as long as that
DELAY_S = 0.03  # the wait for a connection event


def recorded(frames: Frames) -> list[PodEvent]:
    """The run as it arrives: links, packets with delays of their own, the barometer twice a second."""
    rng = np.random.default_rng(SEED)
    events = [PodEvent(role, Channel.LINK, 0, LinkState.STREAMING.encode()) for role in Role]
    newest_ns = dict.fromkeys(Role, 0)
    for event in events_of(frames):
        delay_ns = int(rng.uniform(0, DELAY_S) * 1e9) if event.channel is Channel.PACKET else 0
        newest_ns[event.role] = max(newest_ns[event.role], event.arrival_ns + delay_ns)
        events.append(PodEvent(event.role, event.channel, newest_ns[event.role], event.data))
    pelvis = frames[Role.PELVIS]
    for frame in pelvis[~np.isnan(pelvis["pressure_pa"])]:
        arrival_ns = round((float(frame["t_s"]) + DELAY_S) * 1e9)
        events.append(PodEvent(Role.PELVIS, Channel.PRESSURE, arrival_ns, encode_pressure(float(frame["pressure_pa"]))))
    return sorted(events, key=lambda event: event.arrival_ns)


def write_recording(path: Path, events: Iterable[PodEvent]) -> None:
    with path.open("wb") as file:
        writer = EventWriter(file, SessionInfo("bench", "bench", "2026-01-01T00:00:00.000Z", "bench", str(path)))
        flushed_ns = 0
        for event in events:
            if event.arrival_ns - flushed_ns > FLUSH_S * 1e9:
                writer.flush()
                flushed_ns = event.arrival_ns
            writer.write(event)
        writer.finish()


def made(minutes: float) -> dict[str, Path]:
    """The run's files by their endings, made when they are not there."""
    FOLDER.mkdir(exist_ok=True)
    paths = {ending: FOLDER / f"run{minutes:g}.{ending}" for ending in TARGETS}
    if not all(path.exists() for path in paths.values()):
        print(f"simulating {minutes:g} min of running, a minute or two ...", flush=True)
        frames, _ = simulate(PLAN, 60 * minutes, seed=SEED)
        for ending in ("imu.parquet", "imu.csv.gz"):
            write_table(paths[ending], frames)
        write_recording(paths["mcap"], recorded(frames))
    return paths


class Mute(Coach):
    """Says nothing and costs nothing."""

    def step(self, stride: Stride) -> list[Cue]:
        return []


T = TypeVar("T")


def timed(work: Callable[[], T], times: int = 3) -> tuple[float, T]:
    """The least CPU time of the process, all threads, in seconds; and the result."""
    runs = []
    for _ in range(times):
        began = time.process_time()
        result = work()
        runs.append(time.process_time() - began)
    return min(runs), result


def through(coach: Coach, kind: str, parts: list[Any]) -> list[Output]:
    """What a pipeline makes of the parts of a file."""
    if kind == "mcap":
        pipeline = Pipeline(coach)
        return [pipeline.push_events(part) for part in parts]
    pipeline = Pipeline(coach, lag_s=TABLE_LAG_S)
    return [pipeline.push_frames(role, frames) for part in parts for role, frames in part.items()]


def shares(kind: str, path: Path) -> str:
    """CPU seconds of each step on its own."""
    if kind == "mcap":
        reading, parts = timed(lambda: list(batches_of(read_recording(path)[1], 1, lambda share: None)))
    else:
        reading, parts = timed(lambda: list(read_table(path, TABLE_CHUNK_S)))
    core, _ = timed(lambda: through(Mute(), kind, parts))
    both, outputs = timed(lambda: through(Coach(), kind, parts))
    write = writer(io.StringIO(), io.StringIO())
    writing, _ = timed(lambda: [write(output) for output in outputs])
    return (
        f"reading {reading:.2f}, packets and core {core:.2f}, coach {both - core:.2f}, writing {writing:.2f} s of CPU"
    )


def peak_mb(paths: list[Path]) -> list[float]:
    """The most memory that a process of its own holds after each file, one after the other."""
    code = (
        "import sys; from pathlib import Path; from host.analyze import analyze_files\n"
        "for path in sys.argv[2:]:\n"
        "    analyze_files([Path(path)], Path(sys.argv[1]))\n"  # prints a line, too
        "    print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    with tempfile.TemporaryDirectory() as out:
        told = subprocess.run(
            [sys.executable, "-c", code, out, *map(str, paths)], capture_output=True, text=True, check=True
        )
    return [int(line) / 1024 for line in told.stdout.splitlines() if line.isdigit()]


def many(path: Path, kind: str, n: int, out: Path) -> str:
    """Several copies of a file at once against one after the other, in turn; the best of each counts.

    No way of sharing the work takes less than its CPU seconds by the number of cores.
    """
    copies = [out / f"copy{k}.{kind}" for k in range(n)]
    for copy in copies:
        copy.unlink(missing_ok=True)
        copy.symlink_to(path)
    best, best_cpu, alone = np.inf, np.inf, np.inf
    for _ in range(REPEATS_OF_MANY):
        began = time.perf_counter()
        for copy in copies:
            analyze_files([copy], out)
        alone = min(alone, time.perf_counter() - began)
        began, cpu = time.perf_counter(), cpu_seconds()
        analyze_files(copies, out)
        best, best_cpu = min(best, time.perf_counter() - began), min(best_cpu, cpu_seconds() - cpu)
    bound = f"{best_cpu:.1f} s of CPU: {alone / (best_cpu / CORES):.2f} times at most on {CORES} cores"
    return f"{n} files: {best:.1f} s, {alone / best:.2f} times one after the other; {bound}"


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    return sum(
        r.ru_utime + r.ru_stime for r in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    files, short = made(minutes), made(minutes / 6)
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        best = dict.fromkeys(files, (np.inf, np.inf))
        for _ in range(REPEATS):
            for kind, path in files.items():
                began, cpu = time.perf_counter(), time.process_time()
                analyze_files([path], out)
                taken = time.perf_counter() - began, time.process_time() - cpu
                best[kind] = min(best[kind], taken)
        for kind, (wall, cpu) in best.items():
            speed = f"{60 * minutes / wall:6.0f} x real time (target {TARGETS[kind]})"
            print(f"{kind:12s} {wall:5.2f} s, {cpu:5.2f} s of CPU: {speed}")
        for kind, path in files.items():
            print(f"{kind:12s} {shares(kind, path)}")
        for kind, path in files.items():
            small, large = peak_mb([short[kind], path])
            memory = f"at most {small:.0f} MB for {minutes / 6:g} min, {large:.0f} MB for {minutes:g} min"
            print(f"{kind:12s} {memory}: {large / small:.2f}")
        for kind, path in files.items():
            for n in (2 * CORES, 4 * CORES):
                print(f"{kind:12s} {many(path, kind, n, out)}")


if __name__ == "__main__":
    main()
