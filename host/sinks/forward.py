"""Store-and-forward: a sink reads the store's log behind a cursor of its own, so that it can be away for hours.

Nothing is lost, because the cursor moves only over what was delivered; what is delivered twice after a crash is known
to its receiver by its number or its time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from host.sinks.schema import Entry
from host.sinks.store import Store


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
            await _first_of(store.news(cursor), closing)


async def wait_for_end(closing: asyncio.Event, seconds: float) -> None:
    """Waits so long, or until `closing` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await closing.wait()


async def _first_of(waiting: Coroutine[Any, Any, None], closing: asyncio.Event) -> None:
    """Waits for it, or for the end."""
    tasks = [asyncio.create_task(waiting), asyncio.create_task(closing.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
