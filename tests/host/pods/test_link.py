"""Links that meet with pods that vanish, refuse, keep silent or are something else, and adapters that are
not there."""

import asyncio
import time
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakDBusError

from dsp.types import Role
from host.errors import AdapterUnavailableError
from host.pods import profile
from host.pods import scan as scan_module
from host.pods.link import Links
from host.pods.scan import Radio, scan
from host.pods.stream import PodStream
from host.records import Channel, PodEvent
from tests.host.pods.fake_bleak import FakeAir, FakePod

pytestmark = pytest.mark.virtual_time

PATIENCE_S = 60.0
PELVIS, LEFT, RIGHT = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"


@pytest.fixture
async def air():
    return FakeAir(FakePod(Role.PELVIS, PELVIS), FakePod(Role.SHANK_LEFT, LEFT), FakePod(Role.SHANK_RIGHT, RIGHT))


class Heard:
    """The events of a session, and a way to wait for them."""

    def __init__(self) -> None:
        self.events: list[PodEvent] = []

    def states(self, role: Role) -> list[str]:
        return [e.data.decode() for e in self.events if e.role is role and e.channel is Channel.LINK]

    def of(self, role: Role, channel: Channel) -> list[bytes]:
        return [e.data for e in self.events if e.role is role and e.channel is channel]

    async def wait_for(self, done: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                meanwhile()
                await asyncio.sleep(0.01)


@asynccontextmanager
async def linked(air: FakeAir, addresses: dict[Role, str] | None = None, radio: Radio | None = None):
    """Links that run in the background. What they raise is raised here."""
    heard = Heard()
    start_ns = time.monotonic_ns()
    links = Links(
        {} if addresses is None else addresses,
        heard.events.append,
        lambda: time.monotonic_ns() - start_ns,
        radio or Radio(air.scanner, air.client),
    )
    task = asyncio.create_task(links.run())
    try:
        yield heard
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_three_pods_are_found_by_role_and_stream(air):
    async with linked(air) as heard:
        await heard.wait_for(lambda: all(pod.streaming for pod in air.pods))
        for pod in air.pods:
            pod.say(3)
            assert heard.states(pod.role) == ["searching", "connecting", "streaming"]
            assert len(heard.of(pod.role, Channel.PACKET)) == 3
            assert heard.of(pod.role, Channel.INFO) == [pod.info]
            assert heard.of(pod.role, Channel.BATTERY) == [b"\x57"]
            assert heard.of(pod.role, Channel.SIGNAL) == [b"\xc4"]  # -60 dBm
    assert air.clashes == 0


async def test_arrivals_rise_and_info_comes_before_packets(air):
    async with linked(air) as heard:
        await heard.wait_for(lambda: air.pods[0].streaming)
        air.pods[0].say(5)
        own = [e for e in heard.events if e.role is Role.PELVIS]
    assert [e.arrival_ns for e in own] == sorted(e.arrival_ns for e in own)
    kinds = [e.channel for e in own]
    assert kinds.index(Channel.INFO) < kinds.index(Channel.PACKET)


async def test_addresses_decide_the_role(air):
    """A pod made for the left shank may be worn on the right; the case of an address does not matter."""
    async with linked(air, {Role.SHANK_RIGHT: LEFT.lower()}) as heard:
        await heard.wait_for(lambda: air.pods[1].streaming)
        air.pods[1].say()
        assert len(heard.of(Role.SHANK_RIGHT, Channel.PACKET)) == 1
        assert {e.role for e in heard.events} == {Role.SHANK_RIGHT}
    assert air.pods[0].log == air.pods[2].log == []


async def test_a_pod_that_vanished_is_taken_back(air):
    pod = air.pods[0]
    async with linked(air) as heard:
        await heard.wait_for(lambda: pod.streaming)
        pod.say(5)
        pod.vanish()
        await heard.wait_for(lambda: len(heard.states(Role.PELVIS)) > 3)
        assert heard.states(Role.PELVIS)[3].startswith("lost pelvis pod")
        pod.in_the_air = True
        await heard.wait_for(lambda: pod.streaming)
        pod.say(5)
        assert heard.states(Role.PELVIS)[-3:] == ["searching", "connecting", "streaming"]
    # The old client is closed before the next one opens: BlueZ doubles packets otherwise.
    assert pod.log == ["connect", "start", "disconnect", "connect", "start", "stop", "disconnect"]


async def test_the_others_are_not_held_up_by_one_that_is_missing(air, monkeypatch):
    """Whoever listens, listens for all: a sight of another pod ends its turn."""
    monkeypatch.setattr(scan_module, "SLICE_S", 3600.0)
    air.pods[0].in_the_air = False
    async with linked(air) as heard:
        await heard.wait_for(lambda: air.pods[1].streaming and air.pods[2].streaming)
        air.pods[2].say()
        air.pods[2].vanish()
        air.pods[2].in_the_air = True
        await heard.wait_for(lambda: air.pods[2].streaming)


async def test_a_pod_that_is_not_found_is_told(air):
    air.pods[0].in_the_air = False
    async with linked(air) as heard:
        await heard.wait_for(lambda: len(heard.states(Role.PELVIS)) > 2)
        assert heard.states(Role.PELVIS)[0] == "searching"
        assert heard.states(Role.PELVIS)[1].startswith("lost pelvis pod (any address): not found.")
        assert heard.states(Role.PELVIS)[2] == "searching"


async def test_packets_of_a_given_up_link_are_not_taken(air):
    """Systems have been seen to call back for a client that was closed."""
    pod = air.pods[0]
    async with linked(air) as heard:
        await heard.wait_for(lambda: pod.streaming)
        pod.say(5)
        old = pod.client
        pod.vanish()
        pod.in_the_air = True
        await heard.wait_for(lambda: pod.streaming)
        old.notify(profile.IMU_PACKET, b"a late one")
        pod.say(2)
        assert b"a late one" not in heard.of(Role.PELVIS, Channel.PACKET)
        assert len(heard.of(Role.PELVIS, Channel.PACKET)) == 7


async def test_doubled_packets_after_a_reconnect_give_each_frame_once(air):
    pod = air.pods[0]
    async with linked(air) as heard:
        await heard.wait_for(lambda: pod.streaming)
        pod.say(5)
        pod.vanish()
        pod.in_the_air = True
        await heard.wait_for(lambda: pod.streaming)
        plain = pod.client.notify
        pod.client.notify = lambda uuid, data: [plain(uuid, data) for _ in range(3)]
        pod.seq = 100  # the crystal ran on; the codec's tick of this fake follows the sequence number
        pod.say(5)
    stream = PodStream(Role.PELVIS)
    frames = sum(len(stream.feed(e)) for e in heard.events if e.role is Role.PELVIS)
    assert frames == 10 * 8
    assert stream.health.duplicates == 10


async def test_a_silent_pod_is_given_up_and_tried_again(air):
    pod = air.pods[0]
    pod.is_silent = True
    async with linked(air) as heard:
        await heard.wait_for(lambda: any("silent" in state for state in heard.states(Role.PELVIS)))
        assert "streaming" not in heard.states(Role.PELVIS)
        pod.is_silent = False
        await heard.wait_for(lambda: "streaming" in heard.states(Role.PELVIS), pod.say)


async def test_a_stream_that_dries_up_is_given_up(air):
    pod = air.pods[0]
    async with linked(air) as heard:
        await heard.wait_for(lambda: pod.streaming)
        pod.say(3)
        await heard.wait_for(lambda: any("silent" in state for state in heard.states(Role.PELVIS)))
        assert pod.log[:3] == ["connect", "start", "disconnect"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"is_other_device": True}, "is not a hamstream pod"),
        ({"refuses": True}, "does not connect"),
        ({"hangs": True}, "no answer in time"),
        ({"info": b"\x07" * 9}, "version 7"),
    ],
    ids=["other device", "refuses", "hangs", "other version"],
)
async def test_what_is_wrong_is_told_and_tried_again(air, fault, words):
    pod = air.pods[0]
    good = {name: getattr(pod, name) for name in fault}
    for name, value in fault.items():
        setattr(pod, name, value)
    async with linked(air) as heard:
        await heard.wait_for(lambda: any(words in state for state in heard.states(Role.PELVIS)))
        for name, value in good.items():
            setattr(pod, name, value)
        await heard.wait_for(lambda: "streaming" in heard.states(Role.PELVIS), pod.say)
    assert air.clashes == 0


async def test_two_runners_share_an_adapter(air):
    radio = Radio(air.scanner, air.client)
    one, other = {Role.PELVIS: PELVIS}, {Role.PELVIS: LEFT, Role.SHANK_LEFT: RIGHT}
    async with linked(air, one, radio=radio) as first, linked(air, other, radio=radio) as second:
        await first.wait_for(lambda: all(pod.streaming for pod in air.pods))
        assert len(first.of(Role.PELVIS, Channel.INFO)) == 1
        assert len(second.of(Role.PELVIS, Channel.INFO)) == 1
    assert air.clashes == 0


REASONS = BleakBluetoothNotAvailableReason
NO_ADAPTER = [
    pytest.param(BleakBluetoothNotAvailableError("no", REASONS.POWERED_OFF), "off.*Switch it on", id="off"),
    pytest.param(BleakBluetoothNotAvailableError("no", REASONS.NO_BLUETOOTH), "no Bluetooth radio.*adapter", id="none"),
    pytest.param(BleakBluetoothNotAvailableError("no", REASONS.DENIED_BY_USER), "permitted.*privacy", id="denied"),
    pytest.param(FileNotFoundError(2, "No such file or directory"), "systemctl start bluetooth", id="no D-Bus"),
    pytest.param(
        BleakDBusError("org.freedesktop.DBus.Error.ServiceUnknown", ["no such name"]),
        "systemctl",
        id="no BlueZ",
    ),
]


@pytest.mark.parametrize(("error", "advice"), NO_ADAPTER)
async def test_no_adapter_is_an_error_with_advice(air, error, advice):
    air.adapter_error = error
    links = Links({}, lambda event: None, time.monotonic_ns, Radio(air.scanner, air.client))
    with pytest.raises(AdapterUnavailableError, match=advice):
        await links.run()
    with pytest.raises(AdapterUnavailableError, match=advice):
        await scan(0.01, scanner_backend=air.scanner)


async def test_an_adapter_that_goes_later_is_waited_for(air):
    pod = air.pods[0]
    async with linked(air, {Role.PELVIS: PELVIS}) as heard:
        await heard.wait_for(lambda: pod.streaming)
        pod.say()
        air.adapter_error = BleakBluetoothNotAvailableError("no", REASONS.POWERED_OFF)
        pod.vanish()
        await heard.wait_for(lambda: any("Bluetooth is off" in state for state in heard.states(Role.PELVIS)))
        air.adapter_error, pod.in_the_air = None, True
        await heard.wait_for(lambda: pod.streaming)


async def test_scan_tells_role_name_address_signal_and_battery(air):
    air.pods[1].battery_service_data = b"\x2a"
    pods = {pod.address: pod for pod in await scan(0.05, scanner_backend=air.scanner)}
    assert [pods[address].role for address in (PELVIS, LEFT, RIGHT)] == [
        "pelvis",
        "shank_left",
        "shank_right",
    ]
    assert (pods[LEFT].name, pods[LEFT].rssi_dbm) == ("hs-shank_left-0002", -60)
    assert [pods[address].battery_percent for address in (PELVIS, LEFT)] == [None, 42]


async def test_a_name_that_says_nothing_has_no_role(air, monkeypatch):
    monkeypatch.setattr(FakePod, "name", "Thing")
    assert {pod.role for pod in await scan(0.05, scanner_backend=air.scanner)} == {""}
