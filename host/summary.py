"""What came of a run, in a few lines for the person who ran it."""

import math
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Any

from host.session import RunnerSession

DISCLAIMER = "hamstream is a training aid, not a medical device."


def clock(t_s: float) -> str:
    """Minutes and seconds, e.g. `01:07`."""
    return f"{math.floor(t_s / 60):02d}:{math.floor(t_s % 60):02d}"


def summary_lines(session: RunnerSession) -> list[str]:
    """One paragraph a session: how much was measured, what was said and what came of it, what helps, where it is."""
    info = session.info
    lines = [f"{info.runner}: {session.strides} strides"]
    if session.strides:
        lines[0] += f", {session.good_strides / session.strides:.0%} of them good"
    lines += [
        f"  {clock(cue.t_s)} {cue.kind} {cue.fault}{_where(cue.side, cue.context)}: {cue.text}" for cue in session.cues
    ]
    summary = session.coach.summary()
    if silent := [
        f"{name} for {sum(fault['strides_held'].values())} strides"
        for name, fault in summary["faults"].items()
        if not fault["cues"]
    ]:
        lines.append(f"  held without a word: {', '.join(silent)}")  # muted, say, or not for long enough
    elif not session.cues:
        lines.append("  nothing to say: no pattern held")
    lines += _afterwards(summary)
    if info.recording:
        lines.append(f"  recording: {info.recording}")
    if session.strides and info.source == "pods":
        command = f"hamstream pain {quote(info.runner)} SCORE"
        lines.append(f"  How does it feel, from 0 (no pain) to 10? Note it: {command} --when after")
        lines.append("  and tomorrow, for high hamstring pain comes back after the run: --when next-morning")
    return lines


def _afterwards(summary: dict[str, Any]) -> list[str]:
    """In the runner's language: what came of the cues, and what to do about the patterns they were for."""
    cued = [fault for fault in summary["faults"].values() if fault["cues"]]
    lines = [f"  {fault['effect']}" for fault in cued]
    lines += [f"  - {text}" for fault in cued for text in (fault["advice"], *fault["exercises"])]
    return [*lines, f"  {summary['closing']}"] if cued else []


def _where(side: str, context: str) -> str:
    words = " ".join(word for word in (side, context) if word)
    return f" ({words})" if words else ""


def print_summary(sessions: Iterable[RunnerSession], database: Path) -> None:
    print()
    for session in sessions:
        print("\n".join(summary_lines(session)))
    print(f"strides and cues: {database}")
    print(DISCLAIMER, flush=True)
