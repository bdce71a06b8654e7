"""Everything around the sessions of a run: store, recordings, broker, MQTT, live page, terminal view, voice.

`async with Service.open(config) as service` brings the parts up; `await service.run(jobs)` runs one session a job
until its source ends or the caller cancels. A part that fails is reported once and tried again: it never stops the
stream, and the stream never waits for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from host.archive import session_rows
from host.coach.norms import norm
from host.coach.told import Told
from host.config import Config
from host.errors import HamstreamError, RecordingError
from host.feed import Feed
from host.person.known import known
from host.pipeline import warm_up
from host.records import SessionInfo, utc_text
from host.report.write import report_of
from host.session import RunnerSession, Source, session_id
from host.sinks.broker import EmbeddedBroker
from host.sinks.influx import InfluxSink
from host.sinks.influx_link import InfluxConfig
from host.sinks.mqtt import MqttConfig, MqttSink
from host.sinks.mqtt_link import PORT
from host.sinks.recording import Recorder, recover
from host.sinks.store import Store
from host.summary import print_summary
from host.tasks import cancel
from host.terminal import TerminalView, waiting
from host.voice import Voice
from host.web.server import LivePage

log = logging.getLogger(__name__)

# A part that failed is tried again after this long. Long enough to not flood the log, short beside a run.
RESTART_S = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """One runner to coach: where the pods' events come from, and what is known of the runner."""

    runner: str
    source: Source
    label: str  # what the store calls the source: "pods", "demo", "replay:FILE"
    told: Told | None = None  # what core and coach are told; None: what is known of the runner
    live: bool = True  # recorded, and where the runner's own profile was used, what this session teaches is kept


@dataclass(slots=True)
class Service:
    config: Config
    feed: Feed
    store: Store
    mqtt: MqttConfig
    page_url: str = ""
    voice: Voice | None = None
    sessions: list[RunnerSession] = field(default_factory=list)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, config: Config, *, view: bool = True) -> AsyncIterator["Service"]:
        """Brings all parts up; takes them down in the opposite order, after what they still hold is delivered."""
        with waiting("Preparing the signal core; its first time on a computer takes half a minute ..."):
            await asyncio.to_thread(warm_up)  # off the loop, and before the first pod connects
        with contextlib.suppress(OSError):  # the store, or each recording, says what is wrong with the folder
            config.recordings.mkdir(parents=True, exist_ok=True)
        for path in await asyncio.to_thread(recover_all, config.recordings):
            log.info("recovered the recording %s, which was cut short", path)
        async with contextlib.AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store.open(config.database))
            feed = Feed()
            mqtt = MqttConfig(**config.mqtt.options())
            if not mqtt.host:
                broker = await stack.enter_async_context(EmbeddedBroker(mqtt.port or PORT))
                mqtt = MqttConfig(broker.host, broker.port, base_topic=mqtt.base_topic)
            service = cls(config, feed, store, mqtt)
            if config.voice.command:
                service.voice = Voice(config.voice.command)
                stack.push_async_callback(cancel, _keep("voice", service.voice.run))
            stack.push_async_callback(cancel, _keep("MQTT", MqttSink(mqtt, store, feed).run))
            note = f"MQTT: {mqtt.endpoint}"
            if config.influx.url:
                influx = InfluxSink(InfluxConfig(**config.influx.options()), store, feed)
                stack.push_async_callback(cancel, _keep("InfluxDB", influx.run))
                note += f"   InfluxDB: {config.influx.url}"
            if config.web.enabled:
                sessions, report = partial(session_rows, store), partial(report_of, config, store)
                page = LivePage(feed, norm=_band, sessions=sessions, report=report, **config.web.options())
                service.page_url = (await stack.enter_async_context(page)).url
                note = f"Live page: {service.page_url}   {note}"
            if view:
                stack.push_async_callback(cancel, _keep("terminal view", TerminalView(feed, note=note).run))
            yield service

    async def run(self, jobs: list[Job], seconds: float | None = None) -> None:
        """One session a job, side by side, until every source or the time has ended, or this is cancelled.

        A session that fails does not end the others; what it failed of is raised when they have ended.
        """
        with contextlib.suppress(TimeoutError):  # the time is over
            async with asyncio.timeout(seconds):
                results = await asyncio.gather(*(self._run_one(job) for job in jobs), return_exceptions=True)
                for error in filter(None, results):
                    raise error

    async def _run_one(self, job: Job) -> None:
        started = datetime.now(UTC)
        session = session_id(job.runner, started)
        path = self.config.recordings / f"{session}.mcap"
        told = job.told or await known(self.config, self.store, job.runner)
        coach = await asyncio.to_thread(told.coach)  # reads its texts from disk
        async with contextlib.AsyncExitStack() as stack:
            recorder = None
            info = SessionInfo(session, job.runner, utc_text(started), job.label, str(path) if job.live else "")
            if job.live:
                try:
                    recorder = await stack.enter_async_context(Recorder(path, info, told.to_settings()))
                except RecordingError as error:
                    log.error("this session is not recorded: %s", error)
                    info = replace(info, recording="")
            runner_session = RunnerSession(
                info,
                coach,
                store=self.store,
                feed=self.feed,
                recorder=recorder,
                say=partial(self.voice.say, language=told.language) if self.voice else None,
                language=told.language,
                leg_length_m=told.leg_length_m,
            )
            self.sessions.append(runner_session)
            try:
                await runner_session.run(job.source)
            finally:
                if job.live and job.told is None and (learnt := coach.profile()):
                    await asyncio.shield(self.store.save_baseline(job.runner, learnt.to_json()))


async def serve(config: Config, jobs: Callable[[Service], list[Job]], seconds: float | None = None) -> None:
    """Opens a service, runs the jobs that `jobs` makes for it, closes it, and prints what came of it."""
    service = None
    try:
        async with Service.open(config) as service:
            await service.run(jobs(service), seconds)
    except HamstreamError:
        service = None  # nothing came of it, and the error says why
        raise
    finally:
        if service is not None:
            print_summary(service.sessions, config.database)


def _band(metric: str, speed_mps: float) -> tuple[float, float]:
    """Mean and SD among healthy runners, as the live page wants them."""
    usual = norm(metric, speed_mps)
    return usual.mean, usual.sd


def recover_all(folder: Path) -> list[Path]:
    """Mends recordings that a crash cut short. Returns those that were mended."""
    mended = []
    for path in sorted(folder.glob("*.mcap")):
        try:
            if recover(path):
                mended.append(path)
        except (HamstreamError, OSError) as error:
            log.warning("cannot recover %s: %s", path, error)
    return mended


def _keep(name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """A task that runs a part and starts it again when it fails."""

    async def forever() -> None:
        reported = ""
        while True:
            try:
                return await run()
            except Exception as error:  # the boundary: whatever breaks in a part must not stop the stream
                if str(error) != reported:
                    log.warning("%s stopped and is tried again: %s", name, error)
                    reported = str(error)
                await asyncio.sleep(RESTART_S)

    return asyncio.create_task(forever(), name=name)
