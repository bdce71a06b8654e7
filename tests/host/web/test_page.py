"""The live page in a real Chromium, fed by a real server: what is shown, what is said, and what never is."""

import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from host.feed import Feed
from host.web.server import LivePage
from tests.browser import DESK, LYING, NARROW, PHONE, PLOT, SMALL, Eyes, ears, needs_chromium, until
from tests.host.web.feeder import Feeder, running
from tests.servers import make_certificates

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="session")]


async def state(page: Page, name: str) -> None:
    await expect(page.locator("#view-runner")).to_have_attribute("data-state", name)


async def test_one_glance_tells_the_runner_the_one_thing(feed: Feed, server: LivePage, eyes: Eyes):
    page = await eyes.open(server.url)
    words = page.locator("#words")
    await state(page, "idle")
    feeder = Feeder(feed)
    feeder.start()
    feeder.pods(shank_left="searching")
    feeder.status("waiting", "Stand still")
    await state(page, "searching")
    await expect(page.locator("#detail")).to_have_text("Left shank")
    feeder.pods()
    await state(page, "stand")
    await expect(words).to_have_text("Stand still")
    feeder.status("ready", "Ready. Run when you like.")
    await state(page, "ready")
    feeder.status("running")
    await state(page, "measuring")  # nothing is known yet: "all is well" would be a guess
    feeder.stride(quality="settling")
    await state(page, "measuring")
    feeder.stride()
    await state(page, "calm")
    await expect(words).to_have_text("All is well")
    await expect(page.locator("#stat-cadence")).to_have_text("172")
    await expect(page.locator("#stat-speed")).to_have_text("10.9")
    feeder.status("running", held=["overstride"])
    await expect(words).to_have_text("Keep going")  # it holds, but it is not time to say so
    feeder.cue("Land under yourself, heel down", side="right")
    await state(page, "cue")
    await expect(words).to_have_text("Land under yourself, heel down")
    await expect(page.locator("#detail")).to_have_text("Right leg")
    feeder.status("running")
    feeder.cue("Better. Keep that.", kind="praise")
    await state(page, "praise")
    await expect(words).to_have_text("Better. Keep that.")
    feeder.end()
    await state(page, "ended")


async def test_a_lost_pod_is_said_until_it_is_back(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed)
    page = await eyes.open(server.url)
    await state(page, "calm")
    feeder.pods(shank_right="lost")
    await state(page, "lost")
    await expect(page.locator("#words")).to_have_text("Right shank pod lost")
    feeder.status("running", "Right shank pod lost: check its strap")
    await expect(page.locator("#words")).to_have_text("Right shank pod lost: check its strap")
    feeder.pods()
    feeder.status("running")
    feeder.stride()
    await state(page, "calm")


async def test_an_empty_pod_is_told_before_the_run_and_where_it_is_lost(feed: Feed, server: LivePage, eyes: Eyes):
    """Of the feeder's pods the right shank's is at 12 %."""
    feeder = Feeder(feed)
    feeder.start()
    feeder.pods()
    feeder.status("ready", "Ready. Run when you like.")
    page = await eyes.open(server.url)
    detail = page.locator("#detail")
    await expect(detail).to_have_text("Low battery: Right shank 12 %")
    feeder.status("running")
    feeder.stride()
    await expect(detail).to_have_text("")
    feeder.pods(shank_left="lost")
    await state(page, "lost")
    await expect(detail).to_have_text("")
    feeder.pods(shank_right="lost")
    await expect(detail).to_have_text("Low battery: Right shank 12 %")


async def test_a_cue_gives_way_to_its_reminder_and_to_calm(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed)
    page = await eyes.open(server.url)
    await state(page, "calm")  # a message that came while the clock is replaced would be taken for one of 1970
    await page.clock.install()
    feeder.status("running", held=["overstride"])
    feeder.cue("Land under yourself, heel down")
    await state(page, "cue")
    await page.clock.fast_forward(9_000)
    await state(page, "cue")
    await page.clock.fast_forward(2_000)
    await state(page, "reminder")
    await expect(page.locator("#words")).to_have_text("Land under yourself, heel down")
    feeder.status("running")
    await expect(page.locator("#view-runner")).to_have_attribute("data-state", re.compile("calm|measuring"))
    await expect(page.locator("#earlier")).to_contain_text("Land under yourself, heel down")


async def test_a_reloaded_page_reminds_of_what_still_holds(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed)
    feeder.status("running", held=["overstride"])
    feeder.cue("Land under yourself, heel down", side="left", age_s=30.0)
    feeder.stride()
    page = await eyes.open(server.url)
    await state(page, "reminder")
    await expect(page.locator("#words")).to_have_text("Land under yourself, heel down")
    await expect(page.locator("#detail")).to_have_text("Left leg")


async def test_who_has_not_stood_still_is_asked_to_while_running(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = Feeder(feed)
    feeder.start()
    feeder.pods()
    feeder.status("running", "Stop for a moment and stand still.")
    feeder.stride(quality="uncalibrated")
    page = await eyes.open(server.url)
    await state(page, "stand")
    await expect(page.locator("#words")).to_have_text("Stop for a moment and stand still.")
    feeder.pods(shank_left="searching")
    await state(page, "lost")


async def test_what_is_fresh_is_spoken_and_what_is_stale_is_only_kept(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed)
    page = await eyes.open(server.url)
    await state(page, "calm")
    feeder.cue("Said before there was sound")
    await state(page, "cue")
    assert await page.evaluate("said") == []

    await page.get_by_role("button", name="Voice off").click()
    await expect(page.get_by_role("button", name="Voice on")).to_have_attribute("aria-pressed", "true")
    feeder.cue("Too old by now", age_s=1.5)
    feeder.cue("Short steps, lift the knee")
    feeder.status("standing", "Stand still")
    feeder.status("standing", "Stand still", held=["overstride"])  # the same prompt is said once
    await until(lambda: page.evaluate("said.length >= 3"))
    assert await page.evaluate("said") == ["Voice on", "Short steps, lift the knee", "Stand still"]
    assert await page.evaluate("tones") == 0
    await expect(page.locator("#words")).to_have_text("Short steps, lift the knee")

    await page.get_by_role("link", name="Coach").click()
    await expect(page.locator(".cues li span")).to_have_text(
        ["Short steps, lift the knee", "Too old by now", "Said before there was sound"]
    )
    await page.get_by_role("button", name="Voice on").click()
    feeder.cue("Said to nobody")
    await expect(page.locator(".cues li span").first).to_have_text("Said to nobody")
    assert await page.evaluate("said.length") == 3


async def test_where_there_is_no_voice_there_are_tones(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed)
    page = await eyes.open(server.url, script=ears())
    await page.get_by_role("button", name="Voice off").click()
    await expect(page.locator("#voice-text")).to_have_text("Tones on")
    before = await page.evaluate("tones")
    feeder.cue("Land under yourself, heel down")
    await until(lambda: page.evaluate(f"tones === {before} + 2"))
    feeder.cue("Better. Keep that.", kind="praise")
    await until(lambda: page.evaluate(f"tones === {before} + 5"))
    assert await page.evaluate("said") == []


@pytest.mark.parametrize("wrong_by_ms", [-3_600_000, 3_600_000])
async def test_a_phone_whose_clock_is_wrong_still_knows_what_is_fresh(
    feed: Feed, server: LivePage, eyes: Eyes, wrong_by_ms: int
):
    feeder = running(feed)
    clock = f"const now = Date.now; Date.now = () => now() + {wrong_by_ms};"
    page = await eyes.open(server.url, script=ears("en Test") + clock)
    await page.get_by_role("button", name="Voice off").click()
    await state(page, "calm")
    feeder.cue("Too old by now", age_s=1.5)
    feeder.cue("Land under yourself, heel down")
    await until(lambda: page.evaluate("said.length > 1"))
    assert await page.evaluate("said") == ["Voice on", "Land under yourself, heel down"]
    assert (await page.locator("#stat-time").inner_text()).startswith("00:0")


TIBIA = "tibial_inclination_ic_deg"


async def test_charts_move_with_every_stride(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed, strides=30)
    for _ in range(4):
        feeder.stride(quality="gap")
    feeder.stride(tibia_deg=16.0)
    feeder.stride(tibia_deg=16.0)
    feeder.cue("Land under yourself, heel down")
    page = await eyes.open(server.url, DESK)
    charts = await until(lambda: page.evaluate(PLOT))
    assert set(charts) == {TIBIA, "cadence_spm", "pelvic_tilt_deg", "contact_time_ms"}
    tibia = charts[TIBIA]
    left, right = tibia["left"], tibia["right"]
    assert left["line"]["color"] != right["line"]["color"]
    assert tibia["left now"]["marker"]["symbol"] != tibia["right now"]["marker"]["symbol"]
    assert left["y"][-3:-1] == [None, None]  # flagged strides are gaps
    assert left["y"][-1] == tibia["left now"]["y"][0] == pytest.approx(16.0, abs=1.2)
    assert (tibia["low"]["y"][0], tibia["high"]["y"][0]) == pytest.approx((6.0, 12.0))  # 9.0 and 1.5 SD of 2.0
    assert "low" in charts["cadence_spm"]
    assert "low" not in charts["pelvic_tilt_deg"]  # a natural tilt is never outside of anything
    assert await page.evaluate("document.querySelector('.plot').layout.shapes.length") == 4  # the cue, in each chart

    line = page.locator(".plot .subplot.xy .trace path.js-line[style*='stroke-width: 1.5px']").first
    before = await line.get_attribute("d")
    newest = feeder.stride().ic_s

    async def drawn() -> bool:
        charts = await page.evaluate(PLOT)
        return all(chart["left"]["x"][-1] == newest for chart in charts.values())

    await until(drawn)
    assert await line.get_attribute("d") != before


async def test_the_coach_sees_figures_patterns_pods_and_the_disclaimer(feed: Feed, server: LivePage, eyes: Eyes):
    feeder = running(feed, strides=20)
    feeder.status("running", held=["overstride", "tilt_excessive"])
    page = await eyes.open(server.url, DESK)
    await expect(page.locator(".card h2")).to_have_text("Ana")
    feeder.cue("Land under yourself, heel down")
    await expect(page.locator(".held li")).to_have_text(["Overstride", "Tilt excessive"])
    await expect(page.locator(".banner")).to_have_text("Land under yourself, heel down")
    row = page.locator(".figures tbody tr").first.locator("td")
    assert [float(text) for text in await row.all_inner_texts()] == pytest.approx([9.0, 9.8], abs=1.0)
    pods = page.locator(".pods tbody tr")
    await expect(pods.nth(2)).to_contain_text("12 %")
    await expect(pods.nth(2).locator("td.low")).to_have_count(1)
    await expect(pods.nth(1)).to_contain_text("0.2 %")
    await expect(pods.nth(0)).to_contain_text("0.6 ms")
    feeder.pods(shank_left="lost")
    await expect(pods.nth(1)).to_have_attribute("data-link", "lost")
    for _ in range(12):
        feeder.stride(tibia_deg=15.0)
    await expect(row.first).to_contain_text("▲")  # beyond the band, told by more than a colour
    await expect(page.get_by_text("Training aid, not a medical device. Limits are relative")).to_be_visible()


async def test_it_comes_back_by_itself_when_the_server_does(feed: Feed, eyes: Eyes):
    async with AsyncExitStack() as first:
        server = await first.enter_async_context(LivePage(feed))
        feeder = running(feed)
        page = await eyes.open(server.url)
        await page.get_by_role("button", name="Voice off").click()
        await state(page, "calm")
        await expect(page.locator("#connection")).to_be_hidden()
        eyes.expected = ("/live", "ERR_CONNECTION_REFUSED")
    await expect(page.locator("#connection")).to_contain_text("Trying again")
    await state(page, "offline")
    feeder.cue("Nobody could hear this", age_s=2)
    async with LivePage(feed, port=server.port) as again:
        assert again.port == server.port
        await expect(page.locator("#connection")).to_be_hidden()
        feeder.cue("Land under yourself, heel down")
        await state(page, "cue")
        assert await page.evaluate("said") == ["Voice on", "Land under yourself, heel down"]


async def test_the_runners_view_speaks_the_runners_language(feed: Feed, server: LivePage, eyes: Eyes):
    page = await eyes.open(server.url)
    await expect(page.locator("#words")).to_have_text("Waiting")
    feeder = running(feed, language="de")
    await expect(page.locator("#words")).to_have_text("Alles gut")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await expect(page.locator("nav a")).to_have_text(["Laufen", "Coach", "Läufe"])
    await expect(page.get_by_role("button", name="Stimme aus")).to_be_visible()
    await expect(page.locator("#view-coach")).to_have_attribute("lang", "en")
    await expect(page.locator(".stats dt")).to_have_text(["Zeit", "Schritte", "Tempo"])
    await expect(page.get_by_text("Trainingshilfe, kein Medizinprodukt.", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Metronom").click()
    await expect(page.locator("#pace")).to_have_text("zähle deine Schritte…")
    feeder.pods(shank_left="searching")
    feeder.status("waiting", "Steh still.")
    await expect(page.locator("#detail")).to_have_text("linker Unterschenkel")


async def test_the_list_of_sessions_speaks_the_runners_language(feed: Feed, eyes: Eyes):
    """Or the browser's while nobody runs."""
    pain = {"before": 2, "next-morning": 3}
    row = {"session": "s1", "runner": "Ana", "running": False, "cut": False, "source": "replay:a:b.mcap"}
    row |= {"duration_s": 60.0, "strides": 1, "cues": 2, "judged": True, "seen": ["overstride"], "pain": pain}

    async def rows() -> list[dict[str, object]]:
        return [row | {"started_utc": "2026-01-02T08:00:00.000Z"}]

    async with LivePage(feed, sessions=rows) as server:
        page = await eyes.open(server.url, locale="de-AT", timezone_id="Europe/Vienna")
        await page.get_by_role("link", name="Läufe").click()
        texts = page.locator("#session-list li").locator(".when, .state, .facts span, .seen, a")
        german = ["02.01.2026, 09:00", "Wiedergabe von a:b.mcap", "Ana", "1 min", "1 Schritt", "2 Hinweise"]
        german += ["Schmerz: vorher 2, am nächsten Morgen 3", "der Fuß landet vor dem Körper", "Bericht"]
        await expect(texts).to_have_text(german)
        await expect(page.get_by_text("lass ihn fachkundig abklären")).to_be_visible()
        running(feed, language="en")
        await expect(texts.last).to_have_text("Report")
        await expect(texts.nth(6)).to_have_text("pain: before 2, next morning 3")


async def test_several_runners_have_a_card_each_and_a_phone_its_own(feed: Feed, server: LivePage, eyes: Eyes):
    ana, bo = running(feed, "Ana"), running(feed, "Bo / <b>2</b>")
    coach = await eyes.open(server.url, DESK)
    await expect(coach.locator(".card h2")).to_have_text(["Ana", "Bo / <b>2</b>"])  # text, never markup
    phone = await eyes.open(server.url)
    await phone.get_by_role("button", name="Voice off").click()
    await phone.locator("#picker").select_option("Bo / <b>2</b>")
    await expect(phone).to_have_url(f"{server.url}#runner/Bo%20%2F%20%3Cb%3E2%3C%2Fb%3E")
    ana.cue("Only for Ana")
    bo.cue("Only for Bo")
    await expect(phone.locator("#words")).to_have_text("Only for Bo")
    assert await phone.evaluate("said") == ["Voice on", "Only for Bo"]
    await phone.reload()
    await expect(phone.locator("#picker")).to_have_value("Bo / <b>2</b>")


async def test_of_many_runners_the_coach_sees_the_state_of_all_first(feed: Feed, server: LivePage, eyes: Eyes):
    first = [running(feed, name) for name in ("Ana", "Bo")]
    page = await eyes.open(server.url, DESK)
    plots = page.locator(".plot")
    await expect(plots.nth(1)).to_be_visible()
    for runner in (*first, running(feed, "Cem")):  # drawing took its time, and without strides all is not well for long
        runner.stride()
    await expect(page.locator(".banner")).to_have_text(["All is well"] * 3)
    for n in range(3):
        await expect(plots.nth(n)).to_be_hidden()
    await page.get_by_role("button", name="Charts, cues and pods of Bo").click()
    await until(lambda: page.evaluate("document.querySelectorAll('.plot')[1].data?.length"))
    for runner in (running(feed, "Dora"), running(feed, "Cem")):  # what the coach unfolded stays so
        runner.stride()
    await expect(page.locator(".card")).to_have_count(4)
    assert [await plots.nth(n).is_visible() for n in range(4)] == [False, True, False, False]


@pytest.mark.parametrize("size", [NARROW, PHONE, DESK])
async def test_a_name_keeps_its_line_with_the_button_beside_it(
    feed: Feed, server: LivePage, eyes: Eyes, size: dict[str, int]
):
    running(feed, "Bartholomew")
    page = await eyes.open(f"{server.url}#coach", size)
    await expect(page.locator(".card .clock")).to_contain_text("km/h")
    name, button = [await page.locator(f".card {part}").bounding_box() for part in ("h2", ".fold")]
    assert name
    assert button
    assert name["height"] < 40  # one line of 26 px
    assert button["y"] <= name["y"] + name["height"] / 2 <= button["y"] + button["height"]
    assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("size", [NARROW, SMALL, PHONE, LYING, DESK])
async def test_nothing_is_cut_off(feed: Feed, server: LivePage, eyes: Eyes, size: dict[str, int]):
    running(feed, "Bartholomew")
    page = await eyes.open(server.url, size)
    overflow = "document.documentElement.scrollWidth - innerWidth"
    english = ("Land under yourself, heel down", "Leave the tilt alone, let it tip forward", "Unquestionably yes")
    german = ("Lass die Gürtelschnalle locker nach vorn kippen.",)
    for name, language, cues in (("Ana", "en", english), ("Eva", "de", german)):
        feeder = running(feed, name, language=language)
        await page.goto(f"{server.url}#runner/{name}")
        await expect(page.locator("html")).to_have_attribute("lang", language)
        for text in cues:
            feeder.cue(text)
            await expect(page.locator("#words")).to_have_text(text)
            box, stats, foot = [await page.locator(part).bounding_box() for part in ("#fit", ".stats", ".foot")]
            assert box
            assert stats
            assert foot
            assert await page.evaluate("document.getElementById('words').scrollWidth") <= box["width"] + 1
            assert box["y"] + box["height"] <= stats["y"] + 0.5  # a part of a pixel may be rounded
            assert stats["y"] + stats["height"] <= foot["y"]
            assert foot["y"] + foot["height"] <= size["height"]
            # Huge, everywhere; on the narrowest screen as huge as a word of 14 letters can be.
            huge_px = 38 if size is NARROW else 40
            assert float((await page.evaluate("getComputedStyle(words).fontSize"))[:-2]) >= huge_px
            assert await page.evaluate(overflow) <= 0
        for view, shown in (("coach", ".card >> nth=1"), ("sessions", "#session-note")):
            await page.goto(f"{server.url}#{view}")
            await expect(page.locator(shown)).to_be_visible()
            assert await page.evaluate(overflow) <= 0


async def test_the_view_follows_the_screen_and_the_keyboard(feed: Feed, server: LivePage, eyes: Eyes):
    running(feed)
    wide, phone = await eyes.open(server.url, DESK), await eyes.open(server.url, PHONE)
    await expect(wide.locator("#view-coach")).to_be_visible()
    await expect(phone.locator("#view-runner")).to_be_visible()
    await expect(phone.locator("#view-coach")).to_be_hidden()
    assert await phone.evaluate("!document.querySelector('script[src*=plotly]')")  # 5 MB that a runner does not need
    for _ in range(3):
        await phone.keyboard.press("Tab")
    await phone.keyboard.press("Enter")
    await expect(phone.locator("#view-coach")).to_be_visible()
    await phone.keyboard.press("Tab")
    await phone.keyboard.press("Enter")
    await expect(phone.locator("#view-sessions")).to_be_visible()
    await phone.keyboard.press("Tab")
    await phone.keyboard.press("Space")
    await expect(phone.locator("#voice")).to_have_attribute("aria-pressed", "true")


async def test_sessions_are_listed_with_what_came_of_them(feed: Feed, eyes: Eyes):
    row = {"session": "s 1", "runner": "Bo <b>", "source": "pods", "running": False, "cut": True, "judged": True}
    figures = {
        "duration_s": 3104.0,
        "strides": 8600,
        "cues": 1,
        "judged": True,
        "seen": ["overstride", "low_cadence"],
        "pain": {},
    }
    listed = [row | figures | {"started_utc": "2026-01-02T08:00:00.000Z"}]

    async def rows() -> list[dict[str, object]]:
        return listed

    async with LivePage(feed, sessions=rows) as server:
        page = await eyes.open(server.url, locale="en-GB", timezone_id="Europe/Berlin")
        await page.get_by_role("link", name="Sessions").click()
        items = page.locator("#session-list li")
        await expect(items).to_have_count(1)
        assert await items.locator(".when, .state, .facts span, .seen").all_inner_texts() == [
            "2 Jan 2026, 09:00",
            "cut short",
            "Bo <b>",
            "52 min",
            "8,600 strides",
            "1 cue",
            "landing ahead of the body, steps slower than usual at this speed",
        ]
        link = items.get_by_role("link", name="Report of 2 Jan 2026, 09:00, Bo <b>")
        await expect(link).to_have_attribute("href", "report/s%201")
        await expect(page.get_by_text("Where pain persists, see a professional")).to_be_visible()
        now = {
            "started_utc": "2026-01-03T08:00:00.000Z",
            "runner": "Ana",
            "running": True,
            "judged": True,
            "seen": None,
        }
        listed.insert(0, row | figures | now)
        running(feed)  # a session that begins is there at once
        await expect(items).to_have_count(2)
        await expect(items.first).to_contain_text("running now")
        await expect(items.first).not_to_contain_text("no pattern held")  # nobody knows that yet
        await expect(items.first.get_by_role("link")).to_have_count(0)
        await page.get_by_label("Whose sessions").select_option("Bo <b>")
        await expect(items).to_have_count(1)
        await expect(items).to_contain_text("cut short")
        listed.clear()
        running(feed).end()
        await expect(page.locator("#session-note")).to_contain_text("No session yet")


async def test_the_token_can_be_typed(feed: Feed, eyes: Eyes):
    running(feed)
    async with LivePage(feed, token="s3cret") as server:
        eyes.expected = ("401 (Unauthorized)",)
        page = await eyes.open(f"http://127.0.0.1:{server.port}/")
        await page.get_by_label("Token").fill("s3cret")
        await page.get_by_role("button", name="Open").click()
        await state(page, "calm")
        await expect(page).to_have_url(f"http://127.0.0.1:{server.port}/")


async def test_it_lives_on_an_encrypted_page_too(feed: Feed, eyes: Eyes, tmp_path: Path):
    make_certificates(tmp_path)
    running(feed)
    async with LivePage(feed, certfile=tmp_path / "server.pem", keyfile=tmp_path / "server.key") as server:
        page = await eyes.open(server.url, ignore_https_errors=True)  # the browser trusts no authority of ours
        await state(page, "calm")
        assert await page.evaluate("isSecureContext")
        await page.close()


async def test_colours_follow_the_scheme_while_it_runs(feed: Feed, server: LivePage, eyes: Eyes):
    running(feed)
    page = await eyes.open(server.url, DESK, color_scheme="light")
    left = f"({PLOT})().{TIBIA}?.left.line.color"
    assert await until(lambda: page.evaluate(left)) == "#0072b2"
    await page.emulate_media(color_scheme="dark")
    await until(lambda: page.evaluate(f"{left} === '#56b4e9'"))
