"""One pod's raw events in, frames on the session's clock out. Called by the pipeline: live, in replay and offline.

Pure and deterministic: the same events give the same frames, bit for bit. Nothing that a pod sends raises; what
cannot be used is counted in `health`.

Packets arrive doubled (BlueZ, after a reconnect), with holes (the pod's queue overflowed) and, from some sources, out
of order. A hole is waited on for two more packets, unless the pod itself says that what is missing is lost.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from dsp.types import FRAME, Role
from host.errors import PacketError
from host.pods.clock import PodClock
from host.pods.profile import (
    FULL_SCALE_COUNTS,
    G_MPS2,
    MAX_SAMPLES,
    Packet,
    PacketFlag,
    PodInfo,
    decode_pressure,
)
from host.records import Channel, LinkState, PodEvent, PodHealth

# Packets held back at a hole: 77 ms at 26 packets a second. BLE itself never reorders.
MAX_HELD = 2
# Packets remembered by sequence number and tick, to know a late copy from a rebooted pod: 20 s.
MEMORY = 512

_FIELDS = FRAME.itemsize // 8
_EMPTY = np.empty(0, FRAME)
_TEMPLATE = np.full((MAX_SAMPLES, _FIELDS), np.nan)
_INDEX = np.arange(MAX_SAMPLES, dtype=float)


class PodStream:
    """Feed every event of one pod, in order of arrival."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._info: PodInfo | None = None
        self._scale = np.ones(6)
        self._clock: PodClock | None = None
        self._expected: int | None = None  # sequence number of the next packet
        self._last_tick = 0
        self._new_link = False
        self._held: dict[int, tuple[Packet, int]] = {}  # by packets ahead of the expected one, with arrival_ns
        self._seen: deque[tuple[int, int]] = deque(maxlen=MEMORY)
        self._pressures: deque[tuple[float, float]] = deque(maxlen=8)  # arrival in s, Pa; not yet on a frame
        self._link = str(LinkState.SEARCHING)
        self._battery_percent = math.nan
        self._packets = self._lost = self._duplicates = self._bad = 0
        self._last_arrival_s = math.nan

    @property
    def full_scale(self) -> tuple[float, float]:
        """Where samples clip: acceleration in m/s2, angular rate in rad/s. Infinite until the pod info is known."""
        if self._info is None:
            return math.inf, math.inf
        return self._info.acc_range_g * G_MPS2, math.radians(self._info.gyr_range_dps)

    @property
    def health(self) -> PodHealth:
        clock = self._clock
        return PodHealth(
            role=self.role.label,
            link=self._link,
            battery_percent=self._battery_percent,
            rate_hz=clock.rate_hz if clock and self._packets else math.nan,
            packets=self._packets,
            lost_packets=self._lost,
            duplicates=self._duplicates,
            clock_error_ms=clock.error_s * 1000.0 if clock else math.nan,
            last_arrival_s=self._last_arrival_s,
            bad_packets=self._bad,
        )

    def feed(self, event: PodEvent) -> NDArray[np.void]:
        """The frames (dtype FRAME) that the event completes; often none, strictly rising in time over all calls."""
        try:
            if event.channel is Channel.PACKET:
                return self._feed_packet(Packet.from_bytes(event.data), event.arrival_ns)
            if event.channel is Channel.PRESSURE:
                self._pressures.append((event.arrival_ns * 1e-9, decode_pressure(event.data)))
            elif event.channel is Channel.INFO:
                return self._feed_info(PodInfo.from_bytes(event.data))
            elif event.channel is Channel.BATTERY:
                self._feed_battery(event.data)
            elif event.channel is Channel.LINK:
                return self._feed_link(event.data)
        except PacketError:
            self._bad += 1
        return _EMPTY

    def _feed_info(self, info: PodInfo) -> NDArray[np.void]:
        frames = self._release()  # with the scale that they were taken with
        self._info = info
        self._scale = np.repeat(self.full_scale, 3) / FULL_SCALE_COUNTS
        if self._clock is None:
            self._clock = PodClock(info.rate_hz)
        else:
            self._clock.reconnected(info.rate_hz)
        self._new_link = True
        return frames

    def _feed_battery(self, data: bytes) -> None:
        if len(data) != 1 or data[0] > 100:
            raise PacketError(f"no battery level: {data.hex()}")
        self._battery_percent = float(data[0])

    def _feed_link(self, data: bytes) -> NDArray[np.void]:
        # The state's name, and perhaps a reason after a blank.
        self._link = data.decode(errors="replace").split(" ", 1)[0]
        return self._release() if self._link == LinkState.LOST else _EMPTY

    def _feed_packet(self, packet: Packet, arrival_ns: int) -> NDArray[np.void]:
        if self._info is None:
            raise PacketError("a packet before the pod info has no scale")
        self._last_arrival_s = arrival_ns * 1e-9
        seq, tick = packet.seq, packet.tick
        ahead = (seq - self._expected + 0x8000 & 0xFFFF) - 0x8000
        newer = 0 < (tick - self._last_tick & 0xFFFF_FFFF) < 0x8000_0000
        if self._new_link:
            # The pod may have rebooted, so that its tick tells nothing; a late copy is known by heart.
            is_copy, is_restart = (seq, tick) in self._seen, True
        else:
            is_copy, is_restart = not newer or self._expected + ahead in self._held, not 0 <= ahead <= MAX_HOLE
        if is_copy:
            self._duplicates += 1
            return _EMPTY
        frames = _EMPTY
        if is_restart:
            frames = self._release()
            self._expected, ahead, self._new_link = seq, 0, False
        self._held[self._expected + ahead] = packet, arrival_ns
        ...
