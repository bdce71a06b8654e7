"""A simulated team of three, coached by the real pipeline: what the dashboards are asked about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from firmware_sim.offline import simulate
from host.coach.coach import Coach
from host.pipeline import Pipeline
from host.records import Cue, SessionInfo, Stride, utc_text
from host.session import session_id

SECONDS = 100.0
# One runs well, one lands ever further ahead and is cued, one runs fast.
PLANS = {
    "ann": "stand 5; run 3.2",
    "ben": "stand 5; run 3.0; at 30 overstride strong",
    "Cyd E.": "stand 5; run 4.2",
}


@dataclass(frozen=True)
class Run:
    info: SessionInfo
    started: datetime
    strides: list[Stride]
    cues: list[Cue]

    def at(self, t_s: float) -> datetime:
        """When a time of the session's clock was."""
        return self.started + timedelta(seconds=t_s)


def team(now: datetime) -> dict[str, Run]:
    """A run of each that began `SECONDS` before `now`."""
    started = (now - timedelta(seconds=SECONDS)).astimezone(UTC)
    runs = {}
    for seed, (runner, plan) in enumerate(PLANS.items()):
        pipeline = Pipeline(Coach(), lag_s=SECONDS)
        frames, _ = simulate(plan, SECONDS, seed=seed)
        outputs = [pipeline.push_frames(role, samples) for role, samples in frames.items()] + [pipeline.finish()]
        session = SessionInfo(session_id(runner, started), runner, utc_text(started), "demo", "")
        strides = [stride for output in outputs for stride in output.strides]
        cues = [cue for output in outputs for cue in output.cues]
        runs[runner] = Run(session, started, strides, cues)
    return runs
