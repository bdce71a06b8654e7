"""InfluxDB: a real 1.6 through the version 2 write path, and the very bytes that versions 2 and 3 get."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from host.errors import SinkError
from host.feed import Feed, Message
from host.records import PodHealth
from host.sinks import forward, influx
from host.sinks.influx import InfluxSink
from host.sinks.influx_link import InfluxConfig
from host.sinks.store import Store
from host.tasks import cancel
from tests.host.sinks.influx_server import InfluxServer
from tests.host.sinks.records import cue, effect, pain, session_info, stride, until
from tests.servers import make_certificates, program

INFO = session_info()
START_NS = 1772348400 * 10**9  # 2026-03-01T07:00:00Z
needs_influx = pytest.mark.skipif(
    program("influxd") is None or program("nginx") is None, reason="no influxd or nginx (Debian: influxdb nginx-light)"
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx, "LIVE_PERIOD_S", 0.1)
    monkeypatch.setattr(forward, "LONGEST_RETRY_S", 0.1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path) as server:
        yield server


def config_for(server: InfluxServer, **more: Any) -> InfluxConfig:
    return InfluxConfig(server.url, token="sesame", **more)


@asynccontextmanager
async def running(sink: InfluxSink) -> AsyncIterator[None]:
    task = asyncio.create_task(sink.run())
    try:
        yield
    finally:
        await cancel(task)


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
        sink = InfluxSink(config_for(server), store, Feed())
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
        config = config_for(server)
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
        sink = InfluxSink(config_for(server), store, Feed())
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
        async with running(InfluxSink(config_for(server), store, Feed())):
            await rows(server, 'SELECT ic_s FROM "stride"', 1)


@needs_influx
async def test_a_session_says_what_it_came_to(server: InfluxServer, tmp_path: Path) -> None:
    """Worked out by hand: two legs over the same 2.1 m, then 1.4 m of one leg, which is half of them."""
    async with Store.open(tmp_path / "s.db") as store, running(InfluxSink(config_for(server), store, Feed())):
        await store.begin_session(INFO)
        store.add_stride(INFO.session, stride(1.0, next_ic_s=1.7, speed_mps=3.0))
        store.add_stride(INFO.session, stride(1.35, next_ic_s=2.05, speed_mps=3.0, side="right"))
        store.add_stride(INFO.session, stride(1.7, next_ic_s=2.4, speed_mps=2.0, quality="gap"))
        store.add_stride(INFO.session, stride(2.05, next_ic_s=2.75, speed_mps=float("nan"), side="right"))
        store.add_cue(INFO.session, cue(2.0), "2026-03-01T07:00:02.000Z")
        store.add_cue(INFO.session, replace(cue(2.5), kind="praise"), "2026-03-01T07:00:02.500Z")
        (begun,) = await rows(server, 'SELECT * FROM "session"', 1)
        assert (begun["event"], begun["source"], begun["time"]) == ("started", "pods", START_NS)
        await store.end_session(INFO.session, "2026-03-01T07:00:09.000Z", {"running_s": 2.5, "faults": {}})
        async with asyncio.timeout(20):
            while begun["event"] != "ended":
                (begun,) = await rows(server, 'SELECT * FROM "session"', 1)
    assert begun == {
        "time": START_NS, "runner": "ann", "session": INFO.session, "source": "pods", "event": "ended",
        "duration_s": 2.75, "running_s": 2.5, "distance_m": pytest.approx((2.1 + 2.1 + 1.4) / 2),
        "strides": 4.0, "good_strides": 3.0, "cues": 1.0, "cut": 0.0,
    }  # fmt: skip


@needs_influx
async def test_pods_runners_and_the_service_are_seen(server: InfluxServer, tmp_path: Path) -> None:
    async with Store.open(tmp_path / "s.db") as store:
        feed = Feed()
        # What began before the sink did counts too, and what is over does not.
        status = {"phase": "running", "prompt": "", "held": []}
        for runner in ("ann", "bo"):
            feed.publish(Message(runner, "session", {"session": INFO.session, "event": "started"}))
            feed.publish(Message(runner, "status", status | {"session": runner}))
        feed.publish(Message("bo", "session", {"session": INFO.session, "event": "ended"}))
        async with running(InfluxSink(config_for(server), store, feed)):
            await until(lambda: feed._queues)
            health = PodHealth("pelvis", "streaming", 80.0, 208.0, 26, 1, 0, 1.5, 9.0)
            feed.publish(Message("ann", "pods", {"pods": [asdict(health)]}))
            for kind, latency_ms in (("stride", 90.0), ("stride", 110.0), ("cue", 120.0), ("cue", None)):
                feed.publish(Message("ann", kind, {"latency_ms": latency_ms}))
            for own in ({"pelvic_tilt_deg": 1.0, "cadence_spm": -4.0}, {"pelvic_tilt_deg": 2.0}, {}):
                known = {"session": "S", "latency_ms": None, "pelvic_tilt_deg": 10.0, "against_own": own}
                feed.publish(Message("ann", "stride", known))
            (own,) = await rows(server, 'SELECT * FROM "own"', 1)
            (pod,) = await rows(server, 'SELECT battery_percent, lost_packets, "role" FROM "pod"', 1)
            columns = ", ".join(f'first("{name}") AS "{name}"' for name in ("queue", *LATENCIES))
            (service,) = await rows(server, f'SELECT {columns} FROM "service"', 1)
            running_now = {row["runner"] for row in await asyncio.to_thread(server.ask, 'SELECT * FROM "status"')}
    assert (pod["battery_percent"], pod["lost_packets"], pod["role"]) == (80.0, 1.0, "pelvis")
    assert {k: v for k, v in own.items() if k != "time" and v is not None} == {
        "runner": "ann", "session": "S", "pelvic_tilt_deg": 1.5, "cadence_spm": -4.0, "usual_pelvic_tilt_deg": 8.5,
    }  # fmt: skip
    assert running_now == {"ann"}
    assert service["queue"] == 0.0
    assert [service[name] for name in LATENCIES] == [110.0, 120.0]


LATENCIES = ("stride_latency_ms", "cue_latency_ms")


@needs_influx
async def test_what_holds_is_said_until_the_session_ends(server: InfluxServer, tmp_path: Path) -> None:
    async with Store.open(tmp_path / "s.db") as store:
        feed = Feed()
        async with running(InfluxSink(config_for(server), store, feed)):
            await until(lambda: feed._queues)
            status = {"phase": "running", "prompt": "", "session": INFO.session}
            feed.publish(Message("ann", "session", {"session": INFO.session, "event": "started"}))
            feed.publish(Message("ann", "status", status | {"held": [], "phase": "waiting", "prompt": "Stand still."}))
            feed.publish(Message("ann", "status", status | {"held": []}))
            feed.publish(Message("ann", "status", status | {"held": ["overstride", "hip_lag"]}))
            async with asyncio.timeout(20):  # said again without any news
                while len(await asyncio.to_thread(server.ask, "SELECT * FROM \"fault\" WHERE fault = 'hip_lag'")) < 3:
                    await asyncio.sleep(0.05)
            feed.publish(Message("ann", "status", status | {"held": ["overstride"]}))
            feed.publish(Message("ann", "session", {"session": INFO.session, "event": "ended"}))
        # The sink ended with the session, and what it had not written yet went out all the same.
        (last,) = await rows(server, """SELECT * FROM "status" WHERE phase = 'ended'""", 1)
        states = await asyncio.to_thread(server.ask, 'SELECT held, now FROM "status"')
        faults = await asyncio.to_thread(server.ask, 'SELECT fault, holds FROM "fault"')
    assert last["held"] == ""
    # Without repeats: what a timeline shows.
    lines = [now for now, _ in groupby(row["now"] for row in states)]
    assert lines == ["Stand still.", "Good form", "Overstride, hip lag", "Overstride", "Ended"]
    assert [held for held, _ in groupby(row["held"] for row in states)] == ["", "overstride, hip lag", "overstride", ""]
    for name in ("overstride", "hip_lag"):
        assert [holds for holds, _ in groupby(f["holds"] for f in faults if f["fault"] == name)] == [1.0, 0.0]
    assert {row["fault"] for row in faults} == {"overstride", "hip_lag"}


@needs_influx
async def test_tls_is_checked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_certificates(tmp_path)
    with InfluxServer(tmp_path, tls=True) as server:
        assert server.url.startswith("https://")
        async with Store.open(tmp_path / "s.db") as store:
            await store.begin_session(INFO)
            store.add_stride(INFO.session, stride(1.0))
            async with running(InfluxSink(config_for(server), store, Feed())):
                await until(lambda: "give its authority as influx.ca_file" in caplog.text)
            assert server.ask('SELECT ic_s FROM "stride"') == []
            async with running(InfluxSink(config_for(server, ca_file=tmp_path / "ca.pem"), store, Feed())):
                await rows(server, 'SELECT ic_s FROM "stride"', 1)
            (tmp_path / "no.pem").write_text("nothing of the kind")
            with pytest.raises(SinkError, match=r"authority file .*no.pem cannot be used"):
                await InfluxSink(config_for(server, ca_file=tmp_path / "no.pem"), store, Feed()).run()


RUN_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from host.errors import SinkError
from host.feed import Feed
from host.sinks.influx import InfluxSink
from host.sinks.influx_link import InfluxConfig
from host.sinks.store import Store
from host.tasks import cancel
from tests.host.sinks.records import session_info, stride

async def main(path, url, session):
    async with Store.open(Path(path)) as store:
        sink = asyncio.create_task(InfluxSink(InfluxConfig(url, token="sesame"), store, Feed()).run())
        await store.begin_session(session_info(session))
        number = 0.0
        while True:
            store.add_stride(session, stride(number))
            number += 1.0
            await asyncio.sleep(0.002)

asyncio.run(main(*sys.argv[1:]))
"""


def write_until_killed(server: InfluxServer, path: Path, session: str, *, unanswered: bool) -> None:
    """A process that never ends is killed in the midst of writing; or while its last request is never answered."""

    def stored() -> int:
        with closing(sqlite3.connect(path, timeout=10)) as conn:
            return int(conn.execute("SELECT count(*) FROM strides WHERE of_session = ?", (session,)).fetchone()[0])

    def written() -> int:
        found = server.ask(f"""SELECT count(ic_s) FROM "stride" WHERE session = '{session}'""")
        return int(found[0]["count"]) if found else 0

    command = [sys.executable, "-c", RUN_FOR_EVER, str(path), server.url, session]
    with subprocess.Popen(command, cwd=Path.cwd()) as process:
        while written() < 100:
            assert process.poll() is None
        if unanswered:
            server.database.freeze()
            before = stored()
            while stored() < before + 100:
                assert process.poll() is None
        process.kill()
    if unanswered:
        server.database.kill()
        server.database.start()


@needs_influx
async def test_kill_9_loses_and_doubles_nothing(server: InfluxServer, tmp_path: Path) -> None:
    """Killed twice; the next process goes on. What the disk has, the database has, once."""
    path = tmp_path / "s.db"
    for session, unanswered in (("S1", False), ("S2", True)):
        await asyncio.to_thread(write_until_killed, server, path, session, unanswered=unanswered)
    async with Store.open(path) as store, running(InfluxSink(config_for(server), store, Feed())):
        stored = {(session, s.ic_s) for session in ("S1", "S2") for s in await store.strides(session)}
        found = await rows(server, 'SELECT ic_s, session FROM "stride"', len(stored))
        ended = await rows(server, """SELECT cut, strides FROM "session" WHERE event = 'ended'""", 2)
    assert len(stored) > 300
    assert {(row["session"], row["ic_s"]) for row in found} == stored
    assert sum(row["strides"] for row in ended) == len(stored)
    assert all(row["cut"] == 1.0 for row in ended)


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
            store.add_cue("S1", cue(2.25), "2026-03-01T07:00:02.250Z")
            store.add_effect("S1", effect(1))
            store.add_effect("S1", effect(7))  # of a cue that could not be stored
            await store.add_pain(pain(3, session="S1", runner="Cyd E."))
            await store.add_pain(pain(None, session="S1", runner="Cyd E."))  # taken back: at the place of the score
            async with asyncio.timeout(10):
                while not any(b"withdrawn=1" in body for *_, body in seen):
                    await asyncio.sleep(0.02)
        server.shutdown()
        thread.join()
    assert {request[:3] for request in seen} == {
        ("POST", "/api/v2/write?org=club&bucket=runs&precision=ns", "Token sesame")
    }
    lines = [line for *_, body in seen for line in body.decode().split("\n") if not line.startswith("service,")]
    assert lines == [
        r"session,runner=Cyd\ E.,session=S1 "
        'event="started",source="pods" 1772348400000000000',
        r"cue,fault=overstride,runner=Cyd\ E.,session=S1 "
        'context="uphill",kind="cue",side="left",t_s=2.25,text="Land under your hips" 1772348402250000000',
        r"cue,fault=overstride,runner=Cyd\ E.,session=S1 "
        'before=9.25,metric="tibial_inclination_ic_deg" 1772348402250000000',
        r"pain,moment=after,runner=Cyd\ E. "
        'score=3,session="S1",withdrawn=0 1772352000000000000',
        r"pain,moment=after,runner=Cyd\ E. "
        'session="S1",withdrawn=1 1772352000000000000',
    ]
