"""One pod on its own: its sample clock, rest, strap-down attitude and velocity, and the ring of recent samples.

No sample is corrected towards gravity here. In running the accelerometer says where up is only on average over a
stride, so the correction waits for the stride (attitude.py). The world of a pod is z up with its own heading.
"""

import math

from dsp.jit import inlined, kernel
from dsp.params import G_MPS2
from dsp.quaternion import level, rotate, turn, turn_world
from dsp.state import ACC, FALL, GYR, QUAT, RING, VEL, T

BLOCK_S = 0.25  # rest is counted by so much
UPRIGHT = 0.82  # cosine of 35 deg: a pod that is worn as instructed is never further from upright in standing


@inlined
def tick(pod, co, t):  # type: ignore[no-untyped-def]
    """Take the time stamp `t` (s); returns how many samples were lost before it, or -1 when it must be dropped.

    A line through the recent time stamps gives the period and the smoothed time: an expanding, then fading memory
    least-squares line (g-h filter, Brookner 1998, Tracking and Kalman Filtering Made Easy).
    """
    if not (t > pod["raw_s"] and t < math.inf):
        pod["dropped"] += 1
        return -1
    step = t - pod["raw_s"]
    pod["raw_s"] = t
    pod["seen"] += 1
    if pod["seen"] == 1:
        pod["t_s"] = t
        pod["n_phase"] = 1
        pod["n_rate"] = 1
        return 0
    if pod["seen"] == 2 or (pod["n_rate"] < 16 and step < 0.6 * pod["period_s"]):
        pod["period_s"] = step  # the first steps held a gap: start over
        pod["t_s"] = t
        pod["n_phase"] = 2
        pod["n_rate"] = 2
        return 0
    period = pod["period_s"]
    error = t - pod["t_s"] - period
    if (
        step > co["gap_periods"] * period
    ):  # from one stamp to the next: a clock that is being set right drifts past the line
        pod["n_phase"] = 1
        pod["t_s"] = t
        return int(step / period - 0.5) if step < 1e6 * period else 1000000
    if abs(error) > (co["gap_periods"] - 1.0) * period:  # the line is left behind: follow, nothing was lost
        pod["n_phase"] = 1
        pod["t_s"] = t
        return 0
    if pod["n_phase"] < co["clock_samples"]:  # the gains stay as they are from then on: divisions are slow
        pod["n_phase"] += 1
        k = pod["n_phase"]
        pod["phase_gain"] = 2.0 * (2.0 * k - 1.0) / (k * (k + 1.0))
    if pod["n_rate"] < co["clock_samples"]:
        pod["n_rate"] += 1
        k = pod["n_rate"]
        pod["rate_gain"] = 6.0 / (k * (k + 1.0))
    pod["t_s"] += period + error * pod["phase_gain"]
    pod["period_s"] = period + error * pod["rate_gain"]
    return 0


@inlined
def slow(co, gx, gy, gz):  # type: ignore[no-untyped-def]
    """Whether a pod that measures these rates (rad/s) may be at rest."""
    return gx * gx + gy * gy + gz * gz <= (co["rest_bias_radps"] + co["rest_gyr_radps"]) ** 2


@inlined
def watch_rest(pod, co, t, sample, may_calibrate):  # type: ignore[no-untyped-def]
    """Look for stillness; returns 1 when a quarter of a second more of proven rest was taken in.

    Rest is small deviation from a slow mean (Laidig & Seel 2023, section 3.4, doi 10.1016/j.inffus.2022.10.014).
    At rest the rate is the gyro's offset and the specific force is up. A start is so smooth that it passes for rest at
    first, so a quarter of a second counts only when the next one was rest too; else the speed gained in it were lost.
    """
    gx, gy, gz = sample[3], sample[4], sample[5]
    if not slow(co, gx, gy, gz):  # most of a run
        if pod["slow_n"] > 0:
            end_rest(pod)
        return 0
    ax, ay, az = sample[0], sample[1], sample[2]
    n = pod["slow_n"] + 1
    k = max(1.0 / n, pod["period_s"] / co["rest_tau_s"])
    pod["slow_n"] = n
    a = pod["slow_acc"]
    g = pod["slow_gyr"]
    dx, dy, dz = ax - a[0], ay - a[1], az - a[2]
    ex, ey, ez = gx - g[0], gy - g[1], gz - g[2]
    a[0] += k * dx
    a[1] += k * dy
    a[2] += k * dz
    g[0] += k * ex
    g[1] += k * ey
    g[2] += k * ez
    moved = n > 1 and (
        dx * dx + dy * dy + dz * dz > co["rest_acc_mps2"] ** 2
        or ex * ex + ey * ey + ez * ez > co["rest_gyr_radps"] ** 2
    )
    if moved or g[0] * g[0] + g[1] * g[1] + g[2] * g[2] > co["rest_bias_radps"] ** 2:
        end_rest(pod)
        return 0
    if n * pod["period_s"] < co["rest_settle_s"]:
        return 0
    block = pod["block_sum"]
    block[0] += ax
    block[1] += ay
    block[2] += az
    block[3] += gx
    block[4] += gy
    block[5] += gz
    for j in range(3):
        block[6 + j] += pod["force"][j]
    pod["block_n"] += 1
    if pod["block_n"] * pod["period_s"] < BLOCK_S:
        return 0
    take_rest_block(pod, co)
    if pod["resting_s"] < co["standing_s"]:
        return 0
    total = pod["rest_sum"]
    norm = math.sqrt(total[0] ** 2 + total[1] ** 2 + total[2] ** 2)
    for j in range(3):
        pod["rest_up"][j] = total[j] / norm
    if (may_calibrate or pod["anew"] or not pod["calibrated"]) and total[2] > UPRIGHT * norm:
        calibrate(pod)
    for j in range(3):  # what stands still feels 1 g
        pod["acc_offset"][j] = total[j] / pod["rest_n"] - G_MPS2 * total[j] / norm
    pod["rest_s"] = t - pod["held_n"] * pod["period_s"]
    pod["first"] = pod["n"]
    pod["ready"] = 1
    return 1


@kernel
def calibrate(pod):  # type: ignore[no-untyped-def]
    """The runner stands: up is where it is now, and nothing from before says how the pod is worn."""
    for j in range(3):
        pod["up"][j] = pod["rest_up"][j]
    pod["calibrated"] = 1
    pod["seat_sd_rad"] = 0.0
    pod["slipped"] = 0
    pod["off_n"] = 0
    pod["body_turn"][:] = 0.0
    pod["confirm_n"] = 0
    pod["usual_n"] = 0
    pod["lean_n"] = 0
    pod["axis_n"] = 0
    pod["drive_n"] = 0
    pod["moved_s"] = 0.0
    pod["lean"] = 0.0
    pod["cube"] = 0.0
    pod["size"] = 0.0


@kernel
def take_rest_block(pod, co):  # type: ignore[no-untyped-def]
    """A block of rest is whole: count the one before it, and refine the gyro's offset, the attitude and zero speed.

    A standing person sways like a pendulum, by a degree in seconds, so the mean rate is not the offset: what the
    vertical has turned in the sensor since the rest began is taken off. The attitude follows the sway the same way.
    A pause that is too short for that changes nothing.
    """
    total = pod["rest_sum"]
    held = pod["held_sum"]
    block = pod["block_sum"]
    gone = pod["held_v"]  # velocity at the end of the held block: zero, if that block was rest
    n = pod["held_n"]
    if n > 0:
        pod["rest_n"] += n
        size = math.sqrt(held[0] ** 2 + held[1] ** 2 + held[2] ** 2)
        ux, uy, uz = held[0] / size, held[1] / size, held[2] / size
        u0 = pod["first_up"]
        if pod["rest_n"] == n:
            u0[0], u0[1], u0[2] = ux, uy, uz
        for j in range(6):
            total[j] += held[j]
        pod["resting_s"] = pod["rest_n"] * pod["period_s"]
        proven = pod["resting_s"] - co["standing_s"]
        if proven >= 0.0:
            # sensor rotation seen by the vertical: -(u0 x u), from the first block's middle to this one's
            span = (pod["rest_n"] - n) * pod["period_s"]
            count = float(pod["rest_n"])
            bias = pod["bias"]
            bias[0] = total[3] / count + (u0[1] * uz - u0[2] * uy) / span
            bias[1] = total[4] / count + (u0[2] * ux - u0[0] * uz) / span
            bias[2] = total[5] / count + (u0[0] * uy - u0[1] * ux) / span
            for j in range(3):
                pod["v"][j] -= gone[j]
            more = int(proven / BLOCK_S + 0.5)
            if more < 2:
                level(pod["q"], ux, uy, uz)
            else:
                gain = max(1.0 / more, 0.15) / size
                turn_world(pod["q"], gain * held[7], -gain * held[6], 0.0)
    for j in range(3):
        gone[j] = pod["v"][j]
    for j in range(9):
        held[j] = block[j]
        block[j] = 0.0
    pod["held_n"] = pod["block_n"]
    pod["block_n"] = 0


@kernel
def end_rest(pod):  # type: ignore[no-untyped-def]
    """The pod moves: forget the rest in hand."""
    pod["slow_n"] = 0
    pod["rest_n"] = 0
    pod["block_n"] = 0
    pod["held_n"] = 0
    pod["resting_s"] = 0.0
    for j in range(6):
        pod["rest_sum"][j] = 0.0
    for j in range(9):
        pod["block_sum"][j] = 0.0
        pod["held_sum"][j] = 0.0


@kernel
def lose_attitude(pod):  # type: ignore[no-untyped-def]
    """What is known of attitude and velocity is wrong: begin anew, in motion."""
    pod["first"] = pod["n"]
    pod["ready"] = 0
    pod["kf_n"] = 0
    end_rest(pod)
    pod["rest_s"] = min(pod["rest_s"], pod["t_s"] - 1e3)


@inlined
def advance(pod, t, sample):  # type: ignore[no-untyped-def]
    """One sample further: attitude (trapezium of the rates), velocity (trapezium of the forces), one ring row.

    sample: (6,) specific force m/s2 and rate rad/s, sensor axes.
    """
    last = pod["gyr"]
    bias = pod["bias"]
    q = pod["q"]
    v = pod["v"]
    force = pod["force"]
    ax, ay, az = sample[0], sample[1], sample[2]
    off = pod["acc_offset"]
    wx, wy, wz = sample[3] - bias[0], sample[4] - bias[1], sample[5] - bias[2]
    n = pod["n"]
    half = 0.5 * pod["period_s"] if n > 0 else 0.0
    # in locals: the compiler cannot know that these arrays do not overlap
    q0, q1, q2, q3 = turn(q[0], q[1], q[2], q[3], wx + last[0], wy + last[1], wz + last[2], half)
    fx, fy, fz = rotate(q0, q1, q2, q3, ax - off[0], ay - off[1], az - off[2])
    vx = v[0] + (fx + force[0]) * half
    vy = v[1] + (fy + force[1]) * half
    vz = v[2] + (fz + force[2] - 2.0 * G_MPS2) * half
    q[0], q[1], q[2], q[3] = q0, q1, q2, q3
    v[0], v[1], v[2] = vx, vy, vz
    last[0], last[1], last[2] = wx, wy, wz
    force[0], force[1], force[2] = fx, fy, fz
    row = pod["ring"][n & (RING - 1)]
    row[T] = t
    row[ACC], row[ACC + 1], row[ACC + 2] = ax, ay, az
    row[GYR], row[GYR + 1], row[GYR + 2] = wx, wy, wz
    row[QUAT], row[QUAT + 1], row[QUAT + 2], row[QUAT + 3] = q0, q1, q2, q3
    row[VEL], row[VEL + 1], row[VEL + 2] = vx, vy, vz
    row[FALL] = fz - G_MPS2
    pod["n"] = n + 1
    if not pod["ready"]:
        start(pod, ax, ay, az)


@kernel
def start(pod, ax, ay, az):  # type: ignore[no-untyped-def]
    """First attitude of a pod that is not at rest: the mean force over `start_s` in the slowly drifting world is up.

    That is a stride's time: over a whole one accelerations cancel but for a change of pace, 0.2 m/s in 0.7 s are
    2 degrees. Over a stride and a half a shank, which swings between 0 and twice the pace, is 20 to 30 degrees off.
    """
    n = pod["n"] - pod["first"]
    if n == 1:
        norm = math.sqrt(ax * ax + ay * ay + az * az)
        if norm > 0.1:
            level(pod["q"], ax / norm, ay / norm, az / norm)
        pod["forward_sum"][:] = 0.0
        return
    total = pod["forward_sum"]
    for j in range(3):
        total[j] += pod["force"][j]
    if n * pod["period_s"] < pod["start_s"]:
        return
    across = math.sqrt(total[0] ** 2 + total[1] ** 2)
    angle = math.atan2(across, total[2])
    if across > 1e-9:
        turn_world(pod["q"], total[1] / across * angle, -total[0] / across * angle, 0.0)
    pod["v"][:] = 0.0
    pod["forward_sum"][:] = 0.0
    pod["first"] = pod["n"]
    pod["kf_n"] = 0
    pod["ready"] = 1


@kernel
def row_at(pod, t):  # type: ignore[no-untyped-def]
    """Number of the last ring row at or before time `t` (s); -1 when `t` lies outside what the ring holds."""
    ring = pod["ring"]
    last = pod["n"] - 1
    low = max(pod["first"], pod["n"] - RING)
    if last <= low or not (t >= ring[low & (RING - 1), T]) or t > ring[last & (RING - 1), T] + 2.0 * pod["period_s"]:
        return -1
    i = last - int((pod["t_s"] - t) / pod["period_s"])
    i = min(max(i, low), last)
    while i < last and ring[(i + 1) & (RING - 1), T] <= t:
        i += 1
    while i > low and ring[i & (RING - 1), T] > t:
        i -= 1
    return i
