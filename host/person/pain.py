"""What pain scores say: which run a score belongs to, and what the scores ask for. Pure.

High hamstring pain often fades while running and comes back afterwards, so one score is not enough: before, after, and
the next morning. What is asked for follows the pain-monitoring model: up to 5 of 10 is acceptable during and after
exercise, it should have settled by the next morning, and it should not rise from week to week (Silbernagel, Thomeé,
Eriksson & Karlsson 2007, doi:10.1177/0363546506298279; tried on Achilles tendons; the hamstrings'
have no such trial).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean

from host.coach.cues import Language, number
from host.person.quantities import WORST_PAIN
from host.records import Moment, Pain
from host.sinks.schema import SessionRow

ACCEPTABLE = 5  # of the pain-monitoring model
WEEK = timedelta(days=7)
RISE = 1.0  # on average, of 10: the scale's smallest step; less is noise
# Pain that is still there in the third week is worth a professional's look. Chosen.
PERSISTS = timedelta(days=14)
# A score before a run is for the one that starts within so long; the next morning comes so long after its end. Chosen.
BEFORE_WITHIN = timedelta(hours=6)
NIGHT = timedelta(hours=4)


def own_runs(sessions: Sequence[SessionRow], runner: str) -> list[SessionRow]:
    """The runner's own runs, oldest first: a replay is none."""
    return [row for row in sessions if row.runner == runner and not row.source.startswith("replay:")]


def run_of(moment: Moment, noted: datetime, runs: Sequence[SessionRow]) -> SessionRow | None:
    """The run that a score of this moment is about; None before a run that has not begun."""
    begun = [run for run in runs if _started(run) <= noted]
    if moment is Moment.BEFORE:
        begun = [run for run in begun if not run.ended_utc]
    if moment is Moment.NEXT_MORNING:
        begun = [run for run in begun if run.ended_utc and _time(run.ended_utc) + NIGHT <= noted]
    return begun[-1] if begun else None


def by_run(scores: Sequence[Pain], runs: Sequence[SessionRow]) -> dict[str, dict[Moment, int]]:
    """The scores of each run. A later score of the same moment corrects an earlier one."""
    found: dict[str, dict[Moment, int]] = {run.session: {} for run in runs}
    for pain in sorted(scores, key=lambda pain: pain.noted_utc):
        session = _session(pain, runs)
        if session in found:
            found[session][Moment(pain.moment)] = pain.score
    return found


def of_no_run(scores: Sequence[Pain], runs: Sequence[SessionRow]) -> list[Pain]:
    """The scores that stand beside none of the runs, oldest first."""
    known = {run.session for run in runs}
    left = [pain for pain in scores if _session(pain, runs) not in known]
    return sorted(left, key=lambda pain: pain.noted_utc)


def _session(pain: Pain, runs: Sequence[SessionRow]) -> str:
    if pain.moment == Moment.BEFORE and not pain.session:
        return _next_run(_time(pain.noted_utc), runs)
    return pain.session


def _next_run(noted: datetime, runs: Sequence[SessionRow]) -> str:
    return next((run.session for run in runs if noted <= _started(run) <= noted + BEFORE_WITHIN), "")


def advice(scores: Sequence[Pain], of_last_run: Mapping[Moment, int], texts: Language) -> list[str]:
    """What a runner's scores ask for, as sentences; none where they are fine."""
    before, after, morning = (of_last_run.get(moment) for moment in (Moment.BEFORE, Moment.AFTER, Moment.NEXT_MORNING))
    said = []
    if max(of_last_run.values(), default=0) > ACCEPTABLE:
        said.append(texts.pain.much.format(acceptable=ACCEPTABLE, worst=WORST_PAIN))
    if morning and morning > (before if before is not None else (after or 0)):
        said.append(texts.pain.unsettled)
    if rise := _rise(scores):
        means = {name: number(texts, mean, 1) for name, mean in zip(("before", "now"), rise, strict=True)}
        said.append(texts.pain.rising.format(**means))
    if _persists(scores):
        said.append(texts.pain.persists)
    return said


def _rise(scores: Sequence[Pain]) -> tuple[float, float] | None:
    """Mean pain of the seven days before the last seven, and of these, where it rose; None where it did not."""
    now = max((_time(pain.noted_utc) for pain in scores), default=None)
    if now is None:
        return None
    ages = [(pain.score, now - _time(pain.noted_utc)) for pain in scores]
    weeks = [[score for score, age in ages if n * WEEK <= age < (n + 1) * WEEK] for n in (0, 1)]
    if not all(weeks) or fmean(weeks[0]) - fmean(weeks[1]) < RISE:
        return None
    return fmean(weeks[1]), fmean(weeks[0])


def _persists(scores: Sequence[Pain]) -> bool:
    """Whether pain was there in the newest week and ever since before `PERSISTS`, without a week free of it."""
    hurt = sorted(_time(pain.noted_utc) for pain in scores if pain.score)
    if not hurt or max(_time(pain.noted_utc) for pain in scores) - hurt[-1] > WEEK:
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
