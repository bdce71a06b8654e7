"""Simulated pods in processes of their own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def pods(*options: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A process with pods in it, and the transport of its air."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware_sim", *options), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        ready = (await process.stdout.readline()).decode().split()
        assert ready, "the pods did not start"
        yield process, ready[1]
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
