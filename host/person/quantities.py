"""What people type about themselves: numbers with or without a unit, as `0.92`, `92 cm`, `5:20`, and times. Pure.

The bounds only tell a slip of the keyboard from a person, so they are wide.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is asked for, and within which bounds it can be, in its unit."""

    what: str
    unit: str
    low: float
    high: float
    units: Mapping[str, float]  # each with its size in `unit`
    pace: bool = False  # may also be written as minutes and seconds a kilometre

    def parse(self, text: str) -> float:
        """The number in `unit`. Raises ValueError with a sentence that says what to write."""
        found = re.fullmatch(r"(\d+(?:[.,]\d+)?)\s*([a-z/]*)", text.strip().lower())
        pace = re.fullmatch(r"(\d+):([0-5]\d)(?:\s*(?:min)?/km)?", text.strip().lower()) if self.pace else None
        if pace:
            seconds = 60 * int(pace[1]) + int(pace[2])
            value = 1000.0 / seconds if seconds else 0.0
        elif found and (found[2] or self.unit) in self.units:
            value = float(found[1].replace(",", ".")) * self.units[found[2] or self.unit]
        else:
            raise ValueError(f"`{text}` is no {self.what}; write {self._asked()}")
        if not self.low <= value <= self.high:
            raise ValueError(f"{value:g} {self.unit} is no {self.what} of a runner{self._meant(text, found)}")
        return value

    def _asked(self) -> str:
        pace = ", or a pace such as 5:20 (minutes a kilometre)" if self.pace else ""
        return f"a number of {self.unit} from {self.low:g} to {self.high:g}{pace}"

    def _meant(self, text: str, found: re.Match[str] | None) -> str:
        if found and not found[2]:
            for unit, size in self.units.items():
                value = float(found[1].replace(",", ".")) * size
                if self.low <= value <= self.high:
                    return f"; if these are {unit}, write {value:.3g}, or '{found[1]} {unit}'"
        return f"; write {self._asked()}"


# The greater trochanter stands at 0.53 of body height (Drillis & Contini 1966, in Winter 2009, Biomechanics and Motor
# Control of Human Movement, fig. 4.1): these are people of 0.95 to 2.45 m.
LEG_LENGTH = Quantity("leg length", "m", 0.5, 1.3, {"m": 1.0, "cm": 0.01, "mm": 0.001})
MASS = Quantity("mass", "kg", 20.0, 250.0, {"kg": 1.0, "lb": 0.45359237})
# People mix walking and running from 1.9 m/s up (Long & Srinivasan 2013, PMC3627106), slow joggers run below that;
# the fastest marathons are run at 5.8 m/s.
EASY_SPEED = Quantity("easy speed", "m/s", 1.4, 6.5, {"m/s": 1.0, "km/h": 1.0 / 3.6}, pace=True)


WORST_PAIN = 10


def parse_score(text: str) -> int:
    """A pain score from 0 to 10. Raises ValueError with a sentence that says what to write."""
    score = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= score <= WORST_PAIN:
        raise ValueError(f"`{text}` is no pain score; write a whole number from 0 (none) to 10 (the worst there is)")
    return score


# What is typed instead of a score, to take back one that was noted.
WITHDRAW = "withdraw"


def parse_score_or_withdraw(text: str) -> int | None:
    """None for `withdraw`."""
    return None if text == WITHDRAW else parse_score(text)


def parse_time(text: str, now: datetime) -> datetime:
    """A time until `now`, on this computer's clock: `18:30` is today's. Raises ValueError with what to write."""
    found = re.fullmatch(r"(?:(\d{4}-\d{2}-\d{2})[ T])?(\d{1,2}:\d{2})", text.strip())
    try:
        if not found:
            raise ValueError
        at = datetime.fromisoformat(f"{found[1] or f'{now:%Y-%m-%d}'}T{found[2]:0>5}").astimezone()
    except ValueError as error:
        example = f"'{now - timedelta(days=1):%Y-%m-%d} 18:30'"
        raise ValueError(f"`{text}` is no time; write {example}, or only 18:30 for today") from error
    if at > now:
        raise ValueError(f"{at:%Y-%m-%d %H:%M} is still to come; write when it was felt, with the day before the time")
    return at
