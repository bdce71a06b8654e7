"""A host's adapter on the virtual radio: scanning and connecting through any Bumble transport.

The transport is a hub of the virtual air (`Air.listen`), a dongle of an air in this process (`Air.open`), or
real hardware by Bumble's transport string (`usb:0`, `serial:/dev/ttyACM0`).
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason
from bumble import hci
from bumble.device import ConnectionParametersPreferences, DeviceConfiguration
from bumble.transport.common import Transport

from firmware_sim.radio.stack import make_device

# What a phone starts with while it discovers services; the pod then asks for its own interval.
FIRST_INTERVAL_MS = 7.5
FIRST_TIMEOUT_MS = 2000.0
DISCONNECT_TIMEOUT_S = 5.0


class Central:
    """One adapter with a Bumble host on it, shared by all scanners and clients."""

    def __init__(
        self,
        transport: Transport,
        *,
        mtu: int = 517,
        first_interval_ms: float = FIRST_INTERVAL_MS,
        first_timeout_ms: float = FIRST_TIMEOUT_MS,
    ) -> None:
        self.mtu = mtu
        self.disconnect_timeout_s = DISCONNECT_TIMEOUT_S
        self._transport = transport
        config = DeviceConfiguration(name="hamstream host", address=hci.Address.generate_static_address())
        self.device = make_device(config, transport)
        self._listeners: list[Callable[[Any], None]] = []
        self._scanning = asyncio.Lock()
        # An adapter has room for one pending connection.
        self._connecting = asyncio.Lock()
        self._preferences = {
            hci.HCI_LE_1M_PHY: ConnectionParametersPreferences(
                connection_interval_min=first_interval_ms,
                connection_interval_max=first_interval_ms,
                supervision_timeout=first_timeout_ms,
            )
        }

    async def scan(self, listener: Callable[[Any], None], *, active: bool) -> None:
        self._check_adapter()
        async with self._scanning:
            if not self._listeners:
                await self.device.start_scanning(active=active, filter_duplicates=False)
            self.device.on("advertisement", listener)
            self._listeners.append(listener)

    async def stop_scan(self, listener: Callable[[Any], None]) -> None:
        async with self._scanning:
            if listener not in self._listeners:
                return
            self.device.remove_listener("advertisement", listener)
            self._listeners.remove(listener)
            if not self._listeners and not self._lost:
                await self.device.stop_scanning()

    async def connect(self, address: hci.Address, timeout_s: float) -> Any:
        """Raises Bumble's TimeoutError or ConnectionError; leaves nothing pending when cancelled."""
        self._check_adapter()
        async with self._connecting:
            try:
                return await self.device.connect(
                    address, connection_parameters_preferences=self._preferences, timeout=timeout_s
                )
            except asyncio.CancelledError:
                await self._abandon(address)
                raise

    async def _abandon(self, address: hci.Address) -> None:
        """Bumble forgets a cancelled attempt, the controller does not: it would connect later, unasked."""
        if self._lost:
            return
        with contextlib.suppress(hci.HCI_Error):
            await self.device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command())
        for connection in list(self.device.connections.values()):
            if connection.peer_address == address:
                with contextlib.suppress(hci.HCI_Error):
                    await connection.disconnect()

    @property
    def _lost(self) -> bool:
        return bool(self._transport.source.terminated.done())

    def _check_adapter(self) -> None:
        if self._lost:
            reason = BleakBluetoothNotAvailableReason.NO_BLUETOOTH
            raise BleakBluetoothNotAvailableError("the adapter has gone", reason)

    async def close(self) -> None:
        """Ends what is still connected, so that pods advertise again at once."""
        if not self._lost:
            for connection in list(self.device.connections.values()):
                with contextlib.suppress(hci.HCI_Error, TimeoutError):
                    await asyncio.wait_for(connection.disconnect(), DISCONNECT_TIMEOUT_S)
        await self.device.power_off()
        await self._transport.close()
