"""Real people with no known fault, on a treadmill at three speeds: the coach has nothing to say to them.

Sessions made from optical motion capture (Fukuchi, Fukuchi & Duarte 2017, doi:10.7717/peerj.3298), 35 s each, so their
strides are run over and over. The norm may still flag one: a healthy runner in seven lies beyond it.
"""

from collections.abc import Sequence
from itertools import permutations

import pytest

from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.records import Stride
from tests.host.coach import real
from tests.host.coach.real import SPEEDS, habit, over_and_over, recorded, steady
from tests.host.coach.turned import PATTERNS

pytestmark = pytest.mark.skipif(
    not real.FOLDER.is_dir(), reason="the measured sessions beside the repository are absent"
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
    sessions = {speed: steady(real.run(recorded(f"{runner}_{speed}mps").frames, Coach())[0]) for speed in SPEEDS}
    habits = {}
    for speed, strides in sessions.items():
        held, coach = against_own_habit(strides, 300.0, None)
        assert not held, speed
        habits[speed] = coach.baseline()
    for learnt, run in permutations(SPEEDS, 2):
        assert not against_own_habit(sessions[run], 60.0, habits[learnt])[0], (learnt, run)


@pytest.mark.parametrize("name", ["rbds003_3.5mps", "rbds009_2.5mps", "rbds010_3.5mps"])
def test_a_real_runner_who_takes_up_a_pattern_is_told_of_it_and_of_nothing_else(name: str) -> None:
    session = recorded(name)
    own = habit(steady(real.run(session.frames, Coach())[0]))
    for (fault, side), pattern in PATTERNS.items():
        _, cues = real.run(pattern(session), Coach(own))
        assert [(cue.fault, cue.side) for cue in cues] == [(fault, side)], fault
