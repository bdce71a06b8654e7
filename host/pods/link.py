"""Links to pods: find, connect, subscribe, start, watch, and again for as long as it takes.

Everything a pod says goes to `on_event` as it came, stamped on arrival. What goes wrong is told as a LINK
event (a LinkState, then perhaps the reason) and tried again; only a computer without working Bluetooth at
the very start is an error for the caller. Talks to bleak's public API; its exceptions become host.errors
here.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from bleak import BleakClient
from bleak.backends.device import BLEDevice
from bleak.exc import BleakBluetoothNotAvailableError, BleakGATTProtocolError

from dsp.types import Role
from host.errors import (
    AdapterUnavailableError,
    ConnectFailedError,
    LinkError,
    LinkLostError,
    PacketError,
    PodNotFoundError,
)
from host.pods import profile
from host.pods.profile import PodInfo
from host.pods.scan import FOREIGN, Radio, Wanted
from host.records import Channel, LinkState, PodEvent
from host.tasks import backoff_s

log = logging.getLogger(__name__)

# After this long without a sight of the pod the wearer should hear of it; the search goes on.
SEARCH_S = 10.0
# Connecting and discovering services takes 1-3 s; BlueZ itself gives up after 25 s, too late for a run.
CONNECT_S = 12.0
# One read or write. A link that is alive answers within a few connection intervals.
REQUEST_S = 3.0
# No packet for this long is a lost link, whatever the system says: Windows takes a minute (bleak #807).
DATA_TIMEOUT_S = 2.0
WATCH_S = 0.25
BATTERY_PERIOD_S = 60.0
# A pod that just streamed is likely to be back at once; one that fails again and again is given some rest,
# but never more than a runner would wait for.
FIRST_RETRY_S = 0.25
MAX_RETRY_S = 8.0

_GO_NEAR = "Is it switched on, charged and near?"


class PodLink:
    """The link to one pod. `run()` streams until it is cancelled."""

    def __init__(
        self,
        role: Role,
        radio: Radio,
        on_event: Callable[[PodEvent], None],
        now_ns: Callable[[], int],
        address: str = "",
    ) -> None:
        self.role = role
        self.address = address  # without one: that of the first pod of this role that streams
        self._radio, self._on_event, self._now_ns = radio, on_event, now_ns
        self._packet_s: float | None = None  # loop time of this connection's newest packet
        self._adapter_works = False

    async def run(self) -> None:
        """Never returns. Raises AdapterUnavailableError when there is no Bluetooth to begin with."""
        failures = 0
        while True:
            try:
                await self._stream()
            except LinkError as error:
                if isinstance(error, AdapterUnavailableError) and not self._adapter_works:
                    raise
                log.info("%s", error)
                failures = 0 if self._packet_s is not None else failures + 1
                self._tell(LinkState.LOST, str(error))
            await asyncio.sleep(backoff_s(failures, FIRST_RETRY_S, MAX_RETRY_S))

    async def _stream(self) -> None:
        """One connection, from search to loss. Always raises a LinkError, or CancelledError."""
        self._packet_s = None
        over = asyncio.Event()
        client = await self._connect(over)
        try:
            with self._translated(ConnectFailedError, "does not do as a pod should"):
                await self._begin(client, over)
            with self._translated(LinkLostError, "the link was lost"):
                await self._watch(client, over)
        except asyncio.CancelledError:
            await self._end(client)
            raise
        finally:
            over.set()
            # Also after a loss: BlueZ keeps the old subscription otherwise, and doubles packets (bleak
            # #2002).
            with suppress(*FOREIGN):
                async with asyncio.timeout(REQUEST_S):
                    await client.disconnect()

    async def _connect(self, over: asyncio.Event) -> BleakClient:
        self._tell(LinkState.SEARCHING)
        wanted = Wanted(self.role, self.address)
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + SEARCH_S
        self._radio.wanted.add(wanted)
        try:
            while loop.time() < give_up_s:
                async with self._radio.turn:
                    heard = await self._radio.look_for(wanted)
                    self._adapter_works = True
                    if heard is not None:
                        signal = profile.encode_signal(heard.rssi_dbm)
                        self._on_event(PodEvent(self.role, Channel.SIGNAL, self._now_ns(), signal))
                        return await self._open(heard.device, over)
        finally:
            self._radio.wanted.discard(wanted)
        raise self._error(PodNotFoundError, "not found", _GO_NEAR)

    async def _open(self, device: BLEDevice, over: asyncio.Event) -> BleakClient:
        self._tell(LinkState.CONNECTING)
        client = BleakClient(device, lambda _client: over.set(), timeout=CONNECT_S, backend=self._radio.client_backend)
        with self._translated(ConnectFailedError, "does not connect"):
            try:
                async with asyncio.timeout(CONNECT_S):
                    await client.connect()
            except BaseException:
                with suppress(*FOREIGN):
                    async with asyncio.timeout(REQUEST_S):
                        await client.disconnect()
                raise
        return client

    async def _begin(self, client: BleakClient, over: asyncio.Event) -> None:
        """From a fresh connection to a running stream."""
        if client.services.get_service(profile.IMU_SERVICE) is None:
            raise self._error(ConnectFailedError, "is not a hamstream pod", "Check its address in the config.")
        await self._read_info(client)
        await self._read_battery(client)

        def on_packet(_sender: object, data: bytearray) -> None:
            arrival_ns = self._now_ns()
            if over.is_set():  # a late one of a link that was given up
                return
            if self._packet_s is None:
                self.address = client.address
                self._tell(LinkState.STREAMING, arrival_ns=arrival_ns)
            self._packet_s = asyncio.get_running_loop().time()
            self._on_event(PodEvent(self.role, Channel.PACKET, arrival_ns, bytes(data)))

        def on_pressure(_sender: object, data: bytearray) -> None:
            arrival_ns = self._now_ns()
            if not over.is_set():
                self._on_event(PodEvent(self.role, Channel.PRESSURE, arrival_ns, bytes(data)))

        async with asyncio.timeout(REQUEST_S):
            await client.start_notify(profile.IMU_PACKET, on_packet)
            if client.services.get_characteristic(profile.PRESSURE) is not None:
                await client.start_notify(profile.PRESSURE, on_pressure)
            await client.write_gatt_char(profile.CONTROL_POINT, profile.start(), response=True)

    async def _read_info(self, client: BleakClient) -> None:
        async with asyncio.timeout(REQUEST_S):
            data = bytes(await client.read_gatt_char(profile.POD_INFO))
        try:
            info = PodInfo.from_bytes(data)
        except PacketError as error:
            raise self._error(ConnectFailedError, str(error), "Its firmware is not for this host.") from error
        if info.role is not self.role:
            log.warning(
                "the pod at %s is made for the %s, worn as %s",
                client.address,
                info.role.label,
                self.role.label,
            )
        self._on_event(PodEvent(self.role, Channel.INFO, self._now_ns(), data))

    async def _read_battery(self, client: BleakClient) -> None:
        if client.services.get_characteristic(profile.BATTERY_LEVEL) is None:
            return
        try:
            async with asyncio.timeout(REQUEST_S):
                data = bytes(await client.read_gatt_char(profile.BATTERY_LEVEL))
        except BleakGATTProtocolError as error:  # it can stream without
            log.info("%s pod: no battery level: %s", self.role.label, error)
            return
        self._on_event(PodEvent(self.role, Channel.BATTERY, self._now_ns(), data))

    async def _watch(self, client: BleakClient, over: asyncio.Event) -> None:
        """Until the link is lost, which raises LinkLostError."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        battery_s = started_s + BATTERY_PERIOD_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_S):
                    await over.wait()
                raise self._error(LinkLostError, "the link was lost", _GO_NEAR)
            if loop.time() - (self._packet_s or started_s) > DATA_TIMEOUT_S:
                raise self._error(LinkLostError, f"silent for {DATA_TIMEOUT_S:g} s", _GO_NEAR)
            if loop.time() >= battery_s:
                battery_s += BATTERY_PERIOD_S
                await self._read_battery(client)

    async def _end(self, client: BleakClient) -> None:
        """Stops a stream that is no longer wanted, as far as the pod still listens."""
        with suppress(*FOREIGN):
            async with asyncio.timeout(REQUEST_S):
                if client.is_connected:
                    await client.write_gatt_char(profile.CONTROL_POINT, profile.stop(), response=True)
                    await client.stop_notify(profile.IMU_PACKET)

    def _tell(self, state: LinkState, reason: str = "", arrival_ns: int | None = None) -> None:
        data = f"{state} {reason}".strip().encode()
        now_ns = self._now_ns() if arrival_ns is None else arrival_ns
        self._on_event(PodEvent(self.role, Channel.LINK, now_ns, data))

    def _error(self, kind: type[LinkError], problem: str, advice: str) -> LinkError:
        return kind(self.role.label, self.address or "any address", problem, advice)

    @contextmanager
    def _translated(self, kind: type[LinkError], problem: str) -> Iterator[None]:
        """bleak's exceptions become ours, once, here."""
        try:
            yield
        except BleakBluetoothNotAvailableError as error:
            raise AdapterUnavailableError("Bluetooth has gone off", "Switch it on again.") from error
        except TimeoutError as error:
            raise self._error(kind, f"{problem} (no answer in time)", _GO_NEAR) from error
        except FOREIGN as error:
            raise self._error(kind, f"{problem} ({error})", _GO_NEAR) from error


class Links:
    """The links of one runner. `run()` streams until it is cancelled.

    addresses: by role; empty means the first pod of each role that is found. radio: the adapter, shared by all runners
    on it.
    """

    def __init__(
        self,
        addresses: Mapping[Role, str],
        on_event: Callable[[PodEvent], None],
        now_ns: Callable[[], int],
        radio: Radio,
    ) -> None:
        self.links = [PodLink(role, radio, on_event, now_ns, addresses.get(role, "")) for role in (addresses or Role)]

    async def run(self) -> None:
        """Never returns. Raises AdapterUnavailableError when there is no Bluetooth to begin with."""
        try:
            async with asyncio.TaskGroup() as group:
                for link in self.links:
                    group.create_task(link.run(), name=f"{link.role.label} link")
        except ExceptionGroup as errors:
            if unavailable := errors.subgroup(AdapterUnavailableError):
                raise unavailable.exceptions[0] from None
            raise
