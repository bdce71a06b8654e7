"""Every query of every dashboard on a real InfluxDB that holds a simulated team of three.

The team is simulated and coached by hamstream; the points are those of its sink.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

import httpx
import pytest

from dashboards.__main__ import BOARDS, FOLDER
from host.coach.norms import norm
from host.records import PodHealth, Stride
from host.sinks.influx_points import MEASUREMENTS, point
from tests.dashboards.grafana import names, substituted
from tests.dashboards.team import SECONDS, Run, team
from tests.host.sinks.influx_server import InfluxServer
from tests.servers import program

pytestmark = pytest.mark.skipif(
    program("influxd") is None or program("nginx") is None, reason="no influxd or nginx (Debian: influxdb nginx-light)"
)
Answer = list[dict[str, Any]]


class Store:
    """An InfluxDB with the team in it, asked as Grafana would."""

    def __init__(self, port: int, runs: dict[str, Run], now: datetime) -> None:
        self.url, self.runs, self.now = f"http://127.0.0.1:{port}", runs, now

    def fill(self) -> None:
        lines = [line for run in self.runs.values() for line in points(run)]
        answer = httpx.post(f"{self.url}/write?db=hamstream&precision=ns", content="\n".join(lines), timeout=60)
        assert answer.status_code == 204, answer.text

    def ask(self, query: str, runner: object = None, *, interval: str = "5s") -> Answer:
        run = self.runs[runner if isinstance(runner, str) else "ben"]
        values = {"runner": runner or run.info.runner, "session": run.info.session}
        since = self.now - timedelta(seconds=SECONDS)
        text = substituted(query, since, self.now + timedelta(seconds=5), values, interval)  # type: ignore[arg-type]
        answer = httpx.post(
            f"{self.url}/query", params={"db": "hamstream", "epoch": "ms"}, data={"q": text}, timeout=60
        )
        result = answer.json()["results"][0]
        assert "error" not in result, (result, text)
        series: Answer = result.get("series", [])
        return series


def points(run: Run) -> Iterator[str]:
    for stride in run.strides:
        yield line("stride", run, asdict(stride), run.at(stride.ic_s))
    for cue in run.cues:
        yield line("cue", run, asdict(cue), run.at(cue.t_s))
    for second in range(0, int(SECONDS), 10):
        for role in ("pelvis", "shank_left", "shank_right"):
            health = PodHealth(role, "streaming", 80.0, 208.0, 26 * second, second // 10, 0, 1.5, float(second))
            yield line("pod", run, asdict(health), run.at(second))


def line(measurement: str, run: Run, record: dict[str, Any], moment: datetime) -> str:
    """One point as the sink makes it."""
    known = record | {"runner": run.info.runner, "session": run.info.session}
    return point(measurement, known, moment).to_line_protocol()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with InfluxServer(tmp_path_factory.mktemp("influx")) as server:
        now = datetime.now(UTC)  # here, not at import: queries look back from the present
        filled = Store(server.database.port, team(now), now)
        filled.fill()
        yield filled


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


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_query_is_answered(store: Store, name: str) -> None:
    for title, text in queries(load(name)):
        answer = store.ask(text)
        assert answer, (title, text)
        assert any(value is not None for series in answer for row in series["values"] for value in row[1:]), title


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_name_asked_for_is_written(name: str) -> None:
    written = set(MEASUREMENTS) | {n for measurement in MEASUREMENTS.values() for part in measurement for n in part}
    for title, text in queries(load(name)):
        asked, made_up = names(text)
        assert asked <= written | made_up, title


def test_the_wall_names_who_runs_and_shows_them_alone(store: Store) -> None:
    wall = load("team-wall")
    (everybody,) = store.ask(wall["templating"]["list"][0]["query"]["query"])
    assert everybody["columns"] == ["time", "runner"]
    assert sorted(row[1] for row in everybody["values"]) == sorted(store.runs)
    for runner, run in store.runs.items():
        (speed,) = store.ask(query("team-wall", "Speed"), runner)
        last_ms, shown = speed["values"][-1]
        expected = [s.speed_mps for s in run.strides if s.good and last_ms <= run.at(s.ic_s).timestamp() * 1000]
        assert shown == pytest.approx(fmean(expected), rel=1e-9), runner
    everyone = store.ask(query("team-wall", "Speed"), list(store.runs))
    assert everyone, "several at once, as Grafana writes them"


def test_the_wall_tells_overstride_from_the_norm_at_this_speed(store: Store) -> None:
    def beyond(stride: Stride) -> float:
        return stride.tibial_inclination_ic_deg - norm("tibial_inclination_ic_deg", stride.speed_mps).mean

    for runner, run in store.runs.items():
        (series,) = store.ask(query("team-wall", "Overstride"), runner)
        last_ms, shown = series["values"][-2]
        within = [s for s in run.strides if s.good and 0 <= run.at(s.ic_s).timestamp() * 1000 - last_ms < 10_000]
        assert shown == pytest.approx(fmean(map(beyond, within)), abs=1e-4), runner


def test_the_band_is_the_coachs(store: Store) -> None:
    """At every speed the band ends where the coach begins to count: mean and 1.5 SD of the norm at that speed."""
    for runner in store.runs:
        bands = store.ask(query("runner-live", "Cadence", "N"), runner, interval="1ms")[0]
        speeds = {
            round(store.runs[runner].at(s.ic_s).timestamp() * 1000): s.speed_mps for s in store.runs[runner].strides
        }
        checked = 0
        for at_ms, low, high in bands["values"]:
            if (speed := speeds.get(at_ms)) is not None:
                usual = norm("cadence_spm", speed)
                assert (low, high) == pytest.approx(
                    (usual.mean - 1.5 * usual.sd, usual.mean + 1.5 * usual.sd), abs=1e-3
                )
                checked += 1
        assert checked > 50


def test_left_and_right_are_the_legs(store: Store) -> None:
    run = store.runs["ben"]
    legs = {series["tags"]["side"]: series for series in store.ask(query("runner-live", "Foot ahead of pelvis"))}
    assert set(legs) == {"left", "right"}
    histograms = {side: store.ask(query("session-review", "Shank at contact", ref)) for side, ref in SIDES.items()}
    for side, (series,) in histograms.items():
        assert series["columns"][-1] == side
        shown = [row[-1] for row in series["values"] if row[-1] is not None]
        ours = [s.tibial_inclination_ic_deg for s in run.strides if s.good and s.side == side]
        assert min(ours) <= min(shown) <= max(shown) <= max(ours)


SIDES = {"left": "A", "right": "B"}


def test_distance_counts_the_ground_once(store: Store) -> None:
    run = store.runs["ann"]
    shown = sum(row[1] for row in store.ask(query("season", "Distance a week"), "ann")[0]["values"])
    running = [s for s in run.strides if not math.isnan(s.speed_mps)]
    assert shown == pytest.approx(sum(s.speed_mps * (s.next_ic_s - s.ic_s) for s in running) / 2000, rel=1e-6)
    # 3.2 m/s from 5 s on, and both legs: an independent figure, within what starting to run takes.
    assert shown == pytest.approx(3.2 * (SECONDS - 5.0) / 1000, rel=0.15)


def test_cues_are_where_they_were_said(store: Store) -> None:
    (said,) = store.runs["ben"].cues[:1]
    (last,) = store.ask(query("team-wall", "Last cue"), "ben")
    assert dict(zip(last["columns"], last["values"][0], strict=True))["fault"] == store.runs["ben"].cues[-1].fault
    (table,) = store.ask(query("session-review", "Cues"), "ben")
    first = dict(zip(table["columns"], table["values"][0], strict=True))
    assert (first["pattern"], first["text"], first["running for"]) == (said.fault, said.text, said.t_s)
    assert store.ask(query("team-wall", "Last cue"), "ann") == []
    marks = load("runner-live")["annotations"]["list"][0]["target"]
    (note,) = store.ask(marks["query"], "ben")
    assert {marks["textColumn"], marks["tagsColumn"]} <= set(note["columns"])
