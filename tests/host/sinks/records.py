"""Strides, cues and sessions with recognisable values, and a way to wait: for the tests of the sinks."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import fields

from host.records import Cue, Effect, Pain, SessionInfo, Stride


def session_info(session: str = "20260301T070000000Z-ann", runner: str = "ann") -> SessionInfo:
    return SessionInfo(session, runner, "2026-03-01T07:00:00.000Z", "pods", f"/data/{session}.mcap")


def stride(ic_s: float, **changes: object) -> Stride:
    """A stride in which every number differs, so that no two columns can be swapped unseen."""
    values: dict[str, object] = {f.name: ic_s + i / 64 for i, f in enumerate(fields(Stride)) if f.type is float}
    values |= {
        "side": "left",
        "quality": "",
        "ic_s": ic_s,
        "next_ic_s": ic_s + 0.7,
        "pelvic_drop_deg": math.nan,
    }
    return Stride(**values | changes)  # type: ignore[arg-type]


def cue(t_s: float) -> Cue:
    return Cue(t_s, "cue", "overstride", "left", "uphill", "Land under your hips")


def effect(cue_number: int) -> Effect:
    texts = ("overstride", "left", "en", "Land under your hips", "tibial_inclination_ic_deg")
    return Effect(cue_number, 90.5, *texts, before=9.25, after=math.nan, n_before=20, n_after=0)


def pain(score: int | None, moment: str = "after", session: str = "", runner: str = "ann") -> Pain:
    return Pain(session, runner, moment, score, "2026-03-01T08:00:00.000Z", "2026-03-02T12:00:00.000Z")


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Returns as soon as `condition()` holds; TimeoutError when it does not come to hold."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
