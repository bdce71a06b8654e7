"""How long each panel's query takes after a season: `python -m tests.benchmarks.bench_dashboards [DAYS]`.

One runner with an hour a day in a real InfluxDB 1.6, 10,000 strides each: random numbers in every column, for only how
many there are matters here. Panels that refresh by themselves ask every 5 s, and should take a small part of that.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from dashboards.__main__ import FOLDER
from host.sinks.influx_points import MEASUREMENTS
from tests.dashboards.grafana import substituted
from tests.host.sinks.influx_server import InfluxServer
from tests.servers import program

DAYS = 60
STRIDES_A_DAY, STRIDE_S = 10_000, 0.36  # of both legs: an hour at 167 steps a minute
LINES = 2_500  # a request
# Each dashboard's own time and interval.
SPANS = {"team-wall": ("5m", 300, "10s"), "runner-live": ("15m", 900, "10s"), "season": ("90d", 90 * 86_400, "1d")}


def day(session: str, start: datetime) -> Iterator[str]:
    """A session's strides in line protocol."""
    columns = [name for name in MEASUREMENTS["stride"].fields if name != "quality"]
    for k in range(STRIDES_A_DAY):
        values = ",".join(f"{name}={random.uniform(1.0, 5.0):.3f}" for name in columns)
        side, at = "left" if k % 2 else "right", start + timedelta(seconds=k * STRIDE_S)
        ns = round(at.timestamp() * 1e9)
        yield f'stride,runner=ann,session={session},side={side} {values},quality="" {ns}'


def fill(url: str, days: int, now: datetime) -> None:
    for number in range(days):
        lines = list(day(f"S{number}", now - timedelta(days=number, hours=1)))
        for first in range(0, len(lines), LINES):
            content = "\n".join(lines[first : first + LINES])
            httpx.post(f"{url}/write?db=hamstream&precision=ns", content=content, timeout=120).raise_for_status()


def report(url: str, now: datetime) -> None:
    for board, (span, seconds, interval) in SPANS.items():
        taken = []
        for panel in json.loads((FOLDER / f"{board}.json").read_text())["panels"]:
            for target in panel.get("targets", []):
                if "query" in target:
                    since = now - timedelta(seconds=seconds)
                    text = substituted(target["query"], since, now, {"runner": "ann"}, interval)
                    start_s = time.perf_counter()
                    httpx.post(f"{url}/query", params={"db": "hamstream"}, data={"q": text}, timeout=300)
                    taken.append((time.perf_counter() - start_s, panel["title"]))
        (worst_s, title), total_s = max(taken), sum(seconds for seconds, _ in taken)
        print(f"{board:<12} {span:>4}: {len(taken):2} queries {total_s:.2f} s, the longest {worst_s:.2f} s ({title})")


def main() -> None:
    if program("influxd") is None or program("nginx") is None:
        print("needs influxd and nginx (Debian: influxdb nginx-light)")
        return
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder, InfluxServer(Path(folder)) as server:
        url = f"http://127.0.0.1:{server.database.port}"
        print(f"Writing {days * STRIDES_A_DAY:,} strides ...", flush=True)
        fill(url, days, now)
        report(url, now)


if __name__ == "__main__":
    main()
