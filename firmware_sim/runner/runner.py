"""A runner with known truth: the ideal signals of three pods, and what they should be found to mean.

`SimulatedRunner` turns planned steps (steps.py) and the waveforms of the stride (body.py) into one smooth motion
of the pelvis and both shanks (curve.py), and reads from it, at any instant, what a perfect sensor would feel.
The ankle stands on the ground from shortly after initial contact until the heel leaves, with the shank
turning over it.

Units: SI and radians, axes as in dsp/types.py. Time is true time; the runner's own clock starts at `start_s`.
"""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp.params import G_MPS2
from dsp.types import Role, Side
from firmware_sim.runner.body import compose
from firmware_sim.runner.curve import Curve
from firmware_sim.runner.form import NATURAL, Form
from firmware_sim.runner.plan import Plan, parse
from firmware_sim.runner.rigid import body_motion
from firmware_sim.runner.steps import Stepper
from firmware_sim.runner.track import GRID_S, Footfall
from firmware_sim.runner.truth import TrueStride, true_strides

Array = NDArray[np.float64]

# Where the pods sit, in the segment's axes. Shank: from the ankle's centre to the inner face of the tibia;
# pelvis: from the middle between the hips to the sacrum.
SHANK_SITE_M = (0.02, 0.035, 0.16)  # sideways towards the other leg
PELVIS_SITE_M = (-0.10, 0.0, 0.03)
# A landing shakes pod and strap: a short damped swing, back where it was when it is over. Strap resonance is
# 15-40 Hz.
IMPACT_HZ, IMPACT_DECAY_S = 17.0, 0.010  # rises for 8 ms
IMPACT_LASTS_S = 0.3  # nothing is left of it then
IMPACT_FORWARD = 0.3  # share along the shank's x
IMPACT_AT_PELVIS, IMPACT_DELAY_S = 0.12, 0.008  # how much of it reaches the sacrum, and when
KEPT_S = 30.0  # motion this far behind what is asked for is forgotten
TRUTH_KEPT = 20_000  # strides, when nobody takes them


class Motion(NamedTuple):
    """What perfect sensors feel."""

    acc: Array  # (n, 3) specific force, m/s2; at rest it points up with 1 g
    gyr: Array  # (n, 3) angular rate, rad/s


class SimulatedRunner:
    """One runner, deterministic for its seed and for what it is told. Before `start_s` it stands still."""

    def __init__(
        self, plan: Plan | str = "clean", *, seed: int = 0, form: Form = NATURAL, start_s: float = 0.0
    ) -> None:
        self._start_s = start_s
        self._steps = Stepper(parse(plan) if isinstance(plan, str) else plan, form, seed)
        self._curve = Curve(GRID_S, 18)
        self._newest_s = 0.0
        self._truth: deque[TrueStride] = deque(maxlen=TRUTH_KEPT)
        self._told = [0, 0]  # footfall numbers up to which truth is out
        # The runner has always been standing there.
        self._steps.plan_until(0.0)
        self._curve.start_at(-4)
        self._curve.append(np.repeat(compose(self._steps.track, 0, 1), 4, axis=0))

    def start(self, true_s: float) -> None:
        """Ends the waiting of a runner made with `start_s` infinite, who stood still so far."""
        self._start_s = true_s

    def motion(self, role: Role, t_s: Array) -> Motion:
        """Ideal signals of the pod `role` at true times (n,), in the segment's axes.

        Raises ValueError for times far (30 s) behind those that were asked for before.
        """
        t = np.maximum(np.asarray(t_s, float) - self._start_s, 0.0)
        self._reach(t)
        pose, rate, acceleration = self._curve.at(t, slice(6 * role, 6 * role + 6), order=2)
        acc, gyr = body_motion(pose, rate, acceleration, site_m(role), G_MPS2)
        return Motion(acc + self._impact(role, t), gyr)

    def pose(self, role: Role, t_s: Array) -> Array:
        """True pose (n, 6) in the world: place of pelvis centre or ankle (m), then yaw, pitch, roll (rad)."""
        t = np.maximum(np.asarray(t_s, float) - self._start_s, 0.0)
        self._reach(t)
        return self._curve.at(t, slice(6 * role, 6 * role + 6))[0]

    def pressure_pa(self, t_s: float) -> float:
        """Air pressure at the pelvis: ICAO standard atmosphere (Doc 7488), 100 m above the sea at the start."""
        height_m = 100.0 + float(self.pose(Role.PELVIS, np.array([t_s]))[0, 2])
        return float(101_325.0 * (1.0 - 2.25577e-5 * height_m) ** 5.25588)

    def hear(self, fault: str) -> None:
        """A cue was heard. A runner who has the fault and listens corrects it, from the fourth stride on."""
        self._steps.hear(fault)

    def take_truth(self) -> list[TrueStride]:
        """The strides finished since the last call, in order of their end."""
        taken = list(self._truth)
        self._truth.clear()
        return taken

    def _reach(self, t: Array) -> None:
        """Composes the motion until it is known at all of `t`, and forgets what is long past."""
        if not len(t):
            return
        self._newest_s = max(self._newest_s, float(t[-1]))
        if self._curve.known_s <= self._newest_s + GRID_S:
            self._steps.plan_until(self._newest_s + 0.1)
            end = int(self._steps.ready_s / GRID_S)
            self._curve.append(compose(self._steps.track, self._curve.end, end))
            self._tell()
            self._curve.forget_before(float(t[0]) - KEPT_S)
            self._steps.track.forget_before(end * GRID_S - 2.0, float(t[0]) - KEPT_S)

    def _impact(self, role: Role, t: Array) -> Array:
        """Shaking of the pod after landings, (n, 3) m/s2."""
        out = np.zeros((len(t), 3))
        for side in Side:
            own = role == Role.SHANK_LEFT + side
            if not own and role is not Role.PELVIS:
                continue
            falls = np.array(self._steps.track.impacts[side]).reshape(-1, 2)
            late = 0.0 if own else IMPACT_DELAY_S
            last = np.searchsorted(falls[:, 0], t - late, side="right") - 1
            shaking = _ring(t - late - falls[last, 0]) * np.where(last < 0, 0.0, falls[last, 1])
            if own:
                out += shaking[:, None] * np.array([IMPACT_FORWARD, 0.0, 1.0])
            else:
                out[:, 2] += IMPACT_AT_PELVIS * shaking
        return out

    def _tell(self) -> None:
        """Works out the truth of strides that the composed motion now covers."""
        ready: list[tuple[Side, Footfall, Footfall]] = []
        for side in Side:
            falls, first = self._steps.track.footfalls[side], self._steps.track.first_footfall[side]
            for i in range(max(self._told[side] - first, 0), len(falls) - 1):
                if falls[i + 1].ic_s + GRID_S >= self._curve.known_s:
                    break
                self._told[side] = first + i + 1
                if np.isfinite(falls[i].tc_s):
                    ready.append((side, falls[i], falls[i + 1]))
        ready.sort(key=lambda stride: stride[2].ic_s)
        self._truth += true_strides(self._curve, ready, self._start_s)


def site_m(role: Role) -> Array:
    """Where the pod sits from the pose's point, in the segment's axes, (3,)."""
    if role is Role.PELVIS:
        return np.array(PELVIS_SITE_M)
    x, inwards, z = SHANK_SITE_M
    return np.array([x, -inwards if role is Role.SHANK_LEFT else inwards, z])


def _ring(u: Array) -> Array:
    """Acceleration of the pod's swing after a landing, largest value 1, at times `u` (n,) s after it.

    The second derivative of d(u) = (u/T)^2 exp(-u/T) (1 - cos w u): no speed and no offset is left behind.
    """
    u = np.clip(u, 0.0, IMPACT_LASTS_S)
    rate, w = 1.0 / IMPACT_DECAY_S, 2.0 * np.pi * IMPACT_HZ
    x = u * rate
    ramp, ramp1, ramp2 = x * x, rate * (2.0 - x) * x, rate * rate * (2.0 - 4.0 * x + x * x)
    swing, swing1, swing2 = 1.0 - np.cos(w * u), w * np.sin(w * u), w * w * np.cos(w * u)
    return np.exp(-u * rate) * (ramp2 * swing + 2.0 * ramp1 * swing1 + ramp * swing2) / _RING_PEAK


_RING_PEAK = 1.0
_RING_PEAK = float(_ring(np.linspace(0.0, IMPACT_LASTS_S, 3001)).max())
