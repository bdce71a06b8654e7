"""The broker's and the gateway's configuration, run by the real mosquitto and nginx; club.sh with a stand-in docker."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from tests.dashboards.club import RUNNERS_TOKEN, STREAM, broker, club_folder, club_gateway, run, settings
from tests.servers import Subscriber, program

needs_mosquitto = pytest.mark.skipif(program("mosquitto") is None, reason="no mosquitto")


def connect(port: int, user: str, password: str, prepare: object = None) -> tuple[paho.Client, bool]:
    """A client that has tried to log in, and whether it may."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)  # type: ignore[attr-defined]
    client.username_pw_set(user, password)
    if isinstance(prepare, ssl.SSLContext):
        client.tls_set_context(prepare)
    answer = threading.Event()
    accepted: list[bool] = []
    client.on_connect = lambda _c, _d, _f, reason, _p: (accepted.append(not reason.is_failure), answer.set())  # type: ignore[assignment]
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert answer.wait(10)
    return client, accepted[0]


def as_user(user: str, password: str) -> object:
    return lambda client: client.username_pw_set(user, password)


@needs_mosquitto
def test_the_broker_keeps_runners_apart(tmp_path: Path) -> None:
    with broker(tmp_path) as server:
        subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "passwords"), "ben", "for-ben"], check=True)
        server.stop()
        server.start()  # reads its accounts again, and keeps the one that was added
        clients = {}
        for user, password in (("hamstream", "for-hamstream"), ("ben", "for-ben"), ("grafana", "for-grafana")):
            clients[user], accepted = connect(server.port, user, password)
            assert accepted, user
        for user, password in (("", ""), ("ben", "guessed")):
            client, accepted = connect(server.port, user, password)
            client.loop_stop()
            assert not accepted, user
        wall = Subscriber(server.port, "hamstream/#", prepare=as_user("grafana", "for-grafana"))  # type: ignore[arg-type]
        ben = Subscriber(server.port, "hamstream/#", prepare=as_user("ben", "for-ben"))  # type: ignore[arg-type]
        with wall, ben:
            sent = [
                ("ben", "hamstream/ben/strides"),
                ("ben", "hamstream/ann/strides"),
                ("grafana", "hamstream/ann/alerts"),
                ("hamstream", "hamstream/ann/status"),
                ("ben", "hamstream/ben/done"),
            ]
            for user, topic in sent:
                clients[user].publish(topic, b'{"n": 1}', qos=1).wait_for_publish(10)
            for subscriber in (wall, ben):
                give_up = threading.Event()
                for _ in range(200):
                    if subscriber.on("done"):
                        break
                    give_up.wait(0.02)
            assert [m.topic for m in wall.messages] == [
                "hamstream/ben/strides",
                "hamstream/ann/status",
                "hamstream/ben/done",
            ]
            assert [m.topic for m in ben.messages] == ["hamstream/ben/strides", "hamstream/ben/done"]
        for client in clients.values():
            client.disconnect()
            client.loop_stop()


# --- club.sh ---


@pytest.fixture
def club(tmp_path: Path) -> Path:
    return club_folder(tmp_path)


needs_openssl = pytest.mark.skipif(program("openssl") is None, reason="no openssl")


@needs_openssl
def test_secrets_are_random_private_and_made_once(club: Path) -> None:
    assert run(club, "secrets").returncode == 0
    made = settings(club / ".env")
    secret = [value for name, value in made.items() if "PASSWORD" in name or "TOKEN" in name]
    assert len(secret) == len(set(secret)) == 6
    assert all(len(value) == 48 for value in secret)
    assert made["HAMSTREAM_COMMAND"] == "demo"
    assert (club / ".env").stat().st_mode & 0o077 == 0
    again = run(club, "secrets")
    assert again.returncode != 0
    assert settings(club / ".env") == made


@needs_openssl
def test_a_second_runner_gets_a_folder_of_their_own(club: Path) -> None:
    assert "open NAME comes first" in run(club, "runner", "ben").stderr
    assert run(club, "open", "hall.local", "192.168.1.20").returncode == 0
    assert settings(club / ".env")["GRAFANA_URL"] == "https://hall.local/"
    result = run(club, "runner", "ben")
    assert result.returncode == 0, result.stderr
    folder = club / "club" / "runners" / "ben"
    secrets = settings(folder / "secrets.env")
    assert secrets["HAMSTREAM_INFLUX_TOKEN"] == RUNNERS_TOKEN
    log = (club.parent / "log").read_text()
    assert f"mosquitto_passwd -b /mosquitto/data/passwords ben {secrets['HAMSTREAM_MQTT_PASSWORD']}" in log
    assert "--write-bucket b0c4e7" in log
    assert "up -d" in log
    assert "kill -s HUP mosquitto" in log
    assert "@" not in (folder / "run.sh").read_text().replace('"$@"', "")
    for name in ("../ben", "a b", "", "hamstream", ".hidden"):
        assert run(club, "runner", name).returncode != 0


# --- the gateway ---


class Behind(BaseHTTPRequestHandler):
    """Stands for Grafana and InfluxDB: says which path arrived."""

    def do_GET(self) -> None:
        body = f"{self.command} {self.path} {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def behind() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Behind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def get(port: int, path: str, context: ssl.SSLContext, name: str = "hall.local") -> str:
    """The answer to a GET over TLS, checked against the club's authority."""
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        context.wrap_socket(plain, server_hostname=name) as s,
    ):
        s.sendall(f"GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        return b"".join(iter(lambda: s.recv(4096), b"")).decode()


@needs_mosquitto
@needs_openssl
@pytest.mark.skipif(program("nginx") is None or not STREAM.exists(), reason="no nginx with its stream module")
def test_the_gateway_speaks_tls_and_lets_nobody_read_the_database(club: Path, behind: int, tmp_path: Path) -> None:
    assert run(club, "open", "hall.local", "127.0.0.1").returncode == 0
    with broker(tmp_path) as mqtt:
        places = {"mosquitto:1883": mqtt.port, "grafana:3000": behind, "influxdb:8086": behind}
        gateway, ports = club_gateway(club, places, tmp_path)
        with gateway:
            trusted = ssl.create_default_context(cafile=str(club / "club" / "ca.pem"))
            grafana = get(ports["8443"], "/d/hamstream-wall", trusted)
            assert "GET /d/hamstream-wall hall.local" in grafana
            assert "GET /api/v2/write?bucket=hamstream" in get(ports["8087"], "/api/v2/write?bucket=hamstream", trusted)
            assert " 403 " in get(ports["8087"], "/query?q=SHOW+DATABASES", trusted)
            assert " 403 " in get(ports["8087"], "/api/v2/query", trusted)
            with pytest.raises(ssl.SSLCertVerificationError):
                get(ports["8443"], "/", ssl.create_default_context())
            with pytest.raises(ssl.SSLCertVerificationError):
                get(ports["8443"], "/", trusted, name="elsewhere.local")
            client, accepted = connect(ports["8883"], "hamstream", "for-hamstream", trusted)
            client.disconnect()
            client.loop_stop()
            assert accepted
