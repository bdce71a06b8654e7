"""One pod's raw events in, frames on the session's clock out. Called by the pipeline: live, replay, offline.

Pure and deterministic: the same events give the same frames, bit for bit. Nothing that a pod sends raises;
what cannot be used is counted in `health`.

Packets arrive doubled (BlueZ, after a reconnect), with holes (the pod's queue overflowed) and, from some
sources, out of order. A hole is waited on for two more packets, unless the pod itself says that what is
missing is lost.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from dsp.jit import kernel
from dsp.types import FRAME, Role
from host.errors import PacketError
from host.pods.clock import PodClock
from host.pods.profile import (
    FULL_SCALE_COUNTS,
    G_MPS2,
    Packet,
    PacketFlag,
    PodInfo,
    decode_pressure,
)
from host.records import Channel, LinkState, PodEvent, PodHealth

# Packets held back at a hole: 77 ms at 26 packets a second. BLE itself never reorders.
MAX_HELD = 2
# A longer step of the sequence number than 100 s of packets is a new start, not a hole.
MAX_HOLE = 2600
# Packets remembered by sequence number and tick, to know a late copy from a rebooted pod: 20 s.
MEMORY = 512

_EMPTY = np.empty(0, FRAME)


@kernel
def _fill(
    columns: NDArray[np.float64],
    samples: NDArray[np.int16],
    scale: NDArray[np.float64],
    first_s: float,
    period_s: float,
) -> None:
    """Frames from raw samples. A FRAME is eight doubles: time, acc x y z, gyr x y z, pressure.

    columns: (n, 8), filled; samples: (n, 6) counts; scale: (6,) unit per count.
    """
    for i in range(samples.shape[0]):
        columns[i, 0] = first_s + i * period_s
        for j in range(6):
            columns[i, j + 1] = samples[i, j] * scale[j]
        columns[i, 7] = np.nan


def warm_up() -> None:
    """Compiles, or loads, what a stream needs, so that the first packet does not wait for it."""
    samples = Packet.from_bytes(bytes(Packet(0, 0, np.zeros((1, 6), np.int16)))).samples
    _fill(np.empty((1, 8)), samples, np.ones(6), 0.0, 0.0)


class PodStream:
    """Feed every event of one pod, in order of arrival; the first is its INFO."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self._info: PodInfo | None = None
        self._scale = np.ones(6)
        self._clock: PodClock | None = None
        self._expected = 0  # unwrapped sequence number of the next packet
        self._last_tick = 0
        self._new_link = True  # the next packet is the first of its connection
        self._after_hole = False  # the next packet to give out does not follow the last one
        self._held: dict[int, tuple[Packet, int]] = {}  # by unwrapped sequence number, with arrival_ns
        self._seen: deque[tuple[int, int]] = deque(maxlen=MEMORY)
        self._pressures: deque[tuple[float, float]] = deque(maxlen=8)  # arrival in s, Pa; not yet on a frame
        self._link = str(LinkState.SEARCHING)
        self._battery_percent = math.nan
        self._packets = self._lost = self._duplicates = self._bad = 0
        self._last_arrival_s = math.nan

    @property
    def full_scale(self) -> tuple[float, float]:
        """Where samples clip, in m/s2 and rad/s. Infinite until the pod info is known."""
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
        """The FRAME array that the event completes, often empty. Time rises strictly over all calls."""
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
        if self._link != LinkState.LOST:
            return _EMPTY
        self._new_link = True
        return self._release()

    def _feed_packet(self, packet: Packet, arrival_ns: int) -> NDArray[np.void]:
        clock = self._clock
        if clock is None:
            raise PacketError("a packet before the pod info has no scale")
        self._last_arrival_s = arrival_ns * 1e-9
        ahead = (packet.seq - self._expected + 0x8000 & 0xFFFF) - 0x8000
        position = self._expected + ahead
        if self._new_link:
            # The pod may have rebooted, so that its tick tells nothing; a late copy is known by heart.
            is_copy, is_restart = (packet.seq, packet.tick) in self._seen, True
        else:
            newer = 0 < (packet.tick - self._last_tick & 0xFFFF_FFFF) < 0x8000_0000
            is_copy, is_restart = not newer or position in self._held, not 0 <= ahead <= MAX_HOLE
        if is_copy:
            self._duplicates += 1
            return _EMPTY
        blocks = []
        if is_restart:
            blocks = self._drain(clock, 0)
            self._expected = position = packet.seq
            self._new_link, self._after_hole = False, True
        elif ahead == 0 and not self._held:  # nearly always
            return self._frames(clock, packet, arrival_ns)
        self._held[position] = packet, arrival_ns
        blocks += self._drain(clock, MAX_HELD)
        return _joined(blocks)

    def _release(self) -> NDArray[np.void]:
        """What is held back, without waiting for what is missing."""
        return _joined(self._drain(self._clock, 0)) if self._clock else _EMPTY

    def _drain(self, clock: PodClock, may_hold: int) -> list[NDArray[np.void]]:
        """Frames of held packets in order, up to a hole that is still worth waiting on."""
        blocks = []
        while self._held:
            if self._expected not in self._held:
                first = min(self._held)
                if len(self._held) <= may_hold and not self._held[first][0].flags & PacketFlag.OVERFLOW:
                    break
                self._lost += first - self._expected
                self._expected, self._after_hole = first, True
            packet, arrival_ns = self._held.pop(self._expected)
            blocks.append(self._frames(clock, packet, arrival_ns))
        return blocks

    def _frames(self, clock: PodClock, packet: Packet, arrival_ns: int) -> NDArray[np.void]:
        count = len(packet.samples)
        consecutive = not (self._after_hole or (packet.flags and packet.flags & PacketFlag.OVERFLOW))
        first_s, period_s = clock.stamp(packet.tick, count, arrival_ns, consecutive)
        self._packets += 1
        self._expected += 1
        self._after_hole = False
        self._last_tick = packet.tick
        self._seen.append((packet.seq, packet.tick))
        columns = np.empty((count, 8))
        _fill(columns, packet.samples, self._scale, first_s, period_s)
        if self._pressures:
            self._merge_pressures(columns[:, 7], first_s, period_s)
        return np.ndarray(count, FRAME, columns)

    def _merge_pressures(self, pressure_pa: NDArray[np.float64], first_s: float, period_s: float) -> None:
        """Puts waiting readings on the nearest frame; one newer than this packet waits for the next."""
        while self._pressures:
            arrival_s, reading_pa = self._pressures[0]
            nearest = round((arrival_s - first_s) / period_s)
            if nearest >= len(pressure_pa):
                return
            pressure_pa[max(nearest, 0)] = reading_pa
            self._pressures.popleft()


def _joined(blocks: list[NDArray[np.void]]) -> NDArray[np.void]:
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else _EMPTY
