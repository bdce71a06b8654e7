"""Real runners who take up a pattern: their measured signals, with what the pattern adds to the motion.

Each pattern is an extra turn of a segment about one of its axes, an extra acceleration of the pelvis, or slower time,
put into acceleration and angular rate as physics has it. No gait model is in it: the waveforms stay those of the eight
people of real.py, with the mounting errors, impacts and noise of their pods. What a segment's turn does to the places
of the others is left out.

Axes of a segment in its pod's are found without the signal core: up is where gravity pulls in quiet standing, the
shank's hinge is where its rate varies most; the pelvis pod's own left is taken, right to its mounting error of 12
degrees.
"""

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from vqf import VQF

from dsp.types import Role
from tests.host.coach.real import RATE_HZ, SHANKS, STANDING_S, Array, Frames, Recorded, Steps

GRAVITY_MPS2 = 9.81
# The pattern comes within three seconds, seven after the start: not all at once, as when a pod slips.
ONSET_S, SECONDS = 15.0, 3.0


# ---------------------------------------------------------------- physics


def turned(frames: NDArray[np.void], axis: Array, angle_rad: Array) -> NDArray[np.void]:
    """What the pod measures where its segment is turned further by `angle_rad` (n,) about `axis` (3,)."""
    frames, cos, sin = frames.copy(), np.cos(angle_rad)[:, None], np.sin(angle_rad)[:, None]
    for column in ("acc_mps2", "gyr_radps"):
        v = frames[column]
        frames[column] = v * cos - np.cross(axis, v) * sin + np.outer(v @ axis, axis) * (1.0 - cos)
    frames["gyr_radps"] += np.outer(np.gradient(angle_rad, frames["t_s"]), axis)
    return frames


def slowed(frames: NDArray[np.void], times: float) -> NDArray[np.void]:
    """What the pod measures where everything takes `times` as long, from the onset on."""
    rate_hz = (len(frames) - 1) / (frames["t_s"][-1] - frames["t_s"][0])
    gyr, acc = np.ascontiguousarray(frames["gyr_radps"]), np.ascontiguousarray(frames["acc_mps2"])
    w, x, y, z = VQF(1.0 / rate_hz).updateBatch(gyr, acc)["quat6D"].T
    up = GRAVITY_MPS2 * np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    t = frames["t_s"]
    late = (t > ONSET_S)[:, None]
    gyr = np.where(late, gyr / times, gyr)
    acc = np.where(late, up + (acc - up) / times**2, acc)
    stretched = np.where(t > ONSET_S, ONSET_S + (t - ONSET_S) * times, t)
    slow = np.zeros(int(stretched[-1] * RATE_HZ), frames.dtype)
    slow["t_s"], slow["pressure_pa"] = np.arange(len(slow)) / RATE_HZ, np.nan
    for column, values in (("acc_mps2", acc), ("gyr_radps", gyr)):
        for i in range(3):
            slow[column][:, i] = np.interp(slow["t_s"], stretched, values[:, i])
    return slow


def grown(t_s: Array) -> Array:
    """0 before the onset, 1 when the pattern is there."""
    return np.clip((t_s - ONSET_S) / SECONDS, 0.0, 1.0)


def up(frames: NDArray[np.void]) -> Array:
    mean = np.nanmean(frames["acc_mps2"][frames["t_s"] < STANDING_S], axis=0)
    return mean / np.linalg.norm(mean)


def to_left(pelvis: NDArray[np.void]) -> Array:
    z = up(pelvis)
    y = np.array([0.0, 1.0, 0.0]) - z[1] * z
    return y / np.linalg.norm(y)


def ahead(pelvis: NDArray[np.void]) -> Array:
    return np.cross(to_left(pelvis), up(pelvis))


def hinge(shank: NDArray[np.void]) -> Array:
    """The shank's left: the rate about it varies most, and swings to the negative."""
    rates = shank["gyr_radps"][shank["t_s"] > STANDING_S]
    axis = np.linalg.eigh(np.cov(rates[np.isfinite(rates).all(axis=1)].T))[1][:, -1]
    about = rates @ axis
    return axis if -np.nanmin(about) > np.nanmax(about) else -axis


def swaying(pelvis: NDArray[np.void], axis: Array, stride_s: float) -> Array:
    """The angle about `axis` as it goes to and fro with the strides: rad, without what changes more slowly."""
    t = pelvis["t_s"]
    angle = np.cumsum(np.nan_to_num(pelvis["gyr_radps"] @ axis)) * np.gradient(t)
    n = 2 * int(stride_s / np.median(np.diff(t))) + 1
    window = np.hanning(n) / np.hanning(n).sum()
    return angle - np.convolve(np.pad(angle, n // 2, mode="edge"), window, "valid")


# ---------------------------------------------------------------- patterns

Pattern = Callable[[Recorded], Frames]


def _of_shanks(sides: Iterable[str], angle_rad: Callable[[Steps, Array], Array]) -> Pattern:
    def turn(run: Recorded) -> Frames:
        frames = dict(run.frames)
        for side in sides:
            shank = run.frames[SHANKS[side]]
            angle = angle_rad(run.steps[side], shank["t_s"]) * grown(shank["t_s"])
            frames[SHANKS[side]] = turned(shank, hinge(shank), angle)
        return frames

    return turn


def _of_pelvis(change: Callable[[Recorded, NDArray[np.void]], NDArray[np.void]]) -> Pattern:
    return lambda run: run.frames | {Role.PELVIS: change(run, run.frames[Role.PELVIS])}


def landing_ahead(degrees: float, *sides: str) -> Pattern:
    """The tibia more inclined around contact, and back within 160 ms."""

    def angle(steps: Steps, t: Array) -> Array:
        return -math.radians(degrees) * _bell(steps.from_contact_s(t) / 0.16)

    return _of_shanks(sides, angle)


def pulling(dps: float, *sides: str) -> Pattern:
    """The shank turning backward faster by `dps` at contact, where its angle stays."""

    def angle(steps: Steps, t: Array) -> Array:
        part = steps.from_contact_s(t) / 0.16
        return math.radians(dps) * 0.16 / math.pi * np.sin(math.pi * part) * _bell(part)

    return _of_shanks(sides, angle)


def tipped(degrees: float) -> Pattern:
    return _of_pelvis(lambda _, pelvis: turned(pelvis, to_left(pelvis), math.radians(degrees) * grown(pelvis["t_s"])))


def trailing(degrees: float, mps2: float) -> Pattern:
    """The pelvis tipped, and braked for longer: `mps2` less in the first 62 % of stance, and given back in the rest."""

    def change(run: Recorded, pelvis: NDArray[np.void]) -> NDArray[np.void]:
        share = _either(run, pelvis["t_s"])
        push = np.where(
            share < 0.62,
            -(np.sin(math.pi * share / 0.62) ** 2),
            0.62 / 0.38 * np.sin(math.pi * (share - 0.62) / 0.38) ** 2,
        )
        braked = pelvis.copy()
        braked["acc_mps2"] += np.outer(mps2 * np.nan_to_num(push) * grown(pelvis["t_s"]), ahead(pelvis))
        return turned(braked, to_left(pelvis), math.radians(degrees) * grown(pelvis["t_s"]))

    return _of_pelvis(change)


def crouched(shank_deg: float, bounce: float, tilt_deg: float) -> Pattern:
    """Shanks further forward in mid-stance, less bounce, the pelvis tucked. (Contact stays as long as it was.)"""

    def shank(steps: Steps, t: Array) -> Array:
        part = np.clip((np.nan_to_num(steps.share(t)) - 0.2) / 0.6, 0.0, 1.0)
        return math.radians(shank_deg) * np.sin(math.pi * part) ** 2

    def pelvis(_: Recorded, frames: NDArray[np.void]) -> NDArray[np.void]:
        z, there = up(frames), grown(frames["t_s"])
        low = frames.copy()
        low["acc_mps2"] += np.outer((bounce - 1.0) * (frames["acc_mps2"] @ z - GRAVITY_MPS2) * there, z)
        return turned(low, to_left(frames), math.radians(tilt_deg) * there)

    return lambda run: _of_pelvis(pelvis)(run) | _shanks_of(_of_shanks(SHANKS, shank)(run))


def lagging(share: float) -> Pattern:
    """The pelvis's turn about the vertical, later by a share of the stride."""

    def change(run: Recorded, pelvis: NDArray[np.void]) -> NDArray[np.void]:
        t, sway = pelvis["t_s"], swaying(pelvis, up(pelvis), run.stride_s)
        later = np.interp(t - share * run.stride_s, t, sway)
        return turned(pelvis, up(pelvis), (later - sway) * grown(t))

    return _of_pelvis(change)


def braced(share: float) -> Pattern:
    """So much less of the pelvis's swaying about each of its axes."""

    def change(run: Recorded, pelvis: NDArray[np.void]) -> NDArray[np.void]:
        stiff = pelvis
        for axis in (ahead(pelvis), to_left(pelvis), up(pelvis)):
            stiff = turned(stiff, axis, -share * swaying(pelvis, axis, run.stride_s) * grown(pelvis["t_s"]))
        return stiff

    return _of_pelvis(change)


def dropping(degrees: float, side: str) -> Pattern:
    """The pelvis drops further in one leg's stance, on the other side."""

    def change(run: Recorded, pelvis: NDArray[np.void]) -> NDArray[np.void]:
        drop = np.nan_to_num(np.sin(math.pi * run.steps[side].share(pelvis["t_s"])))
        sign = 1.0 if side == "left" else -1.0
        return turned(pelvis, ahead(pelvis), sign * math.radians(degrees) * drop * grown(pelvis["t_s"]))

    return _of_pelvis(change)


def slower(times: float) -> Pattern:
    """Each step takes `times` as long, at the same length: slower than a runner would be who slows down as much."""
    return lambda run: {role: slowed(frames, times) for role, frames in run.frames.items()}


def _bell(part: Array) -> Array:
    return np.where(np.abs(part) < 1.0, 0.5 * (1.0 + np.cos(math.pi * part)), 0.0)


def _either(run: Recorded, t_s: Array) -> Array:
    left, right = (steps.share(t_s) for steps in run.steps.values())
    return np.where(np.isnan(left), right, left)


def _shanks_of(frames: Frames) -> Frames:
    return {role: frames[role] for role in SHANKS.values()}


# By fault and the side to be named.
PATTERNS: Mapping[tuple[str, str], Pattern] = {
    ("overstride", ""): landing_ahead(6.0, *SHANKS),
    ("overstride", "left"): landing_ahead(7.0, "left"),
    ("hips_back", ""): trailing(5.0, 9.0),
    ("sitting_back", ""): crouched(6.0, 0.75, -2.0),
    ("tilt_flattened", ""): tipped(-6.0),
    ("tilt_excessive", ""): tipped(7.0),
    ("pawing", ""): pulling(250.0, *SHANKS),
    ("pawing", "right"): pulling(250.0, "right"),
    ("hip_lag", ""): lagging(0.13),
    ("asymmetry", "left"): dropping(5.0, "left"),
    ("asymmetry", "right"): dropping(5.0, "right"),
    ("stiff_pelvis", ""): braced(0.47),
    ("low_cadence", ""): slower(1.12),
}
