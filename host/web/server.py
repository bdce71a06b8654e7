"""Serves the live page inside the running event loop.

    async with LivePage(feed, "127.0.0.1", 8808, norm=norm) as page:
        print(page.url)

Loopback needs no token; listening beyond it demands one (`guard.py`). With a certificate the page speaks TLS.
"""

import asyncio
import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

import uvicorn

from host.addresses import is_loopback
from host.errors import ConfigError
from host.feed import Feed
from host.web.app import Norm, Report, Sessions, create_app
from host.web.tls import check_certificate

log = logging.getLogger(__name__)

# A phone that went out of range is noticed within twice this time.
PING_PERIOD_S = 5.0
# At the end each viewer is told to come again, and hung up on after this time; `STOP_TIMEOUT_S` is uvicorn's own limit.
FAREWELL_S = 0.5
STOP_TIMEOUT_S = 2


class _Server(uvicorn.Server):
    """uvicorn as a guest: the signals belong to the program around it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class LivePage:
    """The page, served while the context is open. `url` is its real address, with the token where one is needed.

    `certfile` and `keyfile` are PEM files. When `port` is taken another free one is used, and said so in the log.
    Raises ConfigError when the host cannot be listened on, or is reachable from other computers and there is no token,
    or the certificate cannot be used.
    """

    def __init__(
        self,
        feed: Feed,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        token: str | None = None,
        certfile: Path | None = None,
        keyfile: Path | None = None,
        norm: Norm | None = None,
        sessions: Sessions | None = None,
        report: Report | None = None,
    ) -> None:
        if not token and not is_loopback(host):
            raise ConfigError([f"web.host: {host} can be reached from other computers; the page then needs a token"])
        self._feed, self._norm = feed, norm
        self._sessions, self._report = sessions, report
        self._host, self._wanted_port = host, port
        self._token = token or None
        self._certfile, self._keyfile = certfile, keyfile
        self.port = 0

    @property
    def url(self) -> str:
        host = _reachable_name(self._host)
        netloc = f"[{host}]" if ":" in host else host
        query = f"?{urlencode({'token': self._token})}" if self._token else ""
        return f"{'https' if self._certfile else 'http'}://{netloc}:{self.port}/{query}"

    async def __aenter__(self) -> "LivePage":
        await asyncio.to_thread(check_certificate, self._certfile, self._keyfile)
        app = create_app(
            self._feed,
            token=self._token,
            norm=self._norm,
            sessions=self._sessions,
            report=self._report,
            names=frozenset({self._host}),
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ssl_certfile=self._certfile,
            ssl_keyfile=self._keyfile,
            ws_max_size=1024,
            ws_ping_interval=PING_PERIOD_S,
            ws_ping_timeout=PING_PERIOD_S,
            # Small messages on a near network: compressing costs the event loop more than it saves.
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
            lifespan="on",
        )
        listener = await _listen(self._host, self._wanted_port)
        self.port = listener.getsockname()[1]
        if self._wanted_port not in (0, self.port):
            log.warning("port %d is taken: the live page is on port %d", self._wanted_port, self.port)
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="live page server")
        ready = asyncio.create_task(self._server.ready.wait())
        try:
            await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        finally:
            ready.cancel()
        if not self._server.started:
            listener.close()
            await self._task
            raise RuntimeError("the live page did not start")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        await asyncio.wait((self._task,), timeout=FAREWELL_S)
        # What is left does not take what it was sent, as a phone out of range.
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await asyncio.shield(self._task)


async def _listen(host: str, port: int) -> socket.socket:
    """A listening socket on `port`, or on any free one when that is taken."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError([f"web.host: cannot listen on {host}: {error.strerror or error}"]) from error
    if os.name == "posix":  # elsewhere this option lets two programs share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try:
            listener.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            listener.bind((address[0], 0, *address[2:]))
        listener.listen()
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigError([f"web.host: cannot listen on {host} port {port}: {error.strerror}"]) from error
    return listener


def _reachable_name(host: str) -> str:
    """What to type on another device for `host`: a wildcard becomes this computer's address in its network."""
    try:
        if not ip_address(host).is_unspecified:
            return host
    except ValueError:
        return host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Sends nothing: connecting a datagram socket only asks for the route. The address is nobody's (RFC 5737).
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return socket.gethostname()
