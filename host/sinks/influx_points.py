"""What stands in InfluxDB: measurements, tags and fields, by the names of host/records.py (docs/influx.md).

Entries of the store's log, and what the feed says of the moment, become points. A point's identity is its measurement,
its tags and its time, so the same entry written twice is one point. Every number is a float, for a field that was once
written as an integer refuses floats for ever. What is unknown is left out. Pure, but for who writes: `service_point`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from importlib.metadata import version
from platform import node
from statistics import fmean
from typing import Any, NamedTuple

from influxdb_client.client.write.point import Point

from host.records import OWN_METRICS, Cue, PodHealth, Stride
from host.sinks.schema import Entry, SessionLoad


class Measurement(NamedTuple):
    tags: tuple[str, ...]
    fields: tuple[str, ...]


def _measurement(record: type, *tags: str) -> Measurement:
    names = (field.name for field in fields(record))
    return Measurement(tags, tuple(name for name in names if name not in tags))


_TILT = "pelvic_tilt_deg"
_CUE = _measurement(Cue, "runner", "session", "fault")

MEASUREMENTS = {
    "session": Measurement(
        ("runner", "session"),
        ("source", "event", "duration_s", "running_s", "distance_m", "strides", "good_strides", "cues", "cut"),
    ),
    "stride": _measurement(Stride, "runner", "session", "side"),
    "cue": Measurement(("runner", "session", "fault"), (*_CUE.fields, "metric", "before", "after")),
    "pain": Measurement(("runner", "moment"), ("score", "session", "withdrawn")),
    "status": Measurement(("runner", "session"), ("phase", "prompt", "held", "now")),
    "own": Measurement(("runner", "session"), (*OWN_METRICS, "usual_pelvic_tilt_deg")),
    "fault": Measurement(("runner", "session", "fault"), ("holds",)),
    "pod": _measurement(PodHealth, "runner", "session", "role"),
    "service": Measurement(("host",), ("queue", "dropped", "stride_latency_ms", "cue_latency_ms", "version")),
}


def entry_point(entry: Entry, *, load: SessionLoad | None = None, cue: Cue | None = None) -> Point | None:
    """The point of an entry; None for what has no point.

    Strides and cues stand at the session's start and their own time. What comes later completes a point: the end of a
    session that of its beginning, with its `load`; an effect that of the `cue` that had it.
    """
    values = entry.payload | {"runner": entry.runner, "session": entry.session}
    if entry.kind == "pain":
        values["withdrawn"] = float(values["score"] is None)
        return point("pain", values, datetime.fromisoformat(values["at_utc"]))
    if not entry.started_utc:
        return None
    started = datetime.fromisoformat(entry.started_utc)
    match entry.kind:
        case "stride":
            return point("stride", values, started + timedelta(seconds=values["ic_s"]))
        case "cue":
            return point("cue", values, started + timedelta(seconds=values["t_s"]))
        case "effect" if cue:
            measured = {name: values[name] for name in ("metric", "before", "after")}
            identity = {"runner": entry.runner, "session": entry.session, "fault": cue.fault}
            return point("cue", measured | identity, started + timedelta(seconds=cue.t_s))
        case "started":
            return point("session", values, started)
        case "ended":
            values["running_s"] = values["summary"].get("running_s")
            return point("session", values | (load._asdict() if load else {}), started)
    return None


def status_points(runner: str, status: dict[str, Any], moment: datetime, *, ended: Iterable[str] = ()) -> list[Point]:
    """What a runner is doing, what holds and what has just `ended`, from a message `status` of the feed.

    `now` is the one line for a wall that is read from afar: what to do first, else what holds, else the phase.
    """
    held = status["held"]
    words = ", ".join(fault.replace("_", " ") for fault in held)
    phase = "good form" if status["phase"] == "running" else status["phase"]
    now = status.get("prompt") or words.capitalize() or phase.capitalize()
    known = status | {"runner": runner, "held": words, "now": now}
    holds = dict.fromkeys(ended, 0.0) | dict.fromkeys(held, 1.0)
    faults = [point("fault", known | {"fault": fault, "holds": value}, moment) for fault, value in holds.items()]
    return [point("status", known, moment), *faults]


def own_values(stride: dict[str, Any]) -> dict[str, float]:
    """What a message `stride` of the feed tells of the runner's own habit: differences from it, and the usual tilt.

    The tilt has no norm, so graphs need what is usual for this runner to be seen beside it.
    """
    values = dict(stride.get("against_own", {}))
    if _TILT in values:
        values[f"usual_{_TILT}"] = stride[_TILT] - values[_TILT]
    return values


def own_point(runner: str, session: str, strides: Sequence[dict[str, float]], moment: datetime) -> Point:
    """The means of strides' `own_values`."""
    values = {
        name: [of_stride[name] for of_stride in strides if name in of_stride] for name in MEASUREMENTS["own"].fields
    }
    means = {name: fmean(found) for name, found in values.items() if found}
    return point("own", means | {"runner": runner, "session": session}, moment)


def service_point(moment: datetime, **values: Any) -> Point:
    """How the service on this computer is doing; at least that it is there, and its version."""
    return point("service", {"host": node(), "version": version("hamstream")} | values, moment)


def pod_points(runner: str, session: str, pods: Iterable[dict[str, Any]], moment: datetime) -> list[Point]:
    """One point a pod."""
    return [point("pod", pod | {"runner": runner, "session": session}, moment) for pod in pods]


def point(measurement: str, values: dict[str, Any], moment: datetime) -> Point:
    """A point of one of MEASUREMENTS at `moment`; `values` may hold more than it takes."""
    tags, names = MEASUREMENTS[measurement]
    made = Point(measurement)
    for tag in tags:
        made.tag(tag, values[tag])
    for name in names:
        value = values.get(name)
        if isinstance(value, str):
            made.field(name, value)
        elif value is not None and math.isfinite(value):
            made.field(name, float(value))
    return made.time(moment)
