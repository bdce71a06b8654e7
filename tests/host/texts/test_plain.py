"""Figures as people read them in plain text."""

import math

import pytest

from host.texts.plain import bars, clock, pace, unbroken


@pytest.mark.parametrize(("t_s", "text"), [(0.0, "0:00"), (67.9, "1:07"), (3599.0, "59:59"), (3723.4, "1:02:03")])
def test_a_time_is_told_as_a_clock_shows_it(t_s: float, text: str) -> None:
    assert clock(t_s) == text


def test_a_speed_is_told_as_a_pace() -> None:
    assert pace(3.125) == "5:20"
    assert pace(1000 / 299.6) == "5:00"  # never 4:60


def test_bars_rise_with_the_values_and_end_at_the_bounds() -> None:
    assert bars([0, 5, 10, math.nan, 99, -5], 0, 10, "·") == "▁▅█·█▁"
    assert bars([3, 3], 3, 3, " ") == "▅▅"


def test_a_name_is_whole_again() -> None:
    assert unbroken("Becken\N{SOFT HYPHEN}kippung") == "Beckenkippung"
