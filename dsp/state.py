"""All state of the core, as one flat record that kernels change in place.

`CORE` holds three pods, `POD` (index: Role), two legs, `LEG` (index: Side), and what joins them. The ring holds the
last samples of a pod, one row a sample, its columns named below. Saving and restoring the record does so with the core.
"""

import numpy as np

# Columns of a ring row.
T, ACC, GYR, QUAT, VEL, RATE, FALL, WIDTH = 0, 1, 4, 7, 11, 14, 15, 16
# T: time, s. ACC: 3, specific force, sensor axes. GYR: 3, rate less bias, sensor axes. QUAT: 4. VEL: 3, integrated
# velocity, the pod's world. RATE: rate about the hinge (shanks). FALL: vertical acceleration (world z, less gravity).
USUAL_PACE_MPS = 3.0  # until speed is known; a wrong one only leans the pelvis alone, in bends
# Until a leg knows its own: stride time, mean of 26 runners at 3.5 m/s; from the swing's end to contact, mean of eight
# at three speeds (Fukuchi, Fukuchi & Duarte 2017, doi 10.7717/peerj.3298).
USUAL_STRIDE_S, USUAL_LEAD_S = 0.70, 0.026
RUNNING_S = 1.5  # a runner without a new stride for so long is not running any more

NO_TIME_S = 1e18  # no time stamp is so large, or it is none
FRAME_T, FRAME_ACC, FRAME_GYR, FRAME_PRESSURE, FRAME_WIDTH = 0, 1, 4, 7, 8  # types.FRAME as a row of numbers
PHASES = 16  # moments of a stride at which the way of up is compared
# Strides in a row that tell a slip from a stumble, and from walking, which is known a stride or two late; chosen.
OFF = 4
BEFORE = 4  # half strides before it that are looked back at
TURNS = BEFORE + 2 * OFF
RING = 1024  # rows: 2.4 s at 420 Hz, more than the longest stride and the longest bridged gap

POD = np.dtype(
    [
        # sample clock
        ("seen", "i8"),
        ("raw_s", "f8"),
        ("t_s", "f8"),
        ("period_s", "f8"),
        ("n_phase", "i8"),
        ("n_rate", "i8"),
        ("phase_gain", "f8"),
        ("rate_gain", "f8"),
        # counters and the time of the last trouble
        ("dropped", "i8"),
        ("lost", "i8"),
        ("gap_s", "f8"),
        ("invalid_s", "f8"),
        ("saturated_s", "f8"),
        ("clipped", "i8"),
        ("acc_range_mps2", "f8"),  # where samples clip
        ("gyr_range_radps", "f8"),
        # ring: inside the record, because a nested array costs no reference counting
        ("ring", "f8", (RING, WIDTH)),
        ("n", "i8"),  # rows written since the start
        ("first", "i8"),  # oldest row that belongs to the running integration
        # rest
        ("slow_acc", "f8", (3,)),
        ("slow_gyr", "f8", (3,)),
        ("slow_n", "i8"),
        ("rest_n", "i8"),
        ("rest_sum", "f8", (6,)),
        ("block_n", "i8"),
        ("block_sum", "f8", (9,)),  # acc, gyr, world force
        ("held_n", "i8"),  # the last whole block: rest only once the next one is too
        ("held_sum", "f8", (9,)),
        ("held_v", "f8", (3,)),
        ("first_up", "f8", (3,)),  # sensor direction that was up when this rest began
        ("rest_s", "f8"),  # end of the last rest
        ("rest_up", "f8", (3,)),  # sensor direction that was up in it, zeros once usual strides have followed
        ("resting_s", "f8"),  # length of the rest so far, 0 in motion
        # calibration
        ("calibrated", "i8"),
        ("anew", "i8"),  # whether the next standing calibrates once more: the pod seems to be on the other leg
        ("inwards_rad", "f8"),  # how far the shank leans inwards in mid-stance: mean of the last strides
        ("lean_n", "i8"),  # strides that it is the mean of
        ("slipped", "i8"),  # strides still to be flagged
        ("doubtful", "i8"),  # whether the newest stride was turned, and nobody knows why yet
        ("way", "f8", (PHASES, 3)),  # where up lay in the newest stride, sensor axes
        ("usual_way", "f8", (PHASES, 3)),  # and where it usually does
        ("usual_n", "i8"),
        ("usual_turn_rad2", "f8"),  # how far strides are turned against it, mean square
        ("usual_axis", "f8", (3,)),
        ("usual_offset", "f8"),  # of the hinge's heading
        ("usual_pace_mps", "f8"),
        ("odd_n", "i8"),  # strides in a row of another shape
        ("lost_n", "i8"),  # strides in a row that no turn explains
        ("off_n", "i8"),  # strides in a row that were turned; half strides of the pelvis
        ("off_turn", "f8", (3,)),  # mean of their turns, but for the first
        ("body_turn", "f8", (3,)),  # the last such mean that was the body's, not the pod's (pelvis)
        ("confirm_n", "i8"),  # strides still to come that tell how well the seat was turned
        ("seat_sd_rad", "f8"),  # how well the seat is known since standing: what a slip left open, or may have been one
        ("turns", "f8", (TURNS, 3)),  # of the last half strides (pelvis), rad, sensor axes
        ("course", "f8", (TURNS,)),  # and how far they went along the mean
        ("usual_astray_rad", "f8"),  # how far from where it faces the pelvis goes, + to the left: slow mean
        ("astray_n", "i8"),  # steps in a row that it went far from there
        ("astray_last_rad", "f8"),  # how far with the last one
        ("astray_rad", "f8"),  # sum over those since the first
        (
            "drive",
            "f8",
            (2,),
        ),  # where the pelvis drives to, along its forward axis and to the left
        ("drive_n", "i8"),  # steps that this is the mean of
        ("astray_up", "f8", (3,)),  # and of where up lay, sensor axes
        ("bias", "f8", (3,)),
        ("acc_offset", "f8", (3,)),  # what the accelerometer reads beyond 1 g at rest, sensor axes
        ("up", "f8", (3,)),  # sensor direction that is up in standing
        # attitude
        ("ready", "i8"),
        ("start_s", "f8"),  # over how long a start in motion looks for up: a stride, where one is known
        ("q", "f8", (4,)),
        ("v", "f8", (3,)),
        ("force", "f8", (3,)),  # last specific force, world
        ("gyr", "f8", (3,)),  # last rate less bias
        # hinge axis (shanks) or forward axis (pelvis), sensor axes
        ("cov", "f8", (6,)),
        ("axis", "f8", (3,)),
        ("axis_n", "i8"),
        ("moved_s", "f8"),  # how long a shank has moved since standing
        ("lean", "f8"),  # how far its upper end was ahead, sine of the angle: slow mean
        ("cube", "f8"),  # of its rate: slow mean
        ("size", "f8"),  # the same without signs
        ("forward_sum", "f8", (3,)),
        ("heading_offset", "f8"),
        # Kalman filter: velocity error, tilt error, drift, accelerometer bias; two horizontal axes, one covariance
        ("x", "f8", (4, 2)),
        ("p", "f8", (4, 4)),
        ("kf_s", "f8"),
        ("kf_n", "i8"),
        ("kf_heading", "f8"),
        ("turn_rad", "f8"),  # what the pelvis turns in a stride, + to the left: mean of the last ones
        ("bend_rad", "f8"),  # what the pelvis turned in a stride lately
        ("pace_mps", "f8"),  # speed that was last known (pelvis)
        ("surprise", "f8"),  # slow mean of innovation squared over what the filter expected: 1 where it is right
    ]
)

LEG = np.dtype(
    [
        ("phase", "i8"),
        ("swing_peak", "f8"),
        ("swing_min", "f8"),
        ("search_s", "f8"),
        ("zero_s", "f8"),
        ("zero_lead_s", "f8"),
        ("zero_lead_var_s2", "f8"),
        ("zero_n", "i8"),
        ("force_min", "f8"),
        ("usual_rise", "f8"),
        ("rise", "f8"),
        ("last_w", "f8"),
        ("last_force", "f8"),
        ("last_slope", "f8"),
        ("stride_s", "f8"),
        # the stance in hand
        ("ic_s", "f8"),
        ("ic_sd_s", "f8"),
        ("w_min", "f8"),
        ("w_max", "f8"),  # in the second half of a walker's stride
        ("w_max_s", "f8"),
        ("tc_s", "f8"),
        ("tc_sd_s", "f8"),
        ("tc_decided_s", "f8"),
        ("ic_decided_s", "f8"),
        ("by_pelvis", "i8"),  # the pelvis alone found the contact
        # the stance before it
        ("was_by_pelvis", "i8"),
        ("was_ic_s", "f8"),
        ("was_ic_sd_s", "f8"),
        ("was_ic_decided_s", "f8"),
        ("was_tc_s", "f8"),
        ("was_tc_sd_s", "f8"),
        # mid-stance
        ("ms_s", "f8"),
        ("ms_before_s", "f8"),
        ("h", "f8", (2,)),
        ("heading_known", "i8"),
        ("heading_n", "i8"),
        ("speed_mps", "f8"),
        ("was_speed_mps", "f8"),  # of the stride before
        ("lever_sum", "f8", (2,)),
        ("foot_n", "i8"),
        ("foot_shift_m", "f8"),  # what braking says of the landing, beyond the line through the means of runners
        ("strides", "i8"),  # of running
        # the last record, for differences between the legs
        ("last_end_s", "f8"),
        ("last_contact_s", "f8"),
        ("last_incl_rad", "f8"),
        ("last_drop_rad", "f8"),
    ]
)

# Sums of a fading line of height against distance, both counted from the newest barometer reading.
GRADE = np.dtype([(name, "f8") for name in ("t_s", "height_m", "n", "x", "y", "xx", "xy")])

# Steps that the pelvis finds while a shank is silent.
STEPS = np.dtype(
    [
        ("phase", "i8"),
        ("side", "i8"),  # of the newest step, -1 where its own shank tells of it
        ("sure", "i8"),  # the side is known from before the shanks were lost
        ("last_s", "f8"),  # last sample that was looked at
        ("last_fall", "f8"),
        ("rise_s", "f8"),  # the pelvis rose through the level
        ("ic_s", "f8"),
        ("event_s", "f8"),  # what was found with this sample
        ("roll", "f8"),  # of the pelvis since the newest step, left side up +, rad
        ("hips", "f8"),  # fading sum of that roll in stance, as for a left step: negative where sides are right
    ]
)

CORE = np.dtype(
    [
        # Not arrays of their own: kernels that hand on arrays count references, which was half of the core's cost.
        ("pods", POD, (3,)),
        ("legs", LEG, (2,)),
        ("now_s", "f8"),
        ("stride_s", "f8"),  # end of the last stride
        ("walking", "i8"),
        ("swapped", "i8"),  # the shanks' pods seem to be on each other's leg
        ("grade", GRADE),
        ("steps", STEPS),
        # by role: which frames wait, the newest sample time; and just before the first one of any pod, as another may
        # begin at the same
        ("first", "i8", (3,)),
        ("end", "i8", (3,)),
        ("newest_s", "f8", (3,)),
        ("doubt_s", "f8", (3,)),  # a time far ahead of that, which the next one must follow
        ("begin_s", "f8"),
        ("used", "i8", (3,)),  # of the frames in hand
        ("due_s", "f8", (3,)),  # time of each pod's next waiting frame
        ("frame", "f8", (8,)),  # the frame in hand
        ("sample", "f8", (6,)),  # one that stands in for a lost one, sensor axes: specific force, rate
        ("back", "i8"),  # lost samples are those of so many rows earlier, or on a line from row `last` if not above 0
        ("last", "i8"),
    ]
)


def core(swing_peak_radps: float) -> np.ndarray:
    """The core before its first sample: (1,) CORE."""
    state = np.zeros(1, CORE)
    for name in ("now_s", "stride_s", "newest_s", "doubt_s", "begin_s"):
        state[name] = -np.inf
    state["grade"]["t_s"] = -np.inf
    state["steps"]["last_s"] = -np.inf
    begin_pods(state["pods"])
    begin_legs(state["legs"], swing_peak_radps)
    return state


def begin_pods(pods: np.ndarray) -> None:
    """Pods that have seen nothing; pods: (..., 3) POD of zeros."""
    for name in ("raw_s", "t_s", "gap_s", "invalid_s", "saturated_s", "rest_s", "kf_s"):
        pods[name] = -np.inf
    pods["q"][..., 0] = 1.0
    pods["surprise"] = 1.0
    pods["start_s"] = USUAL_STRIDE_S
    pods["pace_mps"] = USUAL_PACE_MPS
    pods["up"][..., 2] = 1.0
    pods["axis"][..., 1] = 1.0
    pods["axis"][..., 0, :] = (1.0, 0.0, 0.0)


def begin_legs(legs: np.ndarray, swing_peak_radps: float) -> None:
    """Legs before their first step; legs: (..., 2) LEG of zeros."""
    legs["swing_peak"] = swing_peak_radps
    legs["stride_s"] = USUAL_STRIDE_S
    legs["zero_lead_s"] = USUAL_LEAD_S
    for name in (
        "ic_s",
        "tc_s",
        "ms_s",
        "ms_before_s",
        "zero_s",
        "speed_mps",
        "was_speed_mps",
        "was_ic_s",
        "last_end_s",
    ):
        legs[name] = np.nan
