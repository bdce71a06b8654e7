"""What pain scores say: which run a score belongs to, and what the scores ask for. Pure.

High hamstring pain often fades while running and comes back afterwards, so one score is not enough: before, after, and
the next morning. What is asked for follows the pain-monitoring model: up to 5 of 10 is acceptable during and after
exercise, it should have settled by the next morning, and it should not rise from week to week (Silbernagel, Thomeé,
Eriksson & Karlsson 2007, doi:10.1177/0363546506298279; tried on Achilles tendons; the hamstrings'
have no such trial).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import fmean

from host.person.quantities import WORST_PAIN
from host.records import Moment, Pain, is_replay
from host.sinks.schema import SessionRow
from host.texts.language import Language

ACCEPTABLE = 5  # of the pain-monitoring model
WEEK = timedelta(days=7)
RISE = 1.0  # on average, of 10: the scale's smallest step; less is noise
# Pain that is still there in the third week is worth a professional's look. Chosen.
PERSISTS = timedelta(days=14)
# A score before a run is for the one that starts within so long. Chosen.
BEFORE_WITHIN = timedelta(hours=6)
# The next morning is that after a night, and the night's middle is 4 o'clock where the runner is. One that comes later
# than the second day is not the next. Both chosen.
NIGHT_HOUR = 4
NEXT_WITHIN = timedelta(hours=48)
# When a score was felt of a run that is named without a time: the next morning so long after the run's end. Chosen.
HALF_A_DAY = timedelta(hours=12)

# What tells one score from another: the run, else the time; and the moment.
_Key = tuple[str, str, str]


def own_runs(sessions: Sequence[SessionRow], runner: str) -> list[SessionRow]:
    """The runner's own runs, oldest first: a replay is none, nor a session that ended without a stride.

    One whose pods were never found would otherwise take the score that was noted for the run after it.
    """
    own = [row for row in sessions if row.runner == runner and not is_replay(row.source)]
    return [row for row in own if row.strides or not row.ended_utc]


def run_of(moment: Moment, at: datetime, runs: Sequence[SessionRow]) -> SessionRow | None:
    """The run that a score of this moment, felt `at` (on the runner's own clock), is about; None where there is none.

    Before: the run that is under way, or the next within hours. After: the last that began. Next morning: the last that
    ended before the last night.
    """
    begun = [run for run in runs if _started(run) <= at]
    if moment is Moment.AFTER:
        return begun[-1] if begun else None
    if moment is Moment.BEFORE:
        if begun and (not begun[-1].ended_utc or _time(begun[-1].ended_utc) > at):
            return begun[-1]
        return next((run for run in runs if at <= _started(run) <= at + BEFORE_WITHIN), None)
    night = at.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    night -= timedelta(days=1) if night > at else timedelta(0)
    ended = [run for run in begun if run.ended_utc and at - NEXT_WITHIN <= _time(run.ended_utc) <= night]
    return ended[-1] if ended else None


def time_of(moment: Moment, run: SessionRow, now: datetime) -> datetime:
    """When a score of this moment of a run was felt, as far as the run tells."""
    ended = _time(run.ended_utc) if run.ended_utc else now
    felt = {Moment.BEFORE: _started(run), Moment.AFTER: ended, Moment.NEXT_MORNING: ended + HALF_A_DAY}
    return min(felt[moment], now)


def fits(moment: Moment, at: datetime, run: SessionRow) -> bool:
    """Whether a score of this moment of the run can have been felt then."""
    if moment is Moment.BEFORE:
        return not run.ended_utc or at <= _time(run.ended_utc)
    return at >= _started(run)


def current(noted: Sequence[Pain], runs: Sequence[SessionRow]) -> list[Pain]:
    """What counts of all that was noted, in the order of when it was felt, each with the run that it belongs to.

    What was noted last of a moment of a run corrects what was noted before it.
    """
    found: dict[_Key, Pain] = {}
    for pain in sorted(noted, key=lambda pain: pain.noted_utc):
        pain = replace(pain, session=_session(pain, runs))
        found[key(pain)] = pain
    return sorted((pain for pain in found.values() if pain.score is not None), key=lambda pain: pain.at_utc)


def key(pain: Pain) -> _Key:
    """Two that are noted under the same key are about the same: without a run those of the same minute."""
    return pain.session, "" if pain.session else pain.at_utc[: len("2026-11-28T07:00")], pain.moment


def by_run(scores: Sequence[Pain], runs: Sequence[SessionRow]) -> dict[str, dict[Moment, int]]:
    """The scores of each run, of those that are `current`."""
    found: dict[str, dict[Moment, int]] = {run.session: {} for run in runs}
    for pain in scores:
        if pain.session in found and pain.score is not None:
            found[pain.session][Moment(pain.moment)] = pain.score
    return found


def of_no_run(scores: Sequence[Pain], runs: Sequence[SessionRow]) -> list[Pain]:
    """The current scores that stand beside none of the runs, oldest first."""
    known = {run.session for run in runs}
    return [pain for pain in scores if pain.session not in known]


def _session(pain: Pain, runs: Sequence[SessionRow]) -> str:
    """A score before a run may have been noted when there was no run yet, or beside one that came to nothing."""
    if pain.moment == Moment.BEFORE and all(pain.session != run.session for run in runs):
        at = _time(pain.at_utc)
        return next((run.session for run in runs if at <= _started(run) <= at + BEFORE_WITHIN), pain.session)
    return pain.session


def advice(scores: Sequence[Pain], of_last_run: Mapping[Moment, int], texts: Language) -> list[str]:
    """What a runner's current scores ask for, as sentences; none where they are fine."""
    before, after, morning = (of_last_run.get(moment) for moment in (Moment.BEFORE, Moment.AFTER, Moment.NEXT_MORNING))
    said = []
    if max(of_last_run.values(), default=0) > ACCEPTABLE:
        said.append(texts.pain.much.format(acceptable=ACCEPTABLE, worst=WORST_PAIN))
    if morning and morning > (before if before is not None else (after or 0)):
        said.append(texts.pain.unsettled)
    if rise := _rise(scores):
        means = {name: texts.number(mean, 1) for name, mean in zip(("before", "now"), rise, strict=True)}
        said.append(texts.pain.rising.format(**means))
    if _persists(scores):
        said.append(texts.pain.persists)
    return said


def _rise(scores: Sequence[Pain]) -> tuple[float, float] | None:
    """Mean pain of the seven days before the last seven, and of these, where it rose; None where it did not."""
    now = max((_time(pain.at_utc) for pain in scores), default=None)
    if now is None:
        return None
    ages = [(pain.score or 0, now - _time(pain.at_utc)) for pain in scores]
    weeks = [[score for score, age in ages if n * WEEK <= age < (n + 1) * WEEK] for n in (0, 1)]
    if not all(weeks) or fmean(weeks[0]) - fmean(weeks[1]) < RISE:
        return None
    return fmean(weeks[1]), fmean(weeks[0])


def _persists(scores: Sequence[Pain]) -> bool:
    """Whether pain was there in the newest week and ever since before `PERSISTS`, without a week free of it."""
    hurt = sorted(_time(pain.at_utc) for pain in scores if pain.score)
    if not hurt or max(_time(pain.at_utc) for pain in scores) - hurt[-1] > WEEK:
        return False
    since = hurt[-1]
    for moment in reversed(hurt):
        if since - moment > WEEK:
            break
        since = moment
    return hurt[-1] - since >= PERSISTS


def _started(run: SessionRow) -> datetime:
    return _time(run.started_utc)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
