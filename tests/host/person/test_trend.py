"""The table of form and pain: units, gaps and bars."""

import pytest

from host.person.command import RUNS_SHOWN
from host.person.trend import METRICS, Run, faults_held, table
from host.records import Moment, Person
from host.sinks.schema import SessionRow
from host.texts.language import language, languages


def run(day: int, held: dict[str, int] | None, pain: dict[Moment, int], **medians: float) -> Run:
    faults = {name: {"strides_held": {"left": count, "right": 0}} for name, count in (held or {}).items()}
    summary = {} if held is None else {"faults": faults}
    row = SessionRow(
        f"{day}", "ann", f"2026-03-{day:02d}T12:00:00.000Z", "pods", "", "", False, 0.0, 1000, 900, 0, summary
    )
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
    lines = table(RUNS, Person("ann"), language("en"))
    assert lines[0].split() == ["1", "Mar", "3", "Mar", "5", "Mar"]
    assert cells(lines, "Cadence") == ["spm", "160", "170", "-", "▁█·"]
    assert cells(lines, "Leg stiffness") == ["N/m/kg", "150", "-", "170", "▁·█"]
    assert cells(lines, "Contact, left less right") == ["ms", "-", "0", "-", "·▅·"]  # and not -0
    assert cells(lines, "Overstride") == ["%", "40", "-", "10", "▄·▁"]
    assert cells(lines, "Pawing") == ["%", "0", "-", "90", "▁·█"]
    assert cells(lines, "Pain after") == ["of", "10", "10", "-", "0", "█·▁"]
    assert not [line for line in lines if "tilt" in line or "Pain before" in line]
    assert max(map(len, lines)) <= 100


def test_with_the_mass_stiffness_is_that_of_the_leg() -> None:
    # 150 N/m/kg x 60 kg = 9 kN/m
    assert cells(table(RUNS, Person("ann", mass_kg=60.0), language("en")), "Leg stiffness") == [
        "kN/m",
        "9.0",
        "-",
        "10.2",
        "▁·█",
    ]


def test_it_is_in_the_runners_language() -> None:
    lines = table(RUNS, Person("ann", mass_kg=60.0), language("de"))
    assert lines[0].split() == ["1.3.", "3.3.", "5.3."]
    assert cells(lines, "Beinsteifigkeit") == ["kN/m", "9,0", "-", "10,2", "▁·█"]
    assert cells(lines, "Fuß vor dem Körper") == ["%", "40", "-", "10", "▄·▁"]
    assert cells(lines, "Schmerz nachher") == ["von", "10", "10", "-", "0", "█·▁"]


@pytest.mark.parametrize("code", languages())
def test_it_fits_a_terminal_of_100_columns(code: str) -> None:
    everything = dict.fromkeys(METRICS, -100.0) | {"speed_mps": 3.5}
    pain = dict.fromkeys(Moment, 10)
    full = [run(20 + day, dict.fromkeys(language(code).faults, 1000), pain, **everything) for day in range(RUNS_SHOWN)]
    assert max(map(len, table(full, Person("ann"), language(code)))) <= 100


def test_what_held_longest_comes_first() -> None:
    assert faults_held(RUNS) == ["pawing", "overstride"]
    assert faults_held(RUNS[:2]) == ["overstride"]
