"""The connection events of one link, in which packets wait for their turn, and for the radio.

Radio errors delay packets, as in real Bluetooth LE, which sends again until it is heard; they never lose one. A link
that hears nothing for its supervision time-out is dropped at both ends.
"""

import asyncio
import math
import random
from collections import deque
from typing import Any

from bumble import hci
from bumble.controller import Connection, Controller

from firmware_sim.radio.model import RadioModel

# What phones and laptops carry in one connection event lies between 4 and 6 (Punch Through, "Maximizing BLE
# throughput", 2016).
PDUS_PER_EVENT = 6
# Losses on a runner's body come in bursts of this length.
FADE_S = (0.05, 0.5)


class RadioLink:
    """One connection: at each event, host and pod take turns to send until one of them is not heard."""

    def __init__(self, central: Connection, peripheral: Connection, radio: RadioModel, rng: random.Random) -> None:
        self.radio = radio
        self._ends = (central, peripheral)
        self._queues: dict[Controller, deque[Any]] = {end.controller: deque() for end in self._ends}
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

    def queue(self, sender: Controller, packet: Any) -> None:
        self._queues[sender].append(packet)

    def deliver(self, sender: Controller, data: bytes) -> None:
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
