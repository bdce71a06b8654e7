"""What people type about themselves, and what they are told when it cannot be."""

import math
from datetime import datetime

import pytest

from host.person.quantities import (
    EASY_SPEED,
    LEG_LENGTH,
    MASS,
    Quantity,
    parse_score,
    parse_score_or_withdraw,
    parse_time,
)


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (LEG_LENGTH, "0.92", 0.92),
        (LEG_LENGTH, "0,92", 0.92),
        (LEG_LENGTH, " 92 CM ", 0.92),
        (LEG_LENGTH, "920mm", 0.92),
        (MASS, "61.5kg", 61.5),
        (MASS, "135 lb", 61.235),  # 135 x 0.45359237
        (EASY_SPEED, "3.125", 3.125),
        (EASY_SPEED, "11.25 km/h", 3.125),
        (EASY_SPEED, "5:20", 3.125),  # 1000 m in 320 s
        (EASY_SPEED, "5:20 min/km", 3.125),
    ],
)
def test_numbers_come_with_or_without_a_unit(quantity: Quantity, text: str, value: float) -> None:
    assert math.isclose(quantity.parse(text), value, rel_tol=1e-5)


@pytest.mark.parametrize(
    ("quantity", "text", "told"),
    [
        (LEG_LENGTH, "92", "these are cm, write 0.92, or '92 cm'"),
        (LEG_LENGTH, "9.2", "from 0.5 to 1.3"),
        (LEG_LENGTH, "92 m", "from 0.5 to 1.3"),
        (LEG_LENGTH, "0.92 ft", "a number of m"),
        (LEG_LENGTH, "-0.9", "a number of m"),
        (LEG_LENGTH, "nan", "a number of m"),
        (LEG_LENGTH, "5:20", "a number of m"),
        (MASS, "300", "these are lb, write 136"),
        (EASY_SPEED, "12", "these are km/h, write 3.33"),
        (EASY_SPEED, "5:75", "a pace such as 5:20"),
        (EASY_SPEED, "0:00", "a pace such as 5:20"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(quantity: Quantity, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"is no (leg length|mass|easy speed)") as caught:
        quantity.parse(text)
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["11", "-1", "2.5", "", "²", "three"])
def test_pain_is_a_whole_number_up_to_ten(text: str) -> None:
    assert (parse_score("0"), parse_score("10")) == (0, 10)
    with pytest.raises(ValueError, match="from 0"):
        parse_score(text)


NOW = datetime(2026, 11, 28, 12, 0).astimezone()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-11-27 18:30", "2026-11-27 18:30"),
        ("2026-11-27T18:30", "2026-11-27 18:30"),
        (" 9:05 ", "2026-11-28 09:05"),
        ("12:00", "2026-11-28 12:00"),
    ],
)
def test_a_time_is_of_a_day_or_of_today(text: str, meant: str) -> None:
    assert f"{parse_time(text, NOW):%Y-%m-%d %H:%M}" == meant


@pytest.mark.parametrize("text", ["yesterday", "2026-11-27", "27.11.2026 18:30", "2026-02-30 08:00", "25:00", "8", ""])
def test_what_is_no_time_is_told_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write '2026-11-27 18:30', or only 18:30"):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["12:01", "2026-11-29 08:00"])
def test_what_is_still_to_come_cannot_have_been_felt(text: str) -> None:
    with pytest.raises(ValueError, match="still to come; write when it was felt"):
        parse_time(text, NOW)


def test_a_score_can_be_taken_back() -> None:
    assert parse_score_or_withdraw("withdraw") is None
    assert parse_score_or_withdraw("7") == 7
