"""What is said: the texts of each language, by fault and context. They stand in texts/CODE.toml, one file a language.

Own words, at most eight of them, phrased as what to do; no blame, no numbers while running. Nothing may work against
another cue: for `tilt_excessive` no word that straightens the pelvis or the back, for a natural forward tilt is meant
to be there. Wordings about the ground and the surroundings come first, since attention outside the body serves
movement better (Wulf 2013, doi:10.1080/1750984X.2012.723728).

To add a language: one more file. To add a fault: one table `[faults.ID]` in every file. A test holds the files to this.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

_FOLDER = resources.files("host.coach") / "texts"

# Keys of `Words.cues` beside the contexts of faults.py.
USUAL, ONE_LEG = "usual", "one_leg"

# What a runner can make sense of, by the last part of a metric's name; one decimal else.
_DECIMALS = {"dps": 0, "mm": 0, "ms": 0, "factor": 3}


@dataclass(frozen=True, slots=True)
class Words:
    """All texts of one fault in one language."""

    name: str  # how the pattern is called in a summary: what was seen, without judgement
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
    decimal: str  # the decimal point
    units: Mapping[str, str]  # by the last part of a metric's name, with {value}


@dataclass(frozen=True, slots=True)
class PainWords:
    """What pain scores ask for. When: host/person/pain.py."""

    much: str  # {acceptable}, {worst}
    unsettled: str
    rising: str  # {before}, {now}
    persists: str


@dataclass(frozen=True, slots=True)
class Language:
    faults: Mapping[str, Words]
    sides: Mapping[str, Mapping[str, str]]  # by leg: words for the braces of wordings, inflected as these need them
    prompts: Mapping[str, str]  # spoken status; no fault
    effects: EffectWords
    pain: PainWords
    closing: str  # ends every summary that gives advice


@cache
def languages() -> tuple[str, ...]:
    """The codes of the languages there are."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _FOLDER.iterdir() if file.name.endswith(".toml")))


@cache
def language(code: str) -> Language:
    """The texts of one language. Raises ValueError naming the languages there are."""
    if code not in languages():
        raise ValueError(f"no texts in language {code!r}; there are: {', '.join(languages())}")
    table = tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8"))
    faults = {fault: Words(**words) for fault, words in table.pop("faults").items()}
    effects, pain = EffectWords(**table.pop("effects")), PainWords(**table.pop("pain"))
    return Language(faults=faults, effects=effects, pain=pain, **table)


def number(texts: Language, value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", texts.effects.decimal)


def prompt(key: str, code: str = "en") -> str:
    """A spoken status, such as `stand_still`, `ready` or `lost_pelvis`."""
    return language(code).prompts[key]


def wordings(texts: Language, fault: str, side: str, context: str) -> Sequence[str]:
    """The wordings to choose from. `side` is empty when both legs have it."""
    cues = texts.faults[fault].cues
    return cues.get(context) or (cues.get(ONE_LEG) if side else None) or cues[USUAL]


def spoken(texts: Language, wording: str, side: str) -> str:
    """A wording as it is said of that leg."""
    return wording.format(**texts.sides[side]) if side else wording


def praise_text(texts: Language, fault: str, turn: int) -> str:
    praise = texts.faults[fault].praise
    return praise[turn % len(praise)]


def effect_text(texts: Language, fault: str, count: int, change: tuple[str, float] | None) -> str:
    """What became of a fault after `count` cues: a metric, and how much less of it there was; None if unknown."""
    words, effects = texts.faults[fault], texts.effects
    often = (effects.once if count == 1 else effects.times).format(fault=words.name, count=count)
    if change is None:
        return f"{often}; {effects.unknown}."
    metric, less = change
    unit = metric.rsplit("_", 1)[1]
    decimals = _DECIMALS.get(unit, 1)
    became = effects.same if not round(less, decimals) else effects.fell if less > 0.0 else effects.rose
    amount = effects.units[unit].format(value=number(texts, abs(less), decimals))
    return f"{often}; {became.format(measure=words.measure, change=amount)}."
