"""Where and when the simulated feet land: the runner's intention, step by step, two steps ahead of the body.

A `Stepper` follows a plan and writes what comes of it to a track: path, footholds, clocks and form. Randomness
between strides lives here. SI units and radians; world axes x, y level, z up.
"""

from bisect import insort

import numpy as np
from numpy.typing import NDArray

from dsp.params import G_MPS2
from dsp.types import Side
from firmware_sim.runner import gait
from firmware_sim.runner.form import FAULTS, MANNERS, NATURAL, UPHILL, Form
from firmware_sim.runner.plan import Follower, Intent, Plan
from firmware_sim.runner.track import GRID_S, Footfall, Knot, Path, Track
from firmware_sim.runner.waveforms import REST_PHASE, RUN, WALK

Array = NDArray[np.float64]

ACCELERATION_MPS2, BRAKING_MPS2 = 1.6, 2.0  # brisk, as a runner leaves a crossing: at easy pace within 2 s
FIRST_STEP_S = 0.5  # from standing to the first landing
LAST_ROLL_S = 0.12  # from the last landing until the foot is flat
STAND_CHUNK_S = 0.1
STEP_WIDTH_M = 0.06  # between the lines of left and right footholds
STANCE_WIDTH_M = 0.20  # the same, standing
FULL_VIGOUR_MPS = (1.8, 0.8)  # running, walking: below, the movement shrinks in proportion to speed
STEPS_TO_CHANGE = 6  # a change of form takes three strides
EASY_STEPS_PER_S = 2.8  # about 168 spm, by which the time of a slow change is counted
STEPS_TO_ANSWER = 8  # a cue is acted on four strides after it was heard
IMPACT_SD = 0.2  # of the logarithm of a landing's strength; a setting
RANGE_OF_ONE = 0.9  # what changes from landing to landing widens a stride's tilt range by a tenth
STRIDE_MEMORY = 0.3  # correlation of successive strides' departures (tilt, same data as gait.py)


class Stepper:
    """Plans steps. The body may move along `track` up to `ready_s`."""

    def __init__(self, plan: Plan, base: Form, seed: int) -> None:
        self.track = Track(STANCE_WIDTH_M)
        self.ready_s = 0.0
        self._follower = Follower(plan)
        self._base = base
        self._random, self._turns = np.random.default_rng(seed), np.random.default_rng((seed, 1))
        self._noise = np.zeros((2, 7))
        self._weights: dict[tuple[str, str], float] = {}
        self._paces: dict[tuple[str, str], float] = {}
        self._manners: dict[str, float] = {}
        self._heard: dict[str, int] = {}
        self._n = 0  # steps taken; even is left
        self._t = 0.0
        self._here = Path(0.0, 0.0, 0.0, 0.0, 0.0)
        self._moving = self._stopping = False

    def hear(self, fault: str) -> None:
        """The runner was told of a fault: one who has it and listens lets go of it some strides from now."""
        held = self._follower.intent.faults.get(fault)
        if held is not None and held.listens:
            self._heard.setdefault(fault, self._n + STEPS_TO_ANSWER)

    def plan_until(self, t_s: float) -> None:
        """Plans until `ready_s` is past `t_s`."""
        while self.ready_s <= t_s:
            intent = self._follower.at(self._t)
            if self._moving:
                self._step()
            elif intent.speed_mps > 0.0:
                self._start()
            else:
                self._walk_to(self._t + STAND_CHUNK_S, 0.0)
                self.ready_s = self._t

    def _form(self, side: Side) -> Form:
        """The form of a step that lands on `side`, faults fading in and out."""
        intent = self._follower.intent
        for name, step in list(self._heard.items()):
            if self._n >= step:
                intent.faults.pop(name, None)
                del self._heard[name]
        form = self._base + self._manner(intent)
        if not intent.walking:
            form = form + UPHILL * (100.0 * intent.grade)
        goals = {(fault.name, fault.side): fault for fault in intent.faults.values()}
        for key in sorted(goals.keys() | self._weights.keys()):
            if key in goals:
                self._paces[key] = _share_of_a_step(goals[key].seconds)  # it will go as it came
            weight, goal = self._weights.get(key, 0.0), goals[key].weight if key in goals else 0.0
            weight += float(np.clip(goal - weight, -self._paces[key], self._paces[key]))
            self._weights[key] = weight
            if weight == 0.0 == goal:
                del self._weights[key]
            name, only = key
            # The pelvis comes forward with a leg while the other one lands.
            acts_on = Side(1 - side) if name == "hip_lag" else side
            if only in ("", acts_on.label):
                form = form + FAULTS[name] * weight
        return form

    def _manner(self, intent: Intent) -> Form:
        """What the ways of running add, each growing over the time it was given."""
        form = NATURAL
        for name, seconds in intent.manners.items():
            share = self._manners.get(name, 0.0) + _share_of_a_step(seconds)
            self._manners[name] = min(share, 1.0)
            form = form + MANNERS[name] * self._manners[name]
        return form

    def _departures(self, side: Side) -> Array:
        """This stride's random departures, (7,), each with SD 1 and a memory of the leg's last one."""
        fresh = self._random.standard_normal(7) * np.sqrt(1.0 - STRIDE_MEMORY**2)
        self._noise[side] = STRIDE_MEMORY * self._noise[side] + fresh
        return self._noise[side]

    def _start(self) -> None:
        """From standing: weight on the leg that landed last, the other one leaves first."""
        self._moving = True
        walking = self._follower.intent.walking
        self.track.knots.append(self.track.knots[-1]._replace(t_s=self._t, walking=float(walking)))
        duty = gait.natural(0.0, walking=walking).duty_factor
        swing, stand = Side((self._n + 1) % 2), Side(self._n % 2)
        # The other leg leaves before the landing when running, after it when walking.
        other = self._t + FIRST_STEP_S * (1.25 if walking else 0.75)
        for side, leaves in ((swing, self._t + 0.35 * FIRST_STEP_S), (stand, other)):
            clock = self.track.leg_clocks[side]
            phase = np.floor(clock[-1][1])
            clock += [(self._t, clock[-1][1]), (leaves, phase + duty)]
        self.track.pelvis_clock += [(self._t, self.track.pelvis_clock[-1][1]), (other, self._n / 2 + duty)]
        self._step(FIRST_STEP_S)

    def _step(self, duration_s: float | None = None) -> None:
        """Plans the next landing. The body may then move up to the landing before it."""
        intent = self._follower.intent
        self._n += 1
        side = Side(self._n % 2)
        form, noise = self._form(side), self._departures(side)
        speed = self._here.speed_mps
        # Whoever breaks into a run, or falls back to a walk, finishes the step as it was begun.
        usual = gait.natural(speed, walking=bool(self.track.knots[-1].walking))
        cadence = usual.cadence_spm * (1.0 + form.cadence)
        # A step's time departs sqrt(2) times as much as a stride's, which is two steps.
        lasts = duration_s or 60.0 / cadence * (1.0 + np.sqrt(2.0) * gait.STRIDE_TIME_SD * float(noise[0]))
        goal = 0.0 if self._stopping else intent.speed_mps
        speed += float(np.clip(goal - speed, -BRAKING_MPS2 * lasts, ACCELERATION_MPS2 * lasts))
        previous_s = self._t
        self._walk_to(self._t + lasts, speed)

        usual = gait.natural(speed, walking=intent.walking)
        vigour = min(1.0, speed / FULL_VIGOUR_MPS[intent.walking])
        stride_s = 120.0 / (usual.cadence_spm * (1.0 + form.cadence))
        period = 1.0 / (1.0 + form.cadence)
        contact_s = usual.contact_s * period * (1.0 + form.contact) * (1.0 + gait.CONTACT_TIME_SD * float(noise[1]))
        stays = speed == 0.0
        longest_s = (0.70 if intent.walking else 0.45) * stride_s
        tc_s = np.nan if stays else self._t + min(contact_s, longest_s)
        # A stride's mean tilt blends three landings, which evens it out: hence 1.5.
        knot = Knot(
            self._t,
            vigour,
            float(intent.walking),
            period,
            vigour * (usual.pelvic_tilt_rad + form.tilt_rad + 1.5 * gait.TILT_SD_RAD * float(noise[2])),
            RANGE_OF_ONE * usual.pelvic_tilt_range_rad * (1.0 + form.tilt_range)
            + gait.TILT_RANGE_SD_RAD * float(noise[3]),
            usual.pelvic_drop_rad * (1.0 + form.drop) + gait.DROP_SD_RAD * float(noise[4]),
            usual.pelvic_rotation_range_rad * (1.0 + form.rotation) + gait.ROTATION_RANGE_SD_RAD * float(noise[5]),
            form.rotation_lag + gait.ROTATION_LAG_SD * float(self._turns.standard_normal()),
            form.bounce,
            (form.braking_s + form.landing_m / max(speed, gait.SLOWEST_MPS)) / stride_s,
        )
        self.track.knots.append(knot)
        ahead = vigour * (usual.foot_ahead_m + form.landing_m + gait.FOOT_AHEAD_SD_M * float(noise[6]))
        inclination = (
            usual.tibial_inclination_rad + form.tibia_rad + gait.TIBIA_SD_RAD * float(self._random.standard_normal())
        )
        self.track.footfalls[side].append(self._footfall(side, tc_s, ahead, inclination, form, knot, stride_s))
        strength = vigour * intent.impact * (1.0 + form.impact) * _impact_mps2(speed, intent.walking)
        strength *= float(np.exp(IMPACT_SD * self._random.standard_normal()))
        self.track.impacts[side].append((self._t, strength))

        duty = usual.duty_factor
        phase = (self._n - side) // 2
        rolled = (self._t + LAST_ROLL_S, REST_PHASE) if stays else (tc_s, duty)
        self.track.leg_clocks[side] += [(self._t, float(phase)), (rolled[0], phase + rolled[1])]
        insort(self.track.pelvis_clock, (self._t, self._n / 2))
        self.ready_s = previous_s
        if not stays:
            insort(self.track.pelvis_clock, (tc_s, self._n / 2 + duty))
        elif self._stopping:
            insort(self.track.pelvis_clock, (rolled[0], self._n / 2 + rolled[1]))
            self._moving = self._stopping = False
            self._walk_to(self._t + 2 * LAST_ROLL_S, 0.0)
            self.ready_s = self._t
        else:
            self._stopping = True

    def _footfall(
        self,
        side: Side,
        tc_s: float,
        ahead: float,
        inclination: float,
        form: Form,
        knot: Knot,
        stride_s: float,
    ) -> Footfall:
        here = self._here
        zero, speed = np.zeros(1), np.array([here.speed_mps])
        # The ankle still moves when the foot lands, and the pelvis bobs along its path: both are part of
        # "ahead".
        shapes = WALK if knot.walking else RUN
        rolls = float(shapes.ankle_along(zero, speed)[0]) * here.speed_mps * stride_s
        bobs = knot.vigour * knot.period**2 * float(shapes.pelvis_along(zero - knot.braking, speed)[0])
        forward = ahead + bobs - rolls
        width = STANCE_WIDTH_M + knot.vigour * (STEP_WIDTH_M - STANCE_WIDTH_M)
        left = width / 2 if side is Side.LEFT else -width / 2
        cos, sin = np.cos(here.heading_rad), np.sin(here.heading_rad)
        shank_ic = -inclination + gait.STANDING_SHANK_RAD - float(shapes.shank(zero, speed)[0])
        return Footfall(
            self._t,
            tc_s,
            here.x_m + cos * forward - sin * left,
            here.y_m + sin * forward + cos * left,
            here.z_m + self._follower.intent.grade * forward,
            shank_ic,
            form.mid_stance_rad,
            form.retraction_radps * stride_s,
        )

    def _walk_to(self, t_s: float, speed_mps: float) -> None:
        """Extends the path to `t_s`, reaching `speed_mps` and keeping the intended slope and bend."""
        intent, here = self._follower.intent, self._here
        first, end = int(np.ceil(self._t / GRID_S)), int(np.ceil(t_s / GRID_S))
        times = np.append(np.arange(first, end) * GRID_S, t_s)
        elapsed = times - self._t
        share = elapsed / (t_s - self._t)
        turn = intent.turn_radps if speed_mps > 0.0 else 0.0
        heading = here.heading_rad + turn * elapsed
        speed = here.speed_mps + (speed_mps - here.speed_mps) * share * share * (3.0 - 2.0 * share)
        # Midpoint rule over each little interval, from where the last call ended.
        spans = np.diff(elapsed, prepend=0.0)
        mean_speed = (speed + np.concatenate([[here.speed_mps], speed[:-1]])) / 2
        way = spans * mean_speed
        middle = heading - turn * spans / 2
        rows = np.column_stack(
            [
                here.x_m + np.cumsum(way * np.cos(middle)),
                here.y_m + np.cumsum(way * np.sin(middle)),
                here.z_m + np.cumsum(way * intent.grade),
                heading,
                speed,
            ]
        )
        self._here = Path(*rows[-1].tolist())
        self.track.extend_path(rows[:-1])
        self._t = t_s


def _share_of_a_step(seconds: float) -> float:
    """Of a change of form that takes so long, and some strides at least."""
    return 1.0 / max(STEPS_TO_CHANGE, seconds * EASY_STEPS_PER_S)


def _impact_mps2(speed_mps: float, walking: bool) -> float:
    """Strength of a usual landing at the shank, 6 g running at 3.5 m/s: a setting, not a measurement."""
    return G_MPS2 * (2.0 if walking else 6.0 + 1.5 * (speed_mps - 3.5))
