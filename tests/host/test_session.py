"""One runner's session: what it says of strides and cues as they come."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dsp.types import Role
from firmware_sim.offline import simulate
from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import Output
from host.records import Channel, PodEvent
from host.session import RunnerSession
from host.sinks.store import Store
from tests.host.sinks.records import cue, session_info, stride
from tests.host.stored import events_of


@pytest.mark.parametrize("source", ["pods", "replay:run.mcap"])
async def test_only_what_has_just_arrived_has_a_latency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Not what was held back until the run ended, and nothing of a replay, whose contacts are old."""
    feed, info = Feed(), replace(session_info(), source=source)
    async with Store.open(tmp_path / "s.db") as store:
        session = RunnerSession(info, Coach(), store=store, feed=feed)
        last = Output([stride(2.0, decided_s=2.8)], [cue(2.8)])
        monkeypatch.setattr(session._pipeline, "finish", lambda: last)

        async def run(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
            contact_s = now_ns() * 1e-9 - 0.25  # a quarter of a second ago
            first = stride(0.0, next_ic_s=contact_s, decided_s=7.0)
            session._take(Output([stride(-1.0), first], [cue(7.0)]))

        found: dict[str, list[float | None]] = {"stride": [], "cue": []}
        with feed.subscribe() as messages:
            await session.run(run)
            async with asyncio.timeout(10):
                async for message in messages:
                    if message.kind in found:
                        found[message.kind].append(message.payload["latency_ms"])
                    if message.payload.get("event") == "ended":
                        break
    known = source == "pods"
    assert [latency is not None for latency in found["cue"]] == [known, False]
    assert [latency is not None for latency in found["stride"]] == [known, known, False]
    if known:
        assert found["cue"][0] is not None
        assert 250.0 <= found["cue"][0] < 60_000.0  # ms; the machine may be slow


async def test_a_cue_is_worth_saying_within_a_second_of_its_contact(tmp_path: Path) -> None:
    """Signals that come late, as after the radio was stuck, decide on a step long made: too late for a word."""
    feed, said = Feed(), []
    async with Store.open(tmp_path / "s.db") as store:

        def say(text: str, fresh_s: float = 0.0) -> None:
            said.append(fresh_s)

        session = RunnerSession(session_info(), Coach(), store=store, feed=feed, say=say)

        async def run(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
            late_by_s = 60.0
            decided = stride(0.0, next_ic_s=now_ns() * 1e-9 - late_by_s, decided_s=7.0)
            session._take(Output([decided], [cue(7.0)]))

        with feed.subscribe() as messages:
            await session.run(run)
            async with asyncio.timeout(10):
                async for message in messages:
                    if message.kind == "cue":
                        payload = message.payload
                        break
    decided_utc, until = (datetime.fromisoformat(payload[key]) for key in ("decided_utc", "valid_until"))
    fresh_s = 1.0 - payload["latency_ms"] / 1e3
    assert fresh_s < -58.0
    assert (until - decided_utc).total_seconds() == pytest.approx(fresh_s, abs=0.002)
    assert fresh_s in (pytest.approx(one) for one in said)


@pytest.mark.parametrize(
    ("plan", "prompts"),
    [
        ("stand 4; run 3.2", ["Stand still.", "Ready. Run when you like.", ""]),
        ("run 3.2 15; stand 6; run 3.2", ["Stand still.", "Stop for a moment and stand still.", "Stand still.",
                                          "Ready. Run when you like.", ""]),
    ],
)  # fmt: skip
async def test_who_runs_off_without_standing_is_asked_to_stand(tmp_path: Path, plan: str, prompts: list[str]) -> None:
    """Angles are against quiet standing, so nothing of such a run could be judged, and nobody would know why."""
    feed, said, shown = Feed(backlog=10_000), [], []
    events = list(events_of(simulate(plan, 30.0)[0]))
    async with Store.open(tmp_path / "s.db") as store:

        def say(text: str, fresh_s: float = 0.0) -> None:
            said.append(text)

        session = RunnerSession(session_info(), Coach(), store=store, feed=feed, say=say)

        async def run(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
            for event in events:
                on_event(event)

        with feed.subscribe() as messages:
            await session.run(run)
            shown = [message.payload["prompt"] for message in messages.left() if message.kind == "status"]
    assert list(dict.fromkeys(shown)) == list(dict.fromkeys(prompts))
    assert said == [prompt for prompt in prompts if prompt]
    assert (session.good_strides > 5, session.flaws["uncalibrated"] > 5) == (True, len(prompts) > 3)


async def test_a_pod_that_was_never_there_is_not_lost(tmp_path: Path) -> None:
    feed, said = Feed(), []
    async with Store.open(tmp_path / "s.db") as store:

        def say(text: str, fresh_s: float = 0.0) -> None:
            said.append(text)

        session = RunnerSession(session_info(), Coach(), store=store, feed=feed, say=say)

        async def run(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
            for role, states in ((Role.PELVIS, "searching lost"), (Role.SHANK_RIGHT, "searching streaming lost")):
                for state in states.split():
                    on_event(PodEvent(role, Channel.LINK, now_ns(), state.encode()))

        await session.run(run)
    assert said == ["Stand still.", "Pelvis pod not found.", "Right shank pod lost."]
