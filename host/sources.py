"""Where a session's raw events come from: live pods, or a recording replayed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from dsp.types import Role
from host.pods.link import Links
from host.pods.scan import Radio
from host.records import PodEvent
from host.session import Source

# A replay at full speed gives the loop a turn this often, so that pages and sinks keep up.
YIELD_EVENTS = 64


def live_pods(addresses: Mapping[Role, str], radio: Radio) -> Source:
    """Pods over the air, until cancelled. Without addresses: the first pod of each role that is found."""

    async def source(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
        await Links(addresses, on_event, now_ns, radio).run()

    return source


def replay(events: Iterator[PodEvent], speed: float) -> Source:
    """Recorded events with their own spacing, `speed` times as fast; infinite: without waiting."""

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
