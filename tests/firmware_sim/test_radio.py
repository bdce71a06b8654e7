"""The virtual radio through bleak's public API."""

import asyncio
import math

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakDeviceNotFoundError, BleakError

from dsp.types import Role
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import Backends, open_backends
from firmware_sim.radio.link import PDUS_PER_EVENT
from firmware_sim.radio.model import RADIO_PRESETS, RadioModel, rssi_at
from host.pods import profile
from tests.firmware_sim.virtual_pods import PATIENCE_S, RampSampler, find, is_gapless, streaming

pytestmark = pytest.mark.virtual_time


async def test_scan_finds_pods_by_service_and_tells_name_and_signal(
    backends: Backends, pod: SimulatedPod, radio: RadioModel
) -> None:
    radio.rssi_dbm = -71.0
    async with BleakScanner(service_uuids=[profile.IMU_SERVICE], backend=backends[0]) as scanner:
        async with asyncio.timeout(PATIENCE_S):
            async for _, seen in scanner.advertisement_data():
                if seen.local_name:  # it comes with the scan response
                    break
    device = await find(backends, pod.name)
    assert device.address == pod.address
    assert profile.role_of_name(device.name) is Role.PELVIS
    assert seen.service_data == {profile.BATTERY_SERVICE: bytes([pod.battery_percent])}
    assert seen.rssi == -71
    assert seen.service_uuids == [profile.IMU_SERVICE]


async def test_scan_for_another_service_finds_nothing(backends: Backends, pod: SimulatedPod) -> None:
    found = await BleakScanner.discover(0.3, service_uuids=[profile.BATTERY_SERVICE], backend=backends[0])
    assert found == []


async def test_an_unknown_address_is_not_found(backends: Backends) -> None:
    with pytest.raises(BleakDeviceNotFoundError):
        await BleakClient("C0:00:00:00:00:99", timeout=0.3, backend=backends[1]).connect()


async def test_connecting_to_a_pod_that_has_gone_times_out_and_leaves_the_adapter_usable(
    backends: Backends, pod: SimulatedPod, air: Air
) -> None:
    device = await find(backends, pod.name)
    await pod.unplug()
    with pytest.raises(TimeoutError):
        await BleakClient(device, timeout=0.3, backend=backends[1]).connect()
    async with SimulatedPod(RampSampler(Role.SHANK_LEFT), air.open) as other:
        client = BleakClient(await find(backends, other.name), backend=backends[1])
        await client.connect()
        assert client.is_connected


async def test_a_cancelled_connect_leaves_nothing_behind(backends: Backends, pod: SimulatedPod) -> None:
    device = await find(backends, pod.name)
    await pod.unplug()
    connecting = asyncio.create_task(BleakClient(device, backend=backends[1]).connect())
    await asyncio.sleep(0.05)
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    await pod.plug()  # a pending connection would take it at its first advertisement
    assert (await find(backends, pod.name)).address == pod.address


async def test_connects_of_several_pods_take_turns(backends: Backends, air: Air) -> None:
    async with (
        SimulatedPod(RampSampler(Role.PELVIS), air.open) as one,
        SimulatedPod(RampSampler(Role.SHANK_LEFT), air.open) as two,
    ):
        clients = [BleakClient(await find(backends, p.name), backend=backends[1]) for p in (one, two)]
        await asyncio.gather(*(client.connect() for client in clients))
        assert all(client.is_connected for client in clients)


async def test_retransmission_delays_and_loses_nothing(backends: Backends, air: Air) -> None:
    radio, sampler = RadioModel(), RampSampler()
    delays_s = []
    async with SimulatedPod(sampler, lambda: air.open(radio)) as pod:
        for interference in (0.0, 0.7):
            async with streaming(backends, pod) as (_, listener):
                radio.interference = interference
                await listener.wait_packets(20)
            assert listener.sequence == list(range(len(listener.sequence)))
            assert is_gapless(listener.numbers)
            last = [int(packet.samples[-1, 0]) for packet in listener.packets]
            delays_s.append(np.median([*map(sampler.delay_s, last, listener.arrivals_s)]))
            radio.interference = 0.0
    assert delays_s[1] > 2.0 * delays_s[0]


async def test_jamming_ends_the_link_and_the_pod_is_back_afterwards(
    backends: Backends, pod: SimulatedPod, radio: RadioModel
) -> None:
    lost = asyncio.Event()
    client = BleakClient(await find(backends, pod.name), lambda _: lost.set(), backend=backends[1])
    await client.connect()
    radio.jammed = True
    reading = asyncio.create_task(client.read_gatt_char(profile.POD_INFO))
    async with asyncio.timeout(PATIENCE_S):
        await lost.wait()
        with pytest.raises(BleakError):
            await reading
    assert not client.is_connected
    radio.jammed = False
    async with streaming(backends, pod) as (_, listener):
        await listener.wait_packets(3)


async def test_power_cut_shows_as_a_lost_link(backends: Backends, pod: SimulatedPod) -> None:
    lost = asyncio.Event()
    client = BleakClient(await find(backends, pod.name), lambda _: lost.set(), backend=backends[1])
    await client.connect()
    await pod.unplug()
    async with asyncio.timeout(PATIENCE_S):
        await lost.wait()
    assert not client.is_connected


async def test_a_hub_serves_the_air_over_tcp(air: Air) -> None:
    async with (
        air.listen() as spec,
        SimulatedPod(RampSampler(), air.open) as pod,
        open_backends(spec) as backends,
        streaming(backends, pod) as (client, listener),
    ):
        await listener.wait_packets(5)
        assert client.mtu_size > profile.MAX_PACKET_BYTES
    assert is_gapless(listener.numbers)


async def test_a_host_that_loses_the_hub_says_so(air: Air) -> None:
    lost = asyncio.Event()
    async with SimulatedPod(RampSampler(), air.open) as pod:
        async with air.listen() as spec:
            opened = open_backends(spec)
            backends = await opened.__aenter__()
            device = await find(backends, pod.name)
            client = BleakClient(device, lambda _: lost.set(), backend=backends[1])
            await client.connect()
        async with asyncio.timeout(PATIENCE_S):
            await lost.wait()
        with pytest.raises(BleakBluetoothNotAvailableError):
            await BleakScanner.discover(0.1, backend=backends[0])
        await opened.__aexit__(None, None, None)


def test_packet_error_at_the_rated_sensitivity() -> None:
    # By hand: 1e-3 bit errors in (0 + 10) bytes: 1 - 0.999^80 = 0.0769; in (208 + 10): 1 - 0.999^1744 =
    # 0.8254.
    radio = RadioModel(rssi_dbm=-95.0)
    assert radio.packet_error(0) == pytest.approx(0.0769, abs=5e-4)
    assert radio.packet_error(208) == pytest.approx(0.8254, abs=5e-4)
    assert RadioModel(jammed=True).packet_error(0) == 1.0
    assert RadioModel(interference=0.25).packet_error(100) == pytest.approx(0.25)


def test_signal_falls_by_6_db_when_the_distance_doubles() -> None:
    assert rssi_at(2.0) - rssi_at(4.0) == pytest.approx(6.02, abs=0.01)
    assert rssi_at(1.0, body_loss_db=20.0) == pytest.approx(-60.2)


@pytest.mark.parametrize("name", RADIO_PRESETS)
def test_every_preset_carries_three_pods(name: str) -> None:
    """A pelvis pod sends 26 packets and 10 pressures a second; a link without room to catch up overflows its queue."""
    radio = RADIO_PRESETS[name]
    through = 1.0 - radio.packet_error(118)
    packets_per_event = sum(through**k for k in range(1, PDUS_PER_EVENT + 1))
    fade_share = radio.fades_per_s * 0.275
    assert packets_per_event / 0.030 * (1.0 - fade_share) > 1.25 * 36.0
    assert math.isfinite(radio.rssi_dbm)
