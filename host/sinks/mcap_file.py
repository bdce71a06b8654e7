"""Pod events in an MCAP file (https://mcap.dev/spec): how they are laid out, written and read.

One channel a role and kind of event, such as `/shank_left/packet`; a message's data are the bytes as they
came, its log time is the session's start (UTC, ns) plus the arrival time. The session stands in a metadata
record at the very beginning, so that a file cut short can be read. Called by recording.py.

Reading takes the file record by record, front to back: the MCAP library's readers want the index at the end,
which a cut file lacks, and are too slow for an analysis at thousands of times real time.
"""

import logging
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError, UnsupportedCompressionError
from mcap.opcode import Opcode
from mcap.records import Channel as ChannelRecord
from mcap.records import Chunk, Metadata
from mcap.stream_reader import get_chunk_data_stream
from mcap.writer import MCAP0_MAGIC, Writer
from zstandard import ZstdError

from dsp.types import Role
from host.errors import RecordingError
from host.records import Channel, PodEvent, SessionInfo

log = logging.getLogger(__name__)

FORMAT = 1  # of what is inside the MCAP file; one up when an older reader would misread it
METADATA = "hamstream.session"
COACH_METADATA = "hamstream.coach"

_ROLES = {role.label: role for role in Role}
_RECORD = struct.Struct("<BQ")  # opcode, length of what follows
_MESSAGE = struct.Struct("<HxxxxQ")  # channel, sequence, log time; then the publish time and the data
_MESSAGE_HEAD_BYTES = 22


def start_ns(info: SessionInfo) -> int:
    """The session's start in nanoseconds since 1970, exactly."""
    started = datetime.fromisoformat(info.started_utc)
    since = (started if started.tzinfo else started.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000


class EventWriter:
    """Writes events to `stream`, a binary file or anything with its `write`, `tell` and `flush`."""

    def __init__(
        self,
        stream: IO[bytes],
        info: SessionInfo,
        coach: Mapping[str, str] | None = None,
        chunk_bytes: int = 1024 * 1024,
    ) -> None:
        self._start_ns = start_ns(info)
        self._count = 0
        self._mcap = Writer(stream, chunk_size=chunk_bytes)
        self._mcap.start(profile="hamstream")
        self._mcap.add_metadata(METADATA, {"format": str(FORMAT)} | asdict(info))
        if coach:
            self._mcap.add_metadata(COACH_METADATA, dict(coach))
        self._channels = {
            (role, channel): self._mcap.register_channel(f"/{role.label}/{channel}", "application/octet-stream", 0)
            for role in Role
            for channel in Channel
        }

    def write(self, event: PodEvent) -> None:
        time_ns = self._start_ns + event.arrival_ns
        channel = self._channels[event.role, event.channel]
        self._mcap.add_message(channel, time_ns, event.data, time_ns, self._count & 0xFFFFFFFF)
        self._count += 1

    def flush(self) -> None:
        """Closes the chunk: what was written so far can be read even when nothing follows."""
        self._mcap.flush()

    def finish(self) -> None:
        """Ends the file with its index."""
        self._mcap.finish()


def is_whole(file: IO[bytes]) -> bool:
    """True when the file was finished: it ends as MCAP files do."""
    size = file.seek(0, 2)
    file.seek(max(size - len(MCAP0_MAGIC), 0))
    return size > 2 * len(MCAP0_MAGIC) and file.read() == MCAP0_MAGIC


def read_recording(path: Path) -> tuple[SessionInfo, Iterator[PodEvent]]:
    """The session and its events in the order of arrival. A file cut short gives what it has.

    Raises RecordingError when the file cannot be read, is no recording, or is of a newer format. A chunk
    that was damaged on disk is skipped with a warning: the stream treats it as lost packets.
    """
    try:
        with path.open("rb") as file:
            info = _session_info(file, path)
    except OSError as error:
        raise RecordingError(path, f"cannot be read: {error.strerror}") from error
    return info, _events(path, start_ns(info))


class _Record(NamedTuple):
    offset: int
    opcode: int
    body: bytes


def _records(file: IO[bytes], path: Path) -> Iterator[_Record]:
    """The file's records up to its index, or up to where it was cut."""
    magic = file.read(len(MCAP0_MAGIC))
    if not magic:
        raise RecordingError(path, "is empty")
    if magic != MCAP0_MAGIC:
        raise RecordingError(path, "is not a recording (recordings are MCAP files)")
    size = path.stat().st_size
    while len(header := file.read(_RECORD.size)) == _RECORD.size:
        opcode, length = _RECORD.unpack(header)
        offset = file.tell() - _RECORD.size
        # Opcode 0 does not exist: after a power cut a file may end in zeros.
        if opcode in (0, Opcode.DATA_END) or offset + _RECORD.size + length > size:
            return
        yield _Record(offset, opcode, file.read(length))


def read_coach(path: Path) -> dict[str, str]:
    """What the coach of that session was told at its start; empty when the recording does not say.

    Raises RecordingError like `read_recording`.
    """
    try:
        with path.open("rb") as file:
            return _metadata(file, path, COACH_METADATA) or {}
    except OSError as error:
        raise RecordingError(path, f"cannot be read: {error.strerror}") from error


def _session_info(file: IO[bytes], path: Path) -> SessionInfo:
    metadata = _metadata(file, path, METADATA)
    if metadata is None:
        raise RecordingError(path, "is an MCAP file, but not a recording of hamstream")
    return _parse_info(metadata, path)


def _metadata(file: IO[bytes], path: Path, name: str) -> dict[str, str] | None:
    """The metadata record of that name. They all stand before the first event."""
    for record in _records(file, path):
        if record.opcode == Opcode.METADATA:
            metadata = Metadata.read(ReadDataStream(BytesIO(record.body)))
            if metadata.name == name:
                return metadata.metadata
        elif record.opcode in (Opcode.CHUNK, Opcode.MESSAGE) and name != METADATA:
            return None
    return None


def _parse_info(metadata: dict[str, str], path: Path) -> SessionInfo:
    try:
        version = int(metadata["format"])
        info = SessionInfo(**{field.name: metadata[field.name] for field in fields(SessionInfo)})
        start_ns(info)
    except (KeyError, ValueError) as error:
        raise RecordingError(path, f"its description of the session makes no sense ({error})") from error
    if version > FORMAT:
        raise RecordingError(path, f"is of format {version}, this hamstream reads up to {FORMAT}; update it")
    return info


_Channels = dict[int, tuple[Role, Channel] | None]


def _events(path: Path, zero_ns: int) -> Iterator[PodEvent]:
    channels: _Channels = {}
    with path.open("rb") as file:
        for offset, opcode, body in _records(file, path):
            if opcode == Opcode.CHUNK:
                yield from _events_in(_unpacked(body, path, offset), channels, zero_ns)
            elif opcode in (Opcode.CHANNEL, Opcode.MESSAGE):  # other tools may write files without chunks
                yield from _events_in(_RECORD.pack(opcode, len(body)) + body, channels, zero_ns)


def _unpacked(body: bytes, path: Path, offset: int) -> bytes:
    """A chunk's records; empty when it is damaged."""
    try:
        chunk = Chunk.read(ReadDataStream(BytesIO(body)))
        stream, length = get_chunk_data_stream(chunk, validate_crc=True)
        return stream.read(length)
    except UnsupportedCompressionError as error:
        raise RecordingError(path, f"{error}", offset) from error
    except (ZstdError, McapError, struct.error, ValueError) as error:
        log.warning("%s: a damaged part at byte %d is skipped (%s)", path, offset, error)
        return b""


def _events_in(data: bytes, channels: _Channels, zero_ns: int) -> Iterator[PodEvent]:
    """The events among the records of one chunk. `channels` is read and completed."""
    # Plain and tight: this loop runs once an event, some 80 times for every second that was recorded.
    head, message, opcode_message = _RECORD.unpack_from, _MESSAGE.unpack_from, int(Opcode.MESSAGE)
    position, end = 0, len(data) - _RECORD.size
    while position <= end:
        opcode, length = head(data, position)
        position += _RECORD.size
        if opcode == opcode_message:
            channel, time_ns = message(data, position)
            known = channels.get(channel)
            if known is not None:
                payload = data[position + _MESSAGE_HEAD_BYTES : position + length]
                yield PodEvent(known[0], known[1], time_ns - zero_ns, payload)
        elif opcode == Opcode.CHANNEL:
            record = ChannelRecord.read(ReadDataStream(BytesIO(data[position : position + length])))
            channels[record.id] = _parse_topic(record.topic)
        position += length


def _parse_topic(topic: str) -> tuple[Role, Channel] | None:
    """`/shank_left/packet`; None for a topic that this version does not know."""
    _, _, rest = topic.partition("/")
    role, _, channel = rest.partition("/")
    if role in _ROLES and channel in list(Channel):
        return _ROLES[role], Channel(channel)
    return None
