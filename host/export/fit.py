"""A session as a FIT activity: one record a second, one lap, one session.

What the FIT profile has a field for goes there: cadence, speed, distance, grade, stance time, its share and balance,
vertical oscillation and ratio, step length. The rest are developer fields that carry their name and unit, as
float32. Values are means over the good strides that ended in that second; cadence, speed and distance over all.
"""

import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from fit_tool import FitFileBuilder
from fit_tool.base_type import BaseType
from fit_tool.data_message import DataMessage
from fit_tool.developer_field import DeveloperField
from fit_tool.profile.messages.activity_message import ActivityMessage
from fit_tool.profile.messages.developer_data_id_message import DeveloperDataIdMessage
from fit_tool.profile.messages.event_message import EventMessage
from fit_tool.profile.messages.field_description_message import FieldDescriptionMessage
from fit_tool.profile.messages.file_id_message import FileIdMessage
from fit_tool.profile.messages.lap_message import LapMessage
from fit_tool.profile.messages.record_message import RecordMessage
from fit_tool.profile.messages.session_message import SessionMessage
from fit_tool.profile.profile_type import (
    Activity,
    Event,
    EventType,
    FileType,
    LapTrigger,
    Manufacturer,
    SessionTrigger,
    Sport,
    SubSport,
)

from host.errors import ExportError
from host.export.seconds import Second, by_second, mean
from host.records import Stride
from host.sinks.schema import SessionRow

# Tells our developer fields from those of other programs: 16 bytes, the same in every file.
APPLICATION_ID = uuid.uuid5(uuid.NAMESPACE_DNS, "hamstream").bytes
INDEX = 0  # of our developer fields among those of the file: there are no others
_UNITS = {"_deg": "deg", "_mm": "mm", "_ms": "ms", "_dps": "deg/s", "_percent": "%"}


class Own(NamedTuple):
    """A developer field: what of a stride, of which leg ("" for both)."""

    field: str
    side: str = ""

    @property
    def unit(self) -> str:
        return next(unit for suffix, unit in _UNITS.items() if self.field.endswith(suffix))

    @property
    def name(self) -> str:
        """The field's, without its unit, and the side: `foot_ahead_of_pelvis_left`."""
        name = self.field.removesuffix(next(suffix for suffix in _UNITS if self.field.endswith(suffix)))
        return f"{name}_{self.side}" if self.side else name


_LEG = ("tibial_inclination_ic_deg", "foot_ahead_of_pelvis_mm", "contact_time_ms", "pelvic_drop_deg")
_BODY = ("pelvic_tilt_deg", "pelvic_tilt_range_deg", "pelvic_obliquity_range_deg", "pelvic_rotation_range_deg")
OWN = (*(Own(field, side) for field in _LEG for side in ("left", "right")), *(Own(field) for field in _BODY))


def fit_bytes(row: SessionRow, strides: Sequence[Stride]) -> bytes:
    """The file. Raises ExportError for a session without strides: no service takes an activity without records."""
    start_epoch_s = datetime.fromisoformat(row.started_utc).timestamp()
    seconds = list(by_second(strides, start_epoch_s))
    if not seconds:
        raise ExportError(row.session, "has no strides, so there is nothing to make a FIT file of")
    start_ms, end_ms = math.floor(start_epoch_s) * 1000, (seconds[-1].epoch_s + 1) * 1000
    whole = _whole(strides, seconds[-1].distance_m, start_ms, end_ms)
    builder = FitFileBuilder(strict=True)
    for message in (
        *_head(start_ms),
        _timer(start_ms, EventType.START),
        *map(_record, seconds),
        _timer(end_ms, EventType.STOP_ALL),
        _filled(LapMessage(), whole | {"event": Event.LAP, "lap_trigger": LapTrigger.SESSION_END}),
        _filled(SessionMessage(), whole | _SESSION),
        _filled(ActivityMessage(), _ACTIVITY | {"timestamp": end_ms, "total_timer_time": whole["total_timer_time"]}),
    ):
        builder.add(message)
    return bytes(builder.build_bytes())


_SESSION = {"event": Event.SESSION, "trigger": SessionTrigger.ACTIVITY_END, "first_lap_index": 0, "num_laps": 1}
_ACTIVITY = {"num_sessions": 1, "type": Activity.MANUAL, "event": Event.ACTIVITY, "event_type": EventType.STOP}


def _filled(message: DataMessage, values: Mapping[str, Any]) -> DataMessage:
    """The message with these fields; unknown numbers are left out, as FIT wants it."""
    for name, value in values.items():
        if value == value:
            setattr(message, name, value)
    return message


def _head(start_ms: int) -> Iterator[DataMessage]:
    """What the file is, and what its developer fields mean."""
    yield _filled(
        FileIdMessage(),
        {
            "type": FileType.ACTIVITY,
            "manufacturer": Manufacturer.DEVELOPMENT.value,
            "product": 0,
            "serial_number": start_ms // 1000,
            "time_created": start_ms,
            "product_name": "hamstream",
        },
    )
    yield _filled(DeveloperDataIdMessage(), {"application_id": APPLICATION_ID, "developer_data_index": INDEX})
    for number, own in enumerate(OWN):
        description = {
            "developer_data_index": INDEX,
            "field_definition_number": number,
            "fit_base_type_id": BaseType.FLOAT32.value,
            "field_name": own.name,
            "units": own.unit,
        }
        yield _filled(FieldDescriptionMessage(), description)


def _timer(at_ms: int, kind: EventType) -> DataMessage:
    return _filled(EventMessage(), {"timestamp": at_ms, "event": Event.TIMER, "event_type": kind})


def _record(second: Second) -> DataMessage:
    good = [stride for stride in second.strides if stride.good]
    own = [_own_field(number, field, mean(good, field.field, field.side)) for number, field in enumerate(OWN)]
    values = {"timestamp": second.epoch_s * 1000, "distance": second.distance_m}
    return _filled(RecordMessage(developer_fields=own), values | _native(second.strides))


def _own_field(number: int, own: Own, value: float) -> DeveloperField:
    field = DeveloperField(
        field_id=number,
        name=own.name,
        base_type=BaseType.FLOAT32,
        size=BaseType.FLOAT32.size,
        units=own.unit,
        developer_data_index=INDEX,
    )
    field.set_value(0, None if math.isnan(value) else value)
    return field


def _native(strides: Sequence[Stride]) -> dict[str, float]:
    """What the FIT profile has fields for, by their names in a record; with `avg_` before them in lap and session."""
    good = [stride for stride in strides if stride.good]
    left, right = (mean(good, "contact_time_ms", side) for side in ("left", "right"))
    step_length_mm = mean(good, "speed_mps") / mean(good, "cadence_spm") * 60_000.0
    vertical_oscillation_mm = mean(good, "vertical_oscillation_mm")
    cadence_rpm = mean(strides, "cadence_spm") / 2.0  # FIT counts the steps of one foot
    whole_rpm = cadence_rpm // 1.0
    return {
        "speed": mean(strides, "speed_mps"),
        "cadence": whole_rpm,
        "fractional_cadence": cadence_rpm - whole_rpm,
        "grade": mean(good, "grade_percent"),
        "stance_time": mean(good, "contact_time_ms"),
        "stance_time_percent": 100.0 * mean(good, "duty_factor"),
        "stance_time_balance": 100.0 * left / (left + right),  # the left leg's share
        "vertical_oscillation": vertical_oscillation_mm,
        "step_length": step_length_mm,
        "vertical_ratio": 100.0 * vertical_oscillation_mm / step_length_mm,
    }


def _whole(strides: Sequence[Stride], distance_m: float, start_ms: int, end_ms: int) -> dict[str, Any]:
    """What lap and session say of the whole run."""
    seconds = (end_ms - start_ms) / 1000.0
    return {
        "message_index": 0,
        "timestamp": end_ms,
        "event_type": EventType.STOP,
        "start_time": start_ms,
        "total_elapsed_time": seconds,
        "total_timer_time": seconds,
        "total_distance": distance_m,
        "total_strides": sum(stride.side == "left" for stride in strides),
        "sport": Sport.RUNNING,
        "sub_sport": SubSport.GENERIC,
        **{f"avg_{name}": value for name, value in _native(strides).items()},
    }
