"""`make coach-report`: what the coach says to every simulated fault, and how often it speaks without one.

Runs all of tests/host/coach/scenarios.py through chips, signal core and coach, without radio, on all cores:
prints the confusion table (rows: what the runner did; columns: the first cue), what was not met, and the wrong
cues per hour of clean running. `--hours` sets how much clean running, `--only WORD` picks scenarios by name, `--seeds`
runs each scenario that often, with other noise: what is right once may be luck, a share is none.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.host.coach.scenarios import (
    FAULTY,
    PAIRS,
    PRIORITY,
    Outcome,
    Scenario,
    clean,
    from_the_start,
    other_days,
    run,
)

HOURS = 20
NOTHING = "(none)"
SEEDS_APART = 1000  # more than there are scenarios, whose own seeds count from 1
Results = Sequence[tuple[Scenario, Outcome]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=HOURS, help="simulated hours of clean running")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    parser.add_argument("--seeds", type=int, default=1, help="times that each scenario with a fault is run")
    options = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    scenarios = [
        replace(s, seed=s.seed + n * SEEDS_APART)
        for n in range(options.seeds)
        for s in (*FAULTY, *PAIRS, *from_the_start())
        if options.only in s.name
    ]
    scenarios += [s for s in (*clean(options.hours), *other_days(options.hours)) if options.only in s.name]
    results = play(scenarios)
    faulty = [(s, o) for s, o in results if s.fault and "+" not in s.fault and not s.past_days]
    pairs = [(s, o) for s, o in results if "+" in s.fault]
    if faulty:
        console.print(confusion(faulty))
        delays = [o.delay for _, o in faulty if o.delay is not None]
        if delays:
            console.print(
                f"Strides of a leg from onset to cue: median {statistics.median(delays)}, most {max(delays)}."
            )
    at_once = [(s, o) for s, o in results if s.fault and s.past_days]
    for title, part in (("faults", faulty), ("pairs", pairs), ("faults from the start of a day", at_once)):
        tell(console, title, part)
    for title, days in (("Clean running", False), ("Clean running on days as they come", True)):
        if quiet := [(s, o) for s, o in results if not s.fault and bool(s.past_days) is days]:
            console.print(clean_table(title, quiet))
    return 0


def play(scenarios: Iterable[Scenario]) -> Results:
    """All scenarios on all cores, the long ones first; results in their order."""
    scenarios = sorted(scenarios, key=lambda s: -s.seconds)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = {}
    context = multiprocessing.get_context("spawn")
    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ProcessPoolExecutor(os.cpu_count(), context) as pool,
    ):
        bar = progress.add_task("simulated sessions", total=len(scenarios))
        futures = {pool.submit(_run, scenario): i for i, scenario in enumerate(scenarios)}
        for future in as_completed(futures):
            done[futures[future]] = future.result()
            progress.advance(bar)
    return [(scenario, done[i]) for i, scenario in enumerate(scenarios)]


def _run(scenario: Scenario) -> Outcome:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return run(scenario)


def confusion(results: Results) -> Table:
    """Rows: the fault that the runner had; columns: the first cue after its onset."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for scenario, outcome in results:
        counts[scenario.fault][outcome.first.fault if outcome.first else NOTHING] += 1
    table = Table(title="What the runner did (rows), what was said first (columns)")
    table.add_column("")
    for column in (*PRIORITY, NOTHING):
        table.add_column(column.replace("_", " "), justify="right")
    for fault in PRIORITY:
        if fault in counts:
            table.add_row(
                fault.replace("_", " "), *(str(counts[fault][column] or "·") for column in (*PRIORITY, NOTHING))
            )
    return table


def tell(console: Console, title: str, results: Results) -> None:
    """How many came out as expected, and the others one by one, with the share of the seeds that did."""
    if not results:
        return
    runs, right = Counter(s.name for s, _ in results), Counter(s.name for s, o in results if o.met(s))
    console.print(f"{title}: {right.total()} of {len(results)} as expected.")
    for scenario, outcome in sorted(results, key=lambda result: (right[result[0].name], result[0].name)):
        if not outcome.met(scenario):
            said = " ".join(f"{c.fault}{'/' + c.side if c.side else ''}@{c.t_s:.0f}" for c in outcome.cues) or "nothing"
            console.print(
                f"  {scenario.name} ({right[scenario.name]} of {runs[scenario.name]}): expected "
                f"{'/'.join(scenario.expects)} {scenario.side or ''}, said {said}"
                f"{', still held: ' + ' '.join(outcome.held_at_end) if outcome.held_at_end else ''}"
            )


def clean_table(title: str, results: Results) -> Table:
    """Wrong cues per hour of clean running, by kind."""
    table = Table(title=f"{title}: every cue is wrong")
    for column in ("kind", "hours running", "cues", "cues an hour", "which"):
        table.add_column(column, justify="left" if column in ("kind", "which") else "right")
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for scenario, outcome in results:
        kinds[scenario.name.rsplit(" ", 1)[0]].append(outcome)
    for kind, outcomes in [*kinds.items(), ("all", [o for _, o in results])]:
        hours = sum(o.running_s for o in outcomes) / 3600.0
        which = Counter(cue.fault for o in outcomes for cue in o.cues)
        cues = which.total()
        names = ", ".join(f"{fault} {n}" for fault, n in which.most_common())
        table.add_row(kind, f"{hours:.1f}", str(cues), f"{cues / hours:.2f}", names, end_section=kind == "lost pods")
    return table


if __name__ == "__main__":
    sys.exit(main())
