"""What the store knows of a runner as a person: what they told, their pain, and what cues did for them."""

import sqlite3
from dataclasses import fields
from typing import Any

from host.records import REPLAY, Effect, Pain, Person
from host.sinks.database import nan_for_null

_PERSON = [field.name for field in fields(Person)]
_PAIN = ["of_session AS session" if field.name == "session" else field.name for field in fields(Pain)]
_EFFECT = [f"effects.{field.name}" for field in fields(Effect)]


def person_values(person: Person) -> tuple[Any, ...]:
    """A row of `runners`."""
    values = (getattr(person, name) for name in _PERSON)
    return tuple(" ".join(sorted(value)) if isinstance(value, frozenset) else value for value in values)


def write_person(conn: sqlite3.Connection, _: str, values: tuple[Any, ...]) -> None:
    conn.execute(f"INSERT OR REPLACE INTO runners VALUES ({', '.join('?' * len(values))})", values)


def persons(conn: sqlite3.Connection) -> list[Person]:
    """All runners who were entered, by name."""
    return [_person(row) for row in conn.execute(f"SELECT {', '.join(_PERSON)} FROM runners ORDER BY name")]


def _person(row: tuple[Any, ...]) -> Person:
    values = dict(zip(_PERSON, row, strict=True))
    muted = values.pop("muted")
    return Person(**values, muted=None if muted is None else frozenset(muted.split()))


def pain_of(conn: sqlite3.Connection, runner: str) -> list[Pain]:
    """All that a runner ever noted of pain, in the order in which it was noted."""
    rows = conn.execute(f"SELECT {', '.join(_PAIN)} FROM pain WHERE runner = ? ORDER BY noted_utc, seq", (runner,))
    return [Pain(*row) for row in rows]


def effects_of(conn: sqlite3.Connection, session: str) -> list[Effect]:
    """What came of the cues of a session, in order."""
    rows = conn.execute(f"SELECT {', '.join(_EFFECT)} FROM effects WHERE of_session = ? ORDER BY seq", (session,))
    return [_effect(row) for row in rows]


def effects_for(conn: sqlite3.Connection, runner: str) -> list[Effect]:
    """What came of all cues that this runner was ever given, oldest first; a replay gives none anew."""
    rows = conn.execute(
        f"SELECT {', '.join(_EFFECT)} FROM sessions JOIN effects ON of_session = session"
        " WHERE runner = ? AND source NOT LIKE ? ORDER BY seq",
        (runner, f"{REPLAY}%"),
    )
    return [_effect(row) for row in rows]


def _effect(row: tuple[Any, ...]) -> Effect:
    return Effect(*nan_for_null(row))
