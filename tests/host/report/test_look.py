"""The report in a real Chromium: read as a person reads it, on a phone, on a desk and on paper."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from host.report.material import Material, gather
from host.report.page import report_html
from host.sinks.store import Store
from host.texts.language import languages
from host.web.guard import SECURITY_HEADERS
from tests.browser import DESK, PHONE, chromium, needs_chromium
from tests.host.stored import store_run

pytestmark = [
    needs_chromium,
    pytest.mark.asyncio(loop_scope="module"),
]
# What is written, how large, and where it begins and ends.
TEXTS = """
[...document.querySelectorAll("body *")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => e.getClientRects().length && !e.closest("svg"))
  .map((e) => {
    const box = e.getBoundingClientRect();
    return [e.textContent.trim(), parseFloat(getComputedStyle(e).fontSize), box.left, box.right];
  })
"""
BOX = "(e) => { const r = e.ownerSVGElement.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"
A4_MM = (210, 297)
PX_PER_MM = 96 / 25.4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Of a run with a fault on one leg, a slope and a walk, after one without."""
    plan = "stand 5; run 3.1; at 90 overstride strong left deaf; at 150 grade 4; at 180 well; walk 1.5 12; run 3.1"
    folder = tmp_path_factory.mktemp("look")
    async with Store.open(folder / "hamstream.db") as store:
        before = await store_run(store, "stand 5; run 3.0", 110)
        run = await store_run(store, plan, 260, days=3, profile=before.coach.profile(), recordings=folder)
        return await gather(store, await store.session(run.session))


@pytest.fixture(scope="module")
def html(material: Material) -> str:
    return report_html(material)


@pytest.fixture(scope="module", params=languages())
def in_each_language(material: Material, request: pytest.FixtureRequest) -> str:
    return report_html(replace(material, language=request.param))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def open_file(browser: Browser, html: str, folder: Path, size: dict[str, int], **options: Any) -> Page:
    """As a file from the disk, with no script allowed."""
    context = await browser.new_context(viewport=size, java_script_enabled=False, **options)  # type: ignore[arg-type]
    page = await context.new_page()
    (folder / "report.html").write_text(html, encoding="utf-8")
    await page.goto((folder / "report.html").as_uri())
    return page


@pytest.mark.parametrize("size", [PHONE, {"width": 320, "height": 568}, DESK], ids=["phone", "small", "desk"])
async def test_everything_fits_and_can_be_read(
    browser: Browser, in_each_language: str, tmp_path: Path, size: dict[str, int]
):
    page = await open_file(browser, in_each_language, tmp_path, size)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    texts = await page.evaluate(TEXTS)
    assert len(texts) > 150
    for text, size_px, left, right in texts:
        assert size_px >= 11, text
        assert left >= 0, text
        assert right <= size["width"], text


async def test_it_needs_nothing_from_elsewhere_and_obeys_the_rules_of_the_live_page(browser: Browser, html: str):
    """Served with the security headers of the live page: nothing is loaded, nothing is refused."""
    context = await browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = await context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))

    async def answer(route: Any) -> None:
        await route.fulfill(body=html, content_type="text/html", headers=SECURITY_HEADERS)

    url = "http://127.0.0.1/report"
    await page.route(url, answer)
    await page.goto(url)
    assert await page.locator("h1").inner_text() == "Landing ahead of the body"
    assert requests == [url]
    assert complaints == []


@pytest.mark.parametrize("colours", ["light", "dark"])
async def test_everybody_can_read_it(browser: Browser, html: str, colours: Literal["light", "dark"]):
    """axe-core finds nothing."""
    page = await (await browser.new_context(color_scheme=colours)).new_page()
    await page.set_content(html)
    found = (await Axe().run(page)).response["violations"]
    flaws = [(flaw["id"], node["html"], node["failureSummary"]) for flaw in found for node in flaw["nodes"]]
    assert flaws == []


async def test_charts_show_what_the_strides_say(browser: Browser, html: str, material: Material, tmp_path: Path):
    """Read off the screen: where the line is, on the scale that the printed numbers make."""
    page = await open_file(browser, html, tmp_path, DESK)
    figure = page.locator('#charts figure[data-metric="tibial_inclination_ic_deg"]')
    time = await scale(figure.locator(".x:not(.strides) span"), "x", clock_s)
    height = await scale(figure.locator(".y span"), "y", lambda text: float(text.replace("\N{MINUS SIGN}", "-")))
    for side in ("left", "right"):
        points = await on_screen(figure.locator(f"path.line.{side}"))
        assert len(points) > 30
        for x, y in points[::5]:
            t_s = time(x)
            near = [
                stride.tibial_inclination_ic_deg
                for stride in material.strides
                if stride.side == side and stride.good and abs(stride.ic_s - t_s) <= 2.6
            ]
            assert min(near) - 0.3 <= height(y) <= max(near) + 0.3
    # The fault's bar and the cues stand where they were.
    time = await scale(page.locator("#timeline .timeline > .x span"), "x", clock_s)
    bar = await page.locator('.fault[data-fault="overstride"] rect').first.bounding_box()
    assert bar is not None
    assert 90 < time(bar["x"]) < 120
    assert 180 < time(bar["x"] + bar["width"]) < 215
    marks = await page.locator('.fault[data-fault="overstride"] .track i').all()
    shown = [time((box := await mark.bounding_box())["x"] + box["width"] / 2) for mark in marks]  # type: ignore[index]
    assert shown == pytest.approx([cue.t_s for cue in material.cues if cue.fault == "overstride"], abs=1.0)


async def test_the_band_is_the_norm_at_that_speed_and_the_tilts_is_the_runners_own(
    browser: Browser, html: str, material: Material, tmp_path: Path
):
    page = await open_file(browser, html, tmp_path, DESK)
    bands = {}
    for metric in ("tibial_inclination_ic_deg", "pelvic_tilt_deg", "speed_mps"):
        figure = page.locator(f'#charts figure[data-metric="{metric}"]')
        height = await scale(figure.locator(".y span"), "y", lambda text: float(text.replace("\N{MINUS SIGN}", "-")))
        path = figure.locator("path.band")
        points = await on_screen(path) if await path.count() else []
        bands[metric] = [height(y) for _, y in points]
    # norms.csv at 3.1 m/s, by hand: 9.557 + 0.6 * (12.616 - 9.557) = 11.39, SD 3.309 + 0.6 * 0.688 = 3.72
    assert min(bands["tibial_inclination_ic_deg"]) == pytest.approx(11.39 - 1.5 * 3.72, abs=0.4)
    assert max(bands["tibial_inclination_ic_deg"]) == pytest.approx(11.39 + 1.5 * 3.72, abs=0.4)
    own = np.median([stride.pelvic_tilt_deg for stride in material.strides if stride.good])
    assert min(bands["pelvic_tilt_deg"]) == pytest.approx(own - 3.0, abs=0.8)
    assert max(bands["pelvic_tilt_deg"]) == pytest.approx(own + 4.0, abs=0.8)
    assert bands["speed_mps"] == []


async def test_it_prints_on_a_few_white_pages(browser: Browser, html: str, tmp_path: Path):
    page = await open_file(browser, html, tmp_path, DESK, color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(background) == "rgb(13, 18, 20)"
    pdf = await page.pdf(prefer_css_page_size=True)
    pages = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert 2 <= len(pages) <= 4
    assert {tuple(round(float(points) / 72 * 25.4) for points in size) for size in pages} == {A4_MM}
    await page.emulate_media(media="print")
    assert await page.evaluate(background) == "rgb(255, 255, 255)"
    # No chart is torn by the end of a page, and none is wider than the paper's 186 mm.
    await page.set_viewport_size({"width": round(186 * PX_PER_MM), "height": 1000})
    for figure in await page.locator("figure").all():
        assert await figure.evaluate("e => getComputedStyle(e).breakInside") == "avoid"
        box = await figure.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 186 * PX_PER_MM + 1


def clock_s(text: str) -> float:
    minutes, seconds = text.split(":")
    return 60.0 * int(minutes) + int(seconds)


async def scale(ticks: Any, axis: str, value: Any) -> Any:
    """From pixels to values, by the middles of printed numbers along an axis."""
    pixels, values = [], []
    for tick in await ticks.all():
        box = await tick.bounding_box()
        # The first number of a time axis begins at its place, the others stand about it.
        begins = axis == "x" and not pixels
        length = box["width"] if axis == "x" else box["height"]
        pixels.append(box[axis] + (0.0 if begins else length / 2))
        values.append(value(await tick.inner_text()))
    assert len(pixels) >= 3
    slope, offset = np.polyfit(pixels, values, 1)
    assert np.allclose(np.polyval((slope, offset), pixels), values, atol=abs(slope) * 1.5)  # printed within 1.5 pixels
    return lambda pixel: slope * pixel + offset


async def on_screen(path: Any) -> list[tuple[float, float]]:
    """The corners of an SVG path, in pixels of the page."""
    numbers = re.findall(r"([\d.]+) ([\d.]+)", await path.get_attribute("d"))
    box = await path.evaluate(
        "e => { const r = e.ownerSVGElement.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] }"
    )
    x, y, width, height = box
    assert width > 100
    return [(x + float(a) / 100 * width, y + float(b) / 100 * height) for a, b in numbers]
