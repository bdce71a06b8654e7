"""Form and pain from run to run, as a table of plain text. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from host.records import Moment, Person
from host.sinks.schema import SessionRow

# The metrics of the table, with their labels and units. The others are in reports and dashboards.
METRICS = {
    "speed_mps": ("speed", "m/s", 2),
    "cadence_spm": ("cadence", "spm", 0),
    "tibial_inclination_ic_deg": ("shank angle at landing", "deg", 1),
    "foot_ahead_of_pelvis_mm": ("foot ahead of pelvis", "mm", 0),
    "pelvic_tilt_deg": ("pelvic tilt", "deg", 1),
    "contact_time_difference_ms": ("contact, left less right", "ms", 0),
    "leg_stiffness_npmkg": ("leg stiffness", "N/m/kg", 0),
}
_PAIN = {Moment.BEFORE: "pain before", Moment.AFTER: "pain after", Moment.NEXT_MORNING: "pain next morning"}
_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the trend: the medians of its good strides by metric, and its pain scores."""

    row: SessionRow
    medians: Mapping[str, float]
    pain: Mapping[Moment, int]

    def share_held(self, fault: str) -> float:
        """The share of the run's strides for which the fault held; NaN where no summary tells."""
        faults = self.row.summary.get("faults")
        if faults is None or not self.row.strides:
            return math.nan
        held = faults.get(fault, {}).get("strides_held", {})
        return sum(held.values()) / self.row.strides


def faults_held(runs: Sequence[Run]) -> list[str]:
    """The faults that held in any of the runs, those that held longest first."""
    names = {name for run in runs for name in run.row.summary.get("faults", {})}
    totals = {name: sum(run.share_held(name) for run in runs if run.row.summary) for name in names}
    return sorted(names, key=lambda name: (-totals[name], name))


def table(runs: Sequence[Run], person: Person) -> list[str]:
    """Metrics down, runs across, and each row's course as bars. Rows of which nothing is known are left out."""
    started = [datetime.fromisoformat(run.row.started_utc).astimezone() for run in runs]
    lines = [_line("", "", [f"{moment:%d %b}" for moment in started]), _line("", "", [f"{m:%H:%M}" for m in started])]
    for name, (label, unit, decimals) in METRICS.items():
        values = [run.medians.get(name, math.nan) for run in runs]
        if name == "leg_stiffness_npmkg" and person.mass_kg is not None:
            values, unit, decimals = [value * person.mass_kg / 1000.0 for value in values], "kN/m", 1
        lines += _row(label, unit, values, decimals)
    for fault in faults_held(runs):
        values = [100.0 * run.share_held(fault) for run in runs]
        lines += _row(fault.replace("_", " "), "% held", values, 0, (0.0, 100.0))
    for moment, label in _PAIN.items():
        lines += _row(label, "of 10", [float(run.pain.get(moment, math.nan)) for run in runs], 0, (0.0, 10.0))
    return lines


def _row(
    label: str, unit: str, values: Sequence[float], decimals: int, bounds: tuple[float, float] | None = None
) -> list[str]:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return []
    texts = ["-" if math.isnan(value) else f"{value:z.{decimals}f}" for value in values]
    return [_line(label, unit, texts) + f"  {bars(values, *(bounds or (min(known), max(known))))}"]


def _line(label: str, unit: str, texts: Sequence[str]) -> str:
    return f"  {label:<24} {unit:<6}" + "".join(f"{text:>8}" for text in texts)


def bars(values: Sequence[float], low: float, high: float) -> str:
    """One character a value, from the lowest to the highest bar; the middle one where all are alike."""
    span = high - low

    def bar(value: float) -> str:
        if math.isnan(value):
            return _GAP
        share = (value - low) / span if span else 0.5
        return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]

    return "".join(map(bar, values))
