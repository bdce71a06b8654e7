"""Tasks that end together, and the waits between tries."""

import asyncio

import pytest

from host.tasks import backoff_s, cancel, first_of


async def for_ever(log: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        log.append("gone")


async def test_cancel_waits_for_what_a_task_does_in_the_end() -> None:
    log: list[str] = []
    tasks = [asyncio.create_task(for_ever(log)) for _ in range(2)]
    await asyncio.sleep(0)
    await cancel(*tasks)
    assert log == ["gone", "gone"]


async def test_the_first_to_end_ends_the_others_and_its_error_is_raised() -> None:
    log: list[str] = []

    async def fails() -> None:
        raise OSError("broken")

    await first_of(for_ever(log), asyncio.sleep(0))
    with pytest.raises(OSError, match="broken"):
        await first_of(for_ever(log), fails())
    assert log == ["gone", "gone"]


def test_waiting_doubles_up_to_a_bound() -> None:
    waits = [backoff_s(failures, 0.25, 10.0) for failures in range(2000)]
    assert waits[:3] == [0.25, 0.5, 1.0]
    assert waits == sorted(waits)
    assert waits[-1] == 10.0
