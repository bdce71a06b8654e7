"""What starting costs: compiling, loading what was compiled, and the first strides after it.

`python -m tests.benchmarks.bench_start`. New processes, the first with an empty cache; each then runs a simulated
minute in packets of 8 samples and times every push that completes a stride. The first also says which kernels were
compiled more than once: each has one signature.

A live run does other work between packets, so that each finds the processor's caches full of that, the hundredth stride
like the first. Half of the warm processes do the same: they read 8 MB before each push. The others do nothing else, and
show what cold caches cost the first stride.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from dsp.analyzer import GaitAnalyzer, warm_up
from dsp.types import Role
from firmware_sim.offline import simulate

SAMPLES, SECONDS = 8, 60.0
REPEATS = 7


def measure(busy: bool) -> dict:
    """In a process that has not used the core yet. busy: other work is done between packets."""
    began = time.perf_counter()
    warm_up()
    started_s = time.perf_counter() - began
    modules = [module for name, module in sys.modules.items() if name.startswith("dsp.")]
    counts = {name: len(f.signatures) for m in modules for name, f in vars(m).items() if hasattr(f, "signatures")}
    frames, _ = simulate("stand 3; run 3.2", SECONDS, seed=2)
    other = np.ones(1 << 20 if busy else 0)
    analyzer, took_s = GaitAnalyzer(), []
    for start in range(0, min(map(len, frames.values())), SAMPLES):
        for role in Role:
            piece = frames[role][start : start + SAMPLES]
            other.sum()
            began = time.perf_counter()
            strides = analyzer.push(role, piece)
            if len(strides):
                took_s.append(time.perf_counter() - began)
    return {
        "started_s": started_s,
        "twice": [name for name, n in counts.items() if n > 1],
        "first_us": 1e6 * took_s[0],
        "later_us": 1e6 * float(np.median(took_s[80:120])),
    }


def run(folder: str, how: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bench_start", how],
        env=os.environ | {"HAMSTREAM_CACHE": folder},
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cold = run(folder, "alone")
        print(f"cold start: {cold['started_s']:.2f} s")
        print(f"kernels compiled more than once: {', '.join(cold['twice']) or 'none'}")
        for how, text in (("busy", "other work between packets, as live"), ("alone", "nothing else")):
            runs = [run(folder, how) for _ in range(REPEATS)]
            started, first, later = (
                statistics.median(r[k] for r in runs) for k in ("started_s", "first_us", "later_us")
            )
            print(f"warm start: {started:.2f} s; {text}: push of the first stride {first:.0f} us,", end=" ")
            print(f"of the 80th to 120th {later:.0f} us")


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1] == "busy")))
    else:
        main()
