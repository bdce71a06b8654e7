"""The report of stored runs: its numbers against the database, its timeline against the live coach, its words."""

import math
import re
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from dsp.types import Role
from host.coach.coach import Coach
from host.coach.faults import FAULTS
from host.coach.told import Told
from host.config import Config, StorageConfig
from host.errors import SinkError, UnknownSessionError
from host.records import Effect, Moment, Pain, Person
from host.report import words
from host.report.material import Recorded, gather
from host.report.page import report_html
from host.report.timeline import replay
from host.report.write import report_of, write_report
from host.sinks.store import Store
from host.texts.language import language, languages
from tests.host.coach.runner import Run
from tests.host.stored import StoredRun, store_run

OVERSTRIDE = "stand 5; run 3.1; at 100 overstride strong right deaf; at 190 well"
LOST = {Role.SHANK_LEFT: range(5000, 5013)}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Sessions:
    folder: Path
    well: StoredRun
    faulty: StoredRun
    cut: StoredRun

    @property
    def config(self) -> Config:
        return Config(storage=StorageConfig(folder=self.folder))

    def query(self, sql: str, *values: object) -> np.ndarray:
        """Straight from the database, without the product's code."""
        with sqlite3.connect(self.config.database) as conn:
            return np.array(conn.execute(sql, values).fetchall(), float)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sessions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sessions]:
    """Ann's: all well; then, with that habit known, an overstride and lost packets; then a run that was killed."""
    folder = tmp_path_factory.mktemp("stored")
    recordings = folder / "recordings"
    recordings.mkdir()
    async with Store.open(Config(storage=StorageConfig(folder=folder)).database) as store:
        well = await store_run(store, "stand 5; run 3.0", 110)
        profile = well.coach.profile()
        faulty = await store_run(store, OVERSTRIDE, 220, days=2, profile=profile, recordings=recordings, lost=LOST)
        cut = await store_run(store, "stand 5; run 3.0", 40, days=4, ends=False)
    yield Sessions(folder, well, faulty, cut)


async def report(sessions: Sessions, session: str) -> str:
    async with Store.open(sessions.config.database) as store:
        return await report_of(sessions.config, store, session)


class Cells(HTMLParser):
    """The texts of elements that carry a metric and a side."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[tuple[str, str], str] = {}
        self._of: tuple[str, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "td" and "data-side" in given:
            self._of = str(given["data-metric"]), str(given["data-side"])
            self.found[self._of] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._of = None

    def handle_data(self, data: str) -> None:
        if self._of:
            self.found[self._of] += data


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html[html.index("<body") :])))


async def test_key_figures_are_the_medians_of_the_stored_strides(sessions: Sessions):
    html = await report(sessions, sessions.faulty.session)
    shown = Cells(html).found
    assert len(shown) == 12
    for (metric, side), text in shown.items():
        legs = ("left", "right") if side == "both" else (side, side)
        values = sessions.query(
            f"SELECT {metric} FROM strides WHERE of_session = ? AND quality = '' AND side IN (?, ?)",
            *(sessions.faulty.session, *legs),
        )
        digits = len(text.split()[0].partition(".")[2])
        assert float(text.split()[0]) == pytest.approx(np.nanmedian(values), abs=0.51 * 10**-digits), metric
    ic_s, next_ic_s, speed_mps = sessions.query(
        "SELECT ic_s, next_ic_s, speed_mps FROM strides WHERE of_session = ? AND speed_mps NOT NULL",
        sessions.faulty.session,
    ).T
    metres = ((next_ic_s - ic_s) * speed_mps).sum() / 2
    assert f"{metres / 1000:.2f} km" in html
    assert 550 < metres < 700  # 214 s at 3.1 m/s


async def test_the_timeline_is_what_the_live_coach_held(sessions: Sessions):
    run = sessions.faulty
    profile = sessions.well.coach.profile()
    again = replay(run.strides, Coach(profile.baseline, history=profile.history), 10.0)
    assert [*again.cues] == run.cues
    for t_s, held in run.held:
        assert {(s.fault, s.side) for s in again.spans if s.begin_s <= t_s < s.end_s} == held
    (span,) = again.spans
    assert (span.fault, span.side) == ("overstride", "right")
    assert 100 < span.begin_s < 130
    assert 190 < span.end_s < 215


async def test_a_fault_does_not_hold_through_a_pause():
    run = Run()
    run.go(100)
    run.go(30, tibial_inclination_ic_deg_by=9.0, foot_ahead_of_pelvis_mm_by=60.0)
    last_s = run.strides[-1].decided_s
    run.pause(60)
    run.go(30)
    spans = replay(run.strides, Coach(), 10.0).spans
    assert [(span.fault, span.end_s) for span in spans] == [("overstride", last_s)]


async def test_a_fault_is_told_with_its_cues_and_what_to_do(sessions: Sessions):
    html = await report(sessions, sessions.faulty.session)
    text = text_of(html)
    assert ">Landing ahead of the body</h1>" in html
    assert "on the right. You heard" in text
    assert "gone at the end" in text
    for cue in sessions.faulty.cues:
        assert cue.text in text
    for fault in sessions.faulty.coach.summary()["faults"].values():
        assert fault["advice"] in text
        assert all(exercise in text for exercise in fault["exercises"])
    assert "your own habit, learnt over 1 session before" in text
    assert "not stored any more" not in text
    assert "not a medical device" in text


async def test_what_came_of_each_cue_is_beside_it(sessions: Sessions):
    html = await report(sessions, sessions.faulty.session)
    effects = sessions.query(
        "SELECT cue_number, after - before FROM effects WHERE of_session = ?", sessions.faulty.session
    )
    assert len(effects) >= 2
    rows = re.findall(r"<tr class=.(cue|praise).>(.*?)</tr>", html)
    assert len(rows) == len(sessions.faulty.cues)
    changes = {i: row.removesuffix("</td>").rpartition("<td>")[2] for i, (_, row) in enumerate(rows, 1)}
    for number, change in effects:
        text = changes.pop(int(number))
        assert text.endswith("°")
        assert float(text[:-1].replace("\N{MINUS SIGN}", "-")) == pytest.approx(change, abs=0.051)
    assert set(changes.values()) == {""}
    text = text_of(html)
    assert f"Cue on landing ahead of the body: {len(effects)} times; overstride" in text
    assert "After it" not in await report(sessions, sessions.well.session)


async def test_pain_is_shown_beside_the_form_and_asks_for_what_it_should(sessions: Sessions):
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session))
    later = sessions.cut.session

    def noted(session: str, moment: Moment, score: int, utc: str, entered_utc: str = "") -> Pain:
        return Pain(session, "ann", moment, score, utc, entered_utc or utc)

    wrong = noted(sessions.well.session, Moment.AFTER, 8, "2026-03-01T08:00:00.000Z")
    scores = [  # the first corrects the wrong one, after weeks
        noted(sessions.well.session, Moment.AFTER, 3, "2026-03-01T08:00:00.000Z", "2026-03-28T09:00:00.000Z"),
        noted(sessions.faulty.session, Moment.BEFORE, 2, "2026-03-03T06:50:00.000Z"),
        noted(sessions.faulty.session, Moment.AFTER, 7, "2026-03-03T07:50:00.000Z"),
    ]
    async with Store.open(sessions.config.database) as store:
        for pain in [wrong, *scores, noted(later, Moment.AFTER, 9, "2026-03-05T08:00:00.000Z")]:
            await store.add_pain(pain)
        with_pain = await gather(store, await store.session(sessions.faulty.session))
    assert list(with_pain.scores) == scores  # what came later is no part of this session
    html = report_html(with_pain)
    assert re.search(r"<dt>Pain before, after</dt><dd>2, 7 of 10</dd>", html)
    figure = html[html.index(">Pain <small>of 10") :].partition("</figure>")[0]
    points = re.findall(r'<i class="point ([\w-]+)" style="left:([\d.]+)%;bottom:([\d.]+)%" title="(\d+)"', figure)
    assert points == [
        ("before", "75.00", "20.00", "2"),
        ("after", "25.00", "30.00", "3"),
        ("after", "75.00", "70.00", "7"),
    ]
    assert (
        ">Landing ahead of the body <small>% of strides" in html
    )  # and its share, from one session's summary to the next
    assert "Above 5 of 10 is more than a tendon should be asked to bear" in text_of(html)
    assert "Pain of 10" not in text_of(report_html(material))


async def test_earlier_sessions_at_about_the_same_speed_are_compared(sessions: Sessions):
    html = await report(sessions, sessions.faulty.session)
    medians = [
        np.nanmedian(
            sessions.query(
                "SELECT contact_time_ms FROM strides WHERE of_session = ? AND quality = '' AND side = ?",
                *(sessions.well.session, side),
            )
        )
        for side in ("left", "right")
    ]
    assert " · ".join(f"{value:.0f}" for value in medians) in html
    assert "your 1 earlier session at about this speed" in html
    assert "From session to session" in html
    assert "From session to session" not in await report(sessions, sessions.well.session)  # it was the first


async def test_how_much_of_the_pattern_there_was_is_compared_from_run_to_run(sessions: Sessions):
    html = await report(sessions, sessions.faulty.session)
    figure = html[html.index(">Landing ahead of the body <small>% of strides") :].partition("</figure>")[0]
    shown = [int(title) for title in re.findall(r'title="(\d+)"', figure)]
    shares = []
    for run in (sessions.well, sessions.faulty):
        sql = "SELECT json_extract(summary, '$.faults.overstride.strides_held.{}') FROM sessions WHERE session = ?"
        held = np.nansum([sessions.query(sql.format(side), run.session) for side in ("left", "right")])
        shares.append(100 * held / len(run.strides))
    assert shown == [round(share) for share in shares]
    assert shares[0] == 0 < 15 < shares[1]


async def test_lost_packets_are_counted_from_the_recording(sessions: Sessions):
    text = text_of(await report(sessions, sessions.faulty.session))
    assert re.search(r"left shank \d+ 13 \(0\.2 %\)", text)
    assert re.search(r"pelvis \d+ 0 \(0\.0 %\)", text)
    bad = sessions.query(
        "SELECT count(*) FROM strides WHERE of_session = ? AND quality LIKE '%gap%'", sessions.faulty.session
    )
    assert f"samples were lost on the way ({bad[0, 0]:.0f})" in text


async def test_a_run_without_a_fault_is_told_in_a_friendly_way(sessions: Sessions):
    html = await report(sessions, sessions.well.session)
    assert ">All was well</h1>" in html
    assert "Nothing to work on" in html
    assert 'id="timeline"' not in html
    assert 'id="cues"' not in html
    assert "no recording of this session" in html


async def test_a_session_that_was_killed_is_told_up_to_its_last_stride(sessions: Sessions):
    html = await report(sessions, "last")
    assert sessions.cut.session in html
    assert "cut short" in html
    assert ">All was well</h1>" in html


async def test_nothing_but_strides_is_needed(sessions: Sessions):
    """Not even good ones, nor any at all; and a recording that is gone is no reason not to report."""
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session))
        gone = await gather(store, replace(material.row, recording="/nowhere/gone.mcap"))
    assert gone.recorded is None
    assert "Landing ahead of the body" in report_html(gone)
    unknown = dict.fromkeys(material.medians, math.nan)
    none = replace(material, strides=[], cues=[], effects=[], medians=unknown, earlier=[], recorded=None)
    assert "No running was measured" in report_html(none)
    walked = replace(none, strides=[replace(stride, quality="walking") for stride in material.strides])
    assert "No running was measured" in report_html(walked)
    assert f"walking ({len(material.strides)})" in report_html(walked)
    for page in map(report_html, (none, walked)):  # nothing is known, which is no praise
        assert "What would help cannot be told from this run." in page
        assert "Nothing to work on" not in page


async def test_a_muted_pattern_is_no_head_line(sessions: Sessions):
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session))
    assert material.recorded
    told = replace(material.recorded.told, person=Person("ann", muted=frozenset({"overstride"})))
    html = report_html(replace(material, recorded=replace(material.recorded, told=told)))
    assert ">Nothing to say</h1>" in html
    assert 'data-fault="overstride"' in html  # seen all the same


async def test_a_session_that_runs_is_told_up_to_now(sessions: Sessions):
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.well.session))
    assert "still runs" in report_html(replace(material, row=replace(material.row, ended_utc="")))
    assert "still runs" not in report_html(material)


@pytest.mark.parametrize("code", languages())
async def test_there_are_words_for_all_that_cues_change(code: str):
    for metric in {limit.metric for fault in FAULTS for limit in fault.limits}:
        effect = Effect(1, 0.0, "", "", "en", "", metric, 2.0, 1.0, 20, 20)
        assert words.change(effect, language(code)).startswith("\N{MINUS SIGN}1")


async def test_names_and_texts_cannot_become_markup(sessions: Sessions):
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session))
    name, said = "<script>alert(1)</script>", '"><img src=x>'
    html = report_html(
        replace(
            material,
            row=replace(material.row, runner=name),
            cues=[replace(cue, text=said) for cue in material.cues],
        )
    )
    assert "<script" not in html
    assert "<img" not in html


async def test_what_the_coach_has_to_say_is_in_the_runners_language(sessions: Sessions):
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session))
    html = report_html(replace(material, recorded=Recorded(told=Told(Person("ann", language="de")))))
    german = language("de").faults["overstride"]
    assert '<html lang="de">' in html
    assert f"<h1>{german.name[0].upper()}{german.name[1:]}</h1>" in html
    assert german.advice in text_of(html)
    assert all(exercise in text_of(html) for exercise in german.exercises)
    assert "Dienstag, 3. März 2026" in html
    assert re.search(r"<dt>Strecke</dt><dd>0,\d\d km</dd>", html)


async def test_what_the_runner_speaks_now_goes_before_what_they_spoke_then(sessions: Sessions, tmp_path: Path):
    """Also where no recording tells; what was said then stays as it was."""
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session), "de")
    for known in (material, replace(material, recorded=None)):
        html = report_html(known)
        assert "Was du gehört hast" in html
        assert f'<td lang="en">{material.cues[0].text}</td>' in html
    async with Store.open(sessions.config.database) as store:
        await store.save_person(Person("ann", language="de"))
        assert '<html lang="de">' in await report_of(sessions.config, store, sessions.well.session)
        await store.save_person(Person("ann"))
        assert '<html lang="en">' in await report_of(sessions.config, store, sessions.well.session)


ENGLISH = r"\b(the|and|of|is|are|it|you|your|with|cues?|strides?|run|sessions?|usual|left|right|at|about|lost)\b"


async def test_nothing_of_a_german_report_is_english(sessions: Sessions):
    """But for what was said, names and ids."""
    runs = (sessions.well, sessions.faulty, sessions.cut)
    then = "2026-03-03T08:00:00Z"
    async with Store.open(sessions.config.database) as store:
        materials = [await gather(store, await store.session(run.session), "de") for run in runs]
    materials[1] = replace(materials[1], scores=[Pain(runs[1].session, "ann", Moment.AFTER, 7, then, then)])
    for material in [*materials, *(replace(one, recorded=None, strides=one.strides[:9]) for one in materials)]:
        html = report_html(replace(material, cues=[replace(cue, text="-") for cue in material.cues]))
        body = re.sub(r"<style>.*?</style>|<code>.*?</code>", "", html, flags=re.S)
        labels = re.findall(r'(?:title|aria-label)="([^"]*)"', body)
        assert [found for text in (text_of(body), *labels) for found in re.findall(ENGLISH, text)] == []


async def test_the_same_material_makes_the_same_page(sessions: Sessions):
    async with Store.open(sessions.config.database) as store:
        material = await gather(store, await store.session(sessions.faulty.session))
    assert report_html(material) == report_html(material)


async def test_it_is_written_where_it_is_asked_for(sessions: Sessions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert await write_report(sessions.config, "last") == Path(f"{sessions.cut.session}.html")
    assert (tmp_path / f"{sessions.cut.session}.html").read_text().startswith("<!doctype html>")
    out = tmp_path / "mine.html"
    assert await write_report(sessions.config, sessions.well.session, out) == out
    assert sessions.well.session in out.read_text()
    (tmp_path / "reports").mkdir()
    in_folder = tmp_path / "reports" / f"{sessions.well.session}.html"
    assert await write_report(sessions.config, sessions.well.session, tmp_path / "reports") == in_folder
    assert in_folder.exists()
    for place in ("no folder", "mine.html"):  # the second is a file
        with pytest.raises(SinkError, match="cannot be written"):
            await write_report(sessions.config, "last", tmp_path / place / "x.html")


async def test_an_unknown_session_is_told_with_those_that_are(sessions: Sessions):
    with pytest.raises(UnknownSessionError) as caught:
        await write_report(sessions.config, "yesterday")
    for run in (sessions.well, sessions.faulty, sessions.cut):
        assert run.session in str(caught.value)
