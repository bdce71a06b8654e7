"""The way that up takes through a pod's sensor in a stride: unit vectors at PHASES even shares of it.

It is the same in every stride of one who runs on in the same way, and turns as a whole when the pod turns on the body.
"""

import math

from dsp.attitude import tilt_at
from dsp.jit import kernel
from dsp.orientation import row_at
from dsp.quaternion import product, rotate, sense_row, shortest, turned
from dsp.state import PHASES, RING

MOST_ROUNDS = 5
ENOUGH_RAD = 1e-3


@kernel
def sense_way(pod, first_s, last_s, begin, end):  # type: ignore[no-untyped-def]
    """Fill `way` from its share `begin` to `end` with where up lies from `first_s` to `last_s`; whether all is known.

    Shares are floats: numba compiles a function anew for every integer that is written out in a call.
    """
    start, stop = int(PHASES * begin), int(PHASES * end)
    first, last = row_at(pod, first_s), row_at(pod, last_s)
    if first < 0 or last - first < stop - start:
        return False
    step = (last - first) / (stop - start)
    period = (last_s - first_s) / (stop - start)
    for k in range(start, stop):
        tx, ty = tilt_at(pod, first_s + (k - start + 0.5) * period)
        x, y, z = sense_row(pod["ring"], int(first + (k - start + 0.5) * step) & (RING - 1), tx, ty, 1.0)
        size = math.sqrt(x * x + y * y + z * z)
        pod["way"][k, 0], pod["way"][k, 1], pod["way"][k, 2] = x / size, y / size, z / size
    return True


@kernel
def learn_way(pod, begin, end, gain):  # type: ignore[no-untyped-def]
    """Pull the usual way, from its share `begin` to `end`, towards this one by `gain`."""
    for k in range(int(PHASES * begin), int(PHASES * end)):
        for j in range(3):
            pod["usual_way"][k, j] += gain * (pod["way"][k, j] - pod["usual_way"][k, j])


@kernel
def turn_between(pod, w, x, y, z):  # type: ignore[no-untyped-def]
    """The rotation vector (x, y, z; rad, sensor) that best takes the usual way to this one, and what it leaves, RMS.

    Least squares by Gauss-Newton from the quaternion (w, x, y, z) on: a small rotation r moves u by r x u, so
    sum(1 - u u') r = sum(u x v). A round squares the error: one that changes less than ENOUGH_RAD leaves a millionth.
    Found up to 100 degrees or so from there.
    """
    usual, way = pod["usual_way"], pod["way"]
    left = 0.0
    for _ in range(MOST_ROUNDS):
        xx, xy, xz, yy, yz, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        a, b, c = 0.0, 0.0, 0.0
        left = 0.0
        for k in range(PHASES):
            ux, uy, uz = rotate(w, x, y, z, usual[k, 0], usual[k, 1], usual[k, 2])
            vx, vy, vz = way[k, 0], way[k, 1], way[k, 2]
            xx += uy * uy + uz * uz
            yy += ux * ux + uz * uz
            zz += ux * ux + uy * uy
            xy -= ux * uy
            xz -= ux * uz
            yz -= uy * uz
            a += uy * vz - uz * vy
            b += uz * vx - ux * vz
            c += ux * vy - uy * vx
            left += (vx - ux) ** 2 + (vy - uy) ** 2 + (vz - uz) ** 2
        p, q, r = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy  # cofactors
        s, t, u = xx * zz - xz * xz, xz * xy - xx * yz, xx * yy - xy * xy
        det = xx * p + xy * q + xz * r
        rx, ry, rz = (p * a + q * b + r * c) / det, (q * a + s * b + t * c) / det, (r * a + t * b + u * c) / det
        size = math.sqrt(rx * rx + ry * ry + rz * rz)
        half = math.sin(0.5 * size) / size if size > 1e-12 else 0.5
        w, x, y, z = product(math.cos(0.5 * size), half * rx, half * ry, half * rz, w, x, y, z)
        if size < ENOUGH_RAD:
            break
    s = math.sqrt(x * x + y * y + z * z)
    scale = 2.0 * math.atan2(s, w) / s if s > 1e-12 else 2.0
    return scale * x, scale * y, scale * z, math.sqrt(left / PHASES)


@kernel
def misfit(pod, x, y, z):  # type: ignore[no-untyped-def]
    """What the rotation vector leaves between the usual way and this one, as a share (RMS) of what it moves."""
    usual, way = pod["usual_way"], pod["way"]
    left, moved = 0.0, 0.0
    for k in range(PHASES):
        ux, uy, uz = turned(usual[k, 0], usual[k, 1], usual[k, 2], x, y, z)
        left += (way[k, 0] - ux) ** 2 + (way[k, 1] - uy) ** 2 + (way[k, 2] - uz) ** 2
        moved += (ux - usual[k, 0]) ** 2 + (uy - usual[k, 1]) ** 2 + (uz - usual[k, 2]) ** 2
    return math.sqrt(left / max(moved, 1e-12))


@kernel
def tip_between(pod, begin, end):  # type: ignore[no-untyped-def]
    """The shortest rotation vector (rad, sensor) that takes the mean of that part of the usual way to this one's."""
    ax, ay, az, bx, by, bz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(int(PHASES * begin), int(PHASES * end)):
        ax += pod["usual_way"][k, 0]
        ay += pod["usual_way"][k, 1]
        az += pod["usual_way"][k, 2]
        bx += pod["way"][k, 0]
        by += pod["way"][k, 1]
        bz += pod["way"][k, 2]
    return shortest(ax, ay, az, bx, by, bz)


@kernel
def mean_way(pod):  # type: ignore[no-untyped-def]
    """Where up usually lies in the sensor on average: (x, y, z), of any length."""
    x, y, z = 0.0, 0.0, 0.0
    for k in range(PHASES):
        x += pod["usual_way"][k, 0]
        y += pod["usual_way"][k, 1]
        z += pod["usual_way"][k, 2]
    return x, y, z
