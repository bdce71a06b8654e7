"""What is true of each stride of the simulated runner, read off the motion itself, never off what was asked
for.

Column names are those of the reference sessions' truth tables, so one tool scores both.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.types import Side
from firmware_sim.runner import gait
from firmware_sim.runner.curve import Curve
from firmware_sim.runner.rigid import rotation
from firmware_sim.runner.track import Footfall

Array = NDArray[np.float64]
SAMPLES = 256  # instants looked at in a stride
RETRACTION_S = 0.030  # before initial contact; as dsp/types.py defines retraction
MID_STANCE = 0.45  # share of stance, as docs/metrics.md defines it


@dataclass(frozen=True, slots=True)
class TrueStride:
    """One stride: initial contact to the next of the same leg. Signs as in dsp/types.py."""

    side: str
    ic_s: float
    tc_s: float
    next_ic_s: float
    tibial_inclination_ic_deg: float  # against gravity
    tibial_inclination_ic_vs_standing_deg: float
    foot_ahead_of_pelvis_mm: float
    pelvic_tilt_mean_vs_standing_deg: float
    pelvic_tilt_mean_abs_deg: float
    pelvic_tilt_range_deg: float
    pelvic_drop_peak_stance_deg: float
    pelvic_obliquity_range_deg: float
    pelvic_rotation_range_deg: float
    speed_mps: float
    pelvic_rotation_lag_percent: float
    grade_percent: float
    turn_rate_dps: float
    shank_retraction_dps: float
    shank_mid_stance_deg: float
    pelvis_over_foot_percent: float  # of stance: pelvis centre above the ankle
    vertical_oscillation_mm: float


def true_strides(curve: Curve, strides: Sequence[tuple[Side, Footfall, Footfall]], start_s: float) -> list[TrueStride]:
    """The truth of `strides` (side, this and the next footfall) on `curve`, whose time 0 is `start_s`."""
    if not strides:
        return []
    left = np.array([side is Side.LEFT for side, _, _ in strides])
    ic = np.array([this.ic_s for _, this, _ in strides])
    tc = np.array([this.tc_s for _, this, _ in strides])
    end = np.array([following.ic_s for _, _, following in strides])
    lasts = end - ic
    share = np.linspace(0.0, 1.0, SAMPLES)
    t = ic[:, None] + lasts[:, None] * share
    poses = curve.at(t.ravel())[0].reshape(len(strides), SAMPLES, 18)
    pelvis = poses[:, :, :6]
    way = pelvis[:, -1, :2] - pelvis[:, 0, :2]
    length = np.maximum(np.hypot(*way.T), 1e-9)
    ahead = way / length[:, None]
    stance = t <= tc[:, None]

    axes = rotation(pelvis[:, :, 3:].reshape(-1, 3)).reshape(len(strides), SAMPLES, 3, 3)
    tilt = -np.arcsin(axes[:, :, 2, 0])
    sign = np.where(left, 1.0, -1.0)[:, None]
    obliquity = sign * np.arcsin(axes[:, :, 2, 1])
    turned = pelvis[:, -1, 3] - pelvis[:, 0, 3]
    own_side_forward = -sign * (pelvis[:, :, 3] - turned[:, None] * share)
    rise = pelvis[:, -1, 2] - pelvis[:, 0, 2]
    level = pelvis[:, :, 2] - rise[:, None] * share

    ankle = np.where(left[:, None, None], poses[:, :, 6:8], poses[:, :, 12:14])
    foot_ahead = np.einsum("nsi,ni->ns", ankle - pelvis[:, :, :2], ahead)
    over = stance & (foot_ahead <= 0.0)
    over_s = np.where(over.any(axis=1), t[np.arange(len(t)), over.argmax(axis=1)], np.nan)

    # The shank 30 ms before initial contact, at it, and at mid-stance.
    looks = np.stack([ic - RETRACTION_S, ic, ic + MID_STANCE * (tc - ic)], axis=1)
    shanks = curve.at(looks.ravel())[0].reshape(len(strides), 3, 18)
    angles = np.where(left[:, None, None], shanks[:, :, 9:12], shanks[:, :, 15:18])
    long_axis = rotation(angles.reshape(-1, 3))[:, :, 2].reshape(len(strides), 3, 3)
    along = np.einsum("nsi,ni->ns", long_axis[:, :, :2], ahead)
    inclination = -np.arctan2(along, long_axis[:, :, 2])

    columns = {
        "ic_s": ic + start_s,
        "tc_s": tc + start_s,
        "next_ic_s": end + start_s,
        "tibial_inclination_ic_deg": np.degrees(inclination[:, 1]),
        "tibial_inclination_ic_vs_standing_deg": np.degrees(inclination[:, 1] + gait.STANDING_SHANK_RAD),
        "foot_ahead_of_pelvis_mm": 1e3 * foot_ahead[:, 0],
        "pelvic_tilt_mean_vs_standing_deg": np.degrees(tilt.mean(axis=1) - gait.STANDING_TILT_RAD),
        "pelvic_tilt_mean_abs_deg": np.degrees(tilt.mean(axis=1)),
        "pelvic_tilt_range_deg": np.degrees(np.ptp(tilt, axis=1)),
        "pelvic_drop_peak_stance_deg": np.degrees(np.where(stance, obliquity, -np.inf).max(axis=1)),
        "pelvic_obliquity_range_deg": np.degrees(np.ptp(obliquity, axis=1)),
        "pelvic_rotation_range_deg": np.degrees(np.ptp(own_side_forward, axis=1)),
        "speed_mps": length / lasts,
        "pelvic_rotation_lag_percent": 100.0 * share[own_side_forward.argmax(axis=1)],
        "grade_percent": 100.0 * rise / length,
        "turn_rate_dps": np.degrees(turned) / lasts,
        "shank_retraction_dps": np.degrees(inclination[:, 0] - inclination[:, 1]) / RETRACTION_S,
        "shank_mid_stance_deg": np.degrees(inclination[:, 2] + gait.STANDING_SHANK_RAD),
        "pelvis_over_foot_percent": 100.0 * (over_s - ic) / (tc - ic),
        "vertical_oscillation_mm": 1e3 * np.ptp(level, axis=1),
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [
        TrueStride(side=side.label, **dict(zip(columns, row, strict=True)))
        for (side, _, _), row in zip(strides, rows, strict=True)
    ]


def write_truth(path: Path, strides: Iterable[TrueStride]) -> None:
    """One row a stride, as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(TrueStride)])
        writer.writeheader()
        writer.writerows(asdict(stride) for stride in strides)
