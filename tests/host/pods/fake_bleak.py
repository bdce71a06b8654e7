"""A Bluetooth of a few lines behind bleak's public classes: pods that misbehave on command.

The virtual radio of firmware_sim is the honest test of the good path; this one is for wrong devices,
refusals, silence and adapters that are not there, without waiting for them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError, BleakGATTProtocolError

from dsp.types import Role
from host.pods import profile
from host.pods.profile import Packet, PodInfo


class FakePod:
    """A pod in the air, and what is wrong with it."""

    def __init__(self, role: Role, address: str, *, battery_service_data: bytes | None = None) -> None:
        self.role, self.address = role, address
        self.info = bytes(PodInfo(role, 16, 2000, 208, 8, (104, 208)))
        self.battery_service_data = battery_service_data
        self.in_the_air = True
        self.is_other_device = False  # it has other services
        self.is_silent = False  # it takes START and says nothing
        self.refuses = False  # connections fail
        self.hangs = False  # connections never come about
        self.client: FakeClient | None = None
        self.seq = 0
        self.streaming = False
        self.log: list[str] = []  # what was done to it

    @property
    def name(self) -> str:
        return profile.pod_name(self.role, self.address[-5:].replace(":", ""))

    def say(self, packets: int = 1) -> None:
        """Sends packets to its host, if there is one that wants them."""
        for _ in range(packets):
            data = bytes(Packet(self.seq, 1000 + 1260 * self.seq, np.zeros((8, 6), np.int16)))
            self.seq += 1
            if self.streaming and not self.is_silent and self.client:
                self.client.notify(profile.IMU_PACKET, data)

    def vanish(self) -> None:
        """Out of range: the link is lost and nothing is advertised."""
        self.in_the_air, self.streaming = False, False
        if self.client:
            self.client.drop()

    def write(self, data: bytes) -> None:
        if data == profile.start():
            self.seq, self.streaming = 0, True
            self.log.append("start")
        elif data == profile.stop():
            self.streaming = False
            self.log.append("stop")
        else:
            raise BleakGATTProtocolError(profile.AttError.NOT_OFFERED)


class FakeAir:
    """All pods, and the one adapter that hears them; `clashes` counts what it was asked to do at once."""

    def __init__(self, *pods: FakePod) -> None:
        self.pods = list(pods)
        self.adapter_error: Exception | None = None
        self.busy = 0  # scans and connects under way
        self.clashes = 0
        self.scanner = type("Scanner", (FakeScanner,), {"air": self})
        self.client = type("Client", (FakeClient,), {"air": self})

    def begin(self) -> None:
        self.busy += 1
        self.clashes += self.busy > 1

    def end(self) -> None:
        self.busy -= 1


class FakeScanner(BaseBleakScanner):
    air: FakeAir

    def __init__(self, callback: Any, service_uuids: Any, scanning_mode: str, **_kwargs: Any) -> None:
        super().__init__(callback, service_uuids)

    async def start(self) -> None:
        if self.air.adapter_error:
            raise self.air.adapter_error
        self.air.begin()
        self.seen_devices = {}
        self._task = asyncio.create_task(self._advertise())

    async def stop(self) -> None:
        self.air.end()
        self._task.cancel()

    async def _advertise(self) -> None:
        while True:
            for pod in self.air.pods:
                if pod.in_the_air and not (pod.client and pod.client.is_connected):
                    self._hear(pod)
            await asyncio.sleep(0.01)

    def _hear(self, pod: FakePod) -> None:
        battery = pod.battery_service_data
        data = {profile.BATTERY_SERVICE: battery} if battery else {}
        seen = AdvertisementData(pod.name, {}, data, [profile.IMU_SERVICE], None, -60, ())
        device = self.create_or_update_device(pod.address, pod.address, pod.name, pod, seen)
        self.call_detection_callbacks(device, seen)


class FakeClient(BaseBleakClient):
    air: FakeAir

    def __init__(self, device: BLEDevice, **kwargs: Any) -> None:
        super().__init__(device, disconnected_callback=kwargs["disconnected_callback"], timeout=kwargs["timeout"])
        self.pod: FakePod = device.details
        self._connected = False
        self._callbacks: dict[str, Callable[[bytearray], None]] = {}

    @property
    def mtu_size(self) -> int:
        return 185

    @property
    def is_connected(self) -> bool:
        return self._connected

    async def connect(self, pair: bool, **_kwargs: Any) -> None:
        self.air.begin()
        try:
            await asyncio.sleep(0.01)
            if self.pod.hangs:
                await asyncio.sleep(3600.0)
            if self.pod.refuses or not self.pod.in_the_air:
                raise BleakError("failed to connect")
        finally:
            self.air.end()
        self.pod.client, self._connected = self, True
        self.services = _services(self.pod.is_other_device)
        self.pod.log.append("connect")

    async def disconnect(self) -> None:
        await asyncio.sleep(0)
        if self._connected:
            self._connected = False
            self.pod.streaming = False
        self.pod.log.append("disconnect")

    def drop(self) -> None:
        self._connected = False
        if self._disconnected_callback:
            self._disconnected_callback()

    def notify(self, uuid: str, data: bytes) -> None:
        if uuid in self._callbacks:
            self._callbacks[uuid](bytearray(data))

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_kwargs: Any) -> bytearray:
        self._check()
        return bytearray({profile.POD_INFO: self.pod.info, profile.BATTERY_LEVEL: b"\x57"}[characteristic.uuid])

    async def read_gatt_descriptor(self, descriptor: Any, **_kwargs: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        self._check()
        assert characteristic.uuid == profile.CONTROL_POINT
        assert response
        self.pod.write(bytes(data))

    async def write_gatt_descriptor(self, descriptor: Any, data: Any) -> None:
        raise NotImplementedError

    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: Any, **_kwargs: Any) -> None:
        self._check()
        self._callbacks[characteristic.uuid] = callback

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._check()
        del self._callbacks[characteristic.uuid]

    def _check(self) -> None:
        if not self._connected:
            raise BleakError("not connected")


def _services(other: bool) -> BleakGATTServiceCollection:
    services = BleakGATTServiceCollection()
    uuids = {profile.BATTERY_SERVICE: [profile.BATTERY_LEVEL]}
    if not other:
        uuids[profile.IMU_SERVICE] = [profile.IMU_PACKET, profile.CONTROL_POINT, profile.POD_INFO]
    handle = 0
    for service_uuid, characteristics in uuids.items():
        handle += 1
        service = BleakGATTService(None, handle, service_uuid)
        services.add_service(service)
        for uuid in characteristics:
            handle += 2
            services.add_characteristic(BleakGATTCharacteristic(None, handle, uuid, [], lambda: 182, service))
    return services
