"""Real people with no known fault, on a treadmill at three speeds: the coach has nothing to say to them.

Sessions made from optical motion capture (Fukuchi, Fukuchi & Duarte 2017, doi:10.7717/peerj.3298), 35 s each, so their
strides are run over and over. The norm may still flag one: a healthy runner in seven lies beyond it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest

from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.pipeline import Pipeline
from host.records import Stride
from host.tables import read_table

SESSIONS = Path(__file__).parents[4] / "shared" / "data" / "rbds"
SPEEDS = ("2.5", "3.5", "4.5")
pytestmark = pytest.mark.skipif(not SESSIONS.is_dir(), reason="the measured sessions beside the repository are absent")


def strides_of(name: str) -> list[Stride]:
    """The strides of one session from the tenth second on, whole cycles."""
    pipeline = Pipeline(Coach(), lag_s=2.0)
    outputs = []
    for chunk in read_table(SESSIONS / f"{name}.imu.csv.gz"):
        outputs += [pipeline.push_frames(role, frames) for role, frames in chunk.items()]
    outputs.append(pipeline.finish())
    found = [stride for output in outputs for stride in output.strides if stride.ic_s > 10.0]
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


def against_own_habit(strides: Sequence[Stride], seconds: float, baseline: Baseline | None) -> tuple[set[str], Coach]:
    """The faults that came to hold against the runner's own habit."""
    coach = Coach(baseline)
    held = set()
    for stride in over_and_over(strides, seconds):
        coach.step(stride)
        held |= {fault.fault for fault in coach.held if fault.against_own}
    return held, coach


@pytest.mark.parametrize("runner", ["rbds002", "rbds003", "rbds005"])  # of eight, those whom rougher limits flagged
def test_a_healthy_runner_keeps_to_the_own_habit_at_other_speeds_too(runner: str) -> None:
    sessions = {speed: strides_of(f"{runner}_{speed}mps") for speed in SPEEDS}
    habits = {}
    for speed, strides in sessions.items():
        held, coach = against_own_habit(strides, 300.0, None)
        assert not held, speed
        habits[speed] = coach.baseline()
    for learnt, run in permutations(SPEEDS, 2):
        assert not against_own_habit(sessions[run], 60.0, habits[learnt])[0], (learnt, run)
