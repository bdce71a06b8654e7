"""In mid-stance the ankle stands still: what that says of speed, direction and attitude, once a stride.

`mid_stance` runs when a terminal contact is known: it corrects the shank, gives the stride's speed and direction, and
through them corrects the pelvis, which goes as fast as the leg.
"""

import math

from dsp.alignment import learn_forward, square
from dsp.astray import is_astray, watch_turn
from dsp.attitude import UNKNOWN_MPS2, begin, fold, loosen, predict, tilt_at, update, velocity_error_at
from dsp.contacts import LONGEST_STRIDE_S
from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.quaternion import rotate_row, sense_row
from dsp.state import GYR, RATE, RING, VEL

RUN_MPS = 1.5  # slower is no running: people begin to at 1.9 (Baker, Long & Srinivasan 2024, arXiv 2501.00720)
MOVING_MPS = 0.5  # slower the direction of travel is one of errors
RECENT = 0.25  # weight of the newest in a mean of some four: two strides of both legs, which differ by 2 deg of turn
AFTER_BEND = 0.1  # the same of some ten steps, in which the filter forgets a bend
SURE_SD = 3.0  # what lies so many standard deviations off is no chance: 3 of 1000


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
        if not t - pod["rest_s"] < co["rest_holds_s"]:
            begin(pod, co, t, co["shank_acc_bias_mps2"], 0.0)
        pod["p"][0, 0] = UNKNOWN_MPS2
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
        if speed > MOVING_MPS:
            px, py, _ = rotate_row(rows, row0 & (RING - 1), axis[0], axis[1], axis[2])
            norm = math.sqrt(px * px + py * py)
            px, py = ex + py / norm, ey - px / norm  # half way between this mid-stance and the one before
            off = math.atan2(px * dy - py * dx, px * dx + py * dy)
            leg["heading_n"] += 1
            gain = max(1.0 / leg["heading_n"], co["heading_gain"])
            pod["heading_offset"] += gain * (off - pod["heading_offset"])
            leg["speed_mps"] = guide_pelvis(
                core, pods[0], leg, co, before, t, speed, speed * tipped, 0.5 * (rate + rate0)
            )
    c, s = math.cos(pod["heading_offset"]), math.sin(pod["heading_offset"])
    leg["h"][0] = c * ex - s * ey
    leg["h"][1] = s * ex + c * ey
    if not pod["calibrated"]:  # a provisional vertical: the shank in mid-stance
        tx, ty = tilt_at(pod, t)
        x, y, z = sense_row(rows, i, tx, ty, 1.0)
        up = pod["up"]
        x, y, z = up[0] + RECENT * (x - up[0]), up[1] + RECENT * (y - up[1]), up[2] + RECENT * (z - up[2])
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
    lever = leg["lever_sum"][0] / (leg["lever_sum"][1] + co["lever_prior_rad2ps2"])
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
    from_rest = pod["calibrated"] > 0 and t - pod["rest_s"] < co["lever_s"]
    most = co["lever_most_m"] * abs(rate) + co["steady_speed"] * speed
    if from_rest and speed > RUN_MPS and abs(pelvis_speed - speed) > most:
        from_rest = False  # a belt moves, or the rest told little: pace was taken for lean
        pod["kf_n"] = 0
        for shank in range(1, 3):
            begin(core["pods"][shank], co, t, co["shank_acc_bias_mps2"], 0.0)
    if from_rest and speed > RUN_MPS:
        leg["lever_sum"][0] += (pelvis_speed - speed) * rate
        leg["lever_sum"][1] += rate * rate
        lever = leg["lever_sum"][0] / (leg["lever_sum"][1] + co["lever_prior_rad2ps2"])
    alone = math.isnan(speed)
    if not alone:
        speed += lever * rate
        pod["pace_mps"] = speed
    elif from_rest:
        pod["pace_mps"] = pelvis_speed
    middle = 0.5 * (before + t)
    if pod["kf_n"] == 0:
        if from_rest:
            loosen(pod, 0.0, 0.1)  # the leg whose speed this is has just begun to learn its hinge and lever
        else:
            begin(pod, co, middle, co["pelvis_acc_bias_mps2"], 0.0)
        if pod["axis_n"] == 0 and from_rest and pelvis_speed > MOVING_MPS:
            ax, ay = vx, vy  # the first stride after rest: the pelvis goes where it faces
        pod["kf_heading"] = math.atan2(ay, ax)
    norm = math.sqrt(ax * ax + ay * ay)
    hx, hy = ax / norm, ay / norm
    if alone:
        loosen(pod, 0.0, co["pace_walk_mps"] * math.sqrt(max(middle - pod["kf_s"], 0.0)))
    every_step = middle - pod["kf_s"] < 0.6 * (t - before)  # both legs tell, half a stride apart
    predict(pod, co, middle, math.atan2(hy, hx))
    ux, uy = vx - pod["x"][0, 0], vy - pod["x"][0, 1]
    astray = math.atan2(hx * uy - hy * ux, hx * ux + hy * uy)
    sure = abs(hx * uy - hy * ux) > SURE_SD * math.sqrt(pod["p"][0, 0] + co["pelvis_sd_mps"] ** 2)
    if sure and (every_step or from_rest) and pod["calibrated"] and not core["walking"] and is_astray(pod, co, astray):
        x, y, z = mean_up(pod, first + 1, last + 1)
        watch_turn(pod, co, astray, x, y, z)
        return speed  # what the filter would learn from such a step is wrong
    pod["astray_n"] = 0
    if pod["kf_n"] > 0:
        pod["usual_astray_rad"] += RECENT * (astray - pod["usual_astray_rad"])
    pace = pod["pace_mps"]
    update(pod, vx - pace * hx, vy - pace * hy, math.hypot(co["pelvis_sd_mps"], speed_sd))
    if alone:
        pod["surprise"] = max(pod["surprise"], 1.0)  # that nothing surprises a pelvis alone proves nothing
    ax, ay, _ = rotate_row(rows, (first + 1) & (RING - 1), axis[0], axis[1], axis[2])
    bx, by, _ = rotate_row(rows, last & (RING - 1), axis[0], axis[1], axis[2])
    turned = math.atan2(ax * by - ay * bx, ax * bx + ay * by)
    pod["turn_rad"] += RECENT * (turned - pod["turn_rad"])
    turned = abs(pod["turn_rad"])
    pod["bend_rad"] = max(turned, pod["bend_rad"] + AFTER_BEND * (turned - pod["bend_rad"]))
    ex, ey = velocity_error_at(pod, middle)
    vx -= ex
    vy -= ey
    norm = math.sqrt(vx * vx + vy * vy)
    if norm > MOVING_MPS and (from_rest or not alone):
        learn_forward(pod, co, first + 1, last + 1, vx / norm, vy / norm)
    if not pod["calibrated"]:
        x, y, z = mean_up(pod, first + 1, last + 1)
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
    up[0] += RECENT * (x - up[0])
    up[1] += RECENT * (y - up[1])
    up[2] += RECENT * (z - up[2])
    norm = math.sqrt(up[0] ** 2 + up[1] ** 2 + up[2] ** 2)
    up[0] /= norm
    up[1] /= norm
    up[2] /= norm
    axis = pod["axis"]
    square(pod, axis[0], axis[1], axis[2])
