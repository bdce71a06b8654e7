"""Every language has every text, with the same things to fill in; no text is left that nothing shows."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import host
from dsp.types import Quality, Role
from host.coach.faults import CONTEXTS, FAULTS
from host.person import trend
from host.records import LinkState, Moment
from host.report.metrics import CHARTED, TABLED, TRENDED
from host.texts.language import language, languages, texts_of

# Of these each language has as many as it likes: test_cues.py says what they must be.
FREE = re.compile(r"faults\.\w+\.(cues\.\w+|praise|exercises)|never\.\w+")
HOUSE = Path(host.__file__).parent
TABLES = ("person", "sessions", "summary", "report", "page")


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """All texts of a file, by where they stand; a list is one leaf."""
    if not isinstance(value, dict):
        return {path: value}
    return {at: leaf for key, inner in value.items() for at, leaf in leaves(inner, f"{path}.{key}".strip(".")).items()}


def filled_in(leaf: str | list[str]) -> list[set[str]]:
    """What is to be filled into each of its sentences."""
    return [set(re.findall(r"{(\w+)}", text)) for text in ([leaf] if isinstance(leaf, str) else leaf)]


def shape(code: str) -> dict[str, list[set[str]]]:
    return {path: [] if FREE.match(path) else filled_in(leaf) for path, leaf in leaves(texts_of(code)).items()}


@pytest.mark.parametrize("code", languages())
def test_a_language_has_the_texts_of_english(code: str) -> None:
    """Key by key, so that a failure names what is missing, too much, or filled in otherwise."""
    ours, english = shape(code), shape("en")
    assert sorted(english.keys() - ours.keys()) == []
    assert sorted(ours.keys() - english.keys()) == []
    assert [path for path in english if ours[path] != english[path]] == []


@pytest.mark.parametrize("code", languages())
def test_no_text_is_empty_or_left_in_english(code: str) -> None:
    ours, english = leaves(texts_of(code)), leaves(texts_of("en"))
    assert [path for path, leaf in ours.items() if "" in ([leaf] if isinstance(leaf, str) else leaf)] == []
    same = [
        path for path, leaf in ours.items() if isinstance(leaf, str) and len(leaf.split()) > 2 and leaf == english[path]
    ]
    assert code == "en" or same == []


def test_every_text_is_shown_somewhere() -> None:
    """A key that no source names is a text that nobody sees."""
    files = [*HOUSE.rglob("*.py"), *HOUSE.rglob("*.html"), *HOUSE.rglob("*.js")]
    sources = "\n".join(file.read_text(encoding="utf-8") for file in files)
    named = set(re.findall(r"[\w-]+", sources))
    named |= {flag.label for flag in Quality} | {role.label for role in Role}  # by what the core calls them
    named |= {"muted_more", "well_more"}  # put together of two words
    keys = {part for table in TABLES for path in leaves(texts_of("en")[table]) for part in path.split(".")}
    assert sorted(keys - named) == []


@pytest.mark.parametrize("code", languages())
def test_there_are_words_for_all_that_is_measured_and_told(code: str) -> None:
    texts = language(code)
    shown = {metric.field for metric in (*CHARTED, *TABLED, *TRENDED)} | set(trend.METRICS)
    assert set(texts.metrics) == shown
    assert {metric.field for metric in CHARTED if not texts.metrics[metric.field].says} == {"speed_mps"}
    assert set(texts.moments) == set(Moment)
    assert set(texts.contexts) == set(CONTEXTS) - {""}
    assert set(texts.page["links"]) == set(LinkState)
    assert set(texts.report["quality"]) == {flag.label for flag in Quality}
    assert set(texts.report["pods"]) == set(texts.page["pods"]) == {role.label for role in Role}
    units = {limit.metric.rpartition("_")[2] for fault in FAULTS for limit in fault.limits}
    assert units <= set(texts.report["changes"])


@pytest.mark.parametrize("code", languages())
def test_there_are_months_and_weekdays(code: str) -> None:
    dates = language(code).dates
    assert (len(set(dates.months)), len(set(dates.short_months)), len(set(dates.weekdays))) == (12, 12, 7)


@pytest.mark.parametrize(
    ("code", "date", "day", "number"),
    [
        ("en", "Saturday, 7 March 2026, 09:05", "7 Mar", "1.50"),
        ("de", "Samstag, 7. März 2026, 09:05 Uhr", "7.3.", "1,50"),
    ],
)
def test_dates_and_numbers_are_written_as_the_language_does(code: str, date: str, day: str, number: str) -> None:
    texts, moment = language(code), datetime(2026, 3, 7, 9, 5)
    assert (texts.date(moment), texts.day(moment), texts.number(1.5, 2)) == (date, day, number)


def test_one_and_more_of_a_thing() -> None:
    strides = language("en").summary["strides"]
    assert [language("en").count(strides, n) for n in (0, 1, 2)] == ["0 strides", "1 stride", "2 strides"]
