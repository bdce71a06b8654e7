"""From a foot's contact to the cue on MQTT: `python tests/benchmarks/bench_latency.py [SECONDS]`.

Simulated pods in a process of their own, a radio with a connection interval of 30 ms, the real links, core, session and
MQTT sink with the embedded broker, and a subscriber in a thread of its own. The coach is replaced by one that speaks
at every stride, so that there is something to count: what is timed is the way, not the advice. Contacts are the
simulator's truth, on the machine's monotonic clock.
"""

import asyncio
import csv
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import paho.mqtt.client as paho

from firmware_sim.demo import simulated_pods
from firmware_sim.radio.central import open_backends
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import warm_up
from host.pods.scan import Radio
from host.records import Cue, SessionInfo, Stride
from host.session import RunnerSession
from host.sinks.broker import EmbeddedBroker
from host.sinks.mqtt import MqttConfig, MqttSink
from host.sinks.store import Store
from host.sources import live_pods

SECONDS = 60.0
SETTLED_S = 15.0  # standing, connecting, and the first strides


class Talker(Coach):
    """Speaks at every stride; the cue's text is the contact that completed it."""

    def step(self, stride: Stride) -> list[Cue]:
        super().step(stride)
        return [Cue(stride.decided_s, "cue", "overstride", stride.side, "", repr(stride.next_ic_s))]


class Ear:
    """When each alert came, on the monotonic clock, in a thread that the event loop cannot hold up."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[float, bytes]] = []
        ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, m: self.heard.append((time.monotonic(), m.payload))
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("hamstream/+/alerts", qos=1)
        self._client.loop_start()
        ready.wait(10)


async def measure(seconds: float, folder: Path) -> None:
    await asyncio.to_thread(warm_up)
    truth, feed = folder / "truth.csv", Feed()
    info = SessionInfo("s1", "bench", "2026-01-01T00:00:00.000Z", "bench", "")
    broker = EmbeddedBroker()
    pods = simulated_pods("--plan", "stand 4; run 3.2", "--seed", "1", "--truth", str(truth))
    async with Store.open(folder / "store.db") as store, broker, pods as spec, open_backends(spec) as backends:
        ear = await asyncio.to_thread(Ear, broker.port)
        sink = asyncio.create_task(MqttSink(MqttConfig(broker.host, broker.port), store, feed).run())
        session = RunnerSession(info, Talker(), store=store, feed=feed)
        offset_s = (time.monotonic_ns() - session.now_ns()) * 1e-9
        try:
            async with asyncio.timeout(seconds):
                await session.run(live_pods({}, Radio(*backends)))
        except TimeoutError:
            pass
        sink.cancel()
        await asyncio.gather(sink, return_exceptions=True)
        strides = await store.strides("s1")
    report(truth, strides, ear.heard, offset_s)


def report(truth: Path, strides: list[Stride], heard: list[tuple[float, bytes]], offset_s: float) -> None:
    with truth.open(newline="") as file:
        contacts = np.sort([float(row["next_ic_s"]) for row in csv.DictReader(file) if row["next_ic_s"]])
    late_ms = []
    for heard_s, payload in heard:
        measured_s = float(json.loads(payload)["text"]) + offset_s
        true_s = contacts[np.argmin(np.abs(contacts - measured_s))]
        if abs(true_s - measured_s) < 0.1 and measured_s - offset_s > SETTLED_S:
            late_ms.append(1000 * (heard_s - true_s))
    p50, p99 = np.percentile(late_ms, (50, 99))
    print(f"{len(strides)} strides, {len(late_ms)} alerts timed after the first {SETTLED_S:.0f} s")
    print(f"contact to cue on MQTT   p50 {p50:.0f} ms, p99 {p99:.0f} ms (target 150), worst {max(late_ms):.0f} ms")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(seconds, Path(folder)))


if __name__ == "__main__":
    main()
