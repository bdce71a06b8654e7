"""Fixtures for all tests: real servers, skipped with a reason where they are not installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, mosquitto, program


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
