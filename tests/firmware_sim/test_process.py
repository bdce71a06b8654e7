"""`python -m firmware_sim`: pods in processes of their own."""

import asyncio
import csv
import json
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiomqtt
import pytest
from bleak import BleakClient, BleakScanner

from dsp.types import Role
from firmware_sim.__main__ import main
from firmware_sim.ears import cue_address, fresh_cue, listen
from firmware_sim.radio.backend import open_backends
from host.pods import profile
from host.sinks.broker import EmbeddedBroker
from tests.end_to_end.processes import pods
from tests.firmware_sim.virtual_pods import PATIENCE_S, Listener, find
from tests.servers import mosquitto, password_file


async def test_two_processes_of_pods_on_one_air(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    start_at_s = time.monotonic()
    own = ("--pods", "pelvis", "--truth", str(truth), "--plan", "run 3", "--start-at", str(start_at_s))
    async with pods("--listen", "127.0.0.1:0", *own) as (process, spec):
        other = ("--hci", spec, "--pods", "shank_left", "--plan", "run 3")
        async with pods(*other) as (shank_process, _), open_backends(spec) as backends:
            found = await BleakScanner.discover(timeout=0.5, service_uuids=[profile.IMU_SERVICE], backend=backends[0])
            assert {profile.role_of_name(device.name) for device in found} == {Role.PELVIS, Role.SHANK_LEFT}
            gone = asyncio.Event()
            clients, listeners = [], []
            for name in ("hs-pelvis-0000", "hs-shank_left-0000"):
                client, listener = (
                    BleakClient(await find(backends, name), lambda _: gone.set(), backend=backends[1]),
                    Listener(),
                )
                await client.connect()
                await client.start_notify(profile.IMU_PACKET, listener)
                await client.write_gatt_char(profile.CONTROL_POINT, profile.start(), response=True)
                clients.append(client)
                listeners.append(listener)
            for listener in listeners:
                await listener.wait_packets(20)
                assert listener.sequence == list(range(len(listener.sequence)))
            shank_process.kill()
            async with asyncio.timeout(PATIENCE_S):
                await gone.wait()
            assert [client.is_connected for client in clients] == [True, False]
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0
    with truth.open() as file:
        strides = list(csv.DictReader(file))
    assert strides
    assert all(float(stride["ic_s"]) > start_at_s for stride in strides)


def test_ends_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "0.1"]) == 0
    assert capsys.readouterr().out.startswith("ready tcp-client:127.0.0.1:")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--play", "absent.imu.csv"], "there is no such file"),
        (["--play", "absent.imu.csv", "--truth", "x.csv"], "--truth is for a simulated runner"),
        (["--plan", "fly"], "fly"),
        (["--plan", "run", "--speed", "3"], "--speed"),
        (["--pods", "elbow"], "there is no pod elbow"),
        (["--hci", "usb:0"], "a dongle carries one"),
        (["--cues", "http://example.org"], "mqtt://[USER@]HOST:PORT/TOPIC"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_wrong_options_get_a_sentence(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert said in capsys.readouterr().err


async def test_the_runner_listens_to_its_topic() -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with EmbeddedBroker() as broker:
        url = f"mqtt://{broker.host}:{broker.port}/hamstream/demo/alerts"
        ears = asyncio.create_task(listen(url, lambda cue: heard.put_nowait(cue["fault"])))
        async with aiomqtt.Client(broker.host, broker.port, protocol=aiomqtt.ProtocolVersion.V311) as speaker:
            until = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
            async with asyncio.timeout(PATIENCE_S):
                while heard.empty():  # nobody tells when the runner has subscribed
                    cue = {"kind": "cue", "fault": "overstride", "valid_until": until}
                    await speaker.publish("hamstream/demo/alerts", json.dumps(cue))
                    await asyncio.sleep(0.1)
        assert heard.get_nowait() == "overstride"
        ears.cancel()
        await asyncio.gather(ears, return_exceptions=True)


async def test_the_runner_listens_where_a_password_is_asked_for(
    mosquitto_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the compose file, whose broker knows its users."""
    passwords = password_file(mosquitto_folder)
    monkeypatch.setenv("HAMSTREAM_MQTT_PASSWORD", "sesame")
    heard: asyncio.Queue[str] = asyncio.Queue()
    until = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    cue = json.dumps({"kind": "cue", "fault": "overstride", "valid_until": until})
    with mosquitto(mosquitto_folder, "allow_anonymous false", f"password_file {passwords}") as broker:
        url = f"mqtt://coach@{broker.host}:{broker.port}/hamstream/demo/alerts"
        ears = asyncio.create_task(listen(url, lambda cue: heard.put_nowait(cue["fault"])))
        async with aiomqtt.Client(broker.host, broker.port, username="coach", password="sesame") as speaker:
            await speaker.publish("hamstream/demo/alerts", cue, qos=1, retain=True)
            async with asyncio.timeout(PATIENCE_S):
                assert await heard.get() == "overstride"
        ears.cancel()
        await asyncio.gather(ears, return_exceptions=True)


def test_cues_are_heard_while_they_are_fresh() -> None:
    now = datetime.now(UTC)
    until = (now + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    cue = {"kind": "cue", "fault": "overstride", "valid_until": until}
    assert fresh_cue(json.dumps(cue).encode(), now) == cue
    assert fresh_cue(json.dumps(cue).encode(), now + timedelta(seconds=2)) is None
    assert fresh_cue(json.dumps(cue | {"kind": "praise"}).encode(), now) is None
    for broken in (b"", b"[]", b"{}", b"\xff", b'{"kind": "cue", "valid_until": 3}'):
        assert fresh_cue(broken, now) is None
    assert cue_address("mqtt://127.0.0.1:1234/hamstream/demo/alerts")[:3] == (
        "127.0.0.1",
        1234,
        "hamstream/demo/alerts",
    )
    assert cue_address("mqtt://hall%40home@broker/a/b") == ("broker", 1883, "a/b", "hall@home")
    with pytest.raises(ValueError, match="not of the form"):  # a secret has no place in a command line
        cue_address("mqtt://coach:sesame@broker/a/b")
