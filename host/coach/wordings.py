"""Which wording to say: those that worked for this runner, and now and then another, in case that works better.

A wording's success is how far the pattern went back to usual after it, 0 to 1 (see effects.py). The choice is by upper
confidence bound, UCB1-Tuned (Auer, Cesa-Bianchi & Fischer 2002, doi:10.1023/A:1013689704352, section 4): the mean
success, and what the few trials may still hide of it. It needs no chance, so the same history gives the same words. Its
bound by the spread of successes is left out: in so few trials it is hardly ever below the largest variance there can
be, 1/4. (Plain UCB1 has 2 in its place, and would take a hundred cues before it prefers anything.)

Trials fade with each later one, for runners change and words wear out (discounted UCB, Garivier & Moulines 2011,
doi:10.1007/978-3-642-24412-4_16), so what once failed is tried again.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# What a trial still counts after the next one of the same cue: 20 trials are remembered, and of two wordings that fail
# beside one that works each is tried every 18th time or so. Chosen: months of one runner's cues.
KEEP = 0.95
LARGEST_VARIANCE = 0.25  # of what lies between 0 and 1


class Tried(NamedTuple):
    """What came of one wording: how often it was tried, and the sum of its successes; what is long ago counts less."""

    n: float = 0.0
    total: float = 0.0


class Wordings:
    """What one runner makes of wordings, over sessions (`tried`) and in this one."""

    def __init__(self, tried: Mapping[str, Tried]) -> None:
        self.tried = dict(tried)
        self._said: Counter[str] = Counter()
        self._choices: dict[str, Sequence[str]] = {}  # what each that was said was chosen from

    def choose(self, wordings: Sequence[str]) -> str:
        """The one to say now, which then counts as said."""
        wording = choose(wordings, self.tried, self._said)
        self._said[wording] += 1
        self._choices[wording] = wordings
        return wording

    def learn(self, wording: str, gain: float) -> None:
        """After this wording, chosen before, the pattern was nearer to usual by `gain` limits."""
        for one in self._choices[wording]:
            if one in self.tried:
                n, total = self.tried[one]
                self.tried[one] = Tried(KEEP * n, KEEP * total)
        n, total = self.tried.get(wording, Tried())
        self.tried[wording] = Tried(n + 1.0, total + min(max(gain, 0.0), 1.0))


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
    return one.total / one.n + math.sqrt(LARGEST_VARIANCE * max(math.log(n), 0.0) / one.n)
