"""Simulated runs as a store and a recording keep them, made in a second instead of the run's own time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.types import Role
from firmware_sim.offline import simulate
from host.coach.coach import Coach
from host.coach.profile import Profile
from host.coach.told import Told
from host.pipeline import Pipeline
from host.pods.profile import Packet, PodInfo, encode_pressure
from host.records import Channel, Cue, LinkState, Person, PodEvent, SessionInfo, Stride, utc_text
from host.session import session_id
from host.sinks.recording import Recorder
from host.sinks.store import Store

STARTED = datetime(2026, 3, 1, 7, tzinfo=UTC)
PACKET = 8  # samples
NEW_RUNNER = Profile()

Frames = Mapping[Role, NDArray[np.void]]


@dataclass(frozen=True)
class StoredRun:
    session: str
    strides: list[Stride]
    cues: list[Cue]
    coach: Coach  # as it was at the end
    held: list[tuple[float, frozenset[tuple[str, str]]]]  # after each stride: when, and what the live coach held


def events_of(frames: Frames) -> Iterator[PodEvent]:
    """The frames as the packets of three pods would have brought them, 30 ms late."""
    ranges = {"acc_range_g": 16, "gyr_range_dps": 2000}
    events = []
    for role, of_pod in frames.items():
        info = PodInfo(role, rate_hz=208, samples_per_packet=PACKET, **ranges)
        events += [
            PodEvent(role, Channel.LINK, 0, LinkState.STREAMING.encode()),
            PodEvent(role, Channel.INFO, 1, bytes(info)),
        ]
        events += [
            PodEvent(role, Channel.PRESSURE, round((frame["t_s"] + 0.03) * 1e9), encode_pressure(frame["pressure_pa"]))
            for frame in of_pod[~np.isnan(of_pod["pressure_pa"])]
        ]
        counts = info.counts(np.hstack([of_pod["acc_mps2"], of_pod["gyr_radps"]]))
        for seq, start in enumerate(range(0, len(of_pod) - 7, PACKET)):
            tick = round(of_pod["t_s"][start] * 32768)
            arrival_ns = round((of_pod["t_s"][start + 7] + 0.03) * 1e9)
            packet = Packet(seq % 65536, tick, counts[start : start + PACKET])
            events.append(PodEvent(role, Channel.PACKET, arrival_ns, bytes(packet)))
    yield from sorted(events, key=lambda event: event.arrival_ns)


async def store_run(
    store: Store,
    plan: str,
    seconds: float,
    *,
    runner: str = "ann",
    days: int = 0,
    profile: Profile = NEW_RUNNER,
    recordings: Path | None = None,
    lost: Mapping[Role, range] | None = None,
    ends: bool = True,
) -> StoredRun:
    """Runs `plan` and stores it as a session `days` after the first. `lost`: packets of a pod that never arrive, by
    their number; `ends`: False leaves it as a killed process would."""
    started = STARTED + timedelta(days=days)
    session = session_id(runner, started)
    path = recordings / f"{session}.mcap" if recordings else None
    info = SessionInfo(session, runner, utc_text(started), "pods", str(path or ""))
    frames, _ = simulate(plan, seconds, seed=7)
    events = _without(list(events_of(frames)), lost or {})
    if path:
        async with Recorder(path, info, Told(Person(runner), profile).to_settings()) as recorder:
            for event in events:
                recorder.write(event)
    coach = Watched(profile)
    pipeline = Pipeline(coach)
    outputs = [pipeline.push_events(events), pipeline.finish()]
    strides = [stride for output in outputs for stride in output.strides]
    cues = [cue for output in outputs for cue in output.cues]
    await store.begin_session(info)
    for stride in strides:
        store.add_stride(session, stride)
    for cue in cues:
        store.add_cue(session, cue, utc_text(started + timedelta(seconds=cue.t_s)))
    for effect in coach.effects:
        store.add_effect(session, effect)
    if ends:
        await store.end_session(session, utc_text(started + timedelta(seconds=seconds)), coach.summary())
    return StoredRun(session, strides, cues, coach, coach.seen)


class Watched(Coach):
    """The coach, with a note of what it held after every stride."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile.baseline, history=profile.history)
        self.seen: list[tuple[float, frozenset[tuple[str, str]]]] = []

    def step(self, stride: Stride) -> list[Cue]:
        cues = super().step(stride)
        self.seen.append((stride.decided_s, frozenset((fault.fault, fault.side) for fault in self.held)))
        return cues


def _without(events: list[PodEvent], lost: Mapping[Role, range]) -> list[PodEvent]:
    number = dict.fromkeys(Role, -1)
    kept = []
    for event in events:
        if event.channel is Channel.PACKET:
            number[event.role] += 1
            if number[event.role] in lost.get(event.role, ()):
                continue
        kept.append(event)
    return kept
