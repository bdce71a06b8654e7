"""Which packets are taken at once: those that follow one another, and no others."""

import numpy as np
import pytest

from dsp.types import Role
from host.pods.profile import Packet, PacketFlag, PodInfo, encode_pressure
from host.pods.runs import find_runs
from host.records import Channel, PodEvent


def packet(k: int, n: int = 8, seq: int | None = None) -> PodEvent:
    samples = np.full((n, 6), k % 100, np.int16)
    data = bytes(Packet((k if seq is None else seq) & 0xFFFF, 1260 * k & 0xFFFF_FFFF, samples, PacketFlag(k % 4)))
    return PodEvent(Role.PELVIS, Channel.PACKET, k, data)


def other(channel: Channel, data: bytes) -> PodEvent:
    return PodEvent(Role.PELVIS, channel, 0, data)


PRESSURE = other(Channel.PRESSURE, encode_pressure(100_000.0))
INFO = other(Channel.INFO, bytes(PodInfo(Role.PELVIS, 16, 2000, 208, 8)))
OTHER_VERSION = other(Channel.PACKET, b"\x02" + packet(5).data[1:])


@pytest.mark.parametrize(
    ("events", "at"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([INFO], [], id="no packet"),
        pytest.param([packet(k) for k in range(5)], [[0, 1, 2, 3, 4]], id="all in a row"),
        pytest.param([packet(0), PRESSURE, packet(1), packet(2)], [[0, 2, 3]], id="pressure does not part"),
        pytest.param([packet(0), packet(1), INFO, packet(2)], [[0, 1], [3]], id="anything else does"),
        pytest.param([packet(0), packet(1), packet(3), packet(4)], [[0, 1], [2, 3]], id="a hole"),
        pytest.param([packet(0), packet(1), packet(1), packet(2)], [[0, 1], [2, 3]], id="a copy"),
        pytest.param([packet(0), packet(2), packet(1)], [[0], [1], [2]], id="out of order"),
        pytest.param([packet(0), packet(1, 5), packet(2), packet(3)], [[0], [2, 3]], id="a short one"),
        pytest.param([packet(4), OTHER_VERSION, packet(6)], [[0], [2]], id="another version"),
        pytest.param([packet(65535), packet(65536)], [[0, 1]], id="the sequence number wraps"),
        pytest.param([packet(3408716), packet(3408717)], [[0, 1]], id="the tick wraps"),
        pytest.param([packet(9, seq=0), packet(3, seq=1)], [[0], [1]], id="a reboot"),
        pytest.param([other(Channel.PACKET, b"\x01\x00")], [], id="broken"),
    ],
)
def test_runs(events: list[PodEvent], at: list[list[int]]) -> None:
    assert [run.at.tolist() for run in find_runs(events)] == at


def test_a_run_holds_what_its_packets_say() -> None:
    events = [packet(k) for k in range(65530, 65540)]
    (run,) = find_runs(events)
    decoded = [Packet.from_bytes(event.data) for event in events]
    assert run.seqs.tolist() == [one.seq for one in decoded]
    assert run.ticks.tolist() == [one.tick for one in decoded]
    assert run.flags.tolist() == [one.flags for one in decoded]
    assert run.samples.tolist() == [one.samples.tolist() for one in decoded]
    assert run.since(3).seqs.tolist() == run.seqs.tolist()[3:]
