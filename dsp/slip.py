"""A pod that slipped on the body, told from a body that moves in another way; and its seat put right again.

The gyro feels the slip, so the attitude stays right; what becomes wrong is how the pod sits on the segment. Then the
way that up takes through the sensor in a stride (way.py) is turned as a whole, at once and for good.

- A shank swings by 100 degrees and more in a stride, so that way tells all three angles of a slip, and whether it is a
  slip at all: a runner who runs in another way, or at another pace, changes the shape of the way as much as its mean.
- The pelvis hardly turns, so another posture looks like a slip, but for how it comes: a body takes strides to get
  there, a pod jumps (onset.py). Where that is not clear, tilt's standard deviation says so from then on. A turn about
  the vertical is not in that way at all (astray.py).

The numbers below are chosen, and hardly matter: halved or doubled (`bench_slips constants`), each of KNOWN, MEMORY,
SPREAD_GAIN and NO_WAY_RAD moves the share of slips of 4 degrees that are seen, 62 %, by 5 at most, and nothing else;
state.PHASES moves it by 7, the rounds of way.py not at all. Half of state.OFF takes two of 217 sessions without a slip
for slips, twice of it doubts 2 % more of good strides.
"""

import math

from dsp.astray import watch_drive
from dsp.jit import kernel
from dsp.onset import note_turn, step_beats_ramp
from dsp.params import G_MPS2
from dsp.quaternion import turned
from dsp.seat import turn_seat
from dsp.state import OFF, PHASES
from dsp.way import learn_way, misfit, sense_way, tip_between, turn_between

KNOWN = 5  # strides after which the usual way is known
MEMORY = 10  # strides that it is the mean of
SPREAD_GAIN = 0.05  # weight of the newest in what strides spread by
STAYS_OFF = 0.5  # share of a slip down to which strides still belong to it: nearer to it than to none
# Strides leave 0.02 to 0.06 (RMS), another pace 0.3 (eight runners; simulated, from 2 to 6 m/s, 0.4), half a turn of
# the pod more than 1.
NO_WAY_RAD = 0.5
# How well a few strides tell the seat, as a share of the variance that single ones spread by: they wander together.
# Means after slips of eight runners' pods were 0.5 (pelvis) to 0.8 deg off: of 144 two thirds within one of these
# standard deviations, 93 % within two.
SEAT_VARIANCE = 0.5
LOST = 2 * KNOWN  # strides in a row that no turn explains: twice what confused sides last


@kernel
def watch_seats(pods, co, side, row, settling, walking, by_pelvis):  # type: ignore[no-untyped-def]
    """A stride of `side` is complete (row: its STRIDE): did the pod of this shank slip, or the pelvis's?"""
    ic, next_ic, speed = row["ic_s"], row["next_ic_s"], row["speed_mps"]
    if walking:  # another posture, whose first stride or two may have passed for running
        for k in range(3):
            pods[k]["off_n"] = 0
            pods[k]["confirm_n"] = 0
            pods[k]["doubtful"] = 0
            pods[k]["slipped"] = 0
    row["pelvic_tilt_sd_rad"] = math.hypot(row["pelvic_tilt_sd_rad"], pods[0]["seat_sd_rad"])
    if walking:
        return
    shank = pods[1 + side]
    in_doubt = shank["off_n"] > 0 or shank["odd_n"] > 0 or shank["lost_n"] > 0  # then so are its contacts
    misfaced = not in_doubt and watch_drive(pods[0], ic, row["tc_s"])
    if settling:
        return
    bend = abs(pods[0]["turn_rad"]) / (next_ic - ic)
    lean = math.atan(speed * bend / G_MPS2) if speed == speed else 0.0  # of a body in a bend
    if not by_pelvis:
        watch_shank(shank, pods[2 - side], co, ic, next_ic, speed, lean)
    watch_pelvis(pods[0], co, side, ic, next_ic, speed, lean)
    if misfaced:
        pods[0]["doubtful"] = 1


@kernel
def watch_shank(pod, other, co, ic, next_ic, speed, lean):  # type: ignore[no-untyped-def]
    """The whole way of up in a stride: turned for some strides, and not in another shape, the pod has slipped."""
    if not may_watch(pod, co, ic) or not sense_way(pod, ic, next_ic, 0.0, 1.0):
        return
    if pod["usual_n"] < KNOWN:
        learn(pod, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, speed)
        return
    x, y, z, left = turn_between(pod, 1.0, 0.0, 0.0, 0.0)
    if left > NO_WAY_RAD:  # half around the leg, it may be
        x, y, z, left = turn_between(pod, 0.0, pod["up"][0], pod["up"][1], pod["up"][2])
    if left > NO_WAY_RAD:  # no turn explains it: contacts may be none (facing.py)
        pod["off_n"] = 0
        pod["doubtful"] = 1
        pod["lost_n"] += 1
        if pod["lost_n"] == LOST:  # how it sits nobody knows until the next standing
            pod["lost_n"] = 0
            pod["calibrated"] = 0
            pod["usual_n"] = 0
        return
    pod["lost_n"] = 0
    limit = max(co["slip_rad"], co["slip_sds"] * math.sqrt(pod["usual_turn_rad2"])) + lean
    odd = math.sqrt(x * x + y * y + z * z) > limit and misfit(pod, x, y, z) > co["slip_misfit"]
    pod["odd_n"] = pod["odd_n"] + 1 if odd else 0
    if pod["odd_n"] == 1:  # a stumble says nothing
        pod["doubtful"] = pod["off_n"] > 0
    elif odd:
        pod["off_n"] = 0
        pod["usual_n"] = KNOWN  # runs in another way: learn that sooner
        learn(pod, 0.0, 1.0, x, y, z, limit, speed)
    elif pod["confirm_n"] > 0:
        confirm(pod, x, y, z, 1.0)
    elif not is_off(pod, co, x, y, z, limit):
        learn(pod, 0.0, 1.0, x, y, z, limit, speed)
    elif pod["off_n"] >= OFF:
        both = other["off_n"] > 1  # pods do not slip at once: it is the runner, or somebody's hands
        slipped = not both or is_handled(pod, co) or is_handled(other, co)
        settle(pod, slipped, 1.0)
        if not slipped:
            settle(other, slipped, 1.0)


@kernel
def watch_pelvis(pod, co, side, ic, next_ic, speed, lean):  # type: ignore[no-untyped-def]
    """The newest half of the stride. Tilt changes with pace (norms), so the limit grows with that."""
    if pod["astray_n"] > 0:
        return
    begin = 0.5 if side == 0 else 0.0  # as shares of the left leg's stride
    end = begin + 0.5
    if not may_watch(pod, co, ic) or not sense_way(pod, 0.5 * (ic + next_ic), next_ic, begin, end):
        return
    if pod["usual_n"] < 2 * KNOWN:
        learn(pod, begin, end, 0.0, 0.0, 0.0, 1.0, speed)
        return
    x, y, z = tip_between(pod, begin, end)
    note_turn(pod, x, y, z)
    limit = max(co["slip_rad"], co["slip_sds"] * math.sqrt(pod["usual_turn_rad2"])) + lean
    if speed == speed:
        limit += co["slip_pace_radspm"] * abs(speed - pod["usual_pace_mps"])
    if pod["confirm_n"] > 0:
        confirm(pod, x, y, z, 2.0)
    elif not is_off(pod, co, x, y, z, limit):
        learn(pod, begin, end, x, y, z, limit, speed)
    elif pod["off_n"] >= 2 * OFF:
        off = pod["off_turn"]
        clear = 0.0 if goes_back(pod, co) else step_beats_ramp(pod) / co["slip_clear_rad"] ** 2
        pod["body_turn"][:] = 0.0
        if clear < 1.0:
            pod["body_turn"][:] = off
        if 0.0 < clear < 1.0:
            pod["seat_sd_rad"] = math.sqrt(pod["seat_sd_rad"] ** 2 + off[0] ** 2 + off[1] ** 2 + off[2] ** 2)
        settle(pod, clear >= 1.0, 2.0)


@kernel
def goes_back(pod, co):  # type: ignore[no-untyped-def]
    """Whether `off_turn` undoes the last turn of the body: a posture is left at once, too, but no pod slips back so."""
    off, body = pod["off_turn"], pod["body_turn"]
    along = off[0] * body[0] + off[1] * body[1] + off[2] * body[2]
    left = (off[0] + body[0]) ** 2 + (off[1] + body[1]) ** 2 + (off[2] + body[2]) ** 2
    return along < 0.0 and left < co["slip_rad"] ** 2


@kernel
def may_watch(pod, co, ic):  # type: ignore[no-untyped-def]
    """Whether this stride of a pod says something of its seat; counts down its flags."""
    pod["slipped"] = max(pod["slipped"] - 1, 0)
    pod["doubtful"] = 0
    settled = pod["kf_n"] > 0 and math.sqrt(pod["p"][1, 1]) <= co["settled_tilt_sd_rad"]
    return pod["calibrated"] and settled and pod["gap_s"] < ic


@kernel
def learn(pod, begin, end, x, y, z, limit, speed):  # type: ignore[no-untyped-def]
    """A stride as usual, turned by (x, y, z) at random: this is what strides spread by, and the axis is right."""
    parts = int(1.0 / (end - begin))  # that a stride comes in
    pod["usual_n"] = min(pod["usual_n"] + 1, MEMORY * parts)
    gain = 1.0 / ((pod["usual_n"] + parts - 1) // parts)
    learn_way(pod, begin, end, gain)
    pod["usual_turn_rad2"] += SPREAD_GAIN * (min(x * x + y * y + z * z, limit * limit) - pod["usual_turn_rad2"])
    pod["usual_offset"] = pod["heading_offset"]
    pod["rest_up"][:] = 0.0
    if speed == speed:
        pod["usual_pace_mps"] += gain * (speed - pod["usual_pace_mps"])
    axis, usual = pod["axis"], pod["usual_axis"]
    for j in range(3):
        usual[j] += gain * (axis[j] - usual[j])


@kernel
def is_off(pod, co, x, y, z, limit):  # type: ignore[no-untyped-def]
    """Whether a stride that is turned by (x, y, z; rad) belongs to a row of such, and takes their mean.

    The slip may lie within the first one, which is not in the mean. Who is off stays so down to STAYS_OFF of it.
    """
    off, n = pod["off_turn"], pod["off_n"]
    size = math.sqrt(x * x + y * y + z * z)
    if n > 0 and x * off[0] + y * off[1] + z * off[2] <= STAYS_OFF * (off[0] ** 2 + off[1] ** 2 + off[2] ** 2):
        pod["slipped"] = 0
        pod["off_n"] = 0
        if size <= co["slip_alone_rad"]:
            return False
        n = 0  # another row begins
    elif n == 0 and size <= limit:
        return False
    gain = 1.0 / max(n, 1)
    off[0] += gain * (x - off[0])
    off[1] += gain * (y - off[1])
    off[2] += gain * (z - off[2])
    pod["off_n"] = n + 1
    pod["doubtful"] = n > 0 or size > co["slip_alone_rad"]
    if n == 1 and size > co["slip_sure_rad"]:
        pod["slipped"] = 2 * OFF
    return True


@kernel
def settle(pod, slipped, parts):  # type: ignore[no-untyped-def]
    """Strides enough were turned by `off_turn`: turn the seat so, or learn how the body runs now.

    parts: that a stride comes in, 1.0 or 2.0.
    """
    pod["off_n"] = 0
    pod["doubtful"] = 0
    pod["slipped"] = 0
    if not slipped:
        pod["usual_n"] = 0
        return
    pod["confirm_n"] = int(OFF * parts)
    pod["slipped"] = pod["confirm_n"] + 1  # one is counted down at once
    put_right(pod)


@kernel
def confirm(pod, x, y, z, parts):  # type: ignore[no-untyped-def]
    """A stride after the slip: what they are still turned by is put right with the last flag.

    While the seat was wrong the ankle was looked for in the wrong place, which tips the attitude a little.
    """
    off = pod["off_turn"]
    gain = 1.0 / (OFF * parts + 1.0 - pod["confirm_n"])
    pod["confirm_n"] -= 1
    off[0] += gain * (x - off[0])
    off[1] += gain * (y - off[1])
    off[2] += gain * (z - off[2])
    if pod["confirm_n"] == 0:
        put_right(pod)
        pod["seat_sd_rad"] = math.sqrt(pod["seat_sd_rad"] ** 2 + SEAT_VARIANCE * pod["usual_turn_rad2"])


@kernel
def is_handled(pod, co):  # type: ignore[no-untyped-def]
    """Whether hands turned this pod by `off_turn`: further than a body changes, or standing since says so, too."""
    x, y, z = pod["off_turn"]
    if x * x + y * y + z * z > co["slip_sure_rad"] ** 2:
        return True
    up, stood = pod["up"], pod["rest_up"]
    a, b, c = turned(up[0], up[1], up[2], x, y, z)
    return stood[0] * (a - up[0]) + stood[1] * (b - up[1]) + stood[2] * (c - up[2]) > 0.0  # nearer to there


@kernel
def put_right(pod):  # type: ignore[no-untyped-def]
    """Turn the seat as it was before the slip, and the usual way with it, by the rotation vector `off_turn`.

    The hinge began to follow the slip by itself: its memory is set back to the axis as it was, and turned.
    """
    x, y, z = pod["off_turn"]
    axis, usual, cov = pod["axis"], pod["usual_axis"], pod["cov"]
    size = math.sqrt(usual[0] ** 2 + usual[1] ** 2 + usual[2] ** 2)
    axis[0], axis[1], axis[2] = usual[0] / size, usual[1] / size, usual[2] / size
    turn_seat(pod, x, y, z)
    for k in range(PHASES):
        way = pod["usual_way"][k]
        way[0], way[1], way[2] = turned(way[0], way[1], way[2], x, y, z)
    usual[0], usual[1], usual[2] = turned(usual[0], usual[1], usual[2], x, y, z)
    a, b, c = axis
    power = cov[0] + cov[3] + cov[5]
    cov[0], cov[1], cov[2] = power * a * a, power * a * b, power * a * c
    cov[3], cov[4], cov[5] = power * b * b, power * b * c, power * c * c
    pod["heading_offset"] = pod["usual_offset"]
