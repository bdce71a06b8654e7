"""From the feed to every open page: one subscription, the recent past for a page that comes late, a queue a viewer.

On the wire each message is one JSON object. The first of a connection is

    {"kind": "snapshot", "at_ms": ..., "norms": {metric: [[speed_mps, mean, sd], ...]}, "messages": [...]}

with the recent past; every later one is a message as it happens:

    {"runner": "Ana", "kind": "stride", "payload": {...}, "at_ms": ...}

`at_ms` is this host's UTC in milliseconds since 1970 when the message was taken: by it a page whose clock is wrong
still knows whether a cue is fresh.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from host.feed import Message

# A page shows the last 90 s; two legs at 100 strides a minute each are 300.
STRIDES_KEPT = 300
CUES_KEPT = 50
# A minute of one runner's messages. Who is further behind than this gets nothing live any more.
QUEUE_SIZE = 256
# Phones of a whole club; more is a mistake or an attack.
MAX_VIEWERS = 64


class TooManyViewersError(Exception):
    """All places are taken."""


class Past:
    """What a page needs of one runner's session so far, encoded."""

    def __init__(self) -> None:
        self.session = ""
        self.newest: dict[str, str] = {}  # kind -> the newest message
        self.series: dict[str, deque[str]] = {"stride": deque(maxlen=STRIDES_KEPT), "cue": deque(maxlen=CUES_KEPT)}

    def add(self, kind: str, text: str) -> None:
        if kind in self.series:
            self.series[kind].append(text)
        else:
            self.newest[kind] = text

    def texts(self) -> Iterator[str]:
        yield from self.newest.values()
        for series in self.series.values():
            yield from series


class Hub:
    """`run` takes the feed's messages; `viewer` gives one open page its queue."""

    def __init__(self, norms: dict[str, Any] | None = None) -> None:
        self._norms = json.dumps(norms or {}, allow_nan=False)
        self._past: dict[str, Past] = {}
        self._viewers: set[asyncio.Queue[str | None]] = set()

    async def run(self, messages: AsyncIterator[Message]) -> None:
        async for message in messages:
            self.take(message)

    def take(self, message: Message) -> None:
        """Keeps the message for later and hands it to all viewers, without waiting for any."""
        text = json.dumps(
            {"runner": message.runner, "kind": message.kind, "payload": message.payload, "at_ms": _now_ms()},
            allow_nan=False,
            separators=(",", ":"),
        )
        past = self._past.setdefault(message.runner, Past())
        session = message.payload.get("session")
        if message.kind == "session" and session != past.session:
            past = self._past[message.runner] = Past()
            past.session = str(session)
        past.add(message.kind, text)
        for queue in list(self._viewers):
            if queue.full():
                self._drop(queue)
            else:
                queue.put_nowait(text)

    @contextmanager
    def viewer(self) -> Iterator[tuple[str, asyncio.Queue[str | None]]]:
        """The snapshot, and the queue of what happens after it. None in the queue: too slow, hang up.

        Raises TooManyViewersError.
        """
        if len(self._viewers) >= MAX_VIEWERS:
            raise TooManyViewersError
        queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_SIZE)
        self._viewers.add(queue)
        try:
            yield self._snapshot(), queue
        finally:
            self._viewers.discard(queue)

    def _drop(self, queue: asyncio.Queue[str | None]) -> None:
        self._viewers.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)

    def _snapshot(self) -> str:
        texts = ",".join(text for past in self._past.values() for text in past.texts())
        return f'{{"kind":"snapshot","at_ms":{_now_ms()},"norms":{self._norms},"messages":[{texts}]}}'


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
