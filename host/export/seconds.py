"""Strides by the second in which they ended: what a FIT file holds one record of."""

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from host.records import Stride


class Second(NamedTuple):
    """The strides that ended within one second of UTC."""

    epoch_s: int  # its beginning, in seconds since 1970
    strides: Sequence[Stride]
    distance_m: float  # since the session's start, at its end


def by_second(strides: Sequence[Stride], start_epoch_s: float) -> Iterator[Second]:
    """Seconds in which strides ended, in order; `start_epoch_s`: the session's zero, in seconds since 1970."""
    seconds: dict[int, list[Stride]] = {}
    for stride in strides:
        seconds.setdefault(math.floor(start_epoch_s + stride.next_ic_s), []).append(stride)
    distance_m = 0.0
    for epoch_s, ended in sorted(seconds.items()):
        distance_m += math.fsum(stride.distance_m for stride in ended if not math.isnan(stride.distance_m))
        yield Second(epoch_s, ended, distance_m)


def mean(strides: Sequence[Stride], field: str, side: str = "") -> float:
    """Mean of a field over strides of one leg, or both; NaN where it is not known of any."""
    values = [getattr(stride, field) for stride in strides if side in ("", stride.side)]
    known = [value for value in values if not math.isnan(value)]
    return statistics.fmean(known) if known else math.nan
