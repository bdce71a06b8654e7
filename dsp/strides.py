"""From events and attitude to a stride record: `complete` runs when the next initial contact of the leg is known."""

import math

from dsp.attitude import tilt_at, tilt_sd
from dsp.contacts import CHIP_DELAY, LONGEST_STRIDE_S
from dsp.grade import grade
from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.pelvis import pelvis_columns
from dsp.quaternion import rotate_row
from dsp.sides import watch_sides
from dsp.slip import watch_seats
from dsp.springmass import stiffness
from dsp.state import RATE, RING, T

GAP, SATURATED, UNCALIBRATED, SETTLING, SLIPPED, WALKING, POD_MISSING, BAD_RATE, INVALID, SWAPPED = (
    1,
    2,
    4,
    8,
    16,
    32,
    64,
    128,
    256,
    512,
)  # types.Quality; a test holds them together


# Where the ankle lands ahead of the pelvis: line through the means of 26 runners at three speeds (Fukuchi, Fukuchi &
# Duarte 2017, doi 10.7717/peerj.3298), by speed x contact time, m.
LANDING_SLOPE, LANDING_BACK_M = 0.385, 0.078
RETRACTION_S, EARLY_STANCE_S = 0.03, 0.05  # of the two mean rates, by definition (types.STRIDE)


@kernel
def inclination(pod, hx, hy, t):  # type: ignore[no-untyped-def]
    """Inclination of the shank's long axis at `t` in the upright plane along (hx, hy; the pod's world).

    rad, + where the ankle is ahead of the knee; NaN if unknown.
    """
    rows = pod["ring"]
    k = row_at(pod, t)
    if k < 0 or k >= pod["n"] - 1:
        return math.nan
    i, j = k & (RING - 1), (k + 1) & (RING - 1)
    f = (t - rows[i, T]) / (rows[j, T] - rows[i, T])
    up = pod["up"]
    ax, ay, az = rotate_row(rows, i, up[0], up[1], up[2])
    bx, by, bz = rotate_row(rows, j, up[0], up[1], up[2])
    x, y, z = ax + f * (bx - ax), ay + f * (by - ay), az + f * (bz - az)
    tx, ty = tilt_at(pod, t)
    return math.atan2(-((x - tx * z) * hx + (y - ty * z) * hy), z + tx * x + ty * y)


@kernel
def inclination_sd(pod, co, h, row):  # type: ignore[no-untyped-def]
    """Standard deviation of the inclination at contact, rad: of the attitude, of standing, of time and of direction.

    The shank turns while contact's time is unsure, by its own standard deviation and by half of what a chip delays.
    In a bend the direction of travel is known to half of its turn in a stride: that mixes in what leans sideways.
    """
    turning = 0.5 * (row["shank_retraction_radps"] + row["shank_rate_early_stance_radps"])
    late = turning * math.hypot(row["ic_sd_s"], 0.5 * CHIP_DELAY * pod["period_s"])
    turned = 0.5 * row["turn_rate_radps"] * (row["next_ic_s"] - row["ic_s"])
    across = turned * inclination(pod, -h[1], h[0], row["ic_s"])
    if math.isnan(across):  # no pelvis, no direction
        across = 0.0
    return math.sqrt(tilt_sd(pod) ** 2 + co["standing_sd_rad"] ** 2 + pod["seat_sd_rad"] ** 2 + late**2 + across**2)


@kernel
def complete(core, pods, legs, co, side, row):  # type: ignore[no-untyped-def]
    """Write the stride that ends with this leg's newest contact to `row`; returns how many were written, 0 or 1."""
    leg = legs[side]
    other = legs[1 - side]
    next_ic = leg["ic_s"]
    ic, tc, ic_sd = leg["was_ic_s"], leg["was_tc_s"], leg["was_ic_sd_s"]
    stride = next_ic - ic
    if not (stride < LONGEST_STRIDE_S):
        return 0
    contact = tc - ic
    row["side"] = side
    row["decided_s"] = core["now_s"]
    row["ic_s"] = ic
    row["tc_s"] = tc
    row["next_ic_s"] = next_ic
    row["contact_time_s"] = contact
    row["flight_time_s"] = other["ic_s"] - tc if ic < other["ic_s"] < next_ic else math.nan
    row["duty_factor"] = contact / stride
    row["ic_sd_s"] = ic_sd
    row["tc_sd_s"] = leg["was_tc_sd_s"]
    row["ic_decided_s"] = leg["was_ic_decided_s"]
    row["tc_decided_s"] = leg["tc_decided_s"]
    speed = leg["speed_mps"]
    row["speed_mps"] = speed
    row["grade"] = grade(core, co)
    quality = 0
    pod = pods[1 + side]
    h = leg["h"]
    incl = math.nan
    if leg["ms_s"] > ic and leg["heading_n"] > 0:
        incl = inclination(pod, h[0], h[1], ic)
        row["shank_mid_stance_rad"] = inclination(pod, h[0], h[1], leg["ms_s"])
    else:
        row["shank_mid_stance_rad"] = math.nan
    row["tibial_inclination_ic_rad"] = incl
    row["shank_retraction_radps"] = mean_rate(pod, ic - RETRACTION_S, ic)
    row["shank_rate_early_stance_radps"] = mean_rate(pod, ic, ic + EARLY_STANCE_S)
    by_pelvis = leg["by_pelvis"] or leg["was_by_pelvis"]
    if by_pelvis:
        quality |= POD_MISSING
    elif not (incl == incl and speed == speed) or math.sqrt(pod["p"][1, 1]) > co["settled_tilt_sd_rad"]:
        quality |= SETTLING
    # Speed is that from mid-stance to mid-stance, half a stride back: true only where it hardly changes.
    if not by_pelvis and not abs(speed - leg["was_speed_mps"]) <= co["steady_speed"] * speed:
        quality |= SETTLING
    leg["was_speed_mps"] = speed
    row["vertical_stiffness_npmkg"], row["leg_stiffness_npmkg"] = stiffness(
        contact, row["flight_time_s"], speed, co["leg_length_m"]
    )
    flight = pelvis_columns(pods[0], co, side, ic, tc, next_ic, row)
    row["tibial_inclination_ic_sd_rad"] = inclination_sd(pod, co, h, row)
    # Free fall of the pelvis tells a light walk from a run; a bouncing walker falls too, but stands on both feet.
    walking = flight < co["flight_share"] or contact > co["walking_stance"] * stride
    foot_ahead(leg, co, speed, contact, walking, row)
    watch_seats(pods, co, side, row, quality & SETTLING, walking, by_pelvis)
    for k in range(3):
        p = pods[k]
        if p["gap_s"] >= ic:
            quality |= GAP
        if p["invalid_s"] >= ic:
            quality |= INVALID
        if p["saturated_s"] >= ic:
            quality |= SATURATED
        if p["slipped"]:
            quality |= SLIPPED
        elif p["doubtful"]:
            quality |= SETTLING
        if core["now_s"] - p["raw_s"] > co["missing_s"]:
            quality |= POD_MISSING
        elif not p["calibrated"]:
            quality |= UNCALIBRATED
        rate = 1.0 / p["period_s"] if p["period_s"] > 0.0 else 0.0
        if p["seen"] > 64 and not (co["min_rate_hz"] <= rate <= co["max_rate_hz"]):
            quality |= BAD_RATE
    if not pod["calibrated"]:
        row["tibial_inclination_ic_rad"] = math.nan
        row["shank_mid_stance_rad"] = math.nan
    if core["now_s"] - pods[0]["raw_s"] <= co["missing_s"]:
        if math.isnan(row["pelvic_tilt_range_rad"]):
            quality |= SETTLING
        if math.sqrt(pods[0]["p"][1, 1]) > co["settled_tilt_sd_rad"]:
            quality |= SETTLING
    core["walking"] = walking
    if walking:
        quality |= WALKING
    if not walking and not by_pelvis:
        watch_sides(core, co, side)
    if core["swapped"]:
        quality |= SWAPPED
    if by_pelvis:  # contact times of a pelvis and of a shank do not compare, nor does what is made of them
        contact = math.nan
        row["foot_ahead_of_pelvis_m"] = math.nan
        row["foot_ahead_of_pelvis_sd_m"] = math.nan
    differences(leg, other, side, ic, next_ic, contact, row)
    row["quality"] = quality
    core["stride_s"] = next_ic
    if not walking:
        leg["strides"] += 1
    return 1


@kernel
def differences(leg, other, side, ic, next_ic, contact, row):  # type: ignore[no-untyped-def]
    """Left less right, from this stride and the other leg's last where the two overlap; else unknown."""
    sign = 1.0 if side == 0 else -1.0
    if not other["last_end_s"] > ic:
        sign = math.nan
    incl, drop = row["tibial_inclination_ic_rad"], row["pelvic_drop_rad"]
    row["contact_time_difference_s"] = sign * (contact - other["last_contact_s"])
    row["tibial_inclination_difference_rad"] = sign * (incl - other["last_incl_rad"])
    row["pelvic_drop_difference_rad"] = sign * (drop - other["last_drop_rad"])
    leg["last_end_s"] = next_ic
    leg["last_contact_s"] = contact
    leg["last_incl_rad"] = incl
    leg["last_drop_rad"] = drop


@kernel
def foot_ahead(leg, co, speed, contact, walking, row):  # type: ignore[no-untyped-def]
    """How far the ankle landed ahead of the pelvis.

    The pelvis passes over the point where the ground pushes when braking turns into propulsion, so it has travelled
    speed x that time by then; the ankle's centre is `foot_offset_m` behind that point. This sees a changed landing,
    but posture shifts it from runner to runner by 20 mm. The line through the means of runners (LANDING_SLOPE) is
    right to 14 mm and blind to the landing. The result is the line and, by the variances of landings and of that
    shift, a share of the slow mean of the difference: the mean of two guesses, and its standard deviation.
    """
    line = LANDING_SLOPE * speed * contact - LANDING_BACK_M
    measured = speed * contact * row["pelvis_over_foot"] - co["foot_offset_m"]
    shift = measured - line
    if shift == shift and not walking:  # the line is that of running
        leg["foot_n"] += 1
        leg["foot_shift_m"] += max(1.0 / leg["foot_n"], co["foot_gain"]) * (shift - leg["foot_shift_m"])
    weight = co["foot_landing_sd_m"] ** 2 / (co["foot_landing_sd_m"] ** 2 + co["foot_measured_sd_m"] ** 2)
    row["foot_ahead_of_pelvis_m"] = max(line + weight * leg["foot_shift_m"], 0.0)
    if math.isnan(line):
        row["foot_ahead_of_pelvis_m"] = math.nan
    known = co["foot_measured_sd_m"] * math.sqrt(weight) if leg["foot_n"] > 0 else co["foot_landing_sd_m"]
    row["foot_ahead_of_pelvis_sd_m"] = math.hypot(known, weight * speed * row["ic_sd_s"])


@kernel
def mean_rate(pod, t0, t1):  # type: ignore[no-untyped-def]
    """Mean rate about the hinge from t0 to t1 (s), a line between samples, rad/s; NaN if unknown."""
    rows = pod["ring"]
    first, last = row_at(pod, t0), row_at(pod, t1)
    if first < 0 or last <= first or last + 1 >= pod["n"]:
        return math.nan
    turned = 0.0
    for k in range(first, last + 1):
        a, b = rows[k & (RING - 1)], rows[(k + 1) & (RING - 1)]
        start, end = max(a[T], t0), min(b[T], t1)
        share = (0.5 * (start + end) - a[T]) / (b[T] - a[T])
        turned += (end - start) * (a[RATE] + share * (b[RATE] - a[RATE]))
    return turned / (t1 - t0)
