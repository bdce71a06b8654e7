"""The whole way: simulated pods in another process, bleak's real API over the virtual radio, core, coach, store,
recording, a real broker, and an independent subscriber. Nothing on the way may block the event loop."""

import asyncio
import csv
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import paho.mqtt.client as paho
import pytest
from blockbuster import blockbuster_ctx

from firmware_sim.demo import learn_habit, simulated_pods
from firmware_sim.radio import open_backends
from host.coach.coach import Coach
from host.config import Config, parse
from host.pipeline import Pipeline
from host.pods.scan import Radio
from host.records import Cue, Stride
from host.service import Job, Service
from host.sinks.recording import read_recording
from host.sources import live_pods
from tests.servers import Mosquitto

SEED = 1
# A habit is known, so the first word may come after 15 s of running; the fault begins before.
PLAN = "stand 4; run 3.2; at 14 overstride strong"
LIMIT_S = 90.0


@dataclass
class Run:
    """What a run left behind."""

    offset_s: float  # monotonic time of the session's zero
    messages: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)  # topic, payload, monotonic
    strides: list[Stride] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    truth: list[dict[str, str]] = field(default_factory=list)
    recording: Path = Path()

    def payloads(self, topic: str) -> list[dict[str, Any]]:
        return [payload for name, payload, _ in self.messages if name == f"hamstream/ann/{topic}"]


class Subscriber:
    """A plain MQTT 3.1.1 client with a thread of its own: nothing of the product."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, dict[str, Any], float]] = []
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("hamstream/#", qos=1)
        self._client.loop_start()

    def _take(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.messages.append((message.topic, json.loads(message.payload), time.monotonic()))

    def kinds(self) -> list[str]:
        return [payload["kind"] for topic, payload, _ in self.messages if topic.endswith("/alerts")]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def configured(folder: Path, port: int) -> Config:
    raw = {
        "mqtt": {"host": "127.0.0.1", "port": port},
        "web": {"port": 0},
        "storage": {"folder": str(folder)},
    }
    return parse(raw, {}, folder)


@pytest.fixture(scope="module")
def run(mosquitto: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run until praise was heard, shared by the tests below."""
    folder = tmp_path_factory.mktemp("run")
    return asyncio.run(_run(folder, mosquitto.port))


async def _run(folder: Path, port: int) -> Run:
    baseline = await asyncio.to_thread(learn_habit, SEED)
    truth = folder / "truth.csv"
    cues = f"mqtt://127.0.0.1:{port}/hamstream/ann/alerts"
    subscriber = await asyncio.to_thread(Subscriber, port)
    options = ("--plan", PLAN, "--seed", str(SEED), "--cues", cues, "--truth", str(truth))
    config = configured(folder, port)
    async with simulated_pods(*options) as spec, open_backends(spec) as backends:
        async with Service.open(config, view=False) as service:
            job = Job("ann", live_pods({}, Radio(*backends)), "pods", baseline=baseline, use_profile=False)
            # From here on anything that blocks the loop raises BlockingError where it happens.
            with blockbuster_ctx():
                task = asyncio.create_task(service.run([job], LIMIT_S))
                while not task.done() and "praise" not in subscriber.kinds():
                    await asyncio.sleep(0.2)
            session = service.sessions[0]
            offset_s = (time.monotonic_ns() - session.now_ns()) * 1e-9
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            strides = await service.store.strides(session.info.session)
            stored = await service.store.cues(session.info.session)
    await asyncio.to_thread(subscriber.close)
    with truth.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Run(offset_s, subscriber.messages, strides, stored, rows, Path(session.info.recording))


def test_the_fault_is_cued_heard_corrected_and_praised(run: Run) -> None:
    alerts = run.payloads("alerts")
    assert [alert["kind"] for alert in alerts] == ["cue", "praise"]
    assert {alert["fault"] for alert in alerts} == {"overstride"}
    assert 1 <= len(alerts[0]["text"].split()) <= 8


def test_a_cue_is_valid_for_one_second_and_arrives_within_it(run: Run) -> None:
    for alert in run.payloads("alerts"):
        decided, until = (datetime.fromisoformat(alert[key]) for key in ("decided_utc", "valid_until"))
        assert (until - decided).total_seconds() == pytest.approx(1.0)
    for topic, payload, received_s in run.messages:
        if topic.endswith("/alerts"):
            assert 0.0 < received_s - run.offset_s - payload["t_s"] < 1.0


def test_every_stride_of_the_store_is_published_once(run: Run) -> None:
    published = [(p["side"], round(p["ic_s"], 6)) for p in run.payloads("strides")]
    assert len(published) == len(set(published))
    assert set(published) == {(s.side, round(s.ic_s, 6)) for s in run.strides}


def test_strides_agree_with_the_truth_of_the_simulator(run: Run) -> None:
    pairs = list(_pairs(run))
    true_steps = sum(1 for row in run.truth if _within(run, float(row["ic_s"])))
    assert len(pairs) >= 0.97 * true_steps
    contact_error_s = np.array([s.ic_s + run.offset_s - float(row["ic_s"]) for s, row in pairs])
    # Every time on the session's clock is late by the radio's least delay, which no receiver can see.
    assert 0.0 <= np.median(contact_error_s) < 0.060
    assert np.std(contact_error_s[10:]) < 0.006
    cadence = [s.cadence_spm - 120.0 / (float(r["next_ic_s"]) - float(r["ic_s"])) for s, r in pairs[10:] if r["next_ic_s"]]
    assert np.median(np.abs(cadence)) < 1.0
    speed = [s.speed_mps / float(r["speed_mps"]) - 1.0 for s, r in pairs if s.good]
    assert np.sqrt(np.mean(np.square(speed))) < 0.05


def _within(run: Run, ic_s: float) -> bool:
    return run.strides[0].ic_s - 0.1 < ic_s - run.offset_s < run.strides[-1].ic_s + 0.1


def _pairs(run: Run) -> Iterator[tuple[Stride, dict[str, str]]]:
    """Measured and true strides of the same leg within a tenth of a second."""
    for stride in run.strides:
        for row in run.truth:
            if row["side"] == stride.side and abs(float(row["ic_s"]) - run.offset_s - stride.ic_s) < 0.1:
                yield stride, row
                break


def test_the_recording_replayed_gives_the_same_strides_and_cues(run: Run) -> None:
    pipeline = Pipeline(Coach(learn_habit(SEED)))
    _, events = read_recording(run.recording)
    strides: list[Stride] = []
    cues: list[Cue] = []
    for event in events:
        output = pipeline.push_event(event)
        strides += output.strides
        cues += output.cues
    output = pipeline.finish()
    assert repr(strides + output.strides) == repr(run.strides)
    assert cues + output.cues == run.cues


def test_status_is_retained_and_the_session_is_told(run: Run) -> None:
    assert [p["event"] for p in run.payloads("session")] == ["started", "ended"]
    phases = [p["phase"] for p in run.payloads("status") if "phase" in p]
    assert {"standing", "ready", "running"} <= set(phases)
    pods = run.payloads("pods")[-1]["pods"]
    assert {pod["role"] for pod in pods} == {"pelvis", "shank_left", "shank_right"}
    assert all(pod["lost_packets"] == 0 for pod in pods)


@pytest.fixture
async def two_processes() -> AsyncIterator[None]:
    yield
