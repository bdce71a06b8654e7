"""The sensors of one pod: an IMU chip, strapped on not quite straight, and a barometer on the pelvis.

The chip samples a perfect runner's motion at the ticks of its own oscillator and spoils it the way chips do:
mounting, offset, noise, range, 16-bit counts. Time is true time.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dsp.params import G_MPS2
from dsp.types import Role
from firmware_sim.runner.rigid import rotation
from firmware_sim.runner.runner import Motion
from firmware_sim.sampler import Samples
from host.pods.profile import PodInfo

Array = NDArray[np.float64]

# How far a pod worn as instructed may be turned, about x, y and the long axis z: the wearing instructions.
PELVIS_TURN_DEG = (12.0, 12.0, 12.0)
SHANK_TURN_DEG = (12.0, 12.0, 60.0)
PRESSURE_NOISE_PA = 2.0  # a few Pa is usual for small barometers; a setting
SAMPLES_PER_PACKET = 8
ASLEEP_S = 20.0  # well within the motion that a runner remembers


@dataclass(frozen=True, slots=True)
class Chip:
    """An IMU's data sheet. Noise densities are one-sided, ranges plus or minus."""

    gyr_noise_dps_per_rthz: float
    acc_noise_g_per_rthz: float
    acc_range_g: int
    gyr_range_dps: int


# What such chips can be set to, up to each one's own ends.
RATES_HZ = (104, 208, 416)
ACC_RANGES_G = (2, 4, 8, 16)
GYR_RANGES_DPS = (250, 500, 1000, 2000, 4000)

# Typical values of the makers' data sheets.
CHIPS = {
    "LSM6DSO": Chip(3.8e-3, 70e-6, 16, 2000),
    "LSM6DSV": Chip(2.8e-3, 60e-6, 16, 4000),
    "ICM-42688": Chip(2.8e-3, 75e-6, 16, 2000),
    "BMI270": Chip(7.5e-3, 160e-6, 16, 2000),
}
# Uncalibrated zero-rate offset of these gyros, and the spread of their oscillators around the nominal rate.
GYR_OFFSET_DPS = (0.5, 3.0)
RATE_ERROR = (0.01, 0.03)
ACC_OFFSET_G = 0.003  # spread of each axis; a setting


class World(Protocol):
    """What a chip can be strapped to."""

    def motion(self, role: Role, t_s: Array) -> Motion: ...

    def pressure_pa(self, t_s: float) -> float: ...


class ChipSampler:
    """Implements `firmware_sim.sampler.Sampler` on a simulated runner.

    `rate_error` is the share by which the chip's oscillator is fast; None draws one from RATE_ERROR, either
    sign. `turn_rad` is the mounting error, yaw, pitch and roll (3,); None draws one. The first sample is at
    `start_s`.
    """

    def __init__(
        self,
        runner: World,
        role: Role,
        spec: str | Chip = "LSM6DSO",
        seed: int = 0,
        *,
        rate_hz: int = 208,
        rate_error: float | None = None,
        turn_rad: Array | None = None,
        start_s: float = 0.0,
    ) -> None:
        self.chip = CHIPS[spec] if isinstance(spec, str) else spec
        self.info = PodInfo(role, self.chip.acc_range_g, self.chip.gyr_range_dps, rate_hz, SAMPLES_PER_PACKET)
        self._runner, self._role = runner, role
        # Traits of the pod come from one generator and the noise from another: the same pod at another rate.
        traits = np.random.default_rng([seed, int(role), 0])
        self._noise = np.random.default_rng([seed, int(role), 1])
        most = np.radians(PELVIS_TURN_DEG if role is Role.PELVIS else SHANK_TURN_DEG)[::-1]
        drawn_turn = traits.uniform(-most, most)
        direction = traits.standard_normal(3)
        self.gyr_offset_radps = np.radians(traits.uniform(*GYR_OFFSET_DPS)) * direction / np.linalg.norm(direction)
        self.acc_offset_mps2 = ACC_OFFSET_G * G_MPS2 * traits.standard_normal(3)
        drawn_rate = traits.uniform(*RATE_ERROR) * traits.choice([-1.0, 1.0])
        self.rate_hz = rate_hz * (1.0 + (drawn_rate if rate_error is None else rate_error))
        turn = drawn_turn if turn_rad is None else np.asarray(turn_rad, float)
        self.mount = rotation(turn[None])[0]  # sensor axes into the segment's
        self._start_s = start_s
        self._taken = 0

    def configure(self, info: PodInfo) -> None:
        """Takes on the rate and ranges of `info`, from the next sample on.

        Raises ValueError when the chip has no such setting.
        """
        fits = (
            info.role == self._role
            and info.rate_hz in RATES_HZ
            and info.acc_range_g in ACC_RANGES_G
            and info.acc_range_g <= self.chip.acc_range_g
            and info.gyr_range_dps in GYR_RANGES_DPS
            and info.gyr_range_dps <= self.chip.gyr_range_dps
        )
        if not fits:
            raise ValueError(f"this chip cannot be set to {info}")
        self._start_s += self._taken / self.rate_hz
        self._taken = 0
        self.rate_hz *= info.rate_hz / self.info.rate_hz
        self.info = info

    def read(self, until_s: float) -> Samples:
        """All samples since the last call, up to and including true time `until_s`.

        What nobody read for longer than ASLEEP_S is lost.
        """
        end = int(np.floor((until_s - self._start_s) * self.rate_hz + 1e-9)) + 1
        start = max(self._taken, end - int(ASLEEP_S * self.rate_hz))
        self._taken = max(end, self._taken)
        numbers = np.arange(start, self._taken)
        t_s = self._start_s + numbers / self.rate_hz
        if not len(numbers):
            return Samples(t_s, np.empty((0, 6), np.int16))
        motion = self._runner.motion(self._role, t_s)
        # White noise of density D fills the band up to half the sample rate.
        band = np.sqrt(self.rate_hz / 2.0)
        noise = self._noise.standard_normal((len(numbers), 6)) * band
        acc = motion.acc @ self.mount + self.acc_offset_mps2
        acc += noise[:, :3] * self.chip.acc_noise_g_per_rthz * G_MPS2
        gyr = motion.gyr @ self.mount + self.gyr_offset_radps
        gyr += noise[:, 3:] * np.radians(self.chip.gyr_noise_dps_per_rthz)
        return Samples(t_s, self.info.counts(np.hstack([acc, gyr])))

    def pressure_pa(self, t_s: float) -> float | None:
        if self._role is not Role.PELVIS:
            return None
        return self._runner.pressure_pa(t_s) + PRESSURE_NOISE_PA * float(self._noise.standard_normal())
