"""The report's sentences: what mattered, how good the data were."""

from collections import Counter
from collections.abc import Sequence

from host.coach.baseline import Baseline
from host.coach.cues import Language, effect_text
from host.coach.effects import mean_change
from host.records import Cue, Effect, Stride
from host.report.metrics import DASH, SIDES, with_minus
from host.report.timeline import Replay

# A fault is told of one leg when that one had it for more than this share of the time. Chosen.
MOST = 0.8

# What is wrong with a stride (dsp.types.Quality), as the runner may know it.
QUALITY = {
    "gap": "samples were lost on the way",
    "saturated": "a sensor was shaken beyond its range",
    "uncalibrated": "nobody stood still before running",
    "settling": "just started, stopped or changed speed",
    "slipped": "a pod had slipped",
    "walking": "walking",
    "pod_missing": "a pod was silent",
    "bad_rate": "a pod measured too slowly or too fast",
    "invalid": "a pod sent what makes no sense",
}


def clock(t_s: float) -> str:
    """Minutes and seconds, e.g. `1:07`; with hours where there are any."""
    minutes, seconds = divmod(int(t_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def pace(speed_mps: float) -> str:
    """Minutes and seconds for a kilometre."""
    return f"{clock(round(1000.0 / speed_mps))} min/km" if speed_mps > 0.0 else DASH


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def main_fault(again: Replay) -> str:
    """The fault that held longest; empty when none did. Of equals, the one that came first."""
    faults = dict.fromkeys(span.fault for span in again.spans)
    return max(faults, key=again.held_s, default="")


def side_of(again: Replay, fault: str) -> str:
    """The leg that had it for most of the time; empty when both did."""
    alone = {side: again.side_s(fault, side) for side in SIDES}
    side = max(alone, key=lambda side: alone[side])
    return side if alone[side] > MOST * again.held_s(fault) else ""


def headline(
    strides: Sequence[Stride], again: Replay, cues: Sequence[Cue], running_s: float, texts: Language, *, muted: bool
) -> tuple[str, str]:
    """What mattered: a title, and a sentence that a runner understands. `muted`: something that is muted held."""
    if not any(stride.good for stride in strides):
        return "No running was measured", "No stride of this session is good enough to tell of form."
    fault = main_fault(again)
    if not fault and muted:
        return "Nothing to say", f"In {clock(running_s)} of running no pattern held but what you have muted."
    if not fault:
        return (
            "All was well",
            f"In {clock(running_s)} of running no pattern held that was worth a word. Keep it like that.",
        )
    side = side_of(again, fault)
    said = sum(cue.fault == fault and cue.kind == "cue" for cue in cues)
    still = any(span.fault == fault and span.end_s >= strides[-1].decided_s for span in again.spans)
    where = f", on the {side}" if side else ""
    heard = f"You heard {plural(said, 'cue')} on it" if said else "Nothing was said of it"
    end = "it was still there" if still else "it was gone"
    share = f"{clock(again.held_s(fault))} of {clock(running_s)} of running"
    return capital(texts.faults[fault].name), f"It held for {share}{where}. {heard}, and {end} at the end."


def quality(strides: Sequence[Stride]) -> list[tuple[str, int]]:
    """Why strides do not count, the most frequent first."""
    reasons = Counter(label for stride in strides for label in stride.quality.split("|") if label)
    return [(QUALITY.get(label, label.replace("_", " ")), count) for label, count in reasons.most_common()]


def judged_by(profile: Baseline | None, usual: Baseline | None) -> str:
    """What the strides were held against: `profile` as known before, `usual` in the end."""
    if profile:
        return f"your own habit, learnt over {plural(profile.sessions, 'session')} before, and healthy runners"
    if usual:
        return "the first steady minute of this run, and healthy runners"
    return "healthy runners alone: the run was too short to learn your own habit"


def decisions(said: Sequence[Cue]) -> list[tuple[float, str, str, str]]:
    """What was decided when; the wording is another matter."""
    return [(cue.t_s, cue.kind, cue.fault, cue.side) for cue in said]


# How a change of a metric is written, by the last part of its name: unit and decimals.
_CHANGES = {
    "deg": ("°", 1),
    "dps": (" °/s", 0),
    "mm": (" mm", 0),
    "ms": (" ms", 0),
    "spm": (" steps/min", 1),
    "percent": (" points", 1),
    "factor": ("", 3),
}


def change(effect: Effect) -> str:
    """What came of a cue: how much more (+) or less of the pattern there was after it."""
    unit, digits = _CHANGES[effect.metric.rpartition("_")[2]]
    text = f"{effect.after - effect.before:+.{digits}f}"
    return with_minus(text if float(text) else text[1:]) + unit


def outcomes(said: Sequence[Cue], effects: Sequence[Effect], texts: Language) -> list[str]:
    """A sentence for each fault of whose cues it is known what came of them."""
    sentences = []
    for fault in dict.fromkeys(effect.fault for effect in effects):
        count = sum(cue.fault == fault and cue.kind == "cue" for cue in said)
        change = mean_change(effect for effect in effects if effect.fault == fault)
        sentences.append(capital(effect_text(texts, fault, count, change)))
    return sentences
