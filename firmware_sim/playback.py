"""A recording worn as pods: each pod's samples leave its sampler again at the times they were taken.

Tables (`NAME.imu.csv`, `.csv.gz`, `.parquet`: SI units) become raw counts of an assumed chip; an .mcap
recording keeps the ranges of the pods that made it. Lost samples are absent, as they were.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dsp.params import G_MPS2
from dsp.types import Role
from firmware_sim.sampler import Samples
from host.errors import RecordingError
from host.pods import profile
from host.pods.profile import PodInfo
from host.pods.stream import PodStream
from host.records import PodEvent
from host.sinks.recording import read_recording
from host.tables import read_table

# The chip that a table is taken to come from: the usual setting for running.
ACC_RANGE_G, GYR_RANGE_DPS = 16, 2000
# 8 samples at 208 Hz, whatever the rate.
PACKETS_HZ = 26.0

Frames = NDArray[np.void]  # dtype FRAME


class PlaybackSampler:
    """One pod of a recording. Silent until `start`."""

    def __init__(self, role: Role, frames: Frames, ranges: tuple[int, int]) -> None:
        """`frames`: all of the pod's, in time order; those with NaN are lost. `ranges`: g and degrees/s.

        Raises ValueError when fewer than two samples are there.
        """
        values = np.column_stack([frames["acc_mps2"], frames["gyr_radps"]])
        present = np.isfinite(values).all(axis=1)
        self._t_s = frames["t_s"][present]
        rate_hz = measured_rate_hz(self._t_s)
        samples = min(max(round(rate_hz / PACKETS_HZ), 1), profile.MAX_SAMPLES)
        self.info = PodInfo(role, *ranges, round(rate_hz), samples)
        self._counts = self.info.counts(values[present])
        measured = np.isfinite(frames["pressure_pa"])
        self._pressure_s = frames["t_s"][measured]
        self._pressure_pa = frames["pressure_pa"][measured]
        self._zero_s = math.inf
        self._next = 0

    @property
    def span_s(self) -> tuple[float, float]:
        """Times of the first and the last sample in the recording."""
        return float(self._t_s[0]), float(self._t_s[-1])

    def start(self, zero_s: float) -> None:
        """The recording's time 0 is at true time `zero_s`."""
        self._zero_s = zero_s

    def read(self, until_s: float) -> Samples:
        begin = self._next
        self._next = end = int(np.searchsorted(self._t_s, until_s - self._zero_s, side="right"))
        return Samples(self._t_s[begin:end] + self._zero_s, self._counts[begin:end])

    def pressure_pa(self, t_s: float) -> float | None:
        if not len(self._pressure_s):
            return None
        newest = int(np.searchsorted(self._pressure_s, t_s - self._zero_s, side="right")) - 1
        return float(self._pressure_pa[max(newest, 0)])


class Playback:
    """All pods of a recording, on one time."""

    def __init__(self, samplers: Mapping[Role, PlaybackSampler]) -> None:
        self.samplers = samplers
        self.first_s = min(sampler.span_s[0] for sampler in samplers.values())
        self.last_s = max(sampler.span_s[1] for sampler in samplers.values())

    def start(self, true_s: float) -> float:
        """The first sample comes at `true_s`. Returns the true time of the last one."""
        zero_s = true_s - self.first_s
        for sampler in self.samplers.values():
            sampler.start(zero_s)
        return zero_s + self.last_s

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a table, or an .mcap recording, as a whole. Raises TableError or RecordingError."""
        ranges: dict[Role, tuple[int, int]] = {}
        if path.suffix == ".mcap":
            frames, ranges = frames_of_events(read_recording(path)[1])
        else:
            frames = frames_of_table(path)
        if not frames:
            raise RecordingError(path, "holds no samples of any pod")
        default = (ACC_RANGE_G, GYR_RANGE_DPS)
        return cls({r: PlaybackSampler(r, frames[r], ranges.get(r, default)) for r in sorted(frames)})


def frames_of_table(path: Path) -> dict[Role, Frames]:
    """All frames of a table by pod. Raises TableError."""
    parts: dict[Role, list[Frames]] = {}
    for chunk in read_table(path):
        for role, frames in chunk.items():
            parts.setdefault(role, []).append(frames)
    return {role: np.concatenate(blocks) for role, blocks in parts.items()}


def frames_of_events(
    events: Iterable[PodEvent],
) -> tuple[dict[Role, Frames], dict[Role, tuple[int, int]]]:
    """All frames of recorded pod events, timed as in every replay; and each pod's ranges in g and degrees/s.

    A pod that changed its ranges on the way is played with the last ones.
    """
    streams = {role: PodStream(role) for role in Role}
    parts: dict[Role, list[Frames]] = {}
    for event in events:
        if len(frames := streams[event.role].feed(event)):
            parts.setdefault(event.role, []).append(frames)
    full_scales = {role: streams[role].full_scale for role in parts}
    ranges = {role: (round(acc / G_MPS2), round(math.degrees(gyr))) for role, (acc, gyr) in full_scales.items()}
    return {role: np.concatenate(blocks) for role, blocks in parts.items()}, ranges


def measured_rate_hz(t_s: NDArray[np.float64]) -> float:
    """Samples per second between gaps. One difference of rounded times says little; their sum says enough.

    Raises ValueError for fewer than two samples.
    """
    if len(t_s) < 2:
        raise ValueError(f"{len(t_s)} samples have no rate")
    steps = np.diff(t_s)
    consecutive = steps < 1.5 * np.median(steps)
    return float(consecutive.sum() / steps[consecutive].sum())
