"""From events and attitude to a stride record.

`mid_stance` runs when a terminal contact is known: the ankle stood still in mid-stance, which corrects the shank, gives
the stride's speed and direction, and through them corrects the pelvis. `complete` runs when the next initial contact of
the leg is known and writes the record.
"""

import math

from dsp.alignment import learn_forward, square
from dsp.attitude import begin, fold, loosen, predict, tilt_at, tilt_sd, update, velocity_error_at
from dsp.contacts import LONGEST_STRIDE_S
from dsp.grade import grade
from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.quaternion import rotate, rotate_row, sense_row
from dsp.slip import is_astray, watch_slip, watch_turn
from dsp.springmass import stiffness
from dsp.state import FALL, GYR, QUAT, RATE, RING, VEL, T

GAP, SATURATED, UNCALIBRATED, SETTLING, SLIPPED, WALKING, POD_MISSING, BAD_RATE, INVALID = (
    1,
    2,
    4,
    8,
    16,
    32,
    64,
    128,
    256,
)  # types.Quality; a test holds them together
G = 9.80665


@kernel
def ankle_velocity(pod, co, t):  # type: ignore[no-untyped-def]
    """Mean integrated velocity of the ankle around time `t` in the shank's world: (x, y, mean hinge rate, ok)."""
    half = co["mid_stance_half_s"]
    first = row_at(pod, t - half)
    last = row_at(pod, t + half)
    if first < 0 or last <= first:
        return 0.0, 0.0, 0.0, 0
    ring = pod["ring"]
    up = pod["up"]
    arm = co["ankle_lever_m"]
    sx, sy, sw = 0.0, 0.0, 0.0
    for k in range(first + 1, last + 1):
        i = k & (RING - 1)
        a, b, c = ring[i, GYR], ring[i, GYR + 1], ring[i, GYR + 2]
        x, y, _ = rotate_row(
            ring,
            i,
            b * up[2] - c * up[1],
            c * up[0] - a * up[2],
            a * up[1] - b * up[0],
        )
        sx += ring[i, VEL] - arm * x
        sy += ring[i, VEL + 1] - arm * y
        sw += ring[i, RATE]
    n = last - first
    return sx / n, sy / n, sw / n, 1


@kernel
def travelled(pod, co, first, last):  # type: ignore[no-untyped-def]
    """Integrated displacement of the ankle from ring row `first` to `last` (m; x, y)."""
    ring = pod["ring"]
    up = pod["up"]
    dt = pod["period_s"]
    i, j = first & (RING - 1), last & (RING - 1)
    sx = 0.5 * (ring[i, VEL] + ring[j, VEL])
    sy = 0.5 * (ring[i, VEL + 1] + ring[j, VEL + 1])
    for k in range(first + 1, last):
        sx += ring[k & (RING - 1), VEL]
        sy += ring[k & (RING - 1), VEL + 1]
    ax, ay, _ = rotate_row(ring, i, up[0], up[1], up[2])
    bx, by, _ = rotate_row(ring, j, up[0], up[1], up[2])
    arm = co["ankle_lever_m"]
    return sx * dt - arm * (bx - ax), sy * dt - arm * (by - ay)


@kernel
def mid_stance(core, pods, legs, co, side):  # type: ignore[no-untyped-def]
    """Terminal contact of `side` is known: correct the shank, measure speed and direction, correct the pelvis."""
    leg = legs[side]
    pod = pods[1 + side]
    rows = pod["ring"]
    leg["ms_before_s"] = leg["ms_s"]
    leg["ms_s"] = math.nan
    leg["speed_mps"] = math.nan
    if not pod["ready"]:
        return
    t = leg["ic_s"] + co["mid_stance"] * (leg["tc_s"] - leg["ic_s"])
    vx, vy, rate, ok = ankle_velocity(pod, co, t)
    if not ok:
        return
    leg["ms_s"] = t
    row = row_at(pod, t)
    i = row & (RING - 1)
    axis = pod["axis"]
    nx, ny, _ = rotate_row(rows, i, axis[0], axis[1], axis[2])
    norm = math.sqrt(nx * nx + ny * ny)
    ex, ey = ny / norm, -nx / norm  # forward by the hinge
    heading = math.atan2(ey, ex)
    if pod["kf_n"] == 0:
        known = pod["rest_s"] > -math.inf and t - pod["rest_s"] < 10.0
        begin(pod, co, t, co["shank_acc_bias_mps2"], known)
        pod["p"][0, 0] = 100.0
    before = leg["ms_before_s"]
    tipped = pod["p"][1, 1]  # of a way run in a tipped world the cosine is measured
    predict(pod, co, t, heading)
    update(pod, vx, vy, co["ankle_sd_mps"])
    duration = t - before
    row0 = row_at(pod, before) if duration < LONGEST_STRIDE_S else -1
    ux, uy, rate0, ok = ankle_velocity(pod, co, before) if row0 >= 0 else (0.0, 0.0, 0.0, 0)
    if ok:
        dx, dy = travelled(pod, co, row0, row)
        span = (row - row0) * pod["period_s"]
        dx -= 0.5 * (vx + ux) * span
        dy -= 0.5 * (vy + uy) * span
        length = math.sqrt(dx * dx + dy * dy)
        speed = length / span
        if speed > 0.3:
            off = math.atan2(ex * dy - ey * dx, ex * dx + ey * dy)
            leg["heading_n"] += 1
            gain = max(1.0 / leg["heading_n"], co["heading_gain"])
            pod["heading_offset"] += gain * (off - pod["heading_offset"])
            leg["speed_mps"] = guide_pelvis(
                core, pods[0], leg, co, before, t, speed, speed * tipped, 0.5 * (rate + rate0)
            )
    c, s = math.cos(pod["heading_offset"]), math.sin(pod["heading_offset"])
    leg["h"][0] = c * ex - s * ey
    leg["h"][1] = s * ex + c * ey
    tx, ty = tilt_at(pod, t)
    x, y, z = sense_row(rows, i, tx, ty, 1.0)
    if pod["calibrated"]:
        watch_slip(pod, co, core["walking"], x, y, z)
    else:  # a provisional vertical: the shank in mid-stance
        up = pod["up"]
        x, y, z = up[0] + 0.3 * (x - up[0]), up[1] + 0.3 * (y - up[1]), up[2] + 0.3 * (z - up[2])
        norm = math.sqrt(x * x + y * y + z * z)
        up[0], up[1], up[2] = x / norm, y / norm, z / norm
    fold(pod)


@kernel
def mid_stance_alone(core, co, side):  # type: ignore[no-untyped-def]
    """Terminal contact of `side` is known from the pelvis.

    Speed is that of the other leg, whose shank corrects the pelvis; where both shanks are silent it stays unknown, and
    the pelvis is corrected here.
    """
    leg, other = core["legs"][side], core["legs"][1 - side]
    leg["ms_before_s"] = leg["ms_s"]
    leg["ms_s"] = leg["ic_s"] + co["mid_stance"] * (leg["tc_s"] - leg["ic_s"])
    leg["speed_mps"] = math.nan
    if not other["by_pelvis"] and leg["ic_s"] - other["ic_s"] < LONGEST_STRIDE_S:
        leg["speed_mps"] = other["speed_mps"]
    elif leg["ms_s"] - leg["ms_before_s"] < LONGEST_STRIDE_S:
        guide_pelvis(core, core["pods"][0], leg, co, leg["ms_before_s"], leg["ms_s"], math.nan, 0.0, 0.0)


@kernel
def guide_pelvis(core, pod, leg, co, before, t, speed, speed_sd, rate):  # type: ignore[no-untyped-def]
    """The pelvis went as fast as the leg over the same window: correct its attitude; returns the leg's speed.

    Shortly after rest the integrated speed of the pelvis is the better one: it calibrates the shank's lever. `speed_sd`
    is what the leg's tilt makes of its speed's error (m/s). Without a leg's speed (NaN) the pelvis goes on at the pace
    that was last known, which may wander.
    """
    rows = pod["ring"]
    lever = leg["lever_sum"][0] / (leg["lever_sum"][1] + 8.0)
    first = row_at(pod, before)
    last = row_at(pod, t)
    if not pod["ready"] or first < 0 or last <= first:
        return speed + lever * rate
    vx, vy = 0.0, 0.0
    ax, ay = 0.0, 0.0
    axis = pod["axis"]
    for k in range(first + 1, last + 1):
        i = k & (RING - 1)
        vx += rows[i, VEL]
        vy += rows[i, VEL + 1]
    for k in range(first + 1, last + 1, 4):
        i = k & (RING - 1)
        x, y, _ = rotate_row(rows, i, axis[0], axis[1], axis[2])
        ax += x
        ay += y
    n = last - first
    vx /= n
    vy /= n
    pelvis_speed = math.sqrt(vx * vx + vy * vy)
    from_rest = pod["calibrated"] > 0 and t - pod["rest_s"] < co["lever_s"] and pod["kf_n"] < 100
    if from_rest and speed > 1.5:
        leg["lever_sum"][0] += (pelvis_speed - speed) * rate
        leg["lever_sum"][1] += rate * rate
        lever = leg["lever_sum"][0] / (leg["lever_sum"][1] + 8.0)
    alone = math.isnan(speed)
    if not alone:
        speed += lever * rate
        pod["pace_mps"] = speed
    elif from_rest:
        pod["pace_mps"] = pelvis_speed
    middle = 0.5 * (before + t)
    if pod["kf_n"] == 0:
        begin(pod, co, middle, co["pelvis_acc_bias_mps2"], from_rest)
        pod["p"][0, 0] = 0.01 if from_rest else 100.0
        if pod["axis_n"] == 0 and from_rest:
            ax, ay = vx, vy  # the first stride after rest: the pelvis goes where it faces
        pod["kf_heading"] = math.atan2(ay, ax)
    norm = math.sqrt(ax * ax + ay * ay)
    hx, hy = ax / norm, ay / norm
    if alone:
        loosen(pod, 0.0, co["pace_walk_mps"] * math.sqrt(max(middle - pod["kf_s"], 0.0)))
    every_step = middle - pod["kf_s"] < 0.6 * (t - before)  # both legs tell
    predict(pod, co, middle, math.atan2(hy, hx))
    ux, uy = vx - pod["x"][0, 0], vy - pod["x"][0, 1]
    astray = math.atan2(hx * uy - hy * ux, hx * ux + hy * uy)
    sure = abs(hx * uy - hy * ux) > 3.0 * math.sqrt(pod["p"][0, 0] + co["pelvis_sd_mps"] ** 2)
    if sure and every_step and pod["calibrated"] and not core["walking"] and is_astray(pod, co, astray):
        x, y, z = mean_up(pod, first + 1, last + 1)
        watch_turn(pod, co, astray, x, y, z)
        return speed  # what the filter would learn from such a step is wrong
    pod["astray_n"] = 0
    if pod["kf_n"] > 0:
        pod["usual_astray_rad"] += 0.2 * (astray - pod["usual_astray_rad"])
    pace = pod["pace_mps"]
    update(pod, vx - pace * hx, vy - pace * hy, math.hypot(co["pelvis_sd_mps"], speed_sd))
    if alone:
        pod["surprise"] = max(pod["surprise"], 1.0)  # that nothing surprises a pelvis alone proves nothing
    ax, ay, _ = rotate_row(rows, (first + 1) & (RING - 1), axis[0], axis[1], axis[2])
    bx, by, _ = rotate_row(rows, last & (RING - 1), axis[0], axis[1], axis[2])
    turned = math.atan2(ax * by - ay * bx, ax * bx + ay * by)
    pod["turn_rad"] += 0.25 * (turned - pod["turn_rad"])  # legs differ by 2 deg a stride: two of each even that out
    turned = abs(pod["turn_rad"])
    pod["bend_rad"] = max(turned, pod["bend_rad"] + 0.1 * (turned - pod["bend_rad"]))
    ex, ey = velocity_error_at(pod, middle)
    vx -= ex
    vy -= ey
    norm = math.sqrt(vx * vx + vy * vy)
    if norm > 0.5 and (from_rest or not alone):
        learn_forward(pod, co, first + 1, last + 1, vx / norm, vy / norm)
    x, y, z = mean_up(pod, first + 1, last + 1)
    if pod["calibrated"]:
        watch_slip(pod, co, core["walking"], x, y, z)
    else:
        learn_up(pod, x, y, z)
    fold(pod)
    return speed


@kernel
def mean_up(pod, first, last):  # type: ignore[no-untyped-def]
    """Where up lies in the sensor on average over ring rows first..last: unit vector."""
    rows = pod["ring"]
    tx, ty = tilt_at(pod, pod["kf_s"])
    sx, sy, sz = 0.0, 0.0, 0.0
    for k in range(first, last, 8):  # every eighth row is plenty for a mean
        x, y, z = sense_row(rows, k & (RING - 1), tx, ty, 1.0)
        sx += x
        sy += y
        sz += z
    norm = math.sqrt(sx * sx + sy * sy + sz * sz)
    return sx / norm, sy / norm, sz / norm


@kernel
def learn_up(pod, x, y, z):  # type: ignore[no-untyped-def]
    """A provisional vertical for a pelvis that was never seen standing: its mean over a stride."""
    up = pod["up"]
    up[0] += 0.2 * (x - up[0])
    up[1] += 0.2 * (y - up[1])
    up[2] += 0.2 * (z - up[2])
    norm = math.sqrt(up[0] ** 2 + up[1] ** 2 + up[2] ** 2)
    up[0] /= norm
    up[1] /= norm
    up[2] /= norm
    axis = pod["axis"]
    square(pod, axis[0], axis[1], axis[2])


@kernel
def inclination(pod, h, t):  # type: ignore[no-untyped-def]
    """Inclination of the shank's long axis at `t` in the plane of travel `h` (rad, ankle ahead +); NaN if unknown."""
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
    return math.atan2(-((x - tx * z) * h[0] + (y - ty * z) * h[1]), z + tx * x + ty * y)


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
        incl = inclination(pod, h, ic)
        row["shank_mid_stance_rad"] = inclination(pod, h, leg["ms_s"])
    else:
        row["shank_mid_stance_rad"] = math.nan
    row["tibial_inclination_ic_rad"] = incl
    row["shank_retraction_radps"] = mean_rate(pod, ic - 0.03, ic)
    row["shank_rate_early_stance_radps"] = mean_rate(pod, ic, ic + 0.05)
    turning = 0.5 * (row["shank_retraction_radps"] + row["shank_rate_early_stance_radps"])  # at contact
    row["tibial_inclination_ic_sd_rad"] = math.sqrt(
        tilt_sd(pod) ** 2 + co["standing_sd_rad"] ** 2 + (turning * ic_sd) ** 2
    )
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
    # Free fall of the pelvis tells a light walk from a run; a bouncing walker falls too, but stands on both feet.
    walking = flight < co["flight_share"] or contact > co["walking_stance"] * stride
    foot_ahead(leg, co, speed, contact, walking, row)
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
    if by_pelvis:  # contact times of a pelvis and of a shank do not compare, nor does what is made of them
        contact = math.nan
        row["foot_ahead_of_pelvis_m"] = math.nan
        row["foot_ahead_of_pelvis_sd_m"] = math.nan
    differences(leg, other, side, ic, next_ic, contact, row)
    row["quality"] = quality
    core["stride_s"] = next_ic
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
    but posture shifts it from runner to runner by 20 mm. The line through the means of runners at three speeds
    (Fukuchi, Fukuchi & Duarte 2017, doi 10.7717/peerj.3298), 0.385 x speed x contact time - 0.078 m, is right to 10 mm
    between runners and blind to the landing. The result is the line and, by the variances of landings and of that
    shift, a share of the slow mean of the difference.
    """
    line = 0.385 * speed * contact - 0.078
    measured = speed * contact * row["pelvis_over_foot"] - co["foot_offset_m"]
    shift = measured - line
    # The line is that of running; and not where braking was not seen, which is no number.
    if abs(shift) < 0.25 and not walking:
        leg["foot_n"] += 1
        leg["foot_shift_m"] += max(1.0 / leg["foot_n"], co["foot_gain"]) * (shift - leg["foot_shift_m"])
    weight = co["foot_landing_sd_m"] ** 2 / (co["foot_landing_sd_m"] ** 2 + co["foot_measured_sd_m"] ** 2)
    row["foot_ahead_of_pelvis_m"] = max(line + weight * leg["foot_shift_m"], 0.0)
    if math.isnan(line):
        row["foot_ahead_of_pelvis_m"] = math.nan
    timing = weight * speed * row["ic_sd_s"]
    row["foot_ahead_of_pelvis_sd_m"] = math.hypot(0.015 if leg["foot_n"] > 5 else 0.023, timing)


@kernel
def mean_rate(pod, t0, t1):  # type: ignore[no-untyped-def]
    """Mean rate about the hinge from t0 to t1, rad/s; NaN if unknown."""
    rows = pod["ring"]
    first, last = row_at(pod, t0), row_at(pod, t1)
    if first < 0 or last <= first:
        return math.nan
    total = 0.0
    for k in range(first + 1, last + 1):
        total += rows[k & (RING - 1), RATE]
    return total / (last - first)


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
    if not pod["ready"] or pod["kf_n"] == 0 or first < 0 or last - first < 20:
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
    tilt_sum, tilt_low, tilt_high, drop = 0.0, 9.0, -9.0, -9.0
    side_low, side_high = 9.0, -9.0
    yaw_low, yaw_high = 9.0, -9.0
    height, height_low, height_high = 0.0, 9.0, -9.0
    falling = 0
    # The pelvis moves below 15 Hz in running, so every other row is plenty at 200 Hz.
    step = max(1, int(0.01 / dt + 0.5))
    cos_sum, sin_sum, cos_m, sin_m = 0.0, 0.0, 1.0, 0.0
    angle = 2.0 * math.pi * step / n
    cos_step, sin_step = math.cos(angle), math.sin(angle)
    sign = 1.0 if side == 1 else -1.0
    fall_level = co["free_fall_mps2"] - G
    looked = 0
    for m in range(0, n, step):
        r = rows[(first + m) & (RING - 1)]
        looked += 1
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
        cos_sum += yaw * cos_m
        sin_sum += yaw * sin_m
        cos_m, sin_m = cos_m * cos_step - sin_m * sin_step, sin_m * cos_step + cos_m * sin_step
        height += (r[VEL + 2] - climb0 - slope * m - mean_climb) * dt * step
        height_low = min(height_low, height)
        height_high = max(height_high, height)
        if r[FALL] < fall_level:
            falling += 1
    if pod["calibrated"]:
        row["pelvic_tilt_rad"] = tilt_sum / looked
        row["pelvic_drop_rad"] = drop if drop > -9.0 else math.nan
    row["pelvic_tilt_range_rad"] = tilt_high - tilt_low
    row["pelvic_obliquity_range_rad"] = side_high - side_low
    row["pelvic_rotation_range_rad"] = yaw_high - yaw_low
    row["turn_rate_radps"] = turned / (next_ic - ic)
    row["vertical_oscillation_m"] = height_high - height_low
    row["pelvis_over_foot"], row["braking_loss_mps"] = braking(pod, first, ic, tc, tx, ty, cx, cy)
    row["pelvic_tilt_sd_rad"] = math.hypot(tilt_sd(pod), co["bend_share"] * pod["bend_rad"])
    # first harmonic of yaw: the left side is furthest forward where yaw is least, the right side where it is most
    phase = math.atan2(sin_sum, cos_sum) / (2.0 * math.pi)
    if side == 0:
        phase += 0.5
    row["pelvic_rotation_lag"] = phase - math.floor(phase)
    return falling / looked


@kernel
def braking(pod, first, ic, tc, tx, ty, cx, cy):  # type: ignore[no-untyped-def]
    """When braking turns into propulsion, as a share of stance from ic to tc (s), and the speed lost until then (m/s).

    Forward is (cx, cy) in the pod's world, (tx, ty) its tilt error. The turn is looked for between 10 and 75 % of
    stance: it lies near 50 % (Munro, Miller & Fuglevand 1987, doi 10.1016/0021-9290(87)90306-X). NaN where unknown.
    """
    rows = pod["ring"]
    lean = G * (tx * cx + ty * cy)
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
