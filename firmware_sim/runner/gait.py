"""The mean person's stride in numbers: running by speed, walking, standing, and how much strides differ.

Source of every number here, unless said otherwise: optical motion capture of 28 runners at 2.5, 3.5 and 4.5
m/s, Fukuchi, Fukuchi & Duarte 2017, "A public dataset of running biomechanics and the effects of running
speed on lower extremity kinematics and kinetics", PeerJ 5:e3298, doi:10.7717/peerj.3298 (CC BY 4.0); 26 of
them could be used.

Units: SI and radians; axes and signs as in dsp/types.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPEEDS_MPS = np.array([2.5, 3.5, 4.5])
# The lines through these speeds are trusted between here; outside, the nearer end is used.
SLOWEST_MPS, FASTEST_MPS = 1.8, 6.0


class Natural(NamedTuple):
    """The mean runner at one speed."""

    cadence_spm: float
    contact_s: float
    duty_factor: float
    tibial_inclination_rad: float  # at initial contact, against standing
    foot_ahead_m: float
    pelvic_tilt_rad: float  # stride mean, against standing
    pelvic_tilt_range_rad: float
    pelvic_drop_rad: float
    pelvic_rotation_range_rad: float


_DEG = np.pi / 180.0
_BY_SPEED = np.array(
    [
        [161.718, 171.449, 184.040],
        [0.270701, 0.226286, 0.197655],
        [0.364, 0.322, 0.302],
        [9.557 * _DEG, 12.616 * _DEG, 14.787 * _DEG],
        [0.183194, 0.227346, 0.265341],
        [4.778 * _DEG, 6.464 * _DEG, 7.261 * _DEG],
        [8.131 * _DEG, 8.990 * _DEG, 9.524 * _DEG],
        [2.733 * _DEG, 3.239 * _DEG, 3.782 * _DEG],
        [11.273 * _DEG, 15.556 * _DEG, 20.063 * _DEG],
    ]
)


def natural(speed_mps: float, *, walking: bool = False) -> Natural:
    """The mean person at `speed_mps`: straight lines between and beyond the measured speeds of running."""
    if walking:
        return _walk(speed_mps)
    speed = min(max(speed_mps, SLOWEST_MPS), FASTEST_MPS)
    i = int(speed > SPEEDS_MPS[1])
    weight = speed - SPEEDS_MPS[i]
    return Natural(*(_BY_SPEED[:, i] + weight * (_BY_SPEED[:, i + 1] - _BY_SPEED[:, i])).tolist())


# How much one runner's strides differ from one another in steady running: SD within a session, same data set
# (tibia and tilt: norms; contact and stride time as a share of their mean, foot placement, ranges: 24
# sessions of 8 runners).
TIBIA_SD_RAD = 1.0 * _DEG
TILT_SD_RAD = 0.58 * _DEG
TILT_RANGE_SD_RAD = 0.67 * _DEG
DROP_SD_RAD = 0.64 * _DEG
ROTATION_RANGE_SD_RAD = 1.5 * _DEG
ROTATION_LAG_SD = 0.030  # of the moment at which a side of the pelvis is foremost, share of a stride
FOOT_AHEAD_SD_M = 0.008
STRIDE_TIME_SD = 0.010
CONTACT_TIME_SD = 0.018

# Standing: mean of the absolute norms minus those against standing. The shin leans forward, the pelvis tips
# forward.
STANDING_SHANK_RAD = 3.275 * _DEG
STANDING_TILT_RAD = 9.8 * _DEG

# Comfortable walking in round numbers, to be told apart from running. Settings, not measurements.
_WALK_MPS, _WALK_CADENCE_SPM, _WALK_DUTY = 1.4, 113.0, 0.62


def _walk(speed_mps: float) -> Natural:
    quick = max(speed_mps, 0.5) / _WALK_MPS
    # Speed is made half by step length and half by cadence.
    cadence_spm = _WALK_CADENCE_SPM * quick**0.5
    return Natural(
        cadence_spm=cadence_spm,
        contact_s=_WALK_DUTY * 120.0 / cadence_spm,
        duty_factor=_WALK_DUTY,
        tibial_inclination_rad=20.0 * _DEG * quick**0.5,
        foot_ahead_m=0.30 * quick**0.5,
        pelvic_tilt_rad=0.0,
        pelvic_tilt_range_rad=3.0 * _DEG,
        pelvic_drop_rad=4.0 * _DEG,
        pelvic_rotation_range_rad=9.0 * _DEG,
    )
