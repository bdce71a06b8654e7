"""A pod that slipped on the body: seen by where up lies in the sensor at the same moment of every stride.

The gyro feels the slip, so the attitude stays right; what becomes wrong is how the pod sits on the segment. A body
does not change its posture by many degrees from one stride to the next and stay there: then the pod did, and what was
known of its seat turns with it. A turn about the vertical itself cannot be seen so.
"""

import math

from dsp.jit import kernel

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
        pod["slipped"] = FLAGGED
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
