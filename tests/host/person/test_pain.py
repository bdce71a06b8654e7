"""Which run a score belongs to, and when a runner is told to take care or to see a professional."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from host.person.pain import advice, by_run, current, fits, of_no_run, own_runs, run_of, time_of
from host.records import Moment, Pain, utc_text
from host.sinks.schema import SessionRow
from host.texts.language import language

START = datetime(2026, 3, 1, 7, tzinfo=UTC)
BEFORE, AFTER, MORNING = Moment


def run(
    hours: float, *, runner: str = "ann", source: str = "pods", running: bool = False, strides: int = 9000
) -> SessionRow:
    """A run of an hour, so many hours after `START`."""
    started = START + timedelta(hours=hours)
    ended = "" if running else utc_text(started + timedelta(hours=1))
    return SessionRow(
        f"at {hours:g}", runner, utc_text(started), source, "", ended, False, 3600.0, strides, strides, 0, {}
    )


def scored(
    hours: float, score: int | None, moment: Moment = AFTER, session: str = "", noted: float | None = None
) -> Pain:
    """Felt so many hours after `START`; noted then, or later."""
    felt, entered = (utc_text(START + timedelta(hours=h)) for h in (hours, hours if noted is None else noted))
    return Pain(session, "ann", moment, score, felt, entered)


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
        (MORNING, 29, TWO_DAYS, "at 0"),  # ... at noon, too
        (MORNING, 48, TWO_DAYS, "at 24"),
        (MORNING, 1.5, TWO_DAYS, None),
        (MORNING, 12, TWO_DAYS, None),  # no night yet
        (MORNING, 24, [run(17.5)], "at 17.5"),  # ended at half past one in the night
        (MORNING, 80, TWO_DAYS, None),  # the morning after the next is not the next
        (BEFORE, 23.5, TWO_DAYS, "at 24"),
        (BEFORE, 23.5, [run(0)], None),  # of a run that is still to come
        (BEFORE, 10, TWO_DAYS, None),
        (BEFORE, 24.1, [run(0), run(24, running=True)], "at 24"),  # the pods are on already
        (BEFORE, 24.1, [run(0), run(24)], "at 24"),  # ... told later
    ],
)
def test_a_score_belongs_to_a_run(
    moment: Moment, hours: float, runs: Sequence[SessionRow], session: str | None
) -> None:
    found = run_of(moment, START + timedelta(hours=hours), runs)
    assert (found and found.session) == session


def test_a_score_from_before_finds_its_run_and_a_later_one_corrects() -> None:
    noted = [
        scored(23, 2, BEFORE),
        scored(10, 9, BEFORE),  # no run within hours
        scored(1.2, 7, session="at 0"),
        scored(1.2, 4, session="at 0", noted=30),
        scored(24, 1, MORNING, session="at 0"),
        scored(30, 5, session="deleted"),
        scored(23.5, 8),  # after, but of no run: never of the next one
    ]
    scores = current(noted, TWO_DAYS)
    assert by_run(scores, TWO_DAYS) == {"at 0": {AFTER: 4, MORNING: 1}, "at 24": {BEFORE: 2}}
    assert [pain.score for pain in of_no_run(scores, TWO_DAYS)] == [9, 8, 5]  # none is lost
    assert current(noted[::-1], TWO_DAYS) == scores


def test_a_score_before_a_run_is_of_that_run_alone() -> None:
    """Of two runs within hours of it the first has it, also where only the second is looked at."""
    runs = [run(0), run(3)]
    scores = current([scored(-0.5, 4, BEFORE)], runs)
    assert by_run(scores, runs[1:]) == {"at 3": {}}


def test_a_session_without_a_stride_is_no_run_and_keeps_no_score_from_the_next() -> None:
    """The pods were not found, say: what was noted before it, or while it searched, is about the run that came then."""
    under_way = own_runs([run(0), run(24, running=True, strides=0)], "ann")
    assert [row.session for row in under_way] == ["at 0", "at 24"]
    runs = own_runs([run(0), run(24, strides=0), run(26)], "ann")
    assert [row.session for row in runs] == ["at 0", "at 26"]
    noted = [scored(23.9, 2, BEFORE), scored(24.1, 3, BEFORE, session="at 24", noted=24.2)]
    assert by_run(current(noted, runs), runs) == {"at 0": {}, "at 26": {BEFORE: 3}}


def test_what_is_taken_back_counts_no_more_until_it_is_noted_anew() -> None:
    runs = [run(0)]
    noted = [scored(1.2, 9, session="at 0"), scored(1.2, None, session="at 0", noted=2)]
    noted += [scored(-9, 3, MORNING), scored(-9, None, MORNING, noted=3)]
    assert current(noted, runs) == []
    noted.append(scored(1.2, 2, session="at 0", noted=4))
    assert by_run(current(noted, runs), runs) == {"at 0": {AFTER: 2}}


def test_scores_of_no_run_are_corrected_by_those_of_the_same_minute() -> None:
    noted = [scored(-9, 3), scored(-9, 5, noted=2), scored(-8, 4)]
    assert [pain.score for pain in current(noted, [])] == [5, 4]


def test_a_run_that_is_named_tells_when_it_was_felt() -> None:
    now = START + timedelta(hours=40)
    felt = {moment: time_of(moment, run(0), now) - START for moment in Moment}
    assert felt == {BEFORE: timedelta(0), AFTER: timedelta(hours=1), MORNING: timedelta(hours=13)}
    assert time_of(MORNING, run(39), now) == now  # and never in the future
    assert time_of(AFTER, run(39, running=True), now) == now


@pytest.mark.parametrize(
    ("moment", "hours", "fitting"),
    [(BEFORE, -1, True), (BEFORE, 0.5, True), (BEFORE, 2, False), (AFTER, -1, False), (AFTER, 2, True)],
)
def test_a_time_fits_a_moment_of_a_run_or_not(moment: Moment, hours: float, fitting: bool) -> None:
    assert fits(moment, START + timedelta(hours=hours), run(0)) == fitting


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
