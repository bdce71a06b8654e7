"""Every number the core is tuned by: its unit, its meaning, what it does, its default and where that comes from."""

import math
from dataclasses import dataclass, fields

import numpy as np

G_MPS2 = 9.80665  # standard gravity


@dataclass(frozen=True, slots=True)
class Params:
    """Tuning of a GaitAnalyzer. Raises ValueError for a value that is not positive and finite.

    Insensitive: a root of two more or less moves no score of real runners by a tenth of its target
    (tests/benchmarks/bench_constants.py).
    """

    # --- the stream
    lag_s: float = 0.25
    """How far a pod may lag the newest sample before the others stop waiting for it. Larger waits longer for a slow
    radio, and delays every decision while a pod is lost. Chosen: eight connection intervals of 30 ms."""
    missing_s: float = 0.5
    """A pod that is older than this at a stride's end is missing for that stride. Chosen: the longest bridged gap."""
    bridge_s: float = 0.55
    """Lost samples are replaced by those of one stride earlier up to this length; longer starts the pod anew.
    Chosen: most of a stride; the angle is lost beyond it anyway."""
    bridge_line_s: float = 0.1
    """The same where the pod moves and has no stride to repeat: a line through half a sine of 7 rad/s and 0.35 s, a
    swing, is 2 to 3 deg off after so long."""
    gap_periods: float = 1.6
    """A step in time of more sample periods than this means lost samples. Between 1 (none) and 2 (one lost)."""
    clock_samples: float = 1024.0
    """Memory of the sample clock's line fit, samples. Longer smooths more jitter, follows temperature less: the
    oscillator of an IMU drifts over minutes (LSM6DSO data sheet), 5 s is short against that."""
    min_rate_hz: float = 97.0
    """Slowest supported sample rate; below it strides are flagged. 100 Hz less 3 % of oscillator error."""
    max_rate_hz: float = 433.0
    """Fastest supported sample rate. 420 Hz (416 Hz setting of an LSM6DSO and the like) and 3 %."""
    acc_range_mps2: float = 16.0 * G_MPS2
    """Range of an accelerometer that does not tell its own: a sample at the range is saturated."""
    gyr_range_radps: float = math.radians(2000.0)
    """Range of a gyroscope that does not tell its own."""
    saturated_s: float = 0.012
    """A clipped accelerometer is flagged when it stays clipped this long: shorter impacts at 16 g were measured to
    change no angle (design targets: harmless at 16 g)."""

    # --- rest and standing
    rest_gyr_radps: float = math.radians(4.0)
    """Largest deviation of the rate from its slow mean at rest. Twice VQF's default (Laidig & Seel 2023,
    doi 10.1016/j.inffus.2022.10.014) because a standing person sways by 1-2 deg/s."""
    rest_acc_mps2: float = 0.6
    """Largest deviation of the acceleration from its slow mean at rest. VQF's default is 0.5; sway again."""
    rest_bias_radps: float = math.radians(12.0)
    """Largest mean rate that can still be a gyro's offset: the LSM6DSO's zero-rate level is +-1 dps, older parts 10."""
    rest_tau_s: float = 0.5
    """Time constant of those slow means (VQF's)."""
    rest_settle_s: float = 0.75
    """Stillness that does not count yet: who stops sways to a halt, which passes for another upright by 3 deg, and so
    for an offset of the pelvis's gyro of 1 deg/s in 3 s. After 0.5 s it is 0.6 deg, after this 0.04 (simulated)."""
    standing_s: float = 1.0
    """Stillness that calibrates. 0.9 s was measured to be enough for 0.1 deg; more averages more sway."""

    # --- hinge axis of the shank
    axis_tau_s: float = 1.5
    """Memory of the shank's rate covariance, about two strides: usable from the first stride. Halved or
    doubled, inclination of eight runners moves by 0.005 deg (RMS)."""
    axis_min_radps: float = 1.5
    """Rates below this say nothing about the hinge: a standing leg's. Halved or doubled nothing moves."""
    facing_lean: float = 0.05
    """A shank that seems to lean backward by more than this (sine) on average of its first steps leans forward, and its
    pod's left is the leg's right. Measured: the means of 56 legs of eight runners never were behind by more than 0.006,
    and 0.18 or more ahead after 2 s (Fukuchi, Fukuchi & Duarte 2017, doi 10.7717/peerj.3298)."""
    facing_cube: float = 0.1
    """The same of later strides: mean cube of the rate, share of the mean without signs. Same legs: 0.02 at the most,
    -0.21 in the median."""
    facing_s: float = 3.0
    """Memory of that mean: some four strides. Insensitive, as the two above."""
    facing_early_s: float = 2.0
    """Time in motion after which the cube tells. Same legs: it is on its side of nothing by then."""

    # --- initial contact
    learning: float = 0.2
    """Weight of a new stride in what a leg learns of itself: a memory of five. Chosen; insensitive."""
    swing_peak_radps: float = 6.0
    """Forward swing rate assumed before the first stride; half of it is the least that is believed of one. Eight
    runners swing at 8 to 13 (Fukuchi, Fukuchi & Duarte 2017, doi 10.7717/peerj.3298), walkers at some 5 (figure of
    Aminian et al. 2002, doi 10.1016/S0021-9290(02)00008-8). Insensitive."""
    swing_arm: float = 0.5
    """A swing is taken as one below this share of the usual peak. Half; insensitive."""
    search_from: float = 0.25
    """The search for the impact opens when the swing has slowed to this share of its peak. Half again; insensitive."""
    search_s: float = 0.13
    """The search closes after this: the zero crossing leads contact by 2 to 59 ms between runners, the opening by
    60 more at most. Insensitive."""
    rise_share: float = 0.25
    """Impact onset: axial rise above its minimum since the swing's end, as a share of the usual rise of impacts. A
    quarter: above what a leg rises by slowing down. Where there is an impact, any from 0.2 to 0.3 finds contacts of
    eight runners within 0.5 ms (SD 1.4), of their hard sessions within 3 (6), of runners simulated at 2 to 4.5 m/s
    within 3 (2.5); the first would choose 0.25 whoever is left out, hard sessions less, sprints more
    (tests/dsp/test_constants.py). Motion capture does not see impacts: those of the eight were calculated in, so
    what they choose to the millisecond is no more than that."""
    rise_min_mps2: float = 6.0
    """The least such rise, and that of a first landing: half a body weight or so. Above skin and sensor noise;
    insensitive, from 3 to 20."""
    impact_s: float = 0.005
    """How long the rise of an impact lasts. A chip that samples more slowly filters it before and shows so much less of
    it. At 104 Hz, behind a filter of second order at half the rate, contacts of eight real runners then have an error
    of 4 instead of 13 ms, and inclinations of 1.4 instead of 3.2 deg. Longer changes nothing at 208 Hz."""
    onset_back_s: float = 0.006
    """From the threshold back along the slope at most this far, less half a sample, by which a line between two samples
    crosses early already. It bounds landings without an impact, whose slope is gentle: the foot is loaded to body
    weight in some 30 ms (Munro, Miller & Fuglevand 1987, doi 10.1016/0021-9290(87)90306-X), to a quarter of that in
    7.5. With an impact, anything from 4 to 10 ms does: eight runners within 1.6 ms (SD 1.2), hard sessions within 3
    (5), simulated ones within 5 (3) (tests/dsp/test_constants.py)."""

    # --- terminal contact
    tc_rise_radps: float = 2.5
    """The heel is leaving: shank rate above its stance minimum. Any from 2 to 3.5 does with its own lag: errors of a
    runner left out are then 6 to 10 ms (tests/dsp/test_constants.py). This is the least."""
    tc_lag_s: float = 0.0129
    """Mean lag of that on a 50 N force threshold, same data: 12 to 14 ms with any one left out, whose own contacts are
    then off by 7 ms at the most. A shank that is free turns ever faster, by 150 rad/s2 when it has risen so far: from
    its least rate, when the ground lets go of it, that takes 17 ms. On one real runner's mean stride contact time,
    which has this in it, is 5 and 13 ms short (tests/dsp/test_real_sensors.py)."""
    tc_from: float = 0.16
    """Earliest terminal contact, share of the stride: sprinters' duty factor is 0.2."""
    step_rise_s: float = 0.06
    """With the pelvis alone: it rises to its own weight within this of the landing. The foot is loaded to body weight
    in some 30 ms (Munro, Miller & Fuglevand 1987, doi 10.1016/0021-9290(87)90306-X), soft landings later."""

    walking_stance: float = 0.5
    """A stance of more than this share of the stride is a walker's: walking is to have both feet on the ground at times
    (Alexander 1989, doi 10.1152/physrev.1989.69.4.1199)."""
    walking_rise_radps: float = 1.0
    """The peak of the shank's rate at its end lies this far above the least in stance: textbook shanks (Winter 2009)
    turn with 1 rad/s in mid-stance and 3 to 4 at the end, in slow walking with 2. Nothing to runners."""
    walking_past_peak: float = 0.8
    """The peak has passed when the rate is down to this share of it. Chosen: beyond noise and skin."""

    # --- attitude, once a stride
    mid_stance: float = 0.45
    """Share of stance at which the ankle stands still: the end of foot flat, which lasts from 20 to 45 % in jogging (De
    Cock et al. 2005, doi 10.1016/j.gaitpost.2004.05.004). From 0.35 to 0.5 inclination moves by 0.06 deg, speed by 0.3
    %."""
    mid_stance_half_s: float = 0.012
    """Half the window of that mean: five samples of 208 Hz, against noise. Halved or doubled nothing moves."""
    ankle_lever_m: float = 0.16
    """From the shank's pod down to the ankle: between the middle of a shank of 0.25 of the height (Winter 2009,
    Biomechanics and Motor Control of Human Movement), 0.21 m, and a hand's breadth above the ankle. Corrected by the
    pelvis's speed during a start from rest: a third less or more, speed moves by 0.4 % at most."""
    ankle_sd_mps: float = 0.05
    """How still the ankle stands in mid-stance. By how much measurements surprise the filter (normalised innovation
    squared, mean 1 where this is right) 0.03 on clean sessions of real runners and 0.05 on hard ones, whoever is left
    out (tests/dsp/test_constants.py). Halved or doubled inclination moves by 0.03 deg."""
    pelvis_sd_mps: float = 0.04
    """How well the pelvis's mean speed over a stride equals the leg's. Measured the same way: that surprise is 1.1 on
    clean and 1.2 on hard sessions, whoever is left out. Halved or doubled tilt moves by 0.02 and 0.05 deg."""
    pace_walk_mps: float = 0.1
    """How pace wanders when no shank says it, per root second: 0.3 m/s in 10 s. Chosen; the pelvis alone cannot tell a
    change of pace from tilt otherwise."""
    cross_axis: float = 0.02
    """Share of a turn about one axis that a gyro feels about the others (cross-axis sensitivity: MPU-6050 data sheet),
    by which each turn makes the tilt less sure. Over a long bend the same error adds up, of better chips as well."""
    standing_sd_rad: float = math.radians(0.4)
    """How well one quiet standing tells the shank's upright: a shank that leans 3 deg sideways in standing and is
    turned by 8 deg about its long axis at contact has a plane of its own, 0.4 deg off. Measured with the filter's own
    part: means of sessions are 0.5 deg off, 0.3 to 0.6 with any one runner left out."""
    tilt_rest_sd_rad: float = math.radians(0.05)
    """Tilt error after rest, before the accelerometer's own bias: who sways by 5 mm at a quarter of a
    hertz accelerates by 0.01 m/s2. Halved or doubled nothing moves."""
    tilt_unknown_sd_rad: float = math.radians(15.0)
    """Tilt error when a pod starts in motion, where its pace changes or no stride is known (orientation.start)."""
    drift_rest_sd_radps: float = math.radians(0.2)
    """Gyro offset left after rest, scale error included: a sway of 0.4 deg that is not seen in 2 s of standing. Halved
    or doubled inclination moves by 0.02 deg."""
    drift_unknown_sd_radps: float = math.radians(1.5)
    """Gyro offset of a pod that was never at rest: zero-rate levels of data sheets are 0.5 (ICM-42688) to 10 deg/s
    (LSM6DS3), of those that makers trim 1 (LSM6DSO) to 3 (BMI160). Halved or doubled nothing moves."""
    drift_walk_radps: float = math.radians(0.03)
    """Random walk of the gyro offset, per root second. A pod warms by some 10 K from the room to the skin, an offset
    moves by 0.01 (LSM6DSO data sheet) to 0.05 deg/s (LSM6DS3) a kelvin: up to 0.5 deg/s in five minutes."""
    tilt_walk_rad: float = math.radians(0.01)
    """Random walk of the tilt, per root second: gyro noise of 4 (LSM6DSO) to 7 mdeg/s per root hertz (BMI270), and
    rounding up. Halved or doubled nothing moves."""
    velocity_walk_mps: float = 0.005
    """Random walk of the velocity, per root second: some four times the noise of a BMI270 (160 ug per root hertz, data
    sheet), for what impacts do between samples."""
    shank_acc_bias_mps2: float = 0.08
    """Change of the shank accelerometer's bias in world axes since standing: the segment turns, the bias with it. 1 %
    of sensitivity error (LSM6DSO data sheet) of g times the sine of its mean lean, 25 deg, is 0.04; 0.07 is
    what an impact may lose between samples, 0.05 m/s a stride (5 g for 1 ms). Halved or doubled inclination moves by
    0.08 and 0.04 deg; over 0.13 no stride would be called settled after a restart (`settled_tilt_sd_rad`)."""
    pelvis_acc_bias_mps2: float = 0.015
    """The same for the pelvis, which tips by some 7 deg (Fukuchi, Fukuchi & Duarte 2017, doi 10.7717/peerj.3298): 1 %
    of sensitivity error of g times its sine is 0.012, and 0.1 mg a kelvin (both LSM6DSO data sheet) for 10 K 0.01."""
    bridge_tilt_radps: float = math.radians(20.0)
    """Tilt error (SD) added per second of bridged samples. What the rate of a stride less that of the one before adds
    up to, measured on eight runners: 27 to 8 deg/s for shanks, 12 to 3 for the pelvis, for gaps of 50 to 500 ms; for
    300 ms of a shank 7 to 16 between runners. Halved or doubled nothing moves by 0.02 deg."""
    bridge_velocity_mps2: float = 2.0
    """Velocity error (SD) added per second of bridged samples. Measured the same way: 2.5 to 0.4 for shanks, 1.5 to 0.2
    for the pelvis. Halved or doubled nothing moves."""
    settled_tilt_sd_rad: float = math.radians(0.8)
    """Strides whose tilt is less certain than this are settling: the target for inclination, 0.8 deg. It must lie above
    what the bias of a shank's accelerometer leaves open for ever, 0.08 m/s2 / g = 0.5 deg."""
    steady_speed: float = 0.1
    """A stride whose speed differs more than this share from the one before is settling: speed is known half a stride
    late, and a runner who starts from rest was measured to read up to 40 % slow in the first strides."""
    grade_tau_s: float = 5.0
    """Memory of the slope of the ground. A barometer with 2 Pa of noise (0.17 m) at 10 Hz and 3 m/s then gives 0.2 %
    (SD of a line's slope: noise / (spread of distance x root of readings)), and a hill is known after 10 to 15 s."""
    grade_way_m: float = 5.0
    """Spread (SD) of distance that a slope needs: some 17 m of way."""
    grade_noise_m: float = 1.0
    """Between two readings of such a barometer heights differ by 0.24 m (SD); four times that is no noise."""
    grade_climb_mps: float = 2.0
    """Nobody climbs or falls faster while running: 40 % at 5 m/s. What seems to is air, not ground."""
    lever_s: float = 5.0
    """After rest the pelvis's integrated speed is right to 1 % for this long and calibrates the shank's lever: an
    offset of 0.02 deg/s makes g t^2 / 2 of it, 0.04 m/s. Between 3.5 and 7 s speed is 1.3 to 1.4 % off in plain
    sessions, 2.0 to 3.2 in hard ones, where more of it is drift."""
    lever_prior_rad2ps2: float = 8.0
    """How much the lever before the start counts against what the start says: an error of speed of 0.05 m/s, the same
    in all of some eight strides, against one of the lever of 0.05 m (SD, half of `lever_most_m`): 8 x (0.05 / 0.05)^2.
    Halved or doubled speed moves by 0.15 % in hard sessions, by nothing in plain ones."""
    rest_holds_s: float = 10.0
    """After rest a pod's attitude is good for this long without any stride; then it begins anew. A gyro's offset of
    0.2 deg/s has leaned it by 2 deg by then, as a start in motion does. Halved or doubled nothing moves."""
    lever_most_m: float = 0.1
    """No shank's pod sits higher or lower than `ankle_lever_m` by more: it is worn between ankle and knee, 0.25 of the
    height apart (Winter 2009, Biomechanics and Motor Control of Human Movement). What seems more by
    a tenth of speed (`steady_speed`) is a treadmill's belt, which is all of it."""
    slip_rad: float = math.radians(3.0)
    """A stride is off when up went through the sensor turned by more than this from the usual way. What a good angle
    may be wrong by: smaller slips are not looked for. Whole strides of eight runners are turned by 1.4 deg (RMS), half
    strides of their pelvis by 1 (tests/benchmarks/bench_slips.py)."""
    slip_sds: float = 2.0
    """Nor is a stride off that is turned by less than so many of the runner's own RMS: 2.3 deg of the one whose strides
    differ most, at 4.5 m/s. So it is for who runs less evenly than these: without it nothing moves."""
    slip_misfit: float = 0.7
    """A shank's way is another one, not the usual one turned, where a turn leaves more than this share of what it
    moves. Another pace leaves 0.9 to 3.5 (eight runners, each at three paces: 48 pairs), another form 1.0 to 4.3
    (simulated); 4 deg of slip among usual strides 0.3 to 0.8, more of it less."""
    slip_clear_rad: float = math.radians(2.0)
    """The pelvis's pod has slipped where a ramp leaves more than a step by the square of this (onset.py). 142 simulated
    changes of tilt by 4 to 9 deg over three strides reached 1.8, slips of eight runners' pods this and more: of 8 deg
    in 19 of 20 cases, of 6 in 4 of 5, of 5 in half, of 4 in a fifth."""
    slip_alone_rad: float = math.radians(5.0)
    """A single stride that is turned by more is in doubt by itself. Of eight runners' 1,700 strides none was."""
    slip_sure_rad: float = math.radians(12.0)
    """Two strides that are turned by more than this are a slip before the others have told: a body does not tip so far
    within two steps; a simulated change by 16 deg, the largest, takes five."""
    slip_pace_radspm: float = math.radians(3.0)
    """Of the pelvis, for each m/s of another pace: eight runners' tilt changed by 0 to 4.3 deg per m/s, median 2; the
    means of 26 by 0.8 to 1.7. Without it a simulated runner who changes pace by 2.5 m/s has slipped. Half or twice
    changes nothing."""
    astray_rad: float = math.radians(8.0)
    """The pelvis's pod may have turned about the vertical when the runner goes this far from where it faces at once. In
    28 sessions with bends of 20 deg/s, and in simulated corners of 90, none did for a single step."""
    swapped_lean_rad: float = math.radians(4.0)
    """Shanks that both lean inwards by more than this in mid-stance wear each other's pod. 56 legs of eight runners
    leaned outwards by 8.4 to 15.6 deg on average, single strides by 1 deg (SD) more or less (Fukuchi, Fukuchi & Duarte
    2017, doi 10.7717/peerj.3298), those of a runner with real sensors by 15 and 18 (Dorschky et al. 2019,
    doi 10.1016/j.jbiomech.2019.07.022). Half of the least."""
    heading_gain: float = 0.1
    """Least weight of a new stride in the offset between the hinge's heading and the direction of travel: the mean of
    some ten strides, whose directions scatter by 2 deg. Halved or doubled nothing moves."""

    # --- posture and models
    leg_length_m: float = math.nan
    """Greater trochanter to ground, standing. NaN: unknown, and leg stiffness with it."""
    foot_landing_sd_m: float = 0.030
    """How far from the line through the means of 26 runners one may land. At equal speed, runners who changed from 75
    to 95 strides a minute moved the foot by 6 % of its distance from the hip for every 5 (Lieberman et al. 2015,
    doi 10.1242/jeb.125500): by 36 mm to either side."""
    foot_measured_sd_m: float = 0.020
    """How far runners spread in what braking says of the landing less the landing itself; with any one of the eight
    left out 18 to 21 mm. The two weigh line and measurement by their variances: of 40 mm of change 28 are seen."""
    foot_gain: float = 0.15
    """Least weight of a new stride in the mean of that difference: of some seven strides, of which single ones scatter
    by 15 mm. Halved or doubled the landing moves by 0.2 mm in plain and 1.3 mm in hard sessions."""
    foot_offset_m: float = 0.05
    """How far ahead of the ankle's centre the ground pushes at mid-stance, less how far the pelvis turns from braking
    before the centre of mass. Some half of the 0.1 m from ankle to ball; mean of the eight runners, 45 to 53 mm with
    any one left out, which moves the result by 3 mm (tests/dsp/test_constants.py)."""
    pelvis_lean_rad: float = math.radians(10.0)
    """Anterior tilt of the pelvis in standing: mean of 26 runners 9.8 deg (Fukuchi, Fukuchi & Duarte 2017,
    doi 10.7717/peerj.3298), 5 to 14 among the eight."""
    free_fall_mps2: float = 0.4 * G_MPS2
    """Below this vertical specific force the pelvis is in flight."""
    flight_share: float = 0.06
    """A stride with less flight than this is walking; running at 2 m/s has 0.15 and more."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "leg_length_m" and math.isnan(value):
                continue
            if not math.isfinite(value):
                raise ValueError(f"{field.name} must be finite, not {value}")
            if value <= 0:
                raise ValueError(f"{field.name} must be positive, not {value}")

    def record(self) -> np.ndarray:
        """The same numbers as a one-element structured array: what kernels read."""
        return np.array([tuple(getattr(self, name) for name in RECORD.names or ())], RECORD)


# One object for all: numba takes 2 us longer to recognise an equal one, at every call.
RECORD = np.dtype([(field.name, "f8") for field in fields(Params)])
