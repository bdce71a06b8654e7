"""`hamstream runner` and `hamstream pain` as they are typed, over a real store."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from host.cli import main
from host.records import utc_text
from host.sinks.store import Store
from tests.host.sinks.records import session_info, stride

CONFIG = """
[storage]
folder = "data"
[[runner]]
name = "Ben"
language = "de"
muted = ["pawing"]
[runner.pods]
pelvis = "C0:FF:EE:00:00:01"
shank_left = "C0:FF:EE:00:00:02"
shank_right = "C0:FF:EE:00:00:03"
"""

Hamstream = Callable[..., tuple[int, str, str]]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "hamstream.db"


@pytest.fixture
def hamstream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Hamstream:
    """Types a command; gives exit status, output and complaints."""
    (tmp_path / "config.toml").write_text(CONFIG)

    def typed(*words: str) -> tuple[int, str, str]:
        try:
            status = main(["--config", str(tmp_path / "config.toml"), *words])
        except SystemExit as exit:
            status = int(exit.code or 0)
        return status, *capsys.readouterr()

    return typed


def rows(database: Path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(database)) as conn:
        return conn.execute(sql).fetchall()


def ran(database: Path, name: str, started: datetime, held: int, source: str = "pods") -> str:
    """Stores a run of half an hour with 100 strides whose landing is known, and gives its id."""
    info = session_info(f"{started:%Y%m%dT%H%M%S}Z-{name}", name)
    info = replace(info, started_utc=utc_text(started), source=source, recording="")
    faults = {"overstride": {"strides_held": {"left": held, "right": 0}}} if held else {}

    async def store_it() -> None:
        async with Store.open(database) as store:
            await store.begin_session(info)
            for n in range(100):
                store.add_stride(info.session, stride(float(n), tibial_inclination_ic_deg=held / 10.0 + n / 1000.0))
            store.add_stride(info.session, stride(100.0, tibial_inclination_ic_deg=99.0, quality="walking"))
            await store.end_session(info.session, utc_text(started + timedelta(minutes=30)), {"faults": faults})

    asyncio.run(store_it())
    return info.session


def test_a_runner_is_entered_changed_and_shown(hamstream: Hamstream, database: Path) -> None:
    told = ("--leg-length", "92 cm", "--mass", "61.5", "--easy-speed", "5:20", "--language", "de")
    status, out, _ = hamstream(
        "runner", "add", "ann", *told, "--goals", "10 km", "--mute", "pawing", "--mute", "hip_lag"
    )
    assert status == 0
    assert rows(database, "SELECT * FROM runners") == [("ann", 0.92, 61.5, 3.125, "de", "10 km", "hip_lag pawing")]
    for part in ("0,92 m", "61,5 kg", "3,12 m/s (5:20 min/km)", "(hip_lag), Ziehen am Boden (pawing)", "Deutsch (de)"):
        assert part in out
    hamstream("runner", "edit", "ann", "--mass", "60", "--mute", "none", "--forget", "goals", "--forget", "language")
    assert rows(database, "SELECT * FROM runners") == [("ann", 0.92, 60.0, 3.125, None, None, "")]
    assert "ann" in hamstream("runner", "list")[1]


def test_what_was_told_goes_before_what_stands_in_the_configuration(hamstream: Hamstream, database: Path) -> None:
    _, out, _ = hamstream("runner", "show", "Ben")
    assert "Deutsch (de) (Konfiguration)" in out
    assert "(pawing) (Konfiguration)" in out
    assert "kein Medizinprodukt" in out  # in the runner's language
    _, out, _ = hamstream("runner", "edit", "Ben", "--language", "en", "--mute", "none")
    assert "onfiguration)" not in out
    assert "pawing" not in out
    assert rows(database, "SELECT name, language, muted FROM runners") == [("Ben", "en", "")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runner", "add", "ann"], "ann is there already"),
        (["runner", "add", "Ann"], "in capitals alone"),
        (["runner", "add", "ben"], "write Ben"),
        (["runner", "add", "a/b"], "cannot be a name"),
        (["runner", "add", "cy", "--leg-length", "92"], "write 0.92"),
        (["runner", "add", "cy", "--language", "fr"], "--language takes de, en"),
        (["runner", "add", "cy", "--mute", "pawng"], "--mute takes pawing"),
        (["runner", "edit", "an"], "did you mean ann?"),
        (["runner", "show", "zoe"], "hamstream runner add"),
        (["pain", "zoe", "3", "--when", "after"], "hamstream runner add"),
        (["pain", "ann", "11", "--when", "after"], "from 0 (none) to 10"),
        (["pain", "ann", "3"], "--when"),
        (["pain", "ann", "3", "--when", "after", "--session", "x"], "has no run `x`"),
        (["pain", "ann", "3", "--when", "after", "--at", "tomorrow"], "is no time; write"),
        (["pain", "ann", "3", "--when", "after", "--at", "2999-01-01 08:00"], "still to come"),
        (["pain", "ann", "withdraw", "--when", "after"], "noted no score after beside no run"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    hamstream: Hamstream, database: Path, words: list[str], told: str
) -> None:
    hamstream("runner", "add", "ann")
    status, out, err = hamstream(*words)
    assert (status, out) == (2, "")
    assert told in err
    assert rows(database, "SELECT name FROM runners") == [("ann",)]
    assert rows(database, "SELECT * FROM pain") == []


def test_pain_stands_beside_the_form_of_its_run(hamstream: Hamstream, database: Path) -> None:
    now = datetime.now(UTC)
    first = ran(database, "ann", now - timedelta(days=3), held=80)
    ran(database, "ann", now - timedelta(hours=1), held=40)
    ran(database, "ann", now - timedelta(minutes=20), held=0, source="replay:old.mcap")
    _, out, _ = hamstream("pain", "ann", "6", "--when", "after")
    assert "noted for the run of" in out
    assert "Above 5 of 10" in out
    assert "professional" in out
    hamstream("pain", "ann", "3", "--when", "next-morning", "--session", first)
    _, out, _ = hamstream("runner", "show", "ann")
    landing, held, after, morning = (
        next(line.split(label)[1].split() for line in out.splitlines() if label in line)
        for label in ("Shin angle at landing", "Overstride", "Pain after", "Pain next morning")
    )
    assert landing == ["°", "8.0", "4.0", "█▁"]  # of good strides; the replay is no run
    assert held == ["%", "79", "40", "▇▄"]  # of 101 strides
    assert after == ["of", "10", "-", "6", "·▅"]
    assert morning == ["of", "10", "3", "-", "▃·"]
    assert "short, quick steps" in out  # the exercise for what held
    assert "not a medical device" in out


def test_pain_beside_no_run_is_kept_in_sight_and_advice_speaks_the_runners_language(hamstream: Hamstream) -> None:
    _, out, _ = hamstream("pain", "Ben", "6", "--when", "next-morning")
    assert "`--session ID` nennt den Lauf" in out
    for printed in (out, hamstream("runner", "show", "Ben")[1]):
        assert "kein Medizinprodukt" in printed
        assert "medical" not in printed
    assert "Über 5 von 10" in out
    hamstream("pain", "Ben", "4", "--when", "before")
    _, out, _ = hamstream("runner", "show", "Ben")
    noted = [line.split()[2:] for line in out.splitlines() if " von 10 " in line]
    assert noted == [["6", "von", "10", "am", "nächsten", "Morgen"], ["4", "von", "10", "vorher"]]


def test_yesterdays_score_is_entered_today_and_put_right(hamstream: Hamstream, database: Path) -> None:
    """Nothing is taken out of the store; what counts is what was noted last."""
    started = (datetime.now().astimezone() - timedelta(days=1)).replace(hour=18, minute=0, second=0, microsecond=0)
    session = ran(database, "ann", started, held=40)
    ran(database, "ann", datetime.now(UTC) - timedelta(minutes=40), held=0)
    felt = started + timedelta(hours=1)
    _, out, _ = hamstream("pain", "ann", "7", "--when", "after", "--at", f"{felt:%Y-%m-%d %H:%M}")
    assert f"noted for the run of {started:%Y-%m-%d %H:%M}" in out
    _, out, _ = hamstream("pain", "ann", "2", "--when", "after", "--session", session)
    assert "instead of 7" in out
    assert "kept in the store" in out
    hamstream("pain", "ann", "1", "--when", "before", "--at", f"{started - timedelta(minutes=10):%Y-%m-%d %H:%M}")
    hamstream("pain", "ann", "9", "--when", "next-morning", "--session", session)
    _, out, _ = hamstream("pain", "ann", "withdraw", "--when", "next-morning", "--session", session)
    assert re.search(r"9 of 10, next morning, for the run of [-0-9 :]+: taken back", out)
    stored = rows(database, "SELECT of_session, moment, score, at_utc FROM pain ORDER BY seq")
    assert [row[1:3] for row in stored] == [
        ("after", 7), ("after", 2), ("before", 1), ("next-morning", 9), ("next-morning", None)
    ]  # fmt: skip
    assert {row[0] for row in stored} == {session}
    assert stored[0][3] == stored[1][3] == utc_text(felt)  # a score put right is of the same time
    assert stored[3][3] == stored[4][3]
    _, out, _ = hamstream("runner", "show", "ann")
    assert [line.split()[-3:] for line in out.splitlines() if "of 10" in line] == [["1", "-", "▁·"], ["2", "-", "▂·"]]


def test_a_time_that_does_not_fit_the_run_that_is_named_is_refused(hamstream: Hamstream, database: Path) -> None:
    session = ran(database, "ann", datetime(2026, 3, 1, 7, tzinfo=UTC), held=0)
    status, _, err = hamstream("pain", "ann", "3", "--when", "after", "--session", session, "--at", "2026-02-27 08:00")
    assert status == 2
    assert "2026-02-27 08:00 is not after the run of 2026-03-01" in err
    assert rows(database, "SELECT * FROM pain") == []


def test_a_score_of_no_run_can_be_taken_back(hamstream: Hamstream, database: Path) -> None:
    hamstream("runner", "add", "ann")
    hamstream("pain", "ann", "4", "--when", "after")
    assert "4 of 10" in hamstream("runner", "show", "ann")[1]
    assert "taken back" in hamstream("pain", "ann", "withdraw", "--when", "after")[1]
    assert "of 10" not in hamstream("runner", "show", "ann")[1]
    assert len(rows(database, "SELECT * FROM pain")) == 2


def test_sessions_are_listed_in_the_language_of_all(hamstream: Hamstream, database: Path) -> None:
    assert "Noch kein Lauf" in hamstream("sessions")[1]  # Ben's, who is in the configuration
    session = ran(database, "Ben", datetime(2026, 3, 1, 7, tzinfo=UTC), held=0)
    head, line = hamstream("sessions")[1].splitlines()
    assert head.split() == ["Beginn", "wer", "Minuten", "Schritte", "Hinweise", "woher", "Lauf"]
    assert line.split()[2:] == ["Ben", "30,0", "101", "0", "Sensoren", session]
    hamstream("runner", "add", "ann", "--language", "en")
    assert hamstream("sessions")[1].split()[0] == "started"


def test_a_store_that_takes_nothing_is_said(hamstream: Hamstream, database: Path) -> None:
    hamstream("runner", "add", "ann")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON runners BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    status, out, err = hamstream("runner", "edit", "ann", "--mass", "60")
    assert (status, out) == (2, "")
    assert "takes no data" in err
