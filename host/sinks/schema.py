"""What is written to the store's database and read from it: functions on a connection.

The tables stand in database.py. What is known of a runner as a person is read and written by people.py.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

from host.records import Cue, Effect, Pain, Person, SessionInfo, Stride, cue_id, finite_or_none, utc_text
from host.sinks import people
from host.sinks.database import columns_of, nan_for_null

_INFO = [field.name for field in fields(SessionInfo)]
_STRIDE = columns_of(Stride)
_CUE = columns_of(Cue)
# The kinds of entries that have a row of their own: its table, and the columns after seq and session.
_ROWS: Mapping[str, tuple[str, list[str]]] = {
    "stride": ("strides", ["number", *_STRIDE]),
    "cue": ("cues", ["number", "decided_utc", *_CUE]),
    "effect": ("effects", columns_of(Effect)),
    "pain": ("pain", columns_of(Pain)),
}


class Entry(NamedTuple):
    """One line of the log. `payload` is ready for JSON: None where a number is unknown."""

    seq: int
    kind: str  # "started", "ended", "stride", "cue", "effect", "pain"
    session: str  # "" where a pain score belongs to none
    runner: str
    payload: dict[str, Any]
    started_utc: str = ""  # of the session


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session in the list of sessions."""

    session: str
    runner: str
    started_utc: str
    source: str
    recording: str
    ended_utc: str  # "" while it runs
    cut: bool  # never ended by itself: the process was killed
    duration_s: float
    strides: int
    good_strides: int
    cues: int  # praise is none
    summary: dict[str, Any]

    def __str__(self) -> str:
        """One line for people, the session's name last."""
        started = datetime.fromisoformat(self.started_utc).astimezone()
        cues = "cue " if self.cues == 1 else "cues"
        return (
            f"{started:%Y-%m-%d %H:%M}  {self.runner:<16} {self.duration_s / 60:6.1f} min {self.strides:6d} strides"
            f" {self.cues:3d} {cues}  {self.source:<8} {'(cut short) ' if self.cut else ''}{self.session}"
        )


class SessionLoad(NamedTuple):
    """What a session came to, of the strides that are stored."""

    duration_s: float  # from the session's start to the end of its last stride
    distance_m: float  # sum of speed times duration, of strides whose speed is known
    strides: int  # of both legs
    good_strides: int
    cues: int  # without praise


class Op(NamedTuple):
    """One thing to write: a key of `_WRITERS`, its session, runner or sink, and the values."""

    kind: str
    key: str
    values: tuple[Any, ...]


# --- writing ---


def _log(conn: sqlite3.Connection, session: str, kind: str) -> int:
    row = conn.execute("INSERT INTO log (session, kind) VALUES (?, ?)", (session, kind))
    assert row.lastrowid is not None
    return row.lastrowid


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _write_started(conn: sqlite3.Connection, session: str, values: tuple[Any, ...]) -> None:
    conn.execute(f"INSERT OR IGNORE INTO sessions ({', '.join(_INFO)}) VALUES ({_marks(len(_INFO))})", values)
    _log(conn, session, "started")


def _write_ended(conn: sqlite3.Connection, session: str, values: tuple[Any, ...]) -> None:
    conn.execute("UPDATE sessions SET ended_utc = ?, summary = ?, cut = ? WHERE session = ?", (*values, session))
    _log(conn, session, "ended")


def _write_row(kind: str) -> Callable[[sqlite3.Connection, str, tuple[Any, ...]], None]:
    table, _ = _ROWS[kind]

    def write(conn: sqlite3.Connection, session: str, values: tuple[Any, ...]) -> None:
        row = (_log(conn, session, kind), session, *values)
        conn.execute(f"INSERT INTO {table} VALUES ({_marks(len(row))})", row)

    return write


def _write_profile(conn: sqlite3.Connection, runner: str, values: tuple[Any, ...]) -> None:
    conn.execute("INSERT OR REPLACE INTO profiles VALUES (?, ?, ?)", (runner, *values))


def _write_cursor(conn: sqlite3.Connection, sink: str, values: tuple[Any, ...]) -> None:
    conn.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?)", (sink, *values))


_WRITERS = {
    "started": _write_started,
    "ended": _write_ended,
    **{kind: _write_row(kind) for kind in _ROWS},
    "person": people.write_person,
    "profile": _write_profile,
    "cursor": _write_cursor,
}


def write(conn: sqlite3.Connection, ops: Iterable[Op]) -> int:
    """All of `ops` or, when it raises, none. Returns the log's last seq."""
    conn.execute("BEGIN IMMEDIATE")
    try:
        for kind, key, values in ops:
            _WRITERS[kind](conn, key, values)
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise
    return head(conn)


def close_abandoned(conn: sqlite3.Connection) -> list[str]:
    """Ends sessions that nobody ended, at their last stride. Right when no other process has the store."""
    rows = conn.execute(
        "SELECT session, started_utc, (SELECT max(next_ic_s) FROM strides WHERE of_session = session)"
        " FROM sessions WHERE ended_utc IS NULL"
    ).fetchall()
    ops = []
    for session, started_utc, last_s in rows:
        ended = datetime.fromisoformat(started_utc) + timedelta(seconds=last_s or 0.0)
        ops.append(Op("ended", session, (utc_text(ended), "{}", 1)))
    if ops:
        write(conn, ops)
    return [op.key for op in ops]


# --- reading ---


def head(conn: sqlite3.Connection) -> int:
    """The last seq ever given; 0 for an empty log."""
    row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
    return int(row[0]) if row else 0


def entries_after(conn: sqlite3.Connection, cursor: int, limit: int) -> list[Entry]:
    """Up to `limit` entries with a seq above `cursor`, in order."""
    info = [f"sessions.{name}" for name in _INFO]
    rows = [f"{table}.{name}" for table, names in _ROWS.values() for name in names]
    found = conn.execute(
        f"SELECT log.seq, log.kind, log.session, {', '.join(info)}, ended_utc, cut, summary, {', '.join(rows)} FROM log"
        " LEFT JOIN sessions ON sessions.session = log.session "
        + " ".join(f"LEFT JOIN {table} ON {table}.seq = log.seq" for table, _ in _ROWS.values())
        + " WHERE log.seq > ? ORDER BY log.seq LIMIT ?",
        (cursor, limit),
    )
    return [_entry(row) for row in found]


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, kind, session = row[:3]
    info = dict(zip(_INFO, row[3:], strict=False))
    ended_utc, cut, summary, *rest = row[3 + len(_INFO) :]
    runner = info["runner"] or ""
    payload = {"session": session} | _row(kind, rest) if kind in _ROWS else info | {"event": kind}
    if kind == "stride":
        payload["stride"] = payload.pop("number")
    elif kind == "cue":
        payload["cue_id"] = cue_id(session, payload.pop("number"))
    elif kind == "effect":
        payload["cue_id"] = cue_id(session, payload["cue_number"])
    elif kind == "pain":
        runner = payload["runner"]
    elif kind == "ended":
        payload |= {"ended_utc": ended_utc, "cut": bool(cut), "summary": json.loads(summary or "{}")}
    return Entry(seq, kind, session, runner, payload, info["started_utc"] or "")


def _row(kind: str, values: list[Any]) -> dict[str, Any]:
    """The columns of `kind` among those of all kinds."""
    for other, (_, names) in _ROWS.items():
        if other == kind:
            return dict(zip(names, values, strict=False))
        values = values[len(names) :]
    raise KeyError(kind)


def strides_of(conn: sqlite3.Connection, session: str) -> list[Stride]:
    """All strides of a session, in order; NULL is NaN again."""
    rows = conn.execute(f"SELECT {', '.join(_STRIDE)} FROM strides WHERE of_session = ? ORDER BY number", (session,))
    return [Stride(*nan_for_null(row)) for row in rows]


def medians(conn: sqlite3.Connection, session: str, metrics: Sequence[str], side: str) -> dict[str, float]:
    """The medians of these fields of Stride over a session's good strides, of the leg `side` or, empty, of both.

    A metric of which nothing is known is not among them.
    """
    rows = conn.execute(
        f"SELECT {', '.join(metrics)} FROM strides WHERE of_session = ? AND quality = '' AND ? IN ('', side)",
        (session, side),
    ).fetchall()
    known = {
        name: [value for value in column if value is not None]
        for name, column in zip(metrics, zip(*rows, strict=True), strict=bool(rows))
    }
    return {name: median(column) for name, column in known.items() if column}


def cues_of(conn: sqlite3.Connection, session: str) -> list[Cue]:
    """All cues of a session, in order."""
    rows = conn.execute(f"SELECT {', '.join(_CUE)} FROM cues WHERE of_session = ? ORDER BY number", (session,))
    return [Cue(*row) for row in rows]


def cue_of(conn: sqlite3.Connection, session: str, number: int) -> Cue | None:
    """One cue of a session, or None."""
    found = conn.execute(f"SELECT {', '.join(_CUE)} FROM cues WHERE of_session = ? AND number = ?", (session, number))
    row = found.fetchone()
    return Cue(*row) if row else None


def sessions(conn: sqlite3.Connection) -> list[SessionRow]:
    """All sessions, oldest first."""
    rows = conn.execute(
        f"SELECT {', '.join(_INFO)}, ended_utc, cut, summary,"
        " (SELECT count(*) FROM strides WHERE of_session = session),"
        " (SELECT count(*) FROM strides WHERE of_session = session AND quality = ''),"
        " (SELECT max(next_ic_s) FROM strides WHERE of_session = session),"
        " (SELECT count(*) FROM cues WHERE of_session = session AND kind = 'cue')"
        " FROM sessions ORDER BY started_utc, session"
    )
    return [_session_row(row) for row in rows]


def _session_row(row: tuple[Any, ...]) -> SessionRow:
    info = dict(zip(_INFO, row, strict=False))
    ended_utc, cut, summary, strides, good_strides, last_s, cues = row[len(_INFO) :]
    duration_s = last_s or 0.0
    if ended_utc:  # a replay may run faster than the clock on the wall: then the strides tell how long it was
        started, ended = (datetime.fromisoformat(text) for text in (info["started_utc"], ended_utc))
        duration_s = max(duration_s, (ended - started).total_seconds())
    return SessionRow(
        **info,
        ended_utc=ended_utc or "",
        cut=bool(cut),
        duration_s=duration_s,
        strides=strides,
        good_strides=good_strides,
        cues=cues,
        summary=json.loads(summary),
    )


def load_of(conn: sqlite3.Connection, session: str) -> SessionLoad:
    """What the session came to; all zero when it has no strides."""
    row = conn.execute(
        "SELECT coalesce(max(next_ic_s), 0.0),"
        " coalesce(sum(speed_mps * (next_ic_s - ic_s)) / 2.0, 0.0),"  # both legs cover the same ground
        " count(*), count(*) FILTER (WHERE quality = ''),"
        " (SELECT count(*) FROM cues WHERE of_session = :session AND kind = 'cue')"
        " FROM strides WHERE of_session = :session",
        {"session": session},
    ).fetchone()
    return SessionLoad(*row)


def baseline(conn: sqlite3.Connection, runner: str) -> str | None:
    row = conn.execute("SELECT baseline FROM profiles WHERE runner = ?", (runner,)).fetchone()
    return row[0] if row else None


def cursor(conn: sqlite3.Connection, sink: str) -> int | None:
    row = conn.execute("SELECT position FROM cursors WHERE sink = ?", (sink,)).fetchone()
    return row[0] if row else None


# --- records as values ---


def started(info: SessionInfo) -> Op:
    return Op("started", info.session, tuple(asdict(info).values()))


def stride(session: str, number: int, record: Stride) -> Op:
    values = (finite_or_none(getattr(record, name)) for name in _STRIDE)
    return Op("stride", session, (number, *values))


def cue(session: str, number: int, record: Cue, decided_utc: str) -> Op:
    return Op("cue", session, (number, decided_utc, *(getattr(record, name) for name in _CUE)))


def effect(session: str, record: Effect) -> Op:
    return Op("effect", session, tuple(finite_or_none(getattr(record, name)) for name in columns_of(Effect)))


def pain(record: Pain) -> Op:
    return Op("pain", record.session, tuple(getattr(record, name) for name in columns_of(Pain)))


def person(record: Person) -> Op:
    return Op("person", record.name, people.person_values(record))
