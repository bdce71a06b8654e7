"""Time that passes only where everybody waits: minutes of pods in seconds, and the same on a busy machine.

The event loop of a test marked `virtual_time`, `time.monotonic` and `time.monotonic_ns` follow one clock (conftest.py).
It jumps to the next timer as soon as the loop would wait for it, and stands still while a thread works. Other processes
know nothing of it: a test that talks to one needs real time.
"""

import asyncio
import selectors
from typing import Any


class Clock:
    """Seconds; no other clock's, and never back."""

    now_s = 1000.0


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.threads = 0  # at work
        super().__init__(_Selector(self))

    def time(self) -> float:
        return Clock.now_s

    def run_in_executor(self, *work: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(*work)
        self.threads += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _future: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _Selector(selectors.DefaultSelector):
    """Jumps over the time for which it is to wait, unless a thread may end that waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if self._loop.threads or timeout is None:
            return super().select(None)
        Clock.now_s += timeout
        return []
