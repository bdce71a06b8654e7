"""The middle of a pod's firmware: the crystal that stamps, and the samples on their way into packets.

Pure: time is an argument, true time in seconds.
"""

import random
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from firmware_sim.sampler import Samples
from host.pods import profile
from host.pods.profile import Packet, PacketFlag, PodInfo

# A watch crystal is within 20 ppm (Epson FC-135 data sheet).
CRYSTAL_PPM = 20.0
# Room for a little over two seconds at 208 Hz: 6 KB of a small controller's memory.
QUEUE_PACKETS = 56
# A longer step between samples is a gap: a packet holds consecutive samples only.
GAP_PERIODS = 1.5


class Crystal:
    """The pod's tick counter: 32 bits, started at a random value, a few parts per million off."""

    def __init__(self, rng: random.Random, epoch_s: float, ppm: float = CRYSTAL_PPM) -> None:
        self.rate_hz = profile.TICK_HZ * (1.0 + rng.uniform(-ppm, ppm) * 1e-6)
        self._start = rng.getrandbits(32)
        self._epoch_s = epoch_s

    def tick(self, true_s: float) -> int:
        return (self._start + round((true_s - self._epoch_s) * self.rate_hz)) & 0xFFFF_FFFF


class Packetiser:
    """Turns samples into packets and holds them in a bounded queue, oldest first.

    When the queue is full its oldest packet is lost, and the next one taken says so.
    """

    def __init__(self, info: PodInfo, crystal: Crystal, limit: int = QUEUE_PACKETS) -> None:
        self.dropped = 0  # packets lost in all
        self._crystal, self._limit = crystal, limit
        self._queue: deque[Packet] = deque()
        self.restart(info, profile.MAX_SAMPLES)

    def restart(self, info: PodInfo, most_samples: int) -> None:
        """Empty, at sequence number 0, with packets of what `info` says but not over `most_samples`."""
        self._size = min(info.samples_per_packet, most_samples)
        self._gap_s = GAP_PERIODS / info.rate_hz
        self._queue.clear()
        self._open: list[NDArray[np.int16]] = []
        self._open_s = self._last_s = 0.0
        self._seq = 0
        self._overflow = False

    def __len__(self) -> int:
        """Packets ready to send."""
        return len(self._queue)

    @property
    def missing(self) -> int:
        """Samples that the open packet still needs."""
        return self._size - len(self._open)

    def add(self, samples: Samples, until_s: float) -> None:
        """All samples that were taken up to `until_s`."""
        for t_s, counts in zip(samples.t_s.tolist(), samples.counts, strict=True):
            self._close_before(t_s)
            if not self._open:
                self._open_s = t_s
            self._open.append(counts)
            self._last_s = t_s
            if len(self._open) == self._size:
                self._close()
        self._close_before(until_s)

    def take(self) -> Packet:
        """The oldest packet. Raises IndexError when there is none."""
        packet = self._queue.popleft()
        if self._overflow:
            packet = packet._replace(flags=packet.flags | PacketFlag.OVERFLOW)
            self._overflow = False
        return packet

    def drain(self) -> Iterator[Packet]:
        while self._queue:
            yield self.take()

    def _close_before(self, t_s: float) -> None:
        """Closes the open packet if a sample at `t_s` would not follow its last one."""
        if self._open and t_s - self._last_s > self._gap_s:
            self._close()

    def _close(self) -> None:
        samples = np.array(self._open, np.int16)
        if len(self._queue) == self._limit:
            self._queue.popleft()
            self.dropped += 1
            self._overflow = True
        clipped = samples.min() == profile.LOWEST or samples.max() == profile.HIGHEST
        flags = PacketFlag.CLIPPED if clipped else PacketFlag(0)
        self._queue.append(Packet(self._seq, self._crystal.tick(self._open_s), samples, flags))
        self._seq = (self._seq + 1) & 0xFFFF
        self._open = []
