"""What the live page's server sends, to whom, and that it starts and ends as a good guest. A real server each time."""

import asyncio
import json
import math
import signal
import socket
import ssl
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from blockbuster import blockbuster_ctx
from cryptography.hazmat.primitives import serialization

from host.errors import ConfigError, SinkError
from host.feed import Feed, Message
from host.web import app
from host.web.hub import QUEUE_SIZE, STRIDES_KEPT, Hub
from host.web.server import LivePage
from tests.host.web.feeder import Feeder
from tests.servers import make_certificates

HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def client(page: LivePage, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{page.port}", trust_env=False, **options)


def live(page: LivePage, query: str = "", **options: Any) -> websockets.connect:
    return websockets.connect(f"ws://127.0.0.1:{page.port}/live{query}", proxy=None, **options)


async def receive(viewer: websockets.ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message = json.loads(await viewer.recv())
    assert isinstance(message, dict)
    return message


async def test_a_viewer_gets_the_past_and_then_what_happens():
    feed = Feed()
    feeder = Feeder(feed)
    feeder.start()  # before the page is there
    async with LivePage(feed) as page:
        feeder.status("running")
        first = feeder.stride()
        await asyncio.sleep(0)
        async with live(page) as viewer:
            snapshot = await receive(viewer)
            assert snapshot["kind"] == "snapshot"
            assert [m["kind"] for m in snapshot["messages"]] == ["session", "status", "stride"]
            assert snapshot["messages"][2]["payload"]["ic_s"] == first.ic_s

            feeder.cue("Land under yourself, heel down")
            feeder.stride()
            cue, stride = await receive(viewer), await receive(viewer)
    assert (cue["runner"], cue["kind"]) == ("Ana", "cue")
    assert cue["payload"]["text"] == "Land under yourself, heel down"
    assert set(cue["payload"]) >= {"cue_id", "decided_utc", "valid_until", "fault", "side"}
    assert stride["payload"]["side"] == "right"
    assert stride["payload"]["flight_time_ms"] is None  # unknown is null: JSON has no NaN
    assert stride["at_ms"] >= snapshot["at_ms"]


async def test_the_past_is_bounded_and_ends_with_its_session():
    hub = Hub()
    feed = Feed()
    with feed.subscribe() as messages:
        feeder = Feeder(feed)
        feeder.start()
        task = asyncio.create_task(hub.run(messages))
        for _ in range(STRIDES_KEPT + 50):
            feeder.stride()
            await asyncio.sleep(0)
        with hub.viewer() as (text, _):
            kinds = [m["kind"] for m in json.loads(text)["messages"]]
        assert kinds.count("stride") == STRIDES_KEPT
        assert kinds.count("session") == 1

        feeder.end()
        await asyncio.sleep(0)
        with hub.viewer() as (text, _):
            assert len(json.loads(text)["messages"]) == STRIDES_KEPT + 1  # still to be read after the run

        again = Feeder(feed)
        again.session += "-2"
        again.start()
        await asyncio.sleep(0)
        with hub.viewer() as (text, _):
            assert [m["kind"] for m in json.loads(text)["messages"]] == ["session"]
        task.cancel()


async def test_bands_come_from_the_norm_that_was_given():
    def norm(metric: str, speed_mps: float) -> tuple[float, float]:
        known = 2.0 <= speed_mps <= 5.0
        return (10.0 * speed_mps, 1.0) if known else (math.nan, math.nan)

    async with LivePage(Feed(), norm=norm) as page, live(page) as viewer:
        norms = (await receive(viewer))["norms"]
    rows = norms["tibial_inclination_ic_deg"]
    assert [3.0, 30.0, 1.0] in rows
    assert (rows[0][0], rows[-1][0]) == (2.0, 5.0)
    assert "pelvic_tilt_deg" not in norms  # a natural tilt is never outside of anything


async def test_without_a_norm_there_are_no_bands():
    async with LivePage(Feed()) as page, live(page) as viewer:
        assert (await receive(viewer))["norms"] == {}


def test_who_is_too_far_behind_is_dropped_and_holds_nobody_up():
    hub = Hub()
    with hub.viewer() as (_, slow), hub.viewer() as (_, quick):
        for n in range(QUEUE_SIZE + 1):
            hub.take(Message("Ana", "stride", {"n": n}))
            assert json.loads(quick.get_nowait() or "")["payload"] == {"n": n}
        assert slow.get_nowait() is None
        hub.take(Message("Ana", "stride", {"n": -1}))
        assert slow.empty()
        assert not quick.empty()


async def test_a_viewer_that_does_not_read_is_hung_up_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app, "SEND_TIMEOUT_S", 0.2)
    monkeypatch.setattr("host.web.server.PING_PERIOD_S", 1.0)
    feed = Feed()
    async with LivePage(feed) as page:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port, limit=1024)
        writer.write(HANDSHAKE)
        await reader.readline()
        async with live(page, max_size=None) as quick:
            await receive(quick)
            for n in range(300):  # far more than the sockets' buffers hold
                feed.publish(Message("Ana", "stride", {"n": n, "filler": "x" * 100_000}))
                assert (await receive(quick))["payload"]["n"] == n
        # Only against hanging for ever: the server itself waits two pings for an answer to its goodbye.
        async with asyncio.timeout(60):
            await reader.read(-1)  # the rest of what was under way, then the end
        writer.close()
        await writer.wait_closed()


async def test_too_many_viewers_are_told_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("host.web.hub.MAX_VIEWERS", 1)
    async with LivePage(Feed()) as page, live(page) as first:
        await receive(first)
        async with live(page) as second:
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await receive(second)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


async def test_the_place_of_a_viewer_that_left_is_free(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("host.web.hub.MAX_VIEWERS", 1)
    async with LivePage(Feed()) as page:
        for _ in range(3):
            async with live(page) as viewer:
                assert (await receive(viewer))["kind"] == "snapshot"
            await asyncio.sleep(0.1)  # nothing is sent that could fail: its leaving itself is noticed


async def test_a_token_is_asked_for_and_then_remembered_as_a_cookie():
    async with LivePage(Feed(), token="s3cret & more") as page:
        assert page.url.endswith("/?token=s3cret+%26+more")
        async with client(page) as browser:
            for path in ("/", "/app.js", "/plotly.min.js", "/?token=wrong", "/?token="):
                answer = await browser.get(path)
                assert answer.status_code == 401, path
            assert "needs its token" in answer.text
            for accepted, code in (("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr, en-GB", "en"), ("*", "en")):
                answer = await browser.get("/", headers={"accept-language": accepted})
                assert f'<html lang="{code}">' in answer.text
                assert "$" not in answer.text
            for query in ("", "?token=wrong"):
                with pytest.raises(websockets.InvalidStatus):
                    await live(page, query)

            answer = await browser.get(page.url + "&view=1")
            assert answer.status_code == 303
            assert answer.headers["location"] == "/?view=1"  # the token does not stay in the address
            cookie = answer.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=lax" in cookie
            assert (await browser.get("/")).status_code == 200
            async with live(page, additional_headers={"Cookie": cookie.split(";")[0]}) as viewer:
                assert (await receive(viewer))["kind"] == "snapshot"
        async with live(page, "?token=s3cret+%26+more") as viewer:
            assert (await receive(viewer))["kind"] == "snapshot"


async def test_the_sessions_are_told_to_who_knows_the_token():
    async def rows() -> list[dict[str, Any]]:
        return [{"session": "s1"}]

    async with LivePage(Feed(), token="t", sessions=rows) as page, client(page) as browser:
        assert (await browser.get("/sessions.json")).status_code == 401
        answer = await browser.get("/sessions.json?token=t", follow_redirects=True)
    assert answer.json() == [{"session": "s1"}]
    assert answer.headers["cache-control"] == "no-store"


async def test_a_store_that_cannot_be_read_is_said_and_leaves_the_page_alone():
    async def broken() -> list[dict[str, Any]]:
        raise SinkError("hamstream.db", "disk I/O error")

    async with LivePage(Feed(), sessions=broken) as page, client(page) as browser:
        answer = await browser.get("/sessions.json")
        assert (answer.status_code, answer.text) == (503, "hamstream.db: disk I/O error\n")
        assert (await browser.get("/")).status_code == 200


async def test_the_token_is_never_carried_to_another_server():
    async with LivePage(Feed(), token="t") as page, client(page) as browser:
        for path in ("//elsewhere.example/", "/\\elsewhere.example/"):
            answer = await browser.get(f"http://127.0.0.1:{page.port}{path}?token=t")
            assert answer.status_code == 303
            assert answer.headers["location"].startswith(("/elsewhere", "/%5Celsewhere"))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("[::1]:{port}", 200),
        (socket.gethostname(), 200),
        ("192.168.1.20", 200),  # an address is nobody else's name
        ("rebound.example", 421),
        ("localhost.rebound.example:{port}", 421),
        ("127.0.0.1.rebound.example", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
async def test_only_this_computers_names_are_answered_to(host: str, status: int):
    async with LivePage(Feed()) as page, client(page) as browser:
        answer = await browser.get("/", headers={"Host": host.format(port=page.port)})
    assert answer.status_code == status


async def test_pages_from_elsewhere_cannot_listen():
    async with LivePage(Feed()) as page:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await live(page, origin="https://elsewhere.example")
        assert refused.value.response.status_code == 403
        with pytest.raises(websockets.InvalidStatus):
            await live(page, additional_headers={"Origin": "null"})
        async with live(page, origin=f"http://127.0.0.1:{page.port}") as viewer:
            assert (await receive(viewer))["kind"] == "snapshot"


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/app.js", 200), ("/nothing", 404), ("/plotly.min.js", 200)])
async def test_every_answer_carries_the_security_headers(path: str, status: int):
    async with LivePage(Feed()) as page, client(page) as browser:
        answer = await browser.get(path)
    assert answer.status_code == status
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_charts_library_is_the_one_that_plotly_ships_and_is_kept():
    async with LivePage(Feed()) as page, client(page) as browser:
        answer = await browser.get("/plotly.min.js")
        again = await browser.get("/app.js")
    assert answer.content == files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "max-age=86400" in answer.headers["cache-control"]
    assert again.headers["cache-control"] == "no-cache"


async def test_no_way_out_of_the_folder():
    async with LivePage(Feed()) as page:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write(b"GET /../server.py HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert b" 404 " in await reader.readline()
        await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_a_taken_port_is_replaced_and_said(caplog: pytest.LogCaptureFixture):
    async with LivePage(Feed()) as first, LivePage(Feed(), port=first.port) as second:
        assert second.port not in (0, first.port)
        assert f"127.0.0.1:{second.port}" in second.url
        assert f"port {first.port} is taken" in caplog.text
        async with client(second) as browser:
            assert (await browser.get("/")).status_code == 200


async def test_beyond_loopback_only_with_a_token():
    for host in ("0.0.0.0", "::", "192.168.1.20", "runner.example"):
        with pytest.raises(ConfigError, match="token"):
            LivePage(Feed(), host)
    async with LivePage(Feed(), "0.0.0.0", token="t") as page:
        assert "0.0.0.0" not in page.url  # nothing that a phone could open
        async with client(page) as browser:
            assert (await browser.get("/")).status_code == 401


async def test_with_a_certificate_everything_is_encrypted(tmp_path: Path):
    make_certificates(tmp_path)
    trust = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    pem_files = {"certfile": tmp_path / "server.pem", "keyfile": tmp_path / "server.key"}
    async with LivePage(Feed(), token="t", **pem_files) as page:
        assert page.url == f"https://127.0.0.1:{page.port}/?token=t"
        async with httpx.AsyncClient(verify=trust, trust_env=False) as browser:
            answer = await browser.get(page.url)
            assert answer.status_code == 303
            assert "Secure" in answer.headers["set-cookie"]
        address = f"wss://127.0.0.1:{page.port}/live?token=t"
        async with websockets.connect(address, ssl=trust, proxy=None, origin=page.url.partition("/?")[0]) as viewer:
            assert (await receive(viewer))["kind"] == "snapshot"
        async with client(page) as browser:
            with pytest.raises(httpx.RemoteProtocolError):
                await browser.get("/")  # nothing is said in the clear


@pytest.mark.parametrize("keyfile", ["ca.pem", "locked.key"])
async def test_a_certificate_that_cannot_be_used_is_one_clear_error(tmp_path: Path, keyfile: str):
    make_certificates(tmp_path)
    key = serialization.load_pem_private_key((tmp_path / "server.key").read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"nobody is asked for this")
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "locked.key").write_bytes(key.private_bytes(*form, locked))
    page = LivePage(Feed(), certfile=tmp_path / "server.pem", keyfile=tmp_path / keyfile)
    with pytest.raises(ConfigError, match=r"web\.certfile: .*server\.pem.*give PEM files that belong together"):
        await page.__aenter__()


async def test_a_host_that_is_not_here_is_one_clear_error():
    with pytest.raises(ConfigError, match=r"cannot listen on 203\.0\.113\.1"):  # RFC 5737: nobody's
        await LivePage(Feed(), "203.0.113.1", token="t").__aenter__()


async def test_it_ends_with_viewers_connected_and_leaves_the_signals_alone():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    page = LivePage(Feed())
    async with asyncio.timeout(10):
        async with page:
            assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
            viewer = await live(page)
            await receive(viewer)
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await viewer.recv()
        await viewer.wait_closed()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012  # "service restart": come again
    with pytest.raises(OSError, match=r"Connect call failed|refused"):
        await asyncio.open_connection("127.0.0.1", page.port)
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("live page")]


async def test_a_viewer_that_does_not_read_does_not_hold_up_the_end(caplog: pytest.LogCaptureFixture):
    feed = Feed()
    async with asyncio.timeout(10):
        async with LivePage(feed) as page:
            _, writer = await asyncio.open_connection("127.0.0.1", page.port, limit=1024)
            writer.write(HANDSHAKE)
            for n in range(100):
                feed.publish(Message("Ana", "stride", {"n": n, "filler": "x" * 200_000}))
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)
    assert caplog.text == ""  # no complaint: it is nobody's fault
    writer.transport.abort()


async def test_it_ends_when_its_task_is_cancelled():
    ready = asyncio.Event()

    async def serve() -> None:
        async with LivePage(Feed()):
            ready.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [t for t in asyncio.all_tasks() if t.get_name().startswith("live page")]


async def test_nothing_blocks_the_event_loop():
    feed = Feed()
    feeder = Feeder(feed)
    with blockbuster_ctx():
        async with LivePage(feed, token="t") as page:
            async with client(page) as browser:
                assert (await browser.get("/")).status_code == 401
                assert (await browser.get("/?token=t", follow_redirects=True)).status_code == 200
                assert (await browser.get("/plotly.min.js")).status_code == 200
                assert (await browser.get("/words.json")).status_code == 200
            async with live(page, "?token=t") as viewer:
                feeder.stride()
                await receive(viewer)
