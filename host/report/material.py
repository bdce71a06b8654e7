"""What a report is made of, read from the store and from the session's recording, where there is one."""

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dsp.types import Role
from host.coach.told import Told
from host.errors import RecordingError
from host.person.pain import current, own_runs
from host.pods.runs import in_batches
from host.pods.stream import PodStream
from host.records import Cue, Effect, Pain, Person, PodHealth, Stride
from host.report.metrics import BOTH, FIELDS, SIDES, Medians
from host.sinks.recording import read_coach, read_recording
from host.sinks.schema import SessionRow
from host.sinks.store import Store

log = logging.getLogger(__name__)

# As many sessions before as a person can compare at a glance.
EARLIER_SESSIONS = 12


@dataclass(frozen=True, slots=True)
class Recorded:
    """What only the recording knows."""

    pods: Sequence[PodHealth] = ()  # at the end
    told: Told = field(default_factory=lambda: Told(Person("")))  # what the coach knew of the runner at the start


@dataclass(frozen=True, slots=True)
class Earlier:
    """A session before this one."""

    row: SessionRow
    medians: Medians


@dataclass(frozen=True, slots=True)
class Material:
    """All of one session, and what there is to compare it with."""

    row: SessionRow
    strides: Sequence[Stride]
    cues: Sequence[Cue]
    medians: Medians
    effects: Sequence[Effect] = ()  # of the cues
    earlier: Sequence[Earlier] = ()  # this runner's own runs, oldest first
    scores: Sequence[Pain] = ()  # of this runner, felt before the next run
    recorded: Recorded | None = None
    language: str = ""  # of the runner, now; empty: as it was then


async def gather(store: Store, row: SessionRow, language: str = "") -> Material:
    """Reads all of it. A recording that is missing or damaged is no reason not to report."""
    runs = own_runs(await store.sessions(), row.runner)
    before = [run for run in runs if run.started_utc < row.started_utc]
    after = [run for run in runs if run.started_utc > row.started_utc]
    return Material(
        row=row,
        strides=await store.strides(row.session),
        cues=await store.cues(row.session),
        medians=await _medians(store, row.session),
        effects=await store.effects(row.session),
        earlier=[Earlier(run, await _medians(store, run.session)) for run in before[-EARLIER_SESSIONS:]],
        scores=[
            pain
            for pain in current(await store.pain(row.runner), runs)
            if not after or pain.session == row.session or pain.at_utc < after[0].started_utc
        ],
        recorded=await asyncio.to_thread(_read_recording, Path(row.recording)) if row.recording else None,
        language=language,
    )


async def _medians(store: Store, session: str) -> Medians:
    found = {side: await store.medians(session, FIELDS, "" if side == BOTH else side) for side in (*SIDES, BOTH)}
    return {(name, side): found[side].get(name, math.nan) for name in FIELDS for side in found}


def _read_recording(path: Path) -> Recorded | None:
    try:
        settings = read_coach(path)
        streams = {role: PodStream(role) for role in Role}
        info, events = read_recording(path)
        for batch in in_batches(events):
            for role, stream in streams.items():
                stream.feed_many([event for event in batch if event.role == role])
        return Recorded([stream.health for stream in streams.values()], Told.from_settings(info.runner, settings))
    except (RecordingError, ValueError) as error:
        log.warning("the report does without the recording: %s", error)
        return None
