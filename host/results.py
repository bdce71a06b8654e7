"""Result files: strides and cues as CSV tables, whole or not there.

Called by analyze.py. Times are seconds, in the input's own time; units stand in the columns' names; an empty
cell is unknown.
"""

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import TextIO

from host.errors import SinkError
from host.pipeline import Output
from host.records import Cue, Stride

EVERY_COLUMN = tuple(field.name for field in fields(Stride))
STRIDE_COLUMNS = tuple(name for name in EVERY_COLUMN if name != "decided_s")  # of the core's delay, not of the runner
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


def writer(strides: TextIO, cues: TextIO, columns: Sequence[str] = STRIDE_COLUMNS) -> Callable[[Output], None]:
    """Writes what the pipeline gives into the two tables, as it comes."""
    # A whole row is formatted at once: an hour of running has ten thousand.
    row_format = ",".join(map(_format, columns)) + "\n"
    values = attrgetter(*columns)
    strides.write(",".join(columns) + "\n")
    cue_rows = csv.writer(cues, lineterminator="\n")
    cue_rows.writerow(CUE_COLUMNS)

    def write(output: Output) -> None:
        for stride in output.strides:
            strides.write((row_format % values(stride)).replace("nan", ""))
        for cue in output.cues:
            cue_rows.writerow([_format("t_s") % cue.t_s, cue.kind, cue.fault, cue.side, cue.context, cue.text])

    return write


@contextmanager
def whole_path(path: Path) -> Iterator[Path]:
    """Where to write what is to appear as `path` when it is complete, and not at all after an error."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise SinkError(str(path), f"cannot be written ({error.strerror}); check the folder and its disk") from error
    finally:
        with suppress(OSError):  # of a folder that cannot be, say: that has been told
            part.unlink(missing_ok=True)


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A text file that appears under its name when it is complete, and not at all after an error."""
    with whole_path(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield file
