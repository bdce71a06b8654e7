"""What flows through the signal core: roles, frames, stride records and quality flags.

Axes, signs and units are declared here once, for the whole project.

Body axes: x forward, y left, z up, right-handed. Sensor axes are the same when a pod is worn as instructed.
Units inside: SI and radians. Rotations are positive by the right-hand rule, so

- about +y: pelvic anterior tilt is positive; the shank swinging forward is negative, stance and retraction are
  positive; tibial inclination (positive when the ankle is ahead of the knee) is the negative of the rotation;
- about +x: left side up is positive (the pelvis drops to + on left stance, to - on right stance);
- about +z: turned to the left is positive (left side forward is negative).

Angles of a stride are against quiet standing. A quaternion `q_wb` (order w, x, y, z) rotates body into world.
"""

from enum import IntEnum, IntFlag

import numpy as np


class Role(IntEnum):
    """Where a pod is worn. The value is its index in every per-pod array."""

    PELVIS = 0
    SHANK_LEFT = 1
    SHANK_RIGHT = 2

    @property
    def label(self) -> str:
        """The name used in files, topics and configuration: `pelvis`, `shank_left`, `shank_right`."""
        return self.name.lower()


class Side(IntEnum):
    """The leg a stride belongs to."""

    LEFT = 0
    RIGHT = 1

    @property
    def label(self) -> str:
        return self.name.lower()


class Quality(IntFlag):
    """What is wrong with a stride. Zero means: nothing is."""

    GAP = 1  # samples were lost inside the stride
    SATURATED = 2  # a sensor that the stride's angles need hit its range
    UNCALIBRATED = 4  # no quiet standing was seen: angles against standing are unknown
    SETTLING = 8  # not converged since the start, a stop or a gap; or a pod may have turned on the body just now
    SLIPPED = 16  # a pod turned on the body: since these strides, and until its seat is known again
    WALKING = 32  # no flight phase: walking, not running
    POD_MISSING = 64  # a pod that some columns need is silent
    BAD_RATE = 128  # a pod's sample rate is outside what the core supports
    SWAPPED = 512  # the left shank's pod seems to be on the right leg, and the right one's on the left
    INVALID = 256  # not-a-number or impossible samples inside the stride

    @property
    def label(self) -> str:
        """Flag names in lower case, joined by `|`; empty when nothing is wrong."""
        return "|".join(flag.name.lower() for flag in Quality if flag in self and flag.name)


# One sample of one pod. `t_s` is seconds on the session's clock. NaN marks a lost sample.
# `pressure_pa` is NaN except on the sparse pelvis samples that carry a barometer reading.
FRAME = np.dtype(
    [
        ("t_s", "f8"),
        ("acc_mps2", "f8", (3,)),  # specific force, sensor axes; at rest it points up with 1 g
        ("gyr_radps", "f8", (3,)),  # angular rate, sensor axes
        ("pressure_pa", "f8"),
    ]
)

# One stride: initial contact (IC) to the next IC of the same leg. NaN means unknown.
STRIDE = np.dtype(
    [
        ("side", "i4"),
        ("quality", "u4"),
        ("decided_s", "f8"),  # signal time of the sample that completed the record
        ("ic_s", "f8"),
        ("tc_s", "f8"),
        ("next_ic_s", "f8"),
        ("contact_time_s", "f8"),  # tc - ic
        ("flight_time_s", "f8"),  # this leg's TC to the other leg's IC
        ("duty_factor", "f8"),  # contact time / stride time
        ("speed_mps", "f8"),
        ("tibial_inclination_ic_rad", "f8"),
        ("foot_ahead_of_pelvis_m", "f8"),  # ankle centre ahead of pelvis centre at IC
        ("pelvic_tilt_rad", "f8"),  # mean over the stride, anterior +
        ("pelvic_tilt_range_rad", "f8"),
        ("pelvic_drop_rad", "f8"),  # peak in stance, swing side down +
        ("pelvic_obliquity_range_rad", "f8"),
        ("pelvic_rotation_range_rad", "f8"),
        ("pelvic_rotation_lag", "f8"),  # swing side furthest forward, share of its own stride after its IC
        ("grade", "f8"),  # rise over run, + uphill
        ("turn_rate_radps", "f8"),  # heading change, + to the left
        ("shank_retraction_radps", "f8"),  # mean backward rotation over the 30 ms before IC, retraction +
        ("shank_rate_early_stance_radps", "f8"),  # the same over the 50 ms after IC
        ("shank_mid_stance_rad", "f8"),  # inclination at mid-stance, same sign as at IC
        ("pelvis_over_foot", "f8"),  # share of stance at which braking turns into propulsion
        ("braking_loss_mps", "f8"),  # forward speed the pelvis loses from IC to its slowest
        ("vertical_oscillation_m", "f8"),
        ("vertical_stiffness_npmkg", "f8"),  # spring-mass model, newton per metre and kilogram
        ("leg_stiffness_npmkg", "f8"),  # the same; needs a leg length
        ("contact_time_difference_s", "f8"),  # left less right: this stride and the other leg's last
        ("tibial_inclination_difference_rad", "f8"),
        ("pelvic_drop_difference_rad", "f8"),
        ("ic_sd_s", "f8"),
        ("tc_sd_s", "f8"),
        ("ic_decided_s", "f8"),  # signal time of the sample that made the contact known
        ("tc_decided_s", "f8"),
        ("tibial_inclination_ic_sd_rad", "f8"),
        ("pelvic_tilt_sd_rad", "f8"),
        ("foot_ahead_of_pelvis_sd_m", "f8"),
    ]
)
