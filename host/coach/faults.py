"""The form patterns: one readable table, and the pure rules that hold a stride against it.

A fault is a few limits on metrics of one stride. Each limit looks against the norm of healthy runners at this
speed, against the runner's own habit, or both; a score says how far the stride is on the way from usual (0)
to the limit (1). A stride shows the fault when `needed` of its limits are passed and none is contradicted.
Unknown metrics (NaN) make unknown verdicts, never a fault.

To add a fault: one row in FAULTS (its place is its priority), one entry per language in cues.py.

A published threshold for hamstring pain does not exist. The limits are relative, a first version, and
adjustable.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from host.coach.baseline import Baseline
from host.coach.norms import Usual, norm
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

# A leg accounts for a change of the difference between the legs when at least this much of it is its own
# change. Half would be the fair share; less, so that a change that both share in opposite directions is seen
# on both, although strides differ. Chosen.
LEG_SHARE = 0.35


@dataclass(frozen=True, slots=True)
class Limit:
    """How far a metric may be from usual, in the metric's unit: the largest margin beyond the mean."""

    metric: str  # a field of Stride
    sign: int  # +1: too much is a fault, -1: too little, 0: either
    source: str  # where the numbers come from
    norm_sds: float = math.nan  # beyond the norm's mean by so many SD between runners; NaN: no norm for this
    own_margin: float = math.nan  # beyond the own habit by so much; NaN: the habit is no measure for this
    own_share: float = 0.0  # ... and by at least this share of the habit's mean
    own_sds: float = 1.5  # ... and by at least so many SD of the own strides (form-pattern table)
    # Where the metric is a difference, left less right: this leg's own metric, which must account for it.
    of_leg: str = ""

    def against_norm(self, value: float, usual: Usual, tighter: float) -> float:
        """Score against the norm: 0 is usual, 1 the limit; NaN unknown. `tighter` scales the margin."""
        return self.sign * (value - usual.mean) / (tighter * self.norm_sds * usual.sd)

    def against_own(self, stride: Stride, baseline: Baseline, tighter: float) -> float:
        """Score against the runner's own habit: 0 is usual, 1 the limit; NaN unknown."""
        usual = _own(self.metric, stride, baseline)
        if math.isnan(usual.mean):
            return math.nan
        margin = max(self.own_margin, self.own_share * abs(usual.mean), self.own_sds * usual.sd)
        change = getattr(stride, self.metric) - usual.mean
        if self.of_leg:
            leg = getattr(stride, self.of_leg) - _own(self.of_leg, stride, baseline).mean
            if leg * (1.0 if stride.side == "left" else -1.0) * change < LEG_SHARE * change * change:
                change = 0.0
        # What is usual at a speed or slope that was never run is itself uncertain: one more, independent
        # margin.
        distance = math.hypot(tighter * margin, self.own_sds * usual.doubt)
        return (self.sign * change if self.sign else abs(change)) / distance


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


def shown(scores: Sequence[float], needed: int, contradicts: float) -> bool | None:
    """Whether `needed` scores are beyond their limit and none contradicts. Unknown if fewer than that are known."""
    known = [score for score in scores if not math.isnan(score)]
    if len(known) < max(needed, 1):
        return None
    return sum(score > 1.0 for score in known) >= needed and min(known) >= contradicts


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table."""

    id: str
    limits: tuple[Limit, ...]
    sided: bool  # one leg alone can have it; without a side it takes both legs
    needed: int = 1  # limits that must be passed, unless another one contradicts
    silences: tuple[str, ...] = ()  # symptoms that this one explains, so they are not spoken of
    tighter: Mapping[str, float] = field(default_factory=dict)  # context -> factor on every margin
    hold: Hold = USUAL_HOLD

    def judge(self, stride: Stride, baseline: Baseline | None, context: str, strictness: float = 1.0) -> Verdict:
        """This stride against norm and habit. `strictness` above 1 brings every limit nearer to usual."""
        tighter = self.tighter.get(context, 1.0) / strictness
        against_norm = [
            limit.against_norm(getattr(stride, limit.metric), norm(limit.metric, stride.speed_mps), tighter)
            for limit in self.limits
            if not math.isnan(limit.norm_sds)
        ]
        against_own = [
            limit.against_own(stride, baseline, tighter)
            for limit in self.limits
            if baseline is not None and not math.isnan(limit.own_margin)
        ]
        return Verdict(
            shown(against_norm, self.needed, NORM_CONTRADICTS), shown(against_own, self.needed, OWN_CONTRADICTS)
        )


def context_of(stride: Stride, baseline: Baseline | None) -> str:
    """`uphill`, `fast` or empty. Uphill first: there the same pattern costs most."""
    if stride.grade_percent >= UPHILL_PERCENT:
        return UPHILL
    if baseline is not None and stride.speed_mps >= FAST_SHARE * baseline.easy_speed_mps:
        return FAST
    return ""


def _own(metric: str, stride: Stride, baseline: Baseline) -> Usual:
    return baseline.usual(metric, stride.side, stride.speed_mps, stride.grade_percent)


# The table, in order of priority: the first that holds is spoken of.
_TABLE = "form-pattern table of the coaching rules (docs/coaching.md), first version"
_SPREAD = "1.5 SD of the own strides (form-pattern table)"
# Differences of 26 runners: RMS of 7.2 ms of contact time (norms.csv, 3.5 m/s: mean 5.96, SD 4.08 of its
# size); of 8 of them, 1.7 deg of drop as the core measures it.
_BETWEEN = "form-pattern table: 1.5 SD of the differences between the legs of healthy runners"
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
    Fault(
        id="hips_back",
        limits=(
            Limit("pelvis_over_foot_percent", +1, _TABLE, own_margin=5.0),
            Limit("pelvic_tilt_deg", +1, _TABLE, own_margin=3.0),
        ),
        sided=False,
        needed=2,
        # Hips that trail also land the foot ahead, and the tilt is part of it.
        silences=("overstride", "tilt_excessive", "low_cadence"),
    ),
    Fault(
        id="sitting_back",
        limits=(
            Limit("shank_mid_stance_deg", -1, _SPREAD, own_margin=0.0),
            Limit("duty_factor", +1, _SPREAD, own_margin=0.0),
            Limit("vertical_oscillation_mm", -1, _SPREAD, own_margin=0.0),
            # At or behind the own tilt: one that tips forward contradicts.
            Limit("pelvic_tilt_deg", -1, _SPREAD, own_margin=0.0),
        ),
        sided=False,
        needed=3,
        # A crouch also lengthens contact, and the pelvis tucks under.
        silences=("overstride", "tilt_flattened", "low_cadence"),
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
        id="pawing",
        limits=(
            Limit("shank_retraction_dps", +1, _TABLE, own_margin=0.0, own_sds=2.0),
            Limit("shank_rate_early_stance_dps", +1, _TABLE, own_margin=0.0, own_sds=2.0),
            # The pelvis speeds up early. Less than a twentieth of stance is as for hips_back.
            Limit("pelvis_over_foot_percent", -1, _TABLE, own_margin=5.0, own_sds=2.0),
        ),
        sided=True,
        needed=2,
    ),
    Fault(
        id="hip_lag",
        limits=(Limit("pelvic_rotation_lag_percent", +1, _TABLE, own_margin=8.0),),
        sided=True,
    ),
    Fault(
        id="asymmetry",
        limits=(
            Limit("contact_time_difference_ms", 0, _BETWEEN, own_margin=10.8, of_leg="contact_time_ms"),
            Limit("pelvic_drop_difference_deg", 0, _BETWEEN, own_margin=2.5, of_leg="pelvic_drop_deg"),
        ),
        sided=True,
        # One leg that takes over may reach further too.
        silences=("overstride",),
        hold=Hold(begin=20, of=30, end=9),
    ),
    Fault(
        id="stiff_pelvis",
        limits=(
            Limit("pelvic_tilt_range_deg", -1, _TABLE, own_margin=0.0, own_share=0.35),
            Limit("pelvic_obliquity_range_deg", -1, _TABLE, own_margin=0.0, own_share=0.35),
            Limit("pelvic_rotation_range_deg", -1, _TABLE, own_margin=0.0, own_share=0.35),
        ),
        sided=False,
        needed=3,
    ),
    Fault(
        id="low_cadence",
        limits=(Limit("cadence_spm", -1, _TABLE, norm_sds=1.5, own_margin=0.0, own_share=0.05),),
        sided=False,
    ),
)
