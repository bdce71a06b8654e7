"""Eight real runners on a treadmill at three speeds, 35 s each: their pods, their true contacts, and what the coach
makes of them.

Pods made from optical motion capture (Fukuchi, Fukuchi & Duarte 2017, doi:10.7717/peerj.3298). They stand for six
seconds, then run.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.types import Role
from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.pipeline import Pipeline
from host.records import Cue, Stride
from host.tables import read_table

Array = NDArray[np.float64]
Frames = Mapping[Role, NDArray[np.void]]

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "rbds"
SPEEDS = ("2.5", "3.5", "4.5")
SHANKS = {"left": Role.SHANK_LEFT, "right": Role.SHANK_RIGHT}
RATE_HZ = 208.0
STANDING_S = 5.0
CHUNK_S = 2.0


def names() -> list[str]:
    return sorted(path.name.removesuffix(".imu.csv.gz") for path in FOLDER.glob("*.imu.csv.gz"))


@dataclass(frozen=True)
class Steps:
    """One leg's stances, from the force plates: contact to toe-off."""

    ic_s: Array
    tc_s: Array

    def share(self, t_s: Array) -> Array:
        """How much of its stance has passed, 0 to 1; NaN in swing."""
        i = np.searchsorted(self.ic_s, t_s) - 1
        share = (t_s - self.ic_s[i]) / (self.tc_s[i] - self.ic_s[i])
        return np.where((i >= 0) & (share <= 1.0), share, np.nan)

    def from_contact_s(self, t_s: Array) -> Array:
        """Time since the nearest contact, negative before it."""
        middles = (self.ic_s[1:] + self.ic_s[:-1]) / 2.0
        return t_s - self.ic_s[np.searchsorted(middles, t_s)]


@dataclass(frozen=True)
class Recorded:
    """One session of 35 s: frames of the pods, and the true contacts of both legs."""

    frames: Frames
    steps: Mapping[str, Steps]

    @property
    def stride_s(self) -> float:
        return float(np.median(np.diff(self.steps["left"].ic_s)))


def recorded(name: str) -> Recorded:
    parts: dict[Role, list[NDArray[np.void]]] = {}
    for chunk in read_table(FOLDER / f"{name}.imu.csv.gz"):
        for role, frames in chunk.items():
            parts.setdefault(role, []).append(frames)
    with (FOLDER / f"{name}.truth.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["tc_s"]]
    steps = {
        side: Steps(
            *(np.array([float(row[column]) for row in rows if row["side"] == side]) for column in ("ic_s", "tc_s"))
        )
        for side in SHANKS
    }
    return Recorded({role: np.concatenate(chunks) for role, chunks in parts.items()}, steps)


def run(frames: Frames, coach: Coach) -> tuple[list[Stride], list[Cue]]:
    """Through the signal core to the coach."""
    pipeline = Pipeline(coach, lag_s=CHUNK_S + 1.0)
    outputs = []
    for from_s in np.arange(0.0, max(pod["t_s"][-1] for pod in frames.values()), CHUNK_S):
        for role, pod in frames.items():
            chunk = pod[(pod["t_s"] >= from_s) & (pod["t_s"] < from_s + CHUNK_S)]
            outputs.append(pipeline.push_frames(role, chunk))
    outputs.append(pipeline.finish())
    return [s for output in outputs for s in output.strides], [c for output in outputs for c in output.cues]


def steady(strides: Sequence[Stride]) -> list[Stride]:
    """Those from the tenth second on, whole cycles."""
    found = [stride for stride in strides if stride.ic_s > 10.0]
    first = next(i for i, stride in enumerate(found) if stride.side == "left")
    last = max(i for i, stride in enumerate(found) if stride.side == "right")
    return found[first : last + 1]


def over_and_over(strides: Sequence[Stride], seconds: float) -> Iterator[Stride]:
    span_s = strides[-1].ic_s - strides[0].ic_s + float(np.median([b.ic_s - a.ic_s for a, b in pairwise(strides)]))
    for at_s in np.arange(0.0, seconds, span_s).tolist():
        for one in strides:
            yield replace(
                one,
                **{name: getattr(one, name) + at_s for name in ("ic_s", "tc_s", "next_ic_s", "decided_s")},
            )


def habit(strides: Sequence[Stride]) -> Baseline:
    """What a coach learns of the runner from these strides, run for two minutes: the habit of that very day."""
    coach = Coach()
    for stride in over_and_over(strides, 120.0):
        coach.step(stride)
    baseline = coach.baseline()
    assert baseline is not None
    return replace(baseline, days={})
