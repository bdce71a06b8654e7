"""The table of form and pain: units, gaps and bars."""

import math

from host.person.trend import Run, bars, faults_held, table
from host.records import Moment, Person
from host.sinks.schema import SessionRow


def run(day: int, held: dict[str, int] | None, pain: dict[Moment, int], **medians: float) -> Run:
    faults = {name: {"strides_held": {"left": count, "right": 0}} for name, count in (held or {}).items()}
    summary = {} if held is None else {"faults": faults}
    row = SessionRow(f"{day}", "ann", f"2026-03-{day:02d}T12:00:00.000Z", "pods", "", "", False, 0.0, 1000, 0, summary)
    return Run(row, medians, pain)


RUNS = [
    run(1, {"overstride": 400}, {Moment.AFTER: 10}, cadence_spm=160.0, leg_stiffness_npmkg=150.0),
    run(3, None, {}, cadence_spm=170.4, contact_time_difference_ms=-0.4),
    run(5, {"overstride": 100, "pawing": 900}, {Moment.AFTER: 0}, leg_stiffness_npmkg=170.0),
]


def cells(lines: list[str], label: str) -> list[str]:
    (line,) = [line for line in lines if line.strip().startswith(label)]
    return line.split(label)[1].split()


def test_rows_are_what_is_known() -> None:
    lines = table(RUNS, Person("ann"))
    assert lines[0].split() == ["01", "Mar", "03", "Mar", "05", "Mar"]
    assert cells(lines, "cadence") == ["spm", "160", "170", "-", "▁█·"]
    assert cells(lines, "leg stiffness") == ["N/m/kg", "150", "-", "170", "▁·█"]
    assert cells(lines, "contact, left less right") == ["ms", "-", "0", "-", "·▅·"]  # and not -0
    assert cells(lines, "overstride") == ["%", "held", "40", "-", "10", "▄·▁"]
    assert cells(lines, "pawing") == ["%", "held", "0", "-", "90", "▁·█"]
    assert cells(lines, "pain after") == ["of", "10", "10", "-", "0", "█·▁"]
    assert not [line for line in lines if "tilt" in line or "before" in line]
    assert max(map(len, lines)) <= 100


def test_with_the_mass_stiffness_is_that_of_the_leg() -> None:
    # 150 N/m/kg x 60 kg = 9 kN/m
    assert cells(table(RUNS, Person("ann", mass_kg=60.0)), "leg stiffness") == ["kN/m", "9.0", "-", "10.2", "▁·█"]


def test_what_held_longest_comes_first() -> None:
    assert faults_held(RUNS) == ["pawing", "overstride"]
    assert faults_held(RUNS[:2]) == ["overstride"]


def test_bars() -> None:
    assert bars([0, 5, 10, math.nan], 0, 10) == "▁▅█·"
    assert bars([3, 3], 3, 3) == "▅▅"
