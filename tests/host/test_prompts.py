"""What a runner is asked to do while running: once, in words, and no longer than it is needed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dsp.types import Role
from firmware_sim.offline import simulate
from host.coach.coach import Coach
from host.coach.cues import prompt
from host.feed import Feed
from host.records import PodEvent
from host.session import RunnerSession
from host.sinks.store import Store
from tests.host.sinks.records import session_info
from tests.host.stored import Frames, events_of

PLAN = "stand 5; run 3.2 15; stand 5; run 3.2"


@dataclass(frozen=True)
class Told:
    said: list[str]
    shown: list[str]  # prompts of the status, as they changed
    strides: list[dict[str, Any]]


async def told(frames: Frames, store_at: Path, language: str = "en") -> Told:
    feed, said = Feed(backlog=100_000), []
    async with Store.open(store_at) as store:

        def say(text: str, fresh_s: float = 0.0) -> None:
            said.append(text)

        session = RunnerSession(session_info(), Coach(), store=store, feed=feed, say=say, language=language)

        async def source(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
            for event in events_of(frames):
                on_event(event)
            await asyncio.sleep(0)

        with feed.subscribe() as messages:
            await session.run(source)
            heard = list(messages.left())
    prompts = [message.payload["prompt"] for message in heard if message.kind == "status"]
    shown = [text for text, before in zip(prompts, [None, *prompts], strict=False) if text != before]
    return Told(said, shown, [message.payload for message in heard if message.kind == "stride"])


@pytest.fixture(scope="module")
def frames() -> Frames:
    return simulate(PLAN, 36.0, seed=3)[0]


def of(side: str, strides: list[dict[str, Any]], begin_s: float, end_s: float) -> list[dict[str, Any]]:
    return [s for s in strides if s["side"] == side and begin_s < s["ic_s"] < end_s]


async def test_nothing_more_is_asked_of_one_who_is_measured_well(frames: Frames, tmp_path: Path) -> None:
    found = await told(frames, tmp_path / "s.db")
    assert found.said == [prompt("stand_still"), prompt("ready"), prompt("ready")]
    assert found.shown == [prompt("stand_still"), prompt("ready"), "", prompt("ready"), ""]


@pytest.mark.parametrize("late", list(Role))
async def test_who_wears_a_pod_that_joined_on_the_way_is_asked_to_stand_still(
    frames: Frames, tmp_path: Path, late: Role
) -> None:
    """Until then what needs it is unknown, and everything else comes."""
    rows = frames[late]
    found = await told(frames | {late: rows[rows["t_s"] > 11.0]}, tmp_path / "s.db")
    assert found.said.count(prompt("stand_first")) == 1
    assert found.shown.count(prompt("stand_first")) == 1
    assert found.shown[-1] == ""
    needs = {
        "shank": {"tibial_inclination_ic_deg", "shank_mid_stance_deg", "tibial_inclination_difference_deg"},
        "pelvis": {"pelvic_tilt_deg", "pelvic_drop_deg", "pelvic_drop_difference_deg"},
    }[late.label.split("_")[0]]
    for side in ("left", "right"):
        lacks = needs if late.label in ("pelvis", f"shank_{side}") else {"tibial_inclination_difference_deg"}
        running = of(side, found.strides, 15.0, 18.0)
        assert len(running) > 3
        for stride in running:
            assert "uncalibrated" in stride["quality"]
            unknown = {name for name, value in stride.items() if value is None}
            assert unknown - {"leg_stiffness_npmkg", "grade_percent", "latency_ms"} == lacks
        assert not any(stride["quality"] for stride in of(side, found.strides, 30.0, 35.0))


@pytest.mark.parametrize("role", list(Role))
async def test_who_has_a_pod_that_moved_is_told_to_check_its_strap(frames: Frames, tmp_path: Path, role: Role) -> None:
    """By 8 degrees; it sits right again after some strides, and what the pod did is no pattern of the runner's."""
    before = await told(frames, tmp_path / "before.db")
    rows = frames[role].copy()
    angle = np.radians(8.0) * np.clip((rows["t_s"] - 12.0) / 0.2, 0.0, 1.0)
    turn = Rotation.from_rotvec(np.outer(angle, (0.0, 1.0, 0.0))).inv()
    rows["acc_mps2"], rows["gyr_radps"] = turn.apply(rows["acc_mps2"]), turn.apply(rows["gyr_radps"])
    rows["gyr_radps"][:, 1] += np.gradient(angle, rows["t_s"])
    found = await told(frames | {role: rows}, tmp_path / "s.db", "de")
    moved = prompt(f"slipped_{role.label}", "de")
    assert found.said.count(moved) == 1
    assert [text for text in found.shown if text][:3] == [prompt("stand_still", "de"), prompt("ready", "de"), moved]
    assert found.shown[found.shown.index(moved) + 1] == ""
    assert any("slipped" in stride["quality"] for stride in found.strides)
    for name in ("pelvic_tilt_deg", "tibial_inclination_ic_deg"):
        late = [np.mean([s[name] for s in of("left", one.strides, 28.0, 35.0)]) for one in (found, before)]
        assert late[0] == pytest.approx(late[1], abs=1.0)
    assert not any(stride["quality"] for stride in of("left", found.strides, 30.0, 35.0))


async def test_who_swapped_the_shanks_pods_is_told(frames: Frames, tmp_path: Path) -> None:
    """For as long as it is so: standing still alone does not help."""
    left, right = frames[Role.SHANK_LEFT], frames[Role.SHANK_RIGHT]
    found = await told(frames | {Role.SHANK_LEFT: right, Role.SHANK_RIGHT: left}, tmp_path / "s.db")
    assert found.said == [prompt("stand_still"), prompt("ready"), prompt("swapped"), prompt("ready"), prompt("swapped")]
    assert found.shown[-1] == prompt("swapped")
    assert all("swapped" in stride["quality"] for stride in found.strides[10:])


@pytest.mark.parametrize("role", list(Role))
async def test_who_wears_a_pod_upside_down_is_told_to_turn_it(frames: Frames, tmp_path: Path, role: Role) -> None:
    """For as long as they wear it so, however still they stand; pods that lie about upside down are not worn."""
    half = Rotation.from_euler("x", 180.0, degrees=True)

    def over(role: Role, until_s: float) -> Frames:
        rows = frames[role].copy()
        wrong = rows["t_s"] < until_s
        for name in ("acc_mps2", "gyr_radps"):
            rows[name][wrong] = half.apply(rows[name][wrong])
        return {role: rows}

    found = await told(frames | over(role, 18.0), tmp_path / "s.db")
    assert found.said[:2] == [prompt("stand_still"), prompt(f"tipped_{role.label}")]
    assert prompt("stand_first") in found.said
    assert found.said[-1] == prompt("ready")
    assert not any(stride["quality"] for stride in of("left", found.strides, 30.0, 35.0))
    lying = {role: over(role, 99.0)[role] for role in Role}
    assert not any("way up" in text for text in (await told(lying, tmp_path / "lying.db")).said)
