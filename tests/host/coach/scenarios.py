"""What the simulated runner does, and what the coach should say to it: the whole way from pods to cue, offline.

`FAULTY` and `PAIRS` are the tables of expectations, `CLEAN` the running in which nothing should be said.
tests/host/coach/test_scenarios.py holds the coach to a part of them, `make coach-report` runs all.
"""

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from dsp.types import Role
from firmware_sim.offline import Session
from firmware_sim.runner.form import FAULTS, NATURAL, Form, day
from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.pipeline import Pipeline
from host.records import Cue, Stride

CHUNK_S = 5.0
SIDED = ("overstride", "pawing", "hip_lag", "asymmetry")
# The order in which the coach names what remains when causes have silenced their symptoms.
PRIORITY = (
    "overstride",
    "hips_back",
    "sitting_back",
    "tilt_flattened",
    "tilt_excessive",
    "pawing",
    "hip_lag",
    "asymmetry",
    "stiff_pelvis",
    "low_cadence",
)
# Causes, and what they explain (form-pattern rules): the cause is named, not the symptom.
EXPLAINS: Mapping[str, tuple[str, ...]] = {
    "hips_back": ("overstride", "tilt_excessive", "pawing", "low_cadence"),
    "sitting_back": ("overstride", "tilt_flattened", "pawing", "low_cadence"),
    "asymmetry": ("overstride", "tilt_excessive", "low_cadence"),
}


@dataclass(frozen=True)
class Scenario:
    """One session of one simulated runner."""

    name: str
    plan: str
    seconds: float
    seed: int
    fault: str = ""  # what it is about, for the tables; empty where nothing should be said
    expects: tuple[str, ...] = ()  # any of these may come first
    side: str | None = None  # the side to be named; None: any
    onset_s: float = math.inf
    well_s: float = math.inf
    form: Form = NATURAL
    profile: bool = False  # the runner's habit is known from a past session, on a day like this one
    past_days: int = 0  # or from so many sessions on days as they come, of which this is another
    lost: tuple[tuple[Role, float, float], ...] = ()  # pods silent from, to


@dataclass(frozen=True)
class Outcome:
    """What was said, and how many strides of a leg there were up to then."""

    cues: list[Cue]
    strides: int
    running_s: float
    delay: int | None  # running strides of a leg from onset to the first cue after it
    before: list[Cue]  # cues before the onset: always wrong
    first: Cue | None
    others: list[Cue]  # later cues of other faults while the fault was there
    after: list[Cue]  # cues long after recovery: always wrong
    held_at_end: tuple[str, ...]

    def met(self, scenario: Scenario) -> bool:
        """Whether the first cue is the right one, on the right side, in time, and all is over at the end."""
        if not scenario.expects:
            return not self.cues
        first = self.first
        return (
            first is not None
            and first.fault in scenario.expects
            and scenario.side in (None, first.side)
            and self.delay is not None
            and self.delay <= MOST_STRIDES
            and not self.before
            and not self.after
            and not self.held_at_end
        )


MOST_STRIDES = 40  # of a leg, from onset to cue
RECOVERED_S = 20.0  # a fault that ended is out of the windows of 20 strides by then


def run(scenario: Scenario) -> Outcome:
    """Plays the scenario through chips, signal core and coach."""
    coach = Coach(known_of(scenario))
    strides, cues = through(scenario, coach)
    before, during, after = [], [], []
    for cue in cues:
        if cue.kind == "cue":
            late = cue.t_s > scenario.well_s + RECOVERED_S
            (before if cue.t_s < scenario.onset_s else after if late else during).append(cue)
    first = during[0] if during else None
    delay = None
    if first is not None:
        delay = sum(
            s.side == "left" and scenario.onset_s <= s.ic_s < first.t_s and "walking" not in s.quality for s in strides
        )
    seconds = sum((s.next_ic_s - s.ic_s) / 2 for s in strides if "walking" not in s.quality)
    return Outcome(
        [cue for cue in cues if cue.kind == "cue"],
        len(strides),
        seconds,
        delay,
        before,
        first,
        [cue for cue in during if cue.fault not in scenario.expects],
        after,
        tuple(fault.fault for fault in coach.held) if math.isfinite(scenario.well_s) else (),
    )


def through(scenario: Scenario, coach: Coach) -> tuple[list[Stride], list[Cue]]:
    form = scenario.form + day(f"{scenario.form} today") if scenario.past_days else scenario.form
    session = Session(scenario.plan, seed=scenario.seed, form=form)
    pipeline = Pipeline(coach, lag_s=CHUNK_S + 1.0)
    outputs = []
    for until_s in np.arange(CHUNK_S, scenario.seconds + CHUNK_S, CHUNK_S):
        for role, frames in session.read(float(until_s)).items():
            for pod, start_s, end_s in scenario.lost:
                if pod is role:
                    frames = frames[(frames["t_s"] < start_s) | (frames["t_s"] >= end_s)]
            outputs.append(pipeline.push_frames(role, frames))
    outputs.append(pipeline.finish())
    return [s for output in outputs for s in output.strides], [c for output in outputs for c in output.cues]


def known_of(scenario: Scenario) -> Baseline | None:
    """What is known of the scenario's runner when it begins."""
    if scenario.past_days:
        return profile_over(scenario.form, scenario.past_days)
    return profile_of(scenario.form) if scenario.profile else None


# Other speeds and slopes than those of what follows, pods worn a little differently.
PAST = "stand 5; run 3.2 120; run 2.6 60; run 4.2 60; run 3.2; grade 6; wait 60; grade -6; wait 60; grade 0"
PAST_S = 400.0


@cache
def profile_of(form: Form) -> Baseline:
    """The habit of a runner from a past session, on a day like all others."""
    return _with_session(None, form, 99)


@cache
def profile_over(form: Form, days: int) -> Baseline:
    """The habit of a runner from sessions on so many days, each its own."""
    before = profile_over(form, days - 1) if days > 1 else None
    return _with_session(before, form + day(f"{form} {days}"), 100 + days)


def _with_session(before: Baseline | None, form: Form, seed: int) -> Baseline:
    coach = Coach(before)
    through(Scenario("past", PAST, PAST_S, seed, form=form), coach)
    baseline = coach.baseline()
    assert baseline is not None
    return baseline


# ---------------------------------------------------------------- faults

ONSET_S, WELL_S, END_S = 100.0, 150.0, 195.0
# The habit is learnt first, on the level and easy; then the runner goes on like this, and 45 s later the
# fault begins. (In what a name says nothing of, the runner goes on as before.)
WHERE: Mapping[str, str] = {
    "level": "",
    "uphill": "at 55 grade 6; ",
    "downhill": "at 55 grade -6; ",
    "fast": "at 60 run 4.0; ",
    "slow": "at 60 run 2.6; ",
}
# What interrupts the fault. Nothing should be said of it meanwhile, and the right thing in the end.
BREAKS: Mapping[str, str] = {
    "stop": "at 104 stand 4; run 3.2; ",
    "walk": "at 104 walk 1.4 8; run 3.2; ",
    "corner": "at 104 turn 40; wait 2.5; turn 0; ",
    "bend": "at 90 turn 6; ",
}


def _faulty() -> Iterator[Scenario]:
    seeds = itertools.count(1)

    def one(fault: str, strength: str, where: str, side: str = "", breaks: str = "", profile: bool = False) -> Scenario:
        words = " ".join(filter(None, (fault, strength, side)))
        onset_s = ONSET_S
        plan = (
            f"stand 5; run 3.2; {WHERE[where]}at {ONSET_S} {words} deaf; {BREAKS[breaks] if breaks else ''}"
            f"at {WELL_S} well; at {END_S} well"
        )
        if breaks == "bend":
            plan = f"stand 5; run 3.2; {BREAKS[breaks]}at {ONSET_S} {words} deaf; at {WELL_S} well; at {END_S} well"
        named = {"asymmetry": side or "left"}.get(fault, side)
        name = " ".join(filter(None, (words, where, breaks, "with profile" if profile else "")))
        return Scenario(name, plan, END_S, next(seeds), fault, (fault,), named, onset_s, WELL_S, profile=profile)

    for fault in FAULTS:
        for strength in ("mild", "strong"):
            for where in WHERE:
                for profile in (False, True):
                    # A habit of the first minute on the level leaves hills and other speeds in doubt.
                    if where == "level" or (profile and strength == "mild") or strength == "strong":
                        yield one(fault, strength, where, profile=profile)
            for side in ("left", "right") if fault in SIDED else ():
                # One leg's mild lag ends within the stride, and reads less than both legs': below the limit.
                if (fault, strength) != ("hip_lag", "mild"):
                    yield one(fault, strength, "level", side)
        for breaks in BREAKS:
            yield one(fault, "strong", "level", breaks=breaks)


FAULTY = tuple(_faulty())

# Pairs that together are something else, or cancel out.
TOGETHER: Mapping[frozenset[str], tuple[str, ...]] = {
    frozenset(pair): expects
    for *pair, expects in (
        # Landing ahead with the pelvis tipped: that is what hips held back are.
        ("overstride", "tilt_excessive", ("hips_back",)),
        # The tilt that marks hips held back is undone: what is left is a foot that lands ahead.
        ("hips_back", "tilt_flattened", ("overstride",)),
        # A crouch sits with the trunk upright; one that tips forward is another posture.
        ("sitting_back", "tilt_excessive", ("tilt_excessive",)),
        # A pelvis that hardly turns has no moment at which it is furthest forward.
        ("hip_lag", "stiff_pelvis", ("stiff_pelvis",)),
        ("tilt_flattened", "tilt_excessive", ()),
    )
}


def expected(one: str, other: str) -> tuple[str, ...]:
    """What should be said first of two faults: the cause, else what comes first."""
    pair = frozenset((one, other))
    if pair in TOGETHER:
        return TOGETHER[pair]
    for cause, symptom in ((one, other), (other, one)):
        if symptom in EXPLAINS.get(cause, ()):
            return (cause,)
    return (min(pair, key=PRIORITY.index),)


# Both tip the pelvis, by 16 deg together: four times the SD between healthy runners. No one does that within three
# strides; it comes and goes over some strides more.
SLOWLY_S: Mapping[frozenset[str], int] = {frozenset(("hips_back", "tilt_excessive")): 10}


def _pairs() -> Iterator[Scenario]:
    for seed, (one, other) in enumerate(itertools.combinations(PRIORITY, 2), 1):
        grows_s = SLOWLY_S.get(frozenset((one, other)), 0)
        both = f"{one} strong deaf {grows_s}; {other} strong deaf {grows_s}"
        plan = f"stand 5; run 3.2; at {ONSET_S} {both}; at {WELL_S} well"
        expects = expected(one, other)
        if expects:
            name = f"{one} + {other}"
            yield Scenario(name, plan, END_S, seed, name, expects, None, ONSET_S, WELL_S)


PAIRS = tuple(_pairs())

# ---------------------------------------------------------------- clean running

HOUR_S = 3600.0
EASY = "run 2.9 240; run 3.1 300; run 2.8 200; run 3.2 260; "
KINDS: Mapping[str, str] = {
    "easy": EASY * 4,
    "fast": "run 3.0 300; " + "run 4.3 120; run 2.9 120; " * 14,
    "hilly": "run 3.0 120; "
    + "grade 4; wait 90; grade 8; run 2.6 60; run 3.0; grade -4; wait 90; grade -7; wait 60; grade 0; wait 60; " * 10,
    "forefoot": "forefoot; " + EASY * 4,
    "to forefoot": EASY + "forefoot; " + EASY * 3,
    "soft shoes": "impact 0.1; " + EASY * 4,
    "walk breaks": "run 3.0 300; walk 1.5 60; " * 10,
    "stops and turns": "run 3.0 80; stand 20; run 3.2 60; turn 35; wait 2.5; turn 0; wait 60; "
    "turn -7; wait 40; turn 0; " * 15,
    "tired": "run 3.1 300; tired 2400; " + EASY * 3,
    "lost pods": EASY * 4,
}
LOST = (
    (Role.PELVIS, 400.0, 520.0),
    (Role.SHANK_LEFT, 800.0, 830.0),
    (Role.SHANK_RIGHT, 1500.0, 1620.0),
    *((Role.PELVIS, t, t + 0.3) for t in np.arange(2000.0, 3400.0, 30.0)),
)


def healthy(seed: int) -> Form:
    """A healthy runner other than the mean one: drawn from what runners differ by (norms.csv at 3.5 m/s)."""
    dice = random.Random(seed)

    def gauss(sd: float) -> float:
        return dice.gauss(0.0, sd)

    cadence, contact = gauss(11.0 / 171.4), gauss(0.04)
    # Both together are the 7.5 % that contact times differ by. The foot lands ahead by a share of the way in stance,
    # right to 7 mm between runners (dsp/strides.py, foot_ahead): together the 22 mm that this differs by.
    way_m = 3.5 * 0.2263 * ((1.0 + contact) / (1.0 + cadence) - 1.0)
    return Form(
        cadence=cadence,
        contact=contact,
        landing_m=0.385 * way_m + gauss(0.007),
        tibia_rad=math.radians(gauss(4.0)),
        tilt_rad=math.radians(gauss(3.8)),
        tilt_range=gauss(0.2),
        drop=gauss(0.3),
        rotation=gauss(0.2),
        rotation_lag=gauss(0.05),
        bounce=gauss(0.1),
    )


def clean(hours: int) -> tuple[Scenario, ...]:
    """That many simulated hours without a fault, of every kind, of different runners, with and without a profile."""
    kinds = itertools.islice(itertools.cycle(KINDS.items()), hours)
    return tuple(
        Scenario(
            f"{kind} {n}",
            f"stand 5; {plan}",
            HOUR_S,
            1000 + n,
            form=healthy(n),
            profile=n % 2 == 1,
            lost=LOST if kind == "lost pods" else (),
        )
        for n, (kind, plan) in enumerate(kinds)
    )


PAST_DAYS = (1, 3, 5)


def other_days(hours: int) -> tuple[Scenario, ...]:
    """That many clean hours after one past session, three and five: runners and kinds in turn, the same for each."""
    return tuple(
        replace(scenario, name=f"{days} past days {n}", profile=False, past_days=days)
        for days in PAST_DAYS
        for n, scenario in enumerate(clean(hours))
    )


def from_the_start() -> tuple[Scenario, ...]:
    """Every fault, strong and there from the first step of a day; what it is, the past days tell."""
    return tuple(
        Scenario(
            f"{fault} from the start after {days} past days",
            f"{fault} strong deaf; stand 5; run 3.2; at {WELL_S} well; at {END_S} well",
            END_S,
            500 + n,
            fault,
            (fault,),
            {"asymmetry": "left"}.get(fault),
            5.0,
            WELL_S,
            past_days=days,
        )
        for n, (fault, days) in enumerate(itertools.product(FAULTS, PAST_DAYS))
    )
