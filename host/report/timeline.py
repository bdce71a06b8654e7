"""When which fault held: a session's strides once more through the coach, which is pure and says the same again."""

import math
from collections.abc import Container, Sequence
from typing import NamedTuple

from host.coach.coach import Coach
from host.records import Cue, Stride


class Span(NamedTuple):
    """A fault held from one time to another, in seconds on the session's clock."""

    fault: str
    side: str  # "left", "right", or "" for both legs or none
    begin_s: float
    end_s: float


class Replay(NamedTuple):
    spans: Sequence[Span]  # by when they began
    cues: Sequence[Cue]

    def without(self, faults: Container[str]) -> "Replay":
        """The same, but for these faults."""
        return self._replace(spans=[span for span in self.spans if span.fault not in faults])

    def held_s(self, fault: str) -> float:
        """How long a fault held."""
        return math.fsum(span.end_s - span.begin_s for span in self.spans if span.fault == fault)

    def side_s(self, fault: str, side: str) -> float:
        """How long it held on that leg alone."""
        return math.fsum(span.end_s - span.begin_s for span in self.spans if span[:2] == (fault, side))


def replay(strides: Sequence[Stride], coach: Coach, gap_s: float) -> Replay:
    """What held when. After `gap_s` without a stride nothing is taken to have held meanwhile."""
    spans: list[Span] = []
    cues: list[Cue] = []
    held: dict[tuple[str, str], float] = {}  # since when
    last_s = -math.inf
    for stride in strides:
        cues += coach.step(stride)
        now_s = stride.decided_s
        if now_s - last_s > gap_s:
            spans += [Span(*key, since_s, last_s) for key, since_s in held.items()]
            held.clear()
        still = {(fault.fault, fault.side) for fault in coach.held}
        spans += [Span(*key, held.pop(key), now_s) for key in held.keys() - still]
        held |= dict.fromkeys(still - held.keys(), now_s)
        last_s = now_s
    spans += [Span(*key, since_s, last_s) for key, since_s in held.items()]
    return Replay(sorted(spans, key=lambda span: (span.begin_s, span.fault, span.side)), cues)
