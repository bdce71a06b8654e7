"""Did a cue help? The strides after it against those before.

Compared is the distance from usual at each stride's own speed and slope, so to slow down or to come to a hill is no
success. Usual is the own habit where the fault held against that. Else it is the norm of healthy runners, which knows
the level alone: from the strides before the cue on it changes with speed and slope as the own habit does. Only running
on counts: what is torn by a walk or a stop, or has too few good strides, has no effect that could be told.

A cue comes when a pattern is at its most marked, so some of it would have gone by itself (regression to the mean). The
effect is good for comparing wordings, which all have that advantage, and is no proof that a cue works.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from statistics import fmean
from typing import NamedTuple

from host.coach.baseline import Baseline, level_if_unknown
from host.coach.faults import Fault, Limit
from host.coach.norms import Usual, norm
from host.coach.persistence import SIDES, FormFault
from host.records import Cue, Effect, Stride

# Of each leg, before and after (coaching rules). Fewer than half of them are too few: the mean of ten is known to a
# third of one stride's spread.
STRIDES = 20
LEAST_STRIDES = 10
# A pattern began with a stride beyond its limit when most of so many from there on are beyond: of strides as usual one
# in fifteen is by chance (1.5 SD), but one in five hundred begins such a row. Chosen.
ROW = 5
# A cue of eight words takes 3 s to say (host/voice.py): what is run meanwhile counts for neither side.
SPOKEN_S = 3.0
# All of them within this time of the cue: the silence after a word, so no other word speaks into it. 20 strides take
# 14 s at the norm's cadence; at less than 145 steps a minute they are some fewer.
WITHIN_S = 20.0
# Longer without any stride is a stop. Two strides at the slowest running (0.85 s) may be lost to the radio. Chosen.
PAUSE_S = 2.0


class Comparison(NamedTuple):
    """Mean distances from usual in the direction of the fault, in the metric's unit: above zero is more of it."""

    metric: str
    before: float
    after: float
    n_before: int
    n_after: int
    margin: float  # from usual to the limit: what makes metrics comparable

    @property
    def gain(self) -> float:
        """How much nearer to usual, in limits: 1 is from the limit to usual, or as much from further out."""
        return (self.before - self.after) / self.margin


class Measured(NamedTuple):
    """A cue's effect, and what it tells of the wording."""

    effect: Effect
    wording: str
    gain: float


class _Pending(NamedTuple):
    """A cue whose effect is still being watched."""

    number: int
    cue: Cue
    wording: str
    fault: Fault
    against_own: bool
    before: dict[str, list[Stride]]
    after: dict[str, list[Stride]]


class EffectMeter:
    """Takes all strides of a session in order, and its cues as they are said, in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._recent: dict[str, deque[Stride]] = {side: deque(maxlen=STRIDES) for side in SIDES}
        self._end_s = -math.inf
        self._pending: _Pending | None = None

    def add(self, stride: Stride, *, walking: bool, counts: bool, baseline: Baseline | None) -> Measured | None:
        """One stride; `counts`: it tells of form. Gives the effect of the last cue when it is known."""
        if walking or stride.ic_s - self._end_s > PAUSE_S:
            self._break_off()
        if stride.next_ic_s > self._end_s:
            self._end_s = stride.next_ic_s
        pending = self._pending
        late = pending is not None and stride.decided_s - pending.cue.t_s > WITHIN_S
        if counts and not walking:
            self._recent[stride.side].append(stride)
            if pending and not late and stride.side in pending.after and stride.ic_s > pending.cue.t_s + SPOKEN_S:
                pending.after[stride.side].append(stride)
        if pending and (late or all(len(leg) >= STRIDES for leg in pending.after.values())):
            self._pending = None
            return _measure(pending, self._language, baseline)
        return None

    def note(self, number: int, cue: Cue, wording: str, fault: Fault, held: FormFault) -> None:
        """A cue that was just said, the `number`-th word of the session, on a fault that holds like this."""
        legs = [cue.side] if cue.side else SIDES
        before = {leg: [s for s in self._recent[leg] if s.ic_s > cue.t_s - WITHIN_S] for leg in legs}
        after: dict[str, list[Stride]] = {leg: [] for leg in legs}
        self._pending = _Pending(number, cue, wording, fault, held.against_own, before, after)

    def _break_off(self) -> None:
        self._pending = None
        for recent in self._recent.values():
            recent.clear()


def _measure(pending: _Pending, language: str, baseline: Baseline | None) -> Measured | None:
    if any(len(leg) < LEAST_STRIDES for part in (pending.before, pending.after) for leg in part.values()):
        return None
    before, after = (
        [stride for leg in part.values() for stride in leg[:STRIDES]] for part in (pending.before, pending.after)
    )
    found = compare(pending.fault, before, after, baseline, against_own=pending.against_own)
    if found is None:
        return None
    cue = pending.cue
    effect = Effect(
        cue_number=pending.number,
        t_s=max(stride.decided_s for stride in after),
        fault=cue.fault,
        side=cue.side,
        language=language,
        text=cue.text,
        metric=found.metric,
        before=found.before,
        after=found.after,
        n_before=found.n_before,
        n_after=found.n_after,
    )
    return Measured(effect, pending.wording, found.gain)


class Change(NamedTuple):
    """How much less of a fault there was after its cues, in the unit of the metric."""

    metric: str
    mean: float


def mean_change(effects: Iterable[Effect]) -> Change | None:
    """The mean change, of the metric that most of these effects of one fault have; None without any."""
    changes: dict[str, list[float]] = {}
    for effect in effects:
        changes.setdefault(effect.metric, []).append(effect.before - effect.after)
    if not changes:
        return None
    metric, values = max(changes.items(), key=lambda item: len(item[1]))
    return Change(metric, fmean(values))


def compare(
    fault: Fault, before: Iterable[Stride], after: Iterable[Stride], baseline: Baseline | None, *, against_own: bool
) -> Comparison | None:
    """The fault's metric before and after: the first in its row that was beyond its limit, else the one nearest to it.

    Before: from the first stride on that began a row of which most were beyond the limit, or a pattern that has just
    begun would seem to grow after its cue.
    `against_own`: from the own habit, else from the norm. None where too little is known.
    """
    before, after = (sorted(strides, key=attrgetter("ic_s")) for strides in (before, after))
    found = []
    for limit in fault.limits:
        # What has no norm of people was held against the runner's past days.
        own = against_own or math.isnan(limit.norm_sds)
        usual = _own(limit, baseline) if own else _healthy(limit, before, baseline)
        if usual and (comparison := _compare(limit, before, after, usual)):
            found.append(comparison)
    beyond = [c for c in found if c.before >= c.margin]
    return beyond[0] if beyond else max(found, key=lambda c: c.before / c.margin, default=None)


def _compare(limit: Limit, before: Sequence[Stride], after: Sequence[Stride], usual: "_Expected") -> Comparison | None:
    was, became = _distances(limit, before, usual), _distances(limit, after, usual)
    if not was or not became:
        return None
    # A fault in either direction is what it was before the cue.
    sign = limit.sign or math.copysign(1.0, fmean(distance for distance, _ in was))
    beyond = [sign * distance >= margin for distance, margin in was]
    began = next((i for i, it_is in enumerate(beyond) if it_is and sum(beyond[i : i + ROW]) > ROW / 2), 0)
    was = was[began:]
    if min(len(was), len(became)) < LEAST_STRIDES:
        return None
    return Comparison(
        limit.metric,
        before=sign * fmean(distance for distance, _ in was),
        after=sign * fmean(distance for distance, _ in became),
        n_before=len(was),
        n_after=len(became),
        margin=fmean(margin for _, margin in was),
    )


def _distances(limit: Limit, strides: Sequence[Stride], usual: "_Expected") -> list[tuple[float, float]]:
    """By stride, where known: the metric's distance from usual, and the limit's."""
    found = []
    for stride in strides:
        mean, margin = usual(stride)
        distance = getattr(stride, limit.metric) - mean
        if math.isfinite(distance):
            found.append((distance, margin))
    return found


# What is usual for a metric on a stride, and how far from there its limit is.
_Expected = Callable[[Stride], tuple[float, float]]


def _own(limit: Limit, baseline: Baseline | None) -> _Expected | None:
    if baseline is None:
        return None

    def usual(stride: Stride) -> tuple[float, float]:
        own = _of_habit(limit.metric, stride, baseline)
        return own.mean, max(limit.own_margin, limit.own_sds * own.sd, limit.own_share * abs(own.mean))

    return usual


def _healthy(limit: Limit, before: Sequence[Stride], baseline: Baseline | None) -> _Expected:
    """The norm, carried on from where a leg ran `before` by what its own habit changes with speed and slope."""
    beyond_own = {side: _above_habit(limit.metric, before, side, baseline) for side in SIDES} if baseline else {}

    def usual(stride: Stride) -> tuple[float, float]:
        healthy = _of_norm(limit.metric, stride)
        above = beyond_own.get(stride.side, math.nan)
        mean = healthy.mean
        if baseline and not math.isnan(above):
            mean = _of_habit(limit.metric, stride, baseline).mean + above
        return mean, limit.norm_sds * healthy.sd

    return usual


def _above_habit(metric: str, strides: Sequence[Stride], side: str, baseline: Baseline) -> float:
    """By how much the norm is above a leg's own habit where these strides were run; NaN if unknown."""
    above = (_of_norm(metric, s).mean - _of_habit(metric, s, baseline).mean for s in strides if s.side == side)
    known = [value for value in above if math.isfinite(value)]
    return fmean(known) if known else math.nan


def _of_norm(metric: str, stride: Stride) -> Usual:
    return norm(metric, stride.speed_mps, level_if_unknown(stride.grade_percent))


def _of_habit(metric: str, stride: Stride, baseline: Baseline) -> Usual:
    return baseline.usual(metric, stride.side, stride.speed_mps, stride.grade_percent)
