"""Strides and cues into InfluxDB 1.8+, 2.x or 3.x, over the /api/v2/write path that all of them have.

A store-and-forward reader of the store: an hour without the database loses nothing, and points written twice are
one point. How the pods are doing is not in the store; of it the last minutes are kept while the database is away.
The client is the asynchronous one, because the batching one drops what it could not write after five tries.
"""

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import node

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write.point import Point
from influxdb_client.rest import ApiException

from host.errors import SinkError
from host.feed import Feed
from host.sinks.forward import forward, wait_for_end
from host.sinks.influx_points import entry_point, pod_points, point
from host.sinks.mqtt import DRAIN_S, backoff_s
from host.sinks.schema import Entry
from host.sinks.store import Store

log = logging.getLogger(__name__)

# Lines a request: InfluxData advises 5,000 to 10,000, but ours arrive three a second and a backlog should not make
# the store's reader wait: 500 are an hour of one runner in some ten requests.
BATCH = 500
LIVE_POINTS = 1000  # pods' points that wait for the database: 3 a second and runner, some minutes
LIVE_PERIOD_S = 5.0  # how often they are written
ANSWER_MS = 10_000  # how long the database may take to answer

_ADVICE = {
    401: "it does not know the token; set HAMSTREAM_INFLUX_TOKEN",
    403: "the token may not write to this bucket; give it the right to write",
    404: "there is no such bucket or organisation; make it, or correct influx.bucket and influx.org",
}
_BAD_POINTS = (400, 413, 422)  # the request is the problem: one of its points, or their number


@dataclass(frozen=True, slots=True)
class InfluxConfig:
    """Which database. For 1.8 the bucket is `database` or `database/policy`, the token `user:password`."""

    url: str
    bucket: str = "hamstream"
    org: str = ""
    ca_file: Path | None = None  # whom to trust besides the system's authorities
    token: str = field(default="", repr=False)


class InfluxSink:
    """Writes what the store and the feed have, for ever, whatever the database does.

    `dropped` counts points that the database refused for their content, and pods' points that waited too long.
    """

    def __init__(self, config: InfluxConfig, store: Store, feed: Feed) -> None:
        self.config = config
        self.dropped = 0
        self._store, self._feed = store, feed
        self._cursor_name = f"influx:{config.url}/{config.bucket}"
        self._live: deque[Point] = deque()
        self._sessions: dict[str, str] = {}  # runner -> session
        self._closing = asyncio.Event()
        self._problem = ""

    async def run(self) -> None:
        """Until cancelled. Then what is left goes out first, for at most two seconds, if the database is there."""
        self._closing.clear()
        trust = str(self.config.ca_file) if self.config.ca_file else None
        async with InfluxDBClientAsync(
            self.config.url,
            self.config.token,
            org=self.config.org or "-",
            timeout=ANSWER_MS,
            ssl_ca_cert=trust,
        ) as client:
            self._client = client
            forwarding = asyncio.create_task(self._forward())
            tasks = [forwarding, asyncio.create_task(self._listen()), asyncio.create_task(self._write_live())]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
            except asyncio.CancelledError:
                self._closing.set()
                await asyncio.wait([forwarding], timeout=DRAIN_S)
                raise
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    # --- the record ---

    async def _forward(self) -> None:
        attempt = 0

        async def deliver(entries: list[Entry]) -> None:
            nonlocal attempt
            await self._write([made for entry in entries if (made := entry_point(entry))])
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
            await wait_for_end(self._closing, backoff_s(attempt))
            attempt += 1

    async def _write(self, points: Sequence[Point]) -> None:
        """Returns when the database has all that it will ever take. Raises SinkError when it must be asked again."""
        if not points:
            return
        try:
            await self._send(points)
        except ApiException as error:
            if error.status not in _BAD_POINTS:
                raise SinkError(self.config.url, _problem(error)) from error
            if len(points) > 1:  # find the bad ones: the others are fine, and written twice is written once
                half = len(points) // 2
                await self._write(points[:half])
                await self._write(points[half:])
                return
            self.dropped += 1
            log.error("InfluxDB refuses a point, it is left out (%s): %s", _body(error), points[0].to_line_protocol())

    async def _send(self, points: Sequence[Point]) -> None:
        try:
            await self._client.write_api().write(self.config.bucket, record=list(points))
        except ssl.SSLError as error:
            raise SinkError(
                self.config.url, f"is not trusted ({error}); give its authority as influx.ca_file"
            ) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            problem = f"cannot be reached ({str(error) or type(error).__name__}); is InfluxDB running there?"
            raise SinkError(self.config.url, problem) from error

    # --- what counts now ---

    async def _listen(self) -> None:
        with self._feed.subscribe() as messages:
            async for message in messages:
                if message.kind == "session":
                    self._sessions[message.runner] = message.payload["session"]
                elif message.kind == "pods":
                    session = self._sessions.get(message.runner, "")
                    if session:
                        pods = message.payload["pods"]
                        self._live.extend(pod_points(message.runner, session, pods, datetime.now(UTC)))
                while len(self._live) > LIVE_POINTS:
                    self._live.popleft()
                    self.dropped += 1

    async def _write_live(self) -> None:
        while True:
            await asyncio.sleep(LIVE_PERIOD_S)
            queue = self._store.head - await self._store.cursor(self._cursor_name)
            values = {"host": node(), "queue": queue, "dropped": self.dropped, "version": version("hamstream")}
            points = [*self._live, point("service", values, datetime.now(UTC))]
            try:
                await self._write(points)
            except SinkError:
                continue  # the record's side speaks of it
            for _ in range(len(points) - 1):
                if self._live:
                    self._live.popleft()


def _problem(error: ApiException) -> str:
    advice = _ADVICE.get(error.status or 0, "is it the right address, and is the database well?")
    return f"answers {error.status} ({_body(error)}): {advice}"


def _body(error: ApiException) -> str:
    return " ".join(str(error.body or error.reason or "").split())[:200]
