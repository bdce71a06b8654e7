"""What a stream makes of a pod's events when packets are doubled, late, missing or broken."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsp.types import FRAME, Role
from host.pods import stream as stream_module
from host.pods.profile import Packet, PacketFlag, PodInfo, encode_pressure
from host.pods.stream import PodStream
from host.records import Channel, PodEvent

PERIOD_S = 1 / 208.0
PACKET_S = 8 * PERIOD_S
INFO = bytes(PodInfo(Role.PELVIS, 16, 2000, 208, 8))


def event(channel: Channel, data: bytes, arrival_s: float = 0.0) -> PodEvent:
    return PodEvent(Role.PELVIS, channel, round(arrival_s * 1e9), data)


def packet(k: int, *, seq: int | None = None, start_s: float = 100.0, flags: int = 0, delay_s: float = 0.02):
    """The pod's k-th packet. Its samples carry their own number in the x acceleration, as counts."""
    counts = np.zeros((8, 6), np.int16)
    counts[:, 0] = (8 * k + np.arange(8)) % 30_000
    tick = round((start_s + k * PACKET_S) * 32768) & 0xFFFF_FFFF
    data = bytes(Packet((k if seq is None else seq) & 0xFFFF, tick, counts, PacketFlag(flags)))
    return event(Channel.PACKET, data, 1.0 + (k + 1) * PACKET_S + delay_s)


def connected() -> PodStream:
    stream = PodStream(Role.PELVIS)
    stream.feed(event(Channel.INFO, INFO))
    return stream


def feed(stream: PodStream, events) -> np.ndarray:
    return np.concatenate([stream.feed(e) for e in events])


def numbers(frames) -> list[int]:
    """The packets that the frames came from."""
    counts = np.rint(frames["acc_mps2"][:, 0] / (16 * 9.80665) * 32768).astype(int)
    assert (np.diff(frames["t_s"]) > 0).all()
    return (counts[::8] // 8).tolist()


def test_packets_become_frames():
    frames = feed(connected(), [packet(k) for k in range(10)])
    assert frames.dtype == FRAME
    assert numbers(frames) == list(range(10))
    assert np.isnan(frames["pressure_pa"]).all()
    assert np.diff(frames["t_s"]) == pytest.approx(PERIOD_S, rel=0.02)


@pytest.mark.parametrize("copies_after", [0, 1, 5, 100, 600])
def test_copies_are_dropped_however_late(copies_after):
    events = [packet(k) for k in range(700)]
    doubled = []
    for k, original in enumerate(events):
        doubled.append(original)
        if k >= copies_after:
            doubled += [events[k - copies_after]] * 2
    stream = connected()
    assert numbers(feed(stream, doubled)) == list(range(700))
    assert (stream.health.packets, stream.health.lost_packets) == (700, 0)
    assert stream.health.duplicates == 2 * (700 - copies_after)


def test_late_packets_are_put_in_order():
    order = [0, 1, 3, 2, 4, 7, 6, 5, 8]
    stream = connected()
    assert numbers(feed(stream, [packet(k) for k in order])) == list(range(9))
    assert stream.health.lost_packets == 0


def test_a_hole_is_waited_on_for_two_packets_and_no_longer():
    stream = connected()
    assert len(stream.feed(packet(0))) == 8
    assert len(stream.feed(packet(2))) == 0
    assert len(stream.feed(packet(3))) == 0
    assert numbers(stream.feed(packet(4))) == [2, 3, 4]
    assert stream.health.lost_packets == 1
    assert len(stream.feed(packet(1))) == 0  # too late: its frames would run backwards
    assert stream.health.duplicates == 1


def test_a_hole_that_the_pod_owns_up_to_is_not_waited_on():
    stream = connected()
    stream.feed(packet(0))
    frames = stream.feed(packet(4, flags=PacketFlag.OVERFLOW))
    assert numbers(frames) == [4]
    assert stream.health.lost_packets == 3


def test_a_hole_is_a_step_in_time():
    stream = connected()
    frames = feed(stream, [packet(k) for k in range(100)] + [packet(k, flags=k == 110) for k in range(110, 120)])
    assert frames["t_s"][800] - frames["t_s"][799] == pytest.approx(81 * PERIOD_S, abs=0.001)
    assert stream.health.rate_hz == pytest.approx(208.0, rel=1e-3)


def test_the_sequence_number_wraps():
    stream = connected()
    frames = feed(stream, [packet(k, seq=65530 + k) for k in range(20)])
    assert numbers(frames) == list(range(20))
    assert stream.health.lost_packets == 0


@pytest.mark.parametrize("old_packets", [3, 300, 40_000])
def test_start_resets_the_sequence_number(old_packets):
    """START again on the same link: the tick goes on, the sequence number begins at 0."""
    stream = connected()
    feed(stream, [packet(k, seq=old_packets - 20 + k) for k in range(20)])
    frames = feed(stream, [packet(k + 20, seq=k) for k in range(20)])
    assert numbers(frames) == list(range(20, 40))
    assert stream.health.lost_packets == 0


@pytest.mark.parametrize("boot_tick_s", [0.0, 30.0, 99.0, 500.0])
def test_a_reboot_starts_over(boot_tick_s):
    stream = connected()
    feed(stream, [packet(k) for k in range(100)])
    stream.feed(event(Channel.LINK, b"lost it went silent"))
    stream.feed(event(Channel.INFO, INFO))
    old, new = packet(99), [packet(k + 200, seq=k, start_s=boot_tick_s - 200 * PACKET_S) for k in range(50)]
    assert len(stream.feed(old)) == 0  # a copy from before is no reboot
    frames = feed(stream, new + new[:3])
    assert numbers(frames) == list(range(200, 250))
    assert frames["t_s"][0] == pytest.approx(1.0 + 200 * PACKET_S, abs=0.05)
    assert stream.health.duplicates == 4
    assert stream.health.lost_packets == 0


def test_packets_held_back_are_given_out_when_the_link_is_lost():
    stream = connected()
    feed(stream, [packet(0), packet(2)])
    assert numbers(stream.feed(event(Channel.LINK, b"lost"))) == [2]
    assert stream.health.link == "lost"


def test_bad_bytes_are_counted():
    stream = PodStream(Role.PELVIS)
    assert len(stream.feed(packet(0))) == 0  # nobody knows its scale
    stream.feed(event(Channel.INFO, b"\x02" + INFO[1:]))
    stream.feed(event(Channel.INFO, INFO))
    for channel in (Channel.PACKET, Channel.INFO, Channel.BATTERY, Channel.PRESSURE):
        stream.feed(event(channel, b"\x01\xff"))
    assert stream.health.bad_packets == 6
    assert len(stream.feed(packet(0))) == 8


def test_pressure_goes_to_the_nearest_frame():
    stream = connected()
    first = stream.feed(packet(0, delay_s=0.0))
    # One that came 3.2 samples into the next packet, one while that was under way, one long before its time.
    times = [first["t_s"][7] + n * PERIOD_S for n in (4.2, 5.9, 30.0)]
    for k, t_s in enumerate(times):
        assert len(stream.feed(event(Channel.PRESSURE, encode_pressure(101_000.0 + k), t_s))) == 0
    second = stream.feed(packet(1, delay_s=0.0))["pressure_pa"]
    assert second[3] == 101_000.0
    assert second[5] == 101_001.0
    assert np.isnan(np.delete(second, [3, 5])).all()
    rest = feed(stream, [packet(k, delay_s=0.0) for k in range(2, 6)])["pressure_pa"]
    assert np.flatnonzero(~np.isnan(rest)).tolist() == [30 - 8 - 1]


def test_clipped_samples_stay_and_full_scale_is_known():
    stream = PodStream(Role.PELVIS)
    assert stream.full_scale == (math.inf, math.inf)
    stream.feed(event(Channel.INFO, INFO))
    data = bytes(Packet(0, 0, np.full((1, 6), -32768, np.int16), PacketFlag.CLIPPED))
    frames = stream.feed(event(Channel.PACKET, data, 1.0))
    assert frames["acc_mps2"][0] == pytest.approx(-stream.full_scale[0])
    assert frames["gyr_radps"][0] == pytest.approx(-stream.full_scale[1])
    assert stream.full_scale == pytest.approx((16 * 9.80665, math.radians(2000)))


def test_new_ranges_hold_for_what_comes_after_them():
    stream = connected()
    stream.feed(packet(1))
    held = stream.feed(packet(3))
    assert len(held) == 0
    before = stream.feed(event(Channel.INFO, bytes(PodInfo(Role.PELVIS, 8, 2000, 208, 8))))
    after = stream.feed(packet(4))
    assert before["acc_mps2"][1, 0] == pytest.approx(25 * 16 * 9.80665 / 32768)
    assert after["acc_mps2"][1, 0] == pytest.approx(33 * 8 * 9.80665 / 32768)


def test_health():
    stream = connected()
    assert math.isnan(stream.health.rate_hz)
    assert math.isnan(stream.health.battery_percent)
    assert math.isnan(stream.health.signal_dbm)
    stream.feed(event(Channel.BATTERY, b"\x57"))
    stream.feed(event(Channel.SIGNAL, b"\xc4"))
    stream.feed(event(Channel.LINK, b"streaming"))
    feed(stream, [packet(k) for k in range(500)])
    health = stream.health
    assert (health.role, health.link, health.battery_percent) == ("pelvis", "streaming", 87.0)
    assert health.signal_dbm == -60.0
    stream.feed(event(Channel.SIGNAL, b"\x7f"))
    assert math.isnan(stream.health.signal_dbm), "the radio's word for not known"
    assert health.rate_hz == pytest.approx(208.0, rel=1e-3)
    assert health.last_arrival_s == pytest.approx(1.02 + 500 * PACKET_S)
    assert 0.0 <= health.clock_error_ms < 1.0


def test_same_events_same_frames():
    rng = random.Random(1)
    events = [packet(k, delay_s=0.02 + rng.random() * 0.03) for k in range(300) if k % 37]
    one, other = feed(connected(), events), feed(connected(), events)
    assert one.tobytes() == other.tobytes()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=80))
def test_any_order_gives_rising_times_and_each_packet_at_most_once(steps):
    """Whatever a link does: `steps` are packet numbers in order of arrival, some after a new connection."""
    stream = connected()
    given_out = []
    for arrival, (k, reconnected) in enumerate(steps):
        if reconnected:
            given_out.append(stream.feed(event(Channel.INFO, INFO)))
        original = packet(k)
        given_out.append(stream.feed(event(Channel.PACKET, original.data, 2.0 + arrival * PACKET_S)))
    if given_out:
        frames = np.concatenate(given_out)
        assert (np.diff(frames["t_s"]) > 0).all()
        found = np.rint(frames["acc_mps2"][::8, 0] / (16 * 9.80665) * 32768).astype(int)
        # After a new connection an unknown packet of an older tick may be of a pod that rebooted.
        assert len(set(found)) == len(found) or any(reconnected for _, reconnected in steps)


@pytest.mark.skipif(not hasattr(stream_module._fill, "signatures"), reason="numba is switched off")
def test_the_kernel_is_compiled_once():
    stream_module.warm_up()
    feed(connected(), [packet(0)])
    assert len(stream_module._fill.signatures) == 1


# What a link does to a stream of packets: so many that follow one another, one of another number, something else.
STEPS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 20)),
    st.tuples(st.just("packet"), st.sampled_from([0, -1, 2, 3, -2, 9])),
    st.tuples(
        st.sampled_from(["overflow", "short", "pressure", "broken", "battery", "info", "lost", "odd"]), st.just(1)
    ),
)


def events_from(steps: list[tuple[str, int]]) -> list[PodEvent]:
    events, k = [event(Channel.INFO, INFO)], 0
    steps = [one for kind, n in steps for one in ([("packet", 1)] * n if kind == "run" else [(kind, n)])]
    for arrival, (kind, step) in enumerate(steps):
        arrival_s = 2.0 + arrival * PACKET_S
        if kind in ("packet", "overflow", "short", "broken", "odd"):
            k = max(k + step, 0)
            data = packet(k, flags=kind == "overflow").data
            if kind == "short":  # the chip's queue overflowed: the packet was closed early
                data = data[:8] + b"\x05" + data[9 : 10 + 5 * 12]
            elif kind == "broken":
                data = b"\x02" + data[1:]
            elif kind == "odd":
                data = data[:-1]
            events.append(event(Channel.PACKET, data, arrival_s))
        elif kind == "pressure":
            events.append(event(Channel.PRESSURE, encode_pressure(100_000.0 + arrival), arrival_s))
        elif kind == "battery":
            events.append(event(Channel.BATTERY, b"\x50", arrival_s))
        elif kind == "info":
            events.append(event(Channel.INFO, INFO, arrival_s))
        else:
            events.append(event(Channel.LINK, b"lost", arrival_s))
    return events


@settings(max_examples=300, deadline=None)
@given(
    st.lists(STEPS, max_size=30),
    st.lists(st.integers(1, 60), min_size=1, max_size=8),
)
def test_many_at_once_give_the_frames_of_one_by_one(steps, sizes):
    """Whatever a link does, and however the events are cut into batches."""
    events = events_from(steps)
    alone, together = PodStream(Role.PELVIS), PodStream(Role.PELVIS)
    expected = [alone.feed(e) for e in events]
    blocks, counts = [], []
    at = 0
    while at < len(events):
        size = sizes[at % len(sizes)]
        frames, of_each = together.feed_many(events[at : at + size])
        blocks.append(frames)
        counts += of_each.tolist()
        at += size
    assert counts == [len(frames) for frames in expected]
    assert np.concatenate(blocks).tobytes() == np.concatenate(expected).tobytes()
    assert repr(together.health) == repr(alone.health)
    last = events_from([("packet", len(events))])[-1]  # and they go on the same
    assert together.feed(last).tobytes() == alone.feed(last).tobytes()
