"""The signal core's front: three streams of IMU frames in, stride records out.

The host's pipeline and the offline analysis call it; it does no I/O and reads no clock. Everything is causal, and what
comes out depends on what the samples say, not on how they were cut into chunks or which pod's chunk came first.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp import arrival, state
from dsp.jit import entry
from dsp.params import Params
from dsp.rehearsal import rehearsal
from dsp.types import FRAME, STRIDE, Role

MAGIC = b"hamstream core 5\n"
INTEGER = np.dtype(np.int64)
NO_FRAMES, NO_STRIDES = np.zeros(0, FRAME), np.zeros(0, STRIDE)
ROLES = tuple(np.array([role], INTEGER) for role in Role)
THE_END = np.array([arrival.NOBODY], INTEGER)
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
    tipped: tuple[Role, ...]  # pods that are further from upright in standing than one can wear them
    uncalibrated: tuple[Role, ...]  # pods that are there, and no quiet standing was seen since
    slipped: tuple[Role, ...]  # pods that turned on the body just now
    swapped: bool  # the shanks' pods seem to be on each other's leg


class GaitAnalyzer:
    """Finds every stride of a runner who wears three pods.

    Raises ValueError for impossible parameters (in Params) and for a foreign snapshot; samples never raise anything.
    """

    def __init__(self, params: Params | None = None) -> None:
        self.params = params or Params()
        self._kernel = _kernel()
        self._co = self.params.record()
        self._core = state.core(self.params.swing_peak_radps)
        self._pods = self._core["pods"][0]
        for role in Role:
            self.set_range(role, self.params.acc_range_mps2, self.params.gyr_range_radps)
        self._count = np.zeros(1, INTEGER)
        self._waiting = np.zeros((3, 0, state.FRAME_WIDTH))
        self._make_room(0)

    def set_range(self, role: Role, acc_mps2: float, gyr_radps: float) -> None:
        """Where the samples of a pod clip, from now on: pods differ, and one may be swapped in the middle of a run."""
        self._pods["acc_range_mps2"][role] = acc_mps2
        self._pods["gyr_range_radps"][role] = gyr_radps

    def push(self, role: Role, frames: NDArray[np.void]) -> NDArray[np.void]:
        """Take frames of one pod, in time order; returns the strides (STRIDE) that became complete.

        frames: (n,) FRAME, n >= 0. A frame with NaN is a lost sample. Frames out of order are dropped and counted.
        """
        by_role = [NO_FRAMES, NO_FRAMES, NO_FRAMES]
        by_role[role] = _plain(frames, FRAME)
        self._count[0] = len(frames)
        return self._push(by_role, ROLES[role], self._count)

    def push_many(
        self, frames: Sequence[NDArray[np.void]], roles: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.void]:
        """As `push(role, its next n frames)` for each role and n of `roles` and `counts`: the same strides, faster.

        frames: by role, (n,) FRAME, all of which are pushed. roles, counts: (k,) int64.
        """
        by_role = [_plain(of_role, FRAME) for of_role in frames]
        return self._push(by_role, _plain(roles, INTEGER), _plain(counts, INTEGER))

    def flush(self) -> NDArray[np.void]:
        """The stream has ended: process what still waits."""
        self._count[0] = 0
        return self._push([NO_FRAMES, NO_FRAMES, NO_FRAMES], THE_END, self._count)

    def _push(
        self, by_role: Sequence[NDArray[np.void]], roles: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.void]:
        n = self._kernel(self._core, self._co, *by_role, roles, counts, self._waiting, self._out)
        if n == 0:
            return NO_STRIDES
        if n == arrival.NO_ROOM:
            self._make_room(max(map(len, by_role)))
            return self._push(by_role, roles, counts)
        return np.ndarray(n, STRIDE, self._rows[:n].copy())  # numpy copies records field by field

    def _make_room(self, n: int) -> None:
        """Larger arrays, in which `n` more frames of any pod can wait."""
        needed = n + int((self._core["end"] - self._core["first"]).max())
        room = max(512, self._waiting.shape[1])
        while room < needed:
            room *= 2
        grown = np.zeros((3, room, state.FRAME_WIDTH))
        grown[:, : self._waiting.shape[1]] = self._waiting
        self._waiting = grown
        self._out = np.zeros(8 + 3 * room // 20, STRIDE)  # a stride takes more samples than that at any rate
        self._rows = self._out.view(WHOLE_STRIDE)

    @property
    def status(self) -> Status:
        """What the runner can be told now."""
        core, pods = self._core[0], self._pods
        newest = core["newest_s"].tolist()
        oldest = max(newest) - self.params.lag_s
        silent = tuple(role for role in Role if newest[role] == -math.inf or newest[role] < oldest)
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
        # Who rests for long enough is calibrated if upright. Pods on a table are not worn: another one must be.
        rested = pods["resting_s"] >= self.params.standing_s
        standing = any(rested[role] and calibrated[role] for role in worn)
        tipped = tuple(role for role in worn if standing and rested[role] and not calibrated[role])
        return Status(
            phase,
            standing_s,
            (bool(calibrated[0]), bool(calibrated[1]), bool(calibrated[2])),
            silent,
            tipped,
            tuple(role for role in Role if newest[role] > -math.inf and not calibrated[role]),
            tuple(role for role in Role if pods["slipped"][role]),
            bool(core["swapped"]),
        )

    @property
    def dropped(self) -> NDArray[np.int64]:
        """Frames by role that came too late or out of order."""
        return self._pods["dropped"].copy()

    def snapshot(self) -> bytes:
        """Everything the analyzer knows, buffers included; `restore` resumes with the same bits."""
        core = self._core.copy()
        first, end = core["first"][0].copy(), core["end"][0].copy()
        core["first"], core["end"] = 0, end - first  # how far to the front they wait says nothing
        waiting = [self._waiting[role, first[role] : end[role]].tobytes() for role in Role]
        return b"".join([MAGIC, core.tobytes(), *waiting])

    def restore(self, data: bytes) -> None:
        """Continue from a snapshot. Raises ValueError when `data` is not one of this version's."""
        fixed = len(MAGIC) + self._core.nbytes
        if not data.startswith(MAGIC) or len(data) < fixed:
            raise ValueError("not a snapshot of this version of the signal core")
        core = np.frombuffer(data, self._core.dtype, 1, len(MAGIC))
        sizes = core["end"][0].tolist()
        if core["first"].any() or min(sizes) < 0 or len(data) != fixed + sum(sizes) * FRAME.itemsize:
            raise ValueError("the snapshot is cut short")
        self._core[:] = core
        self._make_room(0)
        at = fixed
        for role, size in enumerate(sizes):
            rows = np.frombuffer(data, np.float64, size * state.FRAME_WIDTH, at)
            self._waiting[role, :size] = rows.reshape(size, state.FRAME_WIDTH)
            at += rows.nbytes


@functools.cache
def _kernel() -> Callable[..., int]:
    """`arrival.push`, compiled or loaded."""
    core, co, waiting = state.core(1.0), Params().record(), np.zeros((3, 0, state.FRAME_WIDTH))
    frames = NO_FRAMES, NO_FRAMES, NO_FRAMES
    return entry(arrival.push, core, co, *frames, THE_END, THE_END, waiting, NO_STRIDES)


def _plain(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The same values as kernels know them: of that very dtype, contiguous, writeable. Any others are compiled for."""
    if values.dtype is not dtype:
        values = values.astype(dtype, copy=False).view(dtype)
    return values if values.flags.carray else values.copy()


def warm_up() -> None:
    """Compile or load every kernel: a few seconds after an update, else about 0.15 s. Call it before pods connect.

    Some steps of nobody go through them in packets, as those of a runner will: what has run a few times is in memory,
    and Python has learnt it, when the first real stride comes.
    """
    analyzer = GaitAnalyzer()
    pods = rehearsal()
    for start in range(0, len(pods[0][1]), 8):
        for role, frames in pods:
            analyzer.push(role, frames[start : start + 8])
    analyzer.flush()
