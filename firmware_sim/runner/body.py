"""How the body moves along a track: poses of the pelvis and both ankles and shanks, as control points of a
curve.

Waveforms of the stride (waveforms.py) at the phase that the clocks tell, sized and shifted by the form of the
moment; the ankle goes from foothold to foothold and stands still in between, with the shank turning over it.
A pose is place (m), then yaw, pitch, roll (rad); three of them make a control point: pelvis, left, right.
"""

import numpy as np
from numpy.typing import NDArray

from dsp.types import Side
from firmware_sim.runner import gait
from firmware_sim.runner.track import GRID_S, Footfall, Knot, Track
from firmware_sim.runner.waveforms import REST_PHASE, RUN, WALK, sizes

Array = NDArray[np.float64]
Columns = dict[str, Array]

# Settings: where the centres are above the ground in an adult of usual height. No signal depends on them.
PELVIS_HEIGHT_M = 0.95
ANKLE_HEIGHT_M = 0.07


def compose(track: Track, first: int, end: int) -> Array:
    """Control points (n, 18) at grid instants `first` to `end`, exclusive."""
    t = np.arange(first, end, dtype=np.float64) * GRID_S
    path = track.path(first, end)
    form = _between(np.array(track.knots), t)
    legs = [
        _leg(
            path,
            form,
            _clock(track.leg_clocks[side], t),
            np.array(track.footfalls[side]),
            track.first_footfall[side],
            -1.0 if side is Side.LEFT else 1.0,
        )
        for side in Side
    ]
    return np.hstack([_pelvis(path, form, _clock(track.pelvis_clock, t)), *legs])


def _smooth(u: Array) -> Array:
    """From 0 to 1 with level and straight ends, u clipped to 0..1."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (10.0 + u * (6.0 * u - 15.0))


def _between(knots: Array, t: Array) -> Columns:
    """Form at instants (n,), every field an array, from knots (m, fields)."""
    at = np.clip(np.searchsorted(knots[:, 0], t, side="right") - 1, 0, len(knots) - 1)
    then = np.minimum(at + 1, len(knots) - 1)
    gap = np.maximum(knots[then, 0] - knots[at, 0], GRID_S)
    share = _smooth((t - knots[at, 0]) / gap)[:, None]
    return dict(zip(Knot._fields, (knots[at] + share * (knots[then] - knots[at])).T, strict=True))


def _clock(ticks: list[tuple[float, float]], t: Array) -> Array:
    """Phase at instants (n,): monotone cubic through (time, phase) ticks.

    Fritsch & Butland 1984, doi:10.1137/0905021, with its weighted harmonic mean of slopes.
    """
    at, phase = np.array(ticks).T
    if len(at) < 2:
        return np.full(len(t), phase[0])
    gap = np.diff(at)
    keep = np.append(True, gap > 1e-9)
    at, phase = at[keep], phase[keep]
    gap = np.diff(at)
    rise = np.diff(phase) / gap
    slope = np.zeros(len(at))
    before, after = rise[:-1], rise[1:]
    both = (before > 0) & (after > 0)
    weight_1, weight_2 = 2 * gap[1:] + gap[:-1], gap[1:] + 2 * gap[:-1]
    slope[1:-1][both] = ((weight_1 + weight_2)[both]) / (weight_1[both] / before[both] + weight_2[both] / after[both])
    i = np.clip(np.searchsorted(at, t, side="right") - 1, 0, len(at) - 2)
    u = np.clip((t - at[i]) / gap[i], 0.0, 1.0)
    u2, u3 = u * u, u * u * u
    return (
        (2 * u3 - 3 * u2 + 1) * phase[i]
        + (u3 - 2 * u2 + u) * gap[i] * slope[i]
        + (3 * u2 - 2 * u3) * phase[i + 1]
        + (u3 - u2) * gap[i] * slope[i + 1]
    )


_SIZES = {shape: sizes(shape) for way in (RUN, WALK) for shape in (way.tilt, way.drop, way.rotation)}


class _Going:
    """Waveforms at grid instants: running, walking, or on the way from one to the other."""

    def __init__(self, form: Columns, speed: Array) -> None:
        self._walking, self._speed = form["walking"], speed
        self._ways = [
            way for way, used in ((RUN, (form["walking"] < 1.0).any()), (WALK, form["walking"].any())) if used
        ]

    def mix(self, values: list[Array] | list[float]) -> Array:
        """One value for each way of going, weighed."""
        if len(values) == 1:
            return np.broadcast_to(values[0], self._speed.shape)
        run, walk = values
        return np.asarray(run + self._walking * (walk - run))

    def __call__(self, name: str, phase: Array) -> Array:
        """The waveform `name` of Waveforms at phases (n,)."""
        return self.mix([getattr(way, name)(phase, self._speed) for way in self._ways])

    def scaled(self, name: str, phase: Array, *, to_peak: bool = False) -> Array:
        """The waveform with range, or highest value, 1."""
        values = []
        for way in self._ways:
            shape = getattr(way, name)
            speeds, spans, peaks = _SIZES[shape]
            values.append(shape(phase, self._speed) / np.interp(self._speed, speeds, peaks if to_peak else spans))
        return self.mix(values)

    def loose(self, cycle: Array) -> Array:
        """How free the ankle is: 0 where it stands on the ground. `cycle` runs from one rest to the next."""
        return self.mix(
            [
                _smooth((cycle - way.rest[1]) / way.blend[1]) * _smooth((1.0 + way.rest[0] - cycle) / way.blend[0])
                for way in self._ways
            ]
        )


def _pelvis(path: Array, form: Columns, phase: Array) -> Array:
    """Control points of the pelvis (n, 6)."""
    x, y, z, heading, speed = path.T
    going, big = _Going(form, speed), form["vigour"]
    along = big * form["period"] ** 2 * going("pelvis_along", phase - form["braking"])
    up = big * form["period"] ** 2 * (1.0 + form["bounce"]) * going("pelvis_up", phase)
    left = big * going("pelvis_left", phase)
    cos, sin = np.cos(heading), np.sin(heading)
    tilt = form["tilt_range_rad"] * going.scaled("tilt", phase)
    drop = form["drop_rad"] * going.scaled("drop", phase, to_peak=True)
    turn = form["rotation_rad"] * going.scaled("rotation", phase - form["rotation_lag"])
    return np.column_stack(
        [
            x + cos * along - sin * left,
            y + sin * along + cos * left,
            z + PELVIS_HEIGHT_M + up,
            heading + big * turn,
            gait.STANDING_TILT_RAD + form["tilt_rad"] + big * tilt,
            big * drop,
        ]
    )


def _leg(path: Array, form: Columns, phase: Array, footfalls: Array, first: int, outwards: float) -> Array:
    """Control points of one ankle and shank (n, 6). `outwards` is the sign of roll to the outside."""
    heading = path[:, 3]
    going = _Going(form, path[:, 4])
    falls: Columns = dict(zip(Footfall._fields, footfalls.T, strict=True))
    last = len(footfalls) - 1

    # Departures of one landing act around it.
    near = np.rint(phase)
    landing = np.clip(near.astype(int) - first, 0, last)
    x = phase - near
    around_ic = 0.5 + 0.5 * np.cos(np.pi * np.clip(np.where(x < 0, x / 0.28, x / 0.20), -1.0, 1.0))
    around_mid = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.clip(x / 0.32, 0.0, 1.0))
    lean = (
        going("shank", phase)
        - gait.STANDING_SHANK_RAD
        + falls["shank_ic_rad"][landing] * around_ic
        + falls["shank_mid_rad"][landing] * around_mid
        + falls["retraction"][landing] * x * np.exp(-((x / 0.04) ** 2))
    )

    # The ankle goes from foothold to foothold; a cycle begins in the middle of where it rests.
    start = np.floor(phase - REST_PHASE)
    cycle = phase - start
    loose = going.loose(cycle)
    share = loose * (cycle + going("ankle_along", cycle)) + (1.0 - loose) * (cycle > 0.6)
    here = np.clip(start.astype(int) - first, 0, last)
    there = np.clip(start.astype(int) + 1 - first, 0, last)
    ankle = [field[here] + share * (field[there] - field[here]) for field in (falls["x_m"], falls["y_m"], falls["z_m"])]
    lift = form["vigour"] * loose * going("ankle_up", cycle)
    return np.column_stack(
        [
            ankle[0],
            ankle[1],
            ankle[2] + ANKLE_HEIGHT_M + lift,
            heading,
            gait.STANDING_SHANK_RAD + form["vigour"] * lean,
            outwards * form["vigour"] * going("shank_frontal", phase),
        ]
    )
