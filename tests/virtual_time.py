"""Time that passes only where everybody waits: minutes of pods in seconds, and the same on a busy machine.

The event loop of a test under `@in_virtual_time`, `time.monotonic` and `time.monotonic_ns` follow one clock. It jumps
to the next timer as soon as the loop would wait for it, and stands still while a thread works. Other processes know
nothing of it: a test that talks to one needs real time.
"""

import asyncio
import functools
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The coroutine function `test` as a test that pytest calls."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner, pytest.MonkeyPatch.context() as patch:
            loop = runner.get_loop()
            patch.setattr(time, "monotonic", loop.time)
            patch.setattr(time, "monotonic_ns", lambda: round(loop.time() * 1e9))
            runner.run(test(**fixtures))

    return run


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now_s = 1000.0  # before the base class asks for it; no clock of anybody else's
        self.threads = 0  # at work
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self.now_s

    def run_in_executor(self, *work: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(*work)
        self.threads += 1
        future.add_done_callback(self._ended)
        return future

    def _ended(self, _future: asyncio.Future[Any]) -> None:
        self.threads -= 1


class _Selector(selectors.DefaultSelector):
    """Jumps over the time for which it is to wait, unless a thread may end that waiting."""

    def __init__(self, loop: _Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if self._loop.threads or timeout is None:
            return super().select(None)
        self._loop.now_s += timeout
        return []
