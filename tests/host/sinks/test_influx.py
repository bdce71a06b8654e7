"""InfluxDB: a real 1.6 through the version 2 write path, and the very bytes that versions 2 and 3 get."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from host.feed import Feed, Message
from host.records import PodHealth
from host.sinks import influx
from host.sinks.influx import InfluxConfig, InfluxSink
from host.sinks.store import Store
from tests.host.sinks.influx_server import InfluxServer
from tests.host.sinks.records import cue, effect, pain, session_info, stride
from tests.servers import program

INFO = session_info()
START_NS = 1772348400 * 10**9  # 2026-03-01T07:00:00Z
needs_influx = pytest.mark.skipif(
    program("influxd") is None or program("nginx") is None, reason="no influxd or nginx (Debian: influxdb nginx-light)"
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx, "LIVE_PERIOD_S", 0.1)
    monkeypatch.setattr(influx, "backoff_s", lambda attempt: 0.1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path) as server:
        yield server


@asynccontextmanager
async def running(sink: InfluxSink) -> AsyncIterator[None]:
    task = asyncio.create_task(sink.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def rows(server: InfluxServer, query: str, count: int) -> list[dict]:
    """The answer as soon as it has `count` rows and has stopped changing: the fields of a point appear one by one."""
    found: list[dict] = []
    async with asyncio.timeout(20):
        while True:
            before, found = found, await asyncio.to_thread(server.ask, query)
            if len(found) == count and found == before:
                break
            await asyncio.sleep(0.1)
    return found


@needs_influx
async def test_what_the_store_holds_stands_in_the_database(server: InfluxServer, tmp_path: Path) -> None:
    async with Store.open(tmp_path / "s.db") as store:
        sink = InfluxSink(InfluxConfig(server.url, token="sesame"), store, Feed())
        async with running(sink):
            await store.begin_session(INFO)
            store.add_stride(INFO.session, stride(1.5, side="right", quality="gap"))
            store.add_cue(INFO.session, cue(2.0), "2026-03-01T07:00:02.000Z")
            (found,) = await rows(server, 'SELECT * FROM "stride"', 1)
            (said,) = await rows(server, 'SELECT * FROM "cue"', 1)
        assert found.pop("time") == START_NS + 1_500_000_000
        expected = {k: v for k, v in asdict(stride(1.5, side="right", quality="gap")).items() if v == v}
        assert {k: v for k, v in found.items() if v is not None} == expected | {
            "runner": "ann",
            "session": INFO.session,
        }
        assert (said["time"], said["fault"], said["text"]) == (START_NS + 2 * 10**9, "overstride", cue(2.0).text)
    assert sink.dropped == 0


@needs_influx
async def test_an_hour_without_the_database_loses_and_doubles_nothing(server: InfluxServer, tmp_path: Path) -> None:
    """And a sink that starts again goes on where the last one was."""
    async with Store.open(tmp_path / "s.db") as store:
        await store.begin_session(INFO)
        config = InfluxConfig(server.url, token="sesame")
        async with running(InfluxSink(config, store, Feed())):
            store.add_stride(INFO.session, stride(1.0))
            await rows(server, 'SELECT ic_s FROM "stride"', 1)
            server.database.stop()
            for k in range(1200):  # more than one request's worth
                store.add_stride(INFO.session, stride(2.0 + k))
            await asyncio.sleep(0.5)
        store.add_stride(INFO.session, stride(5000.0))
        server.database.start()
        async with running(InfluxSink(config, store, Feed())):
            found = await rows(server, 'SELECT ic_s FROM "stride"', 1202)
    assert [row["ic_s"] for row in found] == [1.0, *(2.0 + k for k in range(1200)), 5000.0]


@needs_influx
async def test_a_point_that_is_refused_holds_up_no_other(server: InfluxServer, tmp_path: Path) -> None:
    """A field that somebody wrote as text does not take numbers any more: the database says so for ever."""
    text = f'stride,runner=ann,session={INFO.session},side=left ic_s="x" {START_NS}'
    headers = {"Authorization": "Token sesame"}
    url = f"{server.url}/api/v2/write?bucket=hamstream&precision=ns"
    (await asyncio.to_thread(httpx.post, url, content=text, headers=headers)).raise_for_status()
    async with Store.open(tmp_path / "s.db") as store:
        sink = InfluxSink(InfluxConfig(server.url, token="sesame"), store, Feed())
        async with running(sink):
            await store.begin_session(INFO)
            store.add_stride(INFO.session, stride(1.0))
            store.add_cue(INFO.session, cue(2.0), "2026-03-01T07:00:02.000Z")
            await rows(server, 'SELECT text FROM "cue"', 1)
    assert sink.dropped == 1


@needs_influx
async def test_a_wrong_token_is_said_and_nothing_is_lost(
    server: InfluxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Store.open(tmp_path / "s.db") as store:
        await store.begin_session(INFO)
        async with running(InfluxSink(InfluxConfig(server.url, token="wrong"), store, Feed())):
            store.add_stride(INFO.session, stride(1.0))
            async with asyncio.timeout(10):
                while "HAMSTREAM_INFLUX_TOKEN" not in caplog.text:
                    await asyncio.sleep(0.02)
        async with running(InfluxSink(InfluxConfig(server.url, token="sesame"), store, Feed())):
            await rows(server, 'SELECT ic_s FROM "stride"', 1)


@needs_influx
async def test_pods_and_the_service_are_seen(server: InfluxServer, tmp_path: Path) -> None:
    async with Store.open(tmp_path / "s.db") as store:
        feed = Feed()
        async with running(InfluxSink(InfluxConfig(server.url, token="sesame"), store, feed)):
            await asyncio.sleep(0.1)
            feed.publish(Message("ann", "session", {"session": INFO.session, "event": "started"}))
            health = PodHealth("pelvis", "streaming", 80.0, 208.0, 26, 1, 0, 1.5, 9.0)
            feed.publish(Message("ann", "pods", {"pods": [asdict(health)]}))
            (pod,) = await rows(server, 'SELECT battery_percent, lost_packets, "role" FROM "pod"', 1)
            (service,) = await rows(server, 'SELECT first("queue") AS queue FROM "service"', 1)
    assert (pod["battery_percent"], pod["lost_packets"], pod["role"]) == (80.0, 1.0, "pelvis")
    assert service["queue"] == 0.0


class _Recorder(BaseHTTPRequestHandler):
    """Answers 204, as versions 2 and 3 do, and keeps what it was sent."""

    seen: list[tuple[str, str, str | None, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.command, self.path, self.headers["Authorization"], body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


async def test_the_bytes_of_a_request(tmp_path: Path) -> None:
    """InfluxDB 2 and 3: POST /api/v2/write?org=&bucket=&precision=ns, Authorization: Token, line protocol (worked out
    by hand from its description; tags and fields in alphabetical order, spaces in tags escaped)."""
    seen: list[tuple[str, str, str | None, bytes]] = []
    with HTTPServer(("127.0.0.1", 0), type("Recorder", (_Recorder,), {"seen": seen})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        info = session_info("S1", "Cyd E.")
        config = InfluxConfig(url, "runs", "club", token="sesame")
        async with Store.open(tmp_path / "s.db") as store, running(InfluxSink(config, store, Feed())):
            await store.begin_session(info)
            store.add_effect("S1", effect(1))
            await store.add_pain(pain(3, session="S1"))
            store.add_cue("S1", cue(2.25), "2026-03-01T07:00:02.250Z")
            async with asyncio.timeout(10):
                while not any(b"cue," in body for *_, body in seen):
                    await asyncio.sleep(0.02)
        server.shutdown()
        thread.join()
    method, path, token, body = next(request for request in seen if b"cue," in request[3])
    assert (method, path, token) == ("POST", "/api/v2/write?org=club&bucket=runs&precision=ns", "Token sesame")
    assert body.decode() == (
        r"cue,fault=overstride,runner=Cyd\ E.,session=S1 "
        'context="uphill",kind="cue",side="left",t_s=2.25,text="Land under your hips" 1772348402250000000'
    )
