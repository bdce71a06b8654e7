"""Every query of every dashboard on a real InfluxDB that holds a simulated team of three.

The team is simulated and coached by hamstream, stored in its store and sent by its sink (team.py).
"""

import re
from pathlib import Path
from statistics import fmean

import pytest

from dashboards.__main__ import BOARDS
from host.coach.norms import norm
from host.records import Stride
from host.sinks.influx_points import MEASUREMENTS
from tests.dashboards.database import Database, load, needs_influx, queries, query
from tests.dashboards.grafana import names
from tests.dashboards.team import LATENCIES_MS, NOW, OWN, PAIN, SECONDS, USUAL_TILT_DEG

DOCS = Path(__file__).parents[2] / "docs"


@needs_influx
@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_query_is_answered(store: Database, name: str) -> None:
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


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_every_name_written_is_documented_and_the_other_way_round(name: str) -> None:
    """docs/influx.md has a row for each measurement; the columns of a stride have docs of their own."""
    (row,) = re.findall(rf"^\| `{name}` \|(.*)\|$", (DOCS / "influx.md").read_text(), re.M)
    told = set(re.findall(r"`(\w+)`", row))
    tags, fields = (set(part) for part in MEASUREMENTS[name])
    if name == "stride":
        assert told == tags
        schema = (DOCS / "asyncapi.yaml").read_text()
        assert all(f" {field}: {{" in schema for field in fields)
    else:
        assert told == tags | fields


@needs_influx
def test_the_wall_names_who_runs_and_shows_them_alone(store: Database) -> None:
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


@needs_influx
def test_the_wall_tells_overstride_from_the_norm_at_this_speed(store: Database) -> None:
    def beyond(stride: Stride) -> float:
        return stride.tibial_inclination_ic_deg - norm("tibial_inclination_ic_deg", stride.speed_mps).mean

    for runner, run in store.runs.items():
        (series,) = store.ask(query("team-wall", "Overstride"), runner)
        last_ms, shown = series["values"][-2]
        within = [s for s in run.strides if s.good and 0 <= run.at(s.ic_s).timestamp() * 1000 - last_ms < 10_000]
        assert shown == pytest.approx(fmean(map(beyond, within)), abs=1e-4), runner


@needs_influx
def test_the_band_is_the_coachs(store: Database) -> None:
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


@needs_influx
def test_left_and_right_are_the_legs(store: Database) -> None:
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


@needs_influx
def test_load_and_pain_are_the_stores(store: Database) -> None:
    for runner, run in store.runs.items():
        assert run.load
        for title, expected in (
            ("Distance", run.load.distance_m / 1000),
            ("Time running", float(run.summary["running_s"]) / 3600),  # type: ignore[arg-type]
            ("Strides", run.load.strides),
        ):
            assert sum(row[1] for row in store.ask(query("season", title), runner)[0]["values"]) == pytest.approx(
                expected
            )
        (scores,) = store.ask(query("season", "Pain"), runner)
        assert scores["tags"] == {"moment": "next-morning"}
        assert [score for _, score in scores["values"]] == [PAIN[runner]]
        again, session = store.table(query("season", "Sessions"), runner)  # the newest first
        assert again["source"] == "replay:run.mcap"
        shown = tuple(session[name] for name in ("session", "strides", "good strides", "cues"))
        said = sum(cue.kind == "cue" for cue in run.cues)
        assert shown == (run.info.session, len(run.strides), sum(s.good for s in run.strides), said)
    # 3.2 m/s from 5 s on, of both legs: an independent figure, within what starting to run takes.
    ann = store.runs["ann"].load
    assert ann
    assert ann.distance_m == pytest.approx(3.2 * (SECONDS - 5.0), rel=0.15)


@needs_influx
def test_what_is_wrong_now_is_on_the_wall(store: Database) -> None:
    for runner, line in NOW.items():
        (now,) = store.ask(query("team-wall", "Now"), runner)
        assert now["values"][-1][1] == line
    battery, lost = (store.ask(query("team-wall", "Pods", ref), "ann")[0]["values"][-1][1] for ref in "AB")
    assert (battery, lost) == (78.0, 4.0)


@needs_influx
def test_what_held_is_a_row_a_fault(store: Database) -> None:
    for runner, run in store.runs.items():
        rows = store.ask(query("runner-live", "What held"), runner)
        assert sorted(row["tags"]["fault"] for row in rows) == sorted(run.held)
        assert all({value for _, value in row["values"]} <= {1.0, None} for row in rows)
    assert store.runs["ben"].held == ["overstride"]


@needs_influx
def test_against_own_is_what_the_coach_compares(store: Database) -> None:
    means = {metric: fmean(values) for metric, values in OWN.items()}
    for runner in store.runs:
        (row,) = store.table(query("runner-live", "Against the own usual"), runner)
        assert (row["shank at contact"], row["pelvic tilt"], row["cadence"]) == pytest.approx(tuple(means.values()))
        assert row["pelvic drop"] is None
        (tilt,) = store.ask(query("team-wall", "Tilt against own"), runner)
        assert tilt["values"][-1][1] == pytest.approx(means["pelvic_tilt_deg"])
        (band,) = store.table(query("runner-live", "Pelvic tilt", "N"), runner)
        assert (band["usual from"], band["usual to"]) == pytest.approx((USUAL_TILT_DEG - 3.0, USUAL_TILT_DEG + 4.0))


@needs_influx
def test_the_service_tells_how_late_and_how_far_behind_it_is(store: Database) -> None:
    series = store.ask(query("service-health", "Latency"))
    worst = [max(row[k] for row in series[0]["values"] if row[k] is not None) for k in (1, 2)]
    assert series[0]["columns"] == ["time", "stride", "cue"]
    assert worst == [max(LATENCIES_MS["stride"]), max(LATENCIES_MS["cue"])]
    (queue,) = store.ask(query("service-health", "Waiting to be written"), interval="100ms")
    assert queue["values"][-1][1] == 0.0
    (computer,) = store.ask(query("service-health", "Computers"))
    assert computer["tags"]["host"]


@needs_influx
def test_cues_are_where_they_were_said(store: Database) -> None:
    run = store.runs["ben"]
    said = run.cues[0]
    (last,) = store.ask(query("team-wall", "Last cue"), "ben")
    assert dict(zip(last["columns"], last["values"][0], strict=True))["fault"] == run.cues[-1].fault
    rows = store.table(query("session-review", "Cues and what they changed"), "ben")
    assert len(rows) == len(run.cues)
    first = rows[0]
    assert (first["pattern"], first["text"], first["running for"]) == (said.fault, said.text, said.t_s)
    (effect,) = run.effects[:1]
    assert (first["judged by"], first["before"], first["after"]) == (effect.metric, effect.before, effect.after)
    assert first["change"] == pytest.approx(effect.after - effect.before)
    assert store.ask(query("team-wall", "Last cue"), "ann") == []
    marks = load("runner-live")["annotations"]["list"][0]["target"]
    (note,) = store.ask(marks["query"], "ben")
    assert {marks["textColumn"], marks["tagsColumn"]} <= set(note["columns"])
