"""The runner's own habit: what each metric usually is for this person, this leg, at this speed and slope.

A habit is a small linear model, `metric = a + b * (speed - 3.5 m/s) + c * grade`, fitted to steady strides. Only sums
are kept, so habits of several sessions merge by addition. What the strides themselves cannot tell is taken from a prior:
the slope with speed is that of the norm until the runner has run at several speeds, and the slope with grade is zero,
with an honest uncertainty. That uncertainty is part of the spread: far from any speed or slope seen, the habit is vague
and limits that count in spreads widen, so running faster or uphill is no fault by itself.

Metrics go by their names in `host.records.Stride`. Speeds in m/s, grades in percent, + uphill.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from host.coach.norms import SPEEDS_MPS, UNKNOWN, Usual, norm, slope_per_mps
from host.records import Stride

VERSION = 1

METRICS = (
    "cadence_spm",
    "contact_time_ms",
    "flight_time_ms",
    "duty_factor",
    "tibial_inclination_ic_deg",
    "foot_ahead_of_pelvis_mm",
    "pelvic_tilt_deg",
    "pelvic_tilt_range_deg",
    "pelvic_drop_deg",
    "pelvic_rotation_range_deg",
    "pelvic_rotation_lag_percent",
    "shank_retraction_dps",
    "shank_mid_stance_deg",
    "pelvis_over_foot_percent",
    "vertical_oscillation_mm",
)

MIDDLE_MPS = SPEEDS_MPS[1]

# Fewer strides of a leg than this tell no habit: the mean of 30 is known to a fifth of one stride's spread.
MIN_STRIDES = 30

# Between runners, the change with speed differs from the norm's by an SD of 0.24-0.46 (mean 0.32) of the SD that the
# metric itself has between runners, per m/s: tibia, foot ahead, tilt, its range, drop, rotation and cadence of 8 runners
# of Fukuchi, Fukuchi & Duarte 2017 (doi:10.7717/peerj.3298) at 2.5 and 4.5 m/s.
SPEED_SLOPE_SD = 0.32
# The same for one percent of slope. No measurement: chosen so that a slope of 8 % never run before leaves the pelvic
# tilt uncertain by 3 deg. It shrinks as soon as the runner has run on slopes.
GRADE_SLOPE_SD = 0.1
# Where no norm gives the spread between runners: so many times the spread of one runner's strides. Norms: 4 for the
# tibia (4.0 / 0.99 deg), 7 for the pelvic tilt (3.8 / 0.54 deg).
BETWEEN_TO_OWN_SD = 4.0

# A stride further out than this many robust SD counts as if it were just there (Huber 1964, doi:10.1214/aoms/1177703732).
CLIP_SDS = 3.0
# 1 / Phi^-1(0.75): makes the median absolute deviation of a normal distribution its SD.
MAD_TO_SD = 1.4826

# Memory over sessions: a session counts as at most so many strides of a leg (about 4 min), so that one long day does not
# drown the others, and what was known fades by a tenth with each. Chosen, not measured.
SESSION_STRIDES = 340.0
SESSION_KEEP = 0.9


@dataclass(frozen=True, slots=True)
class Sums:
    """Sufficient statistics of one metric of one leg: x = speed - 3.5 m/s, g = grade in percent, y = the metric."""

    n: float = 0.0
    x: float = 0.0
    g: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xg: float = 0.0
    gg: float = 0.0
    xy: float = 0.0
    gy: float = 0.0
    yy: float = 0.0

    @staticmethod
    def of(speed_mps: float, grade_percent: float, y: float) -> "Sums":
        x, g = speed_mps - MIDDLE_MPS, grade_percent
        return Sums(1.0, x, g, y, x * x, x * g, g * g, x * y, g * y, y * y)

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*(a + b for a, b in zip(self.row(), other.row(), strict=True)))

    def times(self, factor: float) -> "Sums":
        return Sums(*(a * factor for a in self.row()))

    def row(self) -> tuple[float, ...]:
        return (self.n, self.x, self.g, self.y, self.xx, self.xg, self.gg, self.xy, self.gy, self.yy)


@dataclass(frozen=True, slots=True)
class Habit:
    """The fitted model of one metric of one leg: posterior mean and covariance of (a, b, c), spread of one stride."""

    coefficients: tuple[float, float, float]
    covariance: tuple[tuple[float, ...], ...]
    variance: float

    @staticmethod
    def fit(metric: str, sums: Sums) -> "Habit":
        """Bayesian linear regression with a normal prior on the two slopes (Bishop 2006, eq. 3.50-3.51, 3.58)."""
        gram = np.array([[sums.n, sums.x, sums.g], [sums.x, sums.xx, sums.xg], [sums.g, sums.xg, sums.gg]])
        moment = np.array([sums.y, sums.xy, sums.gy])
        between = norm(metric, MIDDLE_MPS).sd
        slope = slope_per_mps(metric)
        prior = np.array([0.0, 0.0 if math.isnan(slope) else slope, 0.0])
        variance = max(sums.yy / sums.n - (sums.y / sums.n) ** 2, _TINY)
        # The prior's weight depends on the spread of one stride and the other way round: two rounds settle it.
        for _ in range(2):
            spread = BETWEEN_TO_OWN_SD * math.sqrt(variance) if math.isnan(between) else between
            weight = variance / np.array([np.inf, (SPEED_SLOPE_SD * spread) ** 2, (GRADE_SLOPE_SD * spread) ** 2])
            inverse = np.linalg.inv(gram + np.diag(weight))
            c = inverse @ (moment + weight * prior)
            variance = max((sums.yy - 2.0 * c @ moment + c @ gram @ c) / sums.n, _TINY)
        return Habit(
            (float(c[0]), float(c[1]), float(c[2])),
            tuple(map(tuple, (variance * inverse).tolist())),
            float(variance),
        )

    def at(self, speed_mps: float, grade_percent: float) -> Usual:
        """Mean and SD of one stride at this speed and slope: its spread, and how little is known there."""
        row = (1.0, speed_mps - MIDDLE_MPS, grade_percent)
        mean = sum(c * r for c, r in zip(self.coefficients, row, strict=True))
        doubt = sum(row[i] * row[j] * self.covariance[i][j] for i in range(3) for j in range(3))
        return Usual(mean, math.sqrt(self.variance + max(doubt, 0.0)))


_TINY = 1e-12


@dataclass(frozen=True)
class Baseline:
    """The habits of one runner, by (metric, side), and the speed at which this runner runs easily."""

    easy_speed_mps: float
    sessions: int
    sums: Mapping[tuple[str, str], Sums]
    _habits: dict[tuple[str, str], Habit] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for (metric, side), sums in self.sums.items():
            if sums.n >= MIN_STRIDES:
                self._habits[metric, side] = Habit.fit(metric, sums)

    def usual(self, metric: str, side: str, speed_mps: float, grade_percent: float) -> Usual:
        """What is usual for this runner. A NaN grade (no barometer) counts as level, in learning as in use."""
        habit = self._habits.get((metric, side))
        if habit is None or math.isnan(speed_mps):
            return UNKNOWN
        return habit.at(speed_mps, _level_if_unknown(grade_percent))

    def merged(self, session: "Baseline") -> "Baseline":
        """This profile with one more session: the new one counts fully, what was known fades a little."""
        keys = [*self.sums, *(key for key in session.sums if key not in self.sums)]
        sums = {
            key: self.sums.get(key, Sums()).times(SESSION_KEEP).plus(_at_most_a_session(session.sums.get(key, Sums())))
            for key in keys
        }
        # The mean over the sessions that are still remembered, at most 1 / (1 - keep) of them.
        remembered = min(self.sessions, round(1.0 / (1.0 - SESSION_KEEP)) - 1)
        easy = (self.easy_speed_mps * remembered + session.easy_speed_mps) / (remembered + 1)
        return Baseline(easy, self.sessions + session.sessions, sums)

    def to_json(self) -> str:
        habits: dict[str, dict[str, list[float]]] = {}
        for (metric, side), sums in self.sums.items():
            habits.setdefault(metric, {})[side] = list(sums.row())
        document = {
            "version": VERSION,
            "easy_speed_mps": self.easy_speed_mps,
            "sessions": self.sessions,
            "habits": habits,
        }
        return json.dumps(document, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> "Baseline":
        """Reads what `to_json` wrote. Raises ValueError for another version or anything that is not a baseline."""
        document = json.loads(text)
        version = document.get("version") if isinstance(document, dict) else None
        if version != VERSION:
            raise ValueError(f"this is not a baseline of version {VERSION} (its version: {version!r})")
        try:
            sums = {
                (metric, side): Sums(*map(float, row))
                for metric, sides in document["habits"].items()
                for side, row in sides.items()
            }
            return Baseline(float(document["easy_speed_mps"]), int(document["sessions"]), sums)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a whole baseline: {error!r}") from error


def learn(strides: Iterable[Stride]) -> Baseline:
    """The baseline that these steady strides give. Strides far out, by median and MAD, are pulled in first."""
    strides = [stride for stride in strides if not math.isnan(stride.speed_mps)]
    sums: dict[tuple[str, str], Sums] = {}
    for side in ("left", "right"):
        leg = [stride for stride in strides if stride.side == side]
        for metric in METRICS:
            known = [(stride, y) for stride in leg if not math.isnan(y := getattr(stride, metric))]
            if known:
                values = np.array([y for _, y in known])
                middle = float(np.median(values))
                reach = CLIP_SDS * MAD_TO_SD * float(np.median(np.abs(values - middle)))
                total = Sums()
                for stride, y in known:
                    total = total.plus(_point(stride, min(max(y, middle - reach), middle + reach)))
                sums[metric, side] = total
    easy = float(np.median([stride.speed_mps for stride in strides])) if strides else math.nan
    return Baseline(easy, 1, sums)


def more(learnt: Baseline, sums: dict[tuple[str, str], Sums], stride: Stride) -> None:
    """Adds a later steady stride to `sums`, pulled in towards what was `learnt`: how other speeds and slopes become
    known within a session."""
    for metric in METRICS:
        y = getattr(stride, metric)
        usual = learnt.usual(metric, stride.side, stride.speed_mps, stride.grade_percent)
        if not (math.isnan(y) or math.isnan(usual.mean)):
            reach = CLIP_SDS * usual.sd
            key = metric, stride.side
            sums[key] = sums[key].plus(_point(stride, min(max(y, usual.mean - reach), usual.mean + reach)))


def _point(stride: Stride, y: float) -> Sums:
    return Sums.of(stride.speed_mps, _level_if_unknown(stride.grade_percent), y)


def _level_if_unknown(grade_percent: float) -> float:
    return 0.0 if math.isnan(grade_percent) else grade_percent


def _at_most_a_session(sums: Sums) -> Sums:
    return sums.times(min(1.0, SESSION_STRIDES / sums.n)) if sums.n else sums
