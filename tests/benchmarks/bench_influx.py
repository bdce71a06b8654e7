"""From a stride to a row that a query finds: `python -m tests.benchmarks.bench_influx [SECONDS]`.

Simulated pods in a process of their own, the real links, core, session, store and sink, and a real InfluxDB 1.6 behind
a gateway with the write path of version 2. A thread asks the database for its newest stride, over and over. The age of
what it finds counts from the contact that completed the stride, as measured.
"""

import asyncio
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from firmware_sim.demo import simulated_pods
from firmware_sim.radio.backend import open_backends
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import warm_up
from host.pods.scan import Radio
from host.records import SessionInfo, utc_text
from host.session import RunnerSession
from host.sinks.influx import InfluxSink
from host.sinks.influx_link import InfluxConfig
from host.sinks.store import Store
from host.sources import live_pods
from tests.host.sinks.influx_server import InfluxServer
from tests.servers import program

SECONDS = 45.0


class Asker:
    """When each stride could first be queried, on the monotonic clock."""

    def __init__(self, server: InfluxServer) -> None:
        self.found: dict[float, float] = {}  # next_ic_s -> when
        self._server, self._over = server, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def _ask(self) -> None:
        query = 'SELECT ic_s, next_ic_s FROM "stride" ORDER BY time DESC LIMIT 4'
        while not self._over.wait(0.02):
            rows, now_s = self._server.ask(query), time.monotonic()
            for row in rows:
                if row["next_ic_s"] is not None:  # the fields of a point appear one by one
                    self.found.setdefault(row["next_ic_s"], now_s)

    def __enter__(self) -> "Asker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


async def measure(seconds: float, folder: Path, server: InfluxServer) -> None:
    await asyncio.to_thread(warm_up)
    feed = Feed()
    info = SessionInfo("s1", "bench", utc_text(datetime.now(UTC)), "bench", "")
    pods = simulated_pods("--plan", "stand 4; run 3.2", "--seed", "1")
    async with Store.open(folder / "store.db") as store, pods as spec, open_backends(spec) as backends:
        sink = asyncio.create_task(InfluxSink(InfluxConfig(server.url, token="sesame"), store, feed).run())
        session = RunnerSession(info, Coach(), store=store, feed=feed)
        offset_s = (time.monotonic_ns() - session.now_ns()) * 1e-9
        with Asker(server) as asker:
            try:
                async with asyncio.timeout(seconds):
                    await session.run(live_pods({}, Radio(*backends)))
            except TimeoutError:
                pass
            await asyncio.sleep(1.0)
        sink.cancel()
        await asyncio.gather(sink, return_exceptions=True)
        strides = await store.strides("s1")
    ages_s = [when_s - offset_s - next_ic_s for next_ic_s, when_s in asker.found.items()]
    p50, p99 = np.percentile(ages_s, (50, 99))
    print(f"{len(strides)} strides, {len(ages_s)} found in the database")
    print(f"contact to queryable   p50 {p50:.2f} s, p99 {p99:.2f} s (target 2), worst {max(ages_s):.2f} s")


def main() -> None:
    if program("influxd") is None or program("nginx") is None:
        print("needs influxd and nginx (Debian: influxdb nginx-light)")
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder, InfluxServer(Path(folder)) as server:
        asyncio.run(measure(seconds, Path(folder), server))


if __name__ == "__main__":
    main()
