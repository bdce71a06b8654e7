"""The parts around the sessions: what breaks does not stop the rest."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from dsp.types import Role
from host.config import Config, parse
from host.errors import LinkLostError
from host.records import Channel, PodEvent
from host.service import Job, Service
from host.sinks.recording import read_recording
from host.sinks.store import Store

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


async def test_a_profile_that_cannot_be_read_is_learnt_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = configured(tmp_path)
    async with Store.open(config.database) as store:
        await store.save_baseline("ann", '{"version": 99}')
    async with Service.open(config, view=False) as service:
        await service.run([Job("ann", short, "pods")])
    assert "a new one is learnt" in caplog.text


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
