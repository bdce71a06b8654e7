"""For all tests: time, which some have of their own, and real servers, skipped with a reason where there are none."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Server, mosquitto, program
from tests.virtual_time import Clock, VirtualLoop


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of a test."""
    return {"loop": VirtualLoop if item.get_closest_marker("virtual_time") else asyncio.new_event_loop}


@pytest.fixture(autouse=True)
def _one_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("virtual_time"):
        monkeypatch.setattr(time, "monotonic", lambda: Clock.now_s)
        monkeypatch.setattr(time, "monotonic_ns", lambda: round(Clock.now_s * 1e9))


@pytest.fixture
def mosquitto_folder(tmp_path: Path) -> Path:
    """A folder for a broker's files. Skips the test where there is no mosquitto."""
    if program("mosquitto") is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    return folder


@pytest.fixture
def mosquitto_broker(mosquitto_folder: Path) -> Iterator[Server]:
    """A real MQTT broker (5 and 3.1.1) on loopback, without password."""
    with mosquitto(mosquitto_folder) as server:
        yield server
