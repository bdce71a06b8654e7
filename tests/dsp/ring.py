"""What a pod's ring holds, as plain arrays, and what strides are made of it, in numpy and scipy: slow twins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp import state

G = 9.80665
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ring:
    """All by sample, oldest first; the world is the pod's own, z up."""

    t: Array
    gyr: Array
    attitude: Rotation  # sensor into world
    vel: Array
    rate: Array
    fall: Array

    def between(self, after_s: float, until_s: float) -> "Ring":
        """Samples later than the last one at or before `after_s`, up to `until_s`."""
        some = slice(*np.searchsorted(self.t, (after_s, until_s), side="right"))
        return Ring(self.t[some], self.gyr[some], self.attitude[some], self.vel[some], self.rate[some], self.fall[some])


def ring_of(pod: np.void) -> Ring:
    n = int(pod["n"])
    rows = pod["ring"][np.arange(max(int(pod["first"]), n - state.RING), n) % state.RING]
    return Ring(
        rows[:, state.T].copy(),
        rows[:, state.GYR : state.GYR + 3].copy(),
        Rotation.from_quat(np.roll(rows[:, state.QUAT : state.QUAT + 4], -1, axis=1)),
        rows[:, state.VEL : state.VEL + 3].copy(),
        rows[:, state.RATE].copy(),
        rows[:, state.FALL].copy(),
    )


def true_up(pod: np.void, t: float) -> Array:
    """Where up is in the pod's world, not unit: the filter's tilt error at `t`."""
    return np.array([*(pod["x"][1] + pod["x"][2] * (t - pod["kf_s"])), 1.0])


def ankle(ring: Ring, up: Array, arm_m: float) -> Array:
    """Horizontal velocity of the ankle, `arm_m` below the pod along the shank, by sample (n, 2)."""
    return (ring.vel - arm_m * ring.attitude.apply(np.cross(ring.gyr, up)))[:, :2]


def way(ring: Ring, up: Array, arm_m: float, dt: float) -> Array:
    """Where the ankle got to from the first sample to the last, (2,): the pod's way, less the arm's turn."""
    pod_way = np.trapezoid(ring.vel, dx=dt, axis=0)
    turned = ring.attitude[-1].apply(up) - ring.attitude[0].apply(up)
    return (pod_way - arm_m * turned)[:2]


def inclination(ring: Ring, pod: np.void, forward: Array, t: float) -> float:
    """Of the shank's long axis in the plane of travel at `t`, rad, ankle ahead +."""
    k = np.searchsorted(ring.t, t, side="right") - 1
    share = (t - ring.t[k]) / (ring.t[k + 1] - ring.t[k])
    ends = ring.attitude[k : k + 2].apply(pod["up"])
    axis = (1.0 - share) * ends[0] + share * ends[1]
    up = true_up(pod, t)
    up /= np.linalg.norm(up)
    along = np.array([*forward, 0.0])
    along -= (along @ up) * up
    return float(np.arctan2(-(axis @ along), axis @ up))


def pelvis(ring: Ring, pod: np.void, lean_rad: float, tc: float, right: bool) -> dict[str, float]:
    """The pelvis's columns from the samples of one stride, every one of them looked at."""
    up, forward = pod["up"], pod["axis"]
    left = np.cross(up, forward)
    vertical = ring.attitude.inv().apply(true_up(pod, 0.5 * (ring.t[0] + ring.t[-1])))
    tilt = -np.arcsin(vertical @ forward)
    raised = np.arcsin(vertical @ left) * (-1.0 if right else 1.0)
    heading = ring.attitude.apply(forward - np.tan(lean_rad) * up)
    yaw = np.unwrap(np.arctan2(heading[:, 1], heading[:, 0]))
    yaw -= np.linspace(yaw[0], yaw[-1], len(yaw))
    climb = ring.vel[:, 2] - np.linspace(ring.vel[0, 2], ring.vel[-1, 2], len(ring.t))
    height = np.cumsum(climb - climb.mean()) * pod["period_s"]
    share = np.arange(len(yaw)) / len(yaw)
    forward = yaw if right else -yaw
    foremost = np.maximum(forward - forward.max() + 0.25 * np.ptp(yaw), 0.0)
    lag = np.angle(foremost @ np.exp(2j * np.pi * share)) / (2.0 * np.pi)
    return {
        "pelvic_tilt_rad": float(tilt.mean()),
        "pelvic_tilt_range_rad": float(np.ptp(tilt)),
        "pelvic_drop_rad": float(raised[ring.t < tc].max()),
        "pelvic_obliquity_range_rad": float(np.ptp(raised)),
        "pelvic_rotation_range_rad": float(np.ptp(yaw)),
        "pelvic_rotation_lag": float(lag % 1.0),
        "vertical_oscillation_m": float(np.ptp(height)),
    }


def braking(ring: Ring, pod: np.void, forward: Array, ic: float, tc: float) -> tuple[float, float]:
    """Share of stance at which the pelvis is slowest, between 10 and 75 % of it, and the speed lost until then."""
    age = ring.t - ic
    speed = ring.vel[:, :2] @ forward - G * age * (pod["x"][1] @ forward)
    looked = np.flatnonzero((age > 0.1 * (tc - ic)) & (age <= 0.75 * (tc - ic)))
    slowest = looked[speed[looked].argmin()]
    return float(age[slowest] / (tc - ic)), float(speed[0] - speed[slowest])
