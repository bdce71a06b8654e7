"""Contacts in all kinds of simulated running: how right, and how soon known.

`python -m tests.benchmarks.bench_contacts`. Times are signal time, so the machine does not matter.
"""

import numpy as np

from tests.dsp.contacts_of import WAYS, contacts_of

SECONDS = 45.0


def main() -> None:
    print(
        f"{'ms':20s} {'contacts':>8s} {'missed':>6s} {'extra':>5s}   {'IC bias':>7s} {'SD':>4s} {'p99 known':>9s}",
        end="",
    )
    print(f"   {'TC bias':>7s} {'SD':>4s} {'p99 known':>9s}")
    for way, plan in WAYS.items():
        c = contacts_of(plan, SECONDS)
        print(f"{way:20s} {c.true:8d} {c.missed:6d} {c.invented:5d}", end="")
        for error, known in ((c.ic_error_s, c.ic_known_after_s), (c.tc_error_s, c.tc_known_after_s)):
            ms = [1e3 * x for x in (np.nanmean(error), np.nanstd(error), np.nanpercentile(known, 99))]
            print(f"   {ms[0]:+7.1f} {ms[1]:4.1f} {ms[2]:9.0f}", end="")
        print()


if __name__ == "__main__":
    main()
