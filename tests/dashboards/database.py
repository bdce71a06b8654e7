"""The database that the tests ask: an InfluxDB with the team in it, as Grafana would; and the dashboards' JSON."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from dashboards.__main__ import FOLDER
from tests.dashboards.grafana import substituted
from tests.dashboards.team import Run
from tests.servers import program

needs_influx = pytest.mark.skipif(
    program("influxd") is None or program("nginx") is None, reason="no influxd or nginx (Debian: influxdb nginx-light)"
)
Answer = list[dict[str, Any]]


class Database:
    """An InfluxDB with the team in it, asked as Grafana would at the moment when it was filled."""

    def __init__(self, port: int, runs: dict[str, Run]) -> None:
        self.url, self.runs, self.now = f"http://127.0.0.1:{port}", runs, datetime.now(UTC)

    def ask(self, query: str, runner: object = None, *, interval: str = "5s") -> Answer:
        run = self.runs[runner if isinstance(runner, str) else "ben"]
        values = {"runner": runner or run.info.runner, "session": run.info.session}
        since = run.started - timedelta(seconds=1)
        text = substituted(query, since, self.now + timedelta(seconds=5), values, interval)  # type: ignore[arg-type]
        text = text.replace("now()", f"'{self.now:%Y-%m-%dT%H:%M:%S.%fZ}'")
        answer = httpx.post(
            f"{self.url}/query", params={"db": "hamstream", "epoch": "ms"}, data={"q": text}, timeout=60
        )
        result = answer.json()["results"][0]
        assert "error" not in result, (result, text)
        series: Answer = result.get("series", [])
        return series

    def table(self, query: str, runner: str) -> list[dict[str, Any]]:
        """The rows of the one series that a table asks for."""
        (series,) = self.ask(query, runner)
        return [dict(zip(series["columns"], row, strict=True)) for row in series["values"]]


def load(name: str) -> dict[str, Any]:
    board: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return board


def queries(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Title and query of every panel, annotation and variable."""
    for panel in board["panels"]:
        yield from (
            (panel.get("title", ""), target["query"]) for target in panel.get("targets", []) if "query" in target
        )
    yield from ((note["name"], note["target"]["query"]) for note in board["annotations"]["list"])
    yield from ((variable["name"], variable["query"]["query"]) for variable in board["templating"]["list"])


def query(name: str, title: str, ref: str = "A") -> str:
    """The query `ref` of the first panel of that title that has one."""
    targets = [target for panel in load(name)["panels"] if panel.get("title") == title for target in panel["targets"]]
    return str(next(target["query"] for target in targets if target["refId"] == ref))
