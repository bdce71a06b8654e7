"""Where everything in a chart goes. The template draws it.

A chart is an SVG of 100 by 100 units that stretches with the page, y downward; its texts are HTML placed in percent
of it. So type and lines keep their size from a phone to a printed page, and colours follow the page's theme.

No library: matplotlib, the well-kept one that draws without a browser, adds 100 MB to an installation and draws
fixed sizes and colours; plotly, which the live page uses, needs a browser to draw. What is left to do here is
to scale numbers.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from host.records import Stride
from host.report.metrics import BAND_SDS, BOTH, Metric, healthy, with_minus
from host.texts.plain import clock

Array = NDArray[np.float64]
Bins = dict[int, float]  # medians, by the number of the bin

# Widths of a point in time, in seconds: the first that gives at most so many points, two a millimetre on paper.
WIDTHS_S = (5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
MAX_POINTS = 180
FEWEST = 3  # strides in a point: the median of fewer is an outlier's
BARS = 28  # of a distribution
# The axis follows all but the outermost strides, one in a hundred on each side.
OUTERMOST = 0.01
AIR = 0.06  # above and below, as a share of the axis


class Tick(NamedTuple):
    at: float  # percent
    text: str


class Line(NamedTuple):
    of: str  # "left", "right" or "both", or when pain was noted; a class of the style sheet
    path: str  # of an SVG


class Chart(NamedTuple):
    """A metric over time, and beside it how its strides are spread, on the same axis."""

    metric: Metric
    lines: Sequence[Line]
    band: str  # path of the area that is usual; empty where nothing is known
    spread: Sequence[Line]
    y_ticks: Sequence[Tick]


class Axis(NamedTuple):
    low: float
    high: float

    def percent(self, value: float) -> float:
        """From the low end, 0, to the high one, 100."""
        return 100.0 * (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[Tick]:
        """At round numbers, at most so many and one more."""
        step = nice_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [Tick(self.percent(i * step), with_minus(f"{i * step:g}")) for i in range(first, last + 1)]


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= least * (1 - 1e-9))


def axis_around(values: Sequence[float], least: float, lowest: float = -math.inf) -> Axis:
    """An axis that holds the values but for the outermost, spans at least `least` and begins at `lowest` or above."""
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if not len(known):
        return Axis(0.0, least)
    low, high = np.quantile(known, (OUTERMOST, 1.0 - OUTERMOST))
    more = max(0.0, least - (high - low)) / 2.0
    air = AIR * max(high - low, least)
    begin = max(float(low - more - air), lowest)
    return Axis(begin, max(float(high + more + air), begin + least))


def time_axis(strides: Sequence[Stride]) -> Axis:
    return Axis(0.0, max((stride.next_ic_s for stride in strides), default=60.0))


def time_ticks(axis: Axis, most: int = 6) -> list[Tick]:
    """Minutes, on whole ones where they are many."""
    widths = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
    step = next((width for width in widths if axis.high / width <= most), widths[-1])
    return [Tick(axis.percent(i * step), clock(i * step)) for i in range(int(axis.high / step) + 1)]


def width_s(duration_s: float) -> float:
    """How long one point of a line stands for."""
    return next((width for width in WIDTHS_S if duration_s <= MAX_POINTS * width), WIDTHS_S[-1])


def chart(
    metric: Metric, strides: Sequence[Stride], time: Axis, own: Sequence[tuple[float, float]] | None = None
) -> Chart | None:
    """The chart of a metric over good strides; None where nothing of it is known.

    `own`: what is usual for this runner instead of the norm, (lowest, highest) for each stride; NaN where unknown.
    """
    kept = [i for i, stride in enumerate(strides) if stride.good and not math.isnan(getattr(stride, metric.field))]
    if not kept:
        return None
    width = width_s(time.high)
    good = [strides[i] for i in kept]
    values = np.array([getattr(stride, metric.field) for stride in good]) * metric.factor
    bins = np.array([int(stride.ic_s // width) for stride in good])
    legs = {side: np.array([side in (stride.side, BOTH) for stride in good]) for side in metric.sides}
    lines = {side: binned(bins[mine], values[mine]) for side, mine in legs.items()}
    if own is None:
        edges = _healthy_edges(metric, good, bins)
    else:
        low, high = np.array([own[i] for i in kept]).T * metric.factor
        edges = binned(bins, low), binned(bins, high)
    y = axis_around([*values, *(value for edge in edges for value in edge.values())], metric.least)
    return Chart(
        metric,
        [Line(side, _broken(line, width, time, y)) for side, line in lines.items()],
        _area(*edges, width, time, y),
        _spread({side: values[mine] for side, mine in legs.items()}, y),
        y.ticks(5),
    )


def binned(bins: NDArray[np.int64], values: Array) -> Bins:
    """The median in each bin, by its number; bins of too few known values are absent."""
    known = ~np.isnan(values)
    bins, values = bins[known], values[known]
    numbers, counts = np.unique(bins, return_counts=True)
    return {int(i): float(np.median(values[bins == i])) for i in numbers[counts >= FEWEST]}


def _healthy_edges(metric: Metric, good: Sequence[Stride], bins: NDArray[np.int64]) -> tuple[Bins, Bins]:
    """The lower and the upper end of what is usual among healthy runners at the speed of each bin."""
    low, high = {}, {}
    for i, speed_mps in binned(bins, np.array([stride.speed_mps for stride in good])).items():
        usual = healthy(metric, speed_mps)
        if not math.isnan(usual.mean):
            low[i] = (usual.mean - BAND_SDS * usual.sd) * metric.factor
            high[i] = (usual.mean + BAND_SDS * usual.sd) * metric.factor
    return low, high


def _broken(line: Bins, width: float, time: Axis, y: Axis) -> str:
    """A line through the bins' middles, broken where a bin is empty; a bin that stands alone is a short dash."""
    half = time.percent(width) / 2.0
    parts = []
    for run in _runs(line):
        points = [(time.percent((i + 0.5) * width), y.percent(line[i])) for i in run]
        if len(points) == 1:
            [(x, level)] = points
            points = [(x - half, level), (x + half, level)]
        parts.append(line_path(points))
    return "".join(parts)


def line_path(points: Sequence[tuple[float, float]]) -> str:
    """An SVG path through points in percent from the bottom left."""
    return "M" + "L".join(_point(x, y) for x, y in points) if points else ""


def _area(low: Bins, high: Bins, width: float, time: Axis, y: Axis) -> str:
    """Between two lines that are known in the same bins, in steps."""
    parts = []
    for run in _runs(low):
        ends = [(i, time.percent(t * width)) for i in run for t in (i, i + 1)]
        upper = [(x, y.percent(high[i])) for i, x in ends]
        lower = [(x, y.percent(low[i])) for i, x in ends]
        parts.append(line_path(upper + lower[::-1]) + "Z")
    return "".join(parts)


def _runs(line: Bins) -> Iterable[list[int]]:
    """Numbers that follow one another."""
    run: list[int] = []
    for i in sorted(line):
        if run and i != run[-1] + 1:
            yield run
            run = []
        run.append(i)
    if run:
        yield run


def _spread(values: dict[str, Array], y: Axis) -> list[Line]:
    """How many strides lie where: the left leg's to the left of the middle, the right one's to the right."""
    levels = np.linspace(y.low, y.high, BARS + 1)
    shares = {side: np.histogram(of, levels)[0] / max(len(of), 1) for side, of in values.items()}
    most = max(float(share.max()) for share in shares.values()) or 1.0
    middle, reach = (2.0, 96.0) if BOTH in values else (50.0, 48.0)
    lines = []
    for side, share in shares.items():
        lengths = middle + (-reach if side == "left" else reach) * share / most
        outline = [(middle, 0.0)]
        for length, low, high in zip(lengths, levels, levels[1:], strict=False):
            outline += [(float(length), y.percent(low)), (float(length), y.percent(high))]
        lines.append(Line(side, line_path([*outline, (middle, 100.0)]) + "Z"))
    return lines


def _point(x: float, y_percent: float) -> str:
    return f"{x:.2f} {100.0 - min(max(y_percent, 0.0), 100.0):.2f}"
