"""When a foot meets the ground and when it leaves, from that shank's pod.

Phases of a leg: SWING_NEXT waits for the forward swing, SWING follows it to its end, SEARCH looks for the impact,
STANCE for the heel to leave. The swing is only a gate: the zero crossing of the rate leads contact by 26 ms on average
and by 2 to 59 ms between runners, so it never is the time of contact where there is an impact.

The pelvis has no say in when the foot leaves: where it begins to fall is off by 14 ms (SD) on eight runners and by 27
on a real sacral accelerometer (tests/dsp/test_real_sensors.py), against 6 of the shank: by variances it would weigh 4
to 12 %.
"""

import math

from dsp.jit import inlined, kernel

SWING_NEXT, SWING, SEARCH, STANCE = 0, 1, 2, 3
NOTHING, INITIAL, TERMINAL = 0, 1, 2
# A stride of more is none: 60 steps a minute, 0.5 m/s. The ring of samples holds little more (state.RING).
LONGEST_STRIDE_S = 2.0
LONGEST_STANCE_S = 0.7 * LONGEST_STRIDE_S  # a slow walker's share of the stride, 0.62 at an easy pace, and some more
# Standard deviations of contacts, s. Measured, with any of the eight runners left out alike to a third
# (tests/dsp/test_constants.py): a clear impact, the learnt lead, TC.
IMPACT_SD_S, LEARNT_SD_S, TC_SD_S = 0.0008, 0.012, 0.0055
# How much the swing's end by itself wanders against contact: median of the 48 legs, 2 to 9 ms.
SWING_SD_S = 0.004
SAMPLE_SD = 0.17  # of a sample's period, and the more the longer that is than an impact: same runners at 104 Hz
# A low-pass of second order at half the sample rate (LSM6DSO data sheet) delays by sqrt(2) / (2 pi 0.5) periods. If
# it is on, and if time stamps know of it, no chip tells.
CHIP_DELAY = 0.45
UNTOLD_SHARE = math.sqrt(0.5)  # of a delay that is there or not, with even chances: its RMS
UNIFORM_SD = 1.0 / math.sqrt(12.0)  # of what lies anywhere between nothing and one: an onset in its impact's rise
# The impact has had its peak by then: 30 to 39 ms after contact in the 48 legs. What rises later is a forefoot's heel
# coming down or the leg's own work, and who takes it for an impact waits for it at the next landing.
IMPACT_ENDS_S = 0.04
# Shares of an impact's slope and rise that a leg reaches before contact by slowing down: a sprinter's, simulated.
# Without them contacts of runners simulated at 4.5 and 6 m/s are 1 ms earlier, those of the eight the same; half or
# twice moves them by no more, but for a simulated forefoot's by 2 ms.
GENTLE_SLOPE, GENTLE_RISE = 0.3, 0.5
# How the lead of the swing's end is learnt: a mean of ten at first, then fading; how it wanders, over twenty, with no
# more than three standard deviations at once, lest one stumble makes the leg unsure for a minute. No contact moves by
# these; half or twice of all changes the share of hard sessions' errors within one standard deviation by 11 % at most.
LEAD_N, WANDER_GAIN, WANDER_MOST = 10, 0.05, 9.0
# A stride whose ratio to the usual one is nearer to a half or to two than to one.
TOO_SHORT, TOO_LONG = math.sqrt(0.5), math.sqrt(2.0)
WALKING_SD_S = 0.04  # published offsets of that peak are from none to 75 ms (docs/metrics.md)


@inlined
def follow_leg(leg, co, t, dt, w, force):  # type: ignore[no-untyped-def]
    """One shank sample at `t` (s): rate about the hinge `w` (rad/s), axial specific force `force` (m/s2).

    Returns NOTHING, INITIAL or TERMINAL: what became known with this sample.
    """
    found = NOTHING
    phase = leg["phase"]
    if phase == SWING_NEXT:
        if w < -co["swing_arm"] * leg["swing_peak"]:
            leg["phase"] = SWING
            leg["swing_min"] = w
    elif phase == SWING:
        leg["swing_min"] = min(leg["swing_min"], w)
        if w > co["search_from"] * leg["swing_min"]:
            leg["phase"] = SEARCH
            leg["search_s"] = t
            leg["force_min"] = force
            leg["zero_s"] = math.nan
    elif phase == SEARCH:
        found = search(leg, co, t, dt, w, force)
    else:
        found = stance(leg, co, t, dt, w, force)
    leg["last_w"] = w
    leg["last_force"] = force
    return found


@kernel
def search(leg, co, t, dt, w, force):  # type: ignore[no-untyped-def]
    """The impact: axial force has risen above its minimum since the swing's end."""
    if w < -co["swing_arm"] * leg["swing_peak"]:  # the swing was not over
        leg["phase"] = SWING
        leg["swing_min"] = min(leg["swing_min"], w)
        return NOTHING
    if math.isnan(leg["zero_s"]) and w >= 0.0 > leg["last_w"]:
        leg["zero_s"] = t - dt * w / (w - leg["last_w"])
    threshold = max(co["rise_share"] * leg["usual_rise"], co["rise_min_mps2"])
    threshold *= min(1.0, co["impact_s"] / dt)
    above = force - leg["force_min"] - threshold
    contact = math.nan
    if above > 0.0:
        slope = (force - leg["last_force"]) / dt
        contact = t
        if slope > 0.0:
            contact -= above / slope + min(threshold / slope, max(co["onset_back_s"] - 0.5 * dt, 0.0))
            risen = leg["last_force"] - leg["force_min"]
            gentle = leg["last_slope"] < GENTLE_SLOPE * slope and risen > GENTLE_RISE * threshold
            if gentle:  # what rose before the last sample was the leg slowing down, not the impact
                contact = max(contact, t - dt)
        if leg["zero_s"] == leg["zero_s"]:
            learn_lead(leg, contact - leg["zero_s"])
        # Late impacts look like any other; but they wander against the end of the swing more than swings do.
        late = max(leg["zero_lead_var_s2"] - SWING_SD_S**2, 0.0)
        coarse = SAMPLE_SD * dt * max(1.0, dt / co["impact_s"])
        sharp = max(UNIFORM_SD * threshold / slope, IMPACT_SD_S, coarse) if slope > 0.0 else LEARNT_SD_S
        sd = min(math.sqrt(sharp**2 + late), LEARNT_SD_S)
    elif t - leg["search_s"] > co["search_s"]:
        if math.isnan(leg["zero_s"]):  # who lands turns back: a leg was lifted
            leg["phase"] = SWING_NEXT
            return NOTHING
        contact = leg["zero_s"] + leg["zero_lead_s"]
        sd = LEARNT_SD_S
    leg["last_slope"] = (force - leg["last_force"]) / dt
    leg["force_min"] = min(leg["force_min"], force)
    if math.isnan(contact):
        return NOTHING
    # No shuffle makes it forget a stride, and no spike makes it deaf to the next ones.
    peak = min(max(-leg["swing_min"], 0.5 * co["swing_peak_radps"]), 2.0 * leg["swing_peak"])
    leg["swing_peak"] += co["learning"] * (peak - leg["swing_peak"])
    land(leg, co, contact, sd, t, 0.0)
    leg["phase"] = STANCE
    leg["rise"] = 0.0
    leg["w_min"] = 99.0
    leg["w_max"] = 0.0
    return INITIAL


@kernel
def learn_lead(leg, lead):  # type: ignore[no-untyped-def]
    """The end of the swing led this contact by `lead` (s): learn the mean, and how it wanders."""
    leg["zero_n"] += 1
    off = lead - leg["zero_lead_s"]
    leg["zero_lead_s"] += max(1.0 / leg["zero_n"], 1.0 / LEAD_N) * off
    if leg["zero_n"] > LEAD_N:  # the mean is known
        leg["zero_lead_var_s2"] += WANDER_GAIN * (min(off * off, WANDER_MOST * SWING_SD_S**2) - leg["zero_lead_var_s2"])


@kernel
def land(leg, co, contact, sd, t, by_pelvis):  # type: ignore[no-untyped-def]
    """The leg's newest contact (s) was found at `t` with standard deviation `sd`, by its shank or by the pelvis.

    by_pelvis: 1.0 or 0.0, for numba compiles a function anew for every integer that is written out in a call.
    """
    stride = contact - leg["ic_s"]
    leg["was_by_pelvis"] = leg["by_pelvis"]
    leg["was_ic_s"] = leg["ic_s"]
    leg["was_ic_sd_s"] = leg["ic_sd_s"]
    leg["was_ic_decided_s"] = leg["ic_decided_s"]
    leg["was_tc_s"] = leg["tc_s"]
    leg["was_tc_sd_s"] = leg["tc_sd_s"]
    if (by_pelvis > 0.0 or leg["was_by_pelvis"]) and not TOO_SHORT < stride / leg["stride_s"] < TOO_LONG:
        leg["was_ic_s"] = math.nan  # a contact was missed when pods came and went, or the sides were mixed up
    elif stride < LONGEST_STRIDE_S:
        leg["stride_s"] += co["learning"] * (stride - leg["stride_s"])
    leg["by_pelvis"] = int(by_pelvis)
    leg["ic_s"] = contact
    leg["ic_sd_s"] = sd
    leg["ic_decided_s"] = t
    leg["tc_s"] = math.nan
    leg["tc_sd_s"] = math.nan


@kernel
def stance(leg, co, t, dt, w, force):  # type: ignore[no-untyped-def]
    """The heel leaves: the rate has risen from its stance minimum."""
    age = t - leg["ic_s"]
    if age < IMPACT_ENDS_S:
        leg["rise"] = max(leg["rise"], force - leg["force_min"])
    elif leg["rise"] > 0.0:
        gain = co["learning"] if leg["usual_rise"] > 0.0 else 1.0
        leg["usual_rise"] += gain * (leg["rise"] - leg["usual_rise"])
        leg["rise"] = 0.0
    if age <= co["tc_from"] * leg["stride_s"]:
        return NOTHING
    leg["w_min"] = min(leg["w_min"], w)
    if age > co["walking_stance"] * leg["stride_s"]:
        return walking_stance(leg, co, t, w)
    over = w - leg["w_min"] - co["tc_rise_radps"]
    if over > 0.0:
        leg["tc_s"] = t - dt * min(over / (w - leg["last_w"]), 1.0) - co["tc_lag_s"]
        leg["tc_sd_s"] = math.hypot(TC_SD_S, UNTOLD_SHARE * CHIP_DELAY * dt)
        leg["tc_decided_s"] = t
        leg["phase"] = SWING_NEXT
        return TERMINAL
    return NOTHING


@kernel
def walking_stance(leg, co, t, w):  # type: ignore[no-untyped-def]
    """A walker's toes leave where the shank turns backwards fastest, the last peak of its rate before the swing.

    Aminian et al. 2002 (doi 10.1016/S0021-9290(02)00008-8) found no error of that against switches under the foot.
    """
    if w > leg["w_max"] and w > leg["w_min"] + co["walking_rise_radps"]:
        leg["w_max"] = w
        leg["w_max_s"] = t
    if w > co["walking_past_peak"] * leg["w_max"] and t - leg["ic_s"] <= LONGEST_STANCE_S:
        return NOTHING
    leg["phase"] = SWING_NEXT
    if not leg["w_max"] > 0.0:
        return NOTHING
    leg["tc_s"] = leg["w_max_s"]
    leg["tc_sd_s"] = WALKING_SD_S
    leg["tc_decided_s"] = t
    return TERMINAL
