"""The demo: a simulated runner with simulated pods in a process of their own, coached by the real host.

The runner stands, runs well, starts to overstride, hears the cue over MQTT like any subscriber would, and corrects.
Only the pods are simulated: radio, links, core, coach, broker, store, recording and page are the product.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from urllib.parse import quote

from firmware_sim.offline import simulate
from firmware_sim.radio.backend import open_backends
from host.coach.baseline import Baseline
from host.coach.coach import Coach
from host.coach.profile import Profile
from host.config import Config
from host.errors import HamstreamError
from host.person.known import known
from host.pipeline import Pipeline
from host.pods.scan import Radio
from host.records import PodEvent
from host.service import Job, Service, serve
from host.sinks.store import Store
from host.sources import live_pods
from host.terminal import waiting

RUNNER = "demo"
# A coach learns a habit from a minute of steady running; standing and the first strides come on top.
HABIT_S = 100.0


async def demo(config: Config, *, seconds: float | None, seed: int) -> None:
    """Runs the demo until `seconds` of it are over, or it is cancelled. What was told of the runner `demo` counts."""
    with waiting("Preparing: the runner's habit, from a simulated run of the past ..."):
        baseline = await asyncio.to_thread(learn_habit, seed)
    async with Store.open(config.database) as store:
        told = replace(await known(config, store, RUNNER), profile=Profile(baseline))

    def jobs(service: Service) -> list[Job]:
        mqtt = service.mqtt
        user = f"{quote(mqtt.username, safe='')}@" if mqtt.username else ""
        cues = f"mqtt://{user}{mqtt.endpoint}/{mqtt.base_topic}/{RUNNER}/alerts"

        async def source(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
            pods = simulated_pods("--plan", "demo", "--seed", str(seed), "--cues", cues)
            async with pods as spec, open_backends(spec) as backends:
                await live_pods({}, Radio(*backends))(on_event, now_ns)

        return [Job(RUNNER, source, "demo", told)]

    await serve(config, jobs, seconds)


def learn_habit(seed: int) -> Baseline | None:
    """The baseline that a past clean run of this runner gives, through the same core and coach."""
    frames, _ = simulate("clean", HABIT_S, seed=seed)
    coach = Coach()
    pipeline = Pipeline(coach, lag_s=2 * HABIT_S)  # pods come one after another, and none counts as silent
    for role, samples in frames.items():
        pipeline.push_frames(role, samples)
    pipeline.finish()
    return coach.baseline()


@contextlib.asynccontextmanager
async def simulated_pods(*options: str) -> AsyncIterator[str]:
    """Pods in a process of their own. Gives the transport on which a host reaches their air."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "firmware_sim", "--listen", "127.0.0.1:0", *options),
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C is for the host: it ends the links first, then the pods.
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        word, _, spec = (await process.stdout.readline()).decode().strip().partition(" ")
        if word != "ready":
            raise HamstreamError("the simulated pods did not start; `python -m firmware_sim --listen` shows why")
        yield spec
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await asyncio.shield(process.wait())
