"""A rigid body in motion: what a sensor fixed to it feels.

Angles are yaw, pitch, roll (z-y-x): R = Rz(yaw) Ry(pitch) Rx(roll) takes body into world axes.
Formulas: e.g. Diebel 2006, Representing Attitude, section 5 (sequence 3-2-1).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rotation(angles: Array) -> Array:
    """(n, 3, 3) body to world, from yaw, pitch, roll (n, 3)."""
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles).T, np.sin(angles).T
    return np.stack(
        [
            np.stack([cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr], -1),
            np.stack([sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr], -1),
            np.stack([-sp, cp * sr, cp * cr], -1),
        ],
        axis=1,
    )


def body_motion(pose: Array, rate: Array, acceleration: Array, site_m: Array, g_mps2: float) -> tuple[Array, Array]:
    """Specific force (n, 3) m/s2 and angular rate (n, 3) rad/s, in body axes, at `site_m` (3,) from the
    pose's point.

    `pose` is (n, 6): position, then yaw, pitch, roll; `rate` and `acceleration` are its time derivatives.
    """
    _, pitch, roll = pose[:, 3:].T
    dyaw, dpitch, droll = rate[:, 3:].T
    ddyaw, ddpitch, ddroll = acceleration[:, 3:].T
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    gyr = np.column_stack([droll - dyaw * sp, dpitch * cr + dyaw * cp * sr, -dpitch * sr + dyaw * cp * cr])
    alpha = np.column_stack(
        [
            ddroll - ddyaw * sp - dyaw * cp * dpitch,
            ddpitch * cr - dpitch * sr * droll + ddyaw * cp * sr + dyaw * (cp * cr * droll - sp * dpitch * sr),
            -ddpitch * sr - dpitch * cr * droll + ddyaw * cp * cr - dyaw * (cp * sr * droll + sp * dpitch * cr),
        ]
    )
    force = acceleration[:, :3] + np.array([0.0, 0.0, g_mps2])
    in_body = np.einsum("nij,ni->nj", rotation(pose[:, 3:]), force)
    return in_body + np.cross(alpha, site_m) + np.cross(gyr, np.cross(gyr, site_m)), gyr
