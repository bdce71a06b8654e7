"""From a pod's crystal ticks to seconds on the session's clock. Called by stream.py.

Two clocks are wrong at once. The IMU's own oscillator sets the sample rate and is off by 1-3 %: the period
is measured from ticks and counts. The pod's crystal is off by some 20 ppm and starts at an unknown time.
Packets arrive late by a minimum delay plus a random one (the wait for the next connection event,
retransmissions), never early, so the lower envelope of (arrival - tick time) follows the crystal: Moon,
Skelly, Towsley (1999), "Estimation and removal of clock skew from network delay measurements", doi
10.1109/INFCOM.1999.749287; here over a sliding window of block minima.

The minimum delay itself cannot be seen: all times are late by it. Pods of the same firmware and connection
interval share it, so that their times agree with one another. When the packet period is in a simple ratio
to the connection interval (5:4, 9:7) no packet may come near the floor until the ratio has drifted: times
are then late by up to the interval over the ratio's denominator.

Units: seconds, except where a name says ticks or ns. Causal, deterministic, bounded memory.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.jit import kernel
from host.pods.profile import TICK_HZ

# Envelope. A block's minimum over 2 s (52 packets) lies within a millisecond of the floor when delays
# spread over a 30 ms connection interval; a minute of blocks carries the floor over long interference, and
# over a packet rate that beats slowly with the connection interval.
BLOCK_S = 2.0
BLOCKS = 30
MAX_AGE_S = 180.0  # older minima say less after a lost link than the new packets do
MAX_SKEW = 6e-5  # pod crystal 20 ppm, and as much again for the host's clock, with a margin
MIN_FIT_SPAN_S = 25.0  # before this the skew is taken as zero: at most 25 s x 40 ppm = 1 ms

# Output. Errors decay with this time constant, and the clock never runs more than this fast or slow
# meanwhile: rates are integrated downstream. 20 % is reached only when times are more than 200 ms wrong,
# after a start whose first packets were jammed.
SETTLE_S = 1.0
MAX_SLEW = 0.2

# Sample period.
PERIOD_TOLERANCE = 0.05  # chips are within 3 %; one sample lost from a full packet of 14 makes 7 %: not used
PERIOD_MEMORY = 64  # packets: one has 30 us of tick rounding on 38 ms, the mean of 64 far less than 0.1 %
PERIOD_PATIENCE = 8  # packets in a row that disagree: then the rate did change

# A packet this much earlier or later than the map says is of another time base: the pod rebooted.
EARLIEST_S = -0.25
LATEST_S = 10.0  # a link is given up long before
LATEST_AFTER_RECONNECT_S = 1.0  # the pod's queue starts empty


# The highest line of bounded slope under the newest minute of points (x, y), x rising.
ENVELOPE = np.dtype(
    [
        ("blocks", "i8"),  # how many minima there are, oldest first
        ("block_x", "f8", (BLOCKS,)),
        ("block_y", "f8", (BLOCKS,)),
        ("block_end", "f8"),
        ("lowest_x", "f8"),  # of the open block
        ("lowest_y", "f8"),
        ("height", "f8"),  # and how far above the line it lies
        ("x", "f8"),  # a point of the line
        ("y", "f8"),
        ("slope", "f8"),
        ("spread_s", "f8"),  # mean height of the block minima above the line
    ]
)

CLOCK = np.dtype(
    [
        ("nominal_hz", "f8"),
        ("period_s", "f8"),  # on the pod's crystal
        ("periods_seen", "i8"),
        ("periods_refused", "i8"),
        ("tick", "i8"),  # of the newest packet's first sample
        ("count", "i8"),  # its samples
        ("pod_s", "f8"),  # unwrapped time of its first sample, on the pod's crystal
        ("newest_s", "f8"),  # host time of its last sample
        ("mapped", "i8"),  # whether the envelope has points
        ("envelope", ENVELOPE),
        ("offset_s", "f8"),  # host time = pod time + offset
        ("slew", "f8"),  # how fast the offset moves until the next packet
        ("reconnected", "i8"),
    ]
)


class PodClock:
    """The times of one pod's samples. `rate_hz`: the nominal sample rate, until a better one is measured."""

    def __init__(self, rate_hz: float) -> None:
        self._clock = np.zeros(1, CLOCK)
        self._clock["newest_s"] = -np.inf
        self._set_rate(rate_hz)

    @property
    def rate_hz(self) -> float:
        """Measured sample rate; the nominal one until then."""
        return float(1.0 / self._clock["period_s"][0])

    @property
    def error_s(self) -> float:
        """How well the floor of the delays is known: mean height of block minima above it, or NaN."""
        clock = self._clock[0]
        return float(clock["envelope"]["spread_s"]) if clock["mapped"] else math.nan

    def reconnected(self, rate_hz: float) -> None:
        """The next packet comes over a new link: the pod may have rebooted, or sample at another rate."""
        self._clock["reconnected"] = 1
        if rate_hz != self._clock["nominal_hz"][0]:
            self._set_rate(rate_hz)

    def stamp(
        self,
        ticks: NDArray[np.int64],
        count: int,
        arrivals_ns: NDArray[np.int64],
        consecutive: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Host time of the first sample of each packet, and the sample period in it, both in seconds.

        ticks: (packets,) of the first samples, 32 bits; count: samples in each; consecutive: (packets,) no packet is
        missing since the one before. The times of all samples, over all calls, rise strictly.
        """
        first_s, period_s = np.empty(len(ticks)), np.empty(len(ticks))
        stamp_packets(self._clock, ticks, count, arrivals_ns, consecutive, first_s, period_s)
        return first_s, period_s

    def _set_rate(self, rate_hz: float) -> None:
        clock = self._clock[0]
        clock["nominal_hz"], clock["period_s"], clock["periods_seen"] = rate_hz, 1.0 / rate_hz, 0


@kernel
def stamp_packets(
    clocks: NDArray[np.void],
    ticks: NDArray[np.int64],
    count: int,
    arrivals_ns: NDArray[np.int64],
    consecutive: NDArray[np.bool_],
    first_s: NDArray[np.float64],
    period_s: NDArray[np.float64],
) -> None:
    """As PodClock.stamp. clocks: (1,) CLOCK, changed in place; first_s, period_s: (packets,), filled."""
    clock = clocks[0]
    envelope = clock["envelope"]
    for k in range(len(ticks)):
        step_s = ((ticks[k] - clock["tick"] + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000) / TICK_HZ
        if consecutive[k] and clock["count"] and step_s > 0.0:
            track_period(clock, step_s / clock["count"])
        clock["pod_s"] += step_s
        last_sample_s = clock["pod_s"] + (count - 1) * clock["period_s"]
        delay_s = arrivals_ns[k] * 1e-9 - last_sample_s
        late_s = delay_s - line_at(envelope, last_sample_s)
        latest_s = LATEST_AFTER_RECONNECT_S if clock["reconnected"] else LATEST_S
        if not clock["mapped"] or step_s <= 0.0 or not EARLIEST_S < late_s < latest_s:
            # a pod that is new, or of another time base
            clear(envelope)
            add_point(envelope, last_sample_s, delay_s)
            clock["mapped"] = 1
            clock["offset_s"] = max(delay_s, clock["newest_s"] + clock["period_s"] - clock["pod_s"])
            clock["slew"] = 0.0
        else:
            add_point(envelope, last_sample_s, delay_s)
            error_s = line_at(envelope, clock["pod_s"]) - clock["offset_s"]
            # The clock ran at its slew since the last packet; over a hole nobody sees it settle.
            moved_s = clock["slew"] * step_s if step_s < SETTLE_S else error_s
            clock["offset_s"] += moved_s
            clock["slew"] = min(max((error_s - moved_s) / SETTLE_S, -MAX_SLEW), MAX_SLEW)
        clock["tick"] = ticks[k]
        clock["count"] = count
        clock["reconnected"] = 0
        first_s[k] = clock["pod_s"] + clock["offset_s"]
        period_s[k] = clock["period_s"] * (1.0 + clock["slew"])
        clock["newest_s"] = first_s[k] + (count - 1) * period_s[k]


@kernel
def track_period(clock: Any, period_s: float) -> None:
    """One more measure of the sample period; those that packets short of samples give are refused."""
    if abs(period_s - clock["period_s"]) > PERIOD_TOLERANCE * clock["period_s"]:
        clock["periods_refused"] += 1
        if clock["periods_refused"] < PERIOD_PATIENCE:
            return
        clock["period_s"] = period_s
        clock["periods_seen"] = 0
    clock["periods_refused"] = 0
    clock["periods_seen"] = min(clock["periods_seen"] + 1, PERIOD_MEMORY)
    clock["period_s"] += (period_s - clock["period_s"]) / clock["periods_seen"]


@kernel
def clear(envelope: Any) -> None:
    """An envelope of no points."""
    envelope["blocks"] = 0
    envelope["block_end"] = -math.inf
    envelope["height"] = math.inf
    envelope["slope"] = 0.0
    envelope["spread_s"] = math.nan


@kernel
def line_at(envelope: Any, x: float) -> float:
    """The line's y."""
    return envelope["y"] + envelope["slope"] * (x - envelope["x"])


@kernel
def add_point(envelope: Any, x: float, y: float) -> None:
    """Takes the next point into the open block, or opens a new one. A point below the line moves it at once."""
    if x >= envelope["block_end"]:
        close_block(envelope, x)
        if envelope["blocks"] > 0:
            fit(envelope)
        else:
            envelope["x"] = x
            envelope["y"] = y
        envelope["block_end"] = x + BLOCK_S
        envelope["height"] = math.inf
    height = y - line_at(envelope, x)
    if height < envelope["height"]:
        envelope["lowest_x"] = x
        envelope["lowest_y"] = y
        envelope["height"] = height
        if height < 0.0:
            envelope["x"] = x
            envelope["y"] = y


@kernel
def close_block(envelope: Any, x: float) -> None:
    """The open block's minimum joins the others; those too old at `x` go."""
    xs, ys = envelope["block_x"], envelope["block_y"]
    n = envelope["blocks"]
    joins = envelope["height"] < math.inf and envelope["lowest_x"] >= x - MAX_AGE_S
    gone = 1 if joins and n == BLOCKS else 0
    while gone < n and xs[gone] < x - MAX_AGE_S:
        gone += 1
    n -= gone
    for i in range(n):
        xs[i] = xs[i + gone]
        ys[i] = ys[i + gone]
    if joins:
        xs[n] = envelope["lowest_x"]
        ys[n] = envelope["lowest_y"]
        n += 1
    envelope["blocks"] = n


@kernel
def fit(envelope: Any) -> None:
    """The line under the minima, through the lowest of them as the line's slope sees it."""
    n = envelope["blocks"]
    xs, ys = envelope["block_x"], envelope["block_y"]
    last_x = xs[n - 1]
    if last_x - xs[0] >= MIN_FIT_SPAN_S:
        envelope["slope"] = min(max(hull_slope(xs[:n], ys[:n]), -MAX_SKEW), MAX_SKEW)
    lowest, total = math.inf, 0.0
    for i in range(n):
        level = ys[i] - envelope["slope"] * (xs[i] - last_x)
        lowest = min(lowest, level)
        total += level
    envelope["x"] = last_x
    envelope["y"] = lowest
    if n > 1:
        envelope["spread_s"] = total / n - lowest


@kernel
def hull_slope(xs: NDArray[np.float64], ys: NDArray[np.float64]) -> float:
    """Slope of the lower convex hull's edge over the mean x: of all lines under the points, the closest."""
    hull = np.empty(len(xs), np.int64)
    n = 0
    middle = 0.0
    for i in range(len(xs)):
        while n > 1:
            a, b = hull[n - 2], hull[n - 1]
            if (ys[b] - ys[a]) * (xs[i] - xs[b]) < (ys[i] - ys[b]) * (xs[b] - xs[a]):
                break
            n -= 1
        hull[n] = i
        n += 1
        middle += xs[i]
    middle /= len(xs)
    for i in range(n - 1):
        a, b = hull[i], hull[i + 1]
        if xs[b] >= middle:
            return (ys[b] - ys[a]) / (xs[b] - xs[a])
    return 0.0
