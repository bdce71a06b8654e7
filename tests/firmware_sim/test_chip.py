"""The chip spoils a perfect signal the way its data sheet says, and no other way."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dsp.params import G_MPS2
from dsp.types import Role
from firmware_sim.chip import CHIPS, GYR_OFFSET_DPS, RATE_ERROR, Chip, ChipSampler
from firmware_sim.runner.runner import Motion, SimulatedRunner
from host.pods.profile import PodInfo

QUIET = Chip(0.0, 0.0, 16, 2000)


class Bench:
    """A test bench instead of a runner: any motion, the same for all pods."""

    def __init__(self, acc: tuple[float, float, float] = (0.0, 0.0, G_MPS2), turning_radps: float = 0.0) -> None:
        self.acc, self.turning_radps = acc, turning_radps

    def motion(self, role: Role, t_s: NDArray[np.float64]) -> Motion:
        gyr = np.tile([0.0, self.turning_radps, 0.0], (len(t_s), 1))
        return Motion(np.tile(self.acc, (len(t_s), 1)), gyr)

    def pressure_pa(self, t_s: float) -> float:
        return 100_000.0


def si(sampler: ChipSampler, counts: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """m/s2 and rad/s of raw counts, by the data sheet's meaning of full scale."""
    info = sampler.info
    return counts[:, :3] / 32768 * info.acc_range_g * 9.80665, np.radians(counts[:, 3:] / 32768 * info.gyr_range_dps)


@pytest.mark.parametrize("name", CHIPS)
def test_noise_has_the_density_of_the_data_sheet(name: str) -> None:
    # Ranges at which the noise is a few counts: below one, counting swallows it.
    chip = replace(CHIPS[name], gyr_range_dps=250, acc_range_g=2)
    sampler = ChipSampler(Bench((0.0, 0.0, 0.0)), Role.PELVIS, chip, seed=3, rate_error=0.0)
    acc, gyr = si(sampler, sampler.read(20.0).counts)
    rate = 208.0
    for noise, density, step in [
        (gyr, np.radians(chip.gyr_noise_dps_per_rthz), np.radians(chip.gyr_range_dps) / 32768),
        (acc, chip.acc_noise_g_per_rthz * 9.80665, chip.acc_range_g * 9.80665 / 32768),
    ]:
        for axis in (noise - noise.mean(axis=0)).T:
            # One-sided density from the periodogram, between 10 and 90 Hz; counting adds step**2 / 12 over the band.
            power = 2.0 * np.abs(np.fft.rfft(axis)) ** 2 / (len(axis) * rate)
            hz = np.fft.rfftfreq(len(axis), 1 / rate)
            found = power[(hz > 10) & (hz < 90)].mean()
            assert found == pytest.approx(density**2 + step**2 / 12 / (rate / 2), rel=0.12)


@pytest.mark.parametrize("seed", range(8))
def test_each_pod_has_its_own_offset_and_mount_within_what_is_allowed(seed: int) -> None:
    for role in Role:
        sampler = ChipSampler(Bench(), role, QUIET, seed)
        _, gyr = si(sampler, sampler.read(1.0).counts)
        offset_dps = np.degrees(np.linalg.norm(gyr.mean(axis=0)))
        assert GYR_OFFSET_DPS[0] - 0.06 < offset_dps < GYR_OFFSET_DPS[1] + 0.06
        np.testing.assert_allclose(sampler.mount @ sampler.mount.T, np.eye(3), atol=1e-12)
        # The sensor's long axis against the segment's: two tilts of at most 12 degrees.
        assert np.degrees(np.arccos(sampler.mount[2, 2])) < 17.0
        spin = abs(np.degrees(np.arctan2(sampler.mount[1, 0], sampler.mount[0, 0])))
        assert spin < (13.0 if role is Role.PELVIS else 61.0)
        error = abs(sampler.rate_hz / 208.0 - 1.0)
        assert RATE_ERROR[0] <= error <= RATE_ERROR[1]


def test_the_mount_turns_what_is_felt() -> None:
    quarter = ChipSampler(Bench((1.0, 2.0, 3.0)), Role.PELVIS, QUIET, turn_rad=np.array([np.pi / 2, 0.0, 0.0]))
    acc, _ = si(quarter, quarter.read(1.0).counts)
    # Turned a quarter to the left, the sensor's x is the body's y, and its y the body's backward.
    assert acc.mean(axis=0) == pytest.approx([2.0, -1.0, 3.0], abs=0.1)


@pytest.mark.parametrize("error", [-0.03, 0.0, 0.012])
def test_the_oscillator_sets_the_rate(error: float) -> None:
    sampler = ChipSampler(Bench(), Role.SHANK_LEFT, rate_error=error, start_s=1000.0)
    t_s = sampler.read(1100.0).t_s
    # Nobody read for 100 s: the last 20 s are kept.
    assert len(t_s) == pytest.approx(20.0 * 208 * (1 + error), abs=1)
    assert 1.0 / np.diff(t_s).mean() == pytest.approx(208 * (1 + error))
    assert 1099.99 < t_s[-1] <= 1100.0


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_signal_beyond_the_range_is_cut_off_there(sign: int) -> None:
    bench = Bench((0.0, 0.0, sign * 25 * G_MPS2), sign * np.radians(2500.0))
    sampler = ChipSampler(bench, Role.SHANK_LEFT, turn_rad=np.zeros(3))
    counts = sampler.read(1.0).counts
    assert counts.dtype == np.int16
    assert (counts[:, [2, 4]] == (32767 if sign > 0 else -32768)).all()


def test_reading_in_any_pieces_gives_the_same_samples() -> None:
    def sampler() -> ChipSampler:
        return ChipSampler(SimulatedRunner("stand 1; run 3", seed=4), Role.SHANK_RIGHT, seed=4)

    whole, pieces = sampler(), sampler()
    expected = whole.read(6.0)
    parts = [pieces.read(t) for t in np.arange(0.0, 6.0, 0.0377)] + [pieces.read(6.0), pieces.read(6.0)]
    np.testing.assert_array_equal(np.concatenate([part.counts for part in parts]), expected.counts)
    np.testing.assert_array_equal(np.concatenate([part.t_s for part in parts]), expected.t_s)
    assert len(parts[-1].t_s) == 0


def test_settings_can_be_changed_in_the_middle() -> None:
    sampler = ChipSampler(Bench(), Role.PELVIS, QUIET, rate_error=0.02, turn_rad=np.zeros(3))
    before = sampler.read(2.0)
    sampler.configure(PodInfo(Role.PELVIS, 4, 500, 104, 8))
    after = sampler.read(4.0)
    assert np.diff(before.t_s).mean() == pytest.approx(1 / (208 * 1.02))
    assert np.diff(after.t_s).mean() == pytest.approx(1 / (104 * 1.02))
    assert before.t_s[-1] < after.t_s[0] <= before.t_s[-1] + 1 / (208 * 1.02) + 1e-9
    assert si(sampler, after.counts)[0].mean(axis=0)[2] == pytest.approx(G_MPS2, abs=0.15)
    assert after.counts[0, 2] == pytest.approx(32768 / 4, rel=0.02)
    for wrong in [(16, 4000, 208), (3, 500, 208), (16, 2000, 200)]:
        with pytest.raises(ValueError, match="cannot"):
            sampler.configure(PodInfo(Role.PELVIS, *wrong, 8))


def test_only_the_pelvis_has_a_barometer() -> None:
    for role in Role:
        sampler = ChipSampler(Bench(), role)
        readings = [sampler.pressure_pa(t) for t in np.arange(0.0, 200.0)]
        if role is Role.PELVIS:
            assert np.mean(readings) == pytest.approx(100_000.0, abs=1.0)
            assert 1.0 < np.std(readings) < 4.0
        else:
            assert set(readings) == {None}
