"""Smooth curves in time: a uniform quintic B-spline whose control points arrive as a stream.

The motion of the simulated runner *is* such a curve (four times continuously differentiable), so that
positions, velocities and accelerations agree with one another exactly, at whatever instant a sensor asks.
Formula: uniform B-splines, de Boor 1978, A Practical Guide to Splines, ISBN 978-0-387-95366-3, chapter IX.
"""

from math import comb, factorial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DEGREE = 5


def _basis() -> Array:
    """(3, 6, 6): derivative order, power of u, control point; u is 0..1 between points 2 and 3 of the six."""
    pieces = np.zeros((DEGREE + 1, DEGREE + 1))
    for point in range(DEGREE + 1):
        offset = DEGREE - point  # the cardinal spline's own argument is u + offset
        for k in range(offset + 1):
            power = np.polynomial.polynomial.polypow([offset - k, 1.0], DEGREE)
            pieces[:, point] += (-1) ** k * comb(DEGREE + 1, k) * power / factorial(DEGREE)
    first = np.zeros_like(pieces)
    first[:-1] = pieces[1:] * np.arange(1, DEGREE + 1)[:, None]
    second = np.zeros_like(pieces)
    second[:-1] = first[1:] * np.arange(1, DEGREE + 1)[:, None]
    return np.stack([pieces, first, second])


_BASIS = _basis()


class Curve:
    """Control points (channels,) at times `i * spacing_s`; the oldest are forgotten on request."""

    def __init__(self, spacing_s: float, channels: int) -> None:
        self.spacing_s = spacing_s
        self._points = np.empty((0, channels))
        self._first = 0  # index in time of the oldest control point kept

    @property
    def end(self) -> int:
        """Index of the next control point to be appended."""
        return self._first + len(self._points)

    @property
    def known_s(self) -> float:
        """The curve is defined before this time."""
        return (self.end - 4) * self.spacing_s

    def start_at(self, index: int) -> None:
        """Sets the index of the first control point; only on an empty curve."""
        self._first = index

    def append(self, points: Array) -> None:
        """Appends control points (n, channels)."""
        self._points = np.concatenate([self._points, points])

    def forget_before(self, t_s: float) -> None:
        """Drops control points that no time from `t_s` on needs."""
        drop = int(t_s / self.spacing_s) - 3 - self._first
        if drop > 0:
            self._points = self._points[drop:].copy()
            self._first += drop

    def at(self, t_s: Array, channels: slice = slice(None), order: int = 0) -> list[Array]:
        """Values (n, channels) and the derivatives up to `order` at times (n,).

        Raises ValueError outside what is known.
        """
        cell = np.floor(t_s / self.spacing_s).astype(np.int64)
        if len(cell) and (cell.min() - 2 < self._first or cell.max() + 3 >= self.end):
            raise ValueError(f"the curve is not known at {t_s[0]:.3f}..{t_s[-1]:.3f} s")
        u = t_s / self.spacing_s - cell
        powers = u[:, None] ** np.arange(DEGREE + 1)
        around = (cell - 2 - self._first)[:, None] + np.arange(DEGREE + 1)
        points = self._points[:, channels][around]
        return [np.einsum("nk,nkc->nc", powers @ _BASIS[k], points) / self.spacing_s**k for k in range(order + 1)]
