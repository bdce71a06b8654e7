"""A connection to InfluxDB 1.8+, 2.x or 3.x, over the /api/v2/write path that all of them have.

Called by influx.py and the doctor. Everything that the client raises leaves this file as SinkError. The client is the
asynchronous one, because the batching one drops what it could not write after five tries.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.client.write.point import Point
from influxdb_client.rest import ApiException

from host.errors import SinkError

log = logging.getLogger(__name__)

ANSWER_MS = 10_000  # how long the database may take to answer

_ADVICE = {
    401: "it does not know the token; set HAMSTREAM_INFLUX_TOKEN",
    403: "the token may not write to this bucket; give it the right to write",
    404: "there is no such bucket or organisation; make it, or correct influx.bucket and influx.org",
}
_BAD_POINTS = (400, 413, 422)  # the request is the problem: one of its points, or their number


@dataclass(frozen=True, slots=True)
class InfluxConfig:
    """Which database. For 1.8 the bucket is `database` or `database/policy`, the token `user:password`."""

    url: str
    bucket: str = "hamstream"
    org: str = ""
    ca_file: Path | None = None  # whom to trust besides the system's authorities
    token: str = field(default="", repr=False)


class Connection:
    """Made by `connect(config)`."""

    def __init__(self, client: InfluxDBClientAsync, config: InfluxConfig) -> None:
        self._client, self._config = client, config

    async def write(self, points: Sequence[Point]) -> int:
        """Returns when the database has all that it will ever take: how many points it refused for their content.

        Raises SinkError when it must be asked again.
        """
        if not points:
            return 0
        try:
            await self._send(points)
        except ApiException as error:
            if error.status not in _BAD_POINTS:
                raise SinkError(self._config.url, _problem(error)) from error
            if len(points) > 1:  # find the bad ones: the others are fine, and written twice is written once
                half = len(points) // 2
                return await self.write(points[:half]) + await self.write(points[half:])
            log.error("InfluxDB refuses a point, it is left out (%s): %s", _body(error), points[0].to_line_protocol())
            return 1
        return 0

    async def _send(self, points: Sequence[Point]) -> None:
        try:
            await self._client.write_api().write(self._config.bucket, record=list(points))
        except ssl.SSLError as error:
            problem = f"is not trusted ({error}); give its authority as influx.ca_file"
            raise SinkError(self._config.url, problem) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            problem = f"cannot be reached ({str(error) or type(error).__name__}); is InfluxDB running there?"
            raise SinkError(self._config.url, problem) from error


@asynccontextmanager
async def connect(config: InfluxConfig) -> AsyncIterator[Connection]:
    """A connection that is opened at the first write. Raises SinkError when the authority's file is none."""
    try:
        trust = await asyncio.to_thread(ssl.create_default_context, cafile=config.ca_file)
    except OSError as error:  # also what is no certificate
        raise SinkError(config.url, f"the authority file {config.ca_file} cannot be used ({error})") from error
    async with InfluxDBClientAsync(
        config.url, config.token, org=config.org or "-", timeout=ANSWER_MS, ssl_context=trust
    ) as client:
        yield Connection(client, config)


def _problem(error: ApiException) -> str:
    advice = _ADVICE.get(error.status or 0, "is it the right address, and is the database well?")
    return f"answers {error.status} ({_body(error)}): {advice}"


def _body(error: ApiException) -> str:
    """What the database says, on one line. Of a gateway's page (HTML) the reason is all that people can use."""
    text = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
    if not text or text.lstrip().startswith("<"):
        text = str(error.reason or "")
    return " ".join(text.split())[:200]
