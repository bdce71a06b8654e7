"""Form and pain from run to run, as a table of plain text. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from host.person.listing import columns
from host.person.quantities import WORST_PAIN
from host.records import Moment, Person
from host.sinks.schema import SessionRow
from host.texts.language import Language, capital
from host.texts.plain import bars

# The metrics of the table: unit, decimals, factor from the field's unit. The others are in reports and dashboards.
METRICS = {
    "speed_mps": ("km/h", 1, 3.6),
    "cadence_spm": ("spm", 0, 1.0),
    "tibial_inclination_ic_deg": ("°", 1, 1.0),
    "foot_ahead_of_pelvis_mm": ("mm", 0, 1.0),
    "pelvic_tilt_deg": ("°", 1, 1.0),
    "contact_time_difference_ms": ("ms", 0, 1.0),
    "leg_stiffness_npmkg": ("N/m/kg", 0, 1.0),
}
_GAP = "·"


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the trend: the medians of its good strides by metric, and its pain scores."""

    row: SessionRow
    medians: Mapping[str, float]
    pain: Mapping[Moment, int]

    def share_held(self, fault: str) -> float:
        return share_held(self.row.summary, fault, self.row.strides)


def share_held(summary: Mapping[str, Any], fault: str, strides: int) -> float:
    """The share of a session's strides for which the fault held; NaN where it was cut short before it was summed up."""
    if "faults" not in summary or not strides:
        return math.nan
    return sum(summary["faults"].get(fault, {}).get("strides_held", {}).values()) / strides


def faults_held(runs: Sequence[Run]) -> list[str]:
    """The faults that held in any of the runs, those that held longest first."""
    names = {name for run in runs for name in run.row.summary.get("faults", {})}
    totals = {name: sum(run.share_held(name) for run in runs if run.row.summary) for name in names}
    return sorted(names, key=lambda name: (-totals[name], name))


def table(runs: Sequence[Run], person: Person, texts: Language) -> list[str]:
    """Metrics down, runs across, and each row's course as bars. Rows of which nothing is known are left out."""
    started = [datetime.fromisoformat(run.row.started_utc).astimezone() for run in runs]
    rows = [_head([texts.day(moment) for moment in started]), _head([f"{moment:%H:%M}" for moment in started])]
    for name, (unit, decimals, factor) in METRICS.items():
        if name == "leg_stiffness_npmkg" and person.mass_kg is not None:
            unit, decimals, factor = "kN/m", 1, person.mass_kg / 1000.0
        values = [run.medians.get(name, math.nan) * factor for run in runs]
        rows += _row(texts, texts.metrics[name].name, unit, values, decimals)
    for fault in faults_held(runs):
        name = capital(texts.faults[fault].short) if fault in texts.faults else fault
        values = [100.0 * run.share_held(fault) for run in runs]
        rows += _row(texts, name, "%", values, 0, (0.0, 100.0))
    for moment, of_day in texts.moments.items():
        label = capital(texts.person["pain"].format(moment=of_day))
        values = [float(run.pain.get(Moment(moment), math.nan)) for run in runs]
        rows += _row(texts, label, texts.person["of_worst"].format(worst=WORST_PAIN), values, 0, (0.0, WORST_PAIN))
    return [f"  {line}" for line in columns(rows, "<<" + ">" * len(runs) + "<")]


def _head(texts: Sequence[str]) -> list[str]:
    return ["", "", *texts, ""]


def _row(
    texts: Language,
    label: str,
    unit: str,
    values: Sequence[float],
    decimals: int,
    bounds: tuple[float, float] | None = None,
) -> list[list[str]]:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return []
    numbers = ["-" if math.isnan(value) else texts.local(f"{value:z.{decimals}f}") for value in values]
    return [[label, unit, *numbers, bars(values, *(bounds or (min(known), max(known))), _GAP)]]
