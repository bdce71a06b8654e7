"""Everybody can use the page: axe-core finds nothing in any view, and the keyboard reaches everything visibly."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from host.feed import Feed
from host.web.server import LivePage
from tests.browser import DESK, NARROW, Eyes, ears, flaws, needs_chromium
from tests.host.web.conftest import fixture
from tests.host.web.feeder import Feeder, running

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]

ROW = {
    "session": "s1",
    "runner": "Ana",
    "started_utc": "2026-01-02T08:00:00.000Z",
    "source": "pods",
    "running": False,
    "cut": False,
    "duration_s": 1800.0,
    "strides": 5000,
    "cues": 2,
    "seen": ["overstride"],
    "pain": {"before": 2, "after": 4},
}


@fixture
async def server(feed: Feed) -> AsyncIterator[LivePage]:
    async def rows() -> list[dict[str, Any]]:
        return [ROW | {"session": f"s{n}", "running": n == 0, "cut": n == 2} for n in range(3)]

    async with LivePage(feed, norm=lambda metric, speed_mps: (9.0, 2.0), sessions=rows) as page:
        yield page


async def show(feeder: Feeder, state: str) -> None:
    """Sends what brings a runner who runs into `state`."""
    feeder.pods(**({"shank_left": state} if state in ("searching", "lost") else {}))
    if state == "searching" or state == "stand":
        feeder.status("standing", "Stand still.")
    elif state == "ready":
        feeder.status("ready", "Ready. Run when you like.")
    elif state == "walking":
        feeder.status("walking")
    elif state == "ended":
        feeder.end()
    else:
        feeder.status("running", held=["low_cadence"])
        feeder.stride()
    if state in ("cue", "praise"):
        feeder.cue("Land under yourself, heel down", kind=state, side="right", fault="low_cadence")


# What differs from state to state; all else is looked at in one.
COLOURS = ("color-contrast", "link-in-text-block")
STATES = ("searching", "stand", "ready", "walking", "calm", "lost", "praise", "cue", "ended")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_any_view(feed: Feed, server: LivePage, eyes: Eyes, scheme: str):
    ears_of_two = ears("en Alice", "en Bob")
    options = {"color_scheme": scheme, "reduced_motion": "reduce"}
    page = await eyes.open(f"{server.url}#runner", NARROW, ears_of_two, **options)
    assert await flaws(page) == []
    feeder = running(feed, strides=50)
    running(feed, "Bo")
    await page.get_by_role("button", name="Voice off").click()
    for state in STATES:
        await show(feeder, state)
        await expect(page.locator("#view-runner")).to_have_attribute("data-state", state)
        assert await flaws(page, *COLOURS if state != "calm" else ()) == [], state
        if state == "calm":
            await page.get_by_role("button", name="Metronome").click()
    feeder = running(feed, strides=50)
    coach = await eyes.open(f"{server.url}#coach", DESK, **options)
    for state in STATES:
        await show(feeder, state)
        await expect(coach.locator(".card").first).to_have_attribute("data-state", state)
        assert await flaws(coach, *COLOURS if state != "calm" else ()) == [], state
    await coach.get_by_role("link", name="Sessions").click()
    await page.get_by_role("link", name="Coach").click()
    assert await flaws(page) == []
    await page.get_by_role("link", name="Sessions").click()
    for listed in (coach, page):
        await expect(listed.locator("#session-list li")).to_have_count(3)
        assert await flaws(listed) == []


async def test_axe_finds_nothing_where_the_token_is_asked_for_or_the_server_is_away(feed: Feed, eyes: Eyes):
    async with LivePage(feed, token="t") as server:
        eyes.expected = ("401 (Unauthorized)", "/live", "ERR_CONNECTION_REFUSED")
        page = await eyes.open(f"http://127.0.0.1:{server.port}/", NARROW, color_scheme="light")
        assert await flaws(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await flaws(page) == []
        await page.goto(server.url)
    await expect(page.locator("#view-runner")).to_have_attribute("data-state", "offline")
    assert await flaws(page) == []
    await page.emulate_media(color_scheme="light")
    assert await flaws(page) == []


# The element with the focus: who it is, and whether it shows.
FOCUS = """() => {
  const { id, tagName, ariaLabel, textContent, href } = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const shows = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return [`${tagName}#${id} ${ariaLabel ?? textContent.trim()} ${href}`, shows];
}"""
# All that a mouse could use.
USABLE = """() => [...document.querySelectorAll("a[href], button, select, input, [tabindex]")]
  .filter((element) => element.checkVisibility()).length"""


@pytest.mark.parametrize("view", ["runner", "coach", "sessions"])
async def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    feed: Feed, server: LivePage, eyes: Eyes, view: str
):
    running(feed, strides=60).cue("Land under yourself")
    running(feed, "Bo")
    page = await eyes.open(f"{server.url}#{view}", script=ears("en Alice", "en Bob"))
    await page.get_by_role("button", name="Voice off").click()
    if view == "runner":
        await page.get_by_role("button", name="Metronome").click()
        await expect(page.get_by_role("button", name="Faster")).to_be_visible()
    await page.reload()  # the focus begins at the top again
    await page.keyboard.press("Tab")  # and brings the voice back
    if view == "runner":
        await page.get_by_role("button", name="Metronome").press("Enter")
        await expect(page.get_by_role("button", name="Faster")).to_be_visible()
        await page.locator(".brand").focus()
    elif view == "sessions":
        await expect(page.locator("#session-list a").first).to_be_visible()
    else:
        await expect(page.locator(".card")).to_have_count(2)
    count = await page.evaluate(USABLE)
    reached = set()
    for _ in range(count):
        who, visible = await page.evaluate(FOCUS)
        assert visible, who
        reached.add(who)
        await page.keyboard.press("Tab")
    assert len(reached) == count >= 6
