"""A hand-made runner for the coach's tests: strides written down, one leg after the other, no simulator."""

import itertools
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from host.coach.coach import Coach
from host.coach.norms import norm
from host.records import Cue, Stride

NAN = math.nan
STRIDE_S = 0.7  # 171.4 spm, the norm at 3.5 m/s

# The spread of one runner's strides: tibia and tilt from norms.csv, the others measured on 8 of the public
# runners of Fukuchi, Fukuchi & Duarte 2017 (doi:10.7717/peerj.3298), pooled over 24 runs.
STRIDE_SD = {
    "tibial_inclination_ic_deg": 1.0,
    "pelvic_tilt_deg": 0.55,
    "foot_ahead_of_pelvis_mm": 9.6,
    "cadence_spm": 1.75,
}


def stride(t_s: float, side: str = "left", **changes: Any) -> Stride:
    """A stride beginning at `t_s`, as the norm has it at 3.5 m/s, level and straight, but for `changes`.

    Times are multiples of 1/1024 s, so that sums and differences of them are exact.
    """
    speed = changes.get("speed_mps", 3.5)
    cadence_spm = changes.get("cadence_spm", 120.0 / STRIDE_S)
    seconds = round(120.0 / cadence_spm * 1024) / 1024
    usual = {
        "tibial_inclination_ic_deg": norm("tibial_inclination_ic_deg", speed).mean,
        "foot_ahead_of_pelvis_mm": norm("foot_ahead_of_pelvis_mm", speed).mean,
        "pelvic_tilt_deg": norm("pelvic_tilt_deg", speed).mean,
    }
    fields: dict[str, Any] = dict.fromkeys(Stride.__dataclass_fields__, NAN)
    fields |= {
        "side": side,
        "ic_s": t_s,
        "tc_s": t_s + 0.25,
        "next_ic_s": t_s + seconds,
        "cadence_spm": cadence_spm,
        "speed_mps": 3.5,
        "grade_percent": 0.0,
        "turn_rate_dps": 0.0,
        "quality": "",
        "decided_s": t_s + seconds + 0.0625,
    }
    return Stride(**fields | usual | changes)


class Run:
    """Strides in the order of their decision, and what the coach said to them."""

    def __init__(self, coach: Coach | None = None, start_s: float = 10.0, seed: int | None = None) -> None:
        self.coach = coach or Coach()
        self._random = random.Random(seed) if seed is not None else None
        self.cues: list[Cue] = []
        self.strides: list[Stride] = []
        self.t_s = start_s
        self._sides = itertools.cycle(("left", "right"))

    def go(self, strides: int, *, only: str | None = None, **changes: Any) -> list[Cue]:
        """`strides` of each leg; returns what was said meanwhile. `changes` replace what is usual, or are
        added to it
        where the name ends in `_by`; `only`: one leg alone shows them."""
        said: list[Cue] = []
        for _ in range(2 * strides):
            side = next(self._sides)
            mine = changes if only in (None, side) else {}
            said += self.take(self._noisy(stride(self.t_s, side, **_absolute(self.t_s, side, mine))))
        return said

    def take(self, one: Stride) -> list[Cue]:
        self.strides.append(one)
        cues = self.coach.step(one)
        self.cues += cues
        self.t_s += (one.next_ic_s - one.ic_s) / 2.0
        return cues

    def _noisy(self, one: Stride) -> Stride:
        if self._random is None:
            return one
        noise = {name: getattr(one, name) + self._random.gauss(0.0, sd) for name, sd in STRIDE_SD.items()}
        return replace(one, **noise)

    def pause(self, seconds: float) -> None:
        self.t_s += seconds

    @property
    def held(self) -> list[tuple[str, str]]:
        return [(fault.fault, fault.side) for fault in self.coach.held]


def _absolute(t_s: float, side: str, changes: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in changes.items() if not name.endswith("_by")}
    usual = stride(t_s, side, **plain)
    moved = {
        name.removesuffix("_by"): getattr(usual, name.removesuffix("_by")) + value
        for name, value in changes.items()
        if name.endswith("_by")
    }
    return plain | moved


def replay(strides: Iterable[Stride], coach: Coach) -> Iterator[Cue]:
    for one in strides:
        yield from coach.step(one)
