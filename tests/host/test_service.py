"""The parts around the sessions: what breaks does not stop the rest."""

import asyncio
import logging
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dsp.types import Role
from host.coach.cues import prompt
from host.coach.learning import learn
from host.coach.profile import Profile
from host.coach.told import Told
from host.config import Config, VoiceConfig, parse
from host.errors import LinkLostError, SinkError
from host.records import Channel, Person, PodEvent
from host.service import Job, Service
from host.sinks.recording import read_coach, read_recording
from host.sinks.store import Store
from tests.host.coach.runner import stride

EVENT = PodEvent(Role.PELVIS, Channel.BATTERY, 0, b"\x57")


def configured(folder: Path) -> Config:
    # Nobody listens on port 9 (discard): a broker that is away.
    return parse(
        {"mqtt": {"host": "127.0.0.1", "port": 9}, "web": {"port": 0}, "storage": {"folder": str(folder)}}, {}, folder
    )


async def short(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
    on_event(EVENT)
    await asyncio.sleep(0.1)


async def broken(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
    raise LinkLostError("pelvis", "C0", "the link was lost", "Is it near?")


async def test_a_session_that_fails_does_not_end_the_others(tmp_path: Path) -> None:
    async with Service.open(configured(tmp_path), view=False) as service:
        with pytest.raises(LinkLostError):
            await service.run([Job("ann", broken, "pods"), Job("bo", short, "pods")])
        rows = {row.runner: row for row in await service.store.sessions()}
    assert set(rows) == {"ann", "bo"}
    assert all(row.ended_utc and not row.cut for row in rows.values())
    assert list(read_recording(Path(rows["bo"].recording))[1]) == [EVENT]


async def test_a_run_goes_on_where_no_recording_can_be_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured(tmp_path)
    async with Service.open(config, view=False) as service:
        config.recordings.rmdir()
        config.recordings.write_text("in the way")
        await service.run([Job("ann", short, "pods")])
        (row,) = await service.store.sessions()
    assert row.ended_utc
    assert row.recording == ""
    assert "not recorded" in caplog.text


async def test_a_folder_that_cannot_be_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SinkError, match="check the folder"):
        async with Service.open(configured(tmp_path / "file" / "below"), view=False):
            pass


async def test_a_profile_that_cannot_be_read_is_learnt_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured(tmp_path)
    async with Store.open(config.database) as store:
        await store.save_baseline("ann", '{"version": 99}')
    async with Service.open(config, view=False) as service:
        await service.run([Job("ann", short, "pods")])
    assert "a new one is learnt" in caplog.text


async def test_what_the_runner_told_reaches_the_screens_and_the_recording(tmp_path: Path) -> None:
    ann = Person("ann", 0.92, 61.5, 0.1 + 0.2, "de", "10 km", frozenset({"pawing", "hip_lag"}))
    async with Service.open(configured(tmp_path), view=False) as service:
        await service.store.save_person(ann)
        await service.run([Job("ann", short, "pods")])
        (row,) = await service.store.sessions()
        (status,) = [message.payload for message in service.feed.latest() if message.kind == "status"]
    assert (status["language"], status["prompt"]) == ("de", prompt("stand_still", "de"))
    told = Told.from_settings("ann", read_coach(Path(row.recording)))
    assert told == Told(replace(ann, mass_kg=None, goals=None), Profile())


async def test_the_voice_is_told_the_runners_language(tmp_path: Path) -> None:
    words = tmp_path / "words"
    command = ["sh", "-c", f'echo "$@" >> {shlex.quote(str(words))}', "sh", "-v", "{language}", "{text}"]
    config = configured(tmp_path)
    config = config.model_copy(update={"voice": VoiceConfig(command=tuple(command))})
    async with Service.open(config, view=False) as service:
        await service.run([Job("ann", short, "pods", Told(Person("ann", language="de")))])
        async with asyncio.timeout(20):
            while not words.exists() or not words.read_text():  # another process writes: there is no event
                await asyncio.sleep(0.02)
    assert words.read_text() == f"-v de {prompt('stand_still', 'de')}\n"


async def test_a_replay_is_told_what_the_recording_was_and_teaches_nothing(tmp_path: Path) -> None:
    """Whatever the runner told since."""
    then = Told(Person("ann", language="de"))
    async with Service.open(configured(tmp_path), view=False) as service:
        await service.store.save_person(Person("ann", language="en"))
        await service.run([Job("ann", short, "replay:then.mcap", then, live=False)])
        (status,) = [message.payload for message in service.feed.latest() if message.kind == "status"]
        assert status["language"] == "de"
        assert await service.store.baseline("ann") is None


async def test_a_replay_with_the_runners_profile_of_today_teaches_nothing_either(tmp_path: Path) -> None:
    """It was learnt from when it was run."""
    usual = learn([stride(0.7 * i, side) for i in range(60) for side in ("left", "right")])
    async with Service.open(configured(tmp_path), view=False) as service:
        await service.store.save_baseline("ann", before := usual.to_json())
        await service.run([Job("ann", short, "replay:then.mcap", live=False)])
        assert await service.store.baseline("ann") == before
        await service.run([Job("ann", short, "pods")])
        assert await service.store.baseline("ann") != before


async def test_a_run_ends_by_itself_when_its_time_is_over(tmp_path: Path) -> None:
    async def forever(on_event: Callable[[PodEvent], None], now_ns: Callable[[], int]) -> None:
        await asyncio.Event().wait()

    async with Service.open(configured(tmp_path), view=False) as service:
        await service.run([Job("ann", forever, "pods")], seconds=0.2)
        (row,) = await service.store.sessions()
    assert row.ended_utc


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
