"""The committed dashboards: made by the sources, whole in themselves, and calm in colour."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.__main__ import BOARDS, FOLDER, write

PROVISIONING = FOLDER.parent / "provisioning"
NAMES = sorted(BOARDS)


def load(name: str) -> dict[str, Any]:
    board: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return board


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def every(value: Any, key: str) -> list[Any]:
    """All values of `key`, however deep."""
    if isinstance(value, dict):
        return [v for k, v in value.items() if k == key] + [x for v in value.values() for x in every(v, key)]
    return [x for v in value for x in every(v, key)] if isinstance(value, list) else []


def test_making_them_again_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert made == kept, "run `make dashboards` and commit"


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_shows_and_asks_a_provisioned_source(name: str) -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources" / "hamstream.yaml").read_text())["datasources"]
    known = {(source["type"], source["uid"]) for source in sources}
    board = load(name)
    for panel in panels(board):
        if panel["type"] == "text":
            continue
        assert panel["title"]
        assert panel["description"], panel["title"]
        assert panel["targets"], panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    found = [(source["type"], source["uid"]) for source in every(board, "datasource")]
    assert set(found) <= known
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(board["panels"]) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_no_two_panels_overlap(name: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in load(name)["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, (panel.get("title"), taken.get(cell))
            taken[cell] = panel.get("title", "")


@pytest.mark.parametrize("name", NAMES)
def test_variables_links_and_names_lead_somewhere(name: str) -> None:
    board = load(name)
    text = json.dumps(board)
    variables = {variable["name"] for variable in board["templating"]["list"]}
    queries = " ".join(q for q in every(board, "query") + every(board, "topic") if isinstance(q, str))
    assert set(re.findall(r"\$(?!__|timeFilter|tag_|col\b)\{?([a-z]+)", queries)) <= variables
    uids = {load(other)["uid"]: load(other) for other in NAMES}
    for uid, parameters in re.findall(r"/d/([\w-]+)\?([^\"]*)", text):
        target = {variable["name"] for variable in uids[uid]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", parameters)) <= target
    for panel in panels(board):
        overrides = panel.get("fieldConfig", {}).get("overrides", [])
        below = [p["value"] for o in overrides for p in o["properties"] if p["id"] == "custom.fillBelowTo"]
        names = re.findall(r'AS "([^"]+)"', " ".join(t.get("query", "") for t in panel.get("targets", [])))
        assert set(below) <= set(names), panel["title"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_red(name: str) -> None:
    """A natural tilt must not look like an alarm, and half of what is red to some is brown to others."""
    board = load(name)
    colors = every(board, "color") + every(board, "fixedColor") + every(board, "iconColor")
    for color in (c for c in colors if isinstance(c, str)):
        assert "red" not in color.lower()
        if re.fullmatch(r"#[0-9a-f]{6}", color):
            red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
            assert not (red > 150 and green < 100 and blue < 100), color
    modes = {mode for mode in every(board, "mode") if isinstance(mode, str)}
    assert not any("Rd" in mode or "reds" in mode for mode in modes)


def test_the_live_graph_shows_what_the_topic_has() -> None:
    document = yaml.safe_load((FOLDER.parents[1] / "docs" / "asyncapi.yaml").read_text())
    live = [
        (panel, target)
        for panel in panels(load("runner-live"))
        for target in panel.get("targets", [])
        if "topic" in target
    ]
    assert live
    for panel, target in live:
        leaf = target["topic"].removeprefix("hamstream/${runner}/")
        assert document["channels"][leaf]["address"] == f"hamstream/{{runner}}/{leaf}"
        shown = set(panel["transformations"][0]["options"]["include"]["names"])
        assert shown - {"Time"} <= set(document["components"]["schemas"][leaf]["properties"])


def test_only_figures_of_a_runner_are_repeated() -> None:
    board = load("team-wall")
    kinds = [panel.get("repeat") or panel["type"] for panel in board["panels"]]
    assert kinds[0] == "runner"
    assert set(kinds[1:-2]) == {"stat"}
    assert kinds[-2:] == ["row", "text"]
    assert all("runner" in query for query in every(board["panels"], "query"))


def test_the_live_ones_refresh_by_themselves() -> None:
    assert {name for name in NAMES if load(name)["refresh"] == "5s"} == {"team-wall", "runner-live", "service-health"}


def test_provisioning_says_what_grafana_reads() -> None:
    """Keys as in https://grafana.com/docs/grafana/v11.6/administration/provisioning/"""
    sources = yaml.safe_load((PROVISIONING / "datasources" / "hamstream.yaml").read_text())
    providers = yaml.safe_load((PROVISIONING / "dashboards" / "hamstream.yaml").read_text())
    assert sources["apiVersion"] == providers["apiVersion"] == 1
    keys = {"name", "uid", "type", "access", "url", "isDefault", "editable", "jsonData", "secureJsonData"}
    for source in sources["datasources"]:
        assert set(source) <= keys
        assert all(value.count("$") == 1 for value in source["secureJsonData"].values())
    influx = sources["datasources"][0]["jsonData"]
    assert (influx["version"], influx["dbName"], influx["httpHeaderName1"]) == (
        "InfluxQL",
        "hamstream",
        "Authorization",
    )
    keys = {
        "name",
        "folder",
        "folderUid",
        "type",
        "disableDeletion",
        "allowUiUpdates",
        "updateIntervalSeconds",
        "options",
    }
    for provider in providers["providers"]:
        assert set(provider) <= keys
        assert provider["options"]["path"] == "/etc/hamstream/dashboards"
    compose = (FOLDER.parent / "compose.yaml").read_text()
    assert "./json:/etc/hamstream/dashboards:ro" in compose
    home = re.search(r"HOME_DASHBOARD_PATH: /etc/hamstream/dashboards/(\S+)", compose)
    assert home
    assert (FOLDER / home[1]).exists()
