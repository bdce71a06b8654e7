"""What is read on the panels: InfluxDB's answers through Grafana's own browser code (shown.cjs)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboards import look
from dashboards.__main__ import BOARDS
from tests.dashboards.database import Database, load, needs_influx
from tests.dashboards.team import NOW, OWN
from tests.servers import program

HERE = Path(__file__).parent
pytestmark = [
    needs_influx,
    pytest.mark.skipif(
        program("node") is None or not (HERE / "node_modules" / "@grafana" / "data").exists(),
        reason=f"no Grafana code: npm install in {HERE.name}",
    ),
]
# Of three moments the team scores its pain the morning after alone.
UNSEEN = {("Pain", "before"), ("Pain", "after")}


def shown(store: Database, name: str, runner: str) -> dict[str, dict[str, Any]]:
    """By title: the panel, its frames' field names, and what a stat panel says."""
    asked = []
    for panel in load(name)["panels"]:
        targets = [
            target | {"table": target["resultFormat"] == "table", "series": store.ask(target["query"], runner)}
            for target in panel.get("targets", [])
            if "query" in target
        ]
        if targets:
            asked.append({"panel": panel, "targets": targets})
    command = [program("node") or "node", str(HERE / "shown.cjs")]
    answer = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    results = json.loads(answer.stdout)
    return {one["panel"]["title"]: one | result for one, result in zip(asked, results, strict=True)}


def test_the_wall_says_it_in_few_words(store: Database) -> None:
    for runner, line in NOW.items():
        wall = shown(store, "team-wall", runner)
        color = look.WELL if line == "Good form" else look.BEYOND
        assert wall["Now"]["values"] == [["now", line, color]]
        ((_, speed, _),) = wall["Speed"]["values"]
        assert speed == f"{float(speed.split()[0]):.1f} m/s"
        assert wall["Pods"]["values"] == [["battery", "78%", look.LEFT], ["lost", "4", look.LEFT]]
        assert wall["Tilt against own"]["values"][0][1] == "-3.0 °"
    ((_, when, _), (_, what, color)) = shown(store, "team-wall", "ben")["Last cue"]["values"]
    assert when.endswith(" ago")
    assert (what, color) == ("Overstride", look.BEYOND)


def test_the_own_usual_has_names_and_units(store: Database) -> None:
    values = shown(store, "runner-live", "ben")["Against the own usual"]["values"]
    told = {name: text for name, text, _ in values}
    assert (told["shank at contact"], told["pelvic tilt"], told["cadence"]) == ("3.0 °", "-3.0 °", "3 spm")
    assert {text for name, text in told.items() if name not in ("shank at contact", "pelvic tilt", "cadence")} == {"-"}
    assert len(OWN) == 3


def test_times_are_read_like_a_clock(store: Database) -> None:
    ((_, length, _),) = shown(store, "session-review", "ben")["Length"]["values"]
    assert length in {"00:01:38", "00:01:39", "00:01:40"}  # the last stride of 100 s


def test_a_trend_is_one_frame_of_numbers(store: Database) -> None:
    panels = shown(store, "session-review", "ben").values()
    trends = [panel["fields"] for panel in panels if panel["panel"]["type"] == "trend"]
    assert trends
    assert all(fields in ([["running_s", "left", "right"]], [["running_s", "both feet"]]) for fields in trends)


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_what_is_set_for_a_field_finds_it(store: Database, name: str) -> None:
    """A name that is misspelt in an override would be passed over in silence."""
    for title, one in shown(store, name, "ben").items():
        found = {field for frame in one["fields"] for field in frame}
        overrides = one["panel"]["fieldConfig"].get("overrides", [])
        wanted = {o["matcher"]["options"] for o in overrides if o["matcher"]["id"] == "byName"}
        # The sides' colours are set on every panel of curves.
        missing = {field for field in wanted - found - {"left", "right"} if (title, field) not in UNSEEN}
        assert not missing, title
