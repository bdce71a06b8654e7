"""The MQTT sink against a real broker, watched by an independent client (paho-mqtt in its own thread)."""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import paho.mqtt.client as paho
import pytest
import yaml
from blockbuster import blockbuster_ctx

from host.errors import SinkError
from host.feed import Feed, Message, to_payload
from host.records import PodHealth
from host.sinks import mqtt, mqtt_link
from host.sinks.broker import EmbeddedBroker
from host.sinks.mqtt import MqttConfig, MqttSink, topic
from host.sinks.mqtt_link import BrokerLink
from host.sinks.schema import utc_text
from host.sinks.store import Store
from host.tasks import cancel
from tests.host.sinks.records import cue, effect, pain, session_info, stride, until
from tests.servers import Server, Subscriber, free_port, make_certificates, mosquitto, password_file

INFO = session_info()


class Bench:
    """A store, a feed and a running sink: what a session does, without a session."""

    def __init__(self, store: Store, feed: Feed, sink: MqttSink) -> None:
        self.store, self.feed, self.sink = store, feed, sink
        self.strides = 0

    def say(self, kind: str, payload: dict[str, Any], runner: str = "ann") -> None:
        self.feed.publish(Message(runner, kind, payload))

    def status(self, phase: str = "running", runner: str = "ann") -> None:
        payload = {"phase": phase, "prompt": "", "held": ["overstride"], "session": INFO.session}
        self.say("status", payload, runner)

    def add_strides(self, count: int, session: str = INFO.session) -> None:
        for _ in range(count):
            self.strides += 1
            self.store.add_stride(session, stride(float(self.strides)))

    def land(self, ic_s: float, **changes: Any) -> None:
        """A stride that has just happened."""
        self.say("stride", to_payload(stride(ic_s, **changes), session=INFO.session, latency_ms=90.0))

    def cue(self, number: int = 1, age_s: float = 0.0, valid_s: float = 1.0) -> None:
        decided = datetime.now(UTC) - timedelta(seconds=age_s)
        self.say("cue", cue_payload(decided, number, valid_s))

    async def forwarded(self) -> None:
        """Returns when the broker has everything that the store has."""
        await self.store._settle()
        head = await self.store._run(lambda conn: conn.execute("SELECT max(seq) FROM log").fetchone()[0])
        await until(lambda: self.store._positions.get(self.sink._cursor_name, 0) >= head, 15)


def cue_payload(decided: datetime, number: int = 1, valid_s: float = 1.0) -> dict[str, Any]:
    return to_payload(
        cue(2.0),
        cue_id=f"{INFO.session}-{number}",
        session=INFO.session,
        decided_utc=utc_text(decided),
        valid_until=utc_text(decided + timedelta(seconds=valid_s)),
        latency_ms=120.5,
        language="en",
    )


@asynccontextmanager
async def bench(path: Path, config: MqttConfig) -> AsyncIterator[Bench]:
    async with Store.open(path) as store:
        feed = Feed()
        sink = MqttSink(config, store, feed)
        task = asyncio.create_task(sink.run())
        await asyncio.sleep(0)
        try:
            yield Bench(store, feed, sink)
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


def config_for(server: Server | EmbeddedBroker, **more: Any) -> MqttConfig:
    return MqttConfig(server.host, server.port, **more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hamstream.db"


@pytest.fixture
def watcher(mosquitto_broker: Server) -> Iterator[Subscriber]:
    with Subscriber(mosquitto_broker.port, "hamstream/#", version=paho.MQTTv5) as subscriber:
        yield subscriber


async def one_of_each(at: Bench) -> None:
    await at.store.begin_session(INFO)
    at.say("session", to_payload(INFO, event="started"))
    at.status()
    health = PodHealth("pelvis", "streaming", float("nan"), 207.9, 100, 2, 0, 0.4, 3.0)
    at.say("pods", {"pods": [to_payload(health)]})
    at.store.add_effect(INFO.session, effect(1))  # effects and pain are in the log too, but not for the broker
    await at.store.add_pain(pain(3, session=INFO.session))
    at.add_strides(2)
    at.cue()
    at.store.add_cue(INFO.session, cue(2.0), utc_text(datetime.now(UTC)))


async def test_everything_goes_out_and_nothing_blocks(mosquitto_broker, watcher, path) -> None:
    with blockbuster_ctx(scanned_modules="host"):
        async with bench(path, config_for(mosquitto_broker)) as at:
            await one_of_each(at)
            await until(lambda: watcher.on("status"))
            at.land(1.0)  # of what lands without a connection nothing is said
            await until(lambda: len(watcher.on("strides")) == 2 and watcher.on("alerts") and watcher.on("live"))
            await at.store.end_session(INFO.session, "2026-03-01T07:10:00.000Z", {"strides": 2})
    await until(lambda: len(watcher.on("session")) == 2)
    assert {m.topic.removeprefix("hamstream/ann/") for m in watcher.messages} == {
        "status", "pods", "live", "strides", "alerts", "session",
    }  # fmt: skip
    first, second = watcher.on("strides")
    assert (first.payload["stride"], second.payload["stride"]) == (1, 2)
    assert first.payload["ic_s"] == 1.0
    assert first.payload["pelvic_drop_deg"] is None
    assert first.qos == 1
    (alert,) = watcher.on("alerts")
    assert (alert.qos, alert.retain, alert.expiry_s) == (1, False, 1)
    assert alert.payload["text"] == "Land under your hips"
    started, ended = watcher.on("session")
    assert (started.payload["event"], started.payload["runner"]) == ("started", "ann")
    assert (ended.payload["event"], ended.payload["summary"]) == ("ended", {"strides": 2})
    assert "recording" not in started.payload
    assert watcher.on("pods")[0].payload["pods"][0]["battery_percent"] is None
    await asyncio.to_thread(check_against_the_document, watcher)


def check_against_the_document(watcher: Subscriber) -> None:
    """Every message is as docs/asyncapi.yaml says, and each of its channels was used."""
    document = yaml.safe_load((Path(__file__).parents[3] / "docs" / "asyncapi.yaml").read_text())
    channels = {channel["address"].replace("{runner}", "ann"): channel for channel in document["channels"].values()}
    for message in watcher.messages:
        (reference,) = channels[message.topic]["messages"].values()
        name = reference["$ref"].rsplit("/", 1)[1]
        schema = document["components"]["schemas"][name] | {"components": document["components"]}
        jsonschema.Draft202012Validator(schema).validate(message.payload)
    assert {message.topic for message in watcher.messages} == set(channels)


async def test_an_older_broker_gets_3_1_1_and_is_remembered(path) -> None:
    async with EmbeddedBroker() as broker, bench(path, config_for(broker)) as at:
        subscriber = await asyncio.to_thread(Subscriber(broker.port, "hamstream/#").__enter__)
        try:
            at.status()
            await until(lambda: subscriber.on("status"))
            await one_of_each(at)
            await until(lambda: len(subscriber.on("strides")) == 2 and subscriber.on("alerts"))
        finally:
            await asyncio.to_thread(subscriber.__exit__, None, None, None)
        assert subscriber.on("alerts")[0].expiry_s is None
        assert at.sink._link._version == paho.MQTTv311


@pytest.mark.parametrize("silent", [True, False])
async def test_a_broker_that_answers_version_5_with_silence_or_refusal(silent, monkeypatch) -> None:
    """Versions of the CONNECTs seen, by a broker of ten lines."""
    monkeypatch.setattr(mqtt_link, "ANSWER_S", 0.3)
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(9)  # type, length, "MQTT" with its length, version
        seen.append(head[8])
        if head[8] == 4:
            writer.write(bytes([0x20, 2, 0, 0]))  # CONNACK, accepted
        elif not silent:
            writer.write(bytes([0x20, 2, 0, 1]))  # CONNACK of 3.1.1: unacceptable protocol version
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        link = BrokerLink(MqttConfig("127.0.0.1", server.sockets[0].getsockname()[1]))
        for _ in range(2):
            async with link.connect() as connection:
                assert not connection.v5
        await until(lambda: len(seen) == 3)
    assert seen == [5, 4, 4]


async def test_status_is_retained_and_ends_offline(mosquitto_broker, watcher, path) -> None:
    async with bench(path, config_for(mosquitto_broker)) as at:
        at.status("standing")
        at.status("running")
        await until(lambda: watcher.on("status") and watcher.on("status")[-1].payload["phase"] == "running")
        assert (await asyncio.to_thread(retained, mosquitto_broker))["online"] is True
    assert await asyncio.to_thread(retained, mosquitto_broker) == {"online": False}


def retained(broker: Server) -> dict[str, Any]:
    """The status that a late subscriber finds. The second topic, which every mosquitto has, tells when all is there."""
    with Subscriber(broker.port, "hamstream/ann/status", "$SYS/broker/version") as late:
        give_up = time.monotonic() + 5
        while not late.on("version") and time.monotonic() < give_up:
            time.sleep(0.01)
        return late.on("status")[0].payload if late.on("status") else {}


async def test_a_killed_publisher_leaves_its_last_will(mosquitto_broker, watcher, path) -> None:
    command = [sys.executable, "-c", _PUBLISH_FOR_EVER, str(path), str(mosquitto_broker.port)]
    process = await asyncio.to_thread(subprocess.Popen, command)
    try:
        await until(lambda: watcher.on("status"), 20)
        assert watcher.on("status")[-1].payload["online"] is True
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
    await until(lambda: watcher.on("status")[-1].payload == {"online": False})
    assert await asyncio.to_thread(retained, mosquitto_broker) == {"online": False}


_PUBLISH_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from host.errors import SinkError
from host.feed import Feed, Message
from host.sinks.mqtt import MqttConfig, MqttSink
from host.sinks.store import Store

async def main():
    feed = Feed()
    feed.publish(Message("ann", "status", {"phase": "running", "prompt": "", "held": [], "session": "s"}))
    async with Store.open(Path(sys.argv[1])) as store:
        await MqttSink(MqttConfig("127.0.0.1", int(sys.argv[2])), store, feed).run()

asyncio.run(main())
"""


async def test_a_dead_connection_does_not_say_offline_after_the_new_one_said_online(
    mosquitto_broker, watcher, path
) -> None:
    """The network goes on the publisher's side only: to the broker the old connection lives on for a while."""
    async with relay_to(mosquitto_broker) as (port, clients), bench(path, MqttConfig("127.0.0.1", port)) as at:
        at.status()
        await until(lambda: watcher.on("status"))
        for client in clients:
            client.transport.abort()
        # The broker ends the old connection, with its last will, because the new one has the same identifier.
        await until(lambda: len(watcher.on("status")) == 3)
        assert [message.payload["online"] for message in watcher.on("status")] == [True, False, True]


@asynccontextmanager
async def relay_to(broker: Server) -> AsyncIterator[tuple[int, list[asyncio.StreamWriter]]]:
    """A port that leads to the broker. The broker does not learn when a client's side of it breaks."""
    clients: list[asyncio.StreamWriter] = []
    brokers: list[asyncio.StreamWriter] = []
    tasks: list[asyncio.Task[None]] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_broker, to_broker = await asyncio.open_connection(broker.host, broker.port)
        clients.append(writer)
        brokers.append(to_broker)
        tasks.extend(asyncio.create_task(carry(*ends)) for ends in ((reader, to_broker), (from_broker, writer)))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], clients
    finally:
        server.close()
        await cancel(*tasks)
        for writer in clients + brokers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def test_an_outage_loses_and_doubles_nothing(mosquitto_broker, watcher, path, caplog) -> None:
    async with bench(path, config_for(mosquitto_broker)) as at:
        await at.store.begin_session(INFO)
        at.add_strides(30)
        await at.forwarded()
        await asyncio.to_thread(mosquitto_broker.stop)
        for _ in range(5):
            at.add_strides(50)
            await asyncio.sleep(0.1)
        await asyncio.to_thread(mosquitto_broker.start)
        with Subscriber(mosquitto_broker.port, "hamstream/#") as second:
            await until(lambda: len(watcher.on("strides")) + len(second.on("strides")) >= 280, 20)
            await at.forwarded()
            await asyncio.sleep(0.2)
            # the watcher reconnects by itself, somewhere in the middle: the second one has all from the restart on
            got = [m.payload["stride"] for m in watcher.on("strides")[:30] + second.on("strides")]
    assert got == list(range(1, 281))
    assert len([r for r in caplog.records if "tried again" in r.message]) == 1
    assert len([r for r in caplog.records if "is back" in r.message]) == 1


async def test_the_next_process_goes_on_where_the_last_one_ended(mosquitto_broker, watcher, path) -> None:
    config = config_for(mosquitto_broker)
    async with bench(path, config) as at:
        await at.store.begin_session(INFO)
        at.add_strides(5)
        await at.store.end_session(INFO.session, "2026-03-01T07:10:00.000Z", {})
        await at.forwarded()
    await asyncio.to_thread(mosquitto_broker.stop)
    async with bench(path, config) as at:  # a run without broker
        at.strides = 5
        await at.store.begin_session(session_info("20260301T080000000Z-ann"))
        at.add_strides(5, "20260301T080000000Z-ann")
        await at.store.end_session("20260301T080000000Z-ann", "2026-03-01T08:10:00.000Z", {})
    await asyncio.to_thread(mosquitto_broker.start)
    with Subscriber(mosquitto_broker.port, "hamstream/#") as second:
        async with bench(path, config) as at:
            await at.forwarded()
            await until(lambda: len(second.on("strides")) == 5)
        assert [m.payload["ic_s"] for m in second.on("strides")] == [6.0, 7.0, 8.0, 9.0, 10.0]
        assert [m.payload["event"] for m in second.on("session")] == ["started", "ended"]
        assert {m.payload["session"] for m in second.on("session")} == {"20260301T080000000Z-ann"}


async def test_a_new_broker_is_not_told_old_stories(mosquitto_broker, watcher, path) -> None:
    async with Store.open(path) as store:
        await store.begin_session(INFO)
        store.add_stride(INFO.session, stride(1.0))
    async with bench(path, config_for(mosquitto_broker)) as at:
        at.strides = 1
        await at.store.begin_session(session_info("20260301T080000000Z-ann"))
        at.add_strides(1, "20260301T080000000Z-ann")
        await at.forwarded()
        await until(lambda: watcher.on("strides"))
    assert [m.payload["ic_s"] for m in watcher.on("strides")] == [2.0]


async def test_a_cue_is_delivered_in_time_or_not_at_all(mosquitto_broker, watcher, path) -> None:
    async with bench(path, config_for(mosquitto_broker)) as at:
        at.status()
        await until(lambda: watcher.on("status"))
        await asyncio.to_thread(mosquitto_broker.stop)
        at.cue(1, valid_s=0.2)
        at.cue(2, valid_s=60.0)
        at.cue(3, age_s=5.0)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(mosquitto_broker.start)
        with Subscriber(mosquitto_broker.port, "hamstream/ann/alerts") as subscriber:
            await until(lambda: subscriber.messages)
            at.cue(4)
            await until(lambda: len(subscriber.messages) == 2)
        numbers = [m.payload["cue_id"].rsplit("-", 1)[1] for m in subscriber.messages]
        assert numbers == ["2", "4"]
        assert at.sink.dropped_cues == 2


async def test_live_figures_are_the_newest_and_never_a_flood(mosquitto_broker, watcher, path, monkeypatch) -> None:
    monkeypatch.setattr(mqtt, "LIVE_PERIOD_S", 3.0)
    async with bench(path, config_for(mosquitto_broker)) as at:
        at.status()
        await until(lambda: watcher.on("status"))
        at.land(1.0)
        await until(lambda: watcher.on("live"))
        for k in range(2, 50):
            at.land(float(k), side="left" if k % 2 else "right", flight_time_ms=float("nan"))
            await asyncio.sleep(0.005)
        at.land(50.0, quality="gap", speed_mps=99.0)
        await until(lambda: len(watcher.on("live")) == 2)
    first, second = watcher.on("live")
    assert (first.qos, first.retain) == (0, False)
    assert not any(name.startswith("right") for name in first.payload)
    right, left = stride(48.0), stride(49.0)
    assert second.payload == {
        "speed_mps": left.speed_mps, "cadence_spm": left.cadence_spm, "pelvic_tilt_deg": left.pelvic_tilt_deg,
        "latency_ms": 90.0, "faults_held": 1,
        "left_tibial_inclination_ic_deg": left.tibial_inclination_ic_deg,
        "left_foot_ahead_of_pelvis_mm": left.foot_ahead_of_pelvis_mm,
        "left_contact_time_ms": left.contact_time_ms,
        "right_tibial_inclination_ic_deg": right.tibial_inclination_ic_deg,
        "right_foot_ahead_of_pelvis_mm": right.foot_ahead_of_pelvis_mm,
        "right_contact_time_ms": right.contact_time_ms,
    }  # fmt: skip


async def test_an_alert_does_not_wait_for_the_backlog(mosquitto_broker, path) -> None:
    await asyncio.to_thread(mosquitto_broker.stop)
    async with bench(path, config_for(mosquitto_broker)) as at:
        await at.store.begin_session(INFO)
        at.status()
        at.add_strides(1000)
        await at.store._settle()
        await asyncio.to_thread(mosquitto_broker.start)
        with Subscriber(mosquitto_broker.port, "hamstream/#") as subscriber:
            await until(lambda: len(subscriber.on("strides")) >= 100)
            at.cue()
            await until(lambda: subscriber.on("alerts"))
            position = subscriber.messages.index(subscriber.on("alerts")[0])
            strides_before = [m for m in subscriber.messages[:position] if m.topic.endswith("strides")]
            assert len(strides_before) < 900


async def test_two_runners_have_their_own_status_and_last_will(mosquitto_broker, watcher, path) -> None:
    async with bench(path, config_for(mosquitto_broker)) as at:
        at.status(runner="ann")
        at.status(runner="bob")
        await until(lambda: len(watcher.on("status")) == 2)
        assert {m.topic for m in watcher.messages} == {"hamstream/ann/status", "hamstream/bob/status"}
        at.say("session", to_payload(session_info(runner="bob"), event="ended"), "bob")
        await until(lambda: len(watcher.on("status")) == 3)
        assert (watcher.messages[-1].topic, watcher.messages[-1].payload) == ("hamstream/bob/status", {"online": False})
        at.status("standing", runner="bob")  # the next session
        await until(lambda: len(watcher.on("status")) == 4)
        assert watcher.messages[-1].payload["phase"] == "standing"


async def test_a_sink_that_comes_after_the_session_says_nothing_of_it(mosquitto_broker, watcher, path) -> None:
    async with Store.open(path) as store:
        feed = Feed()
        for runner in ("ann", "bob"):
            feed.publish(Message(runner, "status", {"phase": "running"}))
        feed.publish(Message("ann", "session", to_payload(INFO, event="ended")))
        sink = asyncio.create_task(MqttSink(config_for(mosquitto_broker), store, feed).run())
        await until(lambda: watcher.on("status"))
        await cancel(sink)
    assert {message.topic for message in watcher.messages} == {"hamstream/bob/status"}


# paho does not close the socket of a failed TLS handshake; the garbage collector does, and says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_tls_with_password(mosquitto_folder: Path, path: Path) -> None:
    make_certificates(mosquitto_folder)
    passwords = password_file(mosquitto_folder)
    settings = [f"{key} {mosquitto_folder / name}" for key, name in _TLS_SETTINGS]
    with mosquitto(mosquitto_folder, "allow_anonymous false", *settings) as broker:
        config = config_for(broker, tls=True, ca_file=mosquitto_folder / "ca.pem", username="coach", password="sesame")

        def prepare(client: paho.Client) -> None:
            client.tls_set(str(config.ca_file))
            client.username_pw_set("coach", "sesame")

        subscriber = Subscriber(broker.port, "hamstream/#", prepare=prepare)
        with subscriber, blockbuster_ctx(scanned_modules="host"):
            async with bench(path, config) as at:
                await one_of_each(at)
                await until(lambda: subscriber.on("alerts") and len(subscriber.on("strides")) == 2)
        wrong = {
            "refuses user name or password": {"password": "sesam"},
            "CERTIFICATE_VERIFY_FAILED": {"ca_file": None},
            "cannot be used": {"ca_file": passwords},
            "cannot be reached": {"tls": False, "port": free_port()},
        }
        for sentence, change in wrong.items():
            with pytest.raises(SinkError, match=sentence) as caught:
                async with BrokerLink(replace(config, **change)).connect():
                    pass
            assert "sesam" not in f"{caught.value}{config!r}"
        gc.collect()


_TLS_SETTINGS = [
    ("password_file", "passwords"),
    ("cafile", "ca.pem"),
    ("certfile", "server.pem"),
    ("keyfile", "server.key"),
]


async def test_a_wrong_password_is_said_once_and_tried_again(mosquitto_folder, path, caplog) -> None:
    passwords = password_file(mosquitto_folder)
    with mosquitto(mosquitto_folder, "allow_anonymous false", f"password_file {passwords}") as broker:
        async with bench(path, config_for(broker, username="coach", password="wrong")) as at:
            at.status()
            await asyncio.sleep(1.2)
    assert caplog.text.count("refuses user name or password") == 1


def test_names_that_topics_cannot_carry_are_escaped() -> None:
    assert topic("hamstream", "Ann-Lena Öst", "status") == "hamstream/Ann-Lena Öst/status"
    assert topic("hamstream", "a/b+c#d%e\x00", "alerts") == "hamstream/a%2Fb%2Bc%23d%25e%00/alerts"
    with pytest.raises(ValueError, match="name"):
        topic("hamstream", "", "status")
