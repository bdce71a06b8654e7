"""The whole way: simulated pods in another process, bleak's real API over the virtual radio, core, coach, store,
recording, a real broker, and an independent subscriber. Nothing on the way may block the event loop."""

import asyncio
import csv
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from blockbuster import blockbuster_ctx

from firmware_sim.demo import learn_habit, simulated_pods
from firmware_sim.radio.backend import open_backends
from host.coach.profile import Profile
from host.coach.told import Told
from host.config import Config, parse
from host.pipeline import Pipeline
from host.pods.scan import Radio
from host.records import Cue, Effect, Person, Stride
from host.service import Job, Service
from host.sinks.recording import read_coach, read_recording
from host.sources import live_pods
from host.texts.language import language
from tests.servers import Received, Subscriber, mosquitto, program

SEED = 1
ANN = Person("ann", leg_length_m=0.92, easy_speed_mps=2.5, language="de")  # what she runs here is fast to her
# A habit is known, so the first word may come after 15 s of running; the fault begins before.
PLAN = "stand 4; run 3.2; at 14 overstride strong"
LIMIT_S = 90.0


@dataclass
class Run:
    """What a run left behind."""

    offset_s: float  # monotonic time of the session's zero
    messages: list[Received]
    strides: list[Stride]
    cues: list[Cue]
    effects: list[Effect]
    truth: list[dict[str, str]]
    recording: Path
    felt: list[dict[str, Any]]  # strides as the feed has them

    def payloads(self, leaf: str) -> list[dict[str, Any]]:
        return [m.payload for m in self.messages if m.topic == f"hamstream/ann/{leaf}"]

    def pairs(self) -> Iterator[tuple[Stride, dict[str, str]]]:
        """Measured and true strides of the same leg within a tenth of a second."""
        for stride in self.strides:
            for row in self.truth:
                if row["side"] == stride.side and abs(float(row["ic_s"]) - self.offset_s - stride.ic_s) < 0.1:
                    yield stride, row
                    break


def configured(folder: Path, port: int) -> Config:
    raw = {
        "mqtt": {"host": "127.0.0.1", "port": port},
        "web": {"port": 0},
        "storage": {"folder": str(folder)},
    }
    return parse(raw, {}, folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run until praise was heard, shared by the tests below."""
    if program("mosquitto") is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    folder = tmp_path_factory.mktemp("run")
    with mosquitto(folder) as broker, Subscriber(broker.port, "hamstream/#") as subscriber:
        return asyncio.run(_run(folder, broker.port, subscriber))


async def _run(folder: Path, port: int, subscriber: Subscriber) -> Run:
    baseline = await asyncio.to_thread(learn_habit, SEED)
    truth = folder / "truth.csv"
    cues = f"mqtt://127.0.0.1:{port}/hamstream/ann/alerts"
    options = ("--plan", PLAN, "--seed", str(SEED), "--cues", cues, "--truth", str(truth))
    opened = Service.open(configured(folder, port), view=False)
    async with simulated_pods(*options) as spec, open_backends(spec) as backends, opened as service:
        job = Job("ann", live_pods({}, Radio(*backends)), "pods", Told(ANN, Profile(baseline)))
        # From here on anything that blocks the loop raises BlockingError where it happens.
        felt: list[dict[str, Any]] = []
        with blockbuster_ctx():
            feeling = asyncio.create_task(_feel(service, felt))
            task = asyncio.create_task(service.run([job], LIMIT_S))
            while not task.done() and "praise" not in [m.payload["kind"] for m in subscriber.on("alerts")]:
                await asyncio.sleep(0.2)
            session = service.sessions[0]
            offset_s = (time.monotonic_ns() - session.now_ns()) * 1e-9
            task.cancel()
            feeling.cancel()
            with suppress(asyncio.CancelledError):
                await task
        strides = await service.store.strides(session.info.session)
        stored = await service.store.cues(session.info.session)
        effects = await service.store.effects(session.info.session)
    with truth.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Run(offset_s, list(subscriber.messages), strides, stored, effects, rows, Path(session.info.recording), felt)


async def _feel(service: Service, felt: list[dict[str, Any]]) -> None:
    with service.feed.subscribe() as messages:
        async for message in messages:
            if message.kind == "stride":
                felt.append(message.payload)


def test_the_fault_is_cued_heard_corrected_and_praised(run: Run) -> None:
    alerts = run.payloads("alerts")
    assert [alert["kind"] for alert in alerts] == ["cue", "praise"]
    assert {alert["fault"] for alert in alerts} == {"overstride"}
    assert 1 <= len(alerts[0]["text"].split()) <= 8
    assert alerts[0]["text"] in language("de").faults["overstride"].cues["fast"]
    assert {alert["language"] for alert in alerts} == {"de"}


def test_a_cue_is_valid_for_a_second_from_its_contact(run: Run) -> None:
    for alert in run.payloads("alerts"):
        decided, until = (datetime.fromisoformat(alert[key]) for key in ("decided_utc", "valid_until"))
        assert (until - decided).total_seconds() == pytest.approx(1.0 - alert["latency_ms"] / 1000.0, abs=0.002)


def test_an_alert_says_how_old_its_contact_was(run: Run) -> None:
    """Older than the signal that decided it, by what the radio and the coach took."""
    for alert in run.payloads("alerts"):
        (deciding,) = [stride for stride in run.strides if stride.decided_s == alert["t_s"]]
        in_signal_ms = 1000 * (alert["t_s"] - deciding.next_ic_s)
        assert in_signal_ms - 3.0 < alert["latency_ms"] < 1000.0  # pods' clocks agree within 3 ms


def test_the_feed_tells_how_far_from_the_own_habit_a_stride_is(run: Run) -> None:
    """Near it before the fault, beyond the fault's own margin of 3 deg after; and nothing of a bad stride."""
    tibia = "tibial_inclination_ic_deg"
    onset_s = min(float(row["ic_s"]) for row in run.truth) - run.offset_s - 4.0 + 14.0  # it stands 4 s, then runs
    before, after = [], []
    for stride in run.felt:
        assert bool(stride["against_own"]) <= (not stride["quality"])
        if tibia in stride["against_own"]:
            (before if stride["ic_s"] < onset_s else after).append(stride["against_own"][tibia])
    assert abs(np.mean(before)) < 1.5
    assert np.max(after) > 3.0


def test_every_stride_of_the_store_is_published_once(run: Run) -> None:
    published = [(p["side"], p["ic_s"]) for p in run.payloads("strides")]
    assert len(published) == len(set(published))
    assert set(published) == {(s.side, s.ic_s) for s in run.strides}


def test_strides_agree_with_the_truth_of_the_simulator(run: Run) -> None:
    pairs = list(run.pairs())
    first_s, last_s = run.strides[0].ic_s - 0.1, run.strides[-1].ic_s + 0.1
    steps = [row for row in run.truth if first_s < float(row["ic_s"]) - run.offset_s < last_s]
    assert len(pairs) >= 0.97 * len(steps) > 60
    late_s = np.array([s.ic_s + run.offset_s - float(row["ic_s"]) for s, row in pairs])
    # Every time on the session's clock is late by the radio's least delay, which no receiver can see; the first
    # seconds, while the clocks settle, are left out.
    assert 0.0 <= np.median(late_s) < 0.060
    assert np.std(late_s[20:]) < 0.006
    speed = [s.speed_mps / float(row["speed_mps"]) - 1.0 for s, row in pairs if s.good]
    assert np.sqrt(np.mean(np.square(speed))) < 0.05


def test_the_effect_of_the_cue_is_stored(run: Run) -> None:
    (effect,) = run.effects
    assert (effect.cue_number, effect.text) == (1, run.cues[0].text)
    assert effect.metric == "tibial_inclination_ic_deg"
    # What the simulated legs did, at a steady speed, before and after the runner was told.
    pairs = [(stride.ic_s, float(row["tibial_inclination_ic_vs_standing_deg"])) for stride, row in run.pairs()]
    before = [tibia for ic_s, tibia in pairs if ic_s <= run.cues[0].t_s - 0.5][-effect.n_before :]  # decided
    after = [tibia for ic_s, tibia in pairs if ic_s > run.cues[0].t_s + 3.0][:40]  # when the words were said
    fell_deg = np.mean(before) - np.mean(after)
    assert effect.before - effect.after == pytest.approx(fell_deg, abs=1.0)  # the core is within a degree
    assert effect.before - effect.after > 1.0


def test_the_recording_replayed_gives_the_same_strides_cues_and_effects(run: Run) -> None:
    told = Told.from_settings("ann", read_coach(run.recording))
    assert told.profile.baseline is not None
    pipeline = Pipeline(told.coach(), leg_length_m=told.leg_length_m)
    strides: list[Stride] = []
    cues: list[Cue] = []
    effects: list[Effect] = []
    for event in read_recording(run.recording)[1]:
        output = pipeline.push_event(event)
        strides += output.strides
        cues += output.cues
        effects += output.effects
    output = pipeline.finish()
    assert repr(strides + output.strides) == repr(run.strides)
    assert any(stride.leg_stiffness_npmkg > 0.0 for stride in run.strides)
    assert cues + output.cues == run.cues
    assert effects + output.effects == run.effects


def test_status_pods_and_session_are_told(run: Run) -> None:
    assert [p["event"] for p in run.payloads("session")] == ["started", "ended"]
    phases = {p.get("phase") for p in run.payloads("status")}
    assert {"standing", "ready", "running"} <= phases
    pods = run.payloads("pods")[-1]["pods"]
    assert {pod["role"] for pod in pods} == {"pelvis", "shank_left", "shank_right"}
    assert all(pod["lost_packets"] == 0 for pod in pods)


def test_every_message_is_as_the_asyncapi_document_says(run: Run) -> None:
    document = yaml.safe_load((Path(__file__).parents[2] / "docs" / "asyncapi.yaml").read_text())
    seen = set()
    for message in run.messages:
        leaf = message.topic.rsplit("/", 1)[-1]
        (name,) = document["channels"][leaf]["messages"]
        schema = document["components"]["schemas"][name]
        jsonschema.Draft202012Validator(schema | {"components": document["components"]}).validate(message.payload)
        assert message.topic == document["channels"][leaf]["address"].replace("{runner}", "ann")
        seen.add(leaf)
    assert seen == set(document["channels"])
