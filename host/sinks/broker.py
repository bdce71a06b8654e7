"""The broker that hamstream brings along, so that everything runs with nothing installed.

amqtt in this process and event loop: MQTT 3.1.1 only, on loopback only, without password. It carries the
handful of messages a second that a few runners make; for a network, use a real broker.
"""

import asyncio
import importlib
import logging
from types import TracebackType
from typing import Any, Self

from host.errors import SinkError

log = logging.getLogger(__name__)

_AUTH_MODULE = "amqtt.plugins.authentication"
# The listener is ours, on sockets that we open: amqtt does not tell the port that it got, and listens on all
# interfaces unless told otherwise.
_LISTENER = "default"
_CONFIG = {
    "listeners": {_LISTENER: {"type": "external"}},
    "plugins": {f"{_AUTH_MODULE}.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


class EmbeddedBroker:
    """`async with EmbeddedBroker(port=1883) as broker`; then `broker.host` and `broker.port` say where it is.

    Port 0 takes any free port, and so does a port that is taken.
    """

    host = "127.0.0.1"

    def __init__(self, port: int = 0) -> None:
        self.port = port

    async def __aenter__(self) -> Self:
        # It answers every client that vanishes with a warning or a stack trace.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Importing takes a quarter of a second, so not in the loop, and only for those who have no other
        # broker.
        guarded = await asyncio.to_thread(_guarded_broker)
        self._broker = guarded(_CONFIG)
        await self._broker.start()
        self._server = await self._listen()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._broker.shutdown()
        await self._server.wait_closed()

    async def _listen(self) -> asyncio.Server:
        try:
            return await asyncio.start_server(self._serve, self.host, self.port)
        except OSError as error:
            if self.port == 0:
                raise SinkError(self.host, f"no port is free for the broker ({error})") from error
            log.warning("port %d is taken; the broker takes another one", self.port)
            return await asyncio.start_server(self._serve, self.host, 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, from its first byte to its last."""
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter

        try:
            await self._broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER)
        except Exception:  # whatever a client sends, the others keep their broker
            log.debug("a client's connection failed", exc_info=True)
        finally:
            writer.close()


def _guarded_broker() -> Any:
    """amqtt's broker, without its leak: to every new client it sends what is retained for any other's filters."""
    importlib.import_module(_AUTH_MODULE)
    from amqtt.broker import Broker
    from amqtt.session import Session

    class GuardedBroker(Broker):
        async def _publish_retained_messages_for_subscription(
            self, subscription: tuple[str, int], session: Session
        ) -> None:
            subscribers = self.subscriptions.get(subscription[0], [])
            if any(subscriber.client_id == session.client_id for subscriber, _ in subscribers):
                await super()._publish_retained_messages_for_subscription(subscription, session)

    return GuardedBroker
