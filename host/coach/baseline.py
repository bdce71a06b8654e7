"""The runner's own habit: what each metric usually is for this person, this leg, at this speed and slope.

A habit is a small linear model, `metric = a + b * (speed - 3.5 m/s) + c * grade`, fitted to steady strides.
Only sums are kept, so habits of several sessions merge by addition. What the strides themselves cannot tell
is taken from a prior: the slopes with speed and grade are those of healthy runners, with an honest uncertainty,
until this one has run at several speeds and up and down hills. Far from any speed or slope seen the habit is
in doubt, and limits widen with that doubt, so running faster or uphill is no fault by itself.

No day is like another: one stands a little differently, and angles are against standing; the pods sit a little
differently. So a profile is what past days were like, with the spread between them (`Days`), and a session is judged
by its own level, found in its first steady minute, with the changes with speed and slope that the profile knows.

Metrics go by their names in `host.records.Stride`. Speeds in m/s, grades in percent, + uphill.
"""

import json
import math
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from host.coach.norms import SPEEDS_MPS, UNKNOWN, Usual, usual_change
from host.records import Stride

Array = NDArray[np.float64]

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
    "pelvic_obliquity_range_deg",
    "pelvic_rotation_range_deg",
    "pelvic_rotation_lag_percent",
    "shank_retraction_dps",
    "shank_rate_early_stance_dps",
    "shank_mid_stance_deg",
    "pelvis_over_foot_percent",
    "vertical_oscillation_mm",
    "contact_time_difference_ms",
    "pelvic_drop_difference_deg",
)

MIDDLE_MPS = SPEEDS_MPS[1]

# Fewer strides of a leg than this tell no habit: the mean of 30 is known to a fifth of one stride's spread.
MIN_STRIDES = 30

# How much runners differ in their change with one percent of slope, in SD between runners. Of the cadence that is
# 0.36 % a percent, wide enough for both the 0.57 of 18 runners (Padulo 2013) and next to none in another nine
# (Snyder & Farley 2011, doi:10.1242/jeb.048157). Chosen for the other metrics. It shrinks with slopes run.
GRADE_SLOPE_SD = 0.05
# The spread of one stride is never taken as less than this share of the spread between runners; real ones are
# above a tenth of it (norms: tilt 0.54 of 3.8 deg).
SMALLEST_SPREAD = 0.001
# How far the speed and the slope that a stride is learnt at are off, SD: what they vary by less than that tells of
# the core's own errors, which go with those of the metrics, and not of the runner. Speed: on a treadmill, of 8
# runners in 24 sessions, 0.012 m/s within one session and 0.025 between them. Slope: 0.18 % on simulated level
# ground with a barometer's noise of 2 Pa; more, because wind moves the pressure too.
SPEED_ERROR_MPS = 0.03
SLOPE_ERROR_PERCENT = 0.3

# Memory over sessions: a session counts as at most so many strides of a leg (about 4 min), so that one long
# day does not drown the others, and what was known fades by a tenth with each. Chosen, not measured.
SESSION_STRIDES = 340.0
SESSION_KEEP = 0.9

# How much a runner differs from day to day, SD as a share of that between runners: an intraclass correlation of 0.89
# between days. Of the angles against standing that is 1.3 to 1.6 deg. Pods on runners, two days: 1.6 to 2.7 deg RMS
# between the days in the sagittal plane, so an SD of 1.1 to 1.9 (doi:10.3389/fbioe.2022.1005496). For other metrics
# assumed: between sessions stance times correlate better (review, doi:10.1186/s40798-022-00477-0), standing pelves
# worse (0.65 and 0.85, Beardsley et al. 2016, doi:10.7717/peerj.1881).
DAY_SHARE = 1.0 / 3.0
# So many days of a runner's own weigh as much as that; chosen.
DAY_SHARE_WEIGHS = 4.0
# A day further than this from past ones, in SD of a new day about them, is a fault that is there from the start, not
# a day: one in eighty is further by chance. Chosen: with 2.0, one in twenty, there were too many wrong cues.
DAY_SDS = 2.5


class Sums(NamedTuple):
    """Sufficient statistics of a metric of a leg: x = speed - 3.5 m/s, g = grade in percent, y = metric."""

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
        """The sums of one stride whose metric reads `y`."""
        x, g = speed_mps - MIDDLE_MPS, level_if_unknown(grade_percent)
        return Sums(1.0, x, g, y, x * x, x * g, g * g, x * y, g * y, y * y)

    @staticmethod
    def total(parts: Iterable["Sums"]) -> "Sums":
        return Sums(*(math.fsum(column) for column in zip(*parts, strict=True)))

    def plus(self, other: "Sums") -> "Sums":
        return Sums(*map(operator.add, self, other))

    def times(self, factor: float) -> "Sums":
        return Sums(*(a * factor for a in self))


class Days(NamedTuple):
    """How days of a metric of a leg differed: all numbers fade with each later day, as the sums do."""

    n: float = 1.0  # days
    told: float = 0.0  # of them, those that were compared with earlier ones
    squares: float = 0.0  # sum of their squared differences, each as one of two independent days would have

    def variance(self, metric: str) -> float:
        """Of one day: what is usual and what was seen, weighed by days (as by a scaled inverse chi-squared prior)."""
        usual = DAY_SHARE_WEIGHS * (DAY_SHARE * usual_change(metric).sd) ** 2
        return (usual + self.squares) / (DAY_SHARE_WEIGHS + self.told)

    def new_day_variance(self, metric: str) -> float:
        """Of a new day about the mean of these."""
        return self.variance(metric) * (1.0 + 1.0 / self.n)

    def with_day(self, difference: float) -> "Days":
        """With one more, that is `difference` from the mean of these."""
        square = difference**2 / (1.0 + 1.0 / self.n)
        return Days(*(SESSION_KEEP * old + new for old, new in zip(self, (1.0, 1.0, square), strict=True)))


@dataclass(frozen=True, slots=True)
class Habit:
    """The model of one metric of one leg: mean and covariance of (a, b, c), variance of one stride.

    `day_sd`: of a new day about `a`, where this is of past days.
    """

    coefficients: tuple[float, float, float]
    covariance: tuple[tuple[float, ...], ...]
    variance: float
    day_sd: float = 0.0

    @staticmethod
    def fit(metric: str, sums: Sums, days: Days | None = None) -> "Habit":
        """What these strides tell, and healthy runners of what changes with speed and slope."""
        known = usual_change(metric)
        mean = np.array([0.0, known.per_mps, known.per_percent])
        precision = np.diag([0.0, known.per_mps_sd**-2, (GRADE_SLOPE_SD * known.sd) ** -2])
        day_sd = math.sqrt(days.new_day_variance(metric)) if days else 0.0
        return Habit._fit(metric, sums, mean, precision, day_sd)

    def on(self, metric: str, today: Sums) -> "Habit":
        """What is usual on a day that began with these strides, if past days were like this habit."""
        covariance = np.array(self.covariance)
        covariance[0, 0] += self.day_sd**2
        return Habit._fit(metric, today, np.array(self.coefficients), np.linalg.inv(covariance), 0.0)

    @staticmethod
    def _fit(metric: str, sums: Sums, prior: Array, precision: Array, day_sd: float) -> "Habit":
        """Bayesian linear regression with a normal prior (Bishop 2006, eq. 3.50, 3.51, 3.59)."""
        gram, moment = _calibrated(sums)
        known = usual_change(metric)
        # Strides all alike, as in a test, would leave nothing to weigh the prior with.
        floor = (SMALLEST_SPREAD * known.sd) ** 2
        variance: float = max(sums.yy / sums.n - (sums.y / sums.n) ** 2, floor)
        # The prior's weight depends on the spread of one stride and the other way round: two rounds do.
        for _ in range(2):
            weight = variance * precision
            inverse = np.linalg.inv(gram + weight)
            c = inverse @ (moment + weight @ prior)
            variance = max(float(sums.yy - 2.0 * c @ moment + c @ gram @ c) / sums.n, floor)
        return Habit(
            (float(c[0]), float(c[1]), float(c[2])),
            tuple(map(tuple, (variance * inverse).tolist())),
            float(variance),
            day_sd,
        )

    def at(self, speed_mps: float, grade_percent: float) -> Usual:
        """What is usual at this speed and slope: mean, spread of one stride, and how little is known of it."""
        x, g = speed_mps - MIDDLE_MPS, grade_percent
        return Usual(self.mean(x, g), math.sqrt(self.variance), self.doubt(x, g))

    def mean(self, x: float, g: float) -> float:
        """The mean at `x` m/s above 3.5 and `g` percent of slope."""
        a, b, c = self.coefficients
        return a + b * x + c * g

    def doubt(self, x: float, g: float) -> float:
        """SD of that mean."""
        (aa, ab, ac), (_, bb, bc), (_, _, cc) = self.covariance
        return math.sqrt(max(aa + 2.0 * (ab * x + ac * g + bc * x * g) + bb * x * x + cc * g * g, 0.0))


@dataclass(frozen=True)
class Baseline:
    """The habits of one runner, by (metric, side), and the speed at which this runner runs easily."""

    easy_speed_mps: float
    sessions: int
    sums: Mapping[tuple[str, str], Sums]
    days: Mapping[tuple[str, str], Days] = field(default_factory=dict)  # of a profile; a session is one day
    _habits: dict[tuple[str, str], Habit] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for (metric, side), sums in self.sums.items():
            if sums.n >= MIN_STRIDES:
                self._habits[metric, side] = Habit.fit(metric, sums, self.days.get((metric, side)))

    def usual(self, metric: str, side: str, speed_mps: float, grade_percent: float) -> Usual:
        """What is usual for this runner. A NaN grade (no barometer) counts as level, in learning too."""
        habit = self.habit(metric, side)
        if habit is None or math.isnan(speed_mps):
            return UNKNOWN
        return habit.at(speed_mps, level_if_unknown(grade_percent))

    def differences(self, stride: Stride, metrics: Iterable[str]) -> dict[str, float]:
        """How far a stride is from what is usual at its speed and slope, for the metrics of which that is known."""
        where = (stride.side, stride.speed_mps, stride.grade_percent)
        found = {metric: getattr(stride, metric) - self.usual(metric, *where).mean for metric in metrics}
        return {metric: difference for metric, difference in found.items() if not math.isnan(difference)}

    def habit(self, metric: str, side: str) -> Habit | None:
        return self._habits.get((metric, side))

    def completed(self, other: "Baseline") -> "Baseline":
        """This one, with what the other has where this knows no habit; itself where it lacks nothing."""
        return self._with({key: sums for key, sums in other.sums.items() if key not in self._habits}, {})

    def on(self, today: "Baseline") -> "Baseline":
        """What is usual on the day `today`, of a runner whose past days were like this profile.

        The level is today's, its changes with speed and slope are the profile's. A metric that is further from past
        days than days differ is not known: it may be a fault.
        """
        found = {}
        for key, sums in today.sums.items():
            past, habit = self._habits.get(key), today.habit(*key)
            if past is None or habit is None:
                continue
            if abs(_difference(past, sums)) <= DAY_SDS * past.day_sd:
                found[key] = past.on(key[0], sums)
        new = {key: sums for key, sums in today.sums.items() if key in found or key not in self._habits}
        return Baseline(self.easy_speed_mps, self.sessions, {})._with(new, found)

    def _with(self, sums: Mapping[tuple[str, str], Sums], habits: Mapping[tuple[str, str], Habit]) -> "Baseline":
        if not sums:
            return self
        both = Baseline(self.easy_speed_mps, self.sessions, {**self.sums, **sums}, self.days)
        both._habits.update({**self._habits, **habits})
        return both

    def as_past(self) -> "Baseline":
        """This as what past days were like; of days that are not counted it holds as many as sessions."""
        fade = (1.0 - SESSION_KEEP**self.sessions) / (1.0 - SESSION_KEEP)
        days = {key: self.days.get(key, Days(fade)) for key in self.sums}
        return Baseline(self.easy_speed_mps, self.sessions, self.sums, days)

    def merged(self, session: "Baseline") -> "Baseline":
        """This profile with one more session: the new one counts fully, what was known fades a little."""
        past = self.as_past()
        keys = [*self.sums, *(key for key in session.sums if key not in self.sums)]
        sums = {
            key: self.sums.get(key, Sums()).times(SESSION_KEEP).plus(_at_most_a_session(session.sums.get(key, Sums())))
            for key in keys
        }
        days = {key: past._days_with(key, session) for key in keys}
        # The mean over the sessions that are still remembered, at most 1 / (1 - keep) of them.
        remembered = min(self.sessions, round(1.0 / (1.0 - SESSION_KEEP)) - 1)
        easy = (self.easy_speed_mps * remembered + session.easy_speed_mps) / (remembered + 1)
        return Baseline(easy, self.sessions + session.sessions, sums, days)

    def _days_with(self, key: tuple[str, str], session: "Baseline") -> Days:
        """The days of a metric of a leg and this session, if both know it."""
        days, habit = self.days.get(key), self._habits.get(key)
        if days is None or habit is None:
            return Days()
        if session.habit(*key) is None:
            return days
        reach = DAY_SDS * habit.day_sd  # what is further is no matter of days
        return days.with_day(min(max(_difference(habit, session.sums[key]), -reach), reach))

    def to_json(self) -> str:
        habits: dict[str, dict[str, list[float]]] = {}
        for (metric, side), sums in self.sums.items():
            habits.setdefault(metric, {})[side] = list(sums)
        document = {
            "version": VERSION,
            "easy_speed_mps": self.easy_speed_mps,
            "sessions": self.sessions,
            "habits": habits,
            "days": [[metric, side, *days] for (metric, side), days in self.days.items()],
        }
        return json.dumps(document, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> "Baseline":
        """Reads what `to_json` wrote. Raises ValueError for another version, or what is no baseline."""
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
            # Profiles from before days were counted have none.
            days = {(metric, side): Days(*map(float, row)) for metric, side, *row in document.get("days", ())}
            return Baseline(float(document["easy_speed_mps"]), int(document["sessions"]), sums, days)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a whole baseline: {error!r}") from error


def _difference(habit: Habit, sums: Sums) -> float:
    """How far the mean of strides is from a habit, at their mean speed and slope."""
    return sums.y / sums.n - habit.mean(sums.x / sums.n, sums.g / sums.n)


def level_if_unknown(grade_percent: float) -> float:
    return 0.0 if math.isnan(grade_percent) else grade_percent


def _calibrated(sums: Sums) -> tuple[Array, Array]:
    """Normal equations (3, 3) and (3,) of `y = a + b * x + c * g`, with speed and slope freed of their errors.

    Each is replaced by the best guess of its true value, which is nearer to the mean by the share of its variance that
    is error: regression calibration (Carroll et al. 2006, Measurement Error in Nonlinear Models,
    ISBN 978-1-58488-633-4, chapter 4).
    """
    n = sums.n
    x, g, y = sums.x / n, sums.g / n, sums.y / n
    xx, xg, gg = sums.xx - n * x * x, sums.xg - n * x * g, sums.gg - n * g * g
    true_x, true_g = _true_share(xx / n, SPEED_ERROR_MPS), _true_share(gg / n, SLOPE_ERROR_PERCENT)
    xx, xg, gg = xx * true_x**2 + n * x * x, xg * true_x * true_g + n * x * g, gg * true_g**2 + n * g * g
    xy, gy = (sums.xy - n * x * y) * true_x + n * x * y, (sums.gy - n * g * y) * true_g + n * g * y
    return np.array([[n, sums.x, sums.g], [sums.x, xx, xg], [sums.g, xg, gg]]), np.array([sums.y, xy, gy])


def _true_share(variance: float, error_sd: float) -> float:
    return 1.0 - error_sd**2 / variance if variance > error_sd**2 else 0.0


def _at_most_a_session(sums: Sums) -> Sums:
    return sums.times(min(1.0, SESSION_STRIDES / sums.n)) if sums.n else sums
