"""The voice, with real processes: a script that writes down the words it was given."""

import asyncio
import contextlib
import os
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from host.voice import Voice, with_text


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    return tmp_path / "spoken"


def script(spoken: Path, then: str = "") -> list[str]:
    """A speaker that appends its arguments to a file, one line a call."""
    code = f"import sys, os; open({str(spoken)!r}, 'a').write(repr(sys.argv[1:]) + '\\n'); {then}"
    return [sys.executable, "-c", code]


@contextlib.asynccontextmanager
async def running(voice: Voice) -> AsyncIterator[Voice]:
    task = asyncio.create_task(voice.run())
    try:
        yield voice
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def lines(spoken: Path, count: int) -> list[str]:
    """Waits until so many texts were spoken."""
    async with asyncio.timeout(20):
        # Another process writes: there is no event to wait for.
        while len(text := read_lines(spoken)) < count:
            await asyncio.sleep(0.02)
    return text


def read_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["say"], ["say", "quick feet"]),
        (["say", "-v", "Ann"], ["say", "-v", "Ann", "quick feet"]),
        (["say", "{text}", "-q"], ["say", "quick feet", "-q"]),
        (["say", "<p>{text}</p>"], ["say", "<p>quick feet</p>"]),
        (["say", "-v", "{language}", "{text}"], ["say", "-v", "de", "quick feet"]),
        (["say", "--voice={language}"], ["say", "--voice=de", "quick feet"]),
    ],
)
def test_where_the_text_goes(command: list[str], words: list[str]) -> None:
    assert with_text(command, "quick feet", "de") == words


async def test_text_is_one_argument_and_no_shell_sees_it(spoken: Path) -> None:
    text = "tall; touch $(oops) `x` \"quoted\" 'so' | é"
    async with running(Voice(script(spoken))) as voice:
        voice.say(text)
        assert await lines(spoken, 1) == [repr([text])]


async def test_newer_text_replaces_the_waiting_one(spoken: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)  # the first text is spoken until somebody reads the gate
    hold = f"sys.argv[1] == 'one' and open({str(gate)!r}, 'w').close()"
    async with running(Voice(script(spoken, hold))) as voice:
        voice.say("one")
        await lines(spoken, 1)
        voice.say("two")
        voice.say("three")
        await asyncio.to_thread(gate.read_text)
        assert await lines(spoken, 2) == ["['one']", "['three']"]


async def test_text_that_waited_too_long_is_not_spoken(spoken: Path) -> None:
    async with running(Voice(script(spoken))) as voice:
        voice.say("late", fresh_s=-1.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        voice.say("fresh", fresh_s=60.0)
        assert await lines(spoken, 1) == ["['fresh']"]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["/nowhere/speaker"], "No such file"),
        (["/"], "Permission denied"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "exit status 3"),
    ],
)
async def test_failing_command_is_reported_once_and_stops_nothing(command: list[str], problem: str) -> None:
    reports: list[str] = []
    reported = asyncio.Event()

    def report(text: str) -> None:
        reports.append(text)
        reported.set()

    async with running(Voice(command, report)) as voice:
        voice.say("one")
        async with asyncio.timeout(20):
            await reported.wait()
        for text in ("two", "three"):
            voice.say(text)
            await asyncio.sleep(0.1)
    assert len(reports) == 1
    assert problem in reports[0]
    assert "voice.command" in reports[0]


async def test_hanging_command_is_ended(monkeypatch: pytest.MonkeyPatch, spoken: Path) -> None:
    monkeypatch.setattr("host.voice.LONGEST_S", 0.1)
    reports: list[str] = []
    command = ["sh", "-c", f'echo "$0" >> {shlex.quote(str(spoken))}; [ "$0" = two ] || exec sleep 60']
    async with running(Voice(command, reports.append)) as voice:
        voice.say("one")
        await lines(spoken, 1)
        voice.say("two")
        assert await lines(spoken, 2) == ["one", "two"]
    assert "longer than" in reports[0]


async def test_cancelling_ends_the_speaker(spoken: Path, tmp_path: Path) -> None:
    command = ["sh", "-c", f"echo $$ >> {shlex.quote(str(spoken))}; exec sleep 60"]
    async with running(Voice(command)) as voice:
        voice.say("one")
        (number,) = await lines(spoken, 1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)
