"""From the strides of this session to a baseline: which of them show the runner's habit.

The first minute of steady running is the habit of the day; of a metric that was unknown then, as when a pod came
late, the first minute in which it is known. Later steady strides without a fault add what is known of other speeds
and slopes, for the profile that the next session starts from; they never move what this session is judged by, or a
fault that creeps in would become its own excuse.
"""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from host.coach.baseline import METRICS, MIDDLE_MPS, Baseline, Habit, Sums, level_if_unknown
from host.records import Stride

# A stride further out than this many robust SD counts as if it were just there (winsorising; Huber 1964,
# doi:10.1214/aoms/1177703732).
CLIP_SDS = 3.0
# 1 / Phi^-1(0.75): makes the median absolute deviation of a normal distribution its SD.
MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class LearningParams:
    """How a habit is learnt."""

    # Steady running that makes a habit: the lower end of the 60-90 s of the coaching rules.
    window_s: float = 60.0
    # Running before the first stride that counts: the body gets going, the filters settle. Longer is safer
    # and slower.
    settle_s: float = 10.0
    # Steady: within this share of the median speed of the leg's recent strides. The norm's tibia changes by
    # 2.6 deg per m/s, so 10 % of 3.5 m/s is 0.9 deg: less than a stride's own spread of 1 deg (norms.csv).
    steady_share: float = 0.10
    recent_strides: int = 10
    clip_sds: float = CLIP_SDS
    # After the window every n-th steady stride is enough: neighbours say nearly the same, and a day of running
    # stays cheap. Odd, or it would be always the same leg.
    every: int = 3


class Learner:
    """Takes good running strides in order; `learnt` is set when enough is known. What it holds then never changes."""

    def __init__(self, params: LearningParams = LearningParams()) -> None:
        self.learnt: Baseline | None = None
        self._params = params
        self._running_s = 0.0
        self._steady_s = 0.0
        self._window: list[Stride] = []
        self._recent: dict[str, deque[float]] = {
            side: deque(maxlen=params.recent_strides) for side in ("left", "right")
        }
        self._unknown: dict[str, list[str]] = {}  # by leg: metrics that `learnt` does not know
        self._later: dict[str, list[_Later]] = {side: [] for side in self._recent}
        self._steady = 0

    def add(self, stride: Stride, *, faultless: bool) -> None:
        """One good running stride. `faultless`: what holds, if any, is habit (matters only after the first window)."""
        speed_mps = self._steady_speed(stride)
        # Two legs run at once: each stride stands for half its time.
        seconds = (stride.next_ic_s - stride.ic_s) / 2.0
        self._running_s += seconds
        if speed_mps is None or self._running_s < self._params.settle_s:
            return
        # The speed of a single stride is noisy, and its error goes with the stride's other metrics: a slope
        # fitted to that would be the error's. So each stride is learnt at the steady speed.
        if self.learnt is None or (faultless and self._news(stride)):
            self._window.append(replace(stride, speed_mps=speed_mps))
            self._steady_s += seconds
            if self._steady_s >= self._params.window_s:
                self._close_window()
        elif faultless:
            self._steady += 1
            if self._steady % self._params.every == 0:
                for later in self._later[stride.side]:
                    later.add(stride, speed_mps)

    def session(self) -> Baseline | None:
        """All that this session showed, for the profile; None before the first window is full."""
        if self.learnt is None:
            return None
        later = {
            (metric, side): sums
            for side, parts in self._later.items()
            for part in parts
            for metric, sums in part.sums().items()
        }
        sums = {key: sums.plus(later.get(key, Sums())) for key, sums in self.learnt.sums.items()}
        return Baseline(self.learnt.easy_speed_mps, 1, sums)

    def _news(self, stride: Stride) -> bool:
        """Whether a stride tells of a metric that the habit of its leg lacks."""
        return any(not math.isnan(getattr(stride, metric)) for metric in self._unknown[stride.side])

    def _close_window(self) -> None:
        found = learn(self._window, self._params.clip_sds)
        self.learnt = learnt = found if self.learnt is None else self.learnt.completed(found)
        for side, later in self._later.items():
            known = [metric for metric in METRICS if learnt.habit(metric, side)]
            new = [metric for metric in known if metric in self._unknown.get(side, METRICS)]
            later.append(_Later(learnt, side, new, self._params.clip_sds))
            self._unknown[side] = [metric for metric in METRICS if metric not in known]
        self._window.clear()
        self._steady_s = 0.0

    def _steady_speed(self, stride: Stride) -> float | None:
        """The median speed of this leg's recent strides, if this one keeps to it."""
        recent = self._recent[stride.side]
        if math.isnan(stride.speed_mps):
            return None
        recent.append(stride.speed_mps)
        if len(recent) < self._params.recent_strides:
            return None
        middle = statistics.median(recent)
        return middle if abs(stride.speed_mps - middle) <= self._params.steady_share * middle else None


class _Later:
    """The sums of later strides of one leg, outliers pulled in by what was learnt; its metrics at once, for speed."""

    def __init__(self, learnt: Baseline, side: str, metrics: Sequence[str], clip_sds: float) -> None:
        habits = {metric: habit for metric in metrics if (habit := learnt.habit(metric, side)) is not None}
        self._metrics = tuple(habits)
        self._lines = np.array([habit.coefficients for habit in habits.values()]).reshape(-1, 3)
        self._covariance = np.array([habit.covariance for habit in habits.values()]).reshape(-1, 3, 3)
        self._variance = np.array([habit.variance for habit in habits.values()])
        self._clip_sds = clip_sds
        self._of_place, self._of_metric = np.zeros((len(habits), 6)), np.zeros((len(habits), 3))
        self._squares = np.zeros(len(habits))

    def add(self, stride: Stride, speed_mps: float) -> None:
        x, g = speed_mps - MIDDLE_MPS, level_if_unknown(stride.grade_percent)
        at = np.array((1.0, x, g))
        usual = self._lines @ at
        reach = self._clip_sds * np.sqrt(self._variance + self._covariance @ at @ at)
        y = np.array([getattr(stride, metric) for metric in self._metrics], float)
        y = np.clip(y, usual - reach, usual + reach)
        known = np.isfinite(y)
        y = np.where(known, y, 0.0)
        self._of_place += np.outer(known, (1.0, x, g, x * x, x * g, g * g))
        self._of_metric += np.outer(y, at)
        self._squares += y * y

    def sums(self) -> dict[str, Sums]:
        return {
            metric: Sums(n, x, g, y, xx, xg, gg, xy, gy, yy)
            for metric, (n, x, g, xx, xg, gg), (y, xy, gy), yy in zip(
                self._metrics, self._of_place.tolist(), self._of_metric.tolist(), self._squares.tolist(), strict=True
            )
        }


def learn(strides: Sequence[Stride], clip_sds: float = CLIP_SDS) -> Baseline:
    """The baseline that these steady strides (of known speed) give; outliers pulled in by median and MAD."""
    sums: dict[tuple[str, str], Sums] = {}
    for side in ("left", "right"):
        of_leg = [stride for stride in strides if stride.side == side]
        for metric in METRICS:
            known = [(stride, y) for stride in of_leg if not math.isnan(y := getattr(stride, metric))]
            if known:
                sums[metric, side] = _without_outliers(metric, known, clip_sds)
    return Baseline(statistics.median(stride.speed_mps for stride in strides), 1, sums)


def _without_outliers(metric: str, known: Sequence[tuple[Stride, float]], clip_sds: float) -> Sums:
    """The sums of these strides. What is far out is so for its own speed and slope: from the line through all."""
    line = Habit.fit(metric, Sums.total(Sums.of(stride.speed_mps, stride.grade_percent, y) for stride, y in known))
    usual = [line.mean(stride.speed_mps - MIDDLE_MPS, level_if_unknown(stride.grade_percent)) for stride, _ in known]
    off = [y - mean for (_, y), mean in zip(known, usual, strict=True)]
    middle = statistics.median(off)
    reach = clip_sds * MAD_TO_SD * statistics.median(abs(x - middle) for x in off)
    return Sums.total(
        Sums.of(stride.speed_mps, stride.grade_percent, mean + min(max(x, middle - reach), middle + reach))
        for (stride, _), mean, x in zip(known, usual, off, strict=True)
    )
