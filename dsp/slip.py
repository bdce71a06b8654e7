"""A pod that slipped on the body: seen by where up lies in the sensor at the same moment of every stride.

The gyro feels the slip, so the attitude stays right; what becomes wrong is how the pod sits on the segment. A body
does not change its posture by many degrees from one stride to the next and stay there: then the pod did, and what was
known of its seat turns with it. A turn about the vertical itself cannot be seen so; on the pelvis it shows as a body
that goes elsewhere than it faces.
"""

import math

from dsp.jit import kernel

TURN_STEPS = 3  # so many steps that agree tell a turn of the pod
FLAGGED = 10  # strides that are flagged after a slip: as many as the memory of the usual place


@kernel
def watch_slip(pod, co, walking, x, y, z):  # type: ignore[no-untyped-def]
    """(x, y, z): where up lies in the sensor at this moment of the stride. Sets `slipped`, turns `up` and `axis`."""
    norm = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / norm, y / norm, z / norm
    usual = pod["usual_up"]
    if math.sqrt(pod["p"][1, 1]) > co["settled_tilt_sd_rad"]:
        return  # the attitude itself is in doubt
    if walking:  # another posture, whose first stride or two may have passed for running
        pod["off_n"] = 0
        pod["slipped"] = 0
        return
    if pod["slipped"] > 0:
        pod["slipped"] -= 1
    d = x * usual[0] + y * usual[1] + z * usual[2]
    if pod["usual_n"] >= 5 and d < math.cos(co["slip_rad"]) * math.sqrt(usual[0] ** 2 + usual[1] ** 2 + usual[2] ** 2):
        pod["slipped"] = FLAGGED if pod["off_n"] > 0 else 1  # one alone is a stumble, or the first after a stop
        pod["off_n"] += 1
        if pod["off_n"] >= co["slip_strides"]:
            size = math.sqrt(usual[0] ** 2 + usual[1] ** 2 + usual[2] ** 2)
            turn_seat(pod, usual[0] / size, usual[1] / size, usual[2] / size, x, y, z)
            usual[0], usual[1], usual[2] = x, y, z
            pod["usual_n"] = 1
            pod["off_n"] = 0
        return
    pod["off_n"] = 0
    pod["usual_n"] += 1
    gain = max(1.0 / pod["usual_n"], 1.0 / FLAGGED)
    usual[0] += gain * (x - usual[0])
    usual[1] += gain * (y - usual[1])
    usual[2] += gain * (z - usual[2])


@kernel
def is_astray(pod, co, astray):  # type: ignore[no-untyped-def]
    """Whether the pelvis goes far from where it faces (`astray`, rad, + to the left), and did not before.

    A filter that lags in a bend comes to that little by little; and what lasts is believed.
    """
    jump = astray - pod["usual_astray_rad"]
    return min(abs(astray), abs(jump)) > co["astray_rad"] and pod["astray_n"] < 2 * TURN_STEPS


@kernel
def watch_turn(pod, co, astray, x, y, z):  # type: ignore[no-untyped-def]
    """The pelvis goes `astray`, up lying at (x, y, z; unit) in the sensor: is it the pod that has turned?

    In the first such step it may still be turning. When the next ones agree it has, and its seat turns with it.
    """
    pod["slipped"] = FLAGGED
    pod["astray_n"] += 1
    up = pod["astray_up"]
    if pod["astray_n"] == 1 or abs(astray - pod["astray_last_rad"]) > 0.5 * co["astray_rad"]:
        pod["astray_last_rad"] = astray
        pod["astray_rad"] = 0.0
        up[:] = 0.0
        return
    pod["astray_rad"] += astray
    up[0] += x
    up[1] += y
    up[2] += z
    if math.sqrt(up[0] ** 2 + up[1] ** 2 + up[2] ** 2) < TURN_STEPS - 0.5:
        return
    angle = pod["astray_rad"] / TURN_STEPS
    axis, usual = pod["axis"], pod["usual_up"]
    turn_frame(pod, usual, up, axis[0], axis[1], axis[2], angle)
    usual[0], usual[1], usual[2] = up[0] / TURN_STEPS, up[1] / TURN_STEPS, up[2] / TURN_STEPS
    pod["kf_heading"] += angle  # the axis turned in the pod, the pod did not
    pod["astray_n"] = 0


@kernel
def turn_frame(pod, old, new, x, y, z, angle):  # type: ignore[no-untyped-def]
    """Turn the seat so that `old` up (3,) comes to `new`, and forward (x, y, z) to `angle` to the left of itself.

    Forward is level in either; vectors in sensor axes, of any length.
    """
    size = math.sqrt(old[0] ** 2 + old[1] ** 2 + old[2] ** 2)
    ux, uy, uz = old[0] / size, old[1] / size, old[2] / size
    fx, fy, fz = levelled(x, y, z, ux, uy, uz)
    lx, ly, lz = uy * fz - uz * fy, uz * fx - ux * fz, ux * fy - uy * fx
    size = math.sqrt(new[0] ** 2 + new[1] ** 2 + new[2] ** 2)
    px, py, pz = new[0] / size, new[1] / size, new[2] / size
    x, y, z = levelled(x, y, z, px, py, pz)
    c, s = math.cos(angle), math.sin(angle)
    gx, gy, gz = c * x + s * (py * z - pz * y), c * y + s * (pz * x - px * z), c * z + s * (px * y - py * x)
    mx, my, mz = py * gz - pz * gy, pz * gx - px * gz, px * gy - py * gx
    for name in range(3):
        v = pod["up"] if name == 0 else pod["axis"] if name == 1 else pod["forward_sum"]
        a = v[0] * ux + v[1] * uy + v[2] * uz
        b = v[0] * fx + v[1] * fy + v[2] * fz
        d = v[0] * lx + v[1] * ly + v[2] * lz
        v[0] = a * px + b * gx + d * mx
        v[1] = a * py + b * gy + d * my
        v[2] = a * pz + b * gz + d * mz


@kernel
def levelled(x, y, z, ux, uy, uz):  # type: ignore[no-untyped-def]
    """The unit vector along that part of (x, y, z) that is square to the unit vector u."""
    d = x * ux + y * uy + z * uz
    x, y, z = x - d * ux, y - d * uy, z - d * uz
    size = math.sqrt(x * x + y * y + z * z)
    return x / size, y / size, z / size


@kernel
def turn_seat(pod, ax, ay, az, bx, by, bz):  # type: ignore[no-untyped-def]
    """Turn what is known of the seat by the shortest rotation that takes unit vector a to b (sensor axes)."""
    kx, ky, kz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    c = ax * bx + ay * by + az * bz
    for name in range(3):
        v = pod["up"] if name == 0 else pod["axis"] if name == 1 else pod["forward_sum"]
        x, y, z = v[0], v[1], v[2]
        along = (kx * x + ky * y + kz * z) / (1.0 + c)
        v[0] = c * x + ky * z - kz * y + kx * along
        v[1] = c * y + kz * x - kx * z + ky * along
        v[2] = c * z + kx * y - ky * x + kz * along
