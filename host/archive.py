"""What came of past runs, out of the store, for the live page."""

from typing import Any

from host.person.pain import by_run, current, own_runs
from host.records import Moment
from host.sinks.store import Store

# More would be read by nobody on a page; `hamstream sessions` shows all.
LISTED = 200


async def session_rows(store: Store) -> list[dict[str, Any]]:
    """The newest sessions first, each with its key figures.

    `seen`: what form patterns held, by id, the longest first; None where nobody has summed it up, as while it runs.
    `judged`: whether there was a good stride to find any in.
    `pain`: its scores, by moment.
    """
    rows = []
    stored = await store.sessions()
    listed = stored[-LISTED:]
    pain: dict[str, dict[Moment, int]] = {}
    for runner in {row.runner for row in listed}:
        runs = own_runs(stored, runner)
        pain |= by_run(current(await store.pain(runner), runs), runs)
    for row in reversed(listed):
        held = row.summary.get("faults", {})
        longest = sorted(held, key=lambda name: -sum(held[name]["strides_held"].values()))
        rows.append(
            {
                "session": row.session,
                "runner": row.runner,
                "started_utc": row.started_utc,
                "source": row.source,
                "running": not row.ended_utc,
                "cut": row.cut,
                "duration_s": row.duration_s,
                "strides": row.strides,
                "cues": row.cues,
                "seen": longest if row.summary else None,
                "judged": row.good_strides > 0,
                "pain": pain.get(row.session, {}),
            }
        )
    return rows
