"""What the pelvis's pod says of a stride: its angles and their ranges, its rise and fall, where braking ends."""

import math

import numpy as np

from dsp.attitude import tilt_at, tilt_sd
from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.params import G_MPS2
from dsp.quaternion import rotate, rotate_row
from dsp.state import FALL, QUAT, RING, VEL, T

FEWEST_ROWS = 20  # of a stride: half of what the shortest, 0.5 s, has at the slowest rate
FAR = 9.0  # rad or m: beyond any angle and any height


@kernel
def pelvis_columns(pod, co, side, ic, tc, next_ic, row):  # type: ignore[no-untyped-def]
    """Fill the columns that the pelvis gives; returns the share of the stride in free fall (NaN if unknown)."""
    row["pelvic_tilt_rad"] = math.nan
    row["pelvic_tilt_range_rad"] = math.nan
    row["pelvic_drop_rad"] = math.nan
    row["pelvic_obliquity_range_rad"] = math.nan
    row["pelvic_rotation_range_rad"] = math.nan
    row["pelvic_rotation_lag"] = math.nan
    row["turn_rate_radps"] = math.nan
    row["pelvis_over_foot"] = math.nan
    row["braking_loss_mps"] = math.nan
    row["vertical_oscillation_m"] = math.nan
    row["pelvic_tilt_sd_rad"] = math.nan
    rows = pod["ring"]
    first = row_at(pod, ic)
    last = row_at(pod, next_ic)
    if not pod["ready"] or pod["kf_n"] == 0 or first < 0 or last - first < FEWEST_ROWS:
        return math.nan
    first += 1
    n = last + 1 - first
    up = pod["up"]
    axis = pod["axis"]
    fx, fy, fz = axis[0], axis[1], axis[2]
    lx, ly, lz = up[1] * fz - up[2] * fy, up[2] * fx - up[0] * fz, up[0] * fy - up[1] * fx
    lean = math.tan(co["pelvis_lean_rad"])  # heading is read off a level axis: tip forward as the pelvis stands
    hx, hy, hz = fx - lean * up[0], fy - lean * up[1], fz - lean * up[2]
    tx, ty = tilt_at(pod, 0.5 * (ic + next_ic))
    i, j = first & (RING - 1), last & (RING - 1)
    dt = pod["period_s"]
    # headings are taken from the middle of the stride's first and last, small angles whatever the turn
    ax, ay, _ = rotate_row(rows, i, hx, hy, hz)
    bx, by, _ = rotate_row(rows, j, hx, hy, hz)
    turned = math.atan2(ax * by - ay * bx, ax * bx + ay * by)
    cx, cy = ax / math.hypot(ax, ay) + bx / math.hypot(bx, by), ay / math.hypot(ax, ay) + by / math.hypot(bx, by)
    norm = math.sqrt(cx * cx + cy * cy)
    cx /= norm
    cy /= norm
    # vertical: velocity less its line over the stride, integrated, must close again
    climb0, slope = rows[i, VEL + 2], (rows[j, VEL + 2] - rows[i, VEL + 2]) / max(n - 1, 1)
    mean_climb = 0.0
    for m in range(n):
        mean_climb += rows[(first + m) & (RING - 1), VEL + 2] - climb0 - slope * m
    mean_climb /= n
    tilt_sum, tilt_low, tilt_high, drop = 0.0, FAR, -FAR, -FAR
    side_low, side_high = FAR, -FAR
    yaw_low, yaw_high = FAR, -FAR
    height, height_low, height_high = 0.0, FAR, -FAR
    falling = 0
    # The pelvis moves below 15 Hz in running, so every other row is plenty at 200 Hz.
    step = max(1, int(0.01 / dt + 0.5))
    yaws = np.empty((n - 1) // step + 1)
    sign = 1.0 if side == 1 else -1.0
    fall_level = co["free_fall_mps2"] - G_MPS2
    looked = 0
    for m in range(0, n, step):
        r = rows[(first + m) & (RING - 1)]
        q0, q1, q2, q3 = r[QUAT], r[QUAT + 1], r[QUAT + 2], r[QUAT + 3]
        zx, zy, zz = rotate(q0, -q1, -q2, -q3, tx, ty, 1.0)
        tilt = -arcsine(zx * fx + zy * fy + zz * fz)
        tilt_sum += tilt
        tilt_low = min(tilt_low, tilt)
        tilt_high = max(tilt_high, tilt)
        raised = -sign * arcsine(zx * lx + zy * ly + zz * lz)
        side_low = min(side_low, raised)
        side_high = max(side_high, raised)
        if r[T] < tc:
            drop = max(drop, raised)
        vx, vy, _ = rotate(q0, q1, q2, q3, hx, hy, hz)
        yaw = arcsine((cx * vy - cy * vx) / math.sqrt(vx * vx + vy * vy)) - turned * (m / (n - 1.0) - 0.5)
        yaw_low = min(yaw_low, yaw)
        yaw_high = max(yaw_high, yaw)
        yaws[looked] = sign * yaw  # the left side is furthest forward where yaw is least
        looked += 1
        height += (r[VEL + 2] - climb0 - slope * m - mean_climb) * dt * step
        height_low = min(height_low, height)
        height_high = max(height_high, height)
        if r[FALL] < fall_level:
            falling += 1
    if pod["calibrated"]:
        row["pelvic_tilt_rad"] = tilt_sum / looked
        row["pelvic_drop_rad"] = drop if drop > -FAR else math.nan
    row["pelvic_tilt_range_rad"] = tilt_high - tilt_low
    row["pelvic_obliquity_range_rad"] = side_high - side_low
    row["pelvic_rotation_range_rad"] = yaw_high - yaw_low
    row["turn_rate_radps"] = turned / (next_ic - ic)
    row["vertical_oscillation_m"] = height_high - height_low
    row["pelvis_over_foot"], row["braking_loss_mps"] = braking(pod, first, ic, tc, tx, ty, cx, cy)
    row["pelvic_tilt_sd_rad"] = math.hypot(tilt_sd(pod), co["cross_axis"] * pod["bend_rad"])
    row["pelvic_rotation_lag"] = foremost(yaws, step / n)
    return falling / looked


@kernel
def foremost(forward, share):  # type: ignore[no-untyped-def]
    """When a side is furthest forward, as a share of its stride, from samples (n,) that are `share` of it apart.

    The middle of the time in which it is in the foremost quarter of its range, weighed by how far in. A single highest
    sample scatters more from stride to stride, and the first harmonic of the whole turn is the same for both sides: one
    that comes late moves it by half of that on either (docs/coaching.md has the figures).
    """
    low, high = 9.0, -9.0
    for k in range(len(forward)):
        low = min(low, forward[k])
        high = max(high, forward[k])
    least = high - 0.25 * (high - low)
    cos_sum, sin_sum, cos_k, sin_k = 0.0, 0.0, 1.0, 0.0
    cos_step, sin_step = math.cos(2.0 * math.pi * share), math.sin(2.0 * math.pi * share)
    for k in range(len(forward)):
        if forward[k] > least:
            cos_sum += (forward[k] - least) * cos_k
            sin_sum += (forward[k] - least) * sin_k
        cos_k, sin_k = cos_k * cos_step - sin_k * sin_step, sin_k * cos_step + cos_k * sin_step
    phase = math.atan2(sin_sum, cos_sum) / (2.0 * math.pi)
    return phase - math.floor(phase)


@kernel
def braking(pod, first, ic, tc, tx, ty, cx, cy):  # type: ignore[no-untyped-def]
    """When braking turns into propulsion, as a share of stance from ic to tc (s), and the speed lost until then (m/s).

    Forward is (cx, cy) in the pod's world, (tx, ty) its tilt error. The turn is looked for between 10 and 75 % of
    stance: it lies near 50 % (Munro, Miller & Fuglevand 1987, doi 10.1016/0021-9290(87)90306-X). NaN where unknown.
    """
    rows = pod["ring"]
    lean = G_MPS2 * (tx * cx + ty * cy)
    landing, slowest, slowest_s = math.nan, 1e9, math.nan
    for k in range(first, pod["n"]):
        r = rows[k & (RING - 1)]
        age = r[T] - ic
        if age > 0.75 * (tc - ic):
            break
        forward = r[VEL] * cx + r[VEL + 1] * cy - lean * age
        if k == first:
            landing = forward
        if forward < slowest and age > 0.1 * (tc - ic):
            slowest = forward
            slowest_s = age
    return slowest_s / (tc - ic), landing - slowest if slowest_s == slowest_s else math.nan


@kernel
def arcsine(x):  # type: ignore[no-untyped-def]
    """arcsin by its series, right to 3e-5 rad up to 30 deg, a tenth of the library's cost."""
    y = x * x
    return x * (1.0 + y * (1.0 / 6.0 + y * (3.0 / 40.0 + y * (15.0 / 336.0 + y * 105.0 / 3456.0))))
