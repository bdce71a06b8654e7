"""From a stride to the page: `python -m tests.benchmarks.bench_page [SECONDS]`.

Simulated pods in a process of their own, the real links, core, session and server, and a real Chromium with two pages
open: a phone with the runner's view and a desk with the coach's. The coach is replaced by one that speaks at every
stride, so that the runner's view changes with each. A page counts as updated in the frame after its words, or its
charts, changed. Contacts are the simulator's truth; all clocks are this machine's.
"""

import asyncio
import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.async_api import Page

from firmware_sim.demo import simulated_pods
from firmware_sim.radio.backend import open_backends
from host.coach.coach import Coach
from host.coach.norms import norm
from host.feed import Feed
from host.pipeline import warm_up
from host.pods.scan import Radio
from host.records import Cue, SessionInfo, Stride
from host.session import RunnerSession
from host.sinks.store import Store
from host.sources import live_pods
from host.web.server import LivePage
from tests.browser import DESK, PHONE, chromium

SECONDS = 60.0
SETTLED_S = 15.0  # standing, connecting, and the first strides
TARGET_MS = 250.0

# Notes when a contact was first to be seen, as [contact on the session's clock, UTC in s].
WATCH = """
window.seen = [];
const note = (what) => {
  if (what === undefined || what === seen.at(-1)?.[0]) return;
  requestAnimationFrame(() => seen.push([what, (performance.timeOrigin + performance.now()) / 1000]));
};
"""
WATCH_WORDS = """
const contact = () => Number(words.textContent) || undefined;
new MutationObserver(() => note(contact())).observe(words, { childList: true });
"""
# The newest stride drawn: the later of both legs.
WATCH_CHARTS = """
const newest = (plot) => Math.max(
  ...plot.data
    .filter(({ meta, name }) => meta === "cadence_spm" && (name === "left" || name === "right"))
    .map(({ x }) => x.at(-1) ?? 0));
const find = () => {
  const plot = document.querySelector(".plot");
  if (plot?.on) plot.on("plotly_afterplot", () => note(newest(plot)));
  else requestAnimationFrame(find);
};
find();
"""


class Talker(Coach):
    """Speaks at every stride; the cue's text is the contact that completed it."""

    def step(self, stride: Stride) -> list[Cue]:
        super().step(stride)
        return [Cue(stride.decided_s, "cue", "overstride", "", "", repr(stride.next_ic_s))]


async def measure(seconds: float, folder: Path) -> None:
    await asyncio.to_thread(warm_up)
    truth, feed, published = folder / "truth.csv", Feed(), {}
    info = SessionInfo("s1", "bench", "2026-01-01T00:00:00.000Z", "bench", "")

    async def listen() -> None:
        with feed.subscribe() as messages:
            async for message in messages:
                if message.kind == "stride":
                    published[message.payload["ic_s"]] = time.time()

    pods = simulated_pods("--plan", "stand 4; run 3.2", "--seed", "1", "--truth", str(truth))
    server = LivePage(feed, norm=lambda metric, speed_mps: norm(metric, speed_mps)[:2])
    async with Store.open(folder / "store.db") as store, server as live, chromium() as browser:
        phone = await (await browser.new_context(viewport=PHONE)).new_page()  # type: ignore[arg-type]
        desk = await (await browser.new_context(viewport=DESK)).new_page()  # type: ignore[arg-type]
        for page, watch in ((phone, WATCH_WORDS), (desk, WATCH_CHARTS)):
            await page.goto(live.url)
            await page.evaluate(f"() => {{ {WATCH} {watch} }}")
        listening = asyncio.create_task(listen())
        async with pods as spec, open_backends(spec) as backends:
            session = RunnerSession(info, Talker(), store=store, feed=feed)
            start_s = time.time() - session.now_ns() * 1e-9
            monotonic_s = (time.monotonic_ns() - session.now_ns()) * 1e-9
            try:
                async with asyncio.timeout(seconds):
                    await session.run(live_pods({}, Radio(*backends)))
            except TimeoutError:
                pass
        listening.cancel()
        strides = await store.strides("s1")
        with truth.open(newline="") as file:
            contacts = [float(row["next_ic_s"]) - monotonic_s for row in csv.DictReader(file) if row["next_ic_s"]]
        print(f"{len(strides)} strides")
        by_next = {stride.next_ic_s: stride for stride in strides}
        by_ic = {stride.ic_s: stride for stride in strides}
        for name, page, found in (("the words", phone, by_next), ("the charts", desk, by_ic)):
            seen = [(found[contact], utc_s) for contact, utc_s in await seen_on(page) if contact in found]
            seen = [(stride, utc_s) for stride, utc_s in seen if stride.ic_s > SETTLED_S]
            report(f"stride to {name}", [utc_s - published[stride.ic_s] for stride, utc_s in seen])
            true_s = [min(contacts, key=lambda c: abs(c - stride.next_ic_s)) for stride, _ in seen]
            report(f"contact to {name}", [utc_s - start_s - c for c, (_, utc_s) in zip(true_s, seen, strict=True)])


async def seen_on(page: Page) -> list[tuple[float, float]]:
    return [(float(contact), float(utc_s)) for contact, utc_s in await page.evaluate("seen")]


def report(way: str, late_s: list[float]) -> None:
    p50, p99, worst = 1000 * np.percentile(late_s, (50, 99, 100))
    target = f" (target {TARGET_MS:.0f})" if way.startswith("stride") else ""
    print(f"{way:<22} p50 {p50:4.0f} ms, p99 {p99:4.0f} ms{target}, worst {worst:4.0f} ms, {len(late_s)} timed")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(seconds, Path(folder)))


if __name__ == "__main__":
    main()
