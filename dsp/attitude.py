"""Once a stride: what velocity says about tilt. One Kalman filter per pod.

State for each of the two horizontal world axes: velocity error, tilt error, drift, accelerometer bias; both axes share
one covariance. The filter sees velocity, so a change of pace is not read as lean. Errors are kept beside the raw
integrals (`x`), and folded into attitude and velocity before they grow beyond small angles.

Sign: `x[1]` is where true up lies in the pod's world, (x, y, 1): tilt error times g is acceleration error.
"""

import math

from dsp.jit import kernel
from dsp.params import G_MPS2
from dsp.quaternion import product, rotate, turn_world
from dsp.state import QUAT, RING, VEL, T

REST_MPS = 0.02  # SD of the velocity where rest ends: a body sways by 5 mm at a quarter of a hertz, and starts smoothly
UNKNOWN_MPS2 = 100.0  # variance of a velocity that nothing tells: 10 m/s, as fast as anybody runs
SURPRISE_GAIN, SURPRISE_MOST = 0.1, 25.0  # mean of the last ten updates; one of more than 5 SD, a stumble, counts as 5
FOLD_RAD = 0.03  # tilt error that is folded in: half its square, 5e-4, is what small angles neglect


@kernel
def begin(pod, co, t, acc_bias, known):  # type: ignore[no-untyped-def]
    """Start the filter at `t`; `known` above 0 when the pod was at rest then.

    A float, for numba compiles a function anew for every truth value that is written out in a call.
    """
    for i in range(4):
        for j in range(2):
            pod["x"][i, j] = 0.0
        for j in range(4):
            pod["p"][i, j] = 0.0
    p = pod["p"]
    p[0, 0] = REST_MPS**2 if known > 0.0 else UNKNOWN_MPS2
    p[1, 1] = (co["tilt_rest_sd_rad"] if known > 0.0 else co["tilt_unknown_sd_rad"]) ** 2
    p[2, 2] = (co["drift_rest_sd_radps"] if pod["rest_s"] > -math.inf else co["drift_unknown_sd_radps"]) ** 2
    p[3, 3] = acc_bias**2
    pod["kf_s"] = t
    pod["kf_n"] = 0


@kernel
def predict(pod, co, t, heading):  # type: ignore[no-untyped-def]
    """Take the filter to time `t` (s) and the pod's heading (rad) there.

    Drift and accelerometer bias belong to the sensor, so they turn with it. The gyro feels some of the turn about its
    other axes. A pod that was lost for a while carries the extra uncertainty in its covariance already (`loosen`).
    """
    x = pod["x"]
    p = pod["p"]
    dt = t - pod["kf_s"]
    turned = heading - pod["kf_heading"] if pod["kf_n"] > 0 else 0.0
    c, s = math.cos(turned), math.sin(turned)
    for i in range(2, 4):
        a, b = x[i, 0], x[i, 1]
        x[i, 0] = c * a - s * b
        x[i, 1] = s * a + c * b
    f1, f2 = G_MPS2 * dt, 0.5 * G_MPS2 * dt * dt
    for j in range(2):
        x[0, j] += f1 * x[1, j] + f2 * x[2, j] + dt * x[3, j]
        x[1, j] += dt * x[2, j]
    for j in range(4):  # F P
        p[0, j] += f1 * p[1, j] + f2 * p[2, j] + dt * p[3, j]
        p[1, j] += dt * p[2, j]
    for i in range(4):  # (F P) F'
        p[i, 0] += f1 * p[i, 1] + f2 * p[i, 2] + dt * p[i, 3]
        p[i, 1] += dt * p[i, 2]
    grow = abs(dt)
    p[0, 0] += co["velocity_walk_mps"] ** 2 * grow
    p[1, 1] += co["tilt_walk_rad"] ** 2 * grow + (co["cross_axis"] * math.atan2(s, c)) ** 2
    p[2, 2] += co["drift_walk_radps"] ** 2 * grow
    pod["kf_s"] = t
    pod["kf_heading"] = heading


@kernel
def update(pod, zx, zy, sd):  # type: ignore[no-untyped-def]
    """The velocity error was measured: (zx, zy), m/s, with standard deviation `sd`."""
    x = pod["x"]
    p = pod["p"]
    s = p[0, 0] + sd * sd
    k0, k1, k2, k3 = p[0, 0] / s, p[1, 0] / s, p[2, 0] / s, p[3, 0] / s
    ex, ey = zx - x[0, 0], zy - x[0, 1]
    if pod["kf_n"] > 0:
        pod["surprise"] += SURPRISE_GAIN * (min((ex * ex + ey * ey) / (2.0 * s), SURPRISE_MOST) - pod["surprise"])
    x[0, 0] += k0 * ex
    x[0, 1] += k0 * ey
    x[1, 0] += k1 * ex
    x[1, 1] += k1 * ey
    x[2, 0] += k2 * ex
    x[2, 1] += k2 * ey
    x[3, 0] += k3 * ex
    x[3, 1] += k3 * ey
    r0, r1, r2, r3 = p[0, 0], p[0, 1], p[0, 2], p[0, 3]
    for i in range(4):
        k = p[i, 0] / s
        p[i, 0] -= k * r0
        p[i, 1] -= k * r1
        p[i, 2] -= k * r2
        p[i, 3] -= k * r3
    for i in range(4):  # rounding must not make it lopsided
        for j in range(i):
            m = 0.5 * (p[i, j] + p[j, i])
            p[i, j] = m
            p[j, i] = m
    pod["kf_n"] += 1


@kernel
def loosen(pod, tilt_sd, velocity_sd):  # type: ignore[no-untyped-def]
    """Samples were lost: the attitude is less certain by `tilt_sd` (rad), the velocity by `velocity_sd` (m/s)."""
    pod["p"][0, 0] += velocity_sd * velocity_sd
    pod["p"][1, 1] += tilt_sd * tilt_sd


@kernel
def tilt_sd(pod):  # type: ignore[no-untyped-def]
    """Standard deviation of the tilt, rad: what the filter expects, by how far measurements surprise it more or less.

    The accelerometer's own bias is part of it that no measurement shows.
    """
    p = pod["p"]
    unseen = min(p[3, 3] / (G_MPS2 * G_MPS2), p[1, 1])
    return math.sqrt(unseen + (p[1, 1] - unseen) * pod["surprise"])


@kernel
def tilt_at(pod, t):  # type: ignore[no-untyped-def]
    """Tilt error (x, y; rad) at time `t`."""
    dt = t - pod["kf_s"]
    x = pod["x"]
    return x[1, 0] + x[2, 0] * dt, x[1, 1] + x[2, 1] * dt


@kernel
def velocity_error_at(pod, t):  # type: ignore[no-untyped-def]
    """Velocity error (x, y; m/s) at time `t`."""
    dt = t - pod["kf_s"]
    x = pod["x"]
    f1, f2 = G_MPS2 * dt, 0.5 * G_MPS2 * dt * dt
    return (
        x[0, 0] + f1 * x[1, 0] + f2 * x[2, 0] + dt * x[3, 0],
        x[0, 1] + f1 * x[1, 1] + f2 * x[2, 1] + dt * x[3, 1],
    )


@kernel
def fold(pod):  # type: ignore[no-untyped-def]
    """Move the error state into attitude and velocity, the ring's rows included. Rare, so its cost is nothing."""
    x = pod["x"]
    ring = pod["ring"]
    if x[1, 0] ** 2 + x[1, 1] ** 2 < FOLD_RAD**2:
        return
    dx, dy = x[1, 0], x[1, 1]
    size = math.sqrt(dx * dx + dy * dy)
    angle = math.atan(size)
    if size > 1e-9:
        dx *= angle / size
        dy *= angle / size
    # Drift and accelerometer bias stay in the state; what tilt and velocity error did to the rows goes out of them. A
    # specific force that was integrated in a tipped world is v + g t, and turns as one: a start from nowhere is tipped
    # by 20 degrees, of which the cosine alone is 6 % of speed.
    climb = pod["v"][2]
    c, s = math.cos(0.5 * angle), math.sin(0.5 * angle) / angle if angle > 1e-9 else 0.5
    for k in range(max(pod["first"], pod["n"] - RING), pod["n"]):
        i = k & (RING - 1)
        dt = ring[i, T] - pod["kf_s"]
        q = ring[i, QUAT], ring[i, QUAT + 1], ring[i, QUAT + 2], ring[i, QUAT + 3]
        ring[i, QUAT], ring[i, QUAT + 1], ring[i, QUAT + 2], ring[i, QUAT + 3] = product(c, s * dy, -s * dx, 0.0, *q)
        vx, vy, vz = ring[i, VEL] - x[0, 0], ring[i, VEL + 1] - x[0, 1], ring[i, VEL + 2] - climb + G_MPS2 * dt
        ring[i, VEL], ring[i, VEL + 1], vz = rotate(c, s * dy, -s * dx, 0.0, vx, vy, vz)
        ring[i, VEL + 2] = vz - G_MPS2 * dt
    dt = pod["t_s"] - pod["kf_s"]
    v = pod["v"]
    v[0], v[1], vz = rotate(c, s * dy, -s * dx, 0.0, v[0] - x[0, 0], v[1] - x[0, 1], G_MPS2 * dt)
    v[2] = vz - G_MPS2 * dt
    turn_world(pod["q"], dy, -dx, 0.0)
    fx, fy, fz = pod["force"]
    pod["force"][0], pod["force"][1], pod["force"][2] = rotate(c, s * dy, -s * dx, 0.0, fx, fy, fz)
    for j in range(2):
        x[0, j] = 0.0
        x[1, j] = 0.0
