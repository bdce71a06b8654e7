"""Writes a stored session's export into files: the work of `hamstream export`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console

from host.config import Config
from host.errors import SinkError
from host.records import Cue, Stride
from host.results import whole_file, whole_path
from host.sinks.schema import SessionRow
from host.sinks.store import Store

Format = Literal["csv", "parquet", "fit"]


def export(config: Config, session: str, format: Format, folder: Path) -> list[Path]:
    """The files that it wrote into `folder`, made if need be: SESSION.strides.csv and SESSION.cues.csv, the same as
    .parquet, or SESSION.fit.

    `session` may be `last`. Raises UnknownSessionError, ExportError, SinkError.
    """
    row, strides, cues = asyncio.run(_read(config, session))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(str(folder), f"cannot be made ({error.strerror}); choose another folder with --out") from error
    with Console(stderr=True).status(f"Writing {row.session} ..."):
        return _WRITERS[format](row, strides, cues, folder)


async def _read(config: Config, session: str) -> tuple[SessionRow, list[Stride], list[Cue]]:
    async with Store.open(config.database) as store:
        row = await store.session(session)
        return row, await store.strides(row.session), await store.cues(row.session)


def _csv(row: SessionRow, strides: Sequence[Stride], cues: Sequence[Cue], folder: Path) -> list[Path]:
    from host.export.tables import write_csv

    paths = [folder / f"{row.session}.{kind}.csv" for kind in ("strides", "cues")]
    with whole_file(paths[0]) as strides_file, whole_file(paths[1]) as cues_file:
        write_csv(strides_file, cues_file, strides, cues)
    return paths


def _parquet(row: SessionRow, strides: Sequence[Stride], cues: Sequence[Cue], folder: Path) -> list[Path]:
    import pyarrow.parquet as pq

    from host.export.tables import arrow_table

    paths = [folder / f"{row.session}.{kind}.parquet" for kind in ("strides", "cues")]
    with whole_path(paths[0]) as strides_path, whole_path(paths[1]) as cues_path:
        pq.write_table(arrow_table(row, Stride, strides), strides_path)
        pq.write_table(arrow_table(row, Cue, cues), cues_path)
    return paths


def _fit(row: SessionRow, strides: Sequence[Stride], cues: Sequence[Cue], folder: Path) -> list[Path]:
    from host.export.fit import fit_bytes  # here, because the FIT profile takes a while to load

    path = folder / f"{row.session}.fit"
    with whole_path(path) as part:
        part.write_bytes(fit_bytes(row, strides))
    return [path]


_WRITERS = {"csv": _csv, "parquet": _parquet, "fit": _fit}
