"""Signals that are no runner's, but pass for one: they take the core once through all that a stride needs."""

import numpy as np
from numpy.typing import NDArray

from dsp.types import FRAME, Role


def rehearsal() -> list[tuple[Role, NDArray[np.void]]]:
    """Frames of each pod: 2.5 s of rest, then 4 s of sines with an impact a step."""
    t = np.arange(0.0, 6.5, 0.005)
    found = []
    for role, late in ((Role.PELVIS, 0.0), (Role.SHANK_LEFT, 0.0), (Role.SHANK_RIGHT, 0.35)):
        frames = np.zeros(len(t), FRAME)
        frames["t_s"] = t
        frames["pressure_pa"] = np.nan
        frames["acc_mps2"][:, 2] = 9.81
        moving = t > 2.5 + late
        step = (t - 2.5 - late) % (0.35 if role is Role.PELVIS else 0.7)
        if role is Role.PELVIS:
            frames["acc_mps2"][:, 2] += moving * 12.0 * np.sin(2.0 * np.pi * step / 0.35)
        else:
            frames["acc_mps2"][:, 2] += moving * 40.0 * np.exp(-(((step - 0.02) / 0.01) ** 2))
            frames["gyr_radps"][:, 1] = moving * (
                7.0 * np.sin(2.0 * np.pi * step / 0.7)
                + 5.0 * np.sin(6.0 * np.pi * step / 0.7)
                - 3.0 * np.cos(4.0 * np.pi * step / 0.7)
            )
        found.append((role, frames))
    return found
