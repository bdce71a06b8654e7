"""What a stride costs the coach, and how long a day of running replays.

Ten minutes of a simulated run over hills and at several speeds, their strides over and over until a day is full.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from host.coach.coach import Coach
from host.records import Stride
from tests.host.coach.scenarios import Scenario, through

PLAN = "stand 5; run 3 150; run 4 90; grade 5; run 3 90; grade -5; wait 90; grade 0; run 2.6 90; run 3.2"
SECONDS, DAY_S = 600.0, 24 * 3600.0
REPEATS = 3


def a_day(strides: Sequence[Stride]) -> Iterator[Stride]:
    for at_s in np.arange(0.0, DAY_S, strides[-1].next_ic_s).tolist():
        for one in strides:
            yield replace(
                one,
                ic_s=one.ic_s + at_s,
                tc_s=one.tc_s + at_s,
                next_ic_s=one.next_ic_s + at_s,
                decided_s=one.decided_s + at_s,
            )


def main() -> None:
    day = list(a_day(through(Scenario("hills and speeds", PLAN, SECONDS, 1), Coach())[0]))
    best_s = np.inf
    for _ in range(REPEATS):
        coach = Coach()
        began_s = time.process_time()
        for stride in day:
            coach.step(stride)
        best_s = min(best_s, time.process_time() - began_s)
    print(f"{1e6 * best_s / len(day):.1f} us a stride (target 20), {best_s:.1f} s for a day of {len(day)} strides")


if __name__ == "__main__":
    main()
