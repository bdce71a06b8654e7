"""What is said: the wordings of a cue, praise, and what came of it. The texts stand in host/texts, one file a language.

Own words, at most eight of them, phrased as what to do; no blame, no numbers while running. Nothing may work against
another cue: for `tilt_excessive` no word that straightens the pelvis or the back, for a natural forward tilt is meant
to be there. Wordings about the ground and the surroundings come first, since attention outside the body serves
movement better (Wulf 2013, doi:10.1080/1750984X.2012.723728).
"""

from collections.abc import Sequence

from host.records import Cue
from host.texts.language import Language, language

# Keys of `Words.cues` beside the contexts of faults.py.
USUAL, ONE_LEG = "usual", "one_leg"

# What a runner can make sense of, by the last part of a metric's name; one decimal else.
DECIMALS = {"dps": 0, "mm": 0, "ms": 0, "factor": 3}


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


def about_text(texts: Language, cue: Cue) -> str:
    """What a cue or praise was about, in a few words."""
    words = [texts.faults[cue.fault].name]
    words += [texts.sides[cue.side]["side"]] if cue.side else []
    words += [texts.contexts[cue.context]] if cue.context else []
    return ", ".join(words)


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
    decimals = DECIMALS.get(unit, 1)
    became = effects.same if not round(less, decimals) else effects.fell if less > 0.0 else effects.rose
    amount = effects.units[unit].format(value=texts.number(abs(less), decimals))
    return f"{often}; {became.format(measure=words.measure, change=amount)}."
