"""A pod with trivial sensors and an adapter, on an air in this process."""

from collections.abc import AsyncIterator

import pytest

from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import Backends, open_backends
from firmware_sim.radio.model import RadioModel
from tests.firmware_sim.virtual_pods import RampSampler


@pytest.fixture
def radio() -> RadioModel:
    """The pods' radio; a test may change it at any time."""
    return RadioModel()


@pytest.fixture
async def air() -> Air:
    return Air()


@pytest.fixture
async def backends(air: Air) -> AsyncIterator[Backends]:
    async with open_backends(await air.open(), first_timeout_ms=600.0) as backends:
        yield backends


@pytest.fixture
async def pod(air: Air, radio: RadioModel) -> AsyncIterator[SimulatedPod]:
    """The pelvis pod, switched on."""
    sampler = RampSampler(pressure=101_325.0)
    async with SimulatedPod(sampler, lambda: air.open(radio), seed=7) as pod:
        yield pod
