"""A pod that dies mid-run and comes back: the others go on meanwhile, and the run is whole again afterwards."""

import asyncio
import math
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from dsp.types import Role
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import open_backends
from firmware_sim.runner.form import NATURAL
from firmware_sim.wearer import RunnerWearer
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import warm_up
from host.pods.scan import Radio
from host.records import SessionInfo
from host.session import RunnerSession
from host.sinks.store import Store
from host.sources import live_pods
from host.tasks import cancel

CONNECTED_S, RUNNING_S, ALONE_S, BACK_S = 2.0, 12.0, 8.0, 8.0


@pytest.mark.virtual_time
async def test_a_pod_that_dies_and_comes_back(tmp_path: Path) -> None:
    await asyncio.to_thread(warm_up)
    info = SessionInfo("s1", "ann", "2026-01-01T00:00:00.000Z", "pods", "")
    said: list[str] = []
    air, runner = Air(), RunnerWearer("stand 4; run 3.2", seed=3, form=NATURAL)
    pods = {role: SimulatedPod(runner.samplers[role], air.open, seed=3) for role in Role}
    left = pods[Role.SHANK_LEFT]
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(tmp_path / "store.db"))
        backends = await stack.enter_async_context(open_backends(await air.open()))
        for pod in pods.values():
            await stack.enter_async_context(pod)
        session = RunnerSession(
            info, Coach(), store=store, feed=Feed(), say=lambda text, fresh_s=0.0: said.append(text)
        )
        task = asyncio.create_task(session.run(live_pods({}, Radio(*backends))))
        await asyncio.sleep(CONNECTED_S)
        assert all(pod.streaming for pod in pods.values())
        runner.start(time.monotonic())
        await asyncio.sleep(RUNNING_S)
        died_s = session.now_ns() * 1e-9
        await left.unplug()
        await asyncio.sleep(ALONE_S)
        back_s = session.now_ns() * 1e-9
        await left.plug()
        await asyncio.sleep(BACK_S)
        await cancel(task)
        strides = await store.strides(info.session)

    assert "Left shank pod lost." in said
    for side in ("left", "right"):
        assert sum(s.side == side and s.good for s in strides if s.next_ic_s < died_s) >= 4
        # The pod needs a second to be found again.
        whole = [s for s in strides if s.side == side and s.ic_s > back_s + 3.0]
        assert len(whole) >= 4
        assert all("pod_missing" not in s.quality for s in whole)
    # The pelvis tells the steps of the left leg; what its shank does, nobody knows.
    lonely = [s for s in strides if died_s + 1.0 < s.ic_s and s.next_ic_s < back_s]
    assert {s.side for s in lonely} == {"left", "right"}
    assert {s.side for s in lonely if not math.isnan(s.tibial_inclination_ic_deg)} == {"right"}
    assert all("pod_missing" in s.quality for s in lonely)
    assert not any(math.isnan(s.tc_s) or math.isnan(s.cadence_spm) for s in lonely)
