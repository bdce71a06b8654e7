"""The simulated runner's earphone: subscribes to the runner's cues over MQTT, like any other listener.

Uses the public interface alone (docs/mqtt.md): the topic's payloads, and their `valid_until`.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt

log = logging.getLogger(__name__)

DEFAULT_PORT = 1883
# The broker may come up after the pods do.
RETRY_S = 1.0


def cue_address(url: str) -> tuple[str, int, str]:
    """Host, port and topic of `mqtt://HOST:PORT/TOPIC`. Raises ValueError."""
    parts = urlsplit(url)
    topic = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "mqtt" or not parts.hostname or not topic:
        raise ValueError(f"{url!r} is not of the form mqtt://HOST:PORT/TOPIC")
    return parts.hostname, parts.port or DEFAULT_PORT, topic


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
    host, port, topic = cue_address(url)
    while True:
        try:
            # 3.1.1 is what every broker speaks, the embedded one too.
            async with aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V311) as client:
                await client.subscribe(topic, qos=1)
                async for message in client.messages:
                    if cue := fresh_cue(bytes(message.payload), datetime.now(UTC)):
                        hear(cue)
        except aiomqtt.MqttError as error:
            log.debug("no cues from %s:%d (%s); trying again", host, port, error)
        await asyncio.sleep(RETRY_S)
