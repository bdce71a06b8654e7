"""The virtual air: the radio's physics, the connection events of every link, and the hub for other processes.

Real HCI, L2CAP and ATT run above it, between a Bumble central and pods that are Bumble GATT servers. Radio
errors delay packets, as in real Bluetooth LE, which sends again until it is heard; they never lose one. A
link that hears nothing for its supervision time-out is dropped at both ends.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from bumble import hci
from bumble.controller import Connection
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink, StreamPacketSink, StreamPacketSource, Transport

from firmware_sim.radio.controller import VirtualController

# Receivers are rated at the signal where one bit in a thousand is wrong (Core Specification 5.4, vol. 6, part
# A, 4.1); the nRF52840 product specification 1.7 gives -95 dBm for it at 1 Mbit/s.
SENSITIVITY_DBM = -95.0
SENSITIVITY_BIT_ERROR = 1e-3
# Free space at 1 m and 2.44 GHz: 20 log10(4 pi d / lambda), Friis 1946, doi:10.1109/JRPROC.1946.234568.
LOSS_AT_1_M_DB = 40.2
# Preamble, access address, header and CRC at 1 Mbit/s (Core Specification 5.4, vol. 6, part B, 2.1).
PDU_OVERHEAD_BYTES = 10
# What phones and laptops carry in one connection event lies between 4 and 6 (Punch Through, "Maximizing BLE
# throughput", 2016).
PDUS_PER_EVENT = 6
# Losses on a runner's body come in bursts of this length.
FADE_S = (0.05, 0.5)


@dataclass(slots=True)
class RadioModel:
    """What one pod's radio meets. May be changed while it is in use."""

    rssi_dbm: float = -60.0
    interference: float = 0.0  # share of exchanges that other traffic spoils
    fades_per_s: float = 0.0  # how often the body shadows the pod, for FADE_S each time
    jammed: bool = False  # nothing gets through

    def packet_error(self, payload_bytes: int) -> float:
        """Probability that a packet has to be sent again.

        Bit errors of noncoherent FSK, exp(-snr / 2) / 2 (Proakis, Digital Communications, 4th ed., eq.
        5.4-46), with the signal-to-noise ratio anchored at the receiver's rated sensitivity.
        """
        if self.jammed:
            return 1.0
        snr_half = -math.log(2 * SENSITIVITY_BIT_ERROR) * 10 ** ((self.rssi_dbm - SENSITIVITY_DBM) / 10)
        bit_error = 0.5 * math.exp(-snr_half)
        heard = (1.0 - bit_error) ** (8 * (payload_bytes + PDU_OVERHEAD_BYTES))
        return 1.0 - heard * (1.0 - self.interference)


def rssi_at(distance_m: float, *, tx_dbm: float = 0.0, body_loss_db: float = 0.0) -> float:
    """Received signal in dBm, free space plus what the body takes."""
    return tx_dbm - LOSS_AT_1_M_DB - 20.0 * math.log10(distance_m) - body_loss_db


# clean: a pod beside the host. busy: a gym full of other radios. poor: at the edge of the range, where a
# third of the packets fail and a fade comes every five seconds.
RADIO_PRESETS = {
    "clean": RadioModel(),
    "busy": RadioModel(rssi_dbm=-75.0, interference=0.2, fades_per_s=0.1),
    "poor": RadioModel(rssi_dbm=-94.0, interference=0.2, fades_per_s=0.2),
}


class RadioLink:
    """One connection: at each event, host and pod take turns to send until one of them is not heard."""

    def __init__(self, central: Connection, peripheral: Connection, radio: RadioModel, rng: random.Random) -> None:
        self.radio = radio
        self._ends = (central, peripheral)
        self._queues: dict[VirtualController, deque[Any]] = {end.controller: deque() for end in self._ends}
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._silent_s = self._fade_left_s = 0.0
        self._interval_s = self._timeout_s = math.inf
        for end in self._ends:
            end.controller.radio_links[end.handle] = self

    def retime(self, interval: int, timeout: int) -> None:
        """New connection parameters, in HCI's units of 1.25 ms and 10 ms. The first call starts events."""
        self._interval_s, self._timeout_s = interval * 1.25e-3, timeout * 10e-3
        if self._timer is None:
            self._schedule()

    def queue(self, sender: VirtualController, packet: Any) -> None:
        self._queues[sender].append(packet)

    def deliver(self, sender: VirtualController, data: bytes) -> None:
        here, there = self._ends if self._ends[0].controller is sender else reversed(self._ends)
        if there.controller.powered:
            there.controller.on_link_acl_data(here.self_address, here.transport, data)

    def end(self, reason: int) -> None:
        """Both ends lose the link."""
        self.close()
        for end in self._ends:
            end.controller.on_le_disconnected(end, reason)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._queues = {controller: deque() for controller in self._queues}

    def _schedule(self) -> None:
        # A late loop skips events instead of crowding them.
        self._due = max(self._due + self._interval_s, self._loop.time())
        self._timer = self._loop.call_at(self._due, self._event)

    def _event(self) -> None:
        self._schedule()
        if self._exchange():
            self._silent_s = 0.0
            return
        # Counted in events, not by the clock: a suspended process must not look like a lost pod.
        self._silent_s += self._interval_s
        if self._silent_s >= self._timeout_s:
            self.end(hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _exchange(self) -> bool:
        """One connection event. True when the ends heard each other."""
        if self._faded() or not all(end.controller.powered for end in self._ends):
            return False
        heard = False
        for _ in range(PDUS_PER_EVENT):
            waiting = [(end, queue) for end in self._ends if (queue := self._queues[end.controller])]
            payload_bytes = sum(len(queue[0].data) for _, queue in waiting)
            if self._rng.random() < self.radio.packet_error(payload_bytes):
                break
            heard = True
            for end, queue in waiting:
                end.on_hci_acl_data_packet(queue.popleft())
            if not waiting:
                break
        return heard

    def _faded(self) -> bool:
        if self._fade_left_s <= 0.0 and self._rng.random() < self.radio.fades_per_s * self._interval_s:
            self._fade_left_s = self._rng.uniform(*FADE_S)
        self._fade_left_s -= self._interval_s
        return self._fade_left_s > 0.0


class Air(LocalLink):
    """All controllers that can hear one another. `seed` fixes every chance event of the radio."""

    def __init__(self, radio: RadioModel | None = None, *, seed: int = 0) -> None:
        super().__init__()
        self.radio = radio or RadioModel()
        self._seed = seed
        self._joined = 0

    async def open(self, radio: RadioModel | None = None) -> Transport:
        """A dongle in this process, as a Bumble host's transport. Without a radio: a copy of the air's."""
        controller = self._controller(radio)
        return Transport(controller, AsyncPipeSink(controller))

    @asynccontextmanager
    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serves HCI over TCP: each connection is a dongle. Gives the transport string for clients."""
        loop = asyncio.get_running_loop()
        clients: set[_HubClient] = set()
        server = await loop.create_server(lambda: _HubClient(self, clients), host, port)
        try:
            yield f"tcp-client:{host}:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for client in list(clients):
                client.transport.abort()
            await asyncio.sleep(0)  # lets the sockets close before the loop does

    def _controller(self, radio: RadioModel | None = None, **transport: Any) -> VirtualController:
        self._joined += 1
        return VirtualController(f"dongle {self._joined}", self, radio or replace(self.radio), **transport)

    def join(self, peripheral: Connection, parameters: Any) -> None:
        """Starts the connection events between a pod and the host that has just connected to it."""
        central_controller = self.find_le_controller(peripheral.peer_address)
        central = central_controller and central_controller.le_connections.get(peripheral.self_address)
        if central:
            rng = random.Random(f"{self._seed} {peripheral.self_address}")
            radio_link = RadioLink(central, peripheral, peripheral.controller.radio, rng)
            radio_link.retime(parameters.interval, parameters.timeout)

    def send_acl_data(self, sender_controller: Any, destination_address: Any, transport: Any, data: bytes) -> None:
        """Stock finds the peer by address and loses the data of links opened with a public one."""
        connection = sender_controller.le_connections.get(destination_address)
        radio_link = connection and sender_controller.radio_links.get(connection.handle)
        if radio_link:
            radio_link.deliver(sender_controller, data)


class _HubClient(StreamPacketSource):
    """One TCP connection. When it ends, its dongle has lost power."""

    def __init__(self, air: Air, clients: set["_HubClient"]) -> None:
        super().__init__()
        self._air, self._clients = air, clients

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._clients.add(self)
        self._controller = self._air._controller(host_source=self, host_sink=StreamPacketSink(transport))

    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.discard(self)
        self._controller.close()
