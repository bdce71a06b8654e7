"""The terminal view: plain lines where there is no terminal, a live panel where there is one."""

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from host.feed import Feed
from host.terminal import TerminalView, clock_text
from tests.host.web.feeder import Feeder


class Output(io.StringIO):
    flushed_upto = 0

    def flush(self) -> None:
        self.flushed_upto = self.tell()


@asynccontextmanager
async def view(feed: Feed, *, tty: bool = False, note: str = "") -> AsyncIterator[Output]:
    out = Output()
    console = Console(file=out, force_terminal=tty, width=90, height=30, legacy_windows=False, _environ={})
    task = asyncio.create_task(TerminalView(feed, console, note).run())
    await asyncio.sleep(0)
    try:
        yield out
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def lines(out: Output, text: str) -> list[str]:
    """All lines, once `text` is among them."""
    async with asyncio.timeout(5):
        while text not in out.getvalue():
            await asyncio.sleep(0.01)
    return out.getvalue().splitlines()


async def test_one_plain_line_an_event():
    feed = Feed()
    feeder = Feeder(feed, started=datetime.now(UTC) - timedelta(seconds=34))
    async with view(feed, note="Live page: http://127.0.0.1:8808/") as out:
        feeder.start()
        feeder.pods()
        feeder.status("standing", "Stand still")
        feeder.status("running", held=["overstride"])
        feeder.strides = 84  # 84 steps of 0.35 s after 5 s
        feeder.cue("Land under yourself, heel down")
        feeder.cue("Even out left and right", fault="asymmetry", side="left")
        feeder.pods(shank_left="lost")
        feeder.end()
        told = await lines(out, " ended")
        assert out.flushed_upto == len(out.getvalue())
    assert told[0] == "Live page: http://127.0.0.1:8808/"
    assert "00:34.4 cue overstride: Land under yourself, heel down" in told
    assert "00:34.4 cue asymmetry left: Even out left and right" in told
    assert [line.split(" ", 1)[1] for line in told[1:5]] == [
        f"session {feeder.session} started (demo)",
        "pod pelvis streaming",
        "pod shank_left streaming",
        "pod shank_right streaming",
    ]
    rest = [line.split(" ", 1)[1] for line in told]
    assert "standing: Stand still" in rest
    assert "form patterns held: overstride" in rest
    assert rest.count("pod shank_left lost") == 1
    assert rest.count("pod pelvis streaming") == 1  # said when it changes, not every second
    assert "\x1b" not in out.getvalue()


async def test_strides_are_told_together_every_five_seconds():
    feed = Feed()
    feeder = Feeder(feed)
    async with view(feed) as out:
        feeder.start()
        for n in range(60):  # 21 s
            feeder.stride(quality="gap" if n == 20 else "")
        feeder.end()
        told = [line for line in await lines(out, " ended") if "strides:" in line]
    assert [line.split()[0] for line in told] == ["00:11.0", "00:16.3", "00:21.5"]  # 5 s, and the next step
    assert "10.8 km/h" in told[0]
    assert "171 spm" in told[0]
    assert sum("1 flagged" in line for line in told) == 1


async def test_what_is_unknown_is_a_dash():
    feed = Feed()
    feeder = Feeder(feed)
    async with view(feed) as out:
        for _ in range(20):
            feeder.stride(tibia_deg=float("nan"), speed_mps=float("nan"))
        (line, *_) = [line for line in await lines(out, "strides:") if "strides:" in line]
    assert "- km/h" in line
    assert "tibia left - right - deg" in line


async def test_names_are_told_where_there_are_several_runners():
    feed = Feed()
    ana, bo = Feeder(feed, "Ana"), Feeder(feed, "Bo")
    ana.start()
    bo.start()
    async with view(feed) as out:
        bo.cue("Quick feet under you")
        told = await lines(out, "Quick feet")
    assert told == ["00:05.0 Bo cue overstride: Quick feet under you"]  # what was before the view is not news


async def test_what_was_published_just_before_the_end_is_told_in_order():
    feed = Feed()
    feeder = Feeder(feed)
    async with view(feed, note="Live page") as out:
        feeder.start()
        for _ in range(9):
            feeder.cue("Land under yourself, heel down")
        feeder.end()
    told = out.getvalue().splitlines()
    assert told[0] == "Live page"
    assert len(told) == 12
    assert told[-1].endswith(" ended (demo)")


async def test_a_reader_that_went_away_ends_nothing():
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    feed = Feed()
    feeder = Feeder(feed)
    console = Console(file=Closed(), force_terminal=False, _environ={})
    task = asyncio.create_task(TerminalView(feed, console).run())
    for _ in range(3):
        await asyncio.sleep(0.02)
        feeder.cue("Land under yourself, heel down")
    await asyncio.sleep(0.02)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_terminal_gets_a_live_panel():
    feed = Feed()
    feeder = Feeder(feed)
    async with view(feed, tty=True, note="Live page: http://127.0.0.1:8808/") as out:
        await lines(out, "Waiting for a session to start.")
        feeder.start()
        feeder.status("standing", "Stand still")
        await lines(out, "Stand still")
        feeder.pods(shank_left="lost")
        feeder.status("running", held=["tilt_excessive"])
        await lines(out, "Left shank pod lost")
        feeder.pods()
        await lines(out, "Keep going")
        for n in range(40):
            feeder.stride(tibia_deg=8.0 + 0.4 * n)
        feeder.cue("Land under yourself, heel down")
        told = await lines(out, "Land under yourself, heel down")
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "\n".join(told[-14:]))
    assert "held: pelvis tipped further" in last
    assert "Shin angle at landing" in last
    assert "█" in last
    assert re.search(r"17\d spm   10\.\d km/h   Pelvic tilt [56]\.\d°", last)
    assert "Live page: http://127.0.0.1:8808/" in last
    assert "not a medical device" in last


async def test_the_panel_speaks_the_runners_language():
    feed = Feed()
    feeder = Feeder(feed, language="de")
    async with view(feed, tty=True) as out:
        feeder.start()
        feeder.status("standing")
        await lines(out, "Steh still")
        feeder.pods(shank_left="lost")
        feeder.status("running", held=["tilt_excessive"])
        await lines(out, "Sensor verloren: linker Unterschenkel")
        feeder.pods()
        feeder.stride(tibia_deg=8.5)
        told = await lines(out, "Weiter so")
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "\n".join(told[-14:]))
    assert "Muster: Becken weiter gekippt" in last
    assert "Schienbeinwinkel beim Aufsetzen" in last
    assert re.search(r"10,\d km/h   Beckenkippung [56],\d°", last)
    assert "kein Medizinprodukt" in last
    assert not re.search(r"held|left|loss|tilt|lost", "\n".join(told))


async def test_an_old_cue_is_not_the_headline():
    feed = Feed()
    feeder = Feeder(feed)
    feeder.start()
    feeder.status("running")
    feeder.cue("Land under yourself, heel down", age_s=60)
    async with view(feed, tty=True) as out:
        told = "\n".join(await lines(out, "Land under yourself"))
    assert "All is well" in told
    assert "last: 00:05.0 Land under yourself, heel down" in told


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "00:00.0"), (34.2, "00:34.2"), (59.99, "00:59.9"), (60.0, "01:00.0"), (3723.45, "1:02:03.4")],
)
def test_clock_text(seconds: float, text: str):
    assert clock_text(seconds) == text
