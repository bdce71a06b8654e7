"""Jobs on all cores: two processes meet at a named pipe, which opens only once both its ends are held."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host import side_by_side as module
from host.side_by_side import Share, StoppedError, side_by_side


def in_parent() -> bool:
    return multiprocessing.parent_process() is None


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And a test that fails where nobody comes to the meeting."""

    def nobody_came(*_: Any) -> None:
        raise TimeoutError("waited for a minute")

    monkeypatch.setattr(module.os, "cpu_count", lambda: 2)
    before = signal.signal(signal.SIGALRM, nobody_came)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def meeting(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "meeting")
    return tmp_path / "meeting"


def meet(meeting: Path) -> None:
    """Returns when the other process is there."""
    with meeting.open("r" if in_parent() else "w"):
        pass


prepared_by: list[int] = []  # processes; this module is another one in each


def prepare() -> None:
    prepared_by.append(os.getpid())


def nothing() -> None:
    pass


def work_together(meeting: Path, share: Share) -> tuple[str, int, list[int]]:
    meet(meeting)
    share(1.0)
    return meeting.name, os.getpid(), prepared_by


def test_two_jobs_run_at_the_same_time_in_two_processes(meeting: Path, tmp_path: Path) -> None:
    shown: list[list[float]] = []
    (tmp_path / "same").symlink_to(meeting)
    jobs = [meeting, tmp_path / "same"]
    answers = side_by_side(work_together, jobs, prepare, lambda shares: shown.append(list(shares)))
    assert [answer[0] for answer in answers if answer] == ["meeting", "same"]
    assert len({answer[1] for answer in answers if answer}) == 2
    assert all(answer[2] == [answer[1]] for answer in answers if answer)
    assert shown[-1] == [1.0, 1.0]
    assert not multiprocessing.active_children()


def mine(job: int, share: Share) -> int:
    return job * job


def test_every_job_is_done_once() -> None:
    assert side_by_side(mine, range(200), nothing, lambda shares: None) == [k * k for k in range(200)]
    assert not multiprocessing.active_children()


def die_or_not(meeting: Path, share: Share) -> str:
    meet(meeting)
    if not in_parent():
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def test_a_process_that_dies_loses_no_more_than_its_job(meeting: Path) -> None:
    answers = side_by_side(die_or_not, [meeting, meeting], nothing, lambda shares: None)
    assert sorted(map(str, answers)) == ["None", "alive"]


def work_until_stopped(meeting: Path, share: Share) -> None:
    meet(meeting)
    if in_parent():
        raise KeyboardInterrupt
    try:
        while True:
            share(0.5)
    except StoppedError:
        meeting.with_name("stopped").touch()


def test_who_interrupts_stops_all(meeting: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work_until_stopped, [meeting, meeting, meeting], nothing, lambda shares: None)
    assert meeting.with_name("stopped").exists()
    assert not multiprocessing.active_children()
