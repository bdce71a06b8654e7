"""What is happening now, for whoever looks: the live page, the terminal view, the MQTT sink.

A broadcast inside the process. A slow subscriber loses its oldest messages and holds nobody up; a late one first
gets the newest message of each kind and runner, since the runner's last session began.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from host.records import finite_or_none


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened. `payload` is ready for JSON: None where a number is unknown."""

    runner: str
    kind: str  # "session", "status", "pods", "stride", "cue"
    payload: dict[str, Any]

    @property
    def begins(self) -> bool:
        """Whether it tells that a session has begun."""
        return self.kind == "session" and self.payload.get("event") == "started"

    @property
    def ends(self) -> bool:
        """Whether it tells that a session has ended."""
        return self.kind == "session" and self.payload.get("event") == "ended"


def to_payload(record: Any, **more: Any) -> dict[str, Any]:
    """A record's fields as JSON-ready values; NaN and infinity become None."""
    if not is_dataclass(record) or isinstance(record, type):
        raise TypeError(f"{record!r} is no record")
    fields = asdict(record) | more
    return {name: finite_or_none(value) for name, value in fields.items()}


class Feed:
    """Publish to all subscribers, without waiting for any."""

    def __init__(self, backlog: int = 256) -> None:
        self._backlog = backlog
        self._queues: set[asyncio.Queue[Message]] = set()
        self._latest: dict[tuple[str, str], Message] = {}

    def publish(self, message: Message) -> None:
        if message.begins:
            self._latest = {key: kept for key, kept in self._latest.items() if key[0] != message.runner}
        self._latest[message.runner, message.kind] = message
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(message)

    def latest(self) -> list[Message]:
        """The newest message of each runner and kind, of the newest session, in order of first appearance."""
        return list(self._latest.values())

    def running(self) -> list[Message]:
        """The same, of sessions that have not ended."""
        over = {message.runner for message in self._latest.values() if message.ends}
        return [message for message in self._latest.values() if message.runner not in over]

    @contextmanager
    def subscribe(self) -> Iterator["Subscription"]:
        """`with feed.subscribe() as messages: async for message in messages`."""
        queue: asyncio.Queue[Message] = asyncio.Queue(self._backlog)
        self._queues.add(queue)
        try:
            yield Subscription(queue)
        finally:
            self._queues.discard(queue)


class Subscription(AsyncIterator[Message]):
    """The messages for one subscriber, without end."""

    def __init__(self, queue: asyncio.Queue[Message]) -> None:
        self._queue = queue

    async def __anext__(self) -> Message:
        return await self._queue.get()

    def left(self) -> Iterator[Message]:
        """Those that are waiting, for one who is told to stop."""
        while not self._queue.empty():
            yield self._queue.get_nowait()
