"""The form patterns: one readable table. judge.py holds strides against it.

A fault is a few limits on metrics of one stride. Each limit looks against the norm of healthy runners at this
speed, against the runner's own habit, or both. A stride shows the fault when `needed` of its limits are passed
and no other is contradicted.

To add a fault: one row in FAULTS (its place is its priority), one table in each file of host/texts/.

A published threshold for hamstring pain does not exist. The limits are relative, a first version, and
adjustable.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from host.records import Stride

# Context: where the same pattern costs more. The words are those of `Cue.context`.
UPHILL, FAST = "uphill", "fast"
CONTEXTS = ("", UPHILL, FAST)
UPHILL_PERCENT = 3.0  # form-pattern table: uphill is a grade of at least 3 %
FAST_SHARE = 1.2  # form-pattern table: fast is 20 % above the runner's own easy speed


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
    # Where the metric is a difference, left less right: this leg's own metric, which must account for at least
    # this much of the change.
    of_leg: str = ""
    leg_share: float = math.nan
    # A length that grows with the step, from this value on: what a longer step explains is no part of the fault, for
    # slow cadence at the same speed has its own.
    by_step_from: float = math.nan
    # A habit that lies beyond healthy runners by more SD than this is hardly a natural one: what lies between it and
    # their mean is no fault. Of a difference between the legs always; else where a fault held while it was learnt.
    # NaN: whatever the habit is, it is natural.
    born_sds: float = math.nan


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table."""

    id: str
    limits: tuple[Limit, ...]
    sided: bool  # one leg alone can have it; without a side it takes both legs
    needed: int = 1  # limits that must be passed, unless another one contradicts
    unless: tuple[Limit, ...] = ()  # against the own habit: one of these passed, and it is something else
    silences: tuple[str, ...] = ()  # symptoms that this one explains, so they are not spoken of
    tighter: Mapping[str, float] = field(default_factory=dict)  # context -> factor on every margin
    # Judged by the last few strides of a leg together: where single ones scatter by half of the limit and more, 12 of
    # 20 beyond it seldom come together, though every stride is meant to be.
    smoothed: bool = False

    def opposes(self, other: "Fault") -> bool:
        """Whether one has too much of what the other has too little of."""
        return any(
            mine.metric == its.metric and mine.sign * its.sign < 0 for mine in self.limits for its in other.limits
        )


def context_of(stride: Stride, easy_speed_mps: float) -> str:
    """`uphill`, `fast` or empty. Uphill first: there the same pattern costs most. An easy speed may be NaN, unknown."""
    if stride.grade_percent >= UPHILL_PERCENT:
        return UPHILL
    if stride.speed_mps >= FAST_SHARE * easy_speed_mps:
        return FAST
    return ""


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
                # Ahead of the pelvis lies 0.385 of the way in stance, less 78 mm: the line through the means of
                # 26 runners at three speeds (Fukuchi, Fukuchi & Duarte 2017, doi:10.7717/peerj.3298).
                by_step_from=-78.0,
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
        # Hips that trail also land the foot ahead, and the tilt is part of it. This posture and the next show as
        # pawing, too.
        silences=("overstride", "tilt_excessive", "pawing", "low_cadence"),
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
        silences=("overstride", "tilt_flattened", "pawing", "low_cadence"),
    ),
    # A natural forward tilt is never a fault, so the tilt has no limit against the norm: only a change from
    # the own one.
    Fault(
        id="tilt_flattened",
        limits=(Limit("pelvic_tilt_deg", -1, _TABLE, own_margin=3.0, born_sds=1.5),),
        sided=False,
    ),
    Fault(
        id="tilt_excessive",
        limits=(Limit("pelvic_tilt_deg", +1, _TABLE, own_margin=4.0, born_sds=1.5),),
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
        # A contact that is found late, as on a very soft landing, looks the same: what is taken for the time before
        # it lies in stance already, and stance seems to begin nearer to the middle. But the shank has turned on by
        # then, so the tibia reads less, by about 4 deg where the third limit is passed (13 ms at 300 deg/s). Who
        # paws lands ahead, with no less of the tibia than usual.
        unless=(Limit("tibial_inclination_ic_deg", -1, "less than that; as overstride's own margin", own_margin=3.0),),
        sided=True,
        needed=2,
    ),
    Fault(
        id="hip_lag",
        limits=(Limit("pelvic_rotation_lag_percent", +1, _TABLE, own_margin=8.0),),
        # A lagging pelvis turns less. One that turns further than usual takes longer for that.
        unless=(Limit("pelvic_rotation_range_deg", +1, _SPREAD, own_margin=0.0),),
        sided=True,
        # Strides scatter by 3.0 % (24 sessions of 8 runners, RMS).
        smoothed=True,
    ),
    Fault(
        id="asymmetry",
        limits=(
            # Half would be the fair share; less, so that a change that both share in opposite directions is seen
            # on both, although strides differ. Chosen.
            Limit(
                "contact_time_difference_ms",
                0,
                _BETWEEN,
                own_margin=10.8,
                own_sds=0.0,
                of_leg="contact_time_ms",
                leg_share=0.35,
                born_sds=1.5,
            ),
            # A pod or belt that rolls a little raises one drop by as much as it lowers the other: half each, so drops
            # that read even need not be. A hip that gives way drops on its own side. Three quarters is half way between
            # the two.
            Limit(
                "pelvic_drop_difference_deg",
                0,
                _BETWEEN,
                own_margin=2.5,
                own_sds=0.0,
                of_leg="pelvic_drop_deg",
                leg_share=0.75,
            ),
        ),
        # A contact that is found late is a short one. What is taken for the time before it lies in stance then, where
        # the shank turns faster: by 9 deg/s for each ms (8 runners, 3 speeds: 90 before and 372 after contact, 30 ms
        # apart), so by 100 where the first limit is passed. Some of that tells it from a leg that lands differently.
        unless=(Limit("shank_retraction_dps", +1, "chosen, below those 100", own_margin=60.0, own_sds=2.0),),
        sided=True,
        # One leg that takes over may reach further too; its longer contact slows the steps; and imbalance can tip
        # the pelvis forward on one side (the articles' one-sided anterior pelvis).
        silences=("overstride", "tilt_excessive", "low_cadence"),
        # The strides of one runner scatter by 6.1 ms and 1.0 deg in these differences (24 sessions of 8 runners, RMS).
        smoothed=True,
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
        # Strides scatter by 0.7, 0.7 and 1.4 deg (the same sessions), of limits of 2 to 5 deg, and it takes all three.
        smoothed=True,
    ),
    Fault(
        id="low_cadence",
        limits=(Limit("cadence_spm", -1, _TABLE, norm_sds=1.5, own_margin=0.0, own_share=0.05),),
        sided=False,
    ),
)
