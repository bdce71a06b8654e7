"""The signal core's front: three streams of IMU frames in, stride records out.

The host's pipeline and the offline analysis call it; it does no I/O and reads no clock. Everything is causal, and what
comes out depends on what the samples say, not on how they were cut into chunks or which pod's chunk came first.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from dsp import state
from dsp.params import Params
from dsp.rehearsal import rehearsal
from dsp.stream import run
from dsp.types import FRAME, STRIDE, Role

MAGIC = b"hamstream core 3\n"
NO_STRIDES = np.zeros(0, STRIDE)
WHOLE_STRIDE = np.dtype((np.void, STRIDE.itemsize))


class Phase(Enum):
    WAITING = "waiting"  # no pod has been seen at rest
    STANDING = "standing"  # at rest, not yet for long enough
    READY = "ready"  # standing was seen: off you go
    RUNNING = "running"
    WALKING = "walking"


@dataclass(frozen=True, slots=True)
class Status:
    phase: Phase
    standing_s: float  # how long the pods have been at rest by now, the least of them
    calibrated: tuple[bool, bool, bool]  # by role: quiet standing was seen
    silent: tuple[Role, ...]  # pods that the others no longer wait for


class GaitAnalyzer:
    """Finds every stride of a runner who wears three pods.

    Raises ValueError for impossible parameters (in Params) and for a foreign snapshot; samples never raise anything.
    """

    def __init__(self, params: Params | None = None) -> None:
        self.params = params or Params()
        self._co = self.params.record()
        self._core = state.core(self.params.swing_peak_radps)
        self._pods = self._core["pods"][0]
        for role in Role:
            self.set_range(role, self.params.acc_range_mps2, self.params.gyr_range_radps)
        self._waiting = np.zeros((3, 0, state.FRAME_WIDTH))  # frames by role, those from `_first` to before `_end`
        self._first = np.zeros(3, np.int64)
        self._end = np.zeros(3, np.int64)
        self._newest = [-math.inf] * 3  # newest sample time of each pod, s
        self._ran_s = -math.inf  # up to where frames were processed
        self._start_s = -math.inf  # just before the first sample time of any pod: another may begin at the same
        self._out = NO_STRIDES

    def set_range(self, role: Role, acc_mps2: float, gyr_radps: float) -> None:
        """Where the samples of a pod clip, from now on: pods differ, and one may be swapped in the middle of a run."""
        self._pods["acc_range_mps2"][role] = acc_mps2
        self._pods["gyr_range_radps"][role] = gyr_radps

    def push(self, role: Role, frames: NDArray[np.void]) -> NDArray[np.void]:
        """Take frames of one pod, in time order; returns the strides (STRIDE) that became complete.

        frames: (n,) FRAME, n >= 0. A frame with NaN is a lost sample. Frames out of order are dropped and counted.
        """
        if len(frames) == 0:
            return NO_STRIDES
        rows = self._hold(role, frames)
        newest = rows.item(-1, 0)
        if not self._newest[role] < newest < state.NO_TIME_S:  # out of order, or no time
            newest = max((t for t in rows[:, 0].tolist() if t < state.NO_TIME_S), default=-math.inf)
        if self._start_s == -math.inf:
            first = min((t for t in rows[:, 0].tolist() if abs(t) < state.NO_TIME_S), default=-math.inf)
            self._start_s = math.nextafter(first, -math.inf)
        self._newest[role] = max(self._newest[role], newest)
        watermark = self._watermark()
        if watermark == self._ran_s and rows.item(0, 0) > watermark:
            return NO_STRIDES  # as before, and nothing late
        return self._run(watermark)

    def push_many(
        self, frames: Sequence[NDArray[np.void]], roles: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.void]:
        """As `push(role, its next n frames)` for each role and n of `roles` and `counts`: the same strides, faster.

        frames: by role, (n,) FRAME; their times are finite and rise. roles, counts: (k,) int64.

        A later push matters to what is decided before it only if its frames lie behind a watermark that was
        passed by then, as those of a pod do that was waited for in vain. Up to there one run does for all.
        """
        roles, counts = roles[counts > 0], counts[counts > 0]
        first_s, last_s = np.empty(len(roles)), np.empty(len(roles))
        newest = np.full((len(roles) + 1, 3), -np.inf)  # before the first push, and after each
        newest[0] = self._newest
        for role in Role:
            mine = roles == role
            ends = np.cumsum(counts[mine])
            first_s[mine] = frames[role]["t_s"][ends - counts[mine]]
            last_s[mine] = newest[1:, role][mine] = frames[role]["t_s"][ends - 1]
        if self._start_s == -math.inf and len(roles):
            self._start_s = math.nextafter(float(first_s[0]), -math.inf)
        times = np.maximum(np.maximum.accumulate(newest)[1:], self._start_s)
        awaited = times >= times.max(axis=1, keepdims=True) - self.params.lag_s
        marks = np.where(awaited, times, np.inf).min(axis=1, initial=np.inf)
        found, used, start = [], [0, 0, 0], 0
        while start < len(roles):
            passed = np.maximum.accumulate(marks[start:])
            late = first_s[start + 1 :] <= passed[:-1]
            stop = start + 1 + int(late.argmax()) if late.any() else len(roles)
            for role in Role:
                end = used[role] + int(counts[start:stop][roles[start:stop] == role].sum())
                self._hold(role, frames[role][used[role] : end])
                used[role] = end
            found.append(self._run(passed[stop - start - 1]))
            start = stop
        self._newest = np.maximum.reduce(newest).tolist()
        return np.concatenate(found) if found else NO_STRIDES

    def flush(self) -> NDArray[np.void]:
        """The stream has ended: process what still waits."""
        return self._run(np.inf)

    def _hold(self, role: Role, frames: NDArray[np.void]) -> NDArray[np.float64]:
        """Puts frames with those that wait to be processed; returns them as rows of numbers."""
        if frames.dtype != FRAME or not frames.flags.c_contiguous:
            frames = np.ascontiguousarray(frames, FRAME)
        rows = frames.view(np.float64).reshape(-1, state.FRAME_WIDTH)
        start = self._end.item(role)
        if start + len(rows) > self._waiting.shape[1]:
            self._make_room(role, len(rows))
            start = self._end.item(role)
        self._waiting[role, start : start + len(rows)] = rows
        self._end[role] += len(rows)
        return rows

    def _make_room(self, role: Role, n: int) -> None:
        """Moves a pod's waiting frames to the front, of larger arrays where `n` more would not fit."""
        first, end = self._first.item(role), self._end.item(role)
        room = max(512, self._waiting.shape[1])
        while end - first + n > room:
            room *= 2
        if room > self._waiting.shape[1]:
            grown = np.zeros((3, room, state.FRAME_WIDTH))
            grown[:, : self._waiting.shape[1]] = self._waiting
            self._waiting = grown
            self._out = np.zeros(8 + 3 * room // 20, STRIDE)  # a stride takes more samples than that at any rate
        self._waiting[role, : end - first] = self._waiting[role, first:end].copy()
        self._first[role] = 0
        self._end[role] = end - first

    def _times(self) -> list[float]:
        """Newest sample time by pod; a pod that was never seen counts from the session's start."""
        return [max(t, self._start_s) for t in self._newest]

    def _watermark(self) -> float:
        """Up to where every pod that is not silent has delivered."""
        times = self._times()
        oldest = max(times) - self.params.lag_s
        return min(t for t in times if t >= oldest)

    def _run(self, watermark: float) -> NDArray[np.void]:
        self._ran_s = watermark
        n = run(self._core, self._co, self._waiting, self._first, self._end, watermark, self._out)
        if n == 0:
            return NO_STRIDES
        return self._out.view(WHOLE_STRIDE)[:n].copy().view(STRIDE)  # numpy copies records field by field

    @property
    def status(self) -> Status:
        """What the runner can be told now."""
        core, pods = self._core[0], self._pods
        times = self._times()
        oldest = max(times) - self.params.lag_s
        silent = tuple(role for role in Role if self._newest[role] == -math.inf or times[role] < oldest)
        worn = [role for role in Role if role not in silent]
        calibrated = pods["calibrated"].astype(bool)
        standing_s = float(min((pods["resting_s"][role] for role in worn), default=0.0))
        if core["stride_s"] > core["now_s"] - state.RUNNING_S:
            phase = Phase.WALKING if core["walking"] else Phase.RUNNING
        elif worn and all(calibrated[role] for role in worn):
            phase = Phase.READY
        elif standing_s > 0.0:
            phase = Phase.STANDING
        else:
            phase = Phase.WAITING
        return Status(phase, standing_s, (bool(calibrated[0]), bool(calibrated[1]), bool(calibrated[2])), silent)

    @property
    def dropped(self) -> NDArray[np.int64]:
        """Frames by role that came too late or out of order."""
        return self._pods["dropped"].copy()

    def snapshot(self) -> bytes:
        """Everything the analyzer knows, buffers included; `restore` resumes with the same bits."""
        times = np.array([*self._newest, self._start_s])
        parts = [MAGIC, (self._end - self._first).astype("<i8").tobytes(), times.tobytes()]
        parts += [self._core.tobytes()]
        parts += [self._waiting[role, self._first[role] : self._end[role]].tobytes() for role in Role]
        return b"".join(parts)

    def restore(self, data: bytes) -> None:
        """Continue from a snapshot. Raises ValueError when `data` is not one of this version's."""
        fixed = len(MAGIC) + 56 + self._core.nbytes
        if not data.startswith(MAGIC) or len(data) < fixed:
            raise ValueError("not a snapshot of this version of the signal core")
        sizes = np.frombuffer(data, "<i8", 3, len(MAGIC))
        if (sizes < 0).any() or len(data) != fixed + int(sizes.sum()) * FRAME.itemsize:
            raise ValueError("the snapshot is cut short")
        *self._newest, self._start_s = np.frombuffer(data, "<f8", 4, len(MAGIC) + 24).tolist()
        self._core[:] = np.frombuffer(data, self._core.dtype, 1, len(MAGIC) + 56)
        at = fixed
        self._first[:] = self._end[:] = 0
        self._ran_s = -math.inf
        for role in Role:
            count = int(sizes[role])
            frames = np.frombuffer(data, FRAME, count, at)
            self._hold(role, frames)
            at += frames.nbytes


def warm_up() -> None:
    """Compile or load every kernel: a few seconds after an update, else about 0.15 s. Call it before pods connect.

    Some steps of nobody go through them: code that has run once is in memory when the first real stride comes.
    """
    analyzer = GaitAnalyzer(Params(lag_s=60.0))  # pod after pod
    for role, frames in rehearsal():
        analyzer.push(role, frames)
    analyzer.flush()
