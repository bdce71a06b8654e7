"""The simulated runner's earphone: subscribes to the runner's cues over MQTT, like any other listener.

Uses the public interface alone (docs/mqtt.md): the topic's payloads, and their `valid_until`.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import aiomqtt

from host.config import MQTT_PASSWORD_VARIABLE
from host.sinks.mqtt_link import PORT

log = logging.getLogger(__name__)

# The broker may come up after the pods do.
RETRY_S = 1.0


class CueAddress(NamedTuple):
    host: str
    port: int
    topic: str
    username: str = ""  # the password stands where hamstream's own does, in HAMSTREAM_MQTT_PASSWORD


def cue_address(url: str) -> CueAddress:
    """The parts of `mqtt://[USER@]HOST:PORT/TOPIC`. Raises ValueError."""
    parts = urlsplit(url)
    topic = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "mqtt" or not parts.hostname or not topic or parts.password:
        raise ValueError(f"{url!r} is not of the form mqtt://[USER@]HOST:PORT/TOPIC")
    return CueAddress(parts.hostname, parts.port or PORT, topic, unquote(parts.username or ""))


def fresh_cue(payload: bytes, now: datetime) -> dict[str, Any] | None:
    """The cue that a message carries; None when it is no cue, or said too late to be acted on."""
    try:
        cue = json.loads(payload)
        if cue["kind"] != "cue" or datetime.fromisoformat(cue["valid_until"]) < now:
            return None
    except (ValueError, TypeError, KeyError):
        log.warning("a message that is no cue: %.80r", payload)
        return None
    return dict(cue)


async def listen(url: str, hear: Callable[[dict[str, Any]], None]) -> None:
    """Calls `hear` with each cue, for ever. Raises ValueError for a wrong URL; waits for a missing broker."""
    host, port, topic, username = cue_address(url)
    password = os.environ.get(MQTT_PASSWORD_VARIABLE) if username else None
    while True:
        try:
            # 3.1.1 is what every broker speaks, the embedded one too.
            version = aiomqtt.ProtocolVersion.V311
            async with aiomqtt.Client(
                host, port, username=username or None, password=password, protocol=version
            ) as client:
                await client.subscribe(topic, qos=1)
                async for message in client.messages:
                    if cue := fresh_cue(bytes(message.payload), datetime.now(UTC)):
                        hear(cue)
        except aiomqtt.MqttError as error:
            log.debug("no cues from %s:%d (%s); trying again", host, port, error)
        await asyncio.sleep(RETRY_S)
