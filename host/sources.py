"""Where a session's raw events come from: live pods, or a recording replayed."""

import asyncio
from collections.abc import Callable, Iterator

from host.records import PodEvent

# A replay at full speed gives the loop a turn this often, so that pages and sinks keep up.
YIELD_EVENTS = 64


def replay(events: Iterator[PodEvent], speed: float) -> Callable[..., object]:
    """A source that plays recorded events with their own spacing, `speed` times as fast; infinite: no waiting."""

    async def source(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
        start_ns = now_ns()
        for count, event in enumerate(events):
            wait_s = (event.arrival_ns / speed - (now_ns() - start_ns)) * 1e-9
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif count % YIELD_EVENTS == 0:
                await asyncio.sleep(0)
            on_event(event)

    return source
