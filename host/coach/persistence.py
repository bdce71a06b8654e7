"""How long a fault has been there: windows of strides per leg, with hysteresis; what was said of it."""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from host.coach.faults import Fault
from host.coach.judge import Verdict

SIDES = ("left", "right")
# A fault begins when BEGIN of the last OF strides of a leg are beyond, ends when only END are (coaching rules).
BEGIN, OF, END = 12, 20, 6


class FormFault(NamedTuple):
    """A fault that holds now."""

    fault: str
    side: str  # "left", "right", or "" when both legs have it or it has no side
    against_own: bool  # it holds against the own habit, not only against the norm
    since_s: float


class Window:
    """The last strides of one leg, beyond or not, and whether that holds. Unknown strides leave no trace."""

    def __init__(self) -> None:
        self._strides: deque[bool] = deque(maxlen=OF)
        self.beyond = 0  # of them; counted along, for this is done twice a stride for every fault
        self.held = False

    def add(self, beyond: bool | None) -> None:
        # Strides that are not beyond are no news to a window that holds no others.
        if beyond is None or not (beyond or self.beyond):
            return
        if len(self._strides) == OF:
            self.beyond -= self._strides[0]
        self._strides.append(beyond)
        self.beyond += beyond
        if self.full:
            self.held = True
        elif not self.rising:
            self.held = False

    @property
    def full(self) -> bool:
        """As much of it as a fault begins with."""
        return self.beyond >= BEGIN

    @property
    def rising(self) -> bool:
        """More of it than a fault ends with."""
        return self.beyond > END

    @property
    def since_first(self) -> int:
        """How many of its strides there are since the first one beyond, that one too."""
        return len(self._strides) - self._strides.index(True) if self.beyond else 0

    def rising_within(self, last: int) -> bool:
        """Whether as many of the last so many strides are beyond as when `rising`."""
        return sum(list(self._strides)[-last:]) > END

    def clear(self) -> None:
        self._strides.clear()
        self.beyond = 0
        self.held = False


class Leg:
    """One fault on one leg: beyond either limit, beyond the own habit's, nearly so; and the last stride that told."""

    def __init__(self) -> None:
        self.beyond = Window()
        self.own = Window()
        self.near = Window()
        self.last_s = -math.inf
        self.known = 0  # strides since there was a reason to look, or the past was forgotten
        self.strides_held = 0

    def add(self, verdict: Verdict, now_s: float) -> None:
        exceeds = verdict.exceeds
        self.beyond.add(exceeds)
        self.own.add(verdict.own)
        self.near.add(None if exceeds is None else verdict.near)
        if exceeds is not None:
            self.last_s = now_s
            self.known += 1
            self.strides_held += self.beyond.held

    def clear(self) -> None:
        self.known = 0
        self.beyond.clear()
        self.own.clear()
        self.near.clear()


@dataclass
class Pattern:
    """What the coach remembers of one fault in one session."""

    fault: Fault
    held: FormFault | None = None
    cues: int = 0
    norm_only_cues: int = 0
    praises: int = 0
    contexts: set[str] = field(default_factory=set)  # in which cues came
    last_cue_s: float = -math.inf
    cued_side: str = ""
    praise_due: bool = False  # cued, and not praised since
    better_s: float = -math.inf  # when it last ended
    idle: bool = True  # nothing of it in the windows, so a stride without it changes nothing

    def __post_init__(self) -> None:
        self.legs = {side: Leg() for side in SIDES}
        self._left, self._right = self.legs.values()

    def add(self, side: str, verdict: Verdict, now_s: float) -> None:
        """One more stride of the leg `side`."""
        if self.held and not self.held.against_own and verdict.norm is None and not verdict.own:
            return  # held against the norm alone, and there is none at this speed: it is neither there nor gone
        self.legs[side].add(verdict, now_s)
        left, right = self._left, self._right
        if self._any_or_all(left.beyond.held, right.beyond.held):
            # A leg that is nearly there belongs to it, for what both legs do begins on one of them half a stride
            # early; and so does one of which too little is known to be there, as after a break. (One of which
            # nothing is known has lost its pod: the other one is named.) What it did before says nothing of that.
            lasts = max(leg.beyond.since_first for leg in (left, right) if leg.beyond.held)
            legs = [s for s, leg in self.legs.items() if leg.near.rising_within(lasts) or 0 < leg.known <= END]
            one = legs[0] if self.fault.sided and len(legs) == 1 else ""
            own = self._any_or_all(left.own.held, right.own.held)
            self.held = FormFault(self.fault.id, one, own, self.held.since_s if self.held else now_s)
        elif self.held:
            self.held = None
            self.better_s = now_s
        self._look_if_idle()
        if self.idle:
            left.known = right.known = 0
            left.near.clear()
            right.near.clear()

    def forget(self, now_s: float, after_s: float) -> None:
        """Clears the legs that nothing was known of for `after_s`. A fault forgotten has not got better."""
        left, right = self._left, self._right
        forgotten = [leg for leg in (left, right) if now_s - leg.last_s > after_s]
        if not forgotten:
            return
        for leg in forgotten:
            leg.clear()
        self._look_if_idle()
        if self.held and not self._any_or_all(left.beyond.held, right.beyond.held):
            self.held = None

    @property
    def gone(self) -> bool:
        """It is not there, nor nearly so."""
        return not (self.held or self._any_or_all(self._left.near.rising, self._right.near.rising))

    def full(self, side: str) -> bool:
        """As much of it, on this leg or on both, as when it began."""
        if self.fault.sided:
            return self.legs[side].beyond.full
        return all(leg.beyond.full for leg in self.legs.values())

    @property
    def rising(self) -> bool:
        left, right = self._left, self._right
        return self._any_or_all(left.beyond.rising, right.beyond.rising)

    def note_cue(self, now_s: float, context: str) -> None:
        assert self.held is not None
        self.cues += 1
        self.norm_only_cues += not self.held.against_own
        self.contexts.add(context)
        self.last_cue_s, self.cued_side, self.praise_due = now_s, self.held.side, True

    def note_praise(self) -> None:
        self.praises += 1
        self.praise_due = False

    def _look_if_idle(self) -> None:
        left, right = self._left, self._right
        self.idle = not (left.beyond.beyond or right.beyond.beyond or left.own.beyond or right.own.beyond) and not (
            self.praise_due and (left.near.beyond or right.near.beyond)
        )

    def _any_or_all(self, left: bool, right: bool) -> bool:
        return left or right if self.fault.sided else left and right
