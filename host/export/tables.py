"""A session's strides and cues as tables: every field, units in the names, an empty cell or null is unknown."""

from collections.abc import Sequence
from dataclasses import fields
from typing import TextIO

import numpy as np
import pyarrow as pa

from host.pipeline import Output
from host.records import Cue, Stride
from host.results import EVERY_COLUMN, writer
from host.sinks.schema import SessionRow


def write_csv(strides_file: TextIO, cues_file: TextIO, strides: Sequence[Stride], cues: Sequence[Cue]) -> None:
    """Rounded to a tenth, or less, of what can be measured, as `hamstream analyze` writes them."""
    writer(strides_file, cues_file, EVERY_COLUMN)(Output(list(strides), list(cues)))


def arrow_table(row: SessionRow, record: type, rows: Sequence[Stride] | Sequence[Cue]) -> pa.Table:
    """`rows` of `record` to the last bit; the session in the schema's metadata."""
    columns = {}
    for field in fields(record):
        values = np.array([getattr(one, field.name) for one in rows])
        columns[field.name] = pa.array(values, pa.string() if field.type is str else pa.float64(), from_pandas=True)
    about = {"session": row.session, "runner": row.runner, "started_utc": row.started_utc}
    return pa.table(columns).replace_schema_metadata(about)
