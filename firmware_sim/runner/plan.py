"""What the simulated runner does and when: a timeline, written in one line of text.

`parse("stand 4; run 3.2; at 24 overstride strong")` gives a `Plan`. The language is in `LANGUAGE`, ready for
--help.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import radians

from firmware_sim.runner.form import FAULTS, MANNERS, ONE_SIDED, STRENGTHS

PRESETS = {
    "clean": "stand 5; run 3.2",
    "overstride": "stand 5; run 3.2; at 30 overstride strong",
    # Each fault stays until the runner hears of it; then all is well until the next, round and round.
    "demo": "stand 4; run 3.2; at 15 overstride; at 65 tilt_flattened; at 125 low_cadence; at 180 well;"
    " at 200 again 13",
}

LANGUAGE = f"""\
A plan is a preset's name ({", ".join(PRESETS)}) or statements separated by semicolons,
each at the time where the last one ended, or `at` a time in seconds:
  stand [SECONDS]           stand still; with SECONDS, what follows waits that long
  run [SPEED] [SECONDS]     run, m/s (default 3.2)
  walk [SPEED] [SECONDS]    walk, m/s (default 1.4)
  grade PERCENT             slope from now on, + uphill
  turn DEG_PER_S            bend from now on, + to the left; 0 is straight on
  impact SHARE              how hard landings are: 1 is usual, 0.1 a soft shoe
  MANNER [SECONDS]          run like that from now on, no fault; SECONDS is how long it takes to get
                            there: {", ".join(MANNERS)}
  FAULT [mild|strong] [left|right] [deaf] [SECONDS]
                            start a fault; deaf: do not listen to its cue; SECONDS: how
                            long a strong one takes to come, and to go. Faults:
                            {", ".join(list(FAULTS)[:5])},
                            {", ".join(list(FAULTS)[5:])}
  well [FAULT]              stop that fault, or all
  wait SECONDS              what follows waits
  again SECONDS             go on from that time of the plan
Example: "stand 4; run 3.0; at 25 overstride strong; at 60 well; run 4.0; at 90 stand 10; run 3.0"
"""

RUN_MPS, WALK_MPS = 3.2, 1.4  # easy running; comfortable walking, Bohannon 1997, doi:10.1093/ageing/26.1.15


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault the runner has."""

    name: str
    weight: float
    side: str = ""  # "left", "right" or both
    listens: bool = True
    seconds: float = 0.0  # how long a strong one takes to come, and to go; 0: some strides


@dataclass(slots=True)
class Intent:
    """What the runner means to do now."""

    speed_mps: float = 0.0
    walking: bool = False
    grade: float = 0.0
    turn_radps: float = 0.0
    impact: float = 1.0
    faults: dict[str, Fault] = field(default_factory=dict)
    manners: dict[str, float] = field(default_factory=dict)  # and the seconds to get there


Change = Callable[[Intent], None]


@dataclass(frozen=True)
class Plan:
    """Changes in time order. `again` is (when, back to); None: the last state goes on."""

    changes: tuple[tuple[float, Change], ...] = ()
    again: tuple[float, float] | None = None


class Follower:
    """Keeps an Intent up to date with a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._next = 0
        self._offset_s = 0.0
        self.intent = Intent()

    def at(self, t_s: float) -> Intent:
        """The intent at `t_s`, which never decreases."""
        again = self._plan.again
        while True:
            if self._next < len(self._plan.changes):
                when, change = self._plan.changes[self._next]
                if when + self._offset_s > t_s:
                    return self.intent
                change(self.intent)
                self._next += 1
            elif again is not None and again[0] + self._offset_s <= t_s:
                self._offset_s += again[0] - again[1]
                self._next = next((i for i, (when, _) in enumerate(self._plan.changes) if when >= again[1]), 0)
            else:
                return self.intent


def parse(text: str) -> Plan:
    """A plan from its text or a preset's name. Raises ValueError with the statement that is wrong."""
    changes: list[tuple[float, Change]] = []
    again = None
    now = 0.0
    for statement in filter(None, (part.split() for part in PRESETS.get(text.strip(), text).split(";"))):
        try:
            words = list(statement)
            if words[0] == "at":
                now = float(words[1])
                words = words[2:]
            if words[0] == "again":
                again = (now, float(words[1]))
                if again[0] <= again[1]:
                    raise ValueError
                continue
            change, lasts = _change(words)
        except (ValueError, IndexError, KeyError):
            raise ValueError(f"the plan has no meaning at {' '.join(statement)!r}\n{LANGUAGE}") from None
        if change is not None:
            if changes and now < changes[-1][0]:
                raise ValueError(f"the plan goes back in time at {' '.join(statement)!r}")
            changes.append((now, change))
        now += lasts
    if not changes:
        raise ValueError(f"the plan is empty\n{LANGUAGE}")
    return Plan(tuple(changes), again)


def _change(words: list[str]) -> tuple[Change | None, float]:
    """What a statement does, and how long it lasts."""
    verb, *rest = words
    if verb in FAULTS:
        return _start(verb, rest), 0.0
    if verb == "well":
        if rest and rest[0] not in FAULTS:
            raise ValueError
        return lambda intent: _end(intent, rest or list(FAULTS)), 0.0
    numbers = [float(word) for word in rest]
    if verb in MANNERS:
        seconds = numbers[0] if numbers else 0.0
        return lambda intent: intent.manners.__setitem__(verb, seconds), 0.0
    if verb == "wait":
        return None, numbers[0]
    if verb == "stand":
        return lambda intent: _set(intent, speed_mps=0.0), numbers[0] if numbers else 0.0
    if verb in ("run", "walk"):
        walking = verb == "walk"
        speed = numbers[0] if numbers else (WALK_MPS if walking else RUN_MPS)
        if not (0.5 <= speed <= 2.2 if walking else 1.5 <= speed <= 7.0):
            raise ValueError
        return lambda intent: _set(intent, speed_mps=speed, walking=walking), numbers[1] if numbers[1:] else 0.0
    value = numbers[0]
    name, value = {
        "grade": ("grade", value / 100.0),
        "turn": ("turn_radps", radians(value)),
        "impact": ("impact", value),
    }[verb]
    return lambda intent: _set(intent, **{name: value}), 0.0


def _set(intent: Intent, **values: float) -> None:
    for name, value in values.items():
        setattr(intent, name, value)


def _end(intent: Intent, names: list[str]) -> None:
    for name in names:
        intent.faults.pop(name, None)


def _start(name: str, words: list[str]) -> Change:
    weight, side, listens, seconds = STRENGTHS["strong"], ONE_SIDED.get(name, ""), True, 0.0
    for word in words:
        if word in STRENGTHS:
            weight = STRENGTHS[word]
        elif word in ("left", "right"):
            side = word
        elif word == "deaf":
            listens = False
        else:
            seconds = float(word)
    fault = Fault(name, weight, side, listens, seconds)
    return lambda intent: intent.faults.__setitem__(name, fault)
