"""Steps from the pelvis pod, of the legs whose shank is silent.

In flight the pelvis falls freely; its weight comes back above `free_fall_mps2` when a foot lands and is below it again
when the foot is about to leave. Which foot that is, is known from the other shank, or from before both were lost, else
from the hips: the side in swing drops at landing and rises until the foot leaves (Novacheck 1998,
doi 10.1016/S0966-6362(97)00038-6).
"""

import math

from dsp.contacts import INITIAL, LONGEST_STRIDE_S, NOTHING, TERMINAL, land
from dsp.jit import kernel
from dsp.midstance import mid_stance_alone
from dsp.params import G_MPS2

FLIGHT, STANCE = 0, 1
NOBODY = -1  # whose step it is when the shank of that leg tells of it itself
# Standard deviations, s, against the force plate of eight runners at three speeds (Fukuchi, Fukuchi & Duarte 2017,
# doi 10.7717/peerj.3298). Of leaving 14 ms on those and 27 on a real sacral accelerometer, level ground, three speeds
# (tests/dsp/test_real_sensors.py); Patoz et al. 2022 (doi 10.3390/s22030784) reached 20 ms of contact time from there.
PELVIS_IC_SD_S, PELVIS_TC_SD_S = 0.010, 0.020
HIPS_RAD = 0.03  # half of what one usual step rolls the pelvis: the drop is 2.7 to 3.8 deg (same data set)
HIPS_FADE = 0.8  # a memory of five steps: two that object are heard, one is not
RESUMED_S = 0.1  # longer than any pause between samples that are looked at


@kernel
def take_alone(core, co, t, dt, fall):  # type: ignore[no-untyped-def]
    """One pelvis sample while a shank is silent: NOTHING, INITIAL or TERMINAL of the leg `core["steps"]["side"]`.

    t: s. fall: vertical acceleration, m/s2, gravity removed.
    """
    steps = core["steps"]
    legs = core["legs"]
    if not t - steps["last_s"] < RESUMED_S:  # the shanks were there until now
        steps["phase"] = FLIGHT
        steps["last_fall"] = fall
        steps["rise_s"] = math.nan
        steps["ic_s"] = math.nan
        steps["hips"] = 0.0
        steps["sure"] = t - max(legs[0]["ic_s"], legs[1]["ic_s"]) < LONGEST_STRIDE_S
    steps["last_s"] = t
    axis = core["pods"][0]["axis"]
    rate = core["pods"][0]["gyr"]
    steps["roll"] += dt * (rate[0] * axis[0] + rate[1] * axis[1] + rate[2] * axis[2])
    stride = 0.5 * (legs[0]["stride_s"] + legs[1]["stride_s"])
    found = follow_steps(steps, co, stride, t, dt, fall)
    if found == INITIAL:
        left = t - core["pods"][1]["raw_s"] > co["bridge_s"]
        right = t - core["pods"][2]["raw_s"] > co["bridge_s"]
        steps["side"] = whose_turn(steps, legs, stride) if left and right else turn_of(steps, legs, 0 if left else 1)
        steps["roll"] = 0.0
        if steps["side"] != NOBODY:
            land(legs[steps["side"]], co, steps["event_s"], PELVIS_IC_SD_S, t, 1.0)
    elif found == TERMINAL and steps["side"] != NOBODY:
        leg = legs[steps["side"]]
        leg["tc_s"] = steps["event_s"] + lead(steps["event_s"] - leg["ic_s"], stride, co["free_fall_mps2"])
        leg["tc_sd_s"] = PELVIS_TC_SD_S
        leg["tc_decided_s"] = t
        steps["hips"] = HIPS_FADE * steps["hips"] + (steps["roll"] if steps["side"] == 0 else -steps["roll"])
        mid_stance_alone(core, co, steps["side"])
    return found if steps["side"] != NOBODY else NOTHING


@kernel
def follow_steps(steps, co, stride, t, dt, fall):  # type: ignore[no-untyped-def]
    """Vertical acceleration `fall` (m/s2, gravity removed) at `t` (s), strides lasting `stride` (s).

    Returns NOTHING, INITIAL or TERMINAL; the event's time is `steps["event_s"]`. A bump in flight that takes the pelvis
    through the level is no landing: that takes it past its own weight within `step_rise_s`.
    """
    found = NOTHING
    last = steps["last_fall"]
    level = co["free_fall_mps2"] - G_MPS2
    age = t - steps["ic_s"]
    if steps["phase"] == STANCE:
        if age > co["tc_from"] * stride and fall <= level < last:
            steps["phase"] = FLIGHT
            steps["event_s"] = t - dt * (fall - level) / (fall - last)
            found = TERMINAL
        elif age > co["walking_stance"] * stride:  # there was no flight: not running
            steps["phase"] = FLIGHT
    else:
        if last < level <= fall and not t - steps["rise_s"] < co["step_rise_s"]:
            steps["rise_s"] = t - dt * (fall - level) / (fall - last)
        risen = t - steps["rise_s"]
        if last < 0.0 <= fall and risen < 2.0 * co["step_rise_s"] and not age < 0.25 * stride:  # half a step
            back = min(dt * (fall - level) / (fall - last), co["onset_back_s"])
            steps["event_s"] = steps["rise_s"] if risen < co["step_rise_s"] else t - back
            steps["ic_s"] = steps["event_s"]
            steps["phase"] = STANCE
            found = INITIAL
    steps["last_fall"] = fall
    return found


@kernel
def whose_turn(steps, legs, stride):  # type: ignore[no-untyped-def]
    """The side that lands at `steps["event_s"]`: legs take turns, a missed step counts, and the hips may object."""
    last = 1 if legs[1]["ic_s"] > legs[0]["ic_s"] or math.isnan(legs[0]["ic_s"]) else 0
    turns = 2.0 * (steps["event_s"] - legs[last]["ic_s"]) / stride
    side = last if 1.5 < turns < 2.5 else 1 - last  # nearer to two steps than to one or three
    if steps["hips"] > HIPS_RAD and not steps["sure"]:
        steps["hips"] = 0.0
        side = 1 - side
    return side


@kernel
def turn_of(steps, legs, side):  # type: ignore[no-untyped-def]
    """`side`, if the step is its own: near the middle of the other leg's stride. Else NOBODY."""
    other = legs[1 - side]
    share = (steps["event_s"] - other["ic_s"]) / other["stride_s"]
    return side if 0.25 < share < 0.75 else NOBODY  # nearer to a half than to a whole one


@kernel
def lead(fallen, stride, level):  # type: ignore[no-untyped-def]
    """From when specific force falls below `level` (m/s2) until the foot leaves, s; `fallen`: from landing to then.

    Vertical force in stance is half a sine whose mean over a step is the weight, so its peak is pi / 2 x step / contact
    time x weight (Morin et al. 2005, doi 10.1123/jab.21.2.167): the lead is the time from the level down to no force.
    """
    late = 0.0
    for _ in range(4):  # each halves the error at the least
        contact = fallen + late
        late = contact / math.pi * math.asin(min(level / G_MPS2 * 4.0 * contact / (math.pi * stride), 1.0))
    return late
