"""Plain tables of pod samples, read as a stream: `NAME.imu.csv`, `NAME.imu.csv.gz`, `NAME.imu.parquet`.

Columns: `t_s` (seconds), `pod` (pelvis, shank_left or shank_right), `acc_x, acc_y, acc_z` (m/s2, at rest + g
up), `gyr_x, gyr_y, gyr_z` (rad/s), in sensor axes as in dsp/types.py, and, if there is one, `pressure_pa`,
which may be sparse. Others are ignored. Rows are in order of time, the pods' interleaved. A row with an empty
or NaN cell is a lost sample, and so is a row that is not there.

Called by analyze.py and by the simulator's playback. Memory does not depend on the table's length, and no
Python runs per row. What is wrong with a table is a TableError: one sentence, with what to do.
"""

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from host.errors import TableError
from host.table_checks import ROLES, Checks, Chunk

SUFFIXES = (".imu.csv.gz", ".imu.csv", ".imu.parquet", ".csv.gz", ".csv", ".parquet")
# In the order of FRAME, where pressure comes last.
NUMBERS = ("t_s", "acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
REQUIRED = (*NUMBERS, "pod")
PRESSURE = "pressure_pa"

# What is read at a time: about half a minute of three pods.
BATCH_ROWS = 65_536
BATCH_BYTES = 1 << 20

_TEXT = pa.dictionary(pa.int32(), pa.string())


def table_name(path: Path) -> str | None:
    """NAME of `NAME.imu.csv.gz` and the like; None when the file's name is not that of a table."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix) or None
    return None


def read_table(
    path: Path, chunk_s: float = 1.0, progress: Callable[[float], None] = lambda share: None
) -> Iterator[Chunk]:
    """Frames (dtype FRAME) of each pod, in chunks of at most `chunk_s`, in order of time.

    Lost samples are frames of NaN with their time. `progress` is told the share of the file that was read.
    Raises TableError, possibly only at the end: what was yielded before is then not to be used.
    """
    checks = Checks(path)
    with _translated(path):
        batches = _parquet_batches(path) if path.name.endswith(".parquet") else _csv_batches(path)
        for batch, share in batches:
            frames = checks.accept(_values(batch), batch.column("pod"))
            progress(share)
            yield from _chunks(frames, chunk_s)
    checks.finish()


def _values(batch: pa.RecordBatch) -> NDArray[np.float64]:
    """(rows, 8) numbers in the order of FRAME. An empty cell is NaN."""
    values = np.empty((batch.num_rows, len(NUMBERS) + 1))
    for k, name in enumerate(NUMBERS):
        values[:, k] = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
    present = PRESSURE in batch.schema.names
    values[:, -1] = batch.column(PRESSURE).cast(pa.float64()).to_numpy(zero_copy_only=False) if present else np.nan
    return values


def _chunks(frames: Chunk, chunk_s: float) -> Iterator[Chunk]:
    """Cut at whole multiples of `chunk_s`: where the file was cut into batches hardly shows."""
    if not frames:
        return
    ticks = {role: np.floor(of_role["t_s"] / chunk_s) for role, of_role in frames.items()}
    marks = np.unique(np.concatenate([t[np.diff(t, prepend=-np.inf) > 0] for t in ticks.values()]))
    cuts = {role: [*np.searchsorted(t, marks), len(t)] for role, t in ticks.items()}
    for k in range(len(marks)):
        yield {role: frames[role][cut[k] : cut[k + 1]] for role, cut in cuts.items() if cut[k] < cut[k + 1]}


# --- from file to batches ---

Batches = Iterator[tuple[pa.RecordBatch, float]]  # with the share of the file that has been read


def _csv_batches(path: Path) -> Batches:
    zipped = path.name.endswith(".gz")
    with (gzip.open if zipped else open)(path, "rb") as file:
        header = file.readline(1 << 16).decode("utf-8-sig")
    if not header:
        raise TableError(path, "is empty; record again")
    columns = _wanted(path, next(csv.reader([header.strip()]), []))
    torn: list[str] = []

    def note_torn(row: pyarrow.csv.InvalidRow) -> str:
        torn.append(f"a row has {row.actual_columns} cells instead of {row.expected_columns}: {row.text[:60]!r}")
        return "error"

    raw = pa.OSFile(str(path))
    try:
        reader = pyarrow.csv.open_csv(
            pa.CompressedInputStream(raw, "gzip") if zipped else raw,
            read_options=pyarrow.csv.ReadOptions(block_size=BATCH_BYTES),
            parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=note_torn),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=columns,
                column_types={name: _TEXT if name == "pod" else pa.float64() for name in columns},
            ),
        )
        for batch in reader:
            yield batch, raw.tell() / max(raw.size(), 1)
    except pa.ArrowInvalid as error:
        wrong = re.search(r"invalid value '(.*)'", str(error))
        text = f"a cell holds {wrong[1]!r} where a number is expected" if wrong else str(error).splitlines()[0]
        raise TableError(path, f"{torn[0] if torn else text}; correct or remove that row") from error


def _parquet_batches(path: Path) -> Batches:
    try:
        schema = pyarrow.parquet.read_schema(path)
    except pa.ArrowInvalid as error:
        raise TableError(path, "is not a Parquet file, or is cut short; write it again") from error
    columns = _wanted(path, schema.names)
    for name in columns:
        _check_type(path, name, schema.field(name).type)
    # No pre_buffer: it would hold a whole row group, which for many writers is the whole file.
    options = {"read_dictionary": ["pod"], "pre_buffer": False, "buffer_size": 1 << 20}
    with pyarrow.parquet.ParquetFile(path, **options) as file:
        done, total = 0, max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            done += batch.num_rows
            yield batch, done / total


def _wanted(path: Path, names: list[str]) -> list[str]:
    missing = [name for name in REQUIRED if name not in names]
    if len(names) == 1 and (cut := next((mark for mark in ";\t|" if mark in names[0]), "")):
        problem = f"has its cells separated by {cut!r}; write it with commas, and points in the numbers"
        raise TableError(path, problem)
    if missing:
        found = ", ".join(names)[:80] or "nothing"
        raise TableError(path, f"has no column {', '.join(missing)} (found: {found}); add what is missing")
    return [*REQUIRED, *([PRESSURE] if PRESSURE in names else [])]


def _check_type(path: Path, name: str, kind: pa.DataType) -> None:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    number = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)
    if name == "pod" and not text:
        raise TableError(path, f"column pod holds {kind} instead of text; write {ROLES}")
    if name != "pod" and not number:
        raise TableError(path, f"column {name} holds {kind} where numbers are expected; write float64")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """What the operating system and the decompressors say, as a TableError."""
    try:
        yield
    except FileNotFoundError as error:
        raise TableError(path, "there is no such file; check the path") from error
    except gzip.BadGzipFile as error:
        raise TableError(path, "is not a gzip file; rename it, or compress it again") from error
    except (EOFError, zlib.error) as error:
        raise TableError(path, "the compressed data are cut short or damaged; copy it again") from error
    except OSError as error:
        # An error of pyarrow's decompressor has no strerror.
        problem = error.strerror or "the data are cut short or damaged"
        raise TableError(path, f"cannot be read ({problem}); check it or copy it again") from error
    except UnicodeDecodeError as error:
        raise TableError(path, "is not a text file; save it as CSV in UTF-8") from error
