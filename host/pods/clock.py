"""From a pod's crystal ticks to seconds on the session's clock. Called by stream.py, once a packet.

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
from collections import deque
from itertools import pairwise

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


class LowerEnvelope:
    """The highest line of bounded slope under the newest minute of points (x, y), x rising."""

    def __init__(self) -> None:
        self.blocks: deque[tuple[float, float]] = deque(maxlen=BLOCKS)  # the minima, oldest first
        self._block_end = -math.inf
        self._lowest = (0.0, 0.0)  # of the open block, and how far above the line it lies
        self._height = math.inf
        self._x = self._y = 0.0  # a point of the line
        self.slope = 0.0
        self.spread_s = math.nan  # mean height of the block minima above the line

    def at(self, x: float) -> float:
        return self._y + self.slope * (x - self._x)

    def add(self, x: float, y: float) -> None:
        if x >= self._block_end:
            self._next_block(x, y)
        height = y - self.at(x)
        if height < self._height:
            self._lowest, self._height = (x, y), height
            if height < 0.0:
                self._x, self._y = x, y

    def _next_block(self, x: float, y: float) -> None:
        if self._height < math.inf:
            self.blocks.append(self._lowest)
        while self.blocks and self.blocks[0][0] < x - MAX_AGE_S:
            self.blocks.popleft()
        if self.blocks:
            self._fit()
        else:
            self._x, self._y = x, y
        self._block_end, self._height = x + BLOCK_S, math.inf

    def _fit(self) -> None:
        points = self.blocks
        if points[-1][0] - points[0][0] >= MIN_FIT_SPAN_S:
            self.slope = min(max(_hull_slope(points), -MAX_SKEW), MAX_SKEW)
        levels = [y - self.slope * (x - points[-1][0]) for x, y in points]
        self._x, self._y = points[-1][0], min(levels)
        if len(levels) > 1:
            self.spread_s = sum(levels) / len(levels) - self._y


def _hull_slope(points: deque[tuple[float, float]]) -> float:
    """Slope of the lower convex hull's edge over the mean x: of all lines under the points, the closest."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x1) < (y - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    middle = sum(x for x, _ in points) / len(points)
    for (x0, y0), (x1, y1) in pairwise(hull):
        if x1 >= middle:
            return (y1 - y0) / (x1 - x0)
    return 0.0


class PodClock:
    """The times of one pod's samples. `rate_hz`: the nominal sample rate, until a better one is measured."""

    def __init__(self, rate_hz: float) -> None:
        self._nominal_hz = rate_hz
        self._period_s = 1.0 / rate_hz  # on the pod's crystal
        self._periods_seen = self._periods_refused = 0
        self._tick = self._count = 0
        self._pod_s = 0.0  # unwrapped time of the newest packet's first sample, on the pod's crystal
        self._envelope: LowerEnvelope | None = None
        self._offset_s = 0.0  # host time = pod time + offset
        self._slew = 0.0  # how fast the offset moves until the next packet
        self._newest_s = -math.inf  # host time of the newest sample stamped
        self._reconnected = False

    @property
    def rate_hz(self) -> float:
        """Measured sample rate; the nominal one until then."""
        return 1.0 / self._period_s

    @property
    def error_s(self) -> float:
        """How well the floor of the delays is known: mean height of block minima above it, or NaN."""
        return self._envelope.spread_s if self._envelope else math.nan

    def reconnected(self, rate_hz: float) -> None:
        """The next packet comes over a new link: the pod may have rebooted, or sample at another rate."""
        self._reconnected = True
        if rate_hz != self._nominal_hz:
            self._nominal_hz, self._period_s, self._periods_seen = rate_hz, 1.0 / rate_hz, 0

    def stamp(self, tick: int, count: int, arrival_ns: int, consecutive: bool) -> tuple[float, float]:
        """Host time of a packet's first sample, and the sample period, both in seconds.

        tick: of the first sample, 32 bits; count: samples in the packet; consecutive: no packet is missing
        since the last call. The times of all samples, over all calls, rise strictly.
        """
        step_s = ((tick - self._tick + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000) / TICK_HZ
        if consecutive and self._count and step_s > 0.0:
            self._track_period(step_s / self._count)
        self._pod_s += step_s
        last_sample_s = self._pod_s + (count - 1) * self._period_s
        delay_s = arrival_ns * 1e-9 - last_sample_s
        envelope = self._envelope
        if envelope is None or step_s <= 0.0 or self._is_other_time_base(delay_s - envelope.at(last_sample_s)):
            self._restart(last_sample_s, delay_s)
        else:
            envelope.add(last_sample_s, delay_s)
            error_s = envelope.at(self._pod_s) - self._offset_s
            # The clock ran at its slew since the last packet; over a hole nobody sees it settle.
            moved_s = self._slew * step_s if step_s < SETTLE_S else error_s
            self._offset_s += moved_s
            self._slew = min(max((error_s - moved_s) / SETTLE_S, -MAX_SLEW), MAX_SLEW)
        self._tick, self._count, self._reconnected = tick, count, False
        first_s = self._pod_s + self._offset_s
        period_s = self._period_s * (1.0 + self._slew)
        self._newest_s = first_s + (count - 1) * period_s
        return first_s, period_s

    def _track_period(self, period_s: float) -> None:
        if abs(period_s - self._period_s) > PERIOD_TOLERANCE * self._period_s:
            self._periods_refused += 1
            if self._periods_refused < PERIOD_PATIENCE:
                return
            self._period_s, self._periods_seen = period_s, 0
        self._periods_refused = 0
        self._periods_seen = min(self._periods_seen + 1, PERIOD_MEMORY)
        self._period_s += (period_s - self._period_s) / self._periods_seen

    def _is_other_time_base(self, late_s: float) -> bool:
        return not EARLIEST_S < late_s < (LATEST_AFTER_RECONNECT_S if self._reconnected else LATEST_S)

    def _restart(self, last_sample_s: float, delay_s: float) -> None:
        self._envelope = LowerEnvelope()
        self._envelope.add(last_sample_s, delay_s)
        self._offset_s = max(delay_s, self._newest_s + self._period_s - self._pod_s)
        self._slew = 0.0
