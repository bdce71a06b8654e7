"""The embedded broker, used by independent clients (paho-mqtt in its own thread) and by rude ones."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import paho.mqtt.client as paho
from blockbuster import blockbuster_ctx

from host.sinks.broker import EmbeddedBroker
from host.sinks.mqtt import MqttConfig
from host.sinks.mqtt_link import BrokerLink
from tests.host.sinks.records import until
from tests.servers import Subscriber


@asynccontextmanager
async def subscribed(broker: EmbeddedBroker, *filters: str, **more: Any) -> AsyncIterator[Subscriber]:
    """Not in the loop's thread, for there the broker runs."""
    subscriber = await asyncio.to_thread(Subscriber(broker.port, *filters, **more).__enter__)
    try:
        yield subscriber
    finally:
        await asyncio.to_thread(subscriber.__exit__, None, None, None)


def link(broker: EmbeddedBroker) -> BrokerLink:
    return BrokerLink(MqttConfig(broker.host, broker.port))


async def test_messages_arrive_in_order_and_nothing_blocks_the_loop() -> None:
    async with EmbeddedBroker() as broker, subscribed(broker, "a/#") as subscriber:
        with blockbuster_ctx():
            async with link(broker).connect() as connection:
                for number in range(200):
                    await connection.publish("a/b", {"n": number}, qos=1)
            await until(lambda: len(subscriber.messages) == 200)
    assert [message.payload["n"] for message in subscriber.messages] == list(range(200))


async def test_retained_messages_reach_those_who_asked_for_them_only() -> None:
    async with EmbeddedBroker() as broker, subscribed(broker, "coach/#"):
        async with link(broker).connect() as connection:
            await connection.publish("coach/secret", {"n": 1}, qos=1, retain=True)
        # Its filter is nobody else's. What it must not get would have come before the answer to SUBSCRIBE.
        async with subscribed(broker, "other/#") as stranger, subscribed(broker, "coach/+") as friend:
            await until(lambda: friend.messages)
            assert [(m.topic, m.retain) for m in friend.messages] == [("coach/secret", True)]
            assert stranger.messages == []


async def test_it_listens_on_loopback_only_and_avoids_a_taken_port() -> None:
    async with EmbeddedBroker() as first, EmbeddedBroker(first.port) as second:
        assert first.port != second.port
        assert {s.getsockname()[0] for s in first._server.sockets} == {"127.0.0.1"}
        async with link(first).connect(), link(second).connect():
            pass
    async with EmbeddedBroker(first.port) as third:
        assert third.port == first.port


async def test_a_rude_client_harms_nobody(caplog) -> None:
    async with EmbeddedBroker() as broker, subscribed(broker, "a/b") as subscriber:
        for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\x7f", bytes(range(256))):
            with socket.socket() as rude:
                rude.setblocking(False)
                await asyncio.get_running_loop().sock_connect(rude, (broker.host, broker.port))
                await asyncio.get_running_loop().sock_sendall(rude, noise)
        async with link(broker).connect() as connection:
            await connection.publish("a/b", {"still": "there"}, qos=1)
        await until(lambda: subscriber.messages)
    assert caplog.text == ""


async def test_it_goes_down_with_clients_still_there_and_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    gone: list[object] = []

    def prepare(client: paho.Client) -> None:
        client.on_disconnect = lambda *_: gone.append(True)

    async with EmbeddedBroker() as broker:
        subscriber = await asyncio.to_thread(Subscriber(broker.port, "a/#", prepare=prepare).__enter__)
    await until(lambda: gone)
    await asyncio.to_thread(subscriber.__exit__, None, None, None)
    await until(lambda: asyncio.all_tasks() == before)


def test_amqtt_is_loaded_only_when_a_broker_starts() -> None:
    code = "import host.sinks.broker, host.sinks.mqtt, sys; print('amqtt' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
