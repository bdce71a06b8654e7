"""What came of past runs, out of the store, for the live page."""

from typing import Any

from host.sinks.store import Store

# More would be read by nobody on a page; `hamstream sessions` shows all.
LISTED = 200


async def session_rows(store: Store) -> list[dict[str, Any]]:
    """The newest sessions first, each with its key figures.

    `seen`: what form patterns held, the longest first; None where nobody has summed it up, as while it runs.
    """
    rows = []
    for row in reversed((await store.sessions())[-LISTED:]):
        held = row.summary.get("faults", {}).values()
        longest = sorted(held, key=lambda fault: -sum(fault["strides_held"].values()))
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
                "seen": [f["name"] for f in longest] if row.summary else None,
            }
        )
    return rows
