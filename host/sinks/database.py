"""The store's database file: its tables, how it is opened, and how an older one is brought up to date.

`log` orders everything that was ever stored by one growing number, `seq`; strides, cues, their effects, pain scores and
the beginnings and ends of sessions hang off it. A sink's place in the log is therefore one number. NaN is stored as
NULL. What is written and read stands in schema.py.
"""

import logging
import math
import sqlite3
from dataclasses import fields
from pathlib import Path
from typing import Any

from host.errors import SinkError
from host.records import Cue, Effect, Pain, Person, SessionInfo, Stride

log = logging.getLogger(__name__)

# 2: strides have more columns. 3: runners, pain scores, effects of cues. 4: when pain was felt, beside when noted.
VERSION = 4
APPLICATION_ID = int.from_bytes(b"hams", "big")  # tells our files from other people's SQLite files

# How long a statement waits for another process's transaction. Ours take milliseconds.
BUSY_S = 2.0

_TYPES: dict[Any, str] = {str: "TEXT", int: "INTEGER", float: "REAL", float | None: "REAL", int | None: "INTEGER"}


def columns_of(record: type) -> list[str]:
    """A record's fields that are columns of its own table; its session is one of every table."""
    return [field.name for field in fields(record) if field.name != "session"]


def _columns(record: type, *without: str) -> str:
    types = {field.name: _TYPES.get(field.type, "TEXT") for field in fields(record)}
    return ", ".join(f"{name} {types[name]}" for name in columns_of(record) if name not in without)


_TABLES = {
    "sessions": f"""CREATE TABLE sessions (
    {", ".join(f"{field.name} TEXT NOT NULL" for field in fields(SessionInfo))},
    ended_utc TEXT,           -- NULL while the session runs
    cut INTEGER NOT NULL DEFAULT 0,  -- 1: it was never ended; closed at its last stride by a later start
    summary TEXT NOT NULL DEFAULT '{{}}',
    PRIMARY KEY (session)
) WITHOUT ROWID""",
    "log": """CREATE TABLE log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even after rows were deleted
    session TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('started', 'ended', 'stride', 'cue', 'effect', 'pain'))
)""",
    "strides": f"""CREATE TABLE strides (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, {_columns(Stride)}
)""",
    "cues": f"""CREATE TABLE cues (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, number INTEGER NOT NULL, decided_utc TEXT NOT NULL,
    {_columns(Cue)}
)""",
    "effects": f"""CREATE TABLE effects (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL, {_columns(Effect)}
)""",
    "pain": f"""CREATE TABLE pain (
    seq INTEGER PRIMARY KEY, of_session TEXT NOT NULL,  -- '' where it belongs to none
    {_columns(Pain)}
)""",
    "runners": f"""CREATE TABLE runners (
    name TEXT PRIMARY KEY, {_columns(Person, "name")}
) WITHOUT ROWID""",
    "profiles": """CREATE TABLE profiles (
    runner TEXT PRIMARY KEY, baseline TEXT NOT NULL, updated_utc TEXT NOT NULL
) WITHOUT ROWID""",
    "cursors": "CREATE TABLE cursors (sink TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID",
}
_INDEXES = {
    "strides_of_session": "CREATE INDEX strides_of_session ON strides (of_session, number)",
    "cues_of_session": "CREATE INDEX cues_of_session ON cues (of_session, number)",
    "effects_of_session": "CREATE INDEX effects_of_session ON effects (of_session, cue_number)",
    "pain_of_runner": "CREATE INDEX pain_of_runner ON pain (runner, noted_utc)",
}


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
    present = _present(conn)
    if present and owner != APPLICATION_ID:
        raise SinkError(endpoint, "belongs to another program; move it away, or set another folder")
    if version > VERSION:
        raise SinkError(
            endpoint,
            f"was written by a newer hamstream (schema {version}, this knows {VERSION}); update hamstream",
        )
    if version < VERSION:
        if present:
            log.warning(
                "%s is of an older hamstream and is brought up to date; a large one takes some seconds", endpoint
            )
        _bring_up_to_date(conn, present)
    conn.execute("COMMIT")


def _present(conn: sqlite3.Connection) -> dict[str, str]:
    """Tables and indexes by name, each with the statement that made it."""
    return dict(conn.execute("SELECT name, sql FROM sqlite_master"))


def _bring_up_to_date(conn: sqlite3.Connection, present: dict[str, str]) -> None:
    """Makes what is missing, of an empty file everything, and makes anew what was made by another statement."""
    for name, statement in _TABLES.items():
        if name not in present:
            conn.execute(statement)
        elif present[name] != statement:
            _make_anew(conn, name, statement)
    present = _present(conn)  # an index goes with the table that it was made for
    for name, statement in _INDEXES.items():
        if name not in present:
            conn.execute(statement)
    conn.execute("UPDATE pain SET at_utc = noted_utc WHERE at_utc IS NULL")  # before 4 these were one
    conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    conn.execute(f"PRAGMA user_version = {VERSION}")


def _make_anew(conn: sqlite3.Connection, name: str, statement: str) -> None:
    """The table as it is made now, with all rows: a column that they do not have becomes NULL, unknown.

    Made anew and not altered, because SQLite changes no CHECK, and columns stand in the order of their record.
    """
    columns = ", ".join(row[1] for row in conn.execute(f"PRAGMA table_info({name})"))
    conn.execute(f"ALTER TABLE {name} RENAME TO {name}_before")
    conn.execute(statement)
    conn.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}_before")
    # The last number given goes on to count, though its row may be gone.
    conn.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
    conn.execute("UPDATE sqlite_sequence SET name = ? WHERE name = ?", (name, f"{name}_before"))
    conn.execute(f"DROP TABLE {name}_before")


def nan_for_null(row: tuple[Any, ...]) -> list[Any]:
    """A row of numbers and texts, its unknown numbers NaN again."""
    return [math.nan if value is None else value for value in row]
