"""A real Chromium for the tests: how it is started, what it says and hears, and what it must never do."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 375, "height": 667}
NARROW = {"width": 360, "height": 640}
LYING = {"width": 844, "height": 390}
DESK = {"width": 1280, "height": 800}

# What the voice was asked to say, in which language and with which voice, and how many tones were played.
EARS = """
window.said = [];
window.utterances = [];
window.tones = 0;
speechSynthesis.getVoices = () => VOICES;
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
speechSynthesis.speak = ({ text, lang, voice }) => {
  window.said.push(text);
  window.utterances.push(`${lang} ${voice.name}: ${text}`);
};
const Tone = window.OscillatorNode;
window.OscillatorNode = class extends Tone { constructor(...a) { super(...a); window.tones++; } };
"""


def ears(*voices: str) -> str:
    """A script for a page: it has these voices, `language name` each, and notes what they were asked to say."""
    pairs = [voice.split(" ", 1) for voice in voices]
    return EARS.replace("VOICES", str([{"lang": lang, "name": name, "localService": 1} for lang, name in pairs]))


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


class Eyes:
    """Opens pages, and notes every request, error and console line that should not be."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.unwanted: list[str] = []
        self.expected: tuple[str, ...] = ()  # what the browser itself may complain of in this test

    async def open(self, url: str, size: dict[str, int] = PHONE, script: str = ears("en Test"), **options: Any) -> Page:
        context = await self._browser.new_context(viewport=size, **options)  # type: ignore[arg-type]
        context.on("request", lambda request: self._note_request(request.url))
        context.on("weberror", lambda error: self.unwanted.append(str(error.error)))
        context.on("console", self._note_console)
        await context.add_init_script(script)
        page = await context.new_page()
        await page.goto(url)
        return page

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname != "127.0.0.1" and parts.scheme not in ("data", "blob"):
            self.unwanted.append(f"request to {url}")

    def _note_console(self, message: ConsoleMessage) -> None:
        expected = any(text in message.text for text in self.expected)
        if message.type in ("error", "warning") and not expected:
            self.unwanted.append(f"console: {message.text}")


async def until(check: Callable[[], Awaitable[Any]], limit_s: float = 10.0) -> Any:
    """The first truthy answer."""
    async with asyncio.timeout(limit_s):
        while not (answer := await check()):
            await asyncio.sleep(0.02)
        return answer


async def flaws(page: Page, *rules: str) -> list[str]:
    """What axe-core has against the page as it is now, by all its rules or by some."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    found = (await Axe().run(page, options=options)).response["violations"]
    return [f"{flaw['id']}: {node['html']} {node['failureSummary']}" for flaw in found for node in flaw["nodes"]]


# What the charts show: {metric: {trace: {x, y, ...}}}.
PLOT = """() => {
  const charts = {};
  for (const trace of document.querySelector('.plot')?.data ?? []) (charts[trace.meta] ??= {})[trace.name] = trace;
  return charts;
}"""
