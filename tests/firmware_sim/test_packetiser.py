"""Samples into packets, without a radio."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dsp.types import Role
from firmware_sim.packetiser import Crystal, Packetiser
from firmware_sim.sampler import Samples
from host.pods.profile import MAX_SAMPLES, TICK_HZ, PacketFlag, PodInfo

RATE_HZ = 200
INFO = PodInfo(Role.PELVIS, 16, 2000, RATE_HZ, 8)


def crystal() -> Crystal:
    return Crystal(random.Random(1), 0.0, ppm=0.0)


def samples(numbers: list[int]) -> Samples:
    """Samples that carry their number, at the times of an unbroken series."""
    counts = np.repeat(np.array(numbers, np.int16)[:, None], 6, axis=1)
    return Samples(np.array(numbers) / RATE_HZ, counts)


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, MAX_SAMPLES))
def test_packets_hold_consecutive_samples_and_the_tick_of_the_first(kept: set[int], most: int) -> None:
    packetiser, numbers = Packetiser(INFO, crystal()), sorted(kept)
    packetiser.restart(INFO, most)
    packetiser.add(samples(numbers), until_s=10.0)
    packets = list(packetiser.drain())
    held = [packet.samples[:, 0].tolist() for packet in packets]
    assert [n for part in held for n in part] == numbers
    start = crystal().tick(0.0)
    for packet, part in zip(packets, held, strict=True):
        assert part == list(range(part[0], part[0] + len(part)))
        assert len(part) <= min(8, most)
        assert (packet.tick - start) & 0xFFFF_FFFF == round(part[0] / RATE_HZ * TICK_HZ)


def test_a_packet_stays_open_until_its_samples_are_there_or_cannot_come() -> None:
    packetiser = Packetiser(INFO, crystal())
    packetiser.add(samples([0, 1, 2]), until_s=2.4 / RATE_HZ)
    assert (len(packetiser), packetiser.missing) == (0, 5)
    packetiser.add(samples([]), until_s=3.6 / RATE_HZ)
    assert (len(packetiser), packetiser.missing) == (1, 8)


def test_a_sample_at_the_end_of_its_range_is_flagged() -> None:
    for value, flag in ((32767, PacketFlag.CLIPPED), (-32768, PacketFlag.CLIPPED), (32766, PacketFlag(0))):
        packetiser = Packetiser(INFO, crystal())
        counts = np.zeros((1, 6), np.int16)
        counts[0, 4] = value
        packetiser.add(Samples(np.zeros(1), counts), until_s=1.0)
        assert packetiser.take().flags == flag


def test_a_full_queue_loses_the_oldest_and_flags_the_next() -> None:
    packetiser = Packetiser(INFO, crystal(), limit=2)
    packetiser.add(samples(list(range(40))), until_s=1.0)
    packets = list(packetiser.drain())
    assert [packet.seq for packet in packets] == [3, 4]
    assert [packet.flags for packet in packets] == [PacketFlag.OVERFLOW, PacketFlag(0)]
    assert packetiser.dropped == 3


def test_the_crystal_is_within_its_tolerance_and_wraps() -> None:
    for seed in range(20):
        own = Crystal(random.Random(seed), 100.0)
        elapsed = (own.tick(100.0 + 1e5) - own.tick(100.0)) & 0xFFFF_FFFF
        assert abs(elapsed - (1e5 * TICK_HZ) % 2**32) <= 1e5 * TICK_HZ * 20e-6 + 1
