"""The texts of a language, as its file has them.

To add a language: one more file beside this one. To add a fault: one table `[faults.ID]` in every file. Tests hold the
files to one another, to the faults, and to what a cue may be.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

_FOLDER = resources.files("host.texts")


@dataclass(frozen=True, slots=True)
class Words:
    """All texts of one fault in one language."""

    name: str  # how the pattern is called in a summary: what was seen, without judgement
    short: str  # ... in a table
    measure: str  # what falls when a cue helps, as the subject of a sentence
    cues: Mapping[str, Sequence[str]]  # usual, one_leg (one leg alone has it, out of any context), uphill, fast
    praise: Sequence[str]
    advice: str  # for the next run
    exercises: Sequence[str]  # after the run
    context_advice: Mapping[str, str] = field(default_factory=dict)  # added where cues came in that context
    context_exercises: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectWords:
    """How a summary says what became of a pattern after its cues."""

    once: str  # {fault}
    times: str  # {fault}, {count}
    fell: str  # {measure}, {change}
    rose: str
    same: str  # {measure}
    unknown: str
    units: Mapping[str, str]  # by the last part of a metric's name, with {value}


@dataclass(frozen=True, slots=True)
class PainWords:
    """What pain scores ask for. When: host/person/pain.py."""

    much: str  # {acceptable}, {worst}
    unsettled: str
    rising: str  # {before}, {now}
    persists: str


@dataclass(frozen=True, slots=True)
class Dates:
    long: str  # {weekday}, {day}, {month}, {year}, {time}
    short: str  # {day}, {month}
    months: Sequence[str]
    short_months: Sequence[str]
    weekdays: Sequence[str]  # from Monday on


@dataclass(frozen=True, slots=True)
class Metric:
    """How people call what is measured."""

    name: str  # with soft hyphens (U+00AD) where a long word may break
    says: str = ""
    unit: str = ""  # where it is a word, not a sign


@dataclass(frozen=True, slots=True)
class Language:
    """A sentence in two forms is for one of a thing and for more: see `count`."""

    name: str  # as its speakers call it
    faults: Mapping[str, Words]
    sides: Mapping[str, Mapping[str, str]]  # by leg: words for the braces of wordings, inflected as these need them
    contexts: Mapping[str, str]  # of a cue
    prompts: Mapping[str, str]  # spoken status; no fault
    effects: EffectWords
    pain: PainWords
    closing: str  # ends every summary that gives advice
    never: Mapping[str, Sequence[str]]  # what no cue may say: patterns that tests hold them to
    disclaimer: str
    decimal: str  # the decimal point
    dates: Dates
    moments: Mapping[str, str]  # of a pain score
    metrics: Mapping[str, Metric]  # by the field of Stride
    person: Mapping[str, Any]  # what `hamstream runner` and `hamstream pain` print
    sessions: Mapping[str, Any]  # the list of sessions, on the page too
    summary: Mapping[str, Any]  # what a run prints when it ends
    report: Mapping[str, Any]
    page: Mapping[str, Any]  # the runner's view of the live page, and the terminal's panel

    def number(self, value: float, decimals: int) -> str:
        return self.local(f"{value:.{decimals}f}")

    def local(self, number: str) -> str:
        """A number as this language writes it."""
        return number.replace(".", self.decimal)

    def count(self, forms: Sequence[str], n: int, **filled: object) -> str:
        """The sentence for `n` of a thing."""
        return forms[n != 1].format(n=n, **filled)

    def day(self, moment: datetime) -> str:
        return self.dates.short.format(day=moment.day, month=self.dates.short_months[moment.month - 1])

    def date(self, moment: datetime) -> str:
        """Weekday, day and time, in words."""
        dates = self.dates
        return dates.long.format(
            weekday=dates.weekdays[moment.weekday()],
            day=moment.day,
            month=dates.months[moment.month - 1],
            year=moment.year,
            time=f"{moment:%H:%M}",
        )


def capital(text: str) -> str:
    """As it begins a sentence."""
    return text[:1].upper() + text[1:]


@cache
def languages() -> tuple[str, ...]:
    """The codes of the languages there are."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


@cache
def language(code: str) -> Language:
    """The texts of one language. Raises ValueError naming the languages there are."""
    if code not in languages():
        raise ValueError(f"no texts in language {code!r}; there are: {', '.join(languages())}")
    table = texts_of(code)
    made: dict[str, Any] = {
        "faults": {fault: Words(**words) for fault, words in table.pop("faults").items()},
        "metrics": {field: Metric(**words) for field, words in table.pop("metrics").items()},
        "effects": EffectWords(**table.pop("effects")),
        "pain": PainWords(**table.pop("pain")),
        "dates": Dates(**table.pop("dates")),
    }
    return Language(**made, **table)


def texts_of(code: str) -> dict[str, Any]:
    """The file of a language as it is."""
    return tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
