"""Who wears the pods: a simulated runner, or a recording. Both wait for `start`: nothing is missed."""

import csv
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol, TextIO

from dsp.types import Role
from firmware_sim.chip import ChipSampler
from firmware_sim.runner.form import Form
from firmware_sim.runner.plan import Plan
from firmware_sim.runner.runner import SimulatedRunner
from firmware_sim.runner.truth import TrueStride
from firmware_sim.sampler import Sampler


class Wearer(Protocol):
    """What the pods' process needs of whoever wears them."""

    @property
    def samplers(self) -> Mapping[Role, Sampler]: ...

    def start(self, true_s: float) -> float:
        """Begins at true time `true_s`. Returns the true time of the end, which may be infinity."""
        ...


class RunnerWearer:
    """A simulated runner with an IMU chip in each pod."""

    def __init__(self, plan: Plan | str, *, seed: int, form: Form) -> None:
        self.runner = SimulatedRunner(plan, seed=seed, form=form, start_s=math.inf)
        now_s = time.monotonic()
        self.samplers = {r: ChipSampler(self.runner, r, seed=seed, start_s=now_s) for r in Role}

    def start(self, true_s: float) -> float:
        self.runner.start(true_s)
        return math.inf

    def hear(self, cue: Mapping[str, Any]) -> None:
        self.runner.hear(str(cue["fault"]))


class TruthFile:
    """Writes the runner's true strides as they are finished; times in seconds of time.monotonic()."""

    def __init__(self, path: Path, runner: SimulatedRunner) -> None:
        self._runner = runner
        self._file: TextIO = path.open("w", newline="")
        self._writer = csv.DictWriter(self._file, [field.name for field in fields(TrueStride)])
        self._writer.writeheader()
        self.update()

    def update(self) -> None:
        """Appends what is new and puts it on disk."""
        self._writer.writerows(asdict(stride) for stride in self._runner.take_truth())
        self._file.flush()

    def close(self) -> None:
        self.update()
        self._file.close()
