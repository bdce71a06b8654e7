"""A pod's firmware: sampler, FIFO, packets, queue and GATT server, as docs/gatt-profile.md asks of a real
one.

It runs on any Bumble transport, so the same pod is heard on the virtual air and over a real dongle. Time is
true time in seconds, `time.monotonic()`; the pod stamps its packets with its own crystal.
"""

import asyncio
import contextlib
import logging
import random
import struct
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, Self, runtime_checkable

from bumble import att, core, hci
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.profiles.battery_service import BatteryService
from bumble.profiles.device_information_service import DeviceInformationService
from bumble.transport.common import Transport

from firmware_sim.packetiser import QUEUE_PACKETS, Crystal, Packetiser
from firmware_sim.radio.stack import make_device
from firmware_sim.sampler import Sampler
from host.pods import profile
from host.pods.profile import AttError, Command, PodInfo
from host.tasks import cancel

log = logging.getLogger(__name__)

FIRMWARE_VERSION = "1.0.0"
BATTERY = UUID.from_16_bits(0x180F)
ENVIRONMENTAL_SENSING = UUID.from_16_bits(0x181A)
# Asked for at START. A multiple of 15 ms, which iOS and macOS insist on, that leaves each of three pods room
# for several packets an interval; a lost pod is noticed after the time-out.
INTERVAL_MS = 30.0
SUPERVISION_MS = 2000.0
ADVERTISING_MS = 100.0
PRESSURE_PERIOD_S = 0.1
# Notifications handed to the Bluetooth stack at a time. The rest wait in the queue, where an overflow is
# counted.
STACK_PACKETS = 4
# The FIFO's interrupt comes this much after the sample that fills it.
INTERRUPT_S = 0.5e-3
# Over every notification: ATT opcode and handle.
NOTIFICATION_HEADER_BYTES = 3


@runtime_checkable
class Configurable(Protocol):
    """A sampler whose rate and ranges can be set."""

    def configure(self, info: PodInfo) -> None:
        """Takes on the rate and ranges of `info`. Raises ValueError when the chip has no such setting."""
        ...


class SimulatedPod:
    """`async with SimulatedPod(sampler, air.open): ...` is a pod that is switched on.

    `transport` opens the way to a radio, each time the pod gets power: `air.open`, or Bumble's own
    `partial(open_transport, "usb:0")`. `plug` and `unplug` give and take power.
    """

    def __init__(
        self,
        sampler: Sampler,
        transport: Callable[[], Awaitable[Transport]],
        *,
        name: str = "",
        address: str = "",
        battery_percent: int = 87,
        queue_packets: int = QUEUE_PACKETS,
        seed: int = 0,
    ) -> None:
        self.sampler = sampler
        self.name = name or profile.pod_name(sampler.info.role, f"{seed % 10_000:04d}")
        rng = random.Random(f"pod {seed} {self.name}")
        # Static random: the two highest bits are set (Core Specification 5.4, vol. 6, part B, 1.3.2.1).
        random_address = [rng.getrandbits(6) | 0xC0, *rng.randbytes(5)]
        self.address = address or ":".join(f"{byte:02X}" for byte in random_address)
        self.battery_percent = battery_percent
        self.crystal = Crystal(rng, time.monotonic())
        self.info = sampler.info  # the settings of the next START
        self.started = asyncio.Event()  # set while it streams
        self.led_s = 0  # how long the last IDENTIFY asked to blink
        self._open_transport = transport
        self._packets = Packetiser(sampler.info, self.crystal, queue_packets)
        self._ready = asyncio.Event()  # there may be something to send, and room for it
        self._connection: Any = None
        self._power: contextlib.AsyncExitStack | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def streaming(self) -> bool:
        return self.started.is_set()

    @property
    def dropped(self) -> int:
        """Packets lost to queue overflow."""
        return self._packets.dropped

    async def __aenter__(self) -> Self:
        await self.plug()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._power_off()

    async def plug(self) -> None:
        """Power on: advertises until a host connects, and again whenever the link has ended."""
        await self._power_off()
        async with contextlib.AsyncExitStack() as stack:
            transport = await self._open_transport()
            stack.push_async_callback(transport.close)
            self._device = self._make_device(transport)
            await self._device.power_on()
            self._device.host.le_acl_packet_queue.on("flow", self._ready.set)
            await self._device.start_advertising(auto_restart=True)
            for loop in (self._sample_forever, self._send_forever, self._notify_pressure_forever):
                self._start(loop())
            self._power = stack.pop_all()

    async def unplug(self) -> None:
        """Power off, without a word: the host finds out by itself."""
        await self._power_off()
        self._start(self._sample_forever())  # unheard: the wearer's time goes on

    async def _power_off(self) -> None:
        await cancel(*self._tasks)
        power, self._power = self._power, None
        if power is not None:
            await power.aclose()
        self._on_disconnection(0)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s has failed", self.name, exc_info=error)

    # Sampling and sending

    async def _sample_forever(self) -> None:
        """Wakes when the FIFO should hold the rest of a packet; the chip's own rate may be a little off."""
        while True:
            now_s = time.monotonic()
            samples = self.sampler.read(now_s)
            period_s = 1.0 / self.sampler.info.rate_hz
            due_s = now_s + self.sampler.info.samples_per_packet * period_s
            if self.streaming:
                self._packets.add(samples, now_s)
                self._ready.set()
                newest_s = samples.t_s[-1] if len(samples.t_s) else now_s
                due_s = newest_s + self._packets.missing * period_s + INTERRUPT_S
            await asyncio.sleep(max(due_s - now_s, period_s))

    async def _send_forever(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            stack = self._device.host.le_acl_packet_queue
            while self.streaming and len(self._packets) and stack.pending < STACK_PACKETS:
                await self._notify(self._packet, bytes(self._packets.take()))

    async def _notify_pressure_forever(self) -> None:
        while (pressure_pa := self.sampler.pressure_pa(time.monotonic())) is not None:
            await self._notify(self._pressure, profile.encode_pressure(pressure_pa))
            await asyncio.sleep(PRESSURE_PERIOD_S)

    async def _notify(self, characteristic: Characteristic, value: bytes) -> None:
        if self._connection is not None:
            await self._device.notify_subscriber(self._connection, characteristic, value)

    # The link

    def _on_connection(self, connection: Any) -> None:
        self._connection = connection
        connection.on("disconnection", self._on_disconnection)

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self.started.clear()

    async def _ask_for_interval(self, connection: Any) -> None:
        try:
            await connection.update_parameters(INTERVAL_MS, INTERVAL_MS, 0, SUPERVISION_MS)
        except (core.BaseBumbleError, asyncio.CancelledError) as error:
            # The host decides; and a lost link shows as a cancellation.
            log.debug("%s: connection interval not changed: %r", self.name, error)

    # Commands

    async def _on_control(self, connection: Any, value: bytes) -> None:
        """One write to the control point. A refusal is an ATT error."""
        try:
            command, arguments = Command(value[0]), bytes(value[1:])
        except (ValueError, IndexError):
            raise att.ATT_Error(AttError.UNKNOWN_COMMAND) from None
        try:
            match command:
                case Command.START:
                    struct.unpack("<", arguments)
                    self._begin(connection)
                case Command.STOP:
                    struct.unpack("<", arguments)
                    self.started.clear()
                case Command.SET_RATE:
                    (rate_hz,) = struct.unpack("<H", arguments)
                    self._set(replace(self.info, rate_hz=rate_hz), offered=rate_hz in self.info.rates_hz)
                case Command.SET_RANGES:
                    acc_range_g, gyr_range_dps = struct.unpack("<BH", arguments)
                    self._set(replace(self.info, acc_range_g=acc_range_g, gyr_range_dps=gyr_range_dps))
                case Command.IDENTIFY:
                    (self.led_s,) = struct.unpack("<B", arguments)
                    log.info("%s blinks for %d s", self.name, self.led_s)
        except struct.error:
            raise att.ATT_Error(AttError.WRONG_LENGTH) from None

    def _set(self, info: PodInfo, *, offered: bool = True) -> None:
        """Settings are refused when they are asked for, and used from the next START."""
        if info == self.info:
            return
        if not offered or not isinstance(self.sampler, Configurable):
            raise att.ATT_Error(AttError.NOT_OFFERED)
        self.info = info

    def _begin(self, connection: Any) -> None:
        if self.info != self.sampler.info and isinstance(self.sampler, Configurable):
            self.sampler.configure(self.info)
        room_bytes = min(connection.att_mtu - NOTIFICATION_HEADER_BYTES, profile.MAX_PACKET_BYTES)
        most_samples = (room_bytes - profile.HEADER_BYTES) // profile.SAMPLE_BYTES
        if most_samples < 1:
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_RESOURCES)
        self.sampler.read(time.monotonic())  # what is in the FIFO is older than the stream
        self._packets.restart(self.info, most_samples)
        self.started.set()
        self._start(self._ask_for_interval(connection))

    # The GATT server

    def _make_device(self, transport: Transport) -> Device:
        config = DeviceConfiguration(
            name=self.name,
            address=hci.Address(self.address),
            advertising_interval_min=ADVERTISING_MS,
            advertising_interval_max=ADVERTISING_MS,
        )
        device = make_device(config, transport)
        device.add_services(self._services())
        kind, flag = AdvertisingData.Type, AdvertisingData.Flags
        flags = bytes([flag.LE_GENERAL_DISCOVERABLE_MODE | flag.BR_EDR_NOT_SUPPORTED])
        uuid = bytes(UUID(profile.IMU_SERVICE))
        battery = bytes(BATTERY) + bytes([self.battery_percent])
        advertisement = [
            (kind.FLAGS, flags),
            (kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, uuid),
            (kind.SERVICE_DATA_16_BIT_UUID, battery),
        ]
        device.advertising_data = bytes(AdvertisingData(advertisement))
        # A 128-bit UUID leaves too little room for the name in the advertisement's 31 bytes.
        device.scan_response_data = bytes(AdvertisingData([(kind.COMPLETE_LOCAL_NAME, self.name.encode())]))
        device.on("connection", self._on_connection)
        return device

    def _services(self) -> list[Service]:
        can, readable = Characteristic.Properties, Characteristic.READABLE
        self._packet = Characteristic(profile.IMU_PACKET, can.NOTIFY, Characteristic.Permissions(0))
        on_control = CharacteristicValue(write=self._on_control)
        control = Characteristic(profile.CONTROL_POINT, can.WRITE, Characteristic.WRITEABLE, on_control)
        info_value = CharacteristicValue(read=lambda _connection: bytes(self.info))
        info = Characteristic(profile.POD_INFO, can.READ, readable, info_value)
        device_information = DeviceInformationService(
            manufacturer_name="hamstream",
            model_number="simulated pod",
            serial_number=self.name,
            firmware_revision=FIRMWARE_VERSION,
        )
        services = [
            Service(profile.IMU_SERVICE, [self._packet, control, info]),
            BatteryService(lambda _connection: self.battery_percent),
            device_information,
        ]
        if self.sampler.pressure_pa(time.monotonic()) is not None:
            value = CharacteristicValue(read=lambda _connection: self._pressure_value())
            self._pressure = Characteristic(profile.PRESSURE, can.READ | can.NOTIFY, readable, value)
            services.append(Service(ENVIRONMENTAL_SENSING, [self._pressure]))
        return services

    def _pressure_value(self) -> bytes:
        return profile.encode_pressure(self.sampler.pressure_pa(time.monotonic()) or 0.0)
