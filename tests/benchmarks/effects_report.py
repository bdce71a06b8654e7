"""`make coach-report`, second part: how the coach measures what came of its cues.

Ten patterns, mild and strong, of a runner whose habit is known, through chips, signal core and coach: the pattern
stays after its first cue, stays while the runner slows down or comes to a hill, or ends. And the two patterns that
have a norm, of a runner who always had them, so that they hold against the norm alone: with a habit that knows hills,
and without. The runner is deaf: all is planned, from 3 s after the cue on, when it has been spoken. An effect is told
as what was left of the distance from usual: 1 where nothing changed, 0 where the pattern ended.
"""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from firmware_sim.runner.form import FAULTS, NATURAL, STRENGTHS
from host.coach.coach import Coach
from host.coach.effects import SPOKEN_S
from host.records import Effect
from tests.host.coach.scenarios import PRIORITY, Scenario, profile_of, through

ONSET_S, END_S = 100.0, 150.0
AFTERWARDS = {"stays": "", "slows down": "run 2.8", "uphill": "grade 6", "downhill": "grade -6", "ends": "well"}


class Job(NamedTuple):
    """`always`: how often the runner ran like this before, so that it holds against the norm alone; None: never."""

    fault: str
    strength: str
    always: int | None = None

    def __str__(self) -> str:
        habit = {None: "", 0: ", always there, first run", 1: ", always there"}[self.always]
        return f"{self.fault} {self.strength}{habit}".replace("_", " ")

    def coach(self) -> Coach:
        if self.always is None:
            return Coach(profile_of(NATURAL))
        return Coach(profile_of(FAULTS[self.fault] * STRENGTHS[self.strength]) if self.always else None)

    def plan(self) -> str:
        onset = 5.0 if self.always is not None else ONSET_S
        return f"stand 5; run 3.2; at {onset} {self.fault} {self.strength} deaf; "


JOBS = [Job(fault, strength) for fault in PRIORITY if fault in FAULTS for strength in STRENGTHS]
JOBS += [Job(fault, "strong", always) for fault in ("overstride", "low_cadence") for always in (0, 1)]


def left(job: Job, seed: int) -> list[str]:
    """What was left after the first cue in each of AFTERWARDS; a dash where no effect could be told."""
    cues, _ = coached(job.coach, job.plan(), seed)
    if not cues:
        return ["-"] * len(AFTERWARDS)
    told = []
    for then in AFTERWARDS.values():
        _, effect = coached(job.coach, job.plan() + (f"at {cues[0] + SPOKEN_S} {then}" if then else ""), seed)
        told.append(f"{effect.after / effect.before:.2f}" if effect else "-")
    return told


def coached(coach: Callable[[], Coach], plan: str, seed: int) -> tuple[list[float], Effect | None]:
    """When this plan was cued for, and what came of the first cue."""
    listening = coach()
    _, cues = through(Scenario("effect", plan, END_S, seed), listening)
    first = next((effect for effect in listening.effects if effect.cue_number == 1), None)
    return [cue.t_s for cue in cues], first


def main() -> None:
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(left, JOBS, range(len(JOBS))))
    table = Table(title="What was left of a pattern after its first cue")
    for column in ("pattern", *AFTERWARDS):
        table.add_column(column, justify="left" if column == "pattern" else "right")
    for job, result in zip(JOBS, results, strict=True):
        table.add_row(str(job), *result)
    Console().print(table)


if __name__ == "__main__":
    main()
