"""How a runner runs, as a departure from the natural stride at that speed, and the faults as such departures.

A `Form` of zeros is the natural runner (gait.py). Forms add up and scale, so several faults combine, and a
runner who corrects a fault does it by letting its share fade.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import radians
from typing import Self


@dataclass(frozen=True, slots=True)
class Form:
    """Departures from the natural stride. "Share" means a fraction of the natural value: 0.1 is 10 % more."""

    cadence: float = 0.0  # share
    contact: float = 0.0  # share of contact time, on top of what cadence does
    landing_m: float = 0.0  # foot further ahead of the pelvis at initial contact
    tibia_rad: float = 0.0  # more inclination at initial contact (ankle further ahead of the knee)
    mid_stance_rad: float = 0.0  # shank further forward at mid-stance (knee further ahead of the ankle)
    retraction_radps: float = 0.0  # shank rotating backward faster around initial contact
    braking_s: float = 0.0  # braking turns into propulsion later
    tilt_rad: float = 0.0  # pelvis tipped further forward
    tilt_range: float = 0.0  # share
    drop: float = 0.0  # share
    rotation: float = 0.0  # share
    rotation_lag: float = 0.0  # swing side furthest forward later, share of a stride
    bounce: float = 0.0  # share of vertical oscillation
    impact: float = 0.0  # share of the impact's strength; -1 is none at all

    def __add__(self, other: "Form") -> Self:
        return type(self)(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __mul__(self, weight: float) -> Self:
        return type(self)(*(getattr(self, f.name) * weight for f in fields(self)))


NATURAL = Form()

# How a healthy runner differs from day to day, SD. Angles are against standing, and one stands a little differently
# each day: pods on runners, two days, 1.6 to 2.7 deg RMS between the days in the sagittal plane, so an SD of 1.1 to 1.9
# (doi:10.3389/fbioe.2022.1005496). The others are assumed: about a third of what runners differ by, less for the
# cadence. Both legs alike.
DAY_SD = Form(
    cadence=0.015,
    contact=0.02,
    landing_m=0.007,
    tibia_rad=radians(1.5),
    mid_stance_rad=radians(1.5),
    retraction_radps=0.3,
    braking_s=0.002,
    tilt_rad=radians(1.5),
    tilt_range=0.06,
    drop=0.10,
    rotation=0.07,
    rotation_lag=0.015,
    bounce=0.05,
)


def day(seed: str) -> Form:
    """What one day adds to how a runner runs: that runner's and day's own, the same for the same `seed`."""
    dice = random.Random(seed)
    return Form(*(dice.gauss(0.0, getattr(DAY_SD, f.name)) for f in fields(Form)))


# What a strongly faulty runner does, sized to lie well beyond the limits of the fault table; mild is just
# beyond.
FAULTS: Mapping[str, Form] = {
    "overstride": Form(tibia_rad=radians(8.0), landing_m=0.09, cadence=-0.02, impact=0.5),
    "hips_back": Form(landing_m=0.05, braking_s=0.020, tilt_rad=radians(7.0)),
    "sitting_back": Form(mid_stance_rad=radians(9.0), contact=0.14, bounce=-0.35, tilt_rad=radians(-1.5)),
    "pawing": Form(retraction_radps=8.0, braking_s=-0.020),
    "hip_lag": Form(rotation_lag=0.15, rotation=-0.35),
    "tilt_flattened": Form(tilt_rad=radians(-6.5)),
    "tilt_excessive": Form(tilt_rad=radians(9.0)),
    "stiff_pelvis": Form(tilt_range=-0.8, drop=-0.85, rotation=-0.8),
    "asymmetry": Form(contact=0.10, tibia_rad=radians(4.0), drop=0.6),
    "low_cadence": Form(cadence=-0.11, landing_m=0.02),
}
STRENGTHS: Mapping[str, float] = {"mild": 0.6, "strong": 1.0}
# Faults of one side when the plan names none.
ONE_SIDED: Mapping[str, str] = {"asymmetry": "left"}

# Ways of running that are no faults, to be told from them. Sizes are settings: well within what healthy
# runners differ by (norms), and of the direction that is usual.
MANNERS: Mapping[str, Form] = {
    # Lands on the forefoot: shank nearer to upright, softer, a little shorter contact.
    "forefoot": Form(tibia_rad=radians(-3.0), contact=-0.03, impact=-0.9),
    # The end of a long run.
    "tired": Form(cadence=-0.015, contact=0.025, tilt_rad=radians(1.5), bounce=-0.05),
}

# Running uphill, for each percent of slope. Cadence: + 4 % at 7 % of slope (Padulo et al. 2013,
# doi:10.1371/journal.pone.0069006). Contact: 0.33 ms more in spite of that (one runner on force plates, data of
# Alcantara et al. 2022, doi:10.7717/peerj.12752). Others are settings: less bounce, the shank leaning with the ground
# (1 % is 0.57 deg, half of it taken by the ankle), the pelvis tipping forward.
UPHILL = Form(cadence=0.0057, contact=0.007, bounce=-0.01, mid_stance_rad=radians(0.28), tilt_rad=radians(0.15))
