"""One runner's session: what it says of strides and cues as they come."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from host.coach.coach import Coach
from host.feed import Feed
from host.pipeline import Output
from host.records import PodEvent
from host.session import RunnerSession
from host.sinks.store import Store
from tests.host.sinks.records import cue, session_info, stride


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
