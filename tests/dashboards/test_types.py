"""The committed JSON against Grafana's own TypeScript types: a misspelt option is an error, not a silent default.

`npm install` in this folder brings the types (tests/install_servers.sh does); without them these tests skip.
"""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboards.__main__ import FOLDER

HERE = Path(__file__).parent
TSC = HERE / "node_modules" / ".bin" / "tsc"
SCHEMA = HERE / "node_modules" / "@grafana" / "schema" / "dist" / "esm" / "raw"
BOARDS = sorted(FOLDER.glob("*.json"))

# Panels whose options and custom field settings have types of their own: type -> (file, has it FieldConfig).
PANELS = {
    "barchart": ("barchart/panelcfg/x/BarChartPanelCfg_types.gen", True),
    "histogram": ("histogram/panelcfg/x/HistogramPanelCfg_types.gen", True),
    "stat": ("stat/panelcfg/x/StatPanelCfg_types.gen", False),
    "state-timeline": ("statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen", True),
    "table": ("table/panelcfg/x/TablePanelCfg_types.gen", True),
    "text": ("text/panelcfg/x/TextPanelCfg_types.gen", False),
    "timeseries": ("timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen", True),
    "trend": ("trend/panelcfg/x/TrendPanelCfg_types.gen", True),
}

# JSON holds an enum's value, not the enum: `Json` says so for a type and all within it.
PRELUDE = """
type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
"""


def program(board: dict[str, Any]) -> str:
    """A TypeScript program that compiles if the dashboard, its panels' options and custom fields fit their types."""
    used = sorted({panel["type"] for panel in board["panels"]} - {"row"})
    lines = [f'import type {{ Dashboard }} from "{SCHEMA}/dashboard/x/dashboard_types.gen";']
    lines += [f'import type * as {_name(kind)} from "{SCHEMA}/composable/{PANELS[kind][0]}";' for kind in used]
    lines += [PRELUDE, f"export const board: Json<Dashboard> = {json.dumps(_typed(board))};"]
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        name, number = _name(panel["type"]), panel["id"]
        lines.append(f"export const options{number}: Json<Partial<{name}.Options>> = {json.dumps(panel['options'])};")
        if PANELS[panel["type"]][1]:
            custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom", {})
            lines.append(f"export const custom{number}: Json<Partial<{name}.FieldConfig>> = {json.dumps(custom)};")
    return "\n".join(lines) + "\n"


def _typed(board: dict[str, Any]) -> dict[str, Any]:
    """The dashboard without what Grafana's types leave open: an annotation's query, which is the data source's own."""
    notes = copy.deepcopy(board["annotations"]["list"])
    for note in notes:
        note["target"] = {key: note["target"][key] for key in ("limit", "matchAny", "tags", "type")}
    return board | {"annotations": {"list": notes}}


def _name(kind: str) -> str:
    return kind.replace("-", "_")


def compile_all(folder: Path, boards: dict[str, dict[str, Any]]) -> str:
    """What the compiler has to say; empty when all is well."""
    for name, board in boards.items():
        (folder / f"{name.replace('-', '_')}.ts").write_text(program(board), encoding="utf-8")
    settings = {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": True,
        "module": "esnext",
        "moduleResolution": "bundler",
        "types": [],
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": settings, "include": ["*.ts"]}))
    return subprocess.run([str(TSC), "-p", str(folder)], capture_output=True, text=True).stdout


needs_types = pytest.mark.skipif(not TSC.exists(), reason=f"no Grafana types: npm install in {HERE.name}")


@needs_types
def test_every_dashboard_fits_grafanas_types(tmp_path: Path) -> None:
    assert BOARDS
    assert compile_all(tmp_path, {path.stem: json.loads(path.read_text()) for path in BOARDS}) == ""


@needs_types
def test_a_misspelt_key_or_value_is_seen(tmp_path: Path) -> None:
    broken = {}
    for where in ("board", "panel", "options", "custom", "enum"):
        board = json.loads((FOLDER / "runner-live.json").read_text())
        panel = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
        places = {"board": board, "panel": panel, "options": panel["options"]}
        places["custom"] = panel["fieldConfig"]["defaults"]["custom"]
        if where == "enum":
            panel["options"]["legend"]["placement"] = "beside"
        else:
            places[where]["refrish"] = "5s"
        broken[where] = board
    problems = compile_all(tmp_path, broken).splitlines()
    for where in broken:
        assert any(f"{where}.ts(" in line and ("refrish" in line or "beside" in line) for line in problems), where


def test_types_and_code_are_those_of_the_grafana_that_is_started() -> None:
    wanted = json.loads((HERE / "package.json").read_text())["devDependencies"]
    for package in ("@grafana/schema", "@grafana/data"):
        assert f"grafana/grafana:{wanted[package]}\n" in (FOLDER.parent / "compose.yaml").read_text()
