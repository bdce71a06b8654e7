"""The live page as an ASGI app: static files, plotly.js, sessions and their reports, and the WebSocket /live.

Nothing comes from anywhere else.
"""

import asyncio
import contextlib
import math
import mimetypes
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from host.errors import HamstreamError, UnknownSessionError
from host.feed import Feed
from host.tasks import cancel, first_of
from host.texts.language import language, languages
from host.web.guard import Guard
from host.web.hub import Hub, TooManyViewersError

STATIC = Path(__file__).parent / "static"
# Found without importing plotly, of which only this file is used.
_plotly_spec = find_spec("plotly")
PLOTLY = Path(_plotly_spec.origin if _plotly_spec and _plotly_spec.origin else "").parent / "package_data/plotly.min.js"


def page_words(code: str) -> dict[str, Any]:
    """The page's own words in a language, and of the others' what it needs."""
    texts = language(code)
    return {
        **texts.page,
        "decimal": texts.decimal,
        "moments": dict(texts.moments),
        "faults": {fault: words.name for fault, words in texts.faults.items()},
        "sources": {source: texts.sessions[source] for source in ("pods", "demo", "replay")},
        "strides": texts.summary["strides"],
        "closing": texts.closing,
    }


# Windows may know .js as text/plain, which browsers do not run as a module.
mimetypes.add_type("text/javascript", ".js")

# Read here, for a request must not wait for the disk.
DENIED = (STATIC / "token.html").read_text(encoding="utf-8")
WORDS = {code: page_words(code) for code in languages()}

# Mean and SD among healthy runners of a metric (a field of host.records.Stride) at a speed in m/s; NaN where unknown.
Norm = Callable[[str, float], tuple[float, float]]
# The list of sessions, newest first, with their key figures: see host.archive.
Sessions = Callable[[], Awaitable[list[dict[str, Any]]]]
# A session's report as HTML, without any script. Raises UnknownSessionError.
Report = Callable[[str], Awaitable[str]]

# Charts that get a band. Not pelvic tilt: a natural tilt is never wrong, only a change from the runner's own.
BAND_METRICS = ("tibial_inclination_ic_deg", "cadence_spm", "contact_time_ms")
BAND_SPEEDS_MPS = tuple(1.5 + 0.25 * i for i in range(19))

# One message that cannot be handed over within this time: the viewer is gone, or too slow to be told anything in time.
SEND_TIMEOUT_S = 5.0


def create_app(
    feed: Feed,
    *,
    token: str | None = None,
    norm: Norm | None = None,
    sessions: Sessions | None = None,
    report: Report | None = None,
    names: frozenset[str] = frozenset(),
) -> Starlette:
    """The ASGI app. `token`: who does not know it sees nothing. `names`: host names of this computer to answer to."""
    hub = Hub(_band_table(norm) if norm else None)
    one_report = asyncio.Lock()  # at a time: each costs seconds of a core that is needed for the runners

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with feed.subscribe() as messages:
            for message in feed.latest():
                hub.take(message)
            task = asyncio.create_task(hub.run(messages), name="live page")
            try:
                yield
            finally:
                await cancel(task)

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            try:
                with hub.viewer() as (snapshot, queue):
                    await _send_until_gone(socket, snapshot, queue)
            except TooManyViewersError:
                await socket.close(1013, "too many viewers")

    async def listed(request: Request) -> Response:
        try:
            rows = await sessions() if sessions else []
        except HamstreamError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return JSONResponse(rows, headers={"cache-control": "no-store"})

    async def reported(request: Request) -> Response:
        try:
            async with one_report:
                html = await report(request.path_params["session"]) if report else None
        except UnknownSessionError:
            html = None
        except HamstreamError as error:
            return PlainTextResponse(f"{error}\n", 503)
        if html is None:
            return PlainTextResponse("No session of that name is stored.\n", 404)
        return HTMLResponse(html, headers={"cache-control": "no-store"})

    return Starlette(
        routes=[
            WebSocketRoute("/live", live),
            Route("/words.json", _words),
            Route("/sessions.json", listed),
            Route("/report/{session}", reported),
            Route("/plotly.min.js", _plotly),
            Route("/favicon.ico", _icon),
            Mount("/", _Files(directory=STATIC, html=True, check_dir=False)),
        ],
        middleware=[Middleware(Guard, token=token, denied=DENIED, names=names)],
        lifespan=lifespan,
    )


async def _send_until_gone(socket: WebSocket, snapshot: str, queue: asyncio.Queue[str | None]) -> None:
    """Sends the snapshot, then what comes, until the viewer leaves or proves too slow."""
    # The page never speaks; reading is how its leaving, or the server's end, is noticed.
    await first_of(_send(socket, snapshot, queue), _wait_until_gone(socket))


async def _send(socket: WebSocket, snapshot: str, queue: asyncio.Queue[str | None]) -> None:
    text: str | None = snapshot
    while text is not None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_text(text)
        text = await queue.get()
    await socket.close(1013, "too slow")


async def _wait_until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


class _Files(StaticFiles):
    """Files that a browser asks about each time: a new version is seen at once."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["cache-control"] = "no-cache"
        return response


async def _words(request: Request) -> Response:
    """What the page says to runners, by language."""
    return JSONResponse(WORDS, headers={"cache-control": "no-cache"})


async def _plotly(request: Request) -> Response:
    """The charts' library, as the PyPI package plotly ships it. Kept by the browser for a day: it is 5 MB."""
    return FileResponse(PLOTLY, media_type="text/javascript", headers={"cache-control": "max-age=86400"})


async def _icon(request: Request) -> Response:
    """For reports and error pages, which name none; a browser asks for it all the same."""
    return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")


def _band_table(norm: Norm) -> dict[str, list[tuple[float, float, float]]]:
    """[speed_mps, mean, sd] rows of each metric, where known: the page interpolates between them."""
    table: dict[str, list[tuple[float, float, float]]] = {metric: [] for metric in BAND_METRICS}
    for metric, rows in table.items():
        for speed_mps in BAND_SPEEDS_MPS:
            mean, sd = norm(metric, speed_mps)
            if math.isfinite(mean) and math.isfinite(sd):
                rows.append((speed_mps, float(mean), float(sd)))
    return table
