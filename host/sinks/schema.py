"""The store's database: its tables, and what is written to and read from them. Functions on a connection.

`log` orders everything that was ever stored by one growing number, `seq`; strides, cues and the beginnings
and ends of sessions hang off it. A sink's place in the log is therefore one number. NaN is stored as NULL.
"""

import json
import math
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from host.errors import SinkError
from host.records import Cue, SessionInfo, Stride, utc_text

VERSION = 2  # 2: strides have more columns
APPLICATION_ID = int.from_bytes(b"hams", "big")  # tells our files from other people's SQLite files

# How long a statement waits for another process's transaction. Ours take milliseconds.
BUSY_S = 2.0

_INFO = [field.name for field in fields(SessionInfo)]
_STRIDE = [field.name for field in fields(Stride)]
_CUE = [field.name for field in fields(Cue)]


def _columns(record: type) -> str:
    return ", ".join(f"{field.name} {'TEXT' if field.type is str else 'REAL'}" for field in fields(record))


_CREATE = f"""
CREATE TABLE sessions (
    {", ".join(f"{name} TEXT NOT NULL" for name in _INFO)},
    ended_utc TEXT,           -- NULL while the session runs
    cut INTEGER NOT NULL DEFAULT 0,  -- 1: it was never ended; closed at its last stride by a later start
    summary TEXT NOT NULL DEFAULT '{{}}',
    PRIMARY KEY (session)
) WITHOUT ROWID;
CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even after rows were deleted
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('started', 'ended', 'stride', 'cue'))
);
CREATE TABLE strides (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, {_columns(Stride)}
);
CREATE INDEX strides_of_session ON strides (of_session, number);
CREATE TABLE cues (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, decided_utc TEXT NOT NULL,
    {_columns(Cue)}
);
CREATE INDEX cues_of_session ON cues (of_session, number);
CREATE TABLE profiles (
    runner TEXT PRIMARY KEY, baseline TEXT NOT NULL, updated_utc TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE cursors (sink TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
"""


class Entry(NamedTuple):
    """One line of the log. `payload` is ready for JSON: None where a number is unknown."""

    seq: int
    kind: str  # "started", "ended", "stride", "cue"
    session: str
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
    cues: int
    summary: dict[str, Any]


class Op(NamedTuple):
    """One thing to write: a key of `_WRITERS`, its session, runner or sink, and the values."""

    kind: str
    key: str
    values: tuple[Any, ...]


def number_or_null(value: Any) -> Any:
    """NaN and infinity as NULL, anything else as it is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


# --- opening ---


def _migrate(conn: sqlite3.Connection) -> None:
    """Brings a database of version 1 up to date: columns that its strides do not have become NULL, unknown.

    The table is made anew, because its columns stand in the order of `Stride`.
    """
    present = ", ".join(row[1] for row in conn.execute("PRAGMA table_info(strides)"))
    conn.execute("ALTER TABLE strides RENAME TO strides_before")
    conn.execute("DROP INDEX strides_of_session")
    for statement in _CREATE.split(";\n"):
        if " strides " in statement:
            conn.execute(statement)
    conn.execute(f"INSERT INTO strides ({present}) SELECT {present} FROM strides_before")
    conn.execute("DROP TABLE strides_before")
    conn.execute(f"PRAGMA user_version = {VERSION}")


def connect(path: Path) -> sqlite3.Connection:
    """The database at `path`, made when absent. Raises SinkError with what to do."""
    endpoint = str(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        conn = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        problem = f"cannot be opened ({error}); check the folder and its permissions"
        raise SinkError(endpoint, problem) from error
    try:
        _prepare(conn, endpoint)
    except sqlite3.Error as error:
        conn.close()
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            problem = "is not a hamstream database; move it away, or set another folder"
        else:
            problem = f"cannot be opened ({error}); check its permissions, and that the disk is not full"
        raise SinkError(endpoint, problem) from error
    except SinkError:
        conn.close()
        raise
    return conn


def _prepare(conn: sqlite3.Connection, endpoint: str) -> None:
    conn.execute("PRAGMA journal_mode = WAL")
    # Enough against a killed process; against a power cut the last transactions may go, the file stays sound.
    conn.execute("PRAGMA synchronous = NORMAL")
    conn.execute("BEGIN IMMEDIATE")
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    (owner,) = conn.execute("PRAGMA application_id").fetchone()
    (tables,) = conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        for statement in _CREATE.split(";\n"):
            conn.execute(statement)
    elif owner != APPLICATION_ID:
        raise SinkError(endpoint, "belongs to another program; move it away, or set another folder")
    elif version > VERSION:
        raise SinkError(
            endpoint,
            f"was written by a newer hamstream (schema {version}, this knows {VERSION}); update hamstream",
        )
    elif version < VERSION:
        _migrate(conn)
    conn.execute("COMMIT")


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


def _write_row(table: str, kind: str) -> Callable[[sqlite3.Connection, str, tuple[Any, ...]], None]:
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
    "stride": _write_row("strides", "stride"),
    "cue": _write_row("cues", "cue"),
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
    info = ", ".join(f"sessions.{name}" for name in _INFO)
    rows = conn.execute(
        f"SELECT log.seq, log.kind, log.session, {info}, ended_utc, cut, summary, strides.*, cues.* FROM log"
        " LEFT JOIN sessions ON sessions.session = log.session"
        " LEFT JOIN strides ON strides.seq = log.seq LEFT JOIN cues ON cues.seq = log.seq"
        " WHERE log.seq > ? ORDER BY log.seq LIMIT ?",
        (cursor, limit),
    )
    return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, kind, session = row[:3]
    info = dict(zip(_INFO, row[3:], strict=False))
    ended_utc, cut, summary, *rest = row[3 + len(_INFO) :]
    stride, cue = rest[: 3 + len(_STRIDE)], rest[3 + len(_STRIDE) :]
    if kind == "stride":
        payload = {"session": session, "stride": stride[2]} | dict(zip(_STRIDE, stride[3:], strict=True))
    elif kind == "cue":
        payload = {"session": session, "cue_id": cue_id(session, cue[2]), "decided_utc": cue[3]}
        payload |= dict(zip(_CUE, cue[4:], strict=True))
    else:
        payload = info | {"event": kind}
        if kind == "ended":
            payload |= {"ended_utc": ended_utc, "cut": bool(cut), "summary": json.loads(summary or "{}")}
    return Entry(seq, kind, session, info["runner"] or "", payload, info["started_utc"] or "")


def cue_id(session: str, number: int) -> str:
    """The id under which a cue is published: the session and the cue's number in it, from 1."""
    return f"{session}-{number}"


def strides_of(conn: sqlite3.Connection, session: str) -> list[Stride]:
    """All strides of a session, in order; NULL is NaN again."""
    rows = conn.execute(f"SELECT {', '.join(_STRIDE)} FROM strides WHERE of_session = ? ORDER BY number", (session,))
    return [_stride(row) for row in rows]


def _stride(row: tuple[Any, ...]) -> Stride:
    values: list[Any] = [math.nan if value is None else value for value in row]
    return Stride(*values)


def cues_of(conn: sqlite3.Connection, session: str) -> list[Cue]:
    """All cues of a session, in order."""
    rows = conn.execute(f"SELECT {', '.join(_CUE)} FROM cues WHERE of_session = ? ORDER BY number", (session,))
    return [Cue(*row) for row in rows]


def sessions(conn: sqlite3.Connection) -> list[SessionRow]:
    """All sessions, oldest first."""
    rows = conn.execute(
        f"SELECT {', '.join(_INFO)}, ended_utc, cut, summary,"
        " (SELECT count(*) FROM strides WHERE of_session = session),"
        " (SELECT max(next_ic_s) FROM strides WHERE of_session = session),"
        " (SELECT count(*) FROM cues WHERE of_session = session)"
        " FROM sessions ORDER BY started_utc, session"
    )
    return [_session_row(row) for row in rows]


def _session_row(row: tuple[Any, ...]) -> SessionRow:
    info = dict(zip(_INFO, row, strict=False))
    ended_utc, cut, summary, strides, last_s, cues = row[len(_INFO) :]
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
        cues=cues,
        summary=json.loads(summary),
    )


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
    values = (number_or_null(getattr(record, name)) for name in _STRIDE)
    return Op("stride", session, (number, *values))


def cue(session: str, number: int, record: Cue, decided_utc: str) -> Op:
    return Op("cue", session, (number, decided_utc, *(getattr(record, name) for name in _CUE)))
