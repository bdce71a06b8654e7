"""Lists as plain text, their columns under one another. Pure."""

from collections.abc import Sequence
from datetime import datetime

from host.sinks.schema import SessionRow
from host.texts.language import Language
from host.texts.plain import unbroken

_GAP = "  "


def columns(rows: Sequence[Sequence[str]], aligned: str) -> list[str]:
    """One line a row. `aligned`: for each column `<` or `>`. Soft hyphens go: nothing is broken here."""
    rows = [[unbroken(text) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(f"{text:{side}{width}}" for text, side, width in zip(row, aligned, widths, strict=True)).rstrip()
        for row in rows
    ]


def sessions(rows: Sequence[SessionRow], texts: Language) -> list[str]:
    """All sessions, oldest first, each with its name last: that is what other commands take."""
    words = texts.sessions
    if not rows:
        return [words["none"]]
    head = [words[key] for key in ("started", "runner", "minutes", "strides", "cues", "source", "session")]
    return columns([head, *(_session(row, texts) for row in rows)], "<<>>><<")


def _session(row: SessionRow, texts: Language) -> list[str]:
    source = source_text(row.source, texts) + (f", {texts.sessions['cut']}" if row.cut else "")
    minutes = texts.number(row.duration_s / 60.0, 1)
    return [local(row.started_utc), row.runner, minutes, str(row.strides), str(row.cues), source, row.session]


def source_text(source: str, texts: Language) -> str:
    """Where the strides of a session come from: pods, the demo, or a recording."""
    kind, _, file = source.partition(":")
    return str(texts.sessions.get(kind, source)).format(file=file)


def local(utc: str) -> str:
    """A time on this computer's clock, to the minute; as `--at` takes it."""
    return f"{datetime.fromisoformat(utc).astimezone():%Y-%m-%d %H:%M}"
