"""`make coach-report`, second part: how the coach measures what came of its cues.

Ten patterns, mild and strong, of a runner whose habit is known, through chips, signal core and coach: the pattern stays
after its first cue, stays while the runner slows down, or ends. The runner is deaf: all is planned, from 3 s after the
cue on, when it has been spoken. An effect is told as what was left of the distance from usual: 1 where nothing changed,
0 where the pattern ended.
"""

import math
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from firmware_sim.runner.form import FAULTS, NATURAL
from host.coach.coach import Coach
from host.coach.effects import SPOKEN_S
from tests.host.coach.scenarios import PRIORITY, Scenario, profile_of, through

ONSET_S, END_S = 100.0, 150.0
AFTERWARDS = {"stays": "", "slows down": "run 2.8", "ends": "well"}


def left(fault: str, strength: str, seed: int) -> list[float]:
    """What was left after the first cue in each of AFTERWARDS; NaN where no effect could be told."""
    onset = f"stand 5; run 3.2; at {ONSET_S} {fault} {strength} deaf; "
    cues = coached(onset, seed)[0]
    if not cues:
        return [math.nan] * len(AFTERWARDS)
    return [
        coached(f"{onset}at {cues[0] + SPOKEN_S} {then}" if then else onset, seed)[1] for then in AFTERWARDS.values()
    ]


def coached(plan: str, seed: int) -> tuple[list[float], float]:
    """When this plan was cued for, and what was left after the first cue."""
    coach = Coach(profile_of(NATURAL))
    _, cues = through(Scenario("effect", plan, END_S, seed), coach)
    first = next((effect for effect in coach.effects if effect.cue_number == 1), None)
    return [cue.t_s for cue in cues], first.after / first.before if first else math.nan


def main() -> None:
    jobs = [(fault, strength) for fault in PRIORITY if fault in FAULTS for strength in ("mild", "strong")]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(left, *zip(*jobs, strict=True), range(len(jobs))))
    table = Table(title="What was left of a pattern after its first cue")
    for column in ("pattern", *AFTERWARDS):
        table.add_column(column, justify="left" if column == "pattern" else "right")
    for job, result in zip(jobs, results, strict=True):
        table.add_row(" ".join(job).replace("_", " "), *(f"{share:.2f}" for share in result))
    Console().print(table)


if __name__ == "__main__":
    main()
