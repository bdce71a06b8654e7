"""How a pod sits on its segment: the hinge axis of a shank, the forward axis of the pelvis. All in sensor axes.

Standing gives the vertical (orientation.py); the running motion gives the rest.
"""

import math

from dsp.jit import inlined, kernel
from dsp.quaternion import sense_row
from dsp.state import RING

EVERY = 16  # samples between two estimates of a hinge axis


@inlined
def watch_hinge(pod, co):  # type: ignore[no-untyped-def]
    """Follow the axis a shank turns about: leading eigenvector of the fading covariance of the rate.

    It begins near the sensor's left and goes on from there; that it is the leg's left, facing.py sees to. One power
    iteration in 16 samples is plenty: the leading eigenvalue is tens of times the next. Returns whether there was one.
    """
    w = pod["gyr"]
    cov = pod["cov"]
    axis = pod["axis"]
    if pod["axis_n"] == 0:  # sensor y, made level: twice the weight of a fast rotation until motion says more
        up = pod["up"]
        d = up[1]
        x, y, z = -d * up[0], 1.0 - d * up[1], -d * up[2]
        norm = math.sqrt(x * x + y * y + z * z)
        axis[0], axis[1], axis[2] = x / norm, y / norm, z / norm
        cov[0], cov[1], cov[2] = 2.0 * axis[0] * axis[0], 2.0 * axis[0] * axis[1], 2.0 * axis[0] * axis[2]
        cov[3], cov[4], cov[5] = 2.0 * axis[1] * axis[1], 2.0 * axis[1] * axis[2], 2.0 * axis[2] * axis[2]
    pod["axis_n"] += 1
    x, y, z = w[0], w[1], w[2]
    if x * x + y * y + z * z > co["axis_min_radps"] ** 2:
        k = pod["period_s"] / co["axis_tau_s"]
        cov[0] += k * (x * x - cov[0])
        cov[1] += k * (x * y - cov[1])
        cov[2] += k * (x * z - cov[2])
        cov[3] += k * (y * y - cov[3])
        cov[4] += k * (y * z - cov[4])
        cov[5] += k * (z * z - cov[5])
    renewed = pod["axis_n"] % EVERY == 0
    if renewed:
        a = cov[0] * axis[0] + cov[1] * axis[1] + cov[2] * axis[2]
        b = cov[1] * axis[0] + cov[3] * axis[1] + cov[4] * axis[2]
        c = cov[2] * axis[0] + cov[4] * axis[1] + cov[5] * axis[2]
        norm = math.sqrt(a * a + b * b + c * c)
        if norm > 1e-9:
            axis[0], axis[1], axis[2] = a / norm, b / norm, c / norm
    return renewed


@kernel
def learn_forward(pod, co, first, last, hx, hy):  # type: ignore[no-untyped-def]
    """Pull the pelvis's forward axis towards the direction of travel (hx, hy; world), seen from ring rows first..last.

    The mean of all strides, made square to up: side to side the pelvis turns, but not on average. It must settle, and
    not forget: the direction of travel itself leans on this axis (midstance.guide_pelvis), so a mean that fades
    walks away with a pelvis that is tipped far forward, by degrees in a quarter of an hour.
    """
    ring = pod["ring"]
    sx, sy, sz = 0.0, 0.0, 0.0
    n = 0
    for k in range(first, last, 4):  # every fourth row is plenty for a mean
        n += 1
        i = k & (RING - 1)
        x, y, z = sense_row(ring, i, hx, hy, 0.0)
        sx += x
        sy += y
        sz += z
    pod["axis_n"] += 1
    gain = 1.0 / pod["axis_n"]
    total = pod["forward_sum"]
    total[0] += gain * (sx / n - total[0])
    total[1] += gain * (sy / n - total[1])
    total[2] += gain * (sz / n - total[2])
    square(pod, total[0], total[1], total[2])


@kernel
def square(pod, x, y, z):  # type: ignore[no-untyped-def]
    """Set the forward axis to the part of (x, y, z) that is level in standing."""
    up = pod["up"]
    d = x * up[0] + y * up[1] + z * up[2]
    x, y, z = x - d * up[0], y - d * up[1], z - d * up[2]
    norm = math.sqrt(x * x + y * y + z * z)
    axis = pod["axis"]
    axis[0], axis[1], axis[2] = x / norm, y / norm, z / norm
