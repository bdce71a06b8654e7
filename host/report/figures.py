"""The report's numbers: the run in short, the key figures beside what is usual and what was before."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from host.coach.baseline import Baseline
from host.coach.faults import FAULTS
from host.coach.norms import UNKNOWN
from host.person.pain import by_run
from host.person.quantities import WORST_PAIN
from host.records import Moment, Stride
from host.report.material import Earlier, Material
from host.report.metrics import (
    BAND_SDS,
    BOTH,
    CHARTED,
    DASH,
    SPEED,
    TABLED,
    Medians,
    Metric,
    distance_m,
    healthy,
    median,
)
from host.texts.language import Language
from host.texts.plain import clock, pace

# Sessions within this share of the speed can be compared: the norm's shin angle changes by 0.9 degrees meanwhile.
SAME_SPEED = 0.1


def facts(material: Material, running_s: float, now: Medians, texts: Language) -> list[tuple[str, str]]:
    """The run in short: (what, how much)."""
    names = texts.report["facts"]
    speed_mps = now[SPEED.field, BOTH]
    pain = by_run(material.scores, [material.row])[material.row.session]
    return [
        (names["running"], clock(running_s)),
        (names["distance"], f"{texts.number(distance_m(material.strides) / 1000.0, 2)} km"),
        (texts.metrics[SPEED.field].name, f"{texts.local(SPEED.text(speed_mps))} {SPEED.unit}"),
        (names["pace"], f"{pace(speed_mps)} min/km" if speed_mps > 0.0 else DASH),
        (names["cues"], str(sum(cue.kind == "cue" for cue in material.cues))),
        *(_pain(pain, texts) if pain else []),
    ]


def _pain(pain: Mapping[Moment, int], texts: Language) -> list[tuple[str, str]]:
    names = texts.report["facts"]
    noted = [moment for moment in Moment if moment in pain]
    scores = ", ".join(str(pain[moment]) for moment in noted)
    moments = ", ".join(texts.moments[moment] for moment in noted)
    return [(names["pain"].format(moments=moments), names["of_worst"].format(scores=scores, worst=WORST_PAIN))]


class Cell(NamedTuple):
    side: str
    text: str
    beyond: str  # "above" or "below" what is usual among healthy runners, or ""


class Figure(NamedTuple):
    """One row of the table."""

    metric: Metric
    cells: Sequence[Cell]
    usual: str
    before: str


def figures(now: Medians, compared: Sequence[Earlier]) -> list[Figure]:
    """Each metric that is known. `compared`: the sessions that this one is set against."""
    rows = []
    for metric in TABLED:
        values = {side: now[metric.field, side] for side in metric.sides}
        if all(math.isnan(value) for value in values.values()):
            continue
        around = healthy(metric, now[SPEED.field, BOTH])
        low, high = around.mean - BAND_SDS * around.sd, around.mean + BAND_SDS * around.sd
        cells = [
            Cell(side, metric.text(value), "above" if value > high else "below" if value < low else "")
            for side, value in values.items()
        ]
        before = (median(one.medians[metric.field, side] for one in compared) for side in metric.sides)
        usual = DASH if math.isnan(low) else f"{metric.text(low)} {DASH} {metric.text(high)}"
        rows.append(Figure(metric, cells, usual, " · ".join(map(metric.text, before))))
    return rows


def at_same_speed(earlier: Sequence[Earlier], now: Medians) -> list[Earlier]:
    """The sessions that can be compared with this one."""
    speed_mps = now[SPEED.field, BOTH]
    return [one for one in earlier if abs(one.medians[SPEED.field, BOTH] - speed_mps) <= SAME_SPEED * speed_mps]


def own_band(strides: Sequence[Stride], usual: Baseline | None) -> dict[str, list[tuple[float, float]]]:
    """For metrics that are judged by the runner's own habit alone: between what values the coach takes each stride as
    usual; NaN where unknown."""
    alone = [fault.limits[0] for fault in FAULTS if len(fault.limits) == 1]
    bands: dict[str, list[tuple[float, float]]] = {}
    for metric in (metric for metric in CHARTED if metric.usual == "own"):
        limits = {limit.sign: limit for limit in alone if limit.metric == metric.field}
        band = bands[metric.field] = []
        for stride in strides:
            around = (
                usual.usual(metric.field, stride.side, stride.speed_mps, stride.grade_percent) if usual else UNKNOWN
            )
            less, more = (max(limits[sign].own_margin, limits[sign].own_sds * around.sd) for sign in (-1, 1))
            band.append((around.mean - less, around.mean + more))
    return bands
