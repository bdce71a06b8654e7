"""What flows between the rooms of the host: pod events in, strides and cues out.

Published units live here: degrees, milliseconds, spm and millimetres, each named in the field. The signal core
works in SI and radians; `strides_from_records` is the one place that converts.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp.types import Quality, Role, Side


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def finite_or_none(value: Any) -> Any:
    """None for NaN and infinity, which neither JSON nor the database can say; anything else as it is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cue_id(session: str, number: int) -> str:
    """The id under which a cue is published: the session and the cue's number in it, from 1."""
    return f"{session}-{number}"


# How the source of a session begins that is a recording replayed.
REPLAY = "replay:"


def is_replay(source: str) -> bool:
    """Whether a session of this source is no run of its own: its times are those of the recording."""
    return source.startswith(REPLAY)


class Channel(StrEnum):
    """What a pod told the host. Every event is recorded as it came, before anything can be wrong."""

    PACKET = "packet"  # a notification of the IMU characteristic
    PRESSURE = "pressure"  # a notification of the Pressure characteristic
    INFO = "info"  # the pod info characteristic, read once a connection
    BATTERY = "battery"  # the Battery Level characteristic
    SIGNAL = "signal"  # how strongly its advertisement was heard before a connection: dBm, one signed byte
    LINK = "link"  # the host's own view of the link: a LinkState as UTF-8 text


class LinkState(StrEnum):
    SEARCHING = "searching"
    CONNECTING = "connecting"
    STREAMING = "streaming"
    LOST = "lost"


class PodEvent(NamedTuple):  # there are 80 a second of recording: a dataclass takes twice as long to make
    """Raw bytes of one pod, with the host's arrival time in nanoseconds since the session's start."""

    role: Role
    channel: Channel
    arrival_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Stride:
    """One stride as it is stored and published. NaN means unknown; `quality` is empty when nothing is wrong.

    Times are seconds on the session's clock. Angles are against quiet standing; signs as in dsp/types.py.
    """

    side: str
    ic_s: float
    tc_s: float
    next_ic_s: float
    cadence_spm: float
    contact_time_ms: float
    flight_time_ms: float
    duty_factor: float
    tibial_inclination_ic_deg: float
    foot_ahead_of_pelvis_mm: float
    pelvic_tilt_deg: float
    pelvic_tilt_range_deg: float
    pelvic_drop_deg: float
    pelvic_obliquity_range_deg: float
    pelvic_rotation_range_deg: float
    pelvic_rotation_lag_percent: float
    speed_mps: float
    grade_percent: float
    turn_rate_dps: float
    shank_retraction_dps: float
    shank_rate_early_stance_dps: float
    shank_mid_stance_deg: float
    pelvis_over_foot_percent: float
    braking_loss_mps: float
    vertical_oscillation_mm: float
    vertical_stiffness_npmkg: float
    leg_stiffness_npmkg: float
    contact_time_difference_ms: float
    tibial_inclination_difference_deg: float
    pelvic_drop_difference_deg: float
    ic_sd_ms: float
    tc_sd_ms: float
    tibial_inclination_ic_sd_deg: float
    pelvic_tilt_sd_deg: float
    foot_ahead_of_pelvis_sd_mm: float
    quality: str
    decided_s: float  # when the record was complete, in signal time

    @property
    def good(self) -> bool:
        return not self.quality

    @property
    def distance_m(self) -> float:
        """What it adds to the way: half of its own length, because two legs run at once. NaN: speed unknown."""
        return self.speed_mps * (self.next_ic_s - self.ic_s) / 2.0


# What is shown beside a runner's own habit at this speed and slope, as the difference from it.
OWN_METRICS = (
    "tibial_inclination_ic_deg",
    "foot_ahead_of_pelvis_mm",
    "pelvic_tilt_deg",
    "pelvic_drop_deg",
    "contact_time_ms",
    "cadence_spm",
)

# A published suffix, and what turns the core's unit into it: (core suffix, factor).
_UNITS: dict[str, tuple[str, float]] = {
    "_deg": ("_rad", math.degrees(1.0)),
    "_dps": ("_radps", math.degrees(1.0)),
    "_mm": ("_m", 1000.0),
    "_ms": ("_s", 1000.0),
    "_percent": ("", 100.0),
}


def _reader(name: str) -> Callable[[NDArray[np.void]], list[Any]]:
    """How the published field `name` is read from core records."""
    for suffix, (core_suffix, factor) in _UNITS.items():
        if name.endswith(suffix):
            source = name.removesuffix(suffix) + core_suffix
            return lambda records: (records[source] * factor).tolist()
    return lambda records: records[name].tolist()


@cache
def _quality(bits: int) -> str:
    return Quality(bits).label


_READERS: dict[str, Callable[[NDArray[np.void]], list[Any]]] = {
    name: _reader(name) for name in Stride.__dataclass_fields__
} | {
    "side": lambda records: [Side(side).label for side in records["side"].tolist()],
    "quality": lambda records: [_quality(bits) for bits in records["quality"].tolist()],
    # steps per minute of both feet: two steps a stride
    "cadence_spm": lambda records: (120.0 / (records["next_ic_s"] - records["ic_s"])).tolist(),
}


def strides_from_records(records: NDArray[np.void]) -> list[Stride]:
    """Published strides from a dsp STRIDE array."""
    if not len(records):
        return []
    return [Stride(*row) for row in zip(*(read(records) for read in _READERS.values()), strict=True)]


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing said to the runner: a form cue, or praise when it got better."""

    t_s: float  # decision, seconds on the session's clock
    kind: str  # "cue" or "praise"
    fault: str  # the fault's id, e.g. "overstride"
    side: str  # "left", "right" or ""
    context: str  # "uphill", "fast" or ""
    text: str


# A pod whose battery is below should be charged before the next run; the live page's model.js has it, too. Chosen.
LOW_BATTERY_PERCENT = 15


@dataclass(frozen=True, slots=True)
class PodHealth:
    """How one pod is doing, for screens and the pods topic."""

    role: str
    link: str  # a LinkState
    battery_percent: float  # NaN until read
    rate_hz: float  # measured
    packets: int
    lost_packets: int
    duplicates: int
    clock_error_ms: float  # spread of the clock map's residuals, NaN until known
    last_arrival_s: float
    bad_packets: int = 0  # notifications that were no packets
    signal_dbm: float = math.nan  # heard before the connection: no system tells it of all that are connected


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session when it starts."""

    session: str  # sortable id: UTC start and runner
    runner: str
    started_utc: str  # ISO 8601 with offset
    source: str  # "pods", "demo", "replay:FILE"
    recording: str  # path of the MCAP file, or ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of one cue: the metric that decided it, in the strides before and after (host/coach/effects.py).

    As the mean distance from what is usual at each stride's speed and slope, above zero in the direction of the fault:
    `before - after` is what the cue's fault fell by.
    """

    cue_number: int  # of the session's cues and praises, from 1
    t_s: float  # when the last of those strides was decided, seconds on the session's clock
    fault: str
    side: str  # as in the cue
    language: str  # of the text
    text: str  # the wording that was said
    metric: str  # a field of Stride, whose suffix is the unit of:
    before: float  # of the strides before the cue, from the first that was beyond the limit
    after: float  # ... and of those after it
    n_before: int
    n_after: int


@dataclass(frozen=True, slots=True)
class Person:
    """What a runner told about themselves. None: not told."""

    name: str
    leg_length_m: float | None = None  # greater trochanter to ground, standing
    mass_kg: float | None = None
    easy_speed_mps: float | None = None
    language: str | None = None  # of cues and prompts
    goals: str | None = None  # in their own words
    muted: frozenset[str] | None = None  # ids of faults never to be cued for


class Moment(StrEnum):
    """When a pain score was given, as the runner sees a run."""

    BEFORE = "before"
    AFTER = "after"
    NEXT_MORNING = "next-morning"


@dataclass(frozen=True, slots=True)
class Pain:
    """A runner's own score of their hamstring pain: 0 is none, 10 the worst there can be.

    What is noted later of the same moment of the same run corrects it; nothing is ever taken out of the store.
    """

    session: str  # that it belongs to; "" when none is known
    runner: str
    moment: str  # a Moment
    score: int | None  # None takes back what was noted of this moment before
    at_utc: str  # when it was felt
    noted_utc: str  # when it was entered
