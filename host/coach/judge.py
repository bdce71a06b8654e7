"""Whether one stride shows a fault: the table of faults.py held against norm and habit.

A score says how far a metric is on the way from usual (0) to its limit (1). A stride shows a fault when as many
scores as the fault needs are beyond 1 and none says the opposite. Unknown metrics (NaN) make unknown verdicts,
never a fault. Where single strides scatter as far as the limit is, the last few count together.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

from host.coach.baseline import DAY_SDS, MIDDLE_MPS, Baseline, level_if_unknown
from host.coach.faults import CONTEXTS, Fault, Limit
from host.coach.norms import HOLD_MPS, SPEEDS_MPS, Usual, norm, usual_change
from host.records import Stride

# Where a second measure contradicts the first, as a score. Against the norm: on the other side of usual,
# for bodies differ (long legs land further ahead at the same tibia). Against the own habit: half way to its
# own limit on the other side, and further than strides scatter, for there a measure that merely fails to confirm is
# noise about usual. Chosen; docs/coaching.md has what it does to healthy runners.
NORM_CONTRADICTS = 0.0
OWN_CONTRADICTS = -0.5

# What is usual at a speed or slope that was never run is itself in doubt. A metric is beyond its limit where that is
# 95 % sure: so many SD of the doubt further out (one-sided, normal distribution).
SURE_SDS = 1.645

_CADENCE = "cadence_spm"
Value = Callable[[Stride], float]
# From 3.5 m/s as far as there is a norm.
REACH_MPS = SPEEDS_MPS[-1] + HOLD_MPS - MIDDLE_MPS


class Verdict(NamedTuple):
    """Whether one stride is beyond the limits against the norm, and against the own habit. None: unknown.

    The own habit is that of the day. What past days were like is a norm, too: the runner's own.
    """

    norm: bool | None
    own: bool | None
    exceeds: bool | None  # beyond either; unknown only if neither is known
    near: bool  # beyond, or nearly so against the own habit


def verdict(norm: bool | None, own: bool | None, near: bool = False) -> Verdict:
    exceeds = None if norm is None and own is None else bool(norm) or bool(own)
    return Verdict(norm, own, exceeds, near or bool(exceeds))


_KNOWN = (None, False, True)
_VERDICTS = {(norm, own, near): verdict(norm, own, near) for norm in _KNOWN for own in _KNOWN for near in (False, True)}


def shown(scores: Sequence[float], needed: int, contradicts: float) -> bool | None:
    """Whether `needed` scores are beyond their limit and none contradicts. Unknown if fewer than needed are known.

    Where too many are known to be within, it is not shown whatever the others would say.
    """
    beyond = sum(score > 1.0 for score in scores)
    within = sum(score <= 1.0 for score in scores)
    if beyond >= needed:
        return not any(score < contradicts for score in scores)
    return False if within > len(scores) - needed or beyond + within >= needed else None


# The weight of a new stride where the last few count together: a moving average that fades (Roberts 1959,
# doi:10.1080/00401706.1959.10489860), which scatters as the mean of five strides does, by 0.45 of single ones, and
# comes two strides late. Chosen.
WEIGHT = 1.0 / 3.0
# A leg is nearly there from so far on the way to the limit. A side of the pelvis that comes late alone moves the
# other's moment by a quarter of that (8 runners, a lag put into their strides); two that are late alike move by the
# same. Chosen, between these two.
NEAR = 2.0 / 3.0
# What came before a pause of a leg, as a stop or a lost pod, tells nothing of what it does after. More than a few lost
# strides. Chosen.
PAUSE_S = 10.0


class Judge:
    """The table of faults for one runner. `strictness` above 1 brings every limit nearer to usual.

    `baseline`: the habit of the day, as far as it is known; `past`: what past days were like. `proven`: no fault held
    while the baseline was learnt.
    """

    def __init__(
        self,
        faults: Sequence[Fault],
        baseline: Baseline | None,
        strictness: float = 1.0,
        past: Baseline | None = None,
        *,
        proven: bool = True,
    ) -> None:
        tighter = {fault.id: _tighter(fault, faults) for fault in faults}
        self._legs = {
            side: [_Row(fault, side, baseline, past, tighter[fault.id], strictness, proven) for fault in faults]
            for side in ("left", "right")
        }
        self._few = {side: _Few(faults) for side in self._legs}

    def verdicts(self, stride: Stride, context: str) -> list[Verdict]:
        """One for each fault, in the table's order. The strides of a leg come in their order."""
        one = stride, stride.speed_mps - MIDDLE_MPS, level_if_unknown(stride.grade_percent)
        looks = one, self._few[stride.side].add(*one)
        found = []
        for row in self._legs[stride.side]:
            what, x, g = looks[row.smoothed]
            found.append(row.nothing if row.plain(what, x, g, context) else row.verdict(what, x, g, context))
        return found


class _Few:
    """The last few strides of a leg as one: what smoothed faults look at."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        limits = [limit for fault in faults if fault.smoothed for limit in (*fault.limits, *fault.unless)]
        metrics = {metric for limit in limits for metric in (limit.metric, limit.of_leg) if metric}
        # Two that no limit need look at make a getter of many, whatever the table has.
        self._names = sorted(metrics if len(metrics) > 1 else {"ic_s", "tc_s", *metrics})
        self._get = attrgetter(*self._names)
        self._means: list[float] = []
        self._mean = SimpleNamespace()
        self._last_s = -math.inf

    def add(self, stride: Stride, x: float, g: float) -> tuple[Any, float, float]:
        """`stride`, `x`, `g` as means. Habits are linear in speed and slope, so means may be held against them too."""
        new = (x, g, *self._get(stride))
        if stride.ic_s - self._last_s > PAUSE_S:
            self._means = list(new)
        else:  # what was unknown begins anew
            self._means = [b if a != a else a + WEIGHT * (b - a) for a, b in zip(self._means, new, strict=True)]
        self._last_s = stride.ic_s
        x, g, *metrics = self._means
        vars(self._mean).update(zip(self._names, metrics, strict=True))
        return self._mean, x, g


def _tighter(fault: Fault, faults: Sequence[Fault]) -> dict[str, float]:
    """Factor on the fault's margins by context: a cause is looked for as closely as what it explains.

    Else a symptom whose limit is tighter uphill would be named before its cause could be seen.
    """
    explained = [symptom for symptom in faults if symptom.id in fault.silences]
    return {context: min(row.tighter.get(context, 1.0) for row in (fault, *explained)) for context in CONTEXTS}


class _Row:
    """One fault on one leg.

    Most strides are far from every limit. `plain` sees that at a fifth of the cost of a verdict; it may miss some.
    """

    def __init__(
        self,
        fault: Fault,
        side: str,
        baseline: Baseline | None,
        past: Baseline | None,
        tighter: Mapping[str, float],
        strictness: float,
        proven: bool,
    ) -> None:
        self._needed, self.smoothed = fault.needed, fault.smoothed
        self._tighter = {context: factor / strictness for context, factor in tighter.items()}
        self._norm = [_AgainstNorm(limit) for limit in fault.limits if not math.isnan(limit.norm_sds)]
        self._own, self._past = _Habits(fault, side, baseline, proven), _Habits(fault, side, past)
        self._bounds = {
            context: (
                [limit.bound(factor) for limit in self._norm],
                [habits.bounds(NEAR * factor) for habits in (self._own, self._past) if habits],
            )
            for context, factor in self._tighter.items()
        }
        # The verdict where no limit is near.
        self.nothing = _VERDICTS[False if self._norm or self._past else None, False if self._own else None, False]

    def plain(self, stride: Stride, x: float, g: float, context: str) -> bool:
        """Whether it is plain that the stride is not near the fault, with everything needed known."""
        norm_bounds, own_bounds = self._bounds[context]
        if norm_bounds:
            if not -REACH_MPS <= x <= REACH_MPS:
                return False
            held = min(max(x, -1.0), 1.0)
            for value, sign, middle, below, above, per_percent in norm_bounds:
                bound = middle + held * (above if held > 0.0 else below) + g * per_percent
                if not sign * (value(stride) - bound) <= 0.0:
                    return False
        for bounds in own_bounds:
            suspects = 0
            for value, a, b, c, lowest, highest in bounds:
                if not lowest <= value(stride) - (a + b * x + c * g) <= highest:
                    suspects += 1
            if suspects >= self._needed:
                return False
        return True

    def verdict(self, stride: Stride, x: float, g: float, context: str) -> Verdict:
        tighter = self._tighter[context]
        against_norm = own = None
        near = False
        if self._norm:
            scores = [limit.score(stride, g, tighter) for limit in self._norm]
            against_norm = shown(scores, self._needed, NORM_CONTRADICTS)
        if self._past:
            past, near = self._past.shown(stride, x, g, tighter)
            against_norm = _either(against_norm, past) if self._norm else past
        if self._own:
            own, nearly = self._own.shown(stride, x, g, tighter)
            near = nearly if own is not None else near
        return _VERDICTS[against_norm, own, near]


def _either(one: bool | None, other: bool | None) -> bool | None:
    return True if one or other else None if one is None or other is None else False


class _Habits:
    """The limits of one fault on one leg against one habit. False where there is none."""

    def __init__(self, fault: Fault, side: str, baseline: Baseline | None, proven: bool = True) -> None:
        self._needed = fault.needed
        self._limits, self._unless = (
            [_AgainstHabit(limit, side, baseline, proven) for limit in limits] if baseline else []
            for limits in (fault.limits, fault.unless)
        )

    def __bool__(self) -> bool:
        return bool(self._limits)

    def bounds(self, tighter: float) -> list[tuple[Value, float, float, float, float, float]]:
        return [limit.bounds(tighter) for limit in self._limits]

    def shown(self, stride: Stride, x: float, g: float, tighter: float) -> tuple[bool | None, bool]:
        """Whether the stride is beyond the limits, and whether nearly."""
        scores = [limit.score(stride, x, g, tighter) for limit in self._limits]
        beyond = shown(scores, self._needed, OWN_CONTRADICTS)
        near = bool(beyond or shown([score / NEAR for score in scores], self._needed, OWN_CONTRADICTS))
        if near and any(limit.score(stride, x, g, tighter) > 1.0 for limit in self._unless):
            return False, False
        return beyond, near


class _AgainstNorm:
    """One limit against healthy runners."""

    def __init__(self, limit: Limit) -> None:
        self._metric, self._from = limit.metric, limit.by_step_from
        self._value = attrgetter(limit.metric)
        self._margin_sds = limit.sign * limit.norm_sds

    def score(self, stride: Stride, grade_percent: float, tighter: float) -> float:
        mean, sd, _ = norm(self._metric, stride.speed_mps, grade_percent)
        change: float = self._value(stride) - mean
        if change > 0.0 and self._from == self._from:
            usual_spm = norm(_CADENCE, stride.speed_mps, grade_percent).mean
            change = _without_longer_step(change, mean - self._from, stride.cadence_spm, usual_spm)
        return change / (tighter * self._margin_sds * sd)

    def bound(self, tighter: float) -> tuple[Value, float, float, float, float, float]:
        """The metric, on which side too much lies, and the limit: at 3.5 m/s, per m/s below and above, per percent."""
        slow, middle, fast = (
            usual.mean + tighter * self._margin_sds * usual.sd
            for usual in (norm(self._metric, speed_mps) for speed_mps in SPEEDS_MPS)
        )
        per_percent = usual_change(self._metric).per_percent
        return self._value, math.copysign(1.0, self._margin_sds), middle, middle - slow, fast - middle, per_percent


class _AgainstHabit:
    """One limit against the habit of one leg."""

    def __init__(self, limit: Limit, side: str, baseline: Baseline, proven: bool) -> None:
        self._value = attrgetter(limit.metric)
        self._habit = habit = baseline.habit(limit.metric, side)
        self._cadence = None if math.isnan(limit.by_step_from) else baseline.habit(_CADENCE, side)
        self._from = limit.by_step_from
        self._leg = (attrgetter(limit.of_leg), baseline.habit(limit.of_leg, side)) if limit.of_leg else None
        self._side = 1.0 if side == "left" else -1.0
        self._sign, self._either = limit.sign or 1, not limit.sign
        self._share, self._leg_share = limit.own_share, limit.leg_share
        self._spread = self._margin = self._a = self._b = self._c = math.nan  # no habit: every score is unknown
        if habit is not None:
            self._spread = limit.own_sds * math.sqrt(habit.variance)
            self._margin = max(limit.own_margin, self._spread)
            self._a, self._b, self._c = habit.coefficients
        back = _way_back(limit, self._a) if limit.of_leg or not proven else 0.0
        self._least, self._most = min(back, 0.0), max(back, 0.0)

    def score(self, stride: Stride, x: float, g: float, tighter: float) -> float:
        """`x`: speed above 3.5 m/s, `g`: percent of slope. NaN if unknown."""
        mean = self._a + self._b * x + self._c * g
        change = self._value(stride) - mean
        change -= min(max(change, self._least), self._most)
        if self._cadence is not None:
            if change > 0.0:
                change = _without_longer_step(change, mean - self._from, stride.cadence_spm, self._cadence.mean(x, g))
        elif self._leg is not None:
            change = self._of_leg(stride, x, g, change)
        margin = self._margin
        if self._share:
            margin = max(margin, self._share * abs(mean))
        margin *= tighter
        score: float = self._sign * change / margin
        if score < 0.0 and abs(change) <= self._spread:
            return 0.0
        if (score > 1.0 or score < OWN_CONTRADICTS) and self._habit is not None:
            # Asked for only here, because doubt can but bring a score nearer to usual.
            sure = margin + SURE_SDS * self._habit.doubt(x, g)
            score *= margin / max(sure, DAY_SDS * self._habit.day_sd)
        return score

    def bounds(self, tighter: float) -> tuple[Value, float, float, float, float, float]:
        """The metric, its line, and what change from that is not beyond the limit whatever else is considered."""
        margin, share = self._margin * tighter, self._share * tighter
        if self._sign < 0 and share * self._a > margin:  # less by more than that share: below a lower line
            left = 1.0 - share
            return self._value, left * self._a, left * self._b, left * self._c, 0.0, math.inf
        lowest = self._least - margin if self._either or self._sign < 0 else -math.inf
        highest = self._most + margin if self._either or self._sign > 0 else math.inf
        return self._value, self._a, self._b, self._c, lowest, highest

    def _of_leg(self, stride: Stride, x: float, g: float, change: float) -> float:
        """The size of a change of the difference between the legs, if this leg accounts for it."""
        assert self._leg is not None
        value, habit = self._leg
        if habit is None:
            return math.nan
        mine = self._side * (value(stride) - habit.mean(x, g))
        return abs(change) if mine * change >= self._leg_share * change * change else change * 0.0


def _way_back(limit: Limit, habit: float) -> float:
    """From a habit that is hardly a healthy one to the mean of healthy runners, at 3.5 m/s; else 0."""
    # Nothing prefers a leg, so a difference between the legs is 0 on the mean.
    healthy = Usual(0.0, usual_change(limit.metric).sd) if limit.of_leg else norm(limit.metric, MIDDLE_MPS)
    return healthy.mean - habit if abs(habit - healthy.mean) > limit.born_sds * healthy.sd else 0.0


def _without_longer_step(change: float, length: float, cadence_spm: float, usual_spm: float) -> float:
    """What is left of too much of a length when slow steps, that is long ones at the same speed, explain theirs."""
    if 0.0 < cadence_spm < usual_spm:
        change = max(change - length * (usual_spm / cadence_spm - 1.0), 0.0)
    return change
