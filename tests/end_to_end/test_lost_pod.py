"""A pod that dies mid-run and comes back: the others go on meanwhile, and the run is whole again afterwards."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_sim.radio.backend import open_backends
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import warm_up
from host.pods.scan import Radio
from host.records import SessionInfo
from host.session import RunnerSession
from host.sinks.store import Store
from host.sources import live_pods
from tests.end_to_end.processes import pods

LIMIT_S = 60.0


async def collect(feed: Feed, strides: list[dict[str, Any]]) -> None:
    with feed.subscribe() as messages:
        async for message in messages:
            if message.kind == "stride":
                strides.append(message.payload)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_pod_that_dies_and_comes_back(tmp_path: Path) -> None:
    await asyncio.to_thread(warm_up)
    info = SessionInfo("s1", "ann", "2026-01-01T00:00:00.000Z", "pods", "")
    said: list[str] = []
    # One runner wears pods in two processes: the same seed, and the same start for both.
    runner = ("--plan", "stand 4; run 3.2", "--seed", "3", "--start-at", str(time.monotonic() + 12.0))
    own_air = pods("--listen", "127.0.0.1:0", "--pods", "pelvis,shank_right", *runner)
    async with Store.open(tmp_path / "store.db") as store, own_air as (_, spec), open_backends(spec) as backends:
        feed = Feed(backlog=10_000)
        session = RunnerSession(info, Coach(), store=store, feed=feed, say=lambda text, fresh_s=0.0: said.append(text))
        strides: list[dict[str, Any]] = []
        collecting = asyncio.create_task(collect(feed, strides))

        def good(side: str) -> int:
            return sum(s["side"] == side and not s["quality"] for s in strides)

        left = ("--hci", spec, "--pods", "shank_left", *runner)
        task = asyncio.create_task(session.run(live_pods({}, Radio(*backends))))
        async with pods(*left) as (process, _):
            await until(lambda: good("left") >= 4 and good("right") >= 4)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        killed_s = session.now_ns() * 1e-9
        await until(lambda: sum(s["side"] == "right" and s["ic_s"] > killed_s + 2.0 for s in strides) >= 5)
        lonely = [s for s in strides if s["ic_s"] > killed_s + 1.0]
        async with pods(*left):
            back_s = session.now_ns() * 1e-9
            await until(lambda: sum(s["side"] == "left" and s["ic_s"] > back_s for s in strides) >= 8)
        task.cancel()
        collecting.cancel()
        await asyncio.gather(task, collecting, return_exceptions=True)

    assert "Left shank pod lost." in said
    # The pelvis tells the steps of the left leg; what its shank does, nobody knows.
    assert {s["side"] for s in lonely} == {"left", "right"}
    assert {s["side"] for s in lonely if s["tibial_inclination_ic_deg"] is not None} == {"right"}
    assert all("pod_missing" in s["quality"] for s in lonely)
    assert all(s["tc_s"] is not None and s["cadence_spm"] is not None for s in lonely)
