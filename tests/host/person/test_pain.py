"""Which run a score belongs to, and when a runner is told to take care or to see a professional."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from host.coach.cues import language
from host.person.pain import advice, by_run, of_no_run, own_runs, run_of
from host.records import Moment, Pain, utc_text
from host.sinks.schema import SessionRow

START = datetime(2026, 3, 1, 7, tzinfo=UTC)
BEFORE, AFTER, MORNING = Moment


def run(hours: float, *, runner: str = "ann", source: str = "pods", running: bool = False) -> SessionRow:
    """A run of an hour, so many hours after `START`."""
    started = START + timedelta(hours=hours)
    ended = "" if running else utc_text(started + timedelta(hours=1))
    return SessionRow(f"at {hours:g}", runner, utc_text(started), source, "", ended, False, 3600.0, 9000, 0, {})


def scored(hours: float, score: int, moment: Moment = AFTER, session: str = "") -> Pain:
    return Pain(session, "ann", moment, score, utc_text(START + timedelta(hours=hours)))


TWO_DAYS = [run(0), run(24)]


@pytest.mark.parametrize(
    ("moment", "hours", "runs", "session"),
    [
        (AFTER, 1.2, TWO_DAYS, "at 0"),
        (AFTER, 23.9, TWO_DAYS, "at 0"),
        (AFTER, 26, TWO_DAYS, "at 24"),
        (AFTER, -1, TWO_DAYS, None),
        (MORNING, 23.5, TWO_DAYS, "at 0"),
        (MORNING, 25.5, TWO_DAYS, "at 0"),  # after this morning's run, of yesterday's
        (MORNING, 48, TWO_DAYS, "at 24"),
        (MORNING, 1.5, TWO_DAYS, None),
        (BEFORE, 23.5, TWO_DAYS, None),  # of a run that is still to come
        (BEFORE, 24.1, [run(0), run(24, running=True)], "at 24"),  # the pods are on already
    ],
)
def test_a_score_belongs_to_a_run(
    moment: Moment, hours: float, runs: Sequence[SessionRow], session: str | None
) -> None:
    found = run_of(moment, START + timedelta(hours=hours), runs)
    assert (found and found.session) == session


def test_a_score_from_before_finds_its_run_and_a_later_score_corrects() -> None:
    scores = [
        scored(23, 2, BEFORE),
        scored(10, 9, BEFORE),  # no run within hours
        scored(1.5, 4, session="at 0"),
        scored(1.2, 7, session="at 0"),
        scored(24, 1, MORNING, session="at 0"),
        scored(30, 5, session="deleted"),
        scored(23.5, 8),  # after, but of no run: never of the next one
    ]
    assert by_run(scores, TWO_DAYS) == {"at 0": {AFTER: 4, MORNING: 1}, "at 24": {BEFORE: 2}}
    assert [pain.score for pain in of_no_run(scores, TWO_DAYS)] == [9, 8, 5]  # none is lost


def test_replays_and_others_are_no_runs_of_ones_own() -> None:
    assert own_runs([run(0), run(2, source="replay:x.mcap"), run(3, runner="bo")], "ann") == [run(0)]


@pytest.mark.parametrize(
    ("of_run", "told"),
    [
        ({BEFORE: 1, AFTER: 5, MORNING: 1}, []),
        ({BEFORE: 0, AFTER: 6}, ["Above 5"]),
        ({MORNING: 6, BEFORE: 6}, ["Above 5"]),
        ({BEFORE: 1, AFTER: 3, MORNING: 2}, ["not settled"]),
        ({AFTER: 3, MORNING: 3}, []),
        ({AFTER: 3, MORNING: 4}, ["not settled"]),
        ({MORNING: 0}, []),
        ({}, []),
    ],
)
def test_one_run_by_the_pain_monitoring_model(of_run: dict[Moment, int], told: list[str]) -> None:
    said = advice([], of_run, language("en"))
    assert len(said) == len(told)
    assert all(part in sentence for part, sentence in zip(told, said, strict=True))


@pytest.mark.parametrize(
    ("days_and_scores", "told"),
    [
        ([(0, 1), (3, 1), (8, 3), (10, 3)], "rose from one week to the next (1.0 to 3.0"),
        ([(0, 3), (3, 3), (8, 1), (10, 1)], ""),
        ([(0, 2), (3, 2), (8, 2), (10, 3)], ""),  # half a point
        ([(0, 2), (6, 2), (12, 2), (15, 2)], "more than two weeks"),
        ([(0, 2), (6, 2), (13, 2)], ""),
        ([(0, 2), (8, 0), (15, 2)], "rose"),  # a week without, then again: that is no persisting
        ([(0, 2), (6, 2), (12, 2), (15, 2), (20, 0), (24, 0)], ""),  # over now
        ([], ""),
    ],
)
def test_from_week_to_week(days_and_scores: list[tuple[float, int]], told: str) -> None:
    said = advice([scored(24 * day, score) for day, score in days_and_scores], {}, language("en"))
    assert [told in sentence for sentence in said] == ([True] if told else [])
