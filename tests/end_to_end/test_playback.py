"""A table worn by simulated pods, over the virtual radio, gives what the table itself gives."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from dsp.types import Role
from firmware_sim.demo import learn_habit
from firmware_sim.offline import simulate, write_table
from firmware_sim.playback import Playback
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import open_backends
from firmware_sim.service import run_pods
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import Pipeline, warm_up
from host.pods.scan import Radio
from host.records import Cue, SessionInfo, Stride
from host.session import RunnerSession
from host.sinks.store import Store
from host.sources import live_pods
from host.tasks import cancel

PLAN = "stand 4; run 3.2; at 10 overstride strong"
SECONDS = 36.0
LOST = slice(5200, 5240)  # samples of the left shank: 0.2 s in the middle of the run


@pytest.mark.virtual_time
async def test_a_table_over_the_radio_gives_the_strides_and_cues_of_the_table(tmp_path: Path) -> None:
    frames, _ = simulate(PLAN, SECONDS, seed=5)
    left = frames[Role.SHANK_LEFT]
    frames[Role.SHANK_LEFT] = np.delete(left, LOST)
    table = tmp_path / "run.imu.parquet"
    write_table(table, frames)
    await asyncio.to_thread(warm_up)
    baseline = await asyncio.to_thread(learn_habit, 5)

    pipeline = Pipeline(Coach(baseline), lag_s=2 * SECONDS)
    outputs = [pipeline.push_frames(role, samples) for role, samples in frames.items()] + [pipeline.finish()]
    direct = [stride for output in outputs for stride in output.strides]
    direct_cues = [cue for output in outputs for cue in output.cues]

    played, played_cues = await _play(table, Coach(baseline), tmp_path)

    # The clocks of the pods need the time of standing to settle; the run itself is compared from its first step on.
    assert abs(len(played) - len(direct)) <= 1
    offset_s = np.median([b.ic_s - a.ic_s for a, b in zip(direct, played, strict=False)])
    for side in ("left", "right"):
        was, now = ([s for s in strides if s.side == side] for strides in (direct, played))
        late_s = np.array([b.ic_s - a.ic_s for a, b in zip(was, now, strict=False)]) - offset_s
        assert np.max(np.abs(late_s)) < 0.005
    assert any("gap" in stride.quality for stride in played)
    assert [(c.kind, c.fault, c.text) for c in played_cues] == [(c.kind, c.fault, c.text) for c in direct_cues]
    assert [c.kind for c in played_cues] == ["cue"]


async def _play(table: Path, coach: Coach, folder: Path) -> tuple[list[Stride], list[Cue]]:
    info = SessionInfo("s1", "ann", "2026-01-01T00:00:00.000Z", "pods", "")
    air = Air()
    async with Store.open(folder / "store.db") as store, open_backends(await air.open()) as backends:
        session = RunnerSession(info, coach, store=store, feed=Feed())
        running = asyncio.create_task(session.run(live_pods({}, Radio(*backends))))
        await run_pods(Playback.load(table), dict.fromkeys(Role, air.open), seed=0)
        await cancel(running)
        return await store.strides("s1"), await store.cues("s1")
