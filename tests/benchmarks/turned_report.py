"""`make coach-report`, third part: what the coach says to real runners who take up a pattern.

All 24 recorded sessions, each with every pattern of tests/host/coach/turned.py: what was said first, of which side.
"""

import multiprocessing
import os
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from host.coach.coach import Coach
from tests.host.coach import real
from tests.host.coach.turned import PATTERNS

NOTHING = ("nothing", "")
Said = tuple[str, str]


def first_cues(name: str) -> dict[Said, Said]:
    """By pattern, what was said first: fault and side."""
    session = real.recorded(name)
    own = real.habit(real.steady(real.run(session.frames, Coach())[0]))
    said = {NOTHING: real.run(session.frames, Coach(own))[1]}
    said |= {key: real.run(pattern(session), Coach(own))[1] for key, pattern in PATTERNS.items()}
    return {key: next(((cue.fault, cue.side) for cue in cues), NOTHING) for key, cues in said.items()}


def main() -> int:
    names = real.names()
    if not names:
        print(f"no measured sessions in {real.FOLDER}", file=sys.stderr)
        return 0
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(first_cues, names))
    table = Table(title="Real runners who take up a pattern: what was said first")
    for column in ("pattern", "right", "else"):
        table.add_column(column, justify="right" if column == "right" else "left")
    said: dict[Said, Counter[Said]] = defaultdict(Counter)
    for result in results:
        for pattern, first in result.items():
            said[pattern][first] += 1
    for pattern, counts in said.items():
        right = counts.pop(pattern, 0)
        others = ", ".join(f"{_text(first)} {n}" for first, n in counts.most_common())
        table.add_row(_text(pattern), f"{right} of {len(names)}", others)
    Console().print(table)
    return 0


def _text(said: Said) -> str:
    return " ".join(filter(None, said)).replace("_", " ")


if __name__ == "__main__":
    sys.exit(main())
