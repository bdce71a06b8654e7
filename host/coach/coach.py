"""The coach: which of the faults that hold is worth saying, and whether now.

Pure. Time comes only from `Stride.decided_s`; the same strides always give the same cues. Windows are counted
in strides per leg. The rules are those of docs/coaching.md, "When it speaks".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dsp.types import Quality
from host.coach import cues
from host.coach.baseline import Baseline
from host.coach.effects import EffectMeter, mean_change
from host.coach.faults import FAULTS, Fault, context_of
from host.coach.history import NO_HISTORY, History
from host.coach.judge import Judge, Verdict
from host.coach.learning import Learner, LearningParams
from host.coach.persistence import SIDES, FormFault, Pattern
from host.coach.profile import Profile
from host.coach.wordings import Wordings
from host.records import Cue, Effect, Stride
from host.texts.language import language as texts_in

_WALKING, _POD_MISSING = Quality.WALKING.label, Quality.POD_MISSING.label


@dataclass(frozen=True, slots=True)
class CoachParams:
    """When the coach speaks. Where no source is named, a number is from the coaching rules."""

    faults: tuple[Fault, ...] = FAULTS
    # Above 1 brings every limit nearer to usual, below 1 further away.
    strictness: float = 1.0
    # Silence after any word, and between two cues of the same fault: it grows from the first to the last, so
    # that one who cannot change it now is told less and less often.
    quiet_s: float = 20.0
    same_first_s: float = 60.0
    same_step_s: float = 15.0
    same_last_s: float = 90.0
    # Running before the first word: a minute, or less where a profile holds a baseline.
    first_word_s: float = 60.0
    first_word_with_baseline_s: float = 15.0
    # A fault that holds against the norm alone is cued at most so often in a run: a norm flags healthy people
    # too.
    norm_only_cues: int = 2
    # Praise later than this after the fault ended is of no use. Longer than `quiet_s`, or a quick correction
    # would never hear any. Chosen.
    praise_within_s: float = 30.0
    # What goes before, a cause or a fault of higher priority, is waited for so long when it is under way too but
    # does not hold yet. Chosen: a window of 12 strides is 8-9 s, so what has the same onset will have come.
    wait_s: float = 10.0
    # Without a stride that counts for so long, what was before is forgotten. Chosen: longer than a few lost
    # or settling strides, shorter than a stop that ends a bout of running.
    forget_s: float = 10.0
    # Strides turning faster than this do not count. A bend of a 400 m track (radius 36.5 m) is 7 dps at 4.5
    # m/s, a street corner of 90 degrees within 3 s is 30 dps.
    turning_dps: float = 20.0
    # Nor do strides that a leg stands on for more than half: between walking and running there is one without a
    # flight, which neither is. That running has a flight is what tells it from walking.
    grounded_duty_factor: float = 0.5
    learning: LearningParams = field(default_factory=LearningParams)


class Coach:
    """One runner's coach for one session.

    `baseline`: the habit of past sessions; without one the first steady minute is learnt. `muted`: ids of
    faults never to be cued. `easy_speed_mps`: as the runner told it; NaN leaves it to the baseline. `history`:
    what came of cues in past sessions. Raises ValueError for a language without texts.
    """

    def __init__(
        self,
        baseline: Baseline | None = None,
        params: CoachParams = CoachParams(),
        muted: frozenset[str] = frozenset(),
        language: str = "en",
        easy_speed_mps: float = math.nan,
        history: History = NO_HISTORY,
    ) -> None:
        self.effects: list[Effect] = []  # of the cues so far, as they become known
        self._profile = baseline
        # A profile that does not know how days differ is taken for the habit of this one.
        self._past = baseline if baseline and baseline.days else None
        self._params = params
        self._muted = muted
        self._texts = texts_in(language)
        self._history = history
        self._wordings = Wordings(history.tried)
        self._meter = EffectMeter(language)
        self._words = self._strides = 0  # cues and praises said; good running strides
        self._patterns = {fault.id: Pattern(fault) for fault in params.faults}
        self._learner = Learner(params.learning)
        self._habitual: frozenset[str] = frozenset()  # faults that held when this session's habit was learnt
        self._usual = baseline
        self._told_easy_speed_mps = easy_speed_mps
        self._judge = Judge(params.faults, None if self._past else baseline, params.strictness, self._past)
        self._running_s = 0.0
        self._said_s = -math.inf

    @property
    def held(self) -> tuple[FormFault, ...]:
        """The faults that hold now, by priority."""
        return tuple(pattern.held for pattern in self._patterns.values() if pattern.held)

    @property
    def usual(self) -> Baseline | None:
        """What is usual: as the profile has it until the day's own first minute is learnt, then as that day has it."""
        return self._usual

    def baseline(self) -> Baseline | None:
        """The profile with this session's habit merged in; None while neither is known."""
        session = self._learner.session()
        if session is None:
            return self._profile
        return self._profile.merged(session) if self._profile else session.as_past()

    def profile(self) -> Profile | None:
        """What the next session should start from; None while there is nothing to tell."""
        held = {name: sum(leg.strides_held for leg in p.legs.values()) for name, p in self._patterns.items()}
        cued = {name for name, pattern in self._patterns.items() if pattern.cues}
        history = replace(self._history, tried=self._wordings.tried).with_session(self._strides, held, cued)
        profile = Profile(self.baseline(), history)
        return profile if profile != Profile() else None

    def step(self, stride: Stride) -> list[Cue]:
        """Takes the next stride, gives what is to be said now: nothing, or one cue or praise."""
        now_s = stride.decided_s
        for pattern in self._patterns.values():
            if not pattern.idle:
                pattern.forget(now_s, self._params.forget_s)
        seconds = stride.next_ic_s - stride.ic_s
        walking = bool(stride.quality) and _WALKING in stride.quality.split("|")
        if not walking and seconds > 0.0:
            self._running_s += seconds / 2.0  # two legs run at once
        counts = self._counts(stride)
        if measured := self._meter.add(stride, walking=walking, counts=counts, baseline=self._usual):
            self.effects.append(measured.effect)
            self._wordings.learn(measured.wording, measured.gain)
        if not counts:
            return []
        self._strides += stride.good
        context = context_of(stride, self._easy_speed())
        verdicts = dict(zip(self._patterns, self._judge.verdicts(stride, context), strict=True))
        for pattern, verdict in zip(self._patterns.values(), verdicts.values(), strict=False):
            if verdict.exceeds or not pattern.idle:
                pattern.add(stride.side, verdict, now_s)
        self._learn(stride)
        if not self._may_speak(now_s):
            return []
        said = self._cue(stride, context, verdicts) or self._praise(now_s, verdicts)
        if said:
            self._said_s = now_s
            self._words += 1
        return [said] if said else []

    def summary(self) -> dict[str, Any]:
        """What came of the run, as plain data: by fault how long it held, what was said, what helps."""
        faults = {}
        for name, pattern in self._patterns.items():
            strides = {side: pattern.legs[side].strides_held for side in SIDES}
            if any(strides.values()):
                words = self._texts.faults[name]
                contexts = sorted(pattern.contexts)
                advice = [words.advice, *(words.context_advice[c] for c in contexts if c in words.context_advice)]
                exercises = [words.context_exercises[c] for c in contexts if c in words.context_exercises]
                faults[name] = {
                    "name": words.name,
                    "strides_held": strides,
                    "cues": pattern.cues,
                    "norm_only_cues": pattern.norm_only_cues,
                    "praises": pattern.praises,
                    "effect": self._effect(name, pattern.cues),
                    "advice": " ".join(advice),
                    "exercises": [*words.exercises, *exercises],
                }
        return {"running_s": round(self._running_s, 1), "faults": faults, "closing": self._texts.closing}

    def _effect(self, fault: str, count: int) -> str:
        """What came of the fault's cues, as a sentence; empty where there were none."""
        if not count:
            return ""
        change = mean_change(effect for effect in self.effects if effect.fault == fault)
        return cues.effect_text(self._texts, fault, count, change)

    def _learn(self, stride: Stride) -> None:
        held = [pattern.held for pattern in self._patterns.values() if pattern.held]
        learnt_before = self._learner.learnt
        # What was there in the first minute and is beyond the norm alone is this runner's habit, at other speeds and on
        # hills too.
        self._learner.add(stride, faultless=all(f.fault in self._habitual and not f.against_own for f in held))
        learnt = self._learner.learnt
        if learnt is None or learnt is learnt_before:
            return
        if learnt_before is None:
            self._habitual = frozenset(f.fault for f in held)
        if self._past:
            today = self._past.on(learnt)
            usual = today.completed(self._past)
        else:
            today = usual = self._profile.completed(learnt) if self._profile else learnt
        if usual is not self._usual:
            self._usual = usual
            proven = bool(self._profile) or not self._habitual
            params = self._params
            self._judge = Judge(params.faults, today, params.strictness, self._past, proven=proven)

    def _easy_speed(self) -> float:
        """As the runner told it, else as it was learnt; NaN while neither is known."""
        if math.isnan(self._told_easy_speed_mps) and self._usual is not None:
            return self._usual.easy_speed_mps
        return self._told_easy_speed_mps

    def _counts(self, stride: Stride) -> bool:
        """Whether a stride tells of form. One that lacks a pod still tells what the others measure."""
        usable = stride.quality in ("", _POD_MISSING)
        p = self._params
        return usable and not (abs(stride.turn_rate_dps) > p.turning_dps or stride.duty_factor > p.grounded_duty_factor)

    def _may_speak(self, now_s: float) -> bool:
        p = self._params
        first_word_s = p.first_word_s if self._profile is None else p.first_word_with_baseline_s
        return self._running_s >= first_word_s and now_s - self._said_s >= p.quiet_s

    def _cue(self, stride: Stride, context: str, verdicts: Mapping[str, Verdict]) -> Cue | None:
        """The cue for the first fault that is worth one on this stride."""
        awaited = False  # a fault of higher priority may be worth one within a moment
        for pattern in self._patterns.values():
            fault, held = pattern.fault, pattern.held
            if (
                pattern.idle
                or not pattern.rising
                or fault.id in self._muted
                or stride.decided_s - pattern.last_cue_s < self._pause_s(pattern)
                or self._explained(pattern, stride.decided_s)
            ):
                continue
            # The stride that decides shows it itself, and there is as much of it as when it began: no word to
            # one who is getting better.
            if held is None or not verdicts[fault.id].exceeds or not pattern.full(stride.side):
                awaited = True
                continue
            if not held.against_own and pattern.norm_only_cues >= self._params.norm_only_cues:
                continue
            if awaited and self._fresh(pattern, stride.decided_s):
                continue
            context = context if context in fault.tighter else ""
            wording = self._wordings.choose(cues.wordings(self._texts, fault.id, held.side, context))
            text = cues.spoken(self._texts, wording, held.side)
            cue = Cue(stride.decided_s, "cue", fault.id, held.side, context, text)
            pattern.note_cue(stride.decided_s, context)
            self._meter.note(self._words + 1, cue, wording, fault, held)
            return cue
        return None

    def _pause_s(self, pattern: Pattern) -> float:
        p = self._params
        pause_s = min(p.same_first_s + p.same_step_s * (pattern.cues - 1), p.same_last_s)
        return pause_s / self._history.frequency(pattern.fault.id)

    def _explained(self, symptom: Pattern, now_s: float) -> bool:
        """Whether another fault that holds is the cause, or may turn out to be within a moment."""
        fresh = self._fresh(symptom, now_s)
        return any(
            symptom.fault.id in cause.fault.silences and (cause.held or (fresh and not cause.gone))
            for cause in self._patterns.values()
            if cause.fault.id not in self._muted
        )

    def _fresh(self, pattern: Pattern, now_s: float) -> bool:
        """Whether it began so lately that what goes before it, if of the same onset, may still be coming."""
        return pattern.held is None or now_s - pattern.held.since_s < self._params.wait_s

    def _praise(self, now_s: float, verdicts: Mapping[str, Verdict]) -> Cue | None:
        """A word on what got better since its cue, if this stride shows it."""
        for pattern in self._patterns.values():
            if not pattern.praise_due or not pattern.gone:
                continue
            better = verdicts[pattern.fault.id].exceeds is False and not self._overdone(pattern.fault)
            if better and now_s - pattern.better_s <= self._params.praise_within_s:
                text = cues.praise_text(self._texts, pattern.fault.id, pattern.praises)
                pattern.note_praise()
                return Cue(now_s, "praise", pattern.fault.id, pattern.cued_side, "", text)
        return None

    def _overdone(self, fault: Fault) -> bool:
        """Whether its opposite is there, or on its way: too much of what was asked for is not right either."""
        return any(pattern.rising and fault.opposes(pattern.fault) for pattern in self._patterns.values())
