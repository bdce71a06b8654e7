"""A simulated team of three, coached by the real pipeline, in the real store, sent by the real sink to a real InfluxDB:
what the dashboards are asked about."""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from firmware_sim.offline import simulate
from host.coach.coach import Coach
from host.feed import Feed, Message, to_payload
from host.pipeline import Pipeline
from host.records import Cue, Effect, Pain, PodHealth, SessionInfo, Stride, utc_text
from host.session import session_id
from host.sinks.influx import InfluxSink
from host.sinks.influx_link import InfluxConfig
from host.sinks.schema import SessionLoad
from host.sinks.store import Store
from tests.host.sinks.influx_server import InfluxServer

SECONDS = 100.0
# One runs well, one lands ever further ahead and is cued, one runs fast.
PLANS = {
    "ann": "stand 5; run 3.2",
    "ben": "stand 5; run 3.0; at 30 overstride strong",
    "Cyd E.": "stand 5; run 4.2",
}
NOW = {"ann": "Good form", "ben": "Overstride", "Cyd E.": "Stand still."}
PAIN = {"ann": 0, "ben": 4, "Cyd E.": 2}  # the morning after
LATENCIES_MS = {"stride": (80.0, 95.5, 90.0), "cue": (110.0, 120.5)}
OWN = {
    "tibial_inclination_ic_deg": (1.0, 2.0, 6.0),
    "pelvic_tilt_deg": (-4.5, -3.5, -1.0),
    "cadence_spm": (2.0, 3.0, 4.0),
}
USUAL_TILT_DEG = 9.5
ROLES = ("pelvis", "shank_left", "shank_right")


@dataclass(frozen=True)
class Run:
    """What the store holds of a run, and what the coach said last of its state."""

    info: SessionInfo
    started: datetime
    strides: list[Stride]
    cues: list[Cue]
    held: list[str]
    summary: dict[str, object]
    effects: list[Effect]
    load: SessionLoad | None = None

    def at(self, t_s: float) -> datetime:
        """When a time of the session's clock was."""
        return self.started + timedelta(seconds=t_s)


def team() -> dict[str, Run]:
    """A run of each that ends now."""
    coached = {}
    for seed, (runner, plan) in enumerate(PLANS.items()):
        coach = Coach()
        pipeline = Pipeline(coach, lag_s=2 * SECONDS)  # pods come one after another, and none counts as silent
        frames, _ = simulate(plan, SECONDS, seed=seed)
        outputs = [pipeline.push_frames(role, samples) for role, samples in frames.items()] + [pipeline.finish()]
        strides = [stride for output in outputs for stride in output.strides]
        cues = [cue for output in outputs for cue in output.cues]
        coached[runner] = strides, cues, [held.fault for held in coach.held], coach.summary()
    started = datetime.now(UTC) - timedelta(seconds=SECONDS)  # here, for all this took a while
    runs = {}
    for runner, (strides, cues, held, summary) in coached.items():
        info = SessionInfo(session_id(runner, started), runner, utc_text(started), "demo", "")
        started = datetime.fromisoformat(info.started_utc)
        runs[runner] = Run(info, started, strides, cues, held, summary, effects(strides, cues))
    return runs


def effects(strides: list[Stride], cues: list[Cue]) -> list[Effect]:
    """What came of each cue, by the metric that is overstride's first."""
    metric, found = "tibial_inclination_ic_deg", []
    for number, cue in enumerate(cues, start=1):
        angles = [(stride.decided_s, stride.tibial_inclination_ic_deg) for stride in strides if stride.good]
        before = [angle for t_s, angle in angles if t_s <= cue.t_s][-20:]
        after = [angle for t_s, angle in angles if t_s > cue.t_s][:20]
        if cue.kind == "cue" and len(after) == 20:
            sides = (fmean(before), fmean(after), 20, 20)
            found.append(Effect(number, cue.t_s + 15.0, cue.fault, cue.side, "en", cue.text, metric, *sides))
    return found


async def send(server: InfluxServer, folder: Path, runs: dict[str, Run]) -> dict[str, Run]:
    """Stores the runs and waits until the sink has sent all of it. Gives them as the store holds them."""
    feed = Feed()
    async with Store.open(folder / "team.db") as store:
        sink = InfluxSink(InfluxConfig(server.url, token="sesame"), store, feed)
        task = asyncio.create_task(sink.run())
        while not feed._queues:
            await asyncio.sleep(0.01)
        for runner, run in runs.items():
            await _store(store, runner, run)
            _say(feed, runner, run)
        async with asyncio.timeout(60):
            while not _arrived(server, len(runs)) or await store.cursor(sink._cursor_name) < store.head:
                await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return {
            runner: replace(run, strides=await store.strides(run.info.session), load=await store.load(run.info.session))
            for runner, run in runs.items()
        }


async def _store(store: Store, runner: str, run: Run) -> None:
    session = run.info.session
    await store.begin_session(run.info)
    for stride in run.strides:
        store.add_stride(session, stride)
    for cue in run.cues:
        store.add_cue(session, cue, utc_text(run.at(cue.t_s)))
    for effect in run.effects:
        store.add_effect(session, effect)
    await store.add_pain(
        Pain(session, runner, "next-morning", PAIN[runner], utc_text(run.at(SECONDS)), utc_text(run.at(SECONDS)))
    )
    await store.end_session(session, utc_text(run.at(SECONDS)), run.summary)
    # The runner looks at a recording again: strides that no figure is made of, and no further load.
    again = replace(run.info, session=f"{session}-again", started_utc=utc_text(run.at(1.0)), source="replay:run.mcap")
    await store.begin_session(again)
    for stride in run.strides[:20]:
        store.add_stride(again.session, replace(stride, quality="gap"))
    await store.end_session(again.session, utc_text(run.at(20.0)), run.summary)


def _say(feed: Feed, runner: str, run: Run) -> None:
    """What counts now: the feed's messages as a session publishes them."""
    session, prompt = run.info.session, NOW[runner] if NOW[runner].endswith(".") else ""
    status = {"phase": "running", "prompt": prompt, "held": run.held, "session": session}
    feed.publish(Message(runner, "session", to_payload(run.info, event="started")))
    feed.publish(Message(runner, "status", status))
    for second in range(3):
        pods = [
            PodHealth(
                role, "streaming", 80.0 - n, 208.0, 26 * second, n * second, 0, 1.5, float(second), signal_dbm=-60.0 - n
            )
            for n, role in enumerate(ROLES)
        ]
        feed.publish(Message(runner, "pods", {"pods": [asdict(pod) for pod in pods]}))
    for kind, latencies in LATENCIES_MS.items():
        for k, latency_ms in enumerate(latencies):
            own = {metric: values[k] for metric, values in OWN.items()} if kind == "stride" else {}
            known = {"session": session, "latency_ms": latency_ms, "against_own": own}
            tilt = {"pelvic_tilt_deg": USUAL_TILT_DEG + own.get("pelvic_tilt_deg", 0.0)}
            feed.publish(Message(runner, kind, known | tilt))


def _arrived(server: InfluxServer, runners: int) -> bool:
    """What is not in the store comes last; the fields of a point appear one by one."""
    seen = server.ask('SELECT count("now") FROM (SELECT last("now") AS "now" FROM "status" GROUP BY "runner")')
    (latest,) = server.ask('SELECT last("queue") AS "queue", last("cue_latency_ms") FROM "service"') or [{"queue": 1.0}]
    return bool(seen) and seen[0]["count"] == runners and latest["queue"] == 0.0
