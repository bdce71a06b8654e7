"""Pods in the air: who advertises, and where a wanted pod is. The only place that starts a scanner.

Talks to bleak's public API; `scanner_backend` and `client_backend` are passed through, None is bleak's own.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from bleak import BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from dsp.types import Role
from host.errors import AdapterUnavailableError
from host.pods.profile import BATTERY_SERVICE, IMU_SERVICE, role_of_name

# How long one link may listen before the next one gets its turn to connect.
SLICE_S = 3.0
# A pod that was heard this recently is taken as still there; pods advertise ten times a second.
FRESH_S = 2.0

# What bleak raises. TimeoutError is an OSError; a lost D-Bus connection is an EOFError.
FOREIGN = (BleakError, OSError, EOFError)

_Reason = BleakBluetoothNotAvailableReason
_ALLOW = "Allow Bluetooth for this program (or your terminal) in the system's privacy settings."
_ADAPTER_PROBLEMS = {
    _Reason.NO_BLUETOOTH: (
        "This computer has no Bluetooth radio",
        "Plug in a Bluetooth Low Energy adapter; `hamstream demo` needs none.",
    ),
    _Reason.NO_BLE_CENTRAL_ROLE: (
        "This computer's Bluetooth radio cannot connect to Low Energy devices",
        "Plug in a Bluetooth Low Energy adapter; `hamstream demo` needs none.",
    ),
    _Reason.POWERED_OFF: (
        "Bluetooth is off",
        "Switch it on in the system's settings (on Linux: `bluetoothctl power on`).",
    ),
    _Reason.DENIED_BY_USER: ("Bluetooth is not permitted", _ALLOW),
    _Reason.DENIED_BY_SYSTEM: ("Bluetooth is not permitted by this computer's policy", "Ask who runs it."),
    _Reason.DENIED_BY_UNKNOWN: ("Bluetooth is not permitted", _ALLOW),
}
_SERVICE_ADVICE = (
    "Is the Bluetooth service running (on Linux: `systemctl start bluetooth`)? `hamstream demo` needs none."
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A pod in the air."""

    role: str  # "" when its name does not tell
    name: str
    address: str
    rssi_dbm: int
    battery_percent: int | None  # None when it does not advertise it


async def scan(seconds: float, *, scanner_backend: type[BaseBleakScanner] | None = None) -> list[Sighting]:
    """All pods that advertise within `seconds`, the strongest first. Raises AdapterUnavailableError."""
    seen: dict[str, Sighting] = {}

    def note(device: BLEDevice, advertisement: AdvertisementData) -> None:
        seen[device.address] = _sighting(device, advertisement)

    async with _scanner(note, scanner_backend):
        await asyncio.sleep(seconds)
    return sorted(seen.values(), key=lambda pod: -pod.rssi_dbm)


def _sighting(device: BLEDevice, advertisement: AdvertisementData) -> Sighting:
    name = advertisement.local_name or device.name or ""
    role = role_of_name(name)
    battery = advertisement.service_data.get(BATTERY_SERVICE)
    return Sighting(
        role="" if role is None else role.label,
        name=name,
        address=device.address,
        rssi_dbm=advertisement.rssi,
        battery_percent=battery[0] if battery else None,
    )


@asynccontextmanager
async def _scanner(
    on_advertisement: AdvertisementDataCallback, backend: type[BaseBleakScanner] | None
) -> AsyncIterator[None]:
    """A running scanner for pods. Raises AdapterUnavailableError, with what to do."""
    try:
        scanner = BleakScanner(on_advertisement, [IMU_SERVICE], backend=backend)
        await scanner.start()
    except BleakBluetoothNotAvailableError as error:
        problem = _ADAPTER_PROBLEMS.get(error.reason, ("Bluetooth is not available", _SERVICE_ADVICE))
        raise AdapterUnavailableError(*problem) from error
    except FOREIGN as error:
        # On Linux without BlueZ or D-Bus: the socket is missing, or nobody answers.
        raise AdapterUnavailableError(f"Bluetooth does not answer ({error})", _SERVICE_ADVICE) from error
    try:
        yield
    finally:
        with suppress(*FOREIGN):  # what was heard is heard
            await scanner.stop()


class Wanted(NamedTuple):
    """A pod that a link looks for: by address where one is given, else by the role that its name tells."""

    role: Role
    address: str

    def is_it(self, device: BLEDevice, advertisement: AdvertisementData) -> bool:
        if self.address:
            return device.address.casefold() == self.address.casefold()
        return role_of_name(advertisement.local_name or device.name) is self.role


class Heard(NamedTuple):
    device: BLEDevice
    rssi_dbm: int
    at_s: float  # of the monotonic clock


class Radio:
    """One adapter, shared by all links on it.

    An adapter scans or connects, one thing at a time: BlueZ refuses connects while it scans, and two
    connects at once (bleak #361, #694, #1036). Whoever holds `turn` does either. A link that listens in its
    turn listens for all of them, so that a pod that is missing does not hold up the others.
    """

    def __init__(
        self,
        scanner_backend: type[BaseBleakScanner] | None = None,
        client_backend: type[BaseBleakClient] | None = None,
    ) -> None:
        self.client_backend = client_backend
        self.turn = asyncio.Lock()
        self.wanted: set[Wanted] = set()
        self._scanner_backend = scanner_backend
        self._heard: dict[Wanted, Heard] = {}

    async def look_for(self, wanted: Wanted) -> Heard | None:
        """The device, if it is heard until any wanted pod is or SLICE_S are over. The caller holds `turn`.

        Raises AdapterUnavailableError.
        """
        if found := self._take(wanted):
            return found
        heard = asyncio.Event()

        def note(device: BLEDevice, advertisement: AdvertisementData) -> None:
            for other in self.wanted:
                if other.is_it(device, advertisement):
                    self._heard[other] = Heard(device, advertisement.rssi, time.monotonic())
                    heard.set()

        async with _scanner(note, self._scanner_backend):
            with suppress(TimeoutError):
                async with asyncio.timeout(SLICE_S):
                    await heard.wait()
        return self._take(wanted)

    def _take(self, wanted: Wanted) -> Heard | None:
        found = self._heard.pop(wanted, None)
        return found if found and time.monotonic() - found.at_s < FRESH_S else None
