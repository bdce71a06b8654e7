"""Which wording to say: those that worked for this runner, and now and then another, in case that works better.

A wording's success is how far the pattern went back to usual after it, 0 to 1 (see effects.py). The choice is by upper
confidence bound, UCB1-Tuned (Auer, Cesa-Bianchi & Fischer 2002, doi:10.1023/A:1013689704352, section 4): the mean
success, and what the few trials may still hide of it. It needs no chance, so the same history gives the same words. Its
bound by the spread of successes is left out: with at most MOST_TRIALS it is never below the largest variance there can
be, 1/4. (Plain UCB1 has 2 in its place, and would take a hundred cues before it prefers anything.)
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# The memory of a wording: at most so many trials, the latest of them. Chosen: months of one runner's cues, and short
# enough to notice that a wording has worn out.
MOST_TRIALS = 20.0


LARGEST_VARIANCE = 0.25  # of what lies between 0 and 1


class Tried(NamedTuple):
    """What came of one wording: how often it was tried, and the sum of its successes."""

    n: float = 0.0
    total: float = 0.0

    def after(self, gain: float) -> "Tried":
        """With one more trial, after which the pattern was nearer to usual by `gain` limits."""
        keep = min(1.0, (MOST_TRIALS - 1.0) / self.n) if self.n else 1.0
        return Tried(keep * self.n + 1.0, keep * self.total + min(max(gain, 0.0), 1.0))


class Wordings:
    """What one runner makes of wordings, over sessions (`tried`) and in this one."""

    def __init__(self, tried: Mapping[str, Tried]) -> None:
        self.tried = dict(tried)
        self._said: Counter[str] = Counter()

    def choose(self, wordings: Sequence[str]) -> str:
        """The one to say now, which then counts as said."""
        wording = choose(wordings, self.tried, self._said)
        self._said[wording] += 1
        return wording

    def learn(self, wording: str, gain: float) -> None:
        """After this wording the pattern was nearer to usual by `gain` limits."""
        self.tried[wording] = self.tried.get(wording, Tried()).after(gain)


def choose(wordings: Sequence[str], tried: Mapping[str, Tried], said: Mapping[str, int]) -> str:
    """The wording of most promise; among equals the one `said` least in this session, of these the first."""
    known = [tried.get(wording, Tried()) for wording in wordings]
    n = sum(one.n for one in known)
    ranks = [(_promise(one, n), -said.get(wording, 0)) for wording, one in zip(wordings, known, strict=True)]
    return wordings[ranks.index(max(ranks))]


def _promise(one: Tried, n: float) -> float:
    """Upper end of what the mean success may be, after `n` trials of all wordings; endless for one never tried."""
    if not one.n:
        return math.inf
    return one.total / one.n + math.sqrt(LARGEST_VARIANCE * math.log(n) / one.n)
