"""What is usual among healthy runners: mean and SD of a metric at a speed.

The figures are in norms.csv: mean and SD between 26 runners of each runner's own mean, at 2.5, 3.5 and 4.5
m/s on a level treadmill, computed from Fukuchi, Fukuchi & Duarte 2017, "A public dataset of running
biomechanics and the effects of running speed on lower extremity kinematics and kinetics", PeerJ 5:e3298,
doi:10.7717/peerj.3298 (CC BY 4.0).

slopes.csv tells what the signal core reads on 8 of these runners, 3 sessions each: SD between legs of different
runners, mean change from one speed to the next and its SD between legs, per m/s. Enough to expect what a runner
does at another speed, too few for a norm. The mean change of a difference between the legs is 0, for nothing prefers
a leg. The last column is the change per percent of slope at the same speed. Cadence: + 4 % at 7 % of slope, 18
runners (Padulo et al. 2013, doi:10.1371/journal.pone.0069006), of 171.4 spm at 3.5 m/s. Contact, flight and
duty factor: regression on speed and slope over 31 trials of one runner from -18 to +18 % on force plates
(data of Alcantara et al. 2022, doi:10.7717/peerj.12752): + 0.33 ms (SE 0.15), - 2.1 ms (0.2), + 0.24 percent
of the stride (0.02). That is the direction of all studies: more duty factor and less flight uphill (review of
Vernillo et al. 2017, doi:10.1007/s40279-016-0605-y), and the contact now longer, now shorter (amateurs and
elite, Padulo et al. 2012, doi:10.1519/JSC.0b013e318231aafa). Of the other metrics nothing usable was found:
0, and as uncertain as all are (GRADE_SLOPE_SD in baseline.py), the more the steeper.

Metrics go by their names in `host.records.Stride`, in the units those names say.
"""

import csv
import math
from functools import cache
from importlib import resources
from typing import NamedTuple

SPEEDS_MPS = (2.5, 3.5, 4.5)

# How far beyond the measured speeds the nearest norm is still used. It is held there, not extrapolated: three
# speeds tell nothing of the curve outside. Half a step between the measured speeds; over it the tibia's norm
# moves by 1.3 deg, a third of its SD. Further out the norm is unknown, and only the runner's own habit
# counts.
HOLD_MPS = 0.5

# Names in norms.csv, where they are not those of Stride. Against quiet standing, never against gravity.
_COLUMN = {
    "tibial_inclination_ic_deg": "tibial_inclination_ic_vs_standing_deg",
    "pelvic_tilt_deg": "pelvic_tilt_vs_standing_deg",
    "pelvic_drop_deg": "pelvic_drop_peak_stance_deg",
}
_AGAINST_GRAVITY = frozenset({"pelvic_tilt_abs_deg"})


class Usual(NamedTuple):
    """What is usual for a metric, in the metric's unit. NaN means unknown."""

    mean: float
    sd: float  # of what is spread about the mean: runners for a norm, strides for a habit
    doubt: float = 0.0  # SD of the mean itself, where it is inferred from other speeds or slopes


UNKNOWN = Usual(math.nan, math.nan)


def norm(metric: str, speed_mps: float, slope_percent: float = 0.0) -> Usual:
    """Mean and SD of `metric` between healthy runners at `speed_mps`, linear between the measured speeds.

    They were measured on the level; on a slope the mean moves by what is known of that.
    """
    rows = _table().get(metric)
    lowest, highest = SPEEDS_MPS[0], SPEEDS_MPS[-1]
    # Written so that a NaN speed is unknown too.
    if rows is None or not lowest - HOLD_MPS <= speed_mps <= highest + HOLD_MPS:
        return UNKNOWN
    speed = min(max(speed_mps, lowest), highest)
    i = 0 if speed < SPEEDS_MPS[1] else 1
    share = (speed - SPEEDS_MPS[i]) / (SPEEDS_MPS[i + 1] - SPEEDS_MPS[i])
    a, b = rows[i], rows[i + 1]
    mean = a.mean + share * (b.mean - a.mean)
    if slope_percent:
        mean += slope_percent * usual_change(metric).per_percent
    return Usual(mean, a.sd + share * (b.sd - a.sd))


class Change(NamedTuple):
    """How runners differ in a metric, and how it changes with their speed and the slope. NaN means unknown."""

    sd: float  # between runners
    per_mps: float
    per_mps_sd: float  # of that change, between runners
    per_percent: float  # of slope


@cache
def usual_change(metric: str) -> Change:
    """How `metric` changes among healthy runners: with speed on the mean as the norm does, where there is one."""
    change = _slopes().get(metric, Change(math.nan, math.nan, math.nan, math.nan))
    rows = _table().get(metric)
    if rows is None:
        return change
    return change._replace(per_mps=(rows[-1].mean - rows[0].mean) / (SPEEDS_MPS[-1] - SPEEDS_MPS[0]))


@cache
def _table() -> dict[str, tuple[Usual, ...]]:
    rows = _read("norms.csv")
    renamed = {column: metric for metric, column in _COLUMN.items()}
    return {
        renamed.get(column, column): tuple(
            Usual(float(row[f"mean_{speed}"]), float(row[f"sd_{speed}"])) for speed in SPEEDS_MPS
        )
        for column, row in rows.items()
        # A Stride name that norms.csv uses for the angle against gravity must not be found under it.
        if column not in _COLUMN and column not in _AGAINST_GRAVITY
    }


@cache
def _slopes() -> dict[str, Change]:
    columns = ("sd", "slope_per_mps", "slope_sd_per_mps", "slope_per_percent")
    return {metric: Change(*(float(row[column]) for column in columns)) for metric, row in _read("slopes.csv").items()}


def _read(name: str) -> dict[str, dict[str, str]]:
    text = resources.files("host.coach").joinpath(name).read_text(encoding="utf-8")
    return {row["metric"]: row for row in csv.DictReader(text.splitlines())}
