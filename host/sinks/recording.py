"""The raw recording of a session: every pod event as it came, before anything can be wrong.

`Recorder` writes while the session runs, `read_recording` reads, `recover` mends a file that kill -9 cut
short: less than half a second is lost. How the file is laid out stands in mcap_file.py.
"""

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from host.errors import RecordingError
from host.records import PodEvent, SessionInfo
from host.sinks.locks import try_lock
from host.sinks.mcap_file import EventWriter, is_whole, read_coach, read_recording

__all__ = ["Recorder", "read_coach", "read_recording", "recover"]

log = logging.getLogger(__name__)

# What kill -9 may cost. Shorter periods make smaller chunks, which compress less.
FLUSH_PERIOD_S = 0.4
# What may wait in memory while the disk takes nothing: about an hour of three pods.
MAX_WAITING_BYTES = 32_000_000
# A mended file need not survive a kill: larger chunks compress better.
MENDED_CHUNK_BYTES = 256 * 1024


class Recorder:
    """`async with Recorder(path, info) as recorder: recorder.write(event)`. Entering raises RecordingError.

    `coach`: what the coach was told at the start, so that a replay can say the same; see `read_coach`.
    The file is written in a thread. When the disk takes nothing, that is reported once and tried again, and
    the stream goes on. A disk that stays full ends the recording (`failed`); what was written before can be
    read.
    """

    def __init__(self, path: Path, info: SessionInfo, coach: Mapping[str, str] | None = None) -> None:
        self.path, self.info = path, info
        self._coach = coach
        self.failed = False
        self._queue: deque[PodEvent] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._begin)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join)

    def write(self, event: PodEvent) -> None:
        """Hands the event over; it is on disk within half a second."""
        if not self.failed:
            self._queue.append(event)

    def _begin(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # "x": never write over an earlier session. Unbuffered: _Spool decides what goes to the file.
            self._file = self.path.open("xb", buffering=0)
            try_lock(cast(IO[bytes], self._file))  # tells `recover` that this file is being written
            self._spool = _Spool(cast(IO[bytes], self._file))
            self._writer = EventWriter(cast(IO[bytes], self._spool), self.info, self._coach)
            self._spool.drain()
        except FileExistsError as error:
            raise RecordingError(self.path, "exists already, and is not written over") from error
        except OSError as error:
            raise RecordingError(self.path, f"cannot be written: {error.strerror}") from error

    def _run(self) -> None:
        with self._file:
            while not self._stop.wait(FLUSH_PERIOD_S):
                self._flush()
            self._flush()
            if not self.failed:
                self._writer.finish()
                self._drain()
                if self._spool.waiting:
                    lost_kb = self._spool.waiting / 1e3
                    log.error("%s: the last %.0f kB could not be stored; it is cut short", self.path, lost_kb)

    def _flush(self) -> None:
        while self._queue:
            self._writer.write(self._queue.popleft())
        self._writer.flush()
        if not self.failed:
            self._drain()

    def _drain(self) -> None:
        try:
            self._spool.drain()
        except OSError as error:
            if not self._spool.refused:
                log.error("%s takes no data (%s); it waits in memory, the run goes on", self.path, error)
            self._spool.refused = True
            if self._spool.waiting > MAX_WAITING_BYTES:
                log.error("%s: the recording ends here", self.path)
                self.failed = True
        else:
            if self._spool.refused:
                log.warning("%s takes data again; nothing is lost", self.path)
            self._spool.refused = False


class _Spool:
    """The stream that the MCAP writer writes to. Bytes wait here until the file has taken all of them."""

    def __init__(self, file: IO[bytes]) -> None:
        self.refused = False
        self._file, self._taken = file, 0
        self._waiting = bytearray()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def tell(self) -> int:
        return self._taken + len(self._waiting)

    def flush(self) -> None:
        """Nothing: `drain` writes."""

    def drain(self) -> None:
        """Writes what waits, all or nothing. Raises OSError when the disk does not take it."""
        self._file.seek(self._taken)  # over the half record that a full disk may have left
        done = 0
        while done < len(self._waiting):
            done += self._file.write(bytes(self._waiting[done:]))
        self._taken += len(self._waiting)
        self._waiting.clear()


def recover(path: Path) -> bool:
    """Mends a recording that was cut short; the original stays until the mended file is complete on disk.

    False when there is nothing to mend: the file is whole, or being recorded at this moment. Raises
    RecordingError when the file is no recording or the mended one cannot be written.
    """
    mended = path.with_name(path.name + ".mending")
    try:
        with path.open("rb") as original:
            if is_whole(original) or not try_lock(original):
                return False
            info, events = read_recording(path)
            with mended.open("wb") as file:
                writer = EventWriter(file, info, read_coach(path), MENDED_CHUNK_BYTES)
                for event in events:
                    writer.write(event)
                writer.finish()
                file.flush()
                os.fsync(file.fileno())
        os.replace(mended, path)
    except OSError as error:
        raise RecordingError(path, f"cannot be mended: {error.strerror}") from error
    finally:
        mended.unlink(missing_ok=True)
    return True
