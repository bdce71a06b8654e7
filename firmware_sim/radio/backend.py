"""bleak on the virtual radio: what bleak's public classes call when the radio is Bumble's.

    async with open_backends("tcp-client:127.0.0.1:9900") as (scanner, client):
        devices = await BleakScanner.discover(backend=scanner)
        async with BleakClient(devices[0], backend=client) as pod: ...

bleak takes backends as classes, so `backends` binds a central to a subclass of each. Bumble's exceptions become
bleak's here.
"""

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from bleak import BleakScanner
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bleak.uuids import normalize_uuid_str
from bumble import att, core
from bumble.core import UUID, AdvertisingData
from bumble.device import Peer
from bumble.transport import open_transport
from bumble.transport.common import Transport, TransportInitError, TransportSpecError

from firmware_sim.radio.central import Central
from host.errors import AdapterUnavailableError

log = logging.getLogger(__name__)
T = TypeVar("T")
Backends = tuple[type[BaseBleakScanner], type[BaseBleakClient]]

_Type = AdvertisingData.Type
_NAMES = (_Type.COMPLETE_LOCAL_NAME, _Type.SHORTENED_LOCAL_NAME)
_UUID_BYTES = {
    _Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA_BYTES = {_Type.SERVICE_DATA_16_BIT_UUID: 2, _Type.SERVICE_DATA_128_BIT_UUID: 16}
# Bumble may take this much longer than asked to give a connection attempt up.
CANCEL_S = 0.5


def _uuid_text(uuid: UUID) -> str:
    return normalize_uuid_str(uuid.to_hex_str("-").lower())


class _Seen(dict[tuple[int, bytes], bytes]):
    """What one device has sent, in advertisements and scan responses: by type, and by whose data it is."""

    def add(self, kind: int, raw: bytes) -> None:
        whose = _SERVICE_DATA_BYTES.get(kind, 2 if kind == _Type.MANUFACTURER_SPECIFIC_DATA else 0)
        self[kind, raw[:whose]] = raw[whose:]

    def data(self, rssi: int, advertisement: Any) -> AdvertisementData:
        name, tx_power = None, None
        manufacturers, services, uuids = {}, {}, []
        for (kind, whose), raw in self.items():
            if kind in _NAMES:
                name = raw.decode("utf8", "replace")
            elif kind == _Type.TX_POWER_LEVEL:
                (tx_power,) = struct.unpack("b", raw)
            elif kind == _Type.MANUFACTURER_SPECIFIC_DATA:
                manufacturers[int.from_bytes(whose, "little")] = raw
            elif kind in _SERVICE_DATA_BYTES:
                services[_uuid_text(UUID.from_bytes(whose))] = raw
            elif size := _UUID_BYTES.get(kind):
                parts = (raw[i : i + size] for i in range(0, len(raw), size))
                uuids += [_uuid_text(UUID.from_bytes(part)) for part in parts]
        return AdvertisementData(name, manufacturers, services, uuids, tx_power, rssi, (advertisement,))


class BumbleScanner(BaseBleakScanner):
    """bleak's scanner on `central`. A device's advertisement and scan response are merged."""

    central: "Central"

    def __init__(self, detection_callback: Any, service_uuids: Any, scanning_mode: str, **_kwargs: Any) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"
        self._seen: dict[str, _Seen] = {}

    async def start(self) -> None:
        self.seen_devices, self._seen = {}, {}
        await self.central.scan(self._on_advertisement, active=self._active)

    async def stop(self) -> None:
        await self.central.stop_scan(self._on_advertisement)

    def _on_advertisement(self, advertisement: Any) -> None:
        address = advertisement.address.to_string(with_type_qualifier=False)
        seen = self._seen.setdefault(address, _Seen())
        for kind, raw in advertisement.data.ad_structures:
            seen.add(kind, bytes(raw))
        data = seen.data(advertisement.rssi, advertisement)
        if self.is_allowed_uuid(data.service_uuids):
            name = data.local_name
            device = self.create_or_update_device(address, address, name, advertisement.address, data)
            self.call_detection_callbacks(device, data)


class BumbleClient(BaseBleakClient):
    """bleak's client on `central`."""

    central: "Central"

    def __init__(self, address_or_ble_device: BLEDevice | str, *, services: Any = None, **kwargs: Any) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        self._wanted_services = services
        self._device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._connection: Any = None
        self._peer: Any = None

    @property
    def name(self) -> str:
        return (self._device and self._device.name) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return int(self._connected().att_mtu)

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_kwargs: Any) -> None:
        if self._connection:
            raise BleakError("already connected")
        device = self._device = self._device or await self._find()
        try:
            async with asyncio.timeout(self._timeout + CANCEL_S):
                self._connection = await self.central.connect(device.details, self._timeout)
                self._connection.on("disconnection", self._on_disconnection)
                self._peer = Peer(self._connection)
                await self._att(self._peer.request_mtu(self.central.mtu))
                if pair:
                    await self.pair()
                self.services = await self._att(self._discover(self._peer))
        except core.TimeoutError as error:
            raise TimeoutError(f"{self.address} did not answer within {self._timeout} s") from error
        except core.BaseBumbleError as error:
            raise BleakError(f"cannot connect to {self.address}: {error}") from error
        except BaseException:
            await self.disconnect()
            raise

    async def _find(self) -> BLEDevice:
        scanner, _ = backends(self.central)
        device = await BleakScanner.find_device_by_address(self.address, timeout=self._timeout, backend=scanner)
        if device is None:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} was not found")
        return device

    async def _discover(self, peer: Any) -> BleakGATTServiceCollection:
        services = BleakGATTServiceCollection()
        await peer.discover_services()
        for s in peer.services:
            uuid = _uuid_text(s.uuid)
            if self._wanted_services and uuid not in self._wanted_services:
                continue
            service = BleakGATTService(s, s.handle, uuid)
            services.add_service(service)
            for c in await s.discover_characteristics():
                properties = sorted(gatt_char_props_to_strs(int(c.properties)))
                characteristic = BleakGATTCharacteristic(
                    c, c.handle, _uuid_text(c.uuid), properties, lambda: self.mtu_size - 3, service
                )
                services.add_characteristic(characteristic)
                for d in await c.discover_descriptors():
                    services.add_descriptor(BleakGATTDescriptor(d, d.handle, _uuid_text(d.type), characteristic))
        return services

    def _on_disconnection(self, _reason: int) -> None:
        if self._connection is None:
            return
        self._connection = self._peer = self.services = None
        if self._disconnected_callback:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        connection = self._connection
        if connection is None:
            return
        # A lost adapter never confirms: the connection is over all the same.
        with contextlib.suppress(core.BaseBumbleError, TimeoutError):
            await asyncio.wait_for(connection.disconnect(), self.central.disconnect_timeout_s)
        if self._connection is connection:
            self._on_disconnection(0)

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        await self._att(self._connected().pair())

    async def unpair(self) -> None:
        await self.disconnect()  # nothing is kept between connections

    def _connected(self) -> Any:
        if self._connection is None:
            raise BleakError("not connected")
        return self._connection

    async def _att(self, operation: Coroutine[Any, Any, T]) -> T:
        """Bumble cancels what waits on a lost link; that must not look like a cancellation of our own."""
        connection = self._connection
        try:
            return await operation
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._connection is not connection and task is not None and not task.cancelling():
                raise BleakError("disconnected during the operation") from None
            raise
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(int(error.error_code)) from error
        except core.BaseBumbleError as error:
            raise BleakError(str(error)) from error

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_kwargs: Any) -> bytearray:
        self._connected()
        return bytearray(await self._att(self._peer.read_value(characteristic.obj.handle)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_kwargs: Any) -> bytearray:
        self._connected()
        return bytearray(await self._att(self._peer.read_value(descriptor.obj.handle)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        self._connected()
        await self._att(self._peer.write_value(characteristic.obj.handle, bytes(data), response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        self._connected()
        await self._att(self._peer.write_value(descriptor.obj.handle, bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **_kwargs: Any
    ) -> None:
        self._connected()
        if characteristic.get_descriptor(normalize_uuid_str("2902")) is None:
            raise BleakError(f"{characteristic.uuid} has no notifications")

        def on_value(value: bytes) -> None:
            try:
                callback(bytearray(value))
            except Exception:  # the user's callback must not unwind into the packet parser
                log.exception("notification callback failed")

        await self._att(self._peer.gatt_client.subscribe(characteristic.obj, on_value))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._connected()
        await self._att(self._peer.gatt_client.unsubscribe(characteristic.obj))


def backends(central: Central) -> Backends:
    """The scanner and client classes to give to bleak as `backend=`."""
    # bleak takes classes and reads their names: an instance or a partial would not do.
    scanner = type("BumbleScanner", (BumbleScanner,), {"central": central})
    client = type("BumbleClient", (BumbleClient,), {"central": central})
    return scanner, client


@asynccontextmanager
async def open_backends(transport: str | Transport, **options: Any) -> AsyncIterator[Backends]:
    """bleak's backends on a Bumble transport, given as a string or already open. Options as for `Central`.

    Raises AdapterUnavailableError when it cannot be opened.
    """
    if isinstance(transport, str):
        try:
            transport = await open_transport(transport)
        except TransportSpecError as error:
            advice = "Write one such as tcp-client:127.0.0.1:9900 or usb:0."
            raise AdapterUnavailableError(f"`{transport}` is no radio ({error})", advice) from error
        except (OSError, TransportInitError, ValueError) as error:
            advice = "Is there such a device, or are the simulated pods running?"
            raise AdapterUnavailableError(f"The radio {transport} does not open ({error})", advice) from error
    central = Central(transport, **options)
    await central.device.power_on()
    try:
        yield backends(central)
    finally:
        await central.close()
