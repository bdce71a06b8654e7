"""One pod's raw events in, frames on the session's clock out. Called by the pipeline: live, replay, offline.

Pure and deterministic: the same events give the same frames, bit for bit. Nothing that a pod sends raises;
what cannot be used is counted in `health`.

Packets arrive doubled (BlueZ, after a reconnect), with holes (the pod's queue overflowed) and, from some
sources, out of order. A hole is waited on for two more packets, unless the pod itself says that what is
missing is lost.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsp.jit import kernel
from dsp.types import FRAME, Role
from host.errors import PacketError
from host.pods.clock import PodClock
from host.pods.profile import (
    Packet,
    PacketFlag,
    PodInfo,
    decode_pressure,
    decode_signal,
)
from host.pods.runs import Run, find_runs
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
    first_s: NDArray[np.float64],
    period_s: NDArray[np.float64],
) -> None:
    """Frames from the raw samples of packets. A FRAME is eight doubles: time, acc x y z, gyr x y z, pressure.

    columns: (packets * n, 8), filled; samples: (packets, n, 6) counts; scale: (6,) unit per count.
    first_s, period_s: (packets,) time of each packet's first sample, and from one sample to the next.
    """
    packets, n, _ = samples.shape
    for k in range(packets):
        for i in range(n):
            row = columns[k * n + i]
            row[0] = first_s[k] + i * period_s[k]
            for j in range(6):
                row[j + 1] = samples[k, i, j] * scale[j]
            row[7] = np.nan


def warm_up() -> None:
    """Compiles, or loads, what a stream needs, so that the first packet does not wait for it."""
    packet = Packet.from_bytes(bytes(Packet(0, 0, np.zeros((1, 6), np.int16))))
    stamps = PodClock(1.0).stamp(np.zeros(1, np.int64), 1, np.zeros(1, np.int64), np.ones(1, np.bool_))
    _fill(np.empty((1, 8)), packet.samples[np.newaxis], np.ones(6), *stamps)


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
        self._signal_dbm = math.nan
        self._packets = self._lost = self._duplicates = self._bad = 0
        self._last_arrival_s = math.nan

    @property
    def full_scale(self) -> tuple[float, float]:
        """Where samples clip, in m/s2 and rad/s. Infinite until the pod info is known."""
        if self._info is None:
            return math.inf, math.inf
        return self._info.full_scale

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
            signal_dbm=self._signal_dbm,
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
            elif event.channel is Channel.SIGNAL:
                self._signal_dbm = decode_signal(event.data)
            elif event.channel is Channel.LINK:
                return self._feed_link(event.data)
        except PacketError:
            self._bad += 1
        return _EMPTY

    def feed_many(self, events: Sequence[PodEvent]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
        """As `feed` for each in turn: the same frames, and how many of them each event gave.

        Packets that follow one another, as nearly all do, are taken at once.
        """
        blocks: list[NDArray[np.void]] = []
        counts = np.zeros(len(events), np.int64)
        done = 0

        def one_by_one(stop: int) -> None:
            for i in range(done, stop):
                blocks.append(self.feed(events[i]))
                counts[i] = len(blocks[-1])

        for run in find_runs(events):
            for k, at in enumerate(run.at.tolist()):
                one_by_one(at)
                done = at
                if self._is_next(int(run.seqs[k]), int(run.ticks[k])):
                    blocks.append(self._feed_run(run.since(k), events))
                    counts[run.at[k:]] = run.samples.shape[1]
                    done = int(run.at[-1]) + 1
                    break
        one_by_one(len(events))
        return _joined(blocks), counts

    def _is_next(self, seq: int, tick: int) -> bool:
        """Whether a packet follows the last one beyond doubt."""
        if self._clock is None or self._new_link or self._held:
            return False
        return seq == self._expected & 0xFFFF and 0 < (tick - self._last_tick & 0xFFFF_FFFF) < 0x8000_0000

    def _feed_run(self, run: Run, events: Sequence[PodEvent]) -> NDArray[np.void]:
        """Packets of which the first is the one expected next, and the readings of pressure between them."""
        at = run.at.tolist()
        arrivals_ns = np.array([events[i].arrival_ns for i in at], np.int64)
        self._last_arrival_s = int(arrivals_ns[-1]) * 1e-9
        block = self._stamped(run.seqs, run.ticks, run.flags, arrivals_ns, run.samples)
        due = 0
        for k in np.flatnonzero(np.diff(run.at) > 1).tolist():
            self._merge_pressures(block, due, k + 1)
            due = k + 1
            for event in events[at[k] + 1 : at[k + 1]]:
                self.feed(event)
        self._merge_pressures(block, due, len(at))
        return block.frames

    def _feed_info(self, info: PodInfo) -> NDArray[np.void]:
        frames = self._release()  # with the scale that they were taken with
        self._info = info
        self._scale = info.scale
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
        if self._clock is None:
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
            blocks = self._drain(0)
            self._expected = position = packet.seq
            self._new_link, self._after_hole = False, True
        elif ahead == 0 and not self._held:  # nearly always
            return self._frames(packet, arrival_ns)
        self._held[position] = packet, arrival_ns
        blocks += self._drain(MAX_HELD)
        return _joined(blocks)

    def _release(self) -> NDArray[np.void]:
        """What is held back, without waiting for what is missing."""
        return _joined(self._drain(0))

    def _drain(self, may_hold: int) -> list[NDArray[np.void]]:
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
            blocks.append(self._frames(packet, arrival_ns))
        return blocks

    def _frames(self, packet: Packet, arrival_ns: int) -> NDArray[np.void]:
        seqs, ticks, flags, arrivals_ns = np.array(
            [[packet.seq], [packet.tick], [packet.flags], [arrival_ns]], np.int64
        )
        block = self._stamped(seqs, ticks, flags, arrivals_ns, packet.samples[np.newaxis])
        self._merge_pressures(block, 0, 1)
        return block.frames

    def _stamped(
        self,
        seqs: NDArray[np.int64],
        ticks: NDArray[np.int64],
        flags: NDArray[np.int64],
        arrivals_ns: NDArray[np.int64],
        samples: NDArray[np.int16],
    ) -> "_Block":
        """Packets in order, none missing between them. samples: (packets, n, 6), the others (packets,)."""
        assert self._clock is not None
        packets, n, _ = samples.shape
        consecutive = flags & PacketFlag.OVERFLOW.value == 0
        consecutive[0] &= not self._after_hole
        first_s, period_s = self._clock.stamp(ticks, n, arrivals_ns, consecutive)
        columns = np.empty((packets * n, 8))
        _fill(columns, samples, self._scale, first_s, period_s)
        self._packets += packets
        self._expected += packets
        self._after_hole = False
        self._last_tick = int(ticks[-1])
        self._seen.extend(zip(seqs.tolist(), ticks.tolist(), strict=True))
        return _Block(columns, n, first_s, period_s)

    def _merge_pressures(self, block: "_Block", start: int, stop: int) -> None:
        """Puts waiting readings on the nearest frame of those packets; one newer than they are waits on."""
        for k in range(start, stop):
            if not self._pressures:
                return
            pressure_pa = block.columns[k * block.n : (k + 1) * block.n, 7]
            while self._pressures:
                arrival_s, reading_pa = self._pressures[0]
                nearest = round((arrival_s - block.first_s[k]) / block.period_s[k])
                if nearest >= block.n:
                    break
                pressure_pa[max(nearest, 0)] = reading_pa
                self._pressures.popleft()


class _Block(NamedTuple):
    """Frames of packets of `n` samples each."""

    columns: NDArray[np.float64]  # (packets * n, 8)
    n: int
    first_s: NDArray[np.float64]  # (packets,)
    period_s: NDArray[np.float64]

    @property
    def frames(self) -> NDArray[np.void]:
        return np.ndarray(len(self.columns), FRAME, self.columns)


def _joined(blocks: list[NDArray[np.void]]) -> NDArray[np.void]:
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate(blocks) if blocks else _EMPTY
