"""Whether one stride shows a fault: the table of faults.py held against norm and habit.

A score says how far a metric is on the way from usual (0) to its limit (1). A stride shows a fault when as many
scores as the fault needs are beyond 1 and none says the opposite. Unknown metrics (NaN) make unknown verdicts,
never a fault.

All limits are scored at once, as rows of a matrix: a day of running must replay in seconds.
"""

import math
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from host.coach.baseline import MIDDLE_MPS, Baseline, level_if_unknown
from host.coach.faults import CONTEXTS, Fault
from host.coach.norms import norm
from host.records import Stride

# Where a second measure contradicts the first, as a score. Against the norm: on the other side of usual,
# for bodies differ (long legs land further ahead at the same tibia). Against the own habit: half way to its
# own limit on the other side, for there a measure that merely fails to confirm is noise about usual.
# Chosen; docs/coaching.md has what it does to healthy runners.
NORM_CONTRADICTS = 0.0
OWN_CONTRADICTS = -0.5

# A leg accounts for a change of the difference between the legs when at least this much of it is its own
# change. Half would be the fair share; less, so that a change that both share in opposite directions is seen
# on both, although strides differ. Chosen.
LEG_SHARE = 0.35

_CADENCE = "cadence_spm"


class Verdict(NamedTuple):
    """Whether one stride is beyond the limits against the norm, and against the own habit. None: unknown."""

    norm: bool | None
    own: bool | None
    exceeds: bool | None  # beyond either; unknown only if neither is known


def verdict(norm: bool | None, own: bool | None) -> Verdict:
    return Verdict(norm, own, None if norm is None and own is None else bool(norm) or bool(own))


_KNOWN = (None, False, True)
_VERDICTS = {(norm, own): verdict(norm, own) for norm in _KNOWN for own in _KNOWN}


def shown(scores: Sequence[float], needed: int, contradicts: float) -> bool | None:
    """Whether `needed` scores are beyond their limit and none contradicts. Unknown if fewer than that are known."""
    known = beyond = 0
    against = False
    for score in scores:
        if score == score:
            known += 1
            beyond += score > 1.0
            against |= score < contradicts
    if known < max(needed, 1):
        return None
    return beyond >= needed and not against


class Judge:
    """The table of faults for one runner. `strictness` above 1 brings every limit nearer to usual."""

    def __init__(self, faults: Sequence[Fault], baseline: Baseline | None, strictness: float = 1.0) -> None:
        limits = [limit for fault in faults for limit in fault.limits]
        metrics = [limit.metric for limit in limits]
        metrics += [_CADENCE, *(limit.of_leg for limit in limits if limit.of_leg)]
        self._values = attrgetter(*metrics)
        self._baseline = baseline
        # Indices of rows that need more than one metric.
        self._cadence = len(limits)
        self._by_step = [i for i, limit in enumerate(limits) if limit.by_step]
        of_leg = [i for i, limit in enumerate(limits) if limit.of_leg]
        self._of_leg = list(zip(of_leg, range(len(limits) + 1, len(metrics)), strict=True))
        # Each fault: where its own scores are, and what it asks of the norm.
        ends = np.cumsum([0, *(len(fault.limits) for fault in faults)]).tolist()
        self._faults = [
            (fault.needed, start, end, [limit for limit in fault.limits if not math.isnan(limit.norm_sds)])
            for fault, start, end in zip(faults, ends, ends[1:], strict=False)
        ]
        self._tighter = {
            context: np.array([fault.tighter.get(context, 1.0) / strictness for fault in faults for _ in fault.limits])
            for context in CONTEXTS
        }
        self._sign = np.array([limit.sign or 1 for limit in limits], float)
        self._share = np.array([limit.own_share for limit in limits])
        sds = np.array([limit.own_sds for limit in limits])
        if baseline is not None:
            self._rows = {}
            for side in ("left", "right"):
                mean, doubt, spread = baseline.rows(metrics, side)
                margin = np.maximum([limit.own_margin for limit in limits], sds * spread[: len(limits)])
                doubt = doubt[: len(limits)] * sds[:, None] ** 2
                self._rows[side] = np.vstack([mean, doubt]), margin

    def verdicts(self, stride: Stride, context: str) -> list[Verdict]:
        """One for each fault, in the table's order."""
        own = self._own_scores(stride, context)
        verdicts = []
        tighter = self._tighter[context]
        for needed, start, end, norms in self._faults:
            against_norm = None
            if norms:
                scores = []
                for limit in norms:
                    usual = norm(limit.metric, stride.speed_mps)
                    margin = tighter[start] * limit.norm_sds * usual.sd
                    scores.append(limit.sign * (getattr(stride, limit.metric) - usual.mean) / margin)
                against_norm = shown(scores, needed, NORM_CONTRADICTS)
            verdicts.append(_VERDICTS[against_norm, shown(own[start:end], needed, OWN_CONTRADICTS)])
        return verdicts

    def _own_scores(self, stride: Stride, context: str) -> Sequence[float]:
        """Scores against the own habit, one for each limit of the table; empty without a habit."""
        if self._baseline is None:
            return ()
        matrix, margin = self._rows[stride.side]
        n = len(margin)
        x, g = stride.speed_mps - MIDDLE_MPS, level_if_unknown(stride.grade_percent)
        with np.errstate(all="ignore"):  # any number may come
            usual = matrix @ np.array((1.0, x, g, x * x, x * g, g * g))
            mean, doubt = usual[:-n], usual[-n:]
            values = np.array(self._values(stride))
            change = values - mean
            self._consider_the_rest(stride, values, mean, change)
            margin = np.maximum(margin, self._share * np.abs(mean[:n]))
            # What is usual at a speed or slope that was never run is itself uncertain: one more, independent
            # margin.
            distance = np.sqrt((self._tighter[context] * margin) ** 2 + doubt)
            scores: list[float] = (self._sign * change[:n] / distance).tolist()
        return scores

    def _consider_the_rest(
        self,
        stride: Stride,
        values: NDArray[np.float64],
        mean: NDArray[np.float64],
        change: NDArray[np.float64],
    ) -> None:
        """Takes out of `change` what a longer step explains, and what the other leg did."""
        quick = values[self._cadence] / mean[self._cadence]
        if quick < 1.0:
            for i in self._by_step:
                change[i] = values[i] * quick - mean[i]
        side = 1.0 if stride.side == "left" else -1.0
        for i, leg in self._of_leg:
            mine = side * change[leg] * change[i] >= LEG_SHARE * change[i] ** 2
            change[i] = abs(change[i]) if mine else change[i] * 0.0
