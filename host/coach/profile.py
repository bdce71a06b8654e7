"""What is kept of a runner between sessions: the own habit, and the history of cues. One JSON text.

A session starts from it, and a recording carries it, so that a replay says the same.
"""

import json
from dataclasses import dataclass, field

from host.coach.baseline import Baseline
from host.coach.history import History

_HISTORY = "history"


@dataclass(frozen=True)
class Profile:
    """`baseline` is None until a session was long enough to learn a habit."""

    baseline: Baseline | None = None
    history: History = field(default_factory=History)

    def to_json(self) -> str:
        """The habit's document with the history in it, as readers of older profiles expect."""
        habit = json.loads(self.baseline.to_json()) if self.baseline else {}
        return json.dumps(habit | {_HISTORY: self.history.to_document()}, allow_nan=False)

    @staticmethod
    def from_json(text: str) -> "Profile":
        """Reads what `to_json` wrote, or a baseline alone. Raises ValueError for anything else."""
        document = json.loads(text)
        history = document.get(_HISTORY) if isinstance(document, dict) else None
        known = History() if history is None else History.from_document(history)
        only_history = history is not None and len(document) == 1
        return Profile(None if only_history else Baseline.from_json(text), known)
