"""What is planned of a run: the path, the footholds, the clocks of the stride and the form at each landing.

The stepper (steps.py) writes it, some steps ahead; the body (body.py) moves along it. Old parts are forgotten.
SI units and radians; world axes x, y level, z up. Times are seconds since the runner's start.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_sim.runner.waveforms import REST_PHASE

Array = NDArray[np.float64]

GRID_S = 1.0 / 400.0  # spacing of the motion's control points: 200 Hz of band, the pods' 104 and room


class Knot(NamedTuple):
    """Form at one landing; between landings it changes smoothly."""

    t_s: float
    vigour: float  # 0 standing, 1 on the way
    walking: float  # 0 running, 1 walking
    period: float  # stride time against the natural one
    tilt_rad: float = 0.0
    tilt_range_rad: float = 0.0
    drop_rad: float = 0.0
    rotation_rad: float = 0.0
    rotation_lag: float = 0.0
    bounce: float = 0.0
    braking: float = 0.0  # delay of braking, in strides


class Footfall(NamedTuple):
    """One foot on the ground. `tc_s` is NaN while it is unknown."""

    ic_s: float
    tc_s: float
    x_m: float
    y_m: float
    z_m: float
    shank_ic_rad: float = 0.0  # added to the natural shank angle around initial contact
    shank_mid_rad: float = 0.0  # and around mid-stance
    retraction: float = 0.0  # rad per stride added around initial contact


class Path(NamedTuple):
    """Where the body would be without its bobbing."""

    x_m: float
    y_m: float
    z_m: float
    heading_rad: float
    speed_mps: float


class Track:
    """Grows at the end, forgets at the beginning."""

    def __init__(self, stance_width_m: float) -> None:
        self.knots = [Knot(t_s=0.0, vigour=0.0, walking=0.0, period=1.0)]
        # Phase clocks as (time, phase) ticks: each leg's own, whole at its landings; the pelvis's, whole at left
        # and half at right landings.
        self.leg_clocks = [[(0.0, REST_PHASE)], [(0.0, REST_PHASE - 1.0)]]
        self.pelvis_clock = [(0.0, REST_PHASE)]
        # footfalls[side][i] is number first_footfall[side] + i of that leg.
        self.footfalls = [[_standing(0.5 * stance_width_m)], [_standing(-0.5 * stance_width_m)]]
        self.first_footfall = [0, -1]
        self.impacts = [[(-1e9, 0.0)], [(-1e9, 0.0)]]  # (when, m/s2) of each leg
        # Columns of Path, one row a grid instant, in blocks; `_path_first` is the grid index of the first row.
        self._path: list[Array] = []
        self._path_first = 0

    def extend_path(self, rows: Array) -> None:
        """Appends rows (n, 5) at the next grid instants."""
        self._path.append(rows)

    def path(self, first: int, end: int) -> Array:
        """Rows (n, 5) of Path at grid instants `first` to `end`, exclusive."""
        return np.concatenate(self._path)[first - self._path_first : end - self._path_first]

    def forget_before(self, t_s: float, oldest_reader_s: float) -> None:
        """Drops what composing from `t_s` on, and reading from `oldest_reader_s` on, does not need."""
        while self._path and (self._path_first + len(self._path[0])) * GRID_S < t_s:
            self._path_first += len(self._path.pop(0))
        while len(self.knots) > 4 and self.knots[3].t_s < t_s:
            del self.knots[0]
        for clock in (self.pelvis_clock, *self.leg_clocks):
            while len(clock) > 4 and clock[3][0] < t_s:
                del clock[0]
        for side, falls in enumerate(self.footfalls):
            while len(falls) > 4 and falls[3].ic_s < t_s:
                del falls[0]
                self.first_footfall[side] += 1
        for impacts in self.impacts:
            while len(impacts) > 2 and impacts[1][0] < oldest_reader_s:
                del impacts[0]


def _standing(left_m: float) -> Footfall:
    return Footfall(ic_s=-1e9, tc_s=np.nan, x_m=0.0, y_m=left_m, z_m=0.0)
