"""The store, read by plain sqlite3: also after a kill, with a locked database and on a full disk."""

import asyncio
import math
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from host.errors import SinkError
from host.records import Person
from host.sinks import database
from host.sinks import store as store_module
from host.sinks.store import Store
from tests.host.sinks.records import cue, effect, pain, session_info, stride, until

INFO = session_info()
VECTORS = Path(__file__).parents[2] / "vectors"  # store_v*.sql: dumps of databases that older versions wrote


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "hamstream.db"


def rows(path: Path, sql: str) -> list[tuple]:
    """What an independent reader finds on disk."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as conn:
        return conn.execute(sql).fetchall()


async def wait_for_rows(path: Path, sql: str, count: int) -> list[tuple]:
    async with asyncio.timeout(10):
        while True:
            if len(found := await asyncio.to_thread(rows, path, sql)) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_every_field_of_a_stride_and_a_cue_comes_back(path: Path) -> None:
    async with Store.open(path) as store:
        await store.begin_session(INFO)
        store.add_stride(INFO.session, stride(1.5, side="right", quality="gap|walking"))
        praise = replace(cue(30.0), kind="praise")
        store.add_cue(INFO.session, cue(2.0), "2026-03-01T07:00:02.100Z")
        store.add_cue(INFO.session, praise, "2026-03-01T07:00:30.100Z")
        await store.end_session(INFO.session, "2026-03-01T07:30:00.000Z", {"good": 1, "drift": math.nan})
        (back,) = await store.strides(INFO.session)
        assert math.isnan(back.pelvic_drop_deg)
        expected = asdict(stride(1.5, side="right", quality="gap|walking"))
        assert {k: v for k, v in asdict(back).items() if v == v} == {k: v for k, v in expected.items() if v == v}
        assert await store.cues(INFO.session) == [cue(2.0), praise]
        (row,) = await store.sessions()
    assert (row.session, row.runner, row.source, row.strides, row.cues) == (INFO.session, "ann", "pods", 1, 1)
    assert (row.duration_s, row.cut, row.ended_utc) == (1800.0, False, "2026-03-01T07:30:00.000Z")
    assert row.summary == {"good": 1, "drift": None}


async def test_unknown_is_null_on_disk(path: Path) -> None:
    async with Store.open(path) as store:
        store.add_stride("s", stride(1.0, speed_mps=math.nan, grade_percent=math.inf))
    assert rows(path, "SELECT speed_mps, grade_percent, pelvic_drop_deg, ic_s FROM strides") == [
        (None, None, None, 1.0)
    ]


async def test_records_reach_the_disk_without_being_asked(path: Path) -> None:
    async with Store.open(path) as store:
        await store.begin_session(INFO)
        store.add_stride(INFO.session, stride(1.0))
        assert await wait_for_rows(path, "SELECT * FROM strides", 1)


async def test_one_growing_number_orders_everything(path: Path) -> None:
    async with Store.open(path) as store:
        cursor = await store.cursor("mqtt:here")
        await store.begin_session(INFO)
        store.add_stride(INFO.session, stride(1.0))
        store.add_cue(INFO.session, cue(1.2), "2026-03-01T07:00:01.300Z")
        store.add_stride(INFO.session, stride(2.0))
        await store.end_session(INFO.session, "2026-03-01T07:00:10.000Z", {})
        entries = await store.entries_after(cursor, 100)
        assert [entry.kind for entry in entries] == ["started", "stride", "cue", "stride", "ended"]
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        assert {entry.runner for entry in entries} == {"ann"}
        assert [e.payload["stride"] for e in entries if e.kind == "stride"] == [1, 2]
        assert entries[1].payload["ic_s"] == 1.0
        assert entries[1].payload["pelvic_drop_deg"] is None
        assert entries[2].payload["cue_id"] == f"{INFO.session}-1"
        assert entries[0].payload == asdict(INFO) | {"event": "started"}
        assert entries[4].payload["ended_utc"] == "2026-03-01T07:00:10.000Z"
        assert await store.entries_after(entries[1].seq, 2) == entries[2:4]


async def test_a_cursor_outlives_the_process_and_a_new_sink_starts_now(path: Path) -> None:
    async with Store.open(path) as store:
        await store.cursor("first")
        for n in range(3):
            store.add_stride("s", stride(float(n)))
    async with Store.open(path) as store:
        assert len(await store.entries_after(await store.cursor("first"), 10)) == 3
        assert await store.entries_after(await store.cursor("second"), 10) == []
        await store.set_cursor("first", 2)
    async with Store.open(path) as store:
        assert await store.cursor("first") == 2
        store.add_stride("s2", stride(9.0))
        await store.news(3)
        (entry,) = await store.entries_after(await store.cursor("second"), 10)
        assert entry.payload["ic_s"] == 9.0


async def test_news_wakes_every_waiter(path: Path) -> None:
    async with Store.open(path) as store, asyncio.timeout(10):
        waiting = [asyncio.create_task(store.news(0)) for _ in range(3)]
        await asyncio.sleep(0)
        store.add_stride("s", stride(1.0))
        await asyncio.gather(*waiting)


async def test_profiles(path: Path) -> None:
    async with Store.open(path) as store:
        assert await store.baseline("ann") is None
        await store.save_baseline("ann", '{"cadence_spm": 170}')
        await store.save_baseline("ann", '{"cadence_spm": 172}')
        assert await store.baseline("ann") == '{"cadence_spm": 172}'


async def test_a_locked_database_stops_nothing_and_loses_nothing(path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(store_module.database, "BUSY_S", 0.05)
    monkeypatch.setattr(store_module, "RETRY_S", 0.05)
    async with Store.open(path) as store:
        await store.begin_session(INFO)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for n in range(50):
                store.add_stride(INFO.session, stride(float(n)))
            await until(lambda: store.failures >= 3)
            # ending a session does not hang either
            await asyncio.wait_for(store.end_session(INFO.session, "2026-03-01T08:00:00.000Z", {}), 5)
            assert store.pending == 51
            other.execute("ROLLBACK")
        assert len(await wait_for_rows(path, "SELECT * FROM strides", 50)) == 50
    assert rows(path, "SELECT number FROM strides ORDER BY seq") == [(n,) for n in range(1, 51)]
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1


async def test_who_outlives_the_store_is_not_kept_waiting(path: Path, caplog) -> None:
    async with Store.open(path) as store:
        await store.begin_session(INFO)
    async with asyncio.timeout(10):  # a guard: it would wait for ever
        await store.end_session(INFO.session, "2026-01-01T00:01:00.000Z", {})
    assert store.lost == 1
    assert "is closed" in caplog.text


async def test_a_full_disk_is_bounded_in_memory(path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(store_module, "RETRY_S", 0.05)
    monkeypatch.setattr(store_module, "MAX_PENDING", 40)
    async with Store.open(path) as store:
        await store.begin_session(INFO)
        pages = await store._run(lambda conn: conn.execute("PRAGMA page_count").fetchone()[0])
        await store._run(lambda conn: conn.execute(f"PRAGMA max_page_count = {pages}").fetchone())  # SQLITE_FULL
        async with asyncio.timeout(10):
            number = 0
            while not (store.lost and store.failures):
                store.add_stride(INFO.session, stride(float(number)))
                number += 1
                await asyncio.sleep(0.001)
        assert store.pending == 40
        assert "full" in caplog.text
        await store._run(lambda conn: conn.execute("PRAGMA max_page_count = 100000").fetchone())
        await until(lambda: not store.pending)
        store.add_stride(INFO.session, stride(1e6))
    # the gap shows in the numbers
    numbers = [n for (n,) in rows(path, "SELECT number FROM strides ORDER BY number")]
    assert numbers[-1] == number + 1
    assert len(numbers) == number + 1 - store.lost


def test_kill_9_loses_at_most_a_second_and_the_next_start_closes_the_session(path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert writer.stdout is not None
    for line in writer.stdout:  # one line a stride: its number
        if int(line) == 150:
            break
    time.sleep(1.0)  # what was handed over a second ago must be there
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    for table in ("strides", "effects"):
        assert rows(path, f"SELECT count(*) >= 150 FROM {table}") == [(1,)]

    async def reopen() -> None:
        async with Store.open(path) as store:
            (row,) = await store.sessions()
            last = (await store.strides(INFO.session))[-1]
            assert row.cut
            assert row.duration_s == pytest.approx(last.next_ic_s, abs=0.001)
            assert row.ended_utc.startswith("2026-03-01T07:")
            (entry,) = await store.entries_after(store._head_at_open - 1, 10)
            assert (entry.kind, entry.payload["cut"]) == ("ended", True)

    asyncio.run(reopen())


_WRITE_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from host.sinks.store import Store
from tests.host.sinks.records import effect, session_info, stride

async def main():
    async with Store.open(Path(sys.argv[1])) as store:
        await store.begin_session(session_info())
        number = 0
        while True:
            number += 1
            store.add_effect(session_info().session, effect(number))
            store.add_stride(session_info().session, stride(float(number)))
            print(number, flush=True)
            await asyncio.sleep(0.005)

asyncio.run(main())
"""


async def test_a_running_session_is_left_alone_by_a_second_process(path: Path) -> None:
    async with Store.open(path) as store:
        await store.begin_session(INFO)
        async with Store.open(path) as other:
            (row,) = await other.sessions()
            assert (row.ended_utc, row.cut) == ("", False)
            other.add_stride("elsewhere", stride(1.0))
        store.add_stride(INFO.session, stride(1.0))
    assert rows(path, "SELECT seq FROM log ORDER BY seq") == [(1,), (2,), (3,)]


async def test_files_that_are_not_ours(tmp_path: Path) -> None:
    newer, foreign, text = tmp_path / "newer.db", tmp_path / "foreign.db", tmp_path / "text.db"
    async with Store.open(newer):
        pass
    with closing(sqlite3.connect(newer)) as conn:
        conn.execute("PRAGMA user_version = 99")
    with closing(sqlite3.connect(foreign)) as conn:
        conn.execute("CREATE TABLE photos (id)")
    text.write_text("not a database, and longer than the header of one " * 40)
    locked = tmp_path / "locked.db"
    locked.with_name("locked.db.lock").mkdir()
    cases = (
        (newer, "newer"),
        (foreign, "another program"),
        (text, "not a hamstream"),
        (tmp_path, "opened"),
        (locked, "lock: cannot be opened"),
    )
    for file, sentence in cases:
        with pytest.raises(SinkError, match=sentence):
            async with Store.open(file):
                pass


@pytest.mark.parametrize("version", [1, 2])
async def test_an_older_database_is_brought_up_to_date(path: Path, version: int) -> None:
    """Written by the code of its time: a session whose numbers are known, and a later one that was deleted again."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript((VECTORS / f"store_v{version}.sql").read_text())
    later = {"pelvic_obliquity_range_deg", "braking_loss_mps", "leg_stiffness_npmkg", "pelvic_drop_difference_deg"}
    later |= {"shank_rate_early_stance_dps", "vertical_stiffness_npmkg"}
    later |= {"contact_time_difference_ms", "tibial_inclination_difference_deg"}
    unknown = {"pelvic_drop_deg"} | (later if version == 1 else set())
    async with Store.open(path) as store:
        assert await store.cursor("mqtt:here") == 3
        rest = await store.entries_after(3, 10)
        assert [(entry.seq, entry.kind, entry.runner) for entry in rest] == [(4, "stride", "ann"), (5, "ended", "ann")]
        assert await store.cues(INFO.session) == [cue(2.0)]
        assert await store.baseline("ann") == '{"version": 1}'
        left, right = await store.strides(INFO.session)
        assert (left.side, right.side, right.quality, right.ic_s) == ("left", "right", "gap|walking", 2.5)
        assert {name for name, value in asdict(right).items() if value != value} == unknown
        store.add_effect(INFO.session, effect(1))
        await store.add_pain(pain(3, session=INFO.session))
        store.add_stride(INFO.session, stride(3.5))
        await wait_for_rows(path, "SELECT 1 FROM strides", 3)
        # 8 numbers had been given: none of them is given again, though three of their rows are gone
        young = await store.entries_after(5, 10)
        assert [(entry.seq, entry.kind) for entry in young] == [(9, "effect"), (10, "pain"), (11, "stride")]
        (new,) = [found for found in await store.strides(INFO.session) if found.ic_s == 3.5]
        assert new.leg_stiffness_npmkg == stride(3.5).leg_stiffness_npmkg
    assert rows(path, "PRAGMA user_version") == [(4,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    async with Store.open(path.with_name("new.db")):
        pass
    shape = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    assert rows(path, shape) == rows(path.with_name("new.db"), shape)


async def test_pain_noted_before_its_time_could_be_told_was_felt_when_it_was_noted(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript((VECTORS / "store_v3.sql").read_text())
    async with Store.open(path) as store:
        assert [(one.score, one.at_utc, one.noted_utc) for one in await store.pain("ann")] == [
            (7, "2026-03-01T08:00:00.000Z", "2026-03-01T08:00:00.000Z"),
            (2, "2026-03-02T06:30:00.000Z", "2026-03-02T06:30:00.000Z"),
        ]
        entries = await store.entries_after(0, 10)
        assert [entry.payload.get("at_utc") for entry in entries if entry.kind == "pain"] == [
            "2026-03-01T08:00:00.000Z",
            "2026-03-02T06:30:00.000Z",
        ]


async def test_a_database_that_cannot_be_brought_up_to_date_stays_as_it_was(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as conn:
        conn.executescript((VECTORS / "store_v1.sql").read_text())
        conn.execute("CREATE TABLE strides_before (in_the_way)")
        before = list(conn.iterdump())
    with pytest.raises(SinkError, match="strides_before"):
        async with Store.open(path):
            pass
    with closing(sqlite3.connect(path)) as conn:
        assert list(conn.iterdump()) == before


async def test_what_a_person_told_comes_back_and_is_replaced(path: Path) -> None:
    ann = Person("ann", 0.92, 61.5, 3.2, "en", "10 km without pain", frozenset({"pawing", "low_cadence"}))
    async with Store.open(path) as store:
        await store.save_person(Person("bo", muted=frozenset()))
        await store.save_person(Person("ann", mass_kg=60.0))
        await store.save_person(ann)
        assert await store.persons() == [ann, Person("bo", muted=frozenset())]
        assert await store.person("ann") == ann
        assert await store.person("Ann") is None


async def test_effects_and_pain_come_back_by_session_and_by_runner(path: Path) -> None:
    again = replace(INFO, session="again", source="replay:file.mcap")
    async with Store.open(path) as store:
        for info in (INFO, again):
            await store.begin_session(info)
            store.add_effect(info.session, effect(1))
        await store.add_pain(pain(0, "before"))
        await store.add_pain(pain(10, session=INFO.session))
        await store.add_pain(pain(5, runner="bo"))
        await store.add_pain(pain(None, "before"))
        assert [repr(found) for found in await store.effects(INFO.session)] == [repr(effect(1))]
        assert [repr(found) for found in await store.effects_for("ann")] == [repr(effect(1))]
        assert await store.pain("ann") == [pain(0, "before"), pain(10, session=INFO.session), pain(None, "before")]
        entries = [entry for entry in await store.entries_after(0, 10) if entry.kind in ("effect", "pain")]
    assert [entry.runner for entry in entries] == ["ann", "ann", "ann", "ann", "bo", "ann"]
    assert entries[0].payload == asdict(effect(1)) | {
        "session": INFO.session,
        "cue_id": f"{INFO.session}-1",
        "after": None,
    }
    assert entries[3].payload == asdict(pain(10, session=INFO.session))


async def test_the_last_session_is_the_last_with_a_stride(tmp_path: Path) -> None:
    """Not one whose pods were not found a minute later."""
    async with Store.open(tmp_path / "store.db") as store:
        for day in (1, 2):
            await store.begin_session(replace(session_info(f"s{day}"), started_utc=f"2026-01-0{day}T08:00:00.000Z"))
        assert (await store.session("last")).session == "s2"  # of two that came to nothing
        store.add_stride("s1", stride(1.0))
        await store.end_session("s1", "2026-01-01T09:00:00.000Z", {})
        assert (await store.session("last")).session == "s1"
        assert (await store.session("s2")).session == "s2"


async def test_what_cannot_be_closed_can_be_read(path: Path, monkeypatch, caplog) -> None:
    """A session was cut short, and now the disk takes nothing: that is no reason to start, and show, nothing."""
    async with Store.open(path) as store:
        await store.begin_session(INFO)
    connect = database.connect

    def connect_to_full_disk(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    monkeypatch.setattr(database, "connect", connect_to_full_disk)
    async with Store.open(path) as store:
        (row,) = await store.sessions()
    assert not row.ended_utc
    assert "takes no data" in caplog.text
