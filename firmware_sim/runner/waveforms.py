"""The waveforms of a stride by phase, as short Fourier series with a part that grows with speed.

Phase counts strides: whole at initial contact of the leg (of the left leg, for the pelvis), with terminal
contact at the natural duty factor. Source of RUN: means over 8 runners and both legs of the motion in
Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, doi:10.7717/peerj.3298 (CC BY 4.0), at 2.5, 3.5 and 4.5 m/s,
each aligned at its contacts; legs do the same half a stride apart, so the pelvis moves with even harmonics
up, along and in tilt, with odd ones sideways. WALK is drawn by hand to the usual
shape of textbook curves, not fitted to measurements: it is there to be told apart from running.

Units: m and rad; axes and signs as in dsp/types.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_sim.runner.gait import FASTEST_MPS, SLOWEST_MPS

Array = NDArray[np.float64]
Term = tuple[float, float, float, float]

_MIDDLE_MPS = 3.5


class Shape:
    """A waveform: constant, then cosine and sine by harmonic of the stride, each at 3.5 m/s and per m/s."""

    def __init__(self, constant: tuple[float, float], terms: dict[int, Term]) -> None:
        self._base = [complex(constant[0])]
        self._slope = [complex(constant[1])]
        for harmonic in range(1, max(terms) + 1):
            cosine, sine, cosine_slope, sine_slope = terms.get(harmonic, (0.0, 0.0, 0.0, 0.0))
            self._base.append(complex(cosine, -sine))
            self._slope.append(complex(cosine_slope, -sine_slope))

    def __call__(self, phase: Array, speed_mps: Array) -> Array:
        """The waveform at `phase` (strides) and `speed_mps`, both (n,)."""
        over = np.clip(speed_mps, SLOWEST_MPS, FASTEST_MPS) - _MIDDLE_MPS
        turn = np.exp(2j * np.pi * phase)
        total = np.zeros(len(phase), complex)
        for base, slope in zip(reversed(self._base), reversed(self._slope), strict=True):  # Horner's scheme
            total *= turn
            total += base
            total += over * slope
        return total.real


def sizes(shape: Shape) -> tuple[Array, Array, Array]:
    """Speeds, and the waveform's range and highest value in stance at each, to scale it by."""
    speeds = np.arange(SLOWEST_MPS, FASTEST_MPS + 0.1, 0.2)
    phase = np.arange(0.0, 1.0, 1 / 256)
    waves = np.array([shape(phase, np.full_like(phase, speed)) for speed in speeds])
    return speeds, np.ptp(waves, axis=1), waves[:, phase < 0.4].max(axis=1)


class Waveforms(NamedTuple):
    """One way of going."""

    shank: Shape  # leaning forward over the ankle, against gravity
    shank_frontal: Shape  # the knee leaning outwards
    ankle_along: Shape  # way to the next foothold as a share of its distance, minus the phase
    ankle_up: Shape  # above where it stands
    pelvis_up: Shape  # around its mean path
    pelvis_along: Shape
    pelvis_left: Shape
    tilt: Shape  # around its mean; these three are scaled to the range or peak asked for
    drop: Shape
    rotation: Shape
    # The ankle stands still in this part of the phase, and is caught and let go of smoothly around it.
    rest: tuple[float, float]
    blend: tuple[float, float]


RUN = Waveforms(
    shank=Shape(
        (0.6466, 0.0844),
        {
            1: (-0.6597, -0.2000, -0.1471, -0.0041),
            2: (-0.1062, 0.2776, 0.0295, 0.0394),
            3: (-0.0508, 0.0062, -0.0176, 0.0008),
            4: (-0.0123, 0.0099, -0.0035, -0.0042),
            5: (-0.0018, 0.0141, 0.0076, 0.0062),
            6: (-0.0036, -0.0009, -0.0034, 0.0007),
        },
    ),
    shank_frontal=Shape(
        (0.0989, 0.0089),
        {
            1: (0.0260, 0.0504, -0.0013, -0.0023),
            2: (0.0070, 0.0176, 0.0052, 0.0100),
            3: (-0.0068, -0.0070, -0.0032, -0.0009),
        },
    ),
    ankle_along=Shape(
        (-0.1834, 0.0155),
        {
            1: (0.1432, -0.0426, -0.0148, -0.0117),
            2: (0.0163, -0.0079, 0.0003, 0.0035),
            3: (0.0060, -0.0042, -0.0000, -0.0015),
            4: (-0.0018, -0.0013, -0.0004, 0.0016),
            5: (-0.0002, -0.0011, -0.0007, -0.0000),
            6: (0.0003, -0.0000, 0.0003, -0.0001),
            7: (-0.0004, 0.0000, 0.0001, 0.0004),
        },
    ),
    ankle_up=Shape(
        (0.1415, 0.0394),
        {
            1: (-0.1298, -0.0884, -0.0422, -0.0184),
            2: (0.0208, 0.0152, 0.0111, 0.0027),
            3: (0.0050, -0.0050, -0.0019, -0.0023),
            4: (0.0014, -0.0022, 0.0010, -0.0009),
            5: (-0.0010, -0.0020, -0.0006, -0.0001),
            6: (0.0002, -0.0026, -0.0008, -0.0012),
            7: (0.0010, -0.0013, 0.0002, -0.0006),
        },
    ),
    pelvis_up=Shape(
        (0.0, 0.0),
        {
            2: (0.01580, -0.04624, -0.00818, 0.00197),
            4: (0.00195, -0.00042, -0.00030, 0.0),
            6: (0.00032, 0.00032, -0.00013, -0.00018),
        },
    ),
    pelvis_along=Shape(
        (0.0, 0.0),
        {
            2: (0.01279, -0.01157, -0.00208, -0.00459),
            4: (-0.00069, 0.00313, 0.00015, 0.00154),
            6: (-0.00036, 0.00010, 0.00006, -0.00007),
        },
    ),
    pelvis_left=Shape(
        (0.0, 0.0), {1: (-0.00984, -0.00606, -0.00716, -0.00258), 3: (0.00223, -0.00088, 0.00113, -0.00108)}
    ),
    tilt=Shape(
        (0.0, 0.0),
        {
            2: (-0.0037, -0.0486, -0.0132, -0.0015),
            4: (-0.0104, -0.0044, -0.0074, 0.0005),
            6: (-0.0022, -0.0017, -0.0008, 0.0007),
        },
    ),
    drop=Shape(
        (0.0, 0.0),
        {
            1: (0.0379, -0.0022, 0.0111, -0.0033),
            3: (-0.0237, 0.0098, -0.0032, 0.0065),
            5: (0.0009, 0.0046, 0.0035, 0.0007),
        },
    ),
    rotation=Shape(
        (0.0, 0.0),
        {
            1: (0.0755, 0.0504, 0.0336, 0.0083),
            3: (-0.0226, 0.0034, -0.0123, 0.0092),
            5: (-0.0035, 0.0070, 0.0017, 0.0011),
        },
    ),
    rest=(0.09, 0.15),
    blend=(0.05, 0.04),
)

WALK = Waveforms(
    shank=Shape(
        (0.2909, 0.0),
        {
            1: (-0.3837, -0.3457, 0.0, 0.0),
            2: (-0.2028, 0.1339, 0.0, 0.0),
            3: (-0.0055, 0.0661, 0.0, 0.0),
            4: (-0.0045, 0.0237, 0.0, 0.0),
            5: (0.0011, 0.0131, 0.0, 0.0),
        },
    ),
    shank_frontal=Shape((0.05, 0.0), {1: (0.0100, 0.0200, 0.0, 0.0)}),
    ankle_along=Shape(
        (-0.2480, 0.0),
        {
            1: (0.2334, -0.0034, 0.0, 0.0),
            2: (-0.0004, -0.0418, 0.0, 0.0),
            3: (-0.0046, -0.0022, 0.0, 0.0),
            5: (-0.0025, -0.0023, 0.0, 0.0),
        },
    ),
    ankle_up=Shape(
        (0.0428, 0.0),
        {
            1: (-0.0182, -0.0544, 0.0, 0.0),
            2: (-0.0082, 0.0180, 0.0, 0.0),
            3: (0.0109, -0.0044, 0.0, 0.0),
            4: (-0.0007, -0.0038, 0.0, 0.0),
        },
    ),
    # Lowest and fastest in double support, around phase 0.05 and 0.55; over the leg that stands, around 0.3
    # and 0.8.
    pelvis_up=Shape((0.0, 0.0), {2: (-0.0178, -0.0129, 0.0, 0.0)}),
    pelvis_along=Shape((0.0, 0.0), {2: (-0.0071, 0.0097, 0.0, 0.0)}),
    pelvis_left=Shape((0.0, 0.0), {1: (-0.0062, 0.0190, 0.0, 0.0)}),
    tilt=Shape((0.0, 0.0), {2: (0.0200, 0.0, 0.0, 0.0)}),
    drop=Shape((0.0, 0.0), {1: (0.0, 0.0600, 0.0, 0.0), 3: (0.0, 0.0200, 0.0, 0.0)}),
    # The swing side is furthest forward at its own landing.
    rotation=Shape((0.0, 0.0), {1: (-0.0800, 0.0, 0.0, 0.0)}),
    rest=(0.10, 0.36),
    blend=(0.08, 0.12),
)

# Phase at which a standing leg waits, within `rest` of both.
REST_PHASE = 0.13
