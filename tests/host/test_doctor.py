"""The doctor: each thing that works or not has its line, and the exit status follows what is needed."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host import config as configuration
from host import doctor as doctor_module
from host.doctor import NOTE, OK, PROBLEM, Check, checks, doctor
from host.errors import AdapterUnavailableError
from host.pods.scan import Sighting
from host.sinks.broker import EmbeddedBroker
from tests.host.sinks.influx_server import InfluxServer
from tests.servers import free_port, make_certificates, program

RUNNER = """
[[runner]]
name = "Ann"
[runner.pods]
pelvis = "C0:FF:EE:00:00:01"
shank_left = "C0:FF:EE:00:00:02"
shank_right = "C0:FF:EE:00:00:03"
"""


@pytest.fixture(autouse=True)
def bluetooth(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the scan finds or raises; the test may change it. No radio is touched."""
    found: list[Any] = [[]]

    async def scan(seconds: float) -> list[Sighting]:
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]  # type: ignore[no-any-return]

    monkeypatch.setattr(doctor_module, "scan", scan)
    return found


@pytest.fixture(autouse=True)
def no_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(configuration, "default_path", lambda: tmp_path / "nowhere" / "config.toml")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def write(tmp_path: Path, text: str) -> Path:
    """A configuration that touches nothing outside the test's folder and no port that may be in use."""
    file = tmp_path / "config.toml"
    for table, key in (("storage", f'folder = "{tmp_path}/data"'), ("web", "port = 0")):
        if f"[{table}]" not in text:
            text += f"\n[{table}]\n{key}\n"
    file.write_text(text)
    return file


async def found(file: Path | None, **environ: str) -> dict[str, Check]:
    return {check.name: check async for check in checks(file, environ)}


async def test_a_good_configuration_has_no_problem(tmp_path: Path) -> None:
    lines = await found(write(tmp_path, RUNNER))
    assert {check.state for check in lines.values()} == {OK}
    assert "runners: Ann" in lines["config"].text
    assert "hours of recording" in lines["disk"].text
    assert "embedded" in lines["broker"].text
    assert not (tmp_path / "data").exists()


async def test_without_a_file_it_says_where_one_would_be(tmp_path: Path) -> None:
    lines = await found(None)
    assert lines["config"].state == OK
    assert str(tmp_path / "nowhere" / "config.toml") in lines["config"].text


async def test_every_problem_of_the_configuration_has_its_line(tmp_path: Path) -> None:
    lines = [check async for check in checks(write(tmp_path, "[mqtt]\nprot = 1\ntls = true"), {})]
    told = [check.text for check in lines if check.state == PROBLEM]
    assert sorted(text.split(": ")[0] for text in told) == ["mqtt.prot", "mqtt.tls"]
    assert "not tried" in lines[-1].text


@pytest.mark.parametrize(("runner", "state"), [("", NOTE), (RUNNER, PROBLEM)])
async def test_bluetooth_is_needed_by_those_who_have_pods(
    tmp_path: Path, bluetooth: list[Any], runner: str, state: str
) -> None:
    bluetooth[0] = AdapterUnavailableError("Bluetooth is off", "Switch it on.")
    line = (await found(write(tmp_path, runner)))["Bluetooth"]
    assert line == Check("Bluetooth", state, "Bluetooth is off. Switch it on.")


async def test_pods_in_the_air_are_shown(tmp_path: Path, bluetooth: list[Any]) -> None:
    bluetooth[0] = [Sighting("pelvis", "hamstream pelvis", "C0:FF:EE:00:00:01", -50, 90)]
    assert "pelvis C0:FF:EE:00:00:01" in (await found(write(tmp_path, RUNNER)))["Bluetooth"].text


async def test_the_real_scan_of_this_computer_never_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from host.pods.scan import scan

    monkeypatch.setattr(doctor_module, "scan", scan)
    monkeypatch.setattr(doctor_module, "SCAN_S", 0.1)
    assert (await found(write(tmp_path, "")))["Bluetooth"].state in (OK, NOTE)


async def test_a_broker_that_answers(tmp_path: Path) -> None:
    async with EmbeddedBroker() as broker:
        file = write(tmp_path, f'[mqtt]\nhost = "{broker.host}"\nport = {broker.port}')
        line = (await found(file))["broker"]
    assert line == Check("broker", OK, f"127.0.0.1:{broker.port} answers, MQTT 3.1.1")


async def test_a_broker_that_does_not(tmp_path: Path, taken_port: int) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    line = (await found(write(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {port}')))["broker"]
    assert line.state == PROBLEM
    assert f"127.0.0.1:{port}" in line.text
    assert "[mqtt]" in line.text


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    if program("influxd") is None or program("nginx") is None:
        pytest.skip("no influxd or nginx (Debian: influxdb nginx-light)")
    with InfluxServer(tmp_path_factory.mktemp("influx")) as server:
        yield server


async def test_a_database_that_takes_points(tmp_path: Path, database: InfluxServer) -> None:
    file = write(tmp_path, f'[influx]\nurl = "{database.url}"')
    line = (await found(file, HAMSTREAM_INFLUX_TOKEN="sesame"))["InfluxDB"]
    assert line == Check("InfluxDB", OK, f"{database.url} takes points into `hamstream`")
    assert (await found(write(tmp_path, "")))["InfluxDB"].state == OK  # nobody asked for one


@pytest.mark.parametrize(
    ("key", "token", "advice"),
    [
        ("", "guessed", "set HAMSTREAM_INFLUX_TOKEN"),
        ("", "", "set HAMSTREAM_INFLUX_TOKEN"),
        ('bucket = "other"', "sesame", "no such bucket"),
    ],
)
async def test_a_database_that_does_not(
    tmp_path: Path, database: InfluxServer, key: str, token: str, advice: str
) -> None:
    file = write(tmp_path, f'[influx]\nurl = "{database.url}"\n{key}')
    line = (await found(file, HAMSTREAM_INFLUX_TOKEN=token))["InfluxDB"]
    assert line.state == PROBLEM
    assert advice in line.text
    assert database.url in line.text
    assert "b'" not in line.text, "bytes"
    assert "<" not in line.text, "the gateway's page"


async def test_no_database_at_all(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    line = (await found(write(tmp_path, f'[influx]\nurl = "{url}"')))["InfluxDB"]
    assert line.state == PROBLEM
    assert f"{url}: cannot be reached" in line.text


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs a folder that nobody can write to")
async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    line = (await found(write(tmp_path, '[storage]\nfolder = "/proc/hamstream"')))["disk"]
    assert line.state == PROBLEM
    assert "change storage.folder" in line.text


async def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 80_000_000}))
    line = (await found(write(tmp_path, "")))["disk"]
    assert (line.state, "2.0 hours only" in line.text) == (PROBLEM, True)


async def test_a_port_that_is_taken(tmp_path: Path, taken_port: int) -> None:
    line = (await found(write(tmp_path, f"[web]\nport = {taken_port}")))["live page"]
    assert line.state == PROBLEM
    assert "running already" in line.text
    line = (await found(write(tmp_path, f"[web]\nport = {taken_port}\nenabled = false")))["live page"]
    assert line.state == OK


@pytest.mark.parametrize(("keyfile", "state"), [("server.key", OK), ("ca.pem", PROBLEM)])
async def test_the_certificate_of_the_page(tmp_path: Path, keyfile: str, state: str) -> None:
    make_certificates(tmp_path)
    text = f'[web]\nport = 0\ncertfile = "server.pem"\nkeyfile = "{keyfile}"'
    line = (await found(write(tmp_path, text)))["live page"]
    assert line.state == state
    assert ("with TLS" if state == OK else "ca.pem cannot be used") in line.text


@pytest.mark.parametrize(("program", "state"), [(sys.executable, OK), ("no-such-speaker", PROBLEM)])
async def test_the_voice_command(tmp_path: Path, program: str, state: str) -> None:
    line = (await found(write(tmp_path, f'[voice]\ncommand = ["{program}"]')))["voice"]
    assert line.state == state
    assert program in line.text


@pytest.mark.parametrize(("text", "status"), [("", 0), ("[mqtt]\nprot = 1", 1)])
def test_exit_status_and_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, status: int) -> None:
    assert doctor(write(tmp_path, text), {}) == status
    lines = capsys.readouterr().out.splitlines()
    noted = any(line.split()[0] == NOTE for line in lines)  # on a computer without Bluetooth
    assert lines[-1] == ("1 to mend." if status else "Ready, but for what is noted." if noted else "Ready.")
    assert all(line.split()[0] in (OK, NOTE, PROBLEM) for line in lines[:-1])
