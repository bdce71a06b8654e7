"""What past sessions taught of coaching this runner: which wordings worked, and how the patterns have become rarer.

Cues fade as the runner improves: learning lasts better where feedback becomes rarer while the skill grows (Winstein &
Schmidt 1990, doi:10.1037/0278-7393.16.4.677; feedback after half of the trials, faded, against after every one).
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from host.coach.baseline import SESSION_STRIDES
from host.coach.wordings import Tried

# How rare cues become at most: half of the trials, as in the study.
LEAST_FREQUENCY = 0.5
# A session with fewer strides (of both legs; about 4 min) tells little of how much of a pattern is left.
LEAST_STRIDES = 2 * SESSION_STRIDES
# The newest session counts as much as all before it, and alone where it was worse: a pattern that comes back is met at
# once. Chosen.
NEW_SHARE = 0.5


class Held(NamedTuple):
    """The share of strides in which a pattern held: in its worst session, and of late."""

    most: float
    recent: float

    def after(self, share: float) -> "Held":
        """With one more session."""
        return Held(max(self.most, share), max(share, self.recent + NEW_SHARE * (share - self.recent)))


@dataclass(frozen=True)
class History:
    """What came of each wording, and by fault how much it held in the sessions since its first cue."""

    tried: Mapping[str, Tried] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)

    def frequency(self, fault: str) -> float:
        """How often to cue: from 1 for a pattern as there ever was to a half for one that is much rarer."""
        held = self.held.get(fault)
        return max(held.recent / held.most, LEAST_FREQUENCY) if held and held.most else 1.0

    def with_session(self, strides: int, held: Mapping[str, int], cued: Container[str]) -> "History":
        """After a session of so many strides of both legs, with the strides in which each fault held."""
        if strides < LEAST_STRIDES:
            return self
        shares = dict(self.held)
        for fault, count in held.items():
            share = count / strides
            if fault in shares:
                shares[fault] = shares[fault].after(share)
            elif fault in cued:
                shares[fault] = Held(share, share)
        return History(self.tried, shares)

    def to_document(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        return {part: {key: list(value) for key, value in getattr(self, part).items()} for part in ("tried", "held")}

    @staticmethod
    def from_document(document: Any) -> "History":
        """Reads what `to_document` gave. Raises ValueError for what is no history."""
        try:
            return History(
                {text: Tried(*map(float, tried)) for text, tried in document["tried"].items()},
                {fault: Held(*map(float, held)) for fault, held in document["held"].items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is not a whole history of cues: {error!r}") from error


NO_HISTORY = History()
