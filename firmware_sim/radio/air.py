"""The virtual air: who hears whom, and the hub for other processes.

Real HCI, L2CAP and ATT run above it, between a Bumble central and pods that are Bumble GATT servers. What a link
carries, and when, is in link.py.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bumble.controller import Connection
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink, StreamPacketSink, StreamPacketSource, Transport

from firmware_sim.radio.controller import VirtualController
from firmware_sim.radio.link import RadioLink
from firmware_sim.radio.model import RadioModel


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
