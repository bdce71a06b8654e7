"""Real servers on loopback, on free ports, and independent clients: for the tests.

A server keeps its port when it is stopped and started again.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

START_S = 10.0


def program(name: str) -> str | None:
    """Where a server's program is; Debian keeps some where users do not look."""
    return shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that listens on `port`."""

    def __init__(self, command: Callable[[int], list[str]]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self.host, self.port = "127.0.0.1", 0

    def start(self) -> None:
        """Returns when it accepts connections. A fresh port that somebody else took meanwhile is tried again."""
        for _ in range(3):
            port = self.port or free_port()
            process = subprocess.Popen(self._command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._accepts(port, process):
                self._process, self.port = process, port
                return
        raise RuntimeError(f"does not start: {self._command(self.port)}")

    def _accepts(self, port: int, process: subprocess.Popen[bytes]) -> bool:
        give_up = time.monotonic() + START_S
        while process.poll() is None and time.monotonic() < give_up:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return True
            time.sleep(0.02)
        process.kill()
        process.wait()
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_S)
            self._process = None

    def freeze(self) -> None:
        """From now on connections are accepted and nothing is answered, until `kill`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        """With all that it has not answered yet."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_S)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def mosquitto(folder: Path, *settings: str) -> Server:
    """Eclipse Mosquitto. `settings` are lines of its configuration file, below the listener."""

    def command(port: int) -> list[str]:
        config = folder / "mosquitto.conf"
        # Debian's default is to change to a user who cannot read the test's folder.
        lines = ["user root"] if os.getuid() == 0 else []
        lines += [f"listener {port} 127.0.0.1", *(settings or ["allow_anonymous true"])]
        config.write_text("\n".join(lines) + "\n")
        return [program("mosquitto") or "mosquitto", "-c", str(config)]

    return Server(command)


def password_file(folder: Path) -> Path:
    """User coach, password sesame."""
    path = folder / "passwords"
    subprocess.run([program("mosquitto_passwd") or "", "-b", "-c", path, "coach", "sesame"], check=True)
    return path


def make_certificates(folder: Path) -> None:
    """An authority (`ca.pem`) and a server on 127.0.0.1 that it signed (`server.pem`, `server.key`)."""
    now = datetime.now(UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])

    def sign(name: str, issuer: x509.Name, key: Any, signer: Any, extension: Any) -> x509.Certificate:
        builder = x509.CertificateBuilder(issuer, _name(name), key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return builder.add_extension(extension, critical=True).sign(signer, hashes.SHA256())

    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    root = sign("test authority", _name("test authority"), authority, authority, constraints)
    leaf = sign("127.0.0.1", root.subject, server, authority, loopback)
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(frozen=True)
class Received:
    """A message as an independent client got it."""

    topic: str
    payload: dict[str, Any]
    qos: int
    retain: bool
    expiry_s: int | None


class Subscriber:
    """paho-mqtt in its own thread: `with Subscriber(port, "hamstream/#") as subscriber`."""

    def __init__(
        self,
        port: int,
        *filters: str,
        version: int = paho.MQTTv311,
        prepare: Callable[[paho.Client], object] = lambda client: None,
    ) -> None:
        self.messages: list[Received] = []
        self._port, self._filters = port, [(one, 1) for one in filters]
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=version)  # type: ignore[arg-type]
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(self._filters)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        prepare(self._client)

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        expiry_s = getattr(message.properties, "MessageExpiryInterval", None)
        try:
            payload = json.loads(message.payload)
        except ValueError:
            payload = {"no JSON": message.payload}
        self.messages.append(Received(message.topic, payload, message.qos, message.retain, expiry_s))

    def on(self, leaf: str) -> list[Received]:
        """What came on topics that end in `leaf`."""
        return [message for message in list(self.messages) if message.topic.rsplit("/", 1)[-1] == leaf]

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._ready.wait(START_S):
            raise TimeoutError("the broker does not take the subscription")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
