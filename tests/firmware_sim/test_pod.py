"""The pod's firmware, through bleak's public API."""

import asyncio

import numpy as np
import pytest
from bleak import BleakClient
from bleak.exc import BleakGATTProtocolError

from dsp.types import Role
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import Backends, open_backends
from firmware_sim.radio.model import RadioModel
from host.pods import profile
from host.pods.profile import AttError, PacketFlag, PodInfo
from tests.firmware_sim.virtual_pods import PATIENCE_S, RampSampler, find, is_gapless, streaming

pytestmark = pytest.mark.virtual_time


async def test_says_what_it_is(backends: Backends, pod: SimulatedPod) -> None:
    async with BleakClient(await find(backends, pod.name), backend=backends[1]) as client:
        info = PodInfo.from_bytes(bytes(await client.read_gatt_char(profile.POD_INFO)))
        assert info == pod.sampler.info
        assert (await client.read_gatt_char(profile.BATTERY_LEVEL))[0] == pod.battery_percent
        assert await client.read_gatt_char(profile.FIRMWARE_REVISION) == b"1.0.0"
        assert profile.decode_pressure(bytes(await client.read_gatt_char(profile.PRESSURE))) == 101_325.0
        assert client.mtu_size - 3 >= profile.MAX_PACKET_BYTES


async def test_only_a_pod_with_a_barometer_has_the_pressure_service(backends: Backends, air: Air) -> None:
    async with SimulatedPod(RampSampler(Role.SHANK_LEFT), air.open) as shank:
        client = BleakClient(await find(backends, shank.name), backend=backends[1])
        await client.connect()
        assert client.services.get_characteristic(profile.PRESSURE) is None


async def test_packets_fill_what_the_link_carries(air: Air) -> None:
    """49 bytes: 3 of every notification, 10 of the header, 12 of each sample."""
    async with (
        open_backends(await air.open(), mtu=49) as backends,
        SimulatedPod(RampSampler(), air.open) as pod,
        streaming(backends, pod) as (_, listener),
    ):
        await listener.wait_packets(3)
    assert {len(packet.samples) for packet in listener.packets} == {3}


async def test_streams_consecutive_samples_with_true_ticks(backends: Backends, pod: SimulatedPod) -> None:
    async with streaming(backends, pod) as (_, listener):
        await listener.wait_packets(40)
    assert listener.sequence == list(range(len(listener.sequence)))
    assert is_gapless(listener.numbers)
    assert {len(packet.samples) for packet in listener.packets} == {8}
    # True time of each packet's first sample, from its number; ticks must be a crystal's, 20 ppm at most.
    true_s = np.array([int(packet.samples[0, 0]) / 208.0 for packet in listener.packets])
    ticks = np.array([packet.tick for packet in listener.packets], dtype=np.int64)
    elapsed_s = ((ticks - ticks[0]) & 0xFFFF_FFFF) / profile.TICK_HZ
    np.testing.assert_allclose(elapsed_s, true_s - true_s[0], rtol=20e-6, atol=1.1 / profile.TICK_HZ)


async def test_asks_for_its_connection_interval(backends: Backends, pod: SimulatedPod, radio: RadioModel) -> None:
    async with streaming(backends, pod) as (_, listener):
        await listener.wait_packets(20)
        # Packets made every 38 ms arrive 30 or 60 ms apart; over the first interval of 7.5 ms: 37.5 or 45.
        apart_s = np.diff(listener.arrivals_s[8:])
        assert np.median(apart_s) == pytest.approx(0.030, abs=0.004)


async def test_pressure_is_notified(backends: Backends, pod: SimulatedPod) -> None:
    readings: list[float] = []
    enough = asyncio.Event()

    def on_pressure(_sender: object, data: bytearray) -> None:
        readings.append(profile.decode_pressure(bytes(data)))
        if len(readings) == 3:
            enough.set()

    async with BleakClient(await find(backends, pod.name), backend=backends[1]) as client:
        await client.start_notify(profile.PRESSURE, on_pressure)
        async with asyncio.timeout(PATIENCE_S):
            await enough.wait()
    assert set(readings) == {101_325.0}


@pytest.mark.parametrize(
    ("written", "error"),
    [
        (b"\x63", AttError.UNKNOWN_COMMAND),
        (b"\x00", AttError.UNKNOWN_COMMAND),
        (b"\x01\x00", AttError.WRONG_LENGTH),
        (b"\x03\xd0", AttError.WRONG_LENGTH),
        (b"\x03\x3b\x01", AttError.NOT_OFFERED),  # 315 Hz
    ],
    ids=["unknown", "zero", "long", "short", "not offered"],
)
async def test_refuses_what_it_does_not_know(
    backends: Backends, pod: SimulatedPod, written: bytes, error: AttError
) -> None:
    async with BleakClient(await find(backends, pod.name), backend=backends[1]) as client:
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.write_gatt_char(profile.CONTROL_POINT, written, response=True)
        assert caught.value.code == error


async def test_settings_are_used_from_the_next_start(backends: Backends, pod: SimulatedPod) -> None:
    async with streaming(backends, pod) as (client, listener):

        async def command(written: bytes) -> None:
            await client.write_gatt_char(profile.CONTROL_POINT, written, response=True)

        await command(profile.identify(5))
        await command(profile.set_rate(104))
        await command(profile.set_ranges(8, 1000))
        await listener.wait_packets(3)
        assert pod.sampler.info.rate_hz == 208
        await command(profile.start())
        await listener.wait_packets(3)
        assert (pod.sampler.info.rate_hz, pod.sampler.info.acc_range_g, pod.led_s) == (104, 8, 5)
        restart = max(i for i, seq in enumerate(listener.sequence) if seq == 0)
        assert restart > 0
        await command(profile.stop())
        count = len(listener.packets)
        await command(profile.start())
        await listener.wait_packets(1)
        assert 0 in listener.sequence[count:]


async def test_a_full_queue_drops_whole_packets_and_says_so(backends: Backends, air: Air) -> None:
    radio, sampler = RadioModel(), RampSampler()
    async with (
        SimulatedPod(sampler, lambda: air.open(radio), queue_packets=4) as pod,
        streaming(backends, pod) as (_, listener),
    ):
        await listener.wait_packets(3)
        radio.jammed = True
        # Enough for the queue, the stack and the controller; less than the supervision time-out.
        await sampler.wait_samples(8 * 22)
        radio.jammed = False
        await listener.wait_for(lambda packets: any(p.flags & PacketFlag.OVERFLOW for p in packets))
        await listener.wait_packets(3)
    flagged = [i for i, p in enumerate(listener.packets) if p.flags & PacketFlag.OVERFLOW]
    holes = [i for i, step in enumerate(np.diff(listener.sequence), start=1) if step > 1]
    assert flagged == holes
    lost = sum(int(step) - 1 for step in np.diff(listener.sequence))
    assert lost == pod.dropped
    numbers = listener.numbers
    assert numbers[-1] - numbers[0] + 1 == len(numbers) + 8 * lost


async def test_survives_losing_its_host_and_its_power(backends: Backends, pod: SimulatedPod) -> None:
    async with streaming(backends, pod) as (_, first):
        await first.wait_packets(2)
    async with streaming(backends, pod) as (_, second):
        await second.wait_packets(2)
    await pod.unplug()
    await pod.plug()
    async with streaming(backends, pod) as (_, third):
        await third.wait_packets(2)
    # It kept sampling in between, and started each stream at 0.
    assert first.numbers[-1] < second.numbers[0]
    assert second.numbers[-1] < third.numbers[0]
    assert first.sequence[0] == second.sequence[0] == third.sequence[0] == 0
