"""Real sensors beside force plates: a sacral accelerometer on slopes, and IMUs on pelvis and shanks."""

import csv

import numpy as np
import pytest

from dsp.alone import PELVIS_TC_SD_S
from dsp.types import FRAME, Quality, Role, Side
from tests.dsp.test_whole_core import SHARED, Frames, analyse

G = 9.80665


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real sensors are not here")
def test_a_real_sacral_accelerometer_on_slopes() -> None:
    """31 runs of one person on slopes of -10 to 10 degrees beside a force plate (Alcantara et al. 2022,
    doi 10.7717/peerj.12752). No gyro: the attitude stays as it begins. The accelerometer's gain is off, by 3 to 26 %:
    over whole strides the mean is 1 g. Cadence is over 3 s, in which 15 ms at both ends are 1 %."""
    folder = SHARED / "alcantara"
    signals = np.loadtxt(folder / "Accelerometer_one_sub.csv", delimiter=",").reshape(31, 2, -1)
    forces = np.loadtxt(folder / "GRF_one_sub.csv", delimiter=",")  # body weights; both at 500 Hz
    slopes = np.genfromtxt(folder / "Sub_Info_one_sub.csv", delimiter=",", names=True)["Slope"]
    cadences, contacts, left_level, left_slope = [], [], [], []
    for (up, along), force, slope in zip(signals, forces, slopes, strict=True):
        frames = np.zeros(len(up) // 2, FRAME)
        frames["t_s"] = np.arange(len(frames)) / 250
        frames["acc_mps2"][:, 2] = G * up[::2] / up.mean()
        frames["acc_mps2"][:, 0] = G * along[::2] / up.mean()
        frames["pressure_pa"] = np.nan
        found = np.sort(analyse({Role.PELVIS: frames}), order="ic_s")
        found = found[found["ic_s"] > 1.0]  # until then up is not known
        above = force > 0.05
        landed = np.flatnonzero(~above[:-1] & above[1:]) / 500
        landed = landed[np.diff(landed, prepend=-1.0) > 0.1]  # not where the plate rings
        left = np.flatnonzero(above[:-1] & ~above[1:]) / 500
        ends = np.searchsorted(landed, (found["ic_s"][0] - 0.1, found["next_ic_s"][-1] + 0.1))
        true = landed[ends[0] : ends[1]]
        assert len(found) == len(true) - 2  # every step from the first to the last; a stride is two
        assert (found["side"][1:] != found["side"][:-1]).all()
        assert found["ic_s"] == pytest.approx(true[:-2], abs=0.05)
        cadences.append(120 / np.mean(found["next_ic_s"] - found["ic_s"]) - 60 / np.diff(true).mean())
        true_left = left[np.searchsorted(left, true[1:-1]) - 1]
        contacts.append(float(np.mean(found["contact_time_s"] - true_left + true[:-2])))
        (left_slope if slope else left_level).extend(found["tc_s"] - true_left)
    print(f"pelvis alone, real sensor: cadence within {np.max(np.abs(cadences)):.2f} spm,", end=" ")
    print(f"contact time {np.mean(contacts):.3f} +- {np.std(contacts):.3f} s")
    assert np.max(np.abs(cadences)) < 2.0
    assert np.mean(contacts) == pytest.approx(0.0, abs=0.03)
    assert np.std(contacts) < 0.03
    for ground, off in (("level", left_level), ("slopes", left_slope)):
        print(f"{ground}: terminal contact off by {np.mean(off):.3f} +- {np.std(off):.3f} s")
    assert np.std(left_level) == pytest.approx(PELVIS_TC_SD_S, rel=0.4)


STRIDE_S, SAMPLES = 0.7335, 100


def mean_stride() -> dict[str, np.ndarray]:
    """A runner's mean stride at 3.47 m/s from left toe-off on: IMUs and the force under the right foot.

    Dorschky et al. 2019 (doi 10.1016/j.jbiomech.2019.07.022). Segment axes: x forward, y up, z right.
    """
    with (SHARED / "biomac" / "P01_normrunning.csv").open(newline="") as file:
        next(file)  # speed and duration
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def repeated(stride: dict[str, np.ndarray], seconds: float) -> Frames:
    """The stride over and over at 208 Hz, between its samples by its Fourier series; sensor axes."""
    frames = {}
    for role, segment in zip(Role, ("pelvis", "tibia_l", "tibia_r"), strict=True):
        frames[role] = np.zeros(int(seconds * 208), FRAME)
        frames[role]["t_s"] = np.arange(len(frames[role])) / 208
        frames[role]["pressure_pa"] = np.nan
        waves = np.exp(2j * np.pi * np.outer(frames[role]["t_s"] / STRIDE_S, np.arange(SAMPLES // 2 + 1)))
        for field, name, unit in (("acc_mps2", "acc", "m/s^2"), ("gyr_radps", "gyro", "rad/s")):
            for to, axis, sign in ((0, "x", 1.0), (1, "z", -1.0), (2, "y", 1.0)):
                parts = np.fft.rfft(stride[f"{name}_{segment}_{axis}[{unit}]_mean"]) / SAMPLES
                parts[1:-1] *= 2.0
                frames[role][field][:, to] = sign * (waves @ parts).real
    return frames


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real sensors are not here")
@pytest.mark.parametrize("alone", [False, True])
def test_a_real_runners_mean_stride_repeated(alone: bool) -> None:
    """The mean of many strides has soft contacts, in its force as in its impacts: 30 ms are allowed for them."""
    stride = mean_stride()
    frames = repeated(stride, 30.0)
    found = analyse({role: rows for role, rows in frames.items() if role is Role.PELVIS or not alone})
    found = found[found["ic_s"] > 10.0]
    assert len(found) >= 50
    assert (found["quality"] == (Quality.UNCALIBRATED | (Quality.POD_MISSING if alone else 0))).all()
    assert 120 / np.mean(found["next_ic_s"] - found["ic_s"]) == pytest.approx(163.6, abs=0.05)
    force = stride["GRF_GRF_y_r[BW]_mean"]  # the left foot does the same half a stride later, and left at 0
    on = np.flatnonzero(force > 0.05) * STRIDE_S / SAMPLES
    for side, phase_s in ((Side.RIGHT, 0.0), (Side.LEFT, 0.5 * STRIDE_S)):
        mine = found[found["side"] == side]
        assert (mine["ic_s"] - phase_s) % STRIDE_S == pytest.approx(on[0], abs=0.05 if alone else 0.03)
        assert mine["contact_time_s"] == pytest.approx(on[-1] - on[0], abs=0.02)
    weight = force + np.roll(force, SAMPLES // 2)
    parts = np.fft.rfft(G * weight / weight.mean())[1:] / -((2 * np.pi * np.arange(1, 51) / STRIDE_S) ** 2)
    bounce = np.ptp(np.fft.irfft(np.r_[0.0, parts], SAMPLES))  # of the centre of mass; the pelvis moves more
    assert found["vertical_oscillation_m"].min() > bounce
    assert found["vertical_oscillation_m"].max() < 1.3 * bounce
    if alone:
        return
    assert found["speed_mps"] == pytest.approx(3.47, rel=0.11)  # nobody stood still: how high the pods sit is unknown
    braking = G * np.minimum(stride["GRF_GRF_x_r[BW]_mean"], 0.0).sum() * STRIDE_S / SAMPLES
    assert found["braking_loss_mps"] == pytest.approx(-braking, rel=0.15)
