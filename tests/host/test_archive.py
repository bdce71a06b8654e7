"""The list of sessions, as the page shows it, out of a real store."""

from pathlib import Path
from typing import Any

from host import archive
from host.archive import session_rows
from host.records import Pain, SessionInfo
from host.sinks.store import Store
from tests.host.sinks.records import stride


def held(left: int, right: int) -> dict[str, Any]:
    return {"strides_held": {"left": left, "right": right}}


async def test_the_newest_comes_first_with_what_held_longest(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(archive, "LISTED", 2)
    faults = {"asymmetry": held(30, 0), "overstride": held(25, 25)}
    async with Store.open(tmp_path / "store.db") as store:
        for day in (1, 2, 3):
            await store.begin_session(SessionInfo(f"s{day}", "Ana", f"2026-01-0{day}T08:00:00.000Z", "pods", ""))
        store.add_stride("s2", stride(1.0, quality="uncalibrated"))
        await store.end_session("s2", "2026-01-02T09:30:00.000Z", {"faults": faults})
        for score, noted in ((7, "09:40"), (3, "20:00")):
            utc = f"2026-01-02T{noted}:00.000Z"
            await store.add_pain(Pain("s2", "Ana", "after", score, utc, utc))
        newest, before = await session_rows(store)
    assert (newest["session"], newest["running"], newest["seen"]) == ("s3", True, None)
    assert (before["session"], before["running"], before["duration_s"]) == ("s2", False, 5400.0)
    assert before["seen"] == ["overstride", "asymmetry"]
    assert not before["judged"]
    assert (newest["pain"], before["pain"]) == ({}, {"after": 3})  # the score that corrects the other


async def test_a_run_in_which_nothing_was_measured_well_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "store.db") as store:
        for session, quality in (("s1", ""), ("s2", "uncalibrated")):
            await store.begin_session(SessionInfo(session, "Ana", f"2026-01-0{session[1]}T08:00:00.000Z", "pods", ""))
            store.add_stride(session, stride(1.0, quality=quality))
            await store.end_session(session, f"2026-01-0{session[1]}T09:00:00.000Z", {"faults": {}})
        unsure, good = await session_rows(store)
    assert (good["judged"], unsure["judged"]) == (True, False)
    assert (good["seen"], unsure["seen"]) == ([], [])
