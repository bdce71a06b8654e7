"""What the page sounds like: which voice speaks which language, and a metronome that helps and never nags."""

from itertools import pairwise

import pytest
from playwright.async_api import Page, expect

from host.feed import Feed
from host.web.server import LivePage
from tests.browser import Eyes, ears, needs_chromium, until
from tests.host.web.feeder import Feeder, running

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]


# --- the voice ---


async def test_a_cue_is_spoken_in_its_language_by_a_voice_that_speaks_it(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed, language="de")
    page = await eyes.open(server.url, script=ears("en-GB Alice", "de_DE Anna", "de-AT Otto", "fr Zoe"))
    await page.get_by_role("button", name="Stimme aus").click()
    feeder.cue("Setz den Fuß unter dir auf")
    await expect(page.locator("#words")).to_have_attribute("lang", "de")
    feeder.cue("Land under yourself", language="en")
    await until(lambda: page.evaluate("said.length === 3"))
    await expect(page.locator("#words")).to_have_attribute("lang", "en")
    choice = page.get_by_label("Welche Stimme spricht")
    assert await choice.locator("option").all_inner_texts() == ["Anna", "Otto"]
    await choice.select_option("Otto")
    await page.reload()  # which voice is remembered, and that there shall be one; the browser asks for a tap
    await expect(page.get_by_text("Tippe irgendwohin, um die Stimme zu hören.")).to_be_visible()
    feeder.cue("Wer nicht tippt, hört nichts")
    await page.locator("#words").click()
    await expect(page.locator("#voice-text")).to_have_text("Stimme an")
    assert await page.evaluate("utterances") == ["de Otto: Stimme an"]
    await page.get_by_role("button", name="Stimme an").click()
    await page.reload()
    await expect(page.locator("#words")).not_to_be_empty()
    await expect(page.locator("#voice-asks")).to_be_hidden()
    await page.locator("#words").click()
    await expect(page.locator("#voice-text")).to_have_text("Stimme aus")


async def test_a_voice_that_does_not_speak_the_language_leaves_it_to_the_tones(
    feed: Feed, server: LivePage, eyes: Eyes
):
    feeder = running(feed, language="de")
    page = await eyes.open(server.url, script=ears("en-GB Alice"))
    await expect(page.locator("#words")).to_have_text("Alles gut")
    await page.get_by_role("button", name="Stimme aus").click()
    await expect(page.locator("#voice-text")).to_have_text("Töne an")
    before = await page.evaluate("tones")
    feeder.cue("Setz den Fuß unter dir auf")
    await until(lambda: page.evaluate(f"tones === {before} + 2"))
    assert await page.evaluate("said") == []


async def test_a_screen_reader_is_interrupted_by_cues_alone(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed)
    page = await eyes.open(server.url)
    words = page.locator("#words")
    await expect(words).to_have_text("All is well")
    await expect(words).to_have_attribute("aria-live", "polite")
    feeder.cue("Land under yourself")
    await expect(words).to_have_attribute("aria-live", "assertive")
    feeder.cue("Better. Keep that.", kind="praise")
    await expect(words).to_have_attribute("aria-live", "polite")
    assert await page.locator("[aria-live=assertive], [role=alert]").count() == 0


# --- the metronome ---

# Renders the ticks themselves and finds where each begins: [seconds].
LISTEN = """async ([spm, then_spm]) => {
  const { startTicks } = await import('/ticks.js');
  const context = new OfflineAudioContext(1, 44_100 * 20, 44_100);
  const ticks = startTicks(context, spm);
  context.suspend(10).then(() => { ticks.setRate(then_spm); context.resume(); });
  const sound = (await context.startRendering()).getChannelData(0);
  const begins = [];
  let quiet = 4410;
  sound.forEach((value, i) => {
    if (Math.abs(value) < 0.02) quiet++;
    else { if (quiet > 4000) begins.push(i / 44_100); quiet = 0; }
  });
  return begins;
}"""


async def test_it_ticks_evenly_at_the_rate_it_is_told(server: LivePage, eyes: Eyes):
    page = await eyes.open(server.url)
    begins = await page.evaluate(LISTEN, [176, 181])
    gaps = [b - a for a, b in pairwise(begins)]
    assert len(begins) == pytest.approx(10 * 176 / 60 + 10 * 181 / 60, abs=2)
    # Within a sample or two, where a player is asked for the timing of a millisecond at best.
    assert gaps[:28] == pytest.approx([60 / 176] * 28, abs=1e-4)
    assert gaps[-28:] == pytest.approx([60 / 181] * 28, abs=1e-4)


# How many metronomes sound now, and how fast the last was told to tick.
SOUNDING = """
window.sounding = 0;
const Loop = window.AudioBufferSourceNode;
window.AudioBufferSourceNode = class extends Loop {
  constructor(...a) { super(...a); window.loop = this; }
  start(...a) { super.start(...a); window.sounding++; }
  stop(...a) { super.stop(...a); window.sounding--; }
};
"""


async def sounds(page: Page, spm: int | None) -> None:
    """Waits until the metronome ticks `spm` times a minute; None: until it is silent."""
    wanted = "sounding === 0" if spm is None else f"sounding === 1 && Math.abs(60 / loop.loopEnd - {spm}) < 1e-6"
    await until(lambda: page.evaluate(wanted))


async def test_the_metronome_ticks_a_little_faster_than_the_runner_and_only_while_running(
    feed: Feed, server: LivePage, eyes: Eyes
):
    feeder = Feeder(feed)
    feeder.start()
    feeder.pods()
    feeder.status("ready")
    page = await eyes.open(server.url, script=ears() + SOUNDING)
    pace = page.locator("#pace")
    button, slower, faster = (page.get_by_role("button", name=name) for name in ("Metronome", "Slower", "Faster"))
    await button.click()
    feeder.status("running")
    for n in range(39):
        feeder.stride(cadence_spm=160.0 + n % 3, quality="")
        feeder.stride(cadence_spm=200.0, quality="gap")  # what is not good tells nothing
    await expect(pace).to_have_text("counting your steps…")
    await sounds(page, None)
    feeder.stride(cadence_spm=161.0)
    await sounds(page, 169)  # 5 % above 161
    await expect(pace).to_have_text("169 spm, +5 %")
    for _ in range(9):
        await faster.click()
    await sounds(page, 173)  # 7.5 % above, and no further
    await slower.click()
    await sounds(page, 172)

    for _ in range(50):
        feeder.stride(cadence_spm=172.0)  # the runner follows: that is no reason to go on climbing
    for phase in ("walking", "standing"):
        feeder.status(phase)
        await sounds(page, None)
        await expect(pace).to_have_text("172 spm, +7 %, when you run")
    feeder.status("running")
    await sounds(page, 172)
    await button.click()
    await sounds(page, None)
    await page.reload()
    await expect(button).to_have_attribute("aria-pressed", "false")  # never without being asked
    await button.click()
    await sounds(page, 172)  # what was run to the ticks is not taken for the runner's own, not even by a new page

    feeder.end()
    await sounds(page, None)


async def test_a_page_that_waits_for_its_first_message_forgets_nothing(server: LivePage, eyes: Eyes):
    page = await eyes.open(server.url)
    known = {"session": "s1", "own_spm": 160.5, "spm": 168, "own_since_s": None}
    after = await page.evaluate(
        """async (known) => {
          const { Pace } = await import('/pace.js');
          const pace = new Pace(known);
          pace.update(undefined);
          return pace.run;
        }""",
        known,
    )
    assert after == known


async def test_slow_steps_offer_the_metronome_and_a_lost_connection_silences_it(feed: Feed, eyes: Eyes):
    async with LivePage(feed) as server:
        feeder = running(feed, strides=60)
        page = await eyes.open(server.url, script=ears() + SOUNDING)
        button = page.get_by_role("button", name="Metronome")
        feeder.status("running", held=["low_cadence"])
        await expect(button).to_have_class("offered")
        await sounds(page, None)
        await button.click()
        await expect(button).not_to_have_class("offered")
        await until(lambda: page.evaluate("sounding === 1"))
        eyes.expected = ("/live", "ERR_CONNECTION_REFUSED")
    await sounds(page, None)
