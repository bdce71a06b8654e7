"""What makes a table unusable, seen while it streams by. Used by tables.py alone.

Holds a few numbers for each pod, whatever the table's length. Each problem is a TableError: one sentence,
with what to do.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dsp.types import FRAME, Role
from host.errors import TableError

Chunk = dict[Role, NDArray[np.void]]  # frames (dtype FRAME) of each pod
ROLES = ", ".join(role.label for role in Role)

# A row may be this much older than the newest before it: pods deliver in packets, and their clocks differ.
MAX_DISORDER_S = 0.4

MAX_EMPTY = 0.20
MIN_RATE_HZ, MAX_RATE_HZ = 100.0, 420.0
GAP_STEPS = 5  # a step this many times the mean is a hole in the table and says nothing about the rate

# Units. The runners of the RBDS data (Fukuchi 2017, DOI 10.7717/peerj.3298; 28 sessions, 2.5 to 4.5 m/s) have
# a median |acc| of 9.5 to 29 m/s2 and a 99th percentile of |gyr| of 1.4 to 14 rad/s. The limits lie halfway,
# as ratios, to the nearest value that the same runners have in a wrong unit (g: 3.0; degrees/s: 80).
MIN_ACC_MPS2, MAX_ACC_MPS2 = 5.0, 55.0
MIN_GYR_RADPS, MAX_GYR_RADPS = 0.5, 35.0
DEAD_ACC_MPS2 = 0.1  # below: no signal at all, which is no matter of units
MOVING_ACC_MPS2 = 20.0  # a 95th percentile of |acc| above this is running (24 to 61 there); only then is gyr due


class Checks:
    """Splits rows by pod and watches them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = self._lost = 0
        self._newest_s = -np.inf
        self._pods: dict[Role, _Pod] = {}

    def accept(self, values: NDArray[np.float64], pods: pa.Array) -> Chunk:
        """Frames by pod. Raises TableError for what can be seen at once.

        values: (rows, 8) in the order of FRAME, NaN where a cell is empty; a row with such a cell becomes NaN
        pods: (rows,) the pods' names: text, or text encoded as a dictionary
        """
        codes = self._codes(pods)
        timed = np.isfinite(values[:, 0])
        whole = np.isfinite(values[:, 1:7] @ np.ones(6))  # a sum with NaN or infinity in it is neither
        values[~whole, 1:7] = np.nan
        # Without a time there is no place for a row: it is lost as if it were not there.
        rows = {role: np.flatnonzero(timed & (codes == role)) for role in Role}
        frames = {role: values[mine].view(FRAME)[:, 0] for role, mine in rows.items() if len(mine)}
        for role, of_role in frames.items():
            if problem := self._pods.setdefault(role, _Pod()).add(of_role):
                raise TableError(self._path, f"{role.label}: {problem}")
        if not self._rows:
            self._check_rates()
        self._check_disorder(values[timed, 0])
        self._rows += len(values)
        self._lost += len(values) - int((timed & whole).sum())
        return frames

    def finish(self) -> None:
        """Raises TableError for what can only be judged on the whole."""
        if not self._rows:
            raise TableError(self._path, "has no rows; record again")
        self._check_rates()
        if self._lost > MAX_EMPTY * self._rows:
            problem = f"{self._lost / self._rows:.0%} of the rows have an empty cell, {MAX_EMPTY:.0%} can be borne"
            raise TableError(self._path, f"{problem}; record again")
        for role, pod in self._pods.items():
            if problem := pod.unit_problem():
                raise TableError(self._path, f"{role.label}: {problem}")

    def _codes(self, pods: pa.Array) -> NDArray[np.int64]:
        """The role of each row. Raises TableError for a name that is none."""
        encoded = pods if pa.types.is_dictionary(pods.type) else pods.dictionary_encode()
        names = [*encoded.dictionary.to_pylist(), ""]
        code_of = {role.label: int(role) for role in Role}
        indices = encoded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
        codes = np.array([code_of.get(name, -1) for name in names])[indices]
        if (unknown := codes < 0).any():
            row = int(np.argmax(unknown))
            problem = f"row {self._rows + row + 1}: pod {names[indices[row]]!r} is unknown"
            raise TableError(self._path, f"{problem}; write {ROLES}")
        return codes

    def _check_disorder(self, t_s: NDArray[np.float64]) -> None:
        newest_s = np.maximum.accumulate(np.concatenate([[self._newest_s], t_s]))
        late = newest_s[:-1] - t_s > MAX_DISORDER_S
        if late.any():
            at = int(np.argmax(late))
            problem = f"time runs backwards, a row of {t_s[at]:.6g} s follows one of {newest_s[at]:.6g} s"
            raise TableError(self._path, f"{problem}; sort all rows by t_s, the pods' interleaved")
        self._newest_s = float(newest_s[-1])

    def _check_rates(self) -> None:
        for role, pod in self._pods.items():
            if problem := pod.rate_problem():
                raise TableError(self._path, f"{role.label}: {problem}")


class _Pod:
    """What is remembered of one pod's rows: enough for its rate and for the size of its signals."""

    # Histograms in equal steps of the logarithm, of every 8th row: 6 % steps from 1 mm/s2 to 100 km/s2.
    EDGES = np.logspace(-3, 5, 321)
    EVERY = 8

    def __init__(self) -> None:
        self._last_s = np.nan
        self._steps_s = 0.0
        self._steps = 0
        self._acc = np.zeros(len(self.EDGES) + 1, np.int64)
        self._gyr = self._acc.copy()

    def add(self, frames: NDArray[np.void]) -> str:
        """Takes note of the next rows; says so when their time runs backwards."""
        times_s = frames["t_s"] if np.isnan(self._last_s) else np.append(self._last_s, frames["t_s"])
        steps_s = np.diff(times_s)
        if (steps_s < 0).any():
            at = int(np.argmax(steps_s < 0))
            jump = f"from {times_s[at]:.6g} s to {times_s[at + 1]:.6g} s"
            return f"time runs backwards, {jump}; sort the rows by t_s"
        if len(steps_s):
            steps_s = steps_s[steps_s <= GAP_STEPS * steps_s.mean()]
        self._steps_s += float(steps_s.sum())
        self._steps += len(steps_s)
        self._last_s = float(times_s[-1])
        for histogram, name in ((self._acc, "acc_mps2"), (self._gyr, "gyr_radps")):
            size = np.linalg.norm(frames[name][:: self.EVERY], axis=1)
            bins = np.searchsorted(self.EDGES, size[np.isfinite(size)])
            histogram += np.bincount(bins, minlength=len(histogram))
        return ""

    def rate_problem(self) -> str:
        if not self._steps:
            return ""
        rate_hz = self._steps / self._steps_s if self._steps_s else np.inf
        if MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            return ""
        for unit, factor in (("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)):
            if MIN_RATE_HZ <= rate_hz * factor <= MAX_RATE_HZ:
                return f"t_s looks like {unit}; divide it by {factor:.0f} to have seconds"
        allowed = f"{MIN_RATE_HZ:.0f} to {MAX_RATE_HZ:.0f} are needed"
        return f"has {rate_hz:.4g} rows a second, {allowed}; record at 208 Hz, and check that t_s is in seconds"

    def unit_problem(self) -> str:
        acc, moving = self._quantile(self._acc, 0.5), self._quantile(self._acc, 0.95)
        gyr = self._quantile(self._gyr, 0.99)
        if DEAD_ACC_MPS2 < acc < MIN_ACC_MPS2:
            return f"acc looks like g (median {acc:.2g}); multiply it by 9.80665 to have m/s2"
        if acc > MAX_ACC_MPS2:
            return f"acc is about 9.8 times too large (median {acc:.3g} m/s2); give it in m/s2"
        if gyr > MAX_GYR_RADPS:
            return f"gyr looks like degrees/s (peaks of {gyr:.3g}); divide it by 57.29578 to have rad/s"
        if moving > MOVING_ACC_MPS2 and gyr < MIN_GYR_RADPS:
            return f"gyr is about 57.3 times too small for this acc (peaks of {gyr:.2g}); give it in rad/s"
        return ""

    def _quantile(self, histogram: NDArray[np.int64], share: float) -> float:
        """The lower edge of the bin at which `share` of the rows is reached; 0 without rows."""
        if not histogram.any():
            return 0.0
        at = int(np.searchsorted(np.cumsum(histogram), share * histogram.sum()))
        return float(self.EDGES[max(at - 1, 0)])
