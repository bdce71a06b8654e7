"""From session to session: a point each, the last is the session that is reported."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from host.person.pain import by_run
from host.person.quantities import WORST_PAIN
from host.person.trend import share_held
from host.records import Moment
from host.report import words
from host.report.charts import Axis, Line, Tick, axis_around, line_path
from host.report.material import Material
from host.report.metrics import BOTH, TRENDED, Medians, Metric
from host.report.timeline import Replay
from host.texts.language import Language, capital

SHARE_LEAST_PERCENT = 40.0  # an axis of the share of strides spans at least this much

PAIN = Metric("", "", 0, WORST_PAIN, legs=False)


class Point(NamedTuple):
    of: str  # as of the line
    x: float  # percent from the left
    y: float  # percent from below
    text: str


class Trend(NamedTuple):
    """One small chart."""

    metric: Metric
    title: str
    unit: str
    lines: Sequence[Line]
    points: Sequence[Point]
    y_ticks: Sequence[Tick]


def trends(material: Material, now: Medians, summary: Mapping[str, Any], again: Replay, texts: Language) -> list[Trend]:
    """Of the pain, of the fault that mattered most, and of the metrics; none for a runner's first session."""
    if not material.earlier:
        return []
    rows = [*(one.row for one in material.earlier), material.row]
    scores = by_run(material.scores, rows)
    pain = {str(moment): [float(scores[row.session].get(moment, math.nan)) for row in rows] for moment in Moment}
    names = texts.report["trend"]
    made = [trend(PAIN, names["pain"], names["of_worst"].format(worst=WORST_PAIN), pain, Axis(0.0, WORST_PAIN))]
    fault = words.main_fault(again)
    if fault:
        shares = [100.0 * share_held(row.summary, fault, row.strides) for row in rows[:-1]]
        shares.append(100.0 * share_held(summary, fault, len(material.strides)))
        share = Metric("", "", 0, SHARE_LEAST_PERCENT, legs=False, lowest=0.0)
        made.append(trend(share, capital(texts.faults[fault].name), names["of_strides"], {BOTH: shares}))
    sessions = [*(one.medians for one in material.earlier), now]
    for metric in TRENDED:
        values = {side: [of[metric.field, side] for of in sessions] for side in metric.sides}
        name = texts.metrics[metric.field]
        made.append(trend(metric, name.name, name.unit or metric.unit, values))
    return [one for one in made if one]


def trend(
    metric: Metric, title: str, unit: str, values: Mapping[str, Sequence[float]], y: Axis | None = None
) -> Trend | None:
    """`values`: for each line one a session, oldest first. `y`: the axis where it is a given one. None where no line
    has two points: one makes no trend."""
    shown = {side: [value * metric.factor for value in of] for side, of in values.items()}
    counts = [sum(not math.isnan(value) for value in of) for of in shown.values()]
    if max(counts) < 2:
        return None
    known = [value for of in shown.values() for value in of if not math.isnan(value)]
    y = y or axis_around(known, metric.least, metric.lowest)
    x = Axis(-0.5, len(next(iter(shown.values()))) - 0.5)
    lines, points = [], []
    for side, of in shown.items():
        there = [(i, value) for i, value in enumerate(of) if not math.isnan(value)]
        lines.append(Line(side, line_path([(x.percent(i), y.percent(value)) for i, value in there])))
        points += [Point(side, x.percent(i), y.percent(v), metric.text(v / metric.factor)) for i, v in there]
    return Trend(metric, title, unit, lines, points, y.ticks(4))
