"""From a foot's contact to the cue on MQTT: `python -m tests.benchmarks.bench_latency [SECONDS]`.

Simulated pods in a process of their own, a radio with a connection interval of 30 ms, the real links, core, session and
MQTT sink with the embedded broker, and a subscriber in a thread of its own. The coach is replaced by one that speaks
at every stride, so that there is something to count: what is timed is the way, not the advice. Contacts are the
simulator's truth, on the machine's monotonic clock.

The way is told in three parts: until the signal shows the stride, until the radio has brought that signal, and what
the host makes of it. A process that only sleeps tells how late this computer wakes anyone meanwhile: on a busy one the
99th percentile is the computer's.
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
from firmware_sim.radio.backend import open_backends
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import warm_up
from host.pods.scan import Radio
from host.records import Cue, PodEvent, SessionInfo, Stride
from host.session import RunnerSession
from host.sinks.broker import EmbeddedBroker
from host.sinks.mqtt import MqttConfig, MqttSink
from host.sinks.store import Store
from host.sources import live_pods

SECONDS = 60.0
SETTLED_S = 15.0  # standing, connecting, and the first strides


# Sleeps for ever, 5 ms at a time; on its standard input's end it prints the percentiles of how late it woke, in ms.
SLEEPER = """
import select, statistics, sys, time
late = []
while True:
    due = time.monotonic() + 0.005
    if select.select([sys.stdin], [], [], 0.005)[0]: break
    late.append(1000 * (time.monotonic() - due))
late.sort()
print(late[len(late) // 2], late[len(late) * 99 // 100], late[-1])
"""


class Talker(Coach):
    """Speaks at every stride. The cue tells the contact that completed it, when the signal showed it, when it came."""

    arrival_s = 0.0  # of the event that is being worked on

    def step(self, stride: Stride) -> list[Cue]:
        super().step(stride)
        text = json.dumps([stride.next_ic_s, stride.decided_s, self.arrival_s])
        return [Cue(stride.decided_s, "cue", "overstride", stride.side, "", text)]


class TimedSession(RunnerSession):
    """Tells the talker when each event came."""

    def on_event(self, event: PodEvent) -> None:
        self.coach.arrival_s = event.arrival_ns * 1e-9
        super().on_event(event)


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
    sleeper = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLEEPER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    truth, feed = folder / "truth.csv", Feed()
    info = SessionInfo("s1", "bench", "2026-01-01T00:00:00.000Z", "bench", "")
    broker = EmbeddedBroker()
    pods = simulated_pods("--plan", "stand 4; run 3.2", "--seed", "1", "--truth", str(truth))
    async with Store.open(folder / "store.db") as store, broker, pods as spec, open_backends(spec) as backends:
        ear = await asyncio.to_thread(Ear, broker.port)
        sink = asyncio.create_task(MqttSink(MqttConfig(broker.host, broker.port), store, feed).run())
        session = TimedSession(info, Talker(), store=store, feed=feed)
        offset_s = (time.monotonic_ns() - session.now_ns()) * 1e-9
        try:
            async with asyncio.timeout(seconds):
                await session.run(live_pods({}, Radio(*backends)))
        except TimeoutError:
            pass
        sink.cancel()
        await asyncio.gather(sink, return_exceptions=True)
        strides = await store.strides("s1")
    woken, _ = await sleeper.communicate(b"")  # the end of its input
    report(truth, strides, ear.heard, offset_s, [float(ms) for ms in woken.split()])


def report(
    truth: Path, strides: list[Stride], heard: list[tuple[float, bytes]], offset_s: float, woken_ms: list[float]
) -> None:
    with truth.open(newline="") as file:
        contacts = np.sort([float(row["next_ic_s"]) for row in csv.DictReader(file) if row["next_ic_s"]]) - offset_s
    late_ms = []
    for heard_s, payload in heard:
        measured_s, decided_s, arrival_s = json.loads(json.loads(payload)["text"])
        true_s = contacts[np.argmin(np.abs(contacts - measured_s))]
        if abs(true_s - measured_s) < 0.1 and measured_s > SETTLED_S:
            late_ms.append(1000 * np.diff([true_s, decided_s, arrival_s, heard_s - offset_s]))
    print(f"{len(strides)} strides, {len(late_ms)} alerts timed after the first {SETTLED_S:.0f} s")
    parts = np.array(late_ms)
    for name, part in (
        ("contact to cue on MQTT (target: p99 150)", parts.sum(axis=1)),
        ("  contact to the signal that shows it", parts[:, 0]),
        ("  that signal over the radio", parts[:, 1]),
        ("  core, coach, broker, subscriber", parts[:, 2]),
    ):
        line(name, *np.percentile(part, (50, 99, 100)))
    line("a sleeping process, woken too late by", *woken_ms)


def line(name: str, p50: float, p99: float, worst: float) -> None:
    print(f"{name:<42} p50 {p50:4.0f} ms, p99 {p99:4.0f} ms, worst {worst:4.0f} ms")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(seconds, Path(folder)))


if __name__ == "__main__":
    main()
