"""How a pod sits on its segment, put right when the pod has turned there."""

from dsp.jit import kernel
from dsp.quaternion import turned


@kernel
def turn_seat(pod, x, y, z):  # type: ignore[no-untyped-def]
    """Turn all that is known of the segment's axes in the sensor by the rotation vector (x, y, z; rad, sensor axes)."""
    up, axis, forward = pod["up"], pod["axis"], pod["forward_sum"]
    up[0], up[1], up[2] = turned(up[0], up[1], up[2], x, y, z)
    axis[0], axis[1], axis[2] = turned(axis[0], axis[1], axis[2], x, y, z)
    forward[0], forward[1], forward[2] = turned(forward[0], forward[1], forward[2], x, y, z)
