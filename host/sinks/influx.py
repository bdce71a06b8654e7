"""Sessions, strides, cues and pain into InfluxDB, and how the runners, the pods and the service are doing.

A store-and-forward reader of the store: an hour without the database loses nothing, and points written twice are
one point. What only counts now is not in the store; of it the last minutes are kept while the database is away.
"""

import asyncio
import logging
from collections import deque
from datetime import UTC, datetime
from typing import Any

from influxdb_client.client.write.point import Point

from host.errors import SinkError
from host.feed import Feed, Message
from host.sinks.forward import DRAIN_S, before_retry, forward
from host.sinks.influx_link import Connection, InfluxConfig, connect
from host.sinks.influx_points import entry_point, own_point, own_values, pod_points, service_point, status_points
from host.sinks.schema import Entry
from host.sinks.store import Store
from host.tasks import cancel

log = logging.getLogger(__name__)

# Lines a request: InfluxData advises 5,000 to 10,000, but ours arrive three a second and a backlog should not make
# the store's reader wait: 500 are an hour of one runner in some ten requests.
BATCH = 500
LIVE_POINTS = 1000  # points of what counts now that wait for the database: 3 a second and runner, some minutes
LIVE_PERIOD_S = 5.0  # how often they are written


class InfluxSink:
    """Writes what the store and the feed have, for ever, whatever the database does.

    `dropped` counts points that the database refused for their content, and those of the moment that waited too long.
    """

    def __init__(self, config: InfluxConfig, store: Store, feed: Feed) -> None:
        self.config = config
        self.dropped = 0
        self._store, self._feed = store, feed
        self._cursor_name = f"influx:{config.url}/{config.bucket}"
        self._live: deque[Point] = deque()
        self._sessions: dict[str, str] = {}  # runner -> session, of those that run
        self._status: dict[str, dict[str, Any]] = {}  # runner -> what was said last, of those that run
        self._latencies: dict[str, float] = {}  # field of `service` -> the worst since it was written
        # (runner, session) -> what strides told of the own habit since it was written
        self._own: dict[tuple[str, str], list[dict[str, float]]] = {}
        self._closing = asyncio.Event()
        self._problem = ""

    async def run(self) -> None:
        """Until cancelled. Then what is left goes out first, for at most two seconds, if the database is there."""
        self._closing.clear()
        async with connect(self.config) as connection:
            forwarding = asyncio.create_task(self._forward(connection))
            tasks = [
                forwarding,
                asyncio.create_task(self._listen()),
                asyncio.create_task(self._keep_writing_live(connection)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
            except asyncio.CancelledError:
                await asyncio.sleep(0)  # what was published just now is still on its way through the feed
                self._closing.set()
                tasks.append(last := asyncio.create_task(self._write_live(connection)))
                await asyncio.wait([forwarding, last], timeout=DRAIN_S)
                raise
            finally:
                await cancel(*tasks)

    # --- the record ---

    async def _forward(self, connection: Connection) -> None:
        attempt = 0

        async def deliver(entries: list[Entry]) -> None:
            nonlocal attempt
            points = [await self._point(entry) for entry in entries]
            refused = await connection.write([made for made in points if made])
            self.dropped += refused  # not in one: another write may count in the meantime
            attempt = 0
            if self._problem:
                log.warning("InfluxDB %s is back", self.config.url)
                self._problem = ""

        while True:
            try:
                await forward(self._store, self._cursor_name, deliver, self._closing, batch=BATCH)
                return
            except SinkError as error:
                if not self._problem:
                    log.warning("%s; tried again until it works, nothing is lost", error)
                self._problem = str(error)
            if self._closing.is_set():
                return
            await before_retry(self._closing, attempt)
            attempt += 1

    async def _point(self, entry: Entry) -> Point | None:
        match entry.kind:
            case "ended":
                return entry_point(entry, load=await self._store.load(entry.session))
            case "effect":
                return entry_point(entry, cue=await self._store.cue(entry.session, entry.payload["cue_number"]))
        return entry_point(entry)

    # --- what counts now ---

    async def _listen(self) -> None:
        with self._feed.subscribe() as messages:
            for message in self._feed.running():
                if message.kind in ("session", "status"):
                    self._take(message)
            async for message in messages:
                self._take(message)

    def _take(self, message: Message) -> None:
        runner, payload, now = message.runner, message.payload, datetime.now(UTC)
        match message.kind:
            case "session" if message.ends:
                self._sessions.pop(runner, None)
                self._take_status(runner, {"session": payload["session"], "phase": "ended", "held": []}, now)
                del self._status[runner]
            case "session":
                self._sessions[runner] = payload["session"]
            case "status":
                self._take_status(runner, payload, now)
            case "pods" if session := self._sessions.get(runner, ""):
                self._add(*pod_points(runner, session, payload["pods"], now))
            case "stride" | "cue":
                self._note_latency(f"{message.kind}_latency_ms", payload["latency_ms"])
                if own := own_values(payload):
                    self._own.setdefault((runner, payload["session"]), []).append(own)

    def _take_status(self, runner: str, status: dict[str, Any], now: datetime) -> None:
        before = self._status.get(runner, {"held": []})["held"]
        self._status[runner] = status
        self._add(*status_points(runner, status, now, ended=before))

    def _note_latency(self, name: str, latency_ms: float | None) -> None:
        if latency_ms is not None:
            self._latencies[name] = max(latency_ms, self._latencies.get(name, 0.0))

    def _add(self, *points: Point) -> None:
        self._live.extend(points)
        while len(self._live) > LIVE_POINTS:
            self._live.popleft()
            self.dropped += 1

    async def _keep_writing_live(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(LIVE_PERIOD_S)
            await self._write_live(connection)

    async def _write_live(self, connection: Connection) -> None:
        now = datetime.now(UTC)
        queue = self._store.head - await self._store.cursor(self._cursor_name)
        own, self._own = self._own, {}
        self._add(*(own_point(*who, strides, now) for who, strides in own.items()))
        waiting = list(self._live)
        worst, self._latencies = self._latencies, {}
        # What holds is said again and again: who looks at the last minutes must not see it end.
        held = [made for runner, status in self._status.items() for made in status_points(runner, status, now)]
        service = service_point(now, queue=queue, dropped=self.dropped, **worst)
        try:
            refused = await connection.write([*waiting, *held, service])
        except SinkError:
            for name, latency_ms in worst.items():
                self._note_latency(name, latency_ms)
            return  # the record's side speaks of it
        self.dropped += refused
        for written in waiting:
            if self._live and self._live[0] is written:
                self._live.popleft()
