"""What the tests of the radio and the pods share: trivial sensors, and a client that listens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice

from dsp.types import Role
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.backend import Backends
from firmware_sim.sampler import Samples
from host.pods import profile
from host.pods.profile import Packet, PodInfo

PATIENCE_S = 10.0


class RampSampler:
    """Every sample's counts are its number, so that a lost, doubled or late one shows."""

    def __init__(self, role: Role = Role.PELVIS, rate_hz: float = 208.0, pressure: float | None = None) -> None:
        self.info = PodInfo(role, 16, 2000, 208, 8, (104, 208))
        self.epoch_s = time.monotonic()
        self._rate_hz, self._pressure, self._next = rate_hz, pressure, 0
        self._progress = asyncio.Event()

    def read(self, until_s: float) -> Samples:
        end = int((until_s - self.epoch_s) * self._rate_hz) + 1
        numbers = np.arange(self._next, end)
        self._next = max(end, self._next)
        self._progress.set()
        counts = np.repeat((numbers % 30_000).astype(np.int16)[:, None], 6, axis=1)
        return Samples(self.epoch_s + numbers / self._rate_hz, counts)

    def pressure_pa(self, t_s: float) -> float | None:
        return self._pressure

    async def wait_samples(self, more: int) -> None:
        """Until the pod has read that many samples from now."""
        goal = self._next + more
        while self._next < goal:
            self._progress.clear()
            await self._progress.wait()

    def delay_s(self, number: int, arrival_s: float) -> float:
        return arrival_s - self.epoch_s - number / self._rate_hz

    def configure(self, info: PodInfo) -> None:
        self.info, self._rate_hz = info, float(info.rate_hz)


class Listener:
    """Collects a pod's packets, and lets a test wait for them."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.arrivals_s: list[float] = []
        self._news = asyncio.Event()

    def __call__(self, _sender: Any, data: bytearray) -> None:
        assert len(data) <= profile.MAX_PACKET_BYTES
        self.packets.append(Packet.from_bytes(bytes(data)))
        self.arrivals_s.append(time.monotonic())
        self._news.set()

    async def wait_for(self, enough: Callable[[list[Packet]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not enough(self.packets):
                self._news.clear()
                await self._news.wait()

    async def wait_packets(self, more: int) -> None:
        goal = len(self.packets) + more
        await self.wait_for(lambda packets: len(packets) >= goal)

    @property
    def sequence(self) -> list[int]:
        return [packet.seq for packet in self.packets]

    @property
    def numbers(self) -> list[int]:
        """The first count of each sample."""
        return [int(count) for packet in self.packets for count in packet.samples[:, 0]]


def is_gapless(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def find(backends: Backends, name: str) -> BLEDevice:
    device = await BleakScanner.find_device_by_name(name, timeout=PATIENCE_S, backend=backends[0])
    assert device is not None
    return device


@asynccontextmanager
async def streaming(backends: Backends, pod: SimulatedPod) -> AsyncIterator[tuple[BleakClient, Listener]]:
    """A client of `pod` that has subscribed and started it."""
    listener = Listener()
    async with BleakClient(await find(backends, pod.name), backend=backends[1]) as client:
        await client.start_notify(profile.IMU_PACKET, listener)
        await client.write_gatt_char(profile.CONTROL_POINT, profile.start(), response=True)
        yield client, listener
