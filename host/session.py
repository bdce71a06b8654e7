"""One runner's session: the only place that joins source -> pipeline -> feed, store, recording and voice.

A source is a coroutine function that calls `on_event` for every raw event of the pods: live links, or a recording
replayed. `on_event` is a plain function and does no I/O: the store, the recording and the voice take their part
over without waiting. Time enters here, once, as nanoseconds since the session's start.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from dsp.analyzer import Phase, Status
from dsp.types import Role
from host.coach.coach import Coach
from host.coach.cues import prompt
from host.feed import Feed, Message, to_payload
from host.pipeline import Output, Pipeline
from host.records import (
    OWN_METRICS,
    Channel,
    Cue,
    LinkState,
    PodEvent,
    PodHealth,
    SessionInfo,
    Stride,
    cue_id,
    is_replay,
    utc_text,
)
from host.sinks.recording import Recorder
from host.sinks.store import Store

# A cue is worth saying within a second of the contact that completed the stride that decided it, or not at all. (In a
# replay contacts are old: there it is a second from the decision.)
CUE_VALID_S = 1.0
HEALTH_PERIOD_S = 1.0

Source = Callable[[Callable[[PodEvent], None], Callable[[], int]], Awaitable[None]]


class Say(Protocol):
    """Speaks a text, if its turn comes within `fresh_s`."""

    def __call__(self, text: str, fresh_s: float = math.inf) -> None: ...


def _silent(text: str, fresh_s: float = math.inf) -> None:
    pass


def session_id(runner: str, started: datetime) -> str:
    """Sortable, and unique for runs of one runner that start in different milliseconds."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%S}{started.microsecond // 1000:03d}Z-{runner}"


class RunnerSession:
    """Runs `source` through the pipeline until it ends or is cancelled, then closes the session in the store."""

    def __init__(
        self,
        info: SessionInfo,
        coach: Coach,
        *,
        store: Store,
        feed: Feed,
        recorder: Recorder | None = None,
        say: Say | None = None,
        language: str = "en",
        leg_length_m: float = math.nan,
    ) -> None:
        self.info = info
        self.coach = coach
        self.strides = self.good_strides = 0
        self.flaws: Counter[str] = Counter()  # why strides are not good, by the names of dsp.types.Quality
        self.cues: list[Cue] = []
        self._pipeline = Pipeline(coach, leg_length_m=leg_length_m)
        self._store, self._feed, self._recorder = store, feed, recorder
        self._say = say or _silent
        self.language = language
        self._start_ns = time.monotonic_ns()
        self.found: set[Role] = set()  # pods that have streamed
        self._lost: set[Role] = set()
        self._status: dict[str, Any] = {}
        self._prompt = ""
        # Whether what is found follows from what has just arrived: not in a replay, nor at the end of a run.
        self._in_time = not is_replay(info.source)

    @property
    def health(self) -> list[PodHealth]:
        """Of each pod, as last heard of."""
        return self._pipeline.health

    def now_ns(self) -> int:
        return time.monotonic_ns() - self._start_ns

    async def run(self, source: Source) -> None:
        await self._store.begin_session(self.info)
        self._publish("session", to_payload(self.info, event="started"))
        self._publish_status()
        health = asyncio.create_task(self._publish_health())
        try:
            await source(self.on_event, self.now_ns)
        finally:
            health.cancel()
            self._in_time = False
            self._take(self._pipeline.finish())
            ended = utc_text(datetime.now(UTC))
            self._publish("session", to_payload(self.info, event="ended", ended_utc=ended))
            await asyncio.shield(self._store.end_session(self.info.session, ended, self.coach.summary()))

    def on_event(self, event: PodEvent) -> None:
        """One raw event: recorded first, as it came, then through the pipeline."""
        if self._recorder is not None:
            self._recorder.write(event)
        if event.channel is Channel.LINK:
            self._note_link(event)
        self._take(self._pipeline.push_event(event))
        self._publish_status()

    def _take(self, output: Output) -> None:
        # Cues first: they are the ones in a hurry.
        for cue in output.cues:
            deciding = next((stride for stride in output.strides if stride.decided_s == cue.t_s), None)
            self._take_cue(cue, self._latency_ms(deciding))
        for stride in output.strides:
            self._take_stride(stride)
        for effect in output.effects:
            self._store.add_effect(self.info.session, effect)

    def _latency_ms(self, stride: Stride | None) -> float | None:
        """How long ago the contact was that completed the stride; None where that tells of no delay."""
        if stride is None or not self._in_time:
            return None
        return round(self.now_ns() * 1e-6 - stride.next_ic_s * 1e3, 1)

    def _take_cue(self, cue: Cue, latency_ms: float | None) -> None:
        decided = datetime.now(UTC)
        fresh_s = CUE_VALID_S - (latency_ms or 0.0) * 1e-3
        self.cues.append(cue)
        self._publish(
            "cue",
            to_payload(
                cue,
                cue_id=cue_id(self.info.session, len(self.cues)),
                session=self.info.session,
                decided_utc=utc_text(decided),
                valid_until=utc_text(decided + timedelta(seconds=fresh_s)),
                latency_ms=latency_ms,
                language=self.language,
            ),
        )
        self._say(cue.text, fresh_s)
        self._store.add_cue(self.info.session, cue, utc_text(decided))

    def _take_stride(self, stride: Stride) -> None:
        self.strides += 1
        self.good_strides += stride.good
        self.flaws.update(filter(None, stride.quality.split("|")))
        self._store.add_stride(self.info.session, stride)
        usual = self.coach.usual if stride.good else None
        against_own = usual.differences(stride, OWN_METRICS) if usual else {}
        more = {"session": self.info.session, "latency_ms": self._latency_ms(stride), "against_own": against_own}
        self._publish("stride", to_payload(stride, **more))

    def _note_link(self, event: PodEvent) -> None:
        state = event.data.decode(errors="replace").split(" ", 1)[0]
        if state == LinkState.LOST and event.role not in self._lost:
            self._lost.add(event.role)
            self._say(self._missing(event.role))
        elif state == LinkState.STREAMING:
            self.found.add(event.role)
            self._lost.discard(event.role)

    def _missing(self, role: Role) -> str:
        """One that was never there is not lost: it is perhaps not switched on, or not this runner's."""
        return prompt(f"{'lost' if role in self.found else 'unfound'}_{role.label}", self.language)

    def _prompt_for(self, now: Status) -> str:
        """What the runner should do so that the run can be judged; empty where that is nothing."""
        if self._lost:
            return self._missing(min(self._lost))
        if now.tipped:
            return prompt(f"tipped_{now.tipped[0].label}", self.language)
        if now.phase in (Phase.WAITING, Phase.STANDING):
            return prompt("stand_still", self.language)
        if now.phase is Phase.READY:
            return prompt("ready", self.language)
        if now.swapped:
            return prompt("swapped", self.language)
        if now.uncalibrated:
            return prompt("stand_first", self.language)  # no stride can be judged, however long the run
        if now.slipped:
            return prompt(f"slipped_{now.slipped[0].label}", self.language)
        return ""

    def _publish_status(self) -> None:
        now = self._pipeline.status
        text = self._prompt_for(now)
        status = {
            "phase": now.phase.name.lower(),
            "prompt": text,
            "language": self.language,
            "held": [held.fault for held in self.coach.held],
            "session": self.info.session,
        }
        if status == self._status:
            return
        self._status = status
        self._publish("status", status)
        if text != self._prompt and not self._lost:
            self._prompt = text
            if text:
                self._say(text)

    async def _publish_health(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_PERIOD_S)
            self._publish("pods", {"pods": [to_payload(pod) for pod in self._pipeline.health]})

    def _publish(self, kind: str, payload: dict[str, Any]) -> None:
        self._feed.publish(Message(self.info.runner, kind, payload))
