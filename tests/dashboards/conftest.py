"""One database for all tests of the dashboards."""

import asyncio
from collections.abc import Iterator

import pytest

from host.sinks import influx
from tests.dashboards.database import Database
from tests.dashboards.team import send, team
from tests.host.sinks.influx_server import InfluxServer


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = tmp_path_factory.mktemp("influx")
    with InfluxServer(folder) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(influx, "LIVE_PERIOD_S", 0.2)
        runs = asyncio.run(send(server, folder, team()))
        yield Database(server.database.port, runs)
