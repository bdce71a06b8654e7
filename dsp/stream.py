"""All pods' samples merged in time order, each through its pod, its leg and into strides."""

import math

from dsp.alignment import watch_hinge
from dsp.attitude import loosen
from dsp.contacts import INITIAL, SWING_NEXT, TERMINAL, follow_leg, follow_pelvis
from dsp.grade import climb
from dsp.jit import kernel
from dsp.orientation import advance, end_rest, tick, watch_rest
from dsp.state import ACC, FALL, FRAME_ACC, FRAME_GYR, FRAME_PRESSURE, FRAME_T, GYR, RATE, RING, RUNNING_S
from dsp.strides import complete, mid_stance


@kernel
def run(cores, pods, legs, cos, pelvis, left, right, watermark, out):  # type: ignore[no-untyped-def]
    """Process pending frames of all pods up to `watermark` (s), in time order, the lower role first where equal.

    pelvis, left, right: (n, 8), FRAME as rows of numbers. out: STRIDE rows to write; `core["rows"]` tells how many
    were. Returns how many frames of each pod were used.
    """
    core = cores[0]
    co = cos[0]
    core["rows"] = 0
    n0, n1, n2 = 0, 0, 0
    t0, t1, t2 = when(pelvis, 0), when(left, 0), when(right, 0)
    while True:
        t = min(t0, t1, t2)
        if t > watermark or t == math.inf:
            return n0, n1, n2
        if t0 == t:
            role = 0
            frame = pelvis[n0]
            n0 += 1
            t0 = when(pelvis, n0)
        elif t1 == t:
            role = 1
            frame = left[n1]
            n1 += 1
            t1 = when(left, n1)
        else:
            role = 2
            frame = right[n2]
            n2 += 1
            t2 = when(right, n2)
        arrive(core, pods, legs, co, role, frame, out)


@kernel
def when(frames, n):  # type: ignore[no-untyped-def]
    """Time of frame `n`; never where there is none, always where it is no number."""
    if n >= len(frames):
        return math.inf
    t = frames[n, FRAME_T]
    return t if abs(t) < 1e18 else -math.inf  # no number sorts first, and is dropped


@kernel
def arrive(core, pods, legs, co, role, frame, out):  # type: ignore[no-untyped-def]
    """One frame of one pod: drop it, bridge what was lost before it, then take it."""
    pod = pods[role]
    t = frame[FRAME_T]
    ax, ay, az = frame[FRAME_ACC], frame[FRAME_ACC + 1], frame[FRAME_ACC + 2]
    gx, gy, gz = frame[FRAME_GYR], frame[FRAME_GYR + 1], frame[FRAME_GYR + 2]
    size = abs(ax) + abs(ay) + abs(az)
    spin = abs(gx) + abs(gy) + abs(gz)
    if not (size < 4000.0 and spin < 200.0):  # lost, or what no sensor of this kind can say
        if size == size and spin == spin:
            pod["invalid_s"] = t
        pod["lost"] += 1
        return
    if t < core["now_s"] - co["missing_s"] - 1.0:
        pod["dropped"] += 1
        return
    missing = tick(pod, co, t)
    if missing < 0:
        return
    core["now_s"] = max(core["now_s"], t)
    if missing > 0:
        bridge(core, pods, legs, co, role, missing, frame, out)
    clip = co["acc_range_mps2"] * 0.998
    if max(abs(ax), abs(ay), abs(az)) >= clip:
        pod["clipped"] += 1
        if pod["clipped"] * pod["period_s"] > co["saturated_s"]:
            pod["saturated_s"] = t
    else:
        pod["clipped"] = 0
    if max(abs(gx), abs(gy), abs(gz)) >= co["gyr_range_radps"] * 0.998:
        pod["saturated_s"] = t
    pressure = frame[FRAME_PRESSURE]
    if role == 0 and 3e4 < pressure < 1.2e5:  # from the top of the highest mountain to the lowest shore
        recent = core["now_s"] - core["stride_s"] < RUNNING_S
        climb(core, co, t, pressure, legs[0]["was_speed_mps"] if recent else math.nan)
    running = legs[0]["strides"] + legs[1]["strides"] > 0
    watch_rest(pod, co, pod["t_s"], ax, ay, az, gx, gy, gz, not running)
    take(core, pods, legs, co, role, pod["t_s"], ax, ay, az, gx, gy, gz, 0.0, out)


@kernel
def bridge(core, pods, legs, co, role, missing, frame, out):  # type: ignore[no-untyped-def]
    """Stand in for `missing` lost samples: what the pod did one stride earlier, or a straight line where it rested."""
    pod = pods[role]
    rows = pod["ring"]
    dt = pod["period_s"]
    end = pod["t_s"]
    pod["gap_s"] = end
    pod["lost"] += missing
    if missing * dt > co["bridge_s"]:
        pod["first"] = pod["n"]
        pod["ready"] = 0
        pod["kf_n"] = 0
        end_rest(pod)
        pod["rest_s"] = min(pod["rest_s"], end - 1e3)
        if role > 0:
            legs[role - 1]["phase"] = SWING_NEXT
        return
    stride = legs[role - 1]["stride_s"] if role > 0 else 0.5 * (legs[0]["stride_s"] + legs[1]["stride_s"])
    back = int(stride / dt + 0.5)
    moving = core["now_s"] - core["stride_s"] < 1.5 and pod["n"] - pod["first"] > back + 2 and back > missing
    bias = pod["bias"]
    last = (pod["n"] - 1) & (RING - 1)
    for k in range(missing):
        if moving:
            i = (pod["n"] - back) & (RING - 1)
            f, h = 1.0, 0.0
        else:
            i = last
            h = (k + 1.0) / (missing + 1.0)
            f = 1.0 - h
        take(
            core,
            pods,
            legs,
            co,
            role,
            end - (missing - k) * dt,
            f * rows[i, ACC] + h * frame[FRAME_ACC],
            f * rows[i, ACC + 1] + h * frame[FRAME_ACC + 1],
            f * rows[i, ACC + 2] + h * frame[FRAME_ACC + 2],
            f * (rows[i, GYR] + bias[0]) + h * frame[FRAME_GYR],
            f * (rows[i, GYR + 1] + bias[1]) + h * frame[FRAME_GYR + 1],
            f * (rows[i, GYR + 2] + bias[2]) + h * frame[FRAME_GYR + 2],
            1.0,
            out,
        )
    if moving:
        loosen(pod, co["bridge_tilt_radps"] * missing * dt, co["bridge_velocity_mps2"] * missing * dt)


@kernel
def take(core, pods, legs, co, role, t, ax, ay, az, gx, gy, gz, lost, out):  # type: ignore[no-untyped-def]
    """One sample, measured or bridged, into attitude, contacts and strides."""
    pod = pods[role]
    rows = pod["ring"]
    advance(pod, t, ax, ay, az, gx, gy, gz, lost)
    i = (pod["n"] - 1) & (RING - 1)
    dt = pod["period_s"]
    if role == 0:
        fall = rows[i, FALL]
        follow_pelvis(legs[0], co, t, dt, fall)
        follow_pelvis(legs[1], co, t, dt, fall)
        return
    watch_hinge(pod, co)
    axis = pod["axis"]
    up = pod["up"]
    w = rows[i, GYR] * axis[0] + rows[i, GYR + 1] * axis[1] + rows[i, GYR + 2] * axis[2]
    rows[i, RATE] = w
    leg = legs[role - 1]
    found = follow_leg(leg, co, t, dt, w, ax * up[0] + ay * up[1] + az * up[2])
    if found == INITIAL:
        complete(core, pods, legs, co, role - 1, out)
    elif found == TERMINAL:
        mid_stance(pods, legs, co, role - 1)
