"""What stands in InfluxDB: measurements, tags and fields, by the names of host/records.py (docs/influx.md).

Pure: entries of the store's log, and what the feed says of pods, become points. A point's identity is its measurement,
its tags and its time, so the same entry written twice is one point. Every number is a float, for a field that was
once written as an integer refuses floats for ever. What is unknown is left out.
"""

import math
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from influxdb_client.client.write.point import Point

from host.records import Cue, PodHealth, Stride
from host.sinks.schema import Entry


class Measurement(NamedTuple):
    tags: tuple[str, ...]
    fields: tuple[str, ...]


def _measurement(record: type, *tags: str) -> Measurement:
    names = (field.name for field in fields(record))
    return Measurement(tags, tuple(name for name in names if name not in tags))


MEASUREMENTS = {
    "stride": _measurement(Stride, "runner", "session", "side"),
    "cue": _measurement(Cue, "runner", "session", "fault"),
    "pod": _measurement(PodHealth, "runner", "session", "role"),
    "service": Measurement(("host",), ("queue", "dropped", "version")),
}


def entry_point(entry: Entry) -> Point | None:
    """The point of a stride or a cue; None for what has no point. Its time is the session's start and its own."""
    if entry.kind not in ("stride", "cue") or not entry.runner:
        return None
    at_s = entry.payload["ic_s" if entry.kind == "stride" else "t_s"]
    moment = datetime.fromisoformat(entry.started_utc) + timedelta(seconds=at_s)
    return point(entry.kind, entry.payload | {"runner": entry.runner, "session": entry.session}, moment)


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
