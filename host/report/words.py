"""The report's sentences: what mattered, how good the data were."""

from collections import Counter
from collections.abc import Sequence

from host.coach.baseline import Baseline
from host.coach.cues import DECIMALS, effect_text
from host.coach.effects import mean_change
from host.records import Cue, Effect, Stride
from host.report.metrics import SIDES, with_minus
from host.report.timeline import Replay
from host.texts.language import Language, capital
from host.texts.plain import clock

# A fault is told of one leg when that one had it for more than this share of the time. Chosen.
MOST = 0.8


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
    words, running = texts.report["headline"], clock(running_s)
    if not any(stride.good for stride in strides):
        return words["unmeasured"], words["unmeasured_more"]
    fault = main_fault(again)
    if not fault:
        calm = "muted" if muted else "well"
        return words[calm], words[f"{calm}_more"].format(running=running)
    said = sum(cue.fault == fault and cue.kind == "cue" for cue in cues)
    still = any(span.fault == fault and span.end_s >= strides[-1].decided_s for span in again.spans)
    held = words["held"].format(held=clock(again.held_s(fault)), running=running)
    if side := side_of(again, fault):
        held = words["on_side"].format(held=held, side=texts.sides[side]["side"])
    heard = texts.count(words["heard"], said) if said else words["unheard"]
    end = words["still"] if still else words["gone"]
    return capital(texts.faults[fault].name), words["whole"].format(held=held, heard=heard, end=end)


def quality(strides: Sequence[Stride], texts: Language) -> list[tuple[str, int]]:
    """Why strides do not count, the most frequent first."""
    reasons = Counter(label for stride in strides for label in stride.quality.split("|") if label)
    return [(texts.report["quality"].get(label, label), count) for label, count in reasons.most_common()]


def judged_by(profile: Baseline | None, usual: Baseline | None, texts: Language) -> str:
    """What the strides were held against: `profile` as known before, `usual` in the end."""
    words = texts.report["data"]
    if profile:
        return texts.count(words["by_habit"], profile.sessions)
    return str(words["by_first_minute"] if usual else words["by_norm"])


def decisions(said: Sequence[Cue]) -> list[tuple[float, str, str, str]]:
    """What was decided when; the wording is another matter."""
    return [(cue.t_s, cue.kind, cue.fault, cue.side) for cue in said]


def change(effect: Effect, texts: Language) -> str:
    """What came of a cue: how much more (+) or less of the pattern there was after it."""
    unit = effect.metric.rpartition("_")[2]
    text = f"{effect.after - effect.before:+.{DECIMALS.get(unit, 1)}f}"
    value = with_minus(texts.local(text)) if float(text) else texts.local(text[1:])
    return str(texts.report["changes"][unit].format(value=value))


def outcomes(said: Sequence[Cue], effects: Sequence[Effect], texts: Language) -> list[str]:
    """A sentence for each fault of whose cues it is known what came of them."""
    sentences = []
    for fault in dict.fromkeys(effect.fault for effect in effects):
        count = sum(cue.fault == fault and cue.kind == "cue" for cue in said)
        change = mean_change(effect for effect in effects if effect.fault == fault)
        sentences.append(capital(effect_text(texts, fault, count, change)))
    return sentences
