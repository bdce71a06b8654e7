"""Links to simulated firmware over the virtual radio: bleak's real API, real ATT, and a known true time."""

import asyncio
import time

import numpy as np
import pytest

from dsp.types import Role
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import open_backends
from host.pods.link import Links
from host.pods.scan import Radio
from host.pods.stream import PodStream
from host.records import PodEvent
from tests.firmware_sim.virtual_pods import RampSampler

pytestmark = pytest.mark.virtual_time

PATIENCE_S = 15.0


async def test_a_pod_comes_back_from_a_power_cut():
    """Frames carry on, in time, after the cut."""
    air = Air()
    start_ns = time.monotonic_ns()
    stream = PodStream(Role.PELVIS)
    frames, news = [], asyncio.Event()

    def on_event(event: PodEvent) -> None:
        frames.append(stream.feed(event))
        news.set()

    async def wait_for(done) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not done():
                news.clear()
                await news.wait()

    def count() -> int:
        return stream.health.packets

    async with (
        open_backends(await air.open()) as (scanner, client),
        SimulatedPod(RampSampler(pressure=101_325.0), air.open, seed=3) as pod,
    ):
        links = Links(
            {Role.PELVIS: pod.address},
            on_event,
            lambda: time.monotonic_ns() - start_ns,
            Radio(scanner, client),
        )
        task = asyncio.create_task(links.run())
        await wait_for(lambda: count() >= 30)
        await pod.unplug()
        await wait_for(lambda: stream.health.link == "lost")
        before = count()
        await pod.plug()
        await wait_for(lambda: count() >= before + 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not pod.streaming
        epoch_s = pod.sampler.epoch_s
    joined = np.concatenate(frames)
    assert (np.diff(joined["t_s"]) > 0).all()
    assert (stream.health.lost_packets, stream.health.bad_packets) == (0, 0)
    assert stream.health.battery_percent == pod.battery_percent
    assert np.nanmax(joined["pressure_pa"]) == 101_325.0
    # Every sample's counts are its number: its true time is known.
    number = np.rint(joined["acc_mps2"][:, 0] / stream.full_scale[0] * 32768)
    late_s = joined["t_s"] + start_ns * 1e-9 - (epoch_s + number / 208.0)
    print(f"late by {late_s.min() * 1e3:.1f} .. {late_s.max() * 1e3:.1f} ms")
    assert late_s.min() > 0.0
