"""Writes a stored session's report into a file: the work of `hamstream report`."""

import asyncio
from pathlib import Path

from rich.console import Console

from host.config import Config
from host.report.material import gather
from host.report.page import report_html
from host.results import whole_file
from host.sinks.store import Store


async def write_report(config: Config, session: str, out: Path | None = None) -> Path:
    """Where it wrote: `out`, or a file named after the session in the folder `out`, or in this one.

    `session` may be `last`. Raises UnknownSessionError, or SinkError when the file or the store cannot be used.
    """
    async with Store.open(config.database) as store:
        row = await store.session(session)
        with Console(stderr=True).status(f"Writing the report of {row.session} ..."):
            html = await report_of(config, store, row.session)
    path = _place(f"{row.session}.html", out)
    with whole_file(path) as file:
        file.write(html)
    return path


def _place(name: str, out: Path | None) -> Path:
    return out / name if out and out.is_dir() else out or Path(name)


async def report_of(config: Config, store: Store, session: str) -> str:
    """The report as HTML. Raises UnknownSessionError. The event loop goes on meanwhile."""
    row = await store.session(session)
    person = config.person(row.runner, await store.person(row.runner))
    material = await gather(store, row, person.language or "")
    return await asyncio.to_thread(report_html, material)
