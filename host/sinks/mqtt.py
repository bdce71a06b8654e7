"""What happens, on MQTT. docs/mqtt.md describes topics and payloads for their readers.

Two kinds of connection. One a runner for what only counts now: status (with the last will), pods, live figures, and
alerts, taken from the feed. One for the record: strides and sessions, read from the durable store with a
cursor, so that an hour without broker loses nothing. A long backlog therefore never stands before an alert.
"""

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from aiomqtt import Will

from host.errors import SinkError
from host.feed import Feed, Message
from host.sinks.forward import DRAIN_S, before_retry, forward
from host.sinks.live_topic import figures
from host.sinks.mqtt_link import BrokerLink, Connection, MqttConfig, encode, new_identifier
from host.sinks.schema import Entry
from host.sinks.store import Store
from host.tasks import cancel

__all__ = ["MqttConfig", "MqttSink", "topic"]

log = logging.getLogger(__name__)

# A cue is worth hearing for a second. The payload says until when; the broker is told the same.
ALERT_EXPIRY_S = 1
# A backlog goes out in portions of what MQTT clients keep in flight (mosquitto's max_inflight_messages:
# 20), with a pause between: at most 400 a second, an hour of one runner in half a minute.
BATCH = 20
PAUSE_S = 0.05
LIVE_PERIOD_S = 0.2  # live figures at most so often: both legs together land 3.7 times a second at 220 spm
STABLE_S = 5.0  # a connection that lived this long was a good one

_OFFLINE = {"online": False}

# The topic of each kind of the log's entries; the others are not published from there.
_LEAVES = {"stride": "strides", "started": "session", "ended": "session"}


def topic(base: str, runner: str, leaf: str) -> str:
    """`base/runner/leaf`. What may not stand in a topic level, and `%`, is written as in URLs: `a/b` is `a%2Fb`.

    Raises ValueError for an empty name.
    """
    if not runner:
        raise ValueError("a runner without a name has no topic")
    level = re.sub(r"[%/+#\x00-\x1f\x7f-\x9f]", lambda found: f"%{ord(found[0]):02X}", runner)
    return f"{base}/{level}/{leaf}"


def is_fresh(cue: dict[str, Any], now: datetime) -> bool:
    """True while a cue may still be delivered."""
    return now < datetime.fromisoformat(cue["valid_until"])


class _Runner:
    """What is to be said now about one runner, by that runner's own connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status: dict[str, Any] = {}
        self.pods: dict[str, Any] | None = None
        self.live: dict[str, float] = {}  # figures that were not said yet
        self.live_due_s = 0.0  # when they may be, on the loop's clock
        self.cues: deque[dict[str, Any]] = deque()
        self.status_is_news = self.ended = False
        self.news = asyncio.Event()


class MqttSink:
    """Publishes what the feed and the store have, for ever, whatever the broker does.

    `dropped_cues` counts cues that were no longer fresh when they could have been delivered.
    """

    def __init__(self, config: MqttConfig, store: Store, feed: Feed) -> None:
        self.config = config
        self.dropped_cues = 0
        self._store, self._feed = store, feed
        self._link = BrokerLink(config)
        self._cursor_name = f"mqtt:{config.endpoint}"
        self._runners: dict[str, _Runner] = {}
        self._speakers: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._problem = ""

    async def run(self) -> None:
        """Until cancelled. Then what is left goes out first, for at most two seconds, if the broker is there."""
        self._closing.clear()
        forwarding = asyncio.create_task(self._forward())
        tasks = [asyncio.create_task(self._listen()), forwarding]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # what was published just now is still on its way through the feed
            self._closing.set()
            for runner in self._runners.values():
                runner.news.set()
            await asyncio.wait([forwarding, *self._speakers], timeout=DRAIN_S)
            raise
        finally:
            await cancel(*tasks, *self._speakers)
            self._runners.clear()

    # --- what counts now ---

    async def _listen(self) -> None:
        with self._feed.subscribe() as messages:
            for message in self._feed.running():
                if message.kind in ("status", "pods"):
                    self._take(message)
            async for message in messages:
                self._take(message)

    def _take(self, message: Message) -> None:
        if not message.runner:
            return
        runner = self._runners.get(message.runner)
        if runner is None:
            if message.ends or message.kind == "stride":
                return
            runner = self._runners[message.runner] = _Runner(message.runner)
            speaker = asyncio.create_task(self._speak_for(runner), name=f"MQTT {runner.name}")
            self._speakers.add(speaker)
            speaker.add_done_callback(self._gone)
        match message.kind:
            case "cue":
                self._drop_late(runner)
                runner.cues.append(message.payload)
            case "stride":
                runner.live |= figures(message.payload)
            case "pods":
                runner.pods = message.payload
            case "status":
                runner.status = {"online": True} | message.payload
                runner.status_is_news = True
                runner.ended = False  # nothing is said of a session after its end: this is the next one
            case "session":
                runner.ended = message.ends
        runner.news.set()

    async def _speak_for(self, runner: _Runner) -> None:
        will = Will(self._topic(runner.name, "status"), encode(_OFFLINE), qos=1, retain=True)

        async def speak(connection: Connection) -> None:
            runner.status_is_news = True
            runner.live.clear()  # of before the connection was lost
            await self._speak(runner, connection)

        try:
            await self._stay_connected(will, speak)
        finally:
            self._forget(runner)

    def _forget(self, runner: _Runner) -> None:
        """What comes next about this runner is for a new speaker."""
        if self._runners.get(runner.name) is runner:
            del self._runners[runner.name]

    def _gone(self, speaker: asyncio.Task[None]) -> None:
        self._speakers.discard(speaker)
        if not speaker.cancelled() and (error := speaker.exception()) is not None:
            log.error("%s failed", speaker.get_name(), exc_info=error)

    async def _speak(self, runner: _Runner, connection: Connection) -> None:
        """Until the session or the sink ends: cues first."""
        status_topic = self._topic(runner.name, "status")
        while True:
            runner.news.clear()
            await self._alert(runner, connection)
            if runner.status_is_news:
                runner.status_is_news = False
                await connection.publish(status_topic, runner.status or {"online": True}, qos=1, retain=True)
            if runner.pods is not None:
                pods, runner.pods = runner.pods, None
                await connection.publish(self._topic(runner.name, "pods"), pods)
            await self._live(runner, connection)
            if runner.cues or not (runner.ended or self._closing.is_set()):
                await runner.news.wait()
                continue
            await connection.publish(status_topic, _OFFLINE, qos=1, retain=True)
            if runner.ended or self._closing.is_set():
                self._forget(runner)
                return
            runner.status_is_news = True  # the next session has begun meanwhile

    async def _alert(self, runner: _Runner, connection: Connection) -> None:
        self._drop_late(runner)
        while runner.cues:
            alerts = self._topic(runner.name, "alerts")
            await connection.publish(alerts, runner.cues[0], qos=1, expiry_s=ALERT_EXPIRY_S)
            runner.cues.popleft()
            self._drop_late(runner)

    async def _live(self, runner: _Runner, connection: Connection) -> None:
        """The newest figures, or a call back when they are due."""
        if not runner.live:
            return
        if _now_s() < runner.live_due_s:
            asyncio.get_running_loop().call_at(runner.live_due_s, runner.news.set)
            return
        live, runner.live = runner.live, {}
        runner.live_due_s = _now_s() + LIVE_PERIOD_S
        held = len(runner.status.get("held", ()))
        await connection.publish(self._topic(runner.name, "live"), live | {"faults_held": held})

    def _drop_late(self, runner: _Runner) -> None:
        while runner.cues and not is_fresh(runner.cues[0], datetime.now(UTC)):
            runner.cues.popleft()
            self.dropped_cues += 1
            log.warning("a cue for %s was not delivered: it was too late", runner.name)

    # --- the record ---

    async def _forward(self) -> None:
        async def work(connection: Connection) -> None:
            async def deliver(entries: list[Entry]) -> None:
                await asyncio.gather(*(self._record(entry, connection) for entry in entries))

            await forward(self._store, self._cursor_name, deliver, self._closing, batch=BATCH, pause_s=PAUSE_S)

        await self._stay_connected(None, work)

    async def _record(self, entry: Entry, connection: Connection) -> None:
        leaf = _LEAVES.get(entry.kind)
        if leaf is None or not entry.runner:
            return
        payload = dict(entry.payload)
        payload.pop("recording", None)  # a path on this computer
        await connection.publish(self._topic(entry.runner, leaf), payload, qos=1)

    # --- both ---

    async def _stay_connected(self, will: Will | None, work: Callable[[Connection], Coroutine[Any, Any, None]]) -> None:
        """Runs `work` on a connection, and again on a new one when it is lost; until it ends, or the sink does."""
        identifier, attempt = new_identifier(), 0
        while True:
            connected_s = _now_s()
            try:
                async with self._link.connect(will, identifier) as connection:
                    connected_s = _now_s()
                    if self._problem:
                        log.warning("MQTT broker %s is back", self.config.endpoint)
                        self._problem = ""
                    await connection.while_up(work(connection))
                    return
            except SinkError as error:
                if not self._problem:
                    log.warning("%s; tried again until it works", error)
                self._problem = str(error)
            if _now_s() - connected_s > STABLE_S:
                attempt = 0
            await before_retry(self._closing, attempt)
            attempt += 1
            if self._closing.is_set():
                return

    def _topic(self, runner: str, leaf: str) -> str:
        return topic(self.config.base_topic, runner, leaf)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
