"""Store-and-forward: a sink reads the store's log behind a cursor of its own, so that it can be away for hours.

Nothing is lost, because the cursor moves only over what was delivered; what is delivered twice after a crash is known
to its receiver by its number or its time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from host.sinks.schema import Entry
from host.sinks.store import Store
from host.tasks import backoff_s, first_of

# How long a sink that is told to stop may take for what is left.
DRAIN_S = 2.0
FIRST_RETRY_S, LONGEST_RETRY_S = 0.25, 10.0


async def forward(
    store: Store,
    sink: str,
    deliver: Callable[[list[Entry]], Awaitable[None]],
    closing: asyncio.Event,
    *,
    batch: int,
    pause_s: float = 0.0,
) -> None:
    """Hands the log to `deliver`, up to `batch` entries at a time with a pause between full ones.

    Returns when `closing` is set and nothing is left. What `deliver` raises leaves the cursor where it was.
    """
    cursor = await store.cursor(sink)
    while True:
        entries = await store.entries_after(cursor, batch)
        if entries:
            await deliver(entries)
            cursor = entries[-1].seq
            await store.set_cursor(sink, cursor)
        if len(entries) == batch:
            await asyncio.sleep(pause_s)
        elif not entries and closing.is_set():
            return
        elif not entries:
            await first_of(store.news(cursor), closing.wait())


async def before_retry(closing: asyncio.Event, attempt: int) -> None:
    """Waits after failed try number `attempt` of a row, from 0, or until `closing` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(backoff_s(attempt, FIRST_RETRY_S, LONGEST_RETRY_S)):
            await closing.wait()
