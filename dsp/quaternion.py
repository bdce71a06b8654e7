"""Rotations by unit quaternions (w, x, y, z) that take sensor vectors to the world. Scalars in, scalars out."""

import math

from dsp.jit import kernel
from dsp.state import QUAT


@kernel
def rotate(w, x, y, z, a, b, c):  # type: ignore[no-untyped-def]
    """The vector (a, b, c) in world axes."""
    s = 2.0 * (y * c - z * b)
    t = 2.0 * (z * a - x * c)
    u = 2.0 * (x * b - y * a)
    return a + w * s + y * u - z * t, b + w * t + z * s - x * u, c + w * u + x * t - y * s


@kernel
def turn(a, b, c, d, wx, wy, wz, h):  # type: ignore[no-untyped-def]
    """The quaternion (a, b, c, d) turned by the rotation (wx, wy, wz) h in sensor axes, rad: a rate and a short time.

    Series in the angle, exact to 1e-7 rad at 0.15 rad a sample, and one Newton step towards unit length: of what came
    in, because then it need not wait for the turn. No division, and what is known early first: these are the core's
    busiest lines.
    """
    angle2 = (wx * wx + wy * wy + wz * wz) * (h * h)
    m = 1.5 - 0.5 * (a * a + b * b + c * c + d * d)
    s = m * h * (0.5 - angle2 * (1.0 / 48.0))
    e = m * (1.0 - angle2 * (1.0 / 8.0 - angle2 * (1.0 / 384.0)))
    p = a * e - s * (b * wx + c * wy + d * wz)
    q = b * e + s * (a * wx + c * wz - d * wy)
    r = c * e + s * (a * wy - b * wz + d * wx)
    t = d * e + s * (a * wz + b * wy - c * wx)
    return p, q, r, t


@kernel
def product(w, x, y, z, a, b, c, d):  # type: ignore[no-untyped-def]
    """The quaternion (a, b, c, d) and then (w, x, y, z), both in world axes."""
    return (
        w * a - x * b - y * c - z * d,
        w * b + x * a + y * d - z * c,
        w * c - x * d + y * a + z * b,
        w * d + x * c - y * b + z * a,
    )


@kernel
def turn_world(q, wx, wy, wz):  # type: ignore[no-untyped-def]
    """Turn `q` (4,) in place by the rotation vector (wx, wy, wz) in world axes, rad; any angle."""
    angle = math.sqrt(wx * wx + wy * wy + wz * wz)
    s = math.sin(0.5 * angle) / angle if angle > 1e-12 else 0.5
    c = math.cos(0.5 * angle)
    q[0], q[1], q[2], q[3] = product(c, wx * s, wy * s, wz * s, q[0], q[1], q[2], q[3])


@kernel
def level(q, ux, uy, uz):  # type: ignore[no-untyped-def]
    """Turn `q` (4,) in place the shortest way so that the sensor direction u (unit) points up; heading is kept."""
    x, y, z = rotate(q[0], q[1], q[2], q[3], ux, uy, uz)
    s = math.sqrt(x * x + y * y)
    angle = math.atan2(s, z)
    if s > 1e-12:
        turn_world(q, y / s * angle, -x / s * angle, 0.0)


@kernel
def turned(a, b, c, x, y, z):  # type: ignore[no-untyped-def]
    """The vector (a, b, c) turned by the rotation vector (x, y, z), rad; any angle."""
    angle = math.sqrt(x * x + y * y + z * z)
    s = math.sin(0.5 * angle) / angle if angle > 1e-12 else 0.5
    return rotate(math.cos(0.5 * angle), s * x, s * y, s * z, a, b, c)


@kernel
def shortest(ax, ay, az, bx, by, bz):  # type: ignore[no-untyped-def]
    """The shortest rotation vector (rad) that takes the direction a to the direction b; vectors of any length."""
    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    s = math.sqrt(x * x + y * y + z * z)
    if s < 1e-12:
        return 0.0, 0.0, 0.0
    scale = math.atan2(s, ax * bx + ay * by + az * bz) / s
    return scale * x, scale * y, scale * z


@kernel
def rotate_row(rows, i, x, y, z):  # type: ignore[no-untyped-def]
    """The sensor vector (x, y, z) in world axes, by the attitude of ring slot `i`."""
    q = rows[i]
    return rotate(q[QUAT], q[QUAT + 1], q[QUAT + 2], q[QUAT + 3], x, y, z)


@kernel
def sense_row(rows, i, x, y, z):  # type: ignore[no-untyped-def]
    """The world vector (x, y, z) in sensor axes, by the attitude of ring slot `i`."""
    q = rows[i]
    return rotate(q[QUAT], -q[QUAT + 1], -q[QUAT + 2], -q[QUAT + 3], x, y, z)
