"""The metrics that a report tells of, and their medians over a session. Their names stand in the texts."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from host.coach.norms import UNKNOWN, Usual, norm
from host.records import Stride

SIDES = ("left", "right")
BOTH = "both"  # beside them: both legs, taken together

# Usual is within so many SD of the mean: the limit from which the coach takes a pattern seriously (faults.py).
BAND_SDS = 1.5

DASH, MINUS = "\u2013", "\u2212"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, and how its numbers are written."""

    field: str  # of Stride
    unit: str  # a sign; the texts may have a word
    digits: int
    least: float  # a chart's axis spans at least this much, in `unit`, so that noise does not look like news
    legs: bool = True  # left and right apart; False: it is of the whole body
    # What is usual: of healthy runners, or of this runner alone. Never the former for the tilt: a natural one is
    # no fault.
    usual: Literal["norm", "own", ""] = "norm"
    factor: float = 1.0  # from the field's unit to `unit`
    lowest: float = -math.inf  # where a chart's axis may begin, in `unit`

    @property
    def sides(self) -> tuple[str, ...]:
        return SIDES if self.legs else (BOTH,)

    def text(self, value: float) -> str:
        """The value in `unit`, without it."""
        if math.isnan(value):
            return DASH
        text = f"{value * self.factor:.{self.digits}f}"
        return with_minus(text) if float(text) else text.lstrip("-")


def with_minus(number: str) -> str:
    """A number as it is printed, with the minus that is as wide as a plus."""
    return number.replace("-", MINUS)


SHIN = Metric("tibial_inclination_ic_deg", "°", 1, 12.0)
FOOT_AHEAD = Metric("foot_ahead_of_pelvis_mm", "mm", 0, 120.0)
CONTACT = Metric("contact_time_ms", "ms", 0, 80.0)
CADENCE = Metric("cadence_spm", "spm", 0, 24.0, legs=False)
TILT = Metric("pelvic_tilt_deg", "°", 1, 12.0, legs=False, usual="own")
SPEED = Metric("speed_mps", "km/h", 1, 4.0, legs=False, usual="", factor=3.6)
GRADE = Metric("grade_percent", "%", 1, 6.0, legs=False, usual="")
BOUNCE = Metric("vertical_oscillation_mm", "mm", 0, 40.0, legs=False)
DROP = Metric("pelvic_drop_deg", "°", 1, 6.0)
ROTATION = Metric("pelvic_rotation_range_deg", "°", 1, 10.0, legs=False)

CHARTED = (SHIN, FOOT_AHEAD, CONTACT, CADENCE, TILT, SPEED, GRADE)
TABLED = (SHIN, FOOT_AHEAD, CONTACT, CADENCE, TILT, BOUNCE, DROP, ROTATION)
TRENDED = (SHIN, FOOT_AHEAD, CONTACT, CADENCE, TILT, SPEED)
FIELDS = sorted({metric.field for metric in (*CHARTED, *TABLED)})

# The median over a session's good strides of each field, by (field, side) with side "left", "right" and "both".
Medians = Mapping[tuple[str, str], float]


def median(values: Iterable[float]) -> float:
    """Of the known values; NaN where there is none."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


def healthy(metric: Metric, speed_mps: float) -> Usual:
    """Mean and SD among healthy runners at that speed; NaN where no norm applies."""
    return norm(metric.field, speed_mps) if metric.usual == "norm" else UNKNOWN


def distance_m(strides: Sequence[Stride]) -> float:
    """How far, over the strides of a known speed."""
    return math.fsum(stride.distance_m for stride in strides if not math.isnan(stride.distance_m))
