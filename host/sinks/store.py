"""The durable store on SQLite: sessions and what belongs to them, runners, and the log that other sinks read from.

`add_stride`, `add_cue` and `add_effect` only put a record into a queue; a task commits the queue within half a second,
in a thread of its own. A full disk or a locked database is reported once, the queue waits, and the commit is tried
again: the stream never notices. A commit is one function in one thread, so a cancelled task cannot leave half a
transaction behind.
"""

import asyncio
import json
import logging
import sqlite3
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, Self, TypeVar

from host.errors import SinkError, UnknownSessionError
from host.records import Cue, Effect, Pain, Person, SessionInfo, Stride, finite_or_none, utc_text
from host.sinks import database, people, schema
from host.sinks.locks import share_lock, try_lock
from host.sinks.schema import Entry, Op, SessionLoad, SessionRow

log = logging.getLogger(__name__)

# What kill -9 may cost. Half of what is promised, for the commit itself takes time on a slow card.
COMMIT_PERIOD_S = 0.25
RETRY_S = 1.0
# What may wait in memory while the disk takes nothing: four hours of one runner's strides (3 a second, 1 kB
# each). Beyond it new strides and cues are lost, and counted.
MAX_PENDING = 50_000
# Rows in one transaction: some 10 ms, so that reading gets its turn.
BATCH = 1_000

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """Made by `Store.open(path)`. All methods belong to the event loop that opened it."""

    def __init__(self, path: Path, conn: sqlite3.Connection, thread: ThreadPoolExecutor, head: int) -> None:
        self.path = path
        self.lost = 0  # records dropped because too many were waiting
        self.failures = 0  # commits that the disk or the database refused
        self._conn, self._thread = conn, thread
        self._head_at_open = self._head = head
        self._pending: deque[Op] = deque()
        self._queued = self._written = 0
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._positions: dict[str, int] = {}
        self._due, self._attempt, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._failing = self._stop = False

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Self]:
        """The store in the file `path`, made when absent. Raises SinkError when the file cannot be used.

        Sessions that a killed process left open are closed, unless another process is using the store.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            conn, lock, head = await asyncio.get_running_loop().run_in_executor(thread, _open, path)
            store = cls(path, conn, thread, head)
            writer = asyncio.create_task(store._keep_writing(), name="store")
            try:
                yield store
            finally:
                await store._settle()
                store._stop = True
                store._due.set()
                await writer
                if store._pending:
                    log.error("%s: %d records could not be stored", path, len(store._pending))
                await store._run(_close, lock)
        finally:
            thread.shutdown(wait=False)

    # --- writing: never waits for the disk, except where it says so ---

    async def begin_session(self, info: SessionInfo) -> None:
        """Enters the session; returns when it is on disk, or at once when the disk takes nothing."""
        self._enqueue(schema.started(info))
        await self._settle()

    async def end_session(self, session: str, ended_utc: str, summary: dict[str, Any]) -> None:
        """Ends it; returns when all of it is on disk, or at once when the disk takes nothing."""
        self._enqueue(Op("ended", session, (ended_utc, json.dumps(_finite(summary)), 0)))
        await self._settle()

    def add_stride(self, session: str, stride: Stride) -> None:
        """Stores it within half a second."""
        self._add("stride", session, lambda number: schema.stride(session, number, stride))

    def add_cue(self, session: str, cue: Cue, decided_utc: str) -> None:
        """Stores it within half a second."""
        self._add("cue", session, lambda number: schema.cue(session, number, cue, decided_utc))

    def add_effect(self, session: str, effect: Effect) -> None:
        """Stores within half a second what came of a cue of the session."""
        self._enqueue_record(schema.effect(session, effect))

    async def add_pain(self, pain: Pain) -> None:
        """Keeps the score; returns when it is on disk, or at once when the disk takes nothing."""
        self._enqueue(schema.pain(pain))
        await self._settle()

    async def save_person(self, person: Person) -> None:
        """Keeps what the runner told in place of what they told before."""
        self._enqueue(schema.person(person))
        await self._settle()

    async def save_baseline(self, runner: str, baseline: str) -> None:
        """Keeps the runner's habit (JSON) in place of the one before."""
        self._enqueue(Op("profile", runner, (baseline, utc_text(datetime.now(UTC)))))
        await self._settle()

    async def set_cursor(self, sink: str, position: int) -> None:
        """Notes that `sink` has everything up to `position`; on disk within half a second."""
        self._positions[sink] = position
        self._enqueue(Op("cursor", sink, (position,)))

    # --- reading ---

    async def cursor(self, sink: str) -> int:
        """How far `sink` has read. A new sink starts where the log stood when the store was opened."""
        if sink not in self._positions:
            stored = await self._run(schema.cursor, sink)
            if stored is None:
                await self.set_cursor(sink, self._head_at_open)
            else:
                self._positions[sink] = stored
        return self._positions[sink]

    @property
    def head(self) -> int:
        """The log's last number."""
        return self._head

    async def entries_after(self, cursor: int, limit: int) -> list[Entry]:
        """Up to `limit` entries of the log after `cursor`: every kind that `Entry` names."""
        return await self._run(schema.entries_after, cursor, limit)

    async def news(self, cursor: int) -> None:
        """Returns when the log goes beyond `cursor`."""
        while self._head <= cursor:
            await self._news.wait()

    async def sessions(self) -> list[SessionRow]:
        """All sessions, oldest first."""
        return await self._run(schema.sessions)

    async def session(self, name: str) -> SessionRow:
        """That session; for `last` the newest with a stride, else the newest. Raises UnknownSessionError."""
        rows = await self.sessions()
        named = [row for row in rows if name in ("last", row.session)]
        if not named:
            raise UnknownSessionError(name, [str(row) for row in rows])
        return next((row for row in reversed(named) if row.strides), named[-1])

    async def strides(self, session: str) -> list[Stride]:
        return await self._run(schema.strides_of, session)

    async def medians(self, session: str, metrics: Sequence[str], side: str = "") -> dict[str, float]:
        """The medians of these fields of Stride over the session's good strides, of the leg `side` or, empty, of both.

        A metric of which nothing is known is not among them.
        """
        return await self._run(schema.medians, session, metrics, side)

    async def cues(self, session: str) -> list[Cue]:
        return await self._run(schema.cues_of, session)

    async def cue(self, session: str, number: int) -> Cue | None:
        """The session's cue of that number, from 1; None where it could not be stored."""
        return await self._run(schema.cue_of, session, number)

    async def effects(self, session: str) -> list[Effect]:
        """What came of the session's cues, in order."""
        return await self._run(people.effects_of, session)

    async def effects_for(self, runner: str) -> list[Effect]:
        """What came of all cues this runner was ever given, oldest first; replays left out."""
        return await self._run(people.effects_for, runner)

    async def pain(self, runner: str) -> list[Pain]:
        """All that a runner ever noted of pain, in that order; what counts of it: host/person/pain.py."""
        return await self._run(people.pain_of, runner)

    async def persons(self) -> list[Person]:
        """All runners who were entered with `hamstream runner`, by name."""
        return await self._run(people.persons)

    async def person(self, name: str) -> Person | None:
        """What the runner of that name told, or None."""
        return next((person for person in await self.persons() if person.name == name), None)

    async def load(self, session: str) -> SessionLoad:
        """How far, how long, how many strides: of the session's strides that are stored."""
        return await self._run(schema.load_of, session)

    async def baseline(self, runner: str) -> str | None:
        """The runner's habit as saved last, or None."""
        return await self._run(schema.baseline, runner)

    @property
    def pending(self) -> int:
        """Records that wait for the disk."""
        return len(self._pending)

    # --- inside ---

    async def _run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`function` on the connection, in the store's thread. Raises SinkError."""
        call = partial(function, self._conn, *args, **kwargs)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except sqlite3.Error as error:
            raise SinkError(str(self.path), str(error)) from error

    def _add(self, kind: str, session: str, op: Callable[[int], Op]) -> None:
        self._numbers[kind, session] += 1
        self._enqueue_record(op(self._numbers[kind, session]))

    def _enqueue_record(self, op: Op) -> None:
        if len(self._pending) >= MAX_PENDING:
            self.lost += 1
            return
        self._enqueue(op)

    def _enqueue(self, op: Op) -> None:
        if self._stop:  # who outlives the store must not wait for it
            self.lost += 1
            log.error("%s is closed: a record (%s of %s) is lost", self.path, op.kind, op.key)
            return
        self._pending.append(op)
        self._queued += 1
        self._commit_in(COMMIT_PERIOD_S)

    def _commit_in(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._due.set)

    async def _settle(self) -> None:
        """Returns when everything queued until now is on disk, or when the disk refused it."""
        target = self._queued
        while self._written < target:
            attempt = self._attempt
            self._due.set()
            await attempt.wait()
            if self._failing:
                return

    async def _keep_writing(self) -> None:
        while not self._stop:
            await self._due.wait()
            self._due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            await self._commit()
            if self._pending and not self._stop:
                self._commit_in(RETRY_S if self._failing else 0.0)
            self._attempt.set()
            self._attempt = asyncio.Event()

    async def _commit(self) -> None:
        batch = list(islice(self._pending, BATCH))
        if not batch:
            return
        try:
            head = await self._run(schema.write, batch)
        except SinkError as error:
            self.failures += 1
            if not self._failing:
                self._failing = True
                log.error("%s; records wait in memory, the run goes on", error)
            return
        if self._failing:
            self._failing = False
            log.warning("%s takes data again; %d records lost", self.path, self.lost)
        for _ in batch:
            self._pending.popleft()
        self._written += len(batch)
        if head > self._head:
            self._head = head
            self._news.set()
            self._news = asyncio.Event()


def _open(path: Path) -> tuple[sqlite3.Connection, IO[bytes], int]:
    """Connection, lock, and the log's last seq. Closes what a killed process left open, when alone."""
    conn = database.connect(path)
    beside = path.with_name(path.name + ".lock")
    try:
        lock = beside.open("ab")
    except OSError as error:
        conn.close()
        raise SinkError(str(beside), f"cannot be opened ({error.strerror}); check its permissions") from error
    if try_lock(lock):
        try:
            for session in schema.close_abandoned(conn):
                log.warning("session %s was cut short; it ends at its last stride", session)
        except sqlite3.Error as error:  # a full disk, say: they are closed another time, and can be read until then
            log.error("%s takes no data (%s)", path, error)
    share_lock(lock)
    return conn, lock, schema.head(conn)


def _close(conn: sqlite3.Connection, lock: IO[bytes]) -> None:
    conn.close()
    lock.close()


def _finite(value: Any) -> Any:
    """The same, with None for every number that JSON cannot say."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return finite_or_none(value)
