"""Result files: strides and cues as CSV tables, whole or not there.

Called by analyze.py. Times are seconds, in the input's own time; units stand in the columns' names; an empty
cell is unknown.
"""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import TextIO

from host.errors import SinkError
from host.pipeline import Output
from host.records import Cue, Stride

STRIDE_COLUMNS = (
    "side",
    "ic_s",
    "tc_s",
    "next_ic_s",
    "cadence_spm",
    "contact_time_ms",
    "flight_time_ms",
    "duty_factor",
    "tibial_inclination_ic_deg",
    "foot_ahead_of_pelvis_mm",
    "pelvic_tilt_deg",
    "pelvic_tilt_range_deg",
    "pelvic_drop_deg",
    "pelvic_obliquity_range_deg",
    "pelvic_rotation_range_deg",
    "pelvic_rotation_lag_percent",
    "speed_mps",
    "grade_percent",
    "turn_rate_dps",
    "shank_retraction_dps",
    "shank_rate_early_stance_dps",
    "shank_mid_stance_deg",
    "pelvis_over_foot_percent",
    "braking_loss_mps",
    "vertical_oscillation_mm",
    "vertical_stiffness_npmkg",
    "leg_stiffness_npmkg",
    "contact_time_difference_ms",
    "tibial_inclination_difference_deg",
    "pelvic_drop_difference_deg",
    "ic_sd_ms",
    "tc_sd_ms",
    "tibial_inclination_ic_sd_deg",
    "pelvic_tilt_sd_deg",
    "foot_ahead_of_pelvis_sd_mm",
    "quality",
)
CUE_COLUMNS = tuple(field.name for field in fields(Cue))

# Decimals by unit: a tenth or less of what can be measured.
_DECIMALS = {
    "_s": 4,
    "_ms": 2,
    "_deg": 3,
    "_dps": 1,
    "_mm": 1,
    "_percent": 2,
    "_spm": 2,
    "_mps": 3,
    "_npmkg": 2,
    "_factor": 4,
}


def _format(column: str) -> str:
    """How a value of that column is written, as a % format."""
    if Stride.__annotations__.get(column) is str:
        return "%s"
    return next(f"%.{decimals}f" for unit, decimals in _DECIMALS.items() if column.endswith(unit))


# A whole row is formatted at once: an hour of running has ten thousand.
_STRIDE_ROW = ",".join(map(_format, STRIDE_COLUMNS)) + "\n"
_stride_values = attrgetter(*STRIDE_COLUMNS)


def writer(strides: TextIO, cues: TextIO) -> Callable[[Output], None]:
    """Writes what the pipeline gives into the two tables, as it comes."""
    strides.write(",".join(STRIDE_COLUMNS) + "\n")
    cue_rows = csv.writer(cues, lineterminator="\n")
    cue_rows.writerow(CUE_COLUMNS)

    def write(output: Output) -> None:
        for stride in output.strides:
            strides.write((_STRIDE_ROW % _stride_values(stride)).replace("nan", ""))
        for cue in output.cues:
            cue_rows.writerow([_format("t_s") % cue.t_s, cue.kind, cue.fault, cue.side, cue.context, cue.text])

    return write


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that appears under its name when it is complete, and not at all after an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise SinkError(str(path), f"cannot be written ({error.strerror}); check the folder and its disk") from error
    finally:
        part.unlink(missing_ok=True)
