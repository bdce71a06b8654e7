"""What came of a run, in a few lines for the person who ran it, in their language."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from host.coach.cues import about_text
from host.records import LOW_BATTERY_PERCENT, Cue
from host.session import RunnerSession
from host.texts.language import Language, language
from host.texts.plain import clock


def summary_lines(session: RunnerSession) -> list[str]:
    """One paragraph a session: how much was measured, what was said and what came of it, what helps, where it is."""
    info, texts = session.info, language(session.language)
    words = texts.summary
    strides = texts.count(words["strides"], session.strides)
    if session.strides:
        percent = f"{100.0 * session.good_strides / session.strides:.0f}"
        strides = words["measured"].format(strides=strides, percent=percent)
    lines = [f"{info.runner}: {strides}", *(f"  {_said(cue, texts)}" for cue in session.cues)]
    summary = session.coach.summary()
    # Muted, say, or not for long enough.
    if not session.good_strides:
        live = info.source == "pods"
        lines.append(f"  {words['unfound'] if live and not session.found else _unjudged(session.flaws, texts)}")
    elif silent := [fault for fault in summary["faults"].values() if not fault["cues"]]:
        held = [(fault["name"], sum(fault["strides_held"].values())) for fault in silent]
        patterns = ", ".join(texts.count(words["pattern"], strides, name=name) for name, strides in held)
        lines.append(f"  {words['unsaid'].format(patterns=patterns)}")
    elif not session.cues:
        lines.append(f"  {words['nothing']}")
    lines += _afterwards(summary)
    weak = [pod for pod in session.health if pod.battery_percent < LOW_BATTERY_PERCENT]
    if weak and info.source == "pods":
        pods = ", ".join(f"{texts.report['pods'][pod.role]} {pod.battery_percent:.0f} %" for pod in weak)
        lines.append(f"  {words['charge'].format(pods=pods)}")
    if info.recording:
        lines.append(f"  {words['recording'].format(path=info.recording)}")
    if session.strides and info.source == "pods":
        command = f"hamstream pain {quote(info.runner)} {words['score']} --when after"
        lines.append(f"  {words['ask'].format(command=command)}")
        lines.append(f"  {words['ask_again'].format(option='--when next-morning')}")
    return lines


def _unjudged(flaws: Counter[str], texts: Language) -> str:
    """Why there is nothing to say, where that is no good news."""
    reasons = [texts.report["quality"][flaw] for flaw, _ in flaws.most_common()]
    words = texts.summary
    return str(words["unjudged"].format(reasons=", ".join(reasons)) if reasons else words["unseen"])


def _said(cue: Cue, texts: Language) -> str:
    return f"{clock(cue.t_s)} {texts.summary[cue.kind]}: {cue.text} ({about_text(texts, cue)})"


def _afterwards(summary: dict[str, Any]) -> list[str]:
    """What came of the cues, and what to do about the patterns they were for."""
    cued = [fault for fault in summary["faults"].values() if fault["cues"]]
    lines = [f"  {fault['effect']}" for fault in cued]
    lines += [f"  - {text}" for fault in cued for text in (fault["advice"], *fault["exercises"])]
    return [*lines, f"  {summary['closing']}"] if cued else []


def print_summary(sessions: Sequence[RunnerSession], database: Path) -> None:
    print()
    for session in sessions:
        print("\n".join(summary_lines(session)))
    texts = language(_shared(session.language for session in sessions))
    print(texts.summary["stored"].format(path=database))
    print(texts.disclaimer, flush=True)


def _shared(languages: Iterable[str]) -> str:
    """The one that all speak, else English."""
    spoken = set(languages)
    return spoken.pop() if len(spoken) == 1 else "en"
