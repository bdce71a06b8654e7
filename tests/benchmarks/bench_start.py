"""What starting costs: compiling, loading what was compiled, and the first strides after it.

`python -m tests.benchmarks.bench_start`. Two new processes, the first with an empty cache; each then runs a simulated
minute and a half in packets of 8 samples and times every push that completes a stride. The first also says which
kernels were compiled more than once: each has one signature.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from dsp.analyzer import GaitAnalyzer, warm_up
from dsp.types import Role
from firmware_sim.offline import simulate

SAMPLES = 8


def measure() -> dict:
    """In a process that has not used the core yet."""
    began = time.perf_counter()
    warm_up()
    started_s = time.perf_counter() - began
    modules = [module for name, module in sys.modules.items() if name.startswith("dsp.")]
    counts = {name: len(f.signatures) for m in modules for name, f in vars(m).items() if hasattr(f, "signatures")}
    frames, _ = simulate("stand 3; run 3.2", 90.0, seed=2)
    analyzer, took_s = GaitAnalyzer(), []
    for start in range(0, min(map(len, frames.values())), SAMPLES):
        for role in Role:
            piece = frames[role][start : start + SAMPLES]
            began = time.perf_counter()
            strides = analyzer.push(role, piece)
            if len(strides):
                took_s.append(time.perf_counter() - began)
    return {
        "started_s": started_s,
        "twice": [name for name, n in counts.items() if n > 1],
        "stride_us": [1e6 * s for s in took_s],
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for how in ("cold", "warm"):
            run = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.bench_start", "measure"],
                env=os.environ | {"HAMSTREAM_CACHE": folder},
                stdout=subprocess.PIPE,
                check=True,
            )
            found = json.loads(run.stdout)
            first, hundredth = found["stride_us"][0], np.median(found["stride_us"][80:120])
            print(f"{how} start: {found['started_s']:.2f} s; push of the first stride {first:.0f} us,", end=" ")
            print(f"of the 80th to 120th {hundredth:.0f} us")
            if how == "cold":
                print(f"kernels compiled more than once: {', '.join(found['twice']) or 'none'}")


if __name__ == "__main__":
    if sys.argv[1:] == ["measure"]:
        print(json.dumps(measure()))
    else:
        main()
