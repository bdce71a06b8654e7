"""`analyze_files`: a simulated runner's session in every kind of file gives the same, true strides."""

import csv
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dsp.types import Role
from firmware_sim.offline import simulate, write_table
from firmware_sim.runner.truth import TrueStride
from host.analyze import analyze_files
from host.coach.coach import Coach
from host.coach.told import Told
from host.config import Config, RunnerConfig, StorageConfig
from host.pipeline import Pipeline
from host.records import Person, SessionInfo
from host.results import CUE_COLUMNS, STRIDE_COLUMNS
from host.sinks.recording import Recorder
from host.sinks.store import Store
from host.texts.language import language
from tests.host.stored import events_of

SHARED = Path(__file__).parents[3] / "shared"
SECONDS = 36.0
INFO = SessionInfo("20260101T080000000Z-Ann", "Ann", "2026-01-01T08:00:00.000Z", "pods", "")

Frames = dict[Role, NDArray[np.void]]


@pytest.fixture(scope="module")
def run() -> tuple[Frames, list[TrueStride]]:
    """Standing, then steady running; the numbers are rounded as a CSV file would, so that all files hold the same."""
    frames, truth = simulate("stand 4; run 3.0; at 20 overstride strong", SECONDS)
    for of_pod in frames.values():
        for field, decimals in (("t_s", 6), ("acc_mps2", 5), ("gyr_radps", 6), ("pressure_pa", 1)):
            of_pod[field] = np.round(of_pod[field], decimals)
    return frames, truth


@pytest.fixture
def session(run: tuple[Frames, list[TrueStride]], tmp_path: Path) -> Path:
    path = tmp_path / "run.imu.parquet"
    write_table(path, run[0])
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def complaints(captured: Any) -> list[str]:
    return captured.readouterr().err.splitlines()


def test_columns_are_those_asked_for(session: Path, tmp_path: Path) -> None:
    assert analyze_files([session], tmp_path / "out") == 0
    header = (tmp_path / "out" / "run.strides.csv").read_text().splitlines()[0]
    assert header == (
        "side,ic_s,tc_s,next_ic_s,cadence_spm,contact_time_ms,flight_time_ms,duty_factor,tibial_inclination_ic_deg,"
        "foot_ahead_of_pelvis_mm,pelvic_tilt_deg,pelvic_tilt_range_deg,pelvic_drop_deg,pelvic_obliquity_range_deg,"
        "pelvic_rotation_range_deg,pelvic_rotation_lag_percent,"
        "speed_mps,grade_percent,turn_rate_dps,shank_retraction_dps,shank_rate_early_stance_dps,"
        "shank_mid_stance_deg,pelvis_over_foot_percent,braking_loss_mps,vertical_oscillation_mm,"
        "vertical_stiffness_npmkg,leg_stiffness_npmkg,contact_time_difference_ms,"
        "tibial_inclination_difference_deg,pelvic_drop_difference_deg,ic_sd_ms,tc_sd_ms,tibial_inclination_ic_sd_deg,pelvic_tilt_sd_deg,"
        "foot_ahead_of_pelvis_sd_mm,quality"
    )
    header = (tmp_path / "out" / "run.cues.csv").read_text().splitlines()[0]
    assert header == "t_s,kind,fault,side,context,text"


def test_strides_are_true(run: tuple[Frames, list[TrueStride]], session: Path, tmp_path: Path) -> None:
    analyze_files([session], tmp_path)
    found = rows_of(tmp_path / "run.strides.csv")
    good = [row for row in found if not row["quality"]]
    assert len(good) > 0.8 * len(run[1])
    for row in good:
        true = min(run[1], key=lambda stride: abs(stride.ic_s - float(row["ic_s"])))
        assert row["side"] == true.side
        for column in ("ic_s", "tc_s", "next_ic_s"):
            assert float(row[column]) == pytest.approx(getattr(true, column), abs=0.04)
        assert float(row["cadence_spm"]) == pytest.approx(120 / (true.next_ic_s - true.ic_s), rel=0.05)


def test_all_kinds_of_tables_give_the_same(run: tuple[Frames, list[TrueStride]], tmp_path: Path) -> None:
    texts = {}
    for ending in (".imu.csv", ".imu.csv.gz", ".imu.parquet"):
        path = tmp_path / f"run{ending}"
        write_table(path, run[0])
        assert analyze_files([path], tmp_path / ending) == 0
        texts[ending] = [(tmp_path / ending / f"run.{kind}.csv").read_text() for kind in ("strides", "cues")]
    assert texts[".imu.csv"] == texts[".imu.csv.gz"] == texts[".imu.parquet"]
    assert texts[".imu.csv"][0].count("\n") > 50


def test_rows_are_those_of_the_pipeline(run: tuple[Frames, list[TrueStride]], session: Path, tmp_path: Path) -> None:
    """Sample by sample as live, without files: the same strides and cues, to the last written decimal."""
    pipeline = Pipeline(Coach())
    cursor = dict.fromkeys(Role, 0)
    outputs = []
    for until_s in np.arange(0.04, SECONDS + 0.04, 0.04):
        for role, frames in run[0].items():
            end = int(np.searchsorted(frames["t_s"], until_s))
            outputs.append(pipeline.push_frames(role, frames[cursor[role] : end]))
            cursor[role] = end
    outputs.append(pipeline.finish())
    analyze_files([session], tmp_path)
    strides = [stride for output in outputs for stride in output.strides]
    rows = rows_of(tmp_path / "run.strides.csv")
    assert len(rows) == len(strides) > 50
    for row, stride in zip(rows, strides, strict=True):
        assert list(row) == list(STRIDE_COLUMNS)
        for column in STRIDE_COLUMNS:
            value = getattr(stride, column)
            if isinstance(value, str):
                assert row[column] == value
            elif np.isnan(value):
                assert row[column] == ""
            else:
                assert float(row[column]) == pytest.approx(value, rel=1e-3, abs=0.06)
    cues = [cue for output in outputs for cue in output.cues]
    written = rows_of(tmp_path / "run.cues.csv")
    assert [(row["fault"], row["text"]) for row in written] == [(cue.fault, cue.text) for cue in cues]
    assert all(list(row) == list(CUE_COLUMNS) for row in written)


def test_strides_after_a_pod_has_died_are_not_lost(run: tuple[Frames, list[TrueStride]], tmp_path: Path) -> None:
    """The other pods still wait for it when the file ends."""
    frames = dict(run[0])
    right = frames[Role.SHANK_RIGHT]
    frames[Role.SHANK_RIGHT] = right[right["t_s"] < SECONDS - 3.0]
    write_table(tmp_path / "run.imu.parquet", frames)
    analyze_files([tmp_path / "run.imu.parquet"], tmp_path)
    rows = rows_of(tmp_path / "run.strides.csv")
    last = {row["side"]: float(row["next_ic_s"]) for row in rows}
    assert last["left"] > SECONDS - 1.0
    assert last["right"] > SECONDS - 1.0  # by the pelvis
    late = [row for row in rows if row["side"] == "right" and float(row["ic_s"]) > SECONDS - 3.0]
    assert late
    assert all("pod_missing" in row["quality"] and not row["tibial_inclination_ic_deg"] for row in late)


async def test_a_recording_gives_what_the_pipeline_gave(
    run: tuple[Frames, list[TrueStride]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = Pipeline(Coach(), leg_length_m=0.92)
    strides = []
    async with Recorder(tmp_path / "run.mcap", INFO, Told(Person("ann", 0.92)).to_settings()) as recorder:
        for event in events_of(run[0]):
            recorder.write(event)
            strides += pipeline.push_event(event).strides
    strides += pipeline.finish().strides
    assert analyze_files([tmp_path / "run.mcap"], tmp_path) == 0
    rows = rows_of(tmp_path / "run.strides.csv")
    assert [row["ic_s"] for row in rows] == [f"{stride.ic_s:.4f}" for stride in strides]
    assert [row["quality"] for row in rows] == [stride.quality for stride in strides]
    stiffness = [float(row["leg_stiffness_npmkg"]) for row in rows if not row["quality"]]
    assert stiffness == pytest.approx([stride.leg_stiffness_npmkg for stride in strides if stride.good], abs=0.06)
    told = json.loads((tmp_path / "run.session.json").read_text())
    assert datetime.fromisoformat(told["started_utc"]) == datetime.fromisoformat(INFO.started_utc)
    assert complaints(capsys) == []
    (tmp_path / "cut.mcap").write_bytes((tmp_path / "run.mcap").read_bytes()[:-100])  # its end, behind all events
    assert analyze_files([tmp_path / "cut.mcap"], tmp_path) == 0
    assert rows_of(tmp_path / "cut.strides.csv") == rows
    (told,) = complaints(capsys)
    assert "cut.mcap: is cut short" in told


def test_a_wrong_file_is_told_and_the_others_are_analysed(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = tmp_path / "late.imu.csv"  # wrong after many good rows: units are judged at the end
    text = "t_s,pod,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z\n"
    late.write_text(text + "".join(f"{i / 208:.6f},pelvis,0,0,1,0,0,0\n" for i in range(2000)))
    torn = tmp_path / "torn.mcap"
    torn.write_bytes(b"not a recording")
    kind = tmp_path / "notes.txt"
    kind.touch()
    paths = [late, torn, session, kind, tmp_path / "absent.imu.csv.gz"]
    assert analyze_files(paths, tmp_path / "out") == 2
    told = complaints(capsys)
    assert len(told) == 4
    for path, part in (
        (late, "pelvis: acc looks like g"),
        (torn, "is not a recording"),
        (kind, "is no kind of file that can be analysed"),
        (paths[-1], "there is no such file"),
    ):
        assert [line for line in told if str(path) in line and part in line], path
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["run.cues.csv", "run.strides.csv"]


def test_it_tells_what_was_found_and_why_nothing_can_be_told(
    run: tuple[Frames, list[TrueStride]], session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file without a pod, or in which nobody stands or runs, is no error, and its columns are empty."""
    frames = run[0]
    for name, some in (
        ("one_pod", {Role.PELVIS: frames[Role.PELVIS]}),
        ("no_stand", {role: of_pod[of_pod["t_s"] > 8.0] for role, of_pod in frames.items()}),
        ("standing", {role: of_pod[of_pod["t_s"] < 3.0] for role, of_pod in frames.items()}),
    ):
        write_table(tmp_path / f"{name}.csv", some)
    files = [session, *(tmp_path / f"{name}.csv" for name in ("one_pod", "no_stand", "standing"))]
    assert analyze_files(files, tmp_path / "out") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    rows = rows_of(tmp_path / "out" / "run.strides.csv")
    good = sum(not row["quality"] for row in rows)
    assert lines[0].startswith(f"{session}: {len(rows)} strides, {good} good (settling {len(rows) - good}), 0 cues;")
    assert lines[0].endswith(str(tmp_path / "out" / "run.strides.csv"))
    assert lines[3].startswith(f"{files[3]}: 0 strides, 0 good, 0 cues")
    doubts = captured.err.splitlines()
    assert len(doubts) == 3
    for file, doubt, part in zip(
        files[1:],
        doubts,
        ("strides is good: a pod was silent", "strides is good: nobody stood still", "no stride was found"),
        strict=True,
    ):
        assert str(file) in doubt
        assert part in doubt


def test_one_wrong_file_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.imu.csv").write_text("t_s,pod\n")
    assert analyze_files([tmp_path / "a.imu.csv"], tmp_path / "out") == 2
    assert list((tmp_path / "out").iterdir()) == []
    (told,) = complaints(capsys)
    assert told.startswith("hamstream: ")
    assert "has no column" in told


def test_results_that_would_overwrite_each_other(
    session: Path, run: tuple[Frames, list[TrueStride]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "run.imu.parquet"
    other.parent.mkdir()
    write_table(other, run[0])
    assert analyze_files([session, other, session], tmp_path / "out") == 2
    (told,) = complaints(capsys)
    assert f"{other}: its results would overwrite those of {session}" in told
    assert (tmp_path / "out" / "run.strides.csv").exists()


def test_earlier_results_survive_a_failure(session: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "run.strides.csv").write_text("earlier")
    session.write_bytes(session.read_bytes()[:-50])
    assert analyze_files([session], tmp_path / "out") == 2
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["earlier"]


def test_folder_that_cannot_be_made(session: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="cannot be made") as caught:
        analyze_files([session], tmp_path / "file" / "out")
    assert "--out" in str(caught.value)


def settings(tmp_path: Path, **runner: Any) -> Config:
    pods = {role.label: f"C0:FF:EE:00:00:0{int(role)}" for role in Role}
    return Config(
        runner=(RunnerConfig.model_validate({"name": "Ann", "pods": pods, **runner}),),
        storage=StorageConfig(folder=tmp_path / "data"),
    )


async def store_person(config: Config, person: Person) -> None:
    async with Store.open(config.database) as store:
        await store.save_person(person)


async def stored_profile(config: Config) -> str | None:
    async with Store.open(config.database) as store:
        return await store.baseline("Ann")


def test_a_profile_is_used_and_updated_only_with_a_runner(run: tuple[Frames, list[TrueStride]], tmp_path: Path) -> None:
    import asyncio

    config = settings(tmp_path)
    steady, _ = simulate("stand 4; run 3.0", 110.0, seed=1)
    write_table(tmp_path / "steady.imu.parquet", steady)
    worse, _ = simulate("stand 4; run 3.0; overstride strong", 50.0, seed=1)
    write_table(tmp_path / "worse.imu.parquet", worse)
    both = [tmp_path / "steady.imu.parquet", tmp_path / "worse.imu.parquet"]

    assert analyze_files(both, tmp_path / "without") == 0
    assert not config.database.exists()

    assert analyze_files(both[:1], tmp_path / "with", runner="Ann", config=config) == 0
    first = asyncio.run(stored_profile(config))
    assert first
    assert analyze_files(both, tmp_path / "with", runner="Ann", config=config) == 0
    assert asyncio.run(stored_profile(config)) != first

    # 46 s of running: without a profile the coach is still silent, with one it spoke of the change.
    assert rows_of(tmp_path / "without" / "worse.cues.csv") == []
    assert {row["fault"] for row in rows_of(tmp_path / "with" / "worse.cues.csv")} == {"overstride"}

    muted = settings(tmp_path, muted=["overstride"])
    analyze_files(both[1:], tmp_path / "muted", runner="Ann", config=muted)
    assert "overstride" not in {row["fault"] for row in rows_of(tmp_path / "muted" / "worse.cues.csv")}

    # What she told goes before what stands in the configuration.
    asyncio.run(store_person(config, Person("Ann", leg_length_m=0.92, language="de", muted=frozenset())))
    analyze_files(both[1:], tmp_path / "told", runner="Ann", config=muted)
    (cue, *_) = rows_of(tmp_path / "told" / "worse.cues.csv")
    words = language("de").faults["overstride"].cues
    assert cue["text"] in [text for texts in words.values() for text in texts]
    assert any(row["leg_stiffness_npmkg"] for row in rows_of(tmp_path / "told" / "worse.strides.csv"))
    assert not any(row["leg_stiffness_npmkg"] for row in rows_of(tmp_path / "muted" / "worse.strides.csv"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the measured sessions beside the repository are absent")
def test_real_runners_are_scored(tmp_path: Path) -> None:
    """The scoring tool runs through on two sessions of real runners, from the command line on."""
    for name in ("rbds001_2.5mps", "rbds005_3.5mps"):
        for ending in (".imu.csv.gz", ".truth.csv", ".json"):
            (tmp_path / f"{name}{ending}").symlink_to(SHARED / "data" / "rbds" / f"{name}{ending}")
    command = [
        sys.executable,
        SHARED / "tools" / "score.py",
        tmp_path,
        "--command",
        f"{sys.executable} -m host.cli analyze",
    ]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert done.stderr == ""
    for line in ("initial contact F1", "terminal contact F1", "strides while standing", "pelvic tilt, stride mean"):
        assert f"ok   {line}" in done.stdout, done.stdout
