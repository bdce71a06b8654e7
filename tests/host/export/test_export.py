"""Exports of a stored run, read back by other people's readers and held against the database itself."""

import asyncio
import csv
import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import pyarrow.parquet as pq
import pytest
from garmin_fit_sdk import Decoder, Stream

from dsp.types import Role
from host.config import Config, StorageConfig
from host.errors import ExportError, SinkError, UnknownSessionError
from host.export.write import export
from host.records import Stride
from host.sinks.store import Store
from tests.host.stored import STARTED, StoredRun, store_run

PLAN = "stand 5; run 3.0; grade 3; at 70 overstride strong left deaf"
LOST = {Role.SHANK_LEFT: range(600, 660)}  # so that some strides are not good


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return Config(storage=StorageConfig(folder=tmp_path_factory.mktemp("stored")))


@pytest.fixture(scope="module")
def run(config: Config) -> StoredRun:
    async def make() -> StoredRun:
        async with Store.open(config.database) as store:
            await store_run(store, "stand 60", 20)
            return await store_run(store, PLAN, 120, days=1, lost=LOST)

    return asyncio.run(make())


@pytest.fixture(scope="module")
def stored(config: Config, run: StoredRun) -> list[dict[str, Any]]:
    """The strides as they stand in the database; None is unknown."""
    with sqlite3.connect(config.database) as conn:
        conn.row_factory = sqlite3.Row
        sql = "SELECT * FROM strides WHERE of_session = ? ORDER BY number"
        return [dict(row) for row in conn.execute(sql, (run.session,))]


def test_parquet_is_the_database_to_the_last_bit(
    config: Config, run: StoredRun, stored: list[dict[str, Any]], tmp_path: Path
):
    paths = export(config, run.session, "parquet", tmp_path / "new folder")
    assert [path.name for path in paths] == [f"{run.session}.strides.parquet", f"{run.session}.cues.parquet"]
    table = pq.read_table(paths[0])
    names = [field.name for field in fields(Stride)]
    assert table.column_names == names
    assert table.to_pylist() == [{name: row[name] for name in names} for row in stored]
    assert None in table["leg_stiffness_npmkg"].to_pylist()  # nobody told a leg length
    assert table.schema.metadata[b"started_utc"] == b"2026-03-02T07:00:00.000Z"
    assert [cue["text"] for cue in pq.read_table(paths[1]).to_pylist()] == [cue.text for cue in run.cues] != []


def test_csv_has_every_field_rounded_far_below_what_can_be_measured(
    config: Config, run: StoredRun, stored: list[dict[str, Any]], tmp_path: Path
):
    strides, cues = export(config, "last", "csv", tmp_path)
    with strides.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(stored) > 200
    for row, true in zip(rows, stored, strict=True):
        assert list(row) == [field.name for field in fields(Stride)]
        for name, text in row.items():
            value = true[name]
            if not isinstance(value, float):
                assert text == (value or "")
            else:
                assert float(text) == pytest.approx(value, abs=0.0501)
    with cues.open(newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [cue.text for cue in run.cues]


@pytest.fixture(scope="module")
def fit(config: Config, run: StoredRun, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[Any, Any]]]:
    """The FIT file as Garmin's own reader sees it."""
    (path,) = export(config, run.session, "fit", tmp_path_factory.mktemp("fit"))
    assert Decoder(Stream.from_file(str(path))).check_integrity()
    messages, errors = Decoder(Stream.from_file(str(path))).read()
    assert errors == []
    return messages


def mean(rows: list[dict[str, Any]], name: str, side: str = "", good: bool = True) -> float:
    values = [row[name] for row in rows if side in ("", row["side"]) and not (good and row["quality"])]
    known = [value for value in values if value is not None]
    return fmean(known) if known else math.nan


# name in FIT -> (what it should be of the strides of a second, half the step in which FIT counts)
NATIVE: dict[str, tuple[Callable[[list[dict[str, Any]]], float], float]] = {
    "speed": (lambda rows: mean(rows, "speed_mps", good=False), 0.0005),
    "grade": (lambda rows: mean(rows, "grade_percent"), 0.005),
    "stance_time": (lambda rows: mean(rows, "contact_time_ms"), 0.05),
    "stance_time_percent": (lambda rows: 100 * mean(rows, "duty_factor"), 0.005),
    "stance_time_balance": (
        lambda rows: (
            100
            * mean(rows, "contact_time_ms", "left")
            / (mean(rows, "contact_time_ms", "left") + mean(rows, "contact_time_ms", "right"))
        ),
        0.005,
    ),
    "vertical_oscillation": (lambda rows: mean(rows, "vertical_oscillation_mm"), 0.05),
    "step_length": (lambda rows: 60_000 * mean(rows, "speed_mps") / mean(rows, "cadence_spm"), 0.05),
}
OWN = {
    "tibial_inclination_ic": ("tibial_inclination_ic_deg", "deg"),
    "foot_ahead_of_pelvis": ("foot_ahead_of_pelvis_mm", "mm"),
    "contact_time": ("contact_time_ms", "ms"),
    "pelvic_drop": ("pelvic_drop_deg", "deg"),
    "pelvic_tilt": ("pelvic_tilt_deg", "deg"),
    "pelvic_tilt_range": ("pelvic_tilt_range_deg", "deg"),
    "pelvic_obliquity_range": ("pelvic_obliquity_range_deg", "deg"),
    "pelvic_rotation_range": ("pelvic_rotation_range_deg", "deg"),
}


def test_fit_records_are_the_stored_strides_second_by_second(
    run: StoredRun, stored: list[dict[str, Any]], fit: dict[str, list[dict[Any, Any]]]
):
    start = datetime.fromisoformat("2026-03-02T07:00:00+00:00")
    seconds = defaultdict(list)
    for row in stored:
        seconds[int(row["next_ic_s"])].append(row)
    records = fit["record_mesgs"]
    assert [(record["timestamp"] - start).total_seconds() for record in records] == sorted(seconds)
    known = dict.fromkeys(NATIVE, 0)
    for record in records:
        rows = seconds[int((record["timestamp"] - start).total_seconds())]
        cadence_spm = 2 * (record["cadence"] + record["fractional_cadence"])
        assert cadence_spm == pytest.approx(mean(rows, "cadence_spm", good=False), abs=1 / 128 + 1e-9)
        for name, (value, step) in NATIVE.items():
            expected = value(rows)
            if math.isnan(expected):
                assert name not in record
            else:
                assert record[name] == pytest.approx(expected, abs=step * 1.001), name
                known[name] += 1
    assert min(known.values()) > 90
    assert known["stance_time"] < len(records)  # some seconds have no good stride


def test_fit_carries_what_it_has_no_field_for_with_name_and_unit(
    stored: list[dict[str, Any]], fit: dict[str, list[dict[Any, Any]]]
):
    named = {d["field_definition_number"]: (d["field_name"], d["units"]) for d in fit["field_description_mesgs"]}
    assert len(named) == 12
    start = STARTED.timestamp() + 86400
    seconds = defaultdict(list)
    for row in stored:
        seconds[int(row["next_ic_s"])].append(row)
    values = 0
    for record in fit["record_mesgs"]:
        rows = seconds[int(record["timestamp"].timestamp() - start)]
        for number, (name, unit) in named.items():
            side = next((side for side in ("left", "right") if name.endswith(side)), "")
            field, expected_unit = OWN[name.removesuffix(f"_{side}")]
            assert unit == expected_unit
            expected = mean(rows, field, side)
            found = record["developer_fields"][number]  # NaN is how FIT says unknown in a float
            assert found == pytest.approx(expected, rel=1e-6, nan_ok=True)
            values += not math.isnan(found)
    assert values > 1000


def test_fit_sums_the_run_up(run: StoredRun, stored: list[dict[str, Any]], fit: dict[str, list[dict[Any, Any]]]):
    (session,), (lap,), (activity,) = fit["session_mesgs"], fit["lap_mesgs"], fit["activity_mesgs"]
    metres = sum((row["next_ic_s"] - row["ic_s"]) * row["speed_mps"] / 2 for row in stored if row["speed_mps"])
    assert 320 < metres < 350  # 115 s at 3.0 m/s
    for message in (session, lap):
        assert message["sport"] == "running"
        assert message["start_time"] == datetime(2026, 3, 2, 7, tzinfo=UTC)
        assert message["total_distance"] == pytest.approx(metres, abs=0.01)
        assert message["total_elapsed_time"] == math.floor(max(row["next_ic_s"] for row in stored)) + 1
        assert message["total_strides"] == sum(row["side"] == "left" for row in stored)
        for name, (value, step) in NATIVE.items():
            assert message[f"avg_{name}"] == pytest.approx(value(stored), abs=step * 1.001), name
    assert fit["record_mesgs"][-1]["distance"] == session["total_distance"]
    assert (session["first_lap_index"], session["num_laps"], activity["num_sessions"]) == (0, 1, 1)
    assert [event["event_type"] for event in fit["event_mesgs"]] == ["start", "stop_all"]
    assert fit["file_id_mesgs"][0]["type"] == "activity"


def test_what_cannot_be_exported_is_said_and_leaves_nothing(config: Config, run: StoredRun, tmp_path: Path):
    with pytest.raises(UnknownSessionError, match="no session is called 'x'"):
        export(config, "x", "csv", tmp_path)
    # The first one stood still.
    with pytest.raises(ExportError, match="has no strides"):
        export(config, f"{STARTED:%Y%m%dT%H%M%S}000Z-ann", "fit", tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="choose another folder"):
        export(config, "last", "csv", tmp_path / "file")
