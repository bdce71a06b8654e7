"""The form patterns: one readable table, and the pure rules that hold a stride against it.

A fault is a few limits on metrics of one stride. Each limit looks against the norm of healthy runners at this
speed, against the runner's own habit, or both; a score says how far the stride is on the way from usual (0)
to the limit (1). How the scores make a verdict is the fault's `combine`. Unknown metrics (NaN) make unknown
verdicts, never a fault.

To add a fault: one row in FAULTS (its place is its priority), one entry per language in cues.py.

A published threshold for hamstring pain does not exist. The limits are relative, a first version, and
adjustable.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from host.coach.baseline import Baseline
from host.coach.norms import UNKNOWN, Usual, norm
from host.records import Stride

# Context: where the same pattern costs more. The words are those of `Cue.context`.
UPHILL, FAST = "uphill", "fast"
UPHILL_PERCENT = 3.0  # form-pattern table: uphill is a grade of at least 3 %
FAST_SHARE = 1.2  # form-pattern table: fast is 20 % above the runner's own easy speed

# Where a second measure contradicts the first, as a score. Against the norm: on the other side of usual,
# for bodies differ (long legs land further ahead at the same tibia). Against the own habit: half way to its
# own limit on the other side, for there a measure that merely fails to confirm is noise about usual.
# Chosen; docs/coaching.md has what it does to healthy runners.
NORM_CONTRADICTS = 0.0
OWN_CONTRADICTS = -0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a metric may be from usual, in the metric's unit: the largest margin beyond the mean."""

    metric: str  # a field of Stride
    sign: int  # +1: too much is a fault, -1: too little
    source: str  # where the numbers come from
    norm_sds: float = math.nan  # beyond the norm's mean by so many SD between runners; NaN: no norm for this
    own_margin: float = math.nan  # beyond the own habit by so much; NaN: the habit is no measure for this
    own_share: float = 0.0  # ... and by at least this share of the habit's mean
    own_sds: float = 1.5  # ... and by at least so many SD of the own strides (form-pattern table)

    def against_norm(self, value: float, usual: Usual, tighter: float) -> float:
        """Score against the norm: 0 is usual, 1 the limit; NaN unknown. `tighter` scales the margin."""
        return self.sign * (value - usual.mean) / (tighter * self.norm_sds * usual.sd)

    def against_own(self, value: float, usual: Usual, tighter: float) -> float:
        """Score against the runner's own habit: 0 is usual, 1 the limit; NaN unknown."""
        if math.isnan(usual.mean):
            return math.nan
        margin = max(self.own_margin, self.own_share * abs(usual.mean), self.own_sds * usual.sd)
        # What is usual at a speed or slope that was never run is itself uncertain: one more, independent
        # margin.
        return self.sign * (value - usual.mean) / math.hypot(tighter * margin, self.own_sds * usual.doubt)


class Hold(NamedTuple):
    """A fault begins when `begin` of the last `of` strides of a leg are beyond, ends when only `end` are."""

    begin: int
    of: int
    end: int


USUAL_HOLD = Hold(begin=12, of=20, end=6)  # coaching rules


class Verdict(NamedTuple):
    """Whether one stride is beyond the limits against the norm, and against the own habit. None: unknown."""

    norm: bool | None
    own: bool | None

    @property
    def exceeds(self) -> bool | None:
        """Beyond either; unknown only if neither is known."""
        if self.norm is None and self.own is None:
            return None
        return bool(self.norm) or bool(self.own)


# From the limits' scores, and the score at which one contradicts another.
Combine = Callable[[Sequence[float], float], bool | None]


def either_unless_contradicted(scores: Sequence[float], contradicts: float) -> bool | None:
    """One measure beyond its limit suffices, unless another says the opposite. Unknown ones do nothing."""
    known = [score for score in scores if not math.isnan(score)]
    return max(known) > 1.0 and min(known) >= contradicts if known else None


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table."""

    id: str
    limits: tuple[Limit, ...]
    sided: bool  # one leg alone can have it; without a side it takes both legs
    combine: Combine = either_unless_contradicted
    silences: tuple[str, ...] = ()  # symptoms that this one explains, so they are not spoken of
    tighter: Mapping[str, float] = field(default_factory=dict)  # context -> factor on every margin
    hold: Hold = USUAL_HOLD

    def judge(self, stride: Stride, baseline: Baseline | None, context: str, strictness: float = 1.0) -> Verdict:
        """This stride against norm and habit. `strictness` above 1 brings every limit nearer to usual."""
        tighter = self.tighter.get(context, 1.0) / strictness
        norm_scores, own_scores = [], []
        for limit in self.limits:
            value = getattr(stride, limit.metric)
            if not math.isnan(limit.norm_sds):
                norm_scores.append(limit.against_norm(value, norm(limit.metric, stride.speed_mps), tighter))
            if not math.isnan(limit.own_margin):
                own = _own(limit.metric, stride, baseline)
                own_scores.append(limit.against_own(value, own, tighter))
        return Verdict(self.combine(norm_scores, NORM_CONTRADICTS), self.combine(own_scores, OWN_CONTRADICTS))


def context_of(stride: Stride, baseline: Baseline | None) -> str:
    """`uphill`, `fast` or empty. Uphill first: there the same pattern costs most."""
    if stride.grade_percent >= UPHILL_PERCENT:
        return UPHILL
    if baseline is not None and stride.speed_mps >= FAST_SHARE * baseline.easy_speed_mps:
        return FAST
    return ""


def _own(metric: str, stride: Stride, baseline: Baseline | None) -> Usual:
    if baseline is None:
        return UNKNOWN
    return baseline.usual(metric, stride.side, stride.speed_mps, stride.grade_percent)


# The table, in order of priority: the first that holds is spoken of.
_TABLE = "form-pattern table of the coaching rules (docs/coaching.md), first version"
FAULTS: tuple[Fault, ...] = (
    Fault(
        id="overstride",
        limits=(
            Limit("tibial_inclination_ic_deg", +1, _TABLE, norm_sds=1.5, own_margin=3.0),
            Limit(
                "foot_ahead_of_pelvis_mm",
                +1,
                "norm: as the tibia. Own: what a landing 40 mm further forward must at least read (target of "
                "the core); 1.1 SD between runners (norms.csv), where 3 deg of the tibia are 0.8 SD",
                norm_sds=1.5,
                own_margin=25.0,
            ),
        ),
        sided=True,
        tighter={UPHILL: 0.8, FAST: 0.9},
    ),
    # A natural forward tilt is never a fault, so the tilt has no limit against the norm: only a change from
    # the own one.
    Fault(
        id="tilt_flattened",
        limits=(Limit("pelvic_tilt_deg", -1, _TABLE, own_margin=3.0),),
        sided=False,
    ),
    Fault(
        id="tilt_excessive",
        limits=(Limit("pelvic_tilt_deg", +1, _TABLE, own_margin=4.0),),
        sided=False,
    ),
    Fault(
        id="low_cadence",
        limits=(Limit("cadence_spm", -1, _TABLE, norm_sds=1.5, own_margin=0.0, own_share=0.05),),
        sided=False,
    ),
)
