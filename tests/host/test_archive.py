"""The list of sessions, as the page shows it, out of a real store."""

from pathlib import Path
from typing import Any

from host import archive
from host.archive import session_rows
from host.records import SessionInfo
from host.sinks.store import Store


def held(name: str, left: int, right: int) -> dict[str, Any]:
    return {"name": name, "strides_held": {"left": left, "right": right}}


async def test_the_newest_comes_first_with_what_held_longest(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(archive, "LISTED", 2)
    faults = {"asymmetry": held("one side", 30, 0), "overstride": held("landing ahead", 25, 25)}
    async with Store.open(tmp_path / "store.db") as store:
        for day in (1, 2, 3):
            await store.begin_session(SessionInfo(f"s{day}", "Ana", f"2026-01-0{day}T08:00:00.000Z", "pods", ""))
        await store.end_session("s2", "2026-01-02T09:30:00.000Z", {"faults": faults})
        newest, before = await session_rows(store)
    assert (newest["session"], newest["running"], newest["seen"]) == ("s3", True, None)
    assert (before["session"], before["running"], before["duration_s"]) == ("s2", False, 5400.0)
    assert before["seen"] == ["landing ahead", "one side"]
