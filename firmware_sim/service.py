"""The pods' own process: switches the pods on, and starts who wears them when a host has started all pods."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bumble.transport import open_transport
from bumble.transport.common import Transport

from dsp.types import Role
from firmware_sim.ears import listen
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.model import RADIO_PRESETS
from firmware_sim.wearer import RunnerWearer, TruthFile, Wearer
from host.tasks import cancel

log = logging.getLogger(__name__)

# The wearer begins this long after the last pod was started, so that the very first samples are streamed too.
START_DELAY_S = 0.1
# A host connects its pods one after the other, within seconds; perhaps it wants only some of them.
START_PATIENCE_S = 10.0
# How long pods stay on after the end of a recording, for what is queued then. Less than the two seconds of
# silence after which a host takes a link as lost.
DRAIN_S = 1.5
TRUTH_PERIOD_S = 0.5

# How a pod reaches a radio, each time it gets power.
Way = Callable[[], Awaitable[Transport]]


@asynccontextmanager
async def own_air(host: str, port: int, *, radio: str, seed: int) -> AsyncIterator[tuple[Way, str]]:
    """An air with a hub for hosts: the way onto it, and the hub's transport string. Raises OSError."""
    air = Air(RADIO_PRESETS[radio], seed=seed)
    async with air.listen(host, port) as spec:
        yield air.open, spec


def way_by(spec: str) -> Way:
    """The way through a Bumble transport: a real dongle, or a hub."""
    return partial(open_transport, spec)


async def run_pods(
    wearer: Wearer,
    ways: dict[Role, Way],
    *,
    seed: int,
    start_at_s: float | None = None,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Runs the pods of `ways` until the wearer's end, or cancelled. `on_ready`: all pods advertise.

    `start_at_s`: true time at which the wearer begins; None: when all pods stream.
    """
    async with contextlib.AsyncExitStack() as stack:
        pods = [SimulatedPod(wearer.samplers[role], way, seed=seed) for role, way in ways.items()]
        for pod in pods:
            await stack.enter_async_context(pod)
            log.info("%s is on, address %s", pod.name, pod.address)
        on_ready()
        if start_at_s is None:
            await _streaming(pods)
            start_at_s = time.monotonic() + START_DELAY_S
        end_s = wearer.start(start_at_s)
        log.info("the wearer starts")
        if math.isinf(end_s):
            await asyncio.Event().wait()
        await asyncio.sleep(max(end_s + DRAIN_S - time.monotonic(), 0.0))
        log.info("the recording is over")


async def _streaming(pods: Sequence[SimulatedPod]) -> None:
    """Until all pods stream, or those that the host wants do."""
    starts = [asyncio.ensure_future(pod.started.wait()) for pod in pods]
    await asyncio.wait(starts, return_when=asyncio.FIRST_COMPLETED)
    _, missing = await asyncio.wait(starts, timeout=START_PATIENCE_S)
    for start in missing:
        start.cancel()


@asynccontextmanager
async def attended(runner: RunnerWearer, *, cues: str | None = None, truth: Path | None = None) -> AsyncIterator[None]:
    """Meanwhile the runner hears the cues of an MQTT topic, and its true strides go to a file."""
    with contextlib.ExitStack() as stack:
        tasks = []
        if cues is not None:
            tasks.append(asyncio.create_task(listen(cues, runner.hear)))
        if truth is not None:
            file = stack.enter_context(contextlib.closing(TruthFile(truth, runner.runner)))
            tasks.append(asyncio.create_task(_keep_up(file)))
        try:
            yield
        finally:
            await cancel(*tasks)


async def _keep_up(file: TruthFile) -> None:
    while True:
        await asyncio.sleep(TRUTH_PERIOD_S)
        file.update()
