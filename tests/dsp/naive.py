"""Slow plain twins of the kernels, in numpy and scipy: written from the formulas, not from the kernels."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

G = 9.80665
Array = NDArray[np.float64]


def rotation(q: Array) -> Rotation:
    """A scipy rotation of a quaternion (w, x, y, z)."""
    return Rotation.from_quat(np.roll(q, -1))


def strapdown(acc: Array, gyr: Array, dt: float) -> tuple[Rotation, Array]:
    """Attitude and velocity after all samples, from level: trapezium of rates and of forces."""
    attitude, velocity = Rotation.identity(), np.zeros(3)
    force = attitude.apply(acc[0])
    for k in range(1, len(acc)):
        attitude = attitude * Rotation.from_rotvec(0.5 * (gyr[k] + gyr[k - 1]) * dt)
        new = attitude.apply(acc[k])
        velocity = velocity + (0.5 * (new + force) - [0.0, 0.0, G]) * dt
        force = new
    return attitude, velocity


def line(times: Array) -> tuple[float, float]:
    """Period and last time of the least-squares line through time stamps."""
    n = np.arange(len(times))
    slope, start = np.polyfit(n, times, 1)
    return float(slope), float(start + slope * n[-1])


def filter_step(x: Array, p: Array, dt: float, walk: Array, z: Array, sd: float) -> tuple[Array, Array]:
    """Predict by `dt` and update with the velocity error `z` (2,): matrices as in any textbook."""
    rates = np.zeros((4, 4))
    rates[0, 1], rates[0, 3], rates[1, 2] = G, 1.0, 1.0
    f, h = expm(rates * dt), np.array([[1.0, 0.0, 0.0, 0.0]])
    x, p = f @ x, f @ p @ f.T + np.diag(walk**2 * dt)
    gain = p @ h.T / (h @ p @ h.T + sd**2)
    return x + gain @ (z[None, :] - h @ x), (np.eye(4) - gain @ h) @ p


def hinge(gyr: Array, dt: float, tau: float, least: float) -> Array:
    """Leading eigenvector of the fading covariance of the rate, + to the left."""
    weight = dt / tau
    cov = np.diag([0.0, 2.0, 0.0])
    for w in gyr:
        if w @ w > least**2:
            cov += weight * (np.outer(w, w) - cov)
    axis = np.linalg.eigh(cov)[1][:, -1]
    return axis * np.sign(axis[1])
