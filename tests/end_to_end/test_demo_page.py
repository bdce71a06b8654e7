"""The demo as a person sees and hears it: the command in a process of its own, its page in a real browser."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser import DESK, PLOT, Eyes, chromium, needs_chromium, until
from tests.end_to_end.test_command import HAMSTREAM, environment
from tests.servers import free_port

LIMIT_S = 120.0  # the first cue comes after half a minute of the run


@asynccontextmanager
async def hamstream(folder: Path, *arguments: str) -> AsyncIterator[None]:
    """The command, from when it says where its page is until it has ended on Ctrl-C."""
    process = await asyncio.create_subprocess_exec(
        *HAMSTREAM, *arguments, env=environment(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    rest = None
    try:
        async with asyncio.timeout(LIMIT_S):
            while b"Live page: " not in (line := await process.stdout.readline()):
                assert line, "it ended without a page"
        rest = asyncio.create_task(process.stdout.read())  # or the pipe fills, and it waits
        yield
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()
        if rest is not None:
            await rest


async def newest_stride_s(page: Page) -> float:
    """The last time that is drawn in the chart of the left leg's cadence; 0 before there is one."""
    return float(await page.evaluate(f"({PLOT})().cadence_spm?.left.x.at(-1) ?? 0"))


@needs_chromium
async def test_the_demo_is_seen_heard_and_found_again(tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with chromium() as browser:
        eyes = Eyes(browser)
        async with hamstream(tmp_path, "demo", "--listen", listen):
            phone = await eyes.open(f"http://{listen}/")
            coach = await eyes.open(f"http://{listen}/", DESK)
            await phone.get_by_role("button", name="Voice off").click()
            await until(lambda: newest_stride_s(coach), LIMIT_S)
            drawn_s = await newest_stride_s(coach)
            await expect(phone.locator("#view-runner")).to_have_attribute("data-state", "cue", timeout=1000 * LIMIT_S)
            words = await phone.locator("#words").inner_text()
            assert (await phone.evaluate("said"))[-1] == words
            assert f"en Test: {words}" in await phone.evaluate("utterances")
            await expect(coach.locator(".banner")).to_have_text(words)
            assert await newest_stride_s(coach) > drawn_s + 5.0
            eyes.expected = ("/live", "ERR_CONNECTION_REFUSED")
        await expect(phone.locator("#connection")).to_contain_text("Trying again")
        (recording,) = (tmp_path / "hamstream" / "recordings").glob("*.mcap")
        async with hamstream(tmp_path, "replay", str(recording), "--speed", "4", "--listen", listen):
            await expect(phone.locator("#connection")).to_be_hidden(timeout=1000 * LIMIT_S)
            # The run again, from its start: the page that was left open follows it.
            await until(lambda: coach.evaluate(f"(({PLOT})().cadence_spm?.left.x.at(-1) ?? 1e9) < {drawn_s + 10}"))
        assert eyes.unwanted == []
