"""A connection to an MQTT broker: version 5 where the broker has it, 3.1.1 where not; TLS and password if asked.

Called by mqtt.py. Everything that aiomqtt raises leaves this file as SinkError.
"""

import asyncio
import json
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiomqtt import Client, MqttCodeError, MqttError, ProtocolVersion, Will
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from host.errors import SinkError
from host.tasks import first_of

PORT, TLS_PORT = 1883, 8883  # as registered with IANA
# How long an answer of the broker may take before the connection counts as dead.
ANSWER_S = 5.0
# How long a connection that never came to be may take to close.
CLOSE_S = 0.1
# A vanished host is noticed by the broker after 1.5 times this (MQTT 5, section 3.1.2.10): the last will.
KEEPALIVE_S = 10

_REFUSED_VERSION = {1, 132}  # CONNACK codes of 3.1.1 and 5: unacceptable protocol version
_REFUSED_LOGIN = {4, 5, 134, 135}  # bad user name or password, not authorised

# paho warns of every lost connection; the sink says it once, and better.
_paho_log = logging.getLogger("host.sinks.mqtt.paho")
_paho_log.setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """Which broker, and how. Port 0 means 1883, or 8883 with TLS."""

    host: str
    port: int = 0
    tls: bool = False
    ca_file: Path | None = None  # whom to trust besides the system's authorities
    username: str = ""
    password: str = field(default="", repr=False)
    base_topic: str = "hamstream"

    @property
    def endpoint(self) -> str:
        """`host:port`, the name of this broker in messages and cursors."""
        return f"{self.host}:{self.port or (TLS_PORT if self.tls else PORT)}"


class Connection:
    """An open connection. `publish` raises SinkError as soon as it is lost."""

    def __init__(self, client: Client, endpoint: str, v5: bool) -> None:
        self.v5 = v5
        self._client, self._endpoint = client, endpoint

    async def publish(
        self,
        topic: str,
        payload: dict[str, Any],
        *,
        qos: int = 0,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> None:
        """Returns when the broker has it (QoS 1), or when it is on its way (QoS 0). Expiry needs MQTT 5."""
        properties = None
        if self.v5 and expiry_s is not None:
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = expiry_s
        try:
            await self._client.publish(topic, encode(payload), qos, retain, properties)
        except MqttError as error:
            raise SinkError(self._endpoint, f"the connection was lost ({error})") from error

    async def while_up(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` to its end. Raises SinkError when the connection is lost before."""
        await first_of(work, self._wait_lost())

    async def _wait_lost(self) -> None:
        try:
            async for _ in self._client.messages:
                pass
        except MqttError as error:
            raise SinkError(self._endpoint, f"the connection was lost ({error})") from error


class BrokerLink:
    """Makes connections to one broker, and remembers which version of MQTT it speaks."""

    def __init__(self, config: MqttConfig) -> None:
        self.config = config
        self._version: ProtocolVersion | None = None
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def connect(self, will: Will | None = None, identifier: str = "") -> AsyncIterator[Connection]:
        """An open connection. Raises SinkError: what is wrong and, where the user can help, what to do.

        Who comes back after a lost connection should give the same `identifier` (see `new_identifier`): the
        broker then ends the old connection first, and its last will does not come after the new status.
        """
        if will is not None and self._version is None:
            # Ask without a will first: where it stands in a CONNECT differs between the versions, so that an
            # older broker may take it for nonsense and hang up, which takes long to notice.
            async with self.connect():
                pass
        client, version = await self._open(will, identifier or new_identifier())
        try:
            yield Connection(client, self.config.endpoint, version is ProtocolVersion.V5)
        finally:
            with suppress(MqttError):  # it may be lost already
                await client.__aexit__(None, None, None)

    async def _open(self, will: Will | None, identifier: str) -> tuple[Client, ProtocolVersion]:
        if self.config.tls and self._tls is None:
            self._tls = await asyncio.to_thread(self._tls_context)
        version = self._version or ProtocolVersion.V5
        try:
            try:
                client = await self._connected(version, will, identifier)
            except MqttError as error:
                if version is not ProtocolVersion.V5 or not self._may_be_too_old(error):
                    raise
                version = ProtocolVersion.V311
                client = await self._connected(version, will, identifier)
        except MqttCodeError as error:
            if _code(error) in _REFUSED_LOGIN:
                raise self._error("refuses user name or password; check them in the configuration") from error
            raise self._error(f"refuses the connection ({error})") from error
        except MqttError as error:
            raise self._error(f"cannot be reached ({error})") from error
        self._version = version
        return client, version

    def _may_be_too_old(self, error: MqttError) -> bool:
        """True when the broker says so or, at first contact, when it does not answer a CONNECT of version 5."""
        if isinstance(error, MqttCodeError):
            return _code(error) in _REFUSED_VERSION
        return self._version is None and "timed out" in str(error)

    async def _connected(self, version: ProtocolVersion, will: Will | None, identifier: str) -> Client:
        config = self.config
        host, _, port = config.endpoint.rpartition(":")
        client = Client(
            host,
            int(port),
            username=config.username or None,
            password=config.password or None,
            identifier=identifier,
            protocol=version,
            tls_context=self._tls,
            will=will,
            keepalive=KEEPALIVE_S,
            timeout=ANSWER_S,
            logger=_paho_log,
        )
        try:
            await client.__aenter__()
        except BaseException:
            # aiomqtt leaves the socket of a refused or unanswered CONNECT open, and the loop watching it.
            client.timeout = CLOSE_S
            with suppress(MqttError):
                await client.__aexit__(None, None, None)
            raise
        return client

    def _tls_context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.config.ca_file)
        except (OSError, ssl.SSLError) as error:
            problem = f"the authority file {self.config.ca_file} cannot be used ({error})"
            raise self._error(problem) from error

    def _error(self, problem: str) -> SinkError:
        return SinkError(f"MQTT broker {self.config.endpoint}", problem)


def new_identifier() -> str:
    """A client identifier that nobody else has."""
    return f"hamstream-{secrets.token_hex(4)}"


def _code(error: MqttCodeError) -> int | None:
    return error.rc.value if isinstance(error.rc, ReasonCode) else error.rc


def encode(payload: dict[str, Any]) -> str:
    """JSON as it is published. Raises ValueError for NaN, which JSON cannot say."""
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
