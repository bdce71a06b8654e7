"""What the dashboards ask of InfluxDB: measurements, their tags and their fields, by the names of host/records.py.

Whatever fills the database has to write these; a test holds every query to them.
"""

from dataclasses import fields
from typing import NamedTuple

from host.records import Cue, PodHealth, Stride


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
}
