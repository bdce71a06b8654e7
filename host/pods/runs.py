"""Many packets decoded at once: of a batch of one pod's events, the runs of packets that follow one another.

Called by stream.py for recordings, where nearly every packet follows the last. What is in no run, and whatever lies
between runs, is for the stream to take event by event.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from host.pods.profile import HEADER_BYTES, MAX_SAMPLES, SAMPLE_BYTES, VERSION
from host.records import Channel, PodEvent

_HEADER = [("version", "u1"), ("flags", "u1"), ("seq", "<u2"), ("tick", "<u4"), ("count", "u1"), ("_", "u1")]


# What is taken at once: some 25 s of three pods.
BATCH_EVENTS = 2048


def in_batches(events: Iterator[PodEvent]) -> Iterator[list[PodEvent]]:
    """Recorded events by the thousand, for who takes many at once."""
    while batch := list(islice(events, BATCH_EVENTS)):
        yield batch


class Run(NamedTuple):
    """Packets of one size whose sequence numbers go up by one and whose ticks rise.

    Between them there is nothing but readings of pressure.
    """

    at: NDArray[np.int64]  # where they stand among the events
    seqs: NDArray[np.int64]
    ticks: NDArray[np.int64]
    flags: NDArray[np.int64]
    samples: NDArray[np.int16]  # (packets, n, 6), as in profile.Packet; read only

    def since(self, k: int) -> "Run":
        """Without the first `k` packets."""
        return Run(self.at[k:], self.seqs[k:], self.ticks[k:], self.flags[k:], self.samples[k:])


def find_runs(events: Sequence[PodEvent]) -> list[Run]:
    """The runs among events of one pod, in order; never overlapping. Packets of an odd size are in none."""
    packets = [i for i, event in enumerate(events) if event.channel is Channel.PACKET]
    if not packets:
        return []
    sizes = [len(events[i].data) for i in packets]
    size = sorted(sizes)[len(sizes) // 2]  # that of most: of those before a gap in the samples some are short
    n = (size - HEADER_BYTES) // SAMPLE_BYTES
    if not 1 <= n <= MAX_SAMPLES or size != HEADER_BYTES + n * SAMPLE_BYTES:
        return []
    at = np.array([i for i, length in zip(packets, sizes, strict=True) if length == size])
    raw = np.frombuffer(b"".join([events[i].data for i in at]), np.dtype([*_HEADER, ("samples", "<i2", (n, 6))]))
    whole = (raw["version"] == VERSION) & (raw["count"] == n)
    # What is neither such a packet nor a pressure parts runs.
    others = np.cumsum([event.channel is not Channel.PRESSURE for event in events])[at] - np.arange(1, len(at) + 1)
    tick_step = np.diff(raw["tick"])  # both unsigned: they wrap as the pod's do
    follows = (np.diff(raw["seq"]) == 1) & (tick_step > 0) & (tick_step < 0x8000_0000) & (np.diff(others) == 0)
    samples = np.ascontiguousarray(raw["samples"])
    samples.flags.writeable = False
    columns = [at, *(raw[name].astype(np.int64) for name in ("seq", "tick", "flags")), samples]
    starts = [0, *(np.flatnonzero(~(follows & whole[:-1] & whole[1:])) + 1).tolist(), len(at)]
    parts = [slice(i, j) for i, j in pairwise(starts) if whole[i]]
    return [Run(*(column[part] for column in columns)) for part in parts]
