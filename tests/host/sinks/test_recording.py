"""Recordings: exact round trip, killed recorder, cut and damaged files, full disk, other people's files.

The MCAP library's own reader is the independent one.
"""

import asyncio
import logging
import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from mcap.writer import Writer

from dsp.types import Role
from host.errors import RecordingError
from host.records import Channel, PodEvent, SessionInfo
from host.sinks import recording
from host.sinks.recording import Recorder, read_coach, read_recording, recover
from tests.host.sinks.records import session_info, until

INFO = session_info()
START_NS = 1_772_348_400_000_000_000  # 2026-03-01T07:00:00Z, by `date -u -d 2026-03-01T07:00:00Z +%s`


def events(count: int, step_ns: int = 12_820_513) -> list[PodEvent]:
    """Packets of three pods in turn, with random bytes and uneven times."""
    rng = random.Random(1)
    channels = [Channel.PACKET] * 20 + [Channel.PRESSURE, Channel.BATTERY, Channel.LINK, Channel.INFO]
    return [
        PodEvent(Role(n % 3), rng.choice(channels), n * step_ns + rng.randrange(999), rng.randbytes(106))
        for n in range(count)
    ]


async def record(path: Path, what: list[PodEvent], info: SessionInfo = INFO) -> None:
    async with Recorder(path, info) as recorder:
        for event in what:
            recorder.write(event)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recordings" / "run.mcap"


def test_what_the_coach_was_told_survives_a_cut_and_its_mending(path: Path) -> None:
    told = {"baseline": '{"version": 1}', "language": "en"}

    async def run() -> None:
        async with Recorder(path, INFO, told) as recorder:
            for event in events(100):
                recorder.write(event)

    asyncio.run(run())
    path.write_bytes(path.read_bytes()[:-200])
    assert recover(path)
    assert read_coach(path) == told
    assert read_recording(path)[0] == INFO


def test_every_event_comes_back_exactly(path: Path) -> None:
    what = events(500)
    asyncio.run(record(path, what))
    info, back = read_recording(path)
    assert info == INFO
    assert list(back) == what


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            PodEvent,
            st.sampled_from(Role),
            st.sampled_from(Channel),
            st.integers(0, 10**15),
            st.binary(max_size=200),
        ),
        max_size=30,
    )
)
def test_any_event_comes_back(tmp_path_factory: pytest.TempPathFactory, what: list[PodEvent]) -> None:
    path = tmp_path_factory.mktemp("any") / "any.mcap"
    asyncio.run(record(path, what))
    assert list(read_recording(path)[1]) == what


def test_other_tools_read_it(path: Path) -> None:
    what = events(200)
    asyncio.run(record(path, what))
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        found = [(c.topic, m.log_time, m.data) for _, c, m in reader.iter_messages(log_time_order=False)]
        (session,) = reader.iter_metadata()
    assert found == [(f"/{e.role.label}/{e.channel}", START_NS + e.arrival_ns, e.data) for e in what]
    assert session.metadata["runner"] == "ann"
    assert session.metadata["format"] == "1"


def test_times_are_exact_whatever_the_offset_of_the_clock(path: Path) -> None:
    info = replace(INFO, started_utc="2026-03-01T09:00:00.123456+02:00")
    what = [PodEvent(Role.PELVIS, Channel.PACKET, 1, b"x")]
    asyncio.run(record(path, what, info))
    assert list(read_recording(path)[1]) == what
    with path.open("rb") as file:
        ((_, _, message),) = make_reader(file).iter_messages()
    assert message.log_time == START_NS + 123_456_001


async def test_one_pod_alone_is_on_disk_soon(path: Path) -> None:
    one = [PodEvent(Role.PELVIS, Channel.BATTERY, 5, b"\x50")]
    async with Recorder(path, INFO) as recorder:
        recorder.write(one[0])
        await until(lambda: list(read_recording(path)[1]) == one)


async def test_an_earlier_recording_is_never_written_over(path: Path) -> None:
    await record(path, events(3))
    with pytest.raises(RecordingError, match="exists already"):
        await record(path, [])
    assert len(list(read_recording(path)[1])) == 3


def test_kill_9_loses_at_most_a_second_and_the_file_is_mended(path: Path) -> None:
    """The recorder's process says what it hands over: all older than a second at the kill must be there."""
    handed_over = []
    command = [sys.executable, "-c", _RECORD_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:  # arrival in ns
            handed_over.append(int(line))
            if handed_over[-1] > 2.9e9:
                process.kill()

    info, back = read_recording(path)
    found = [event.arrival_ns for event in back]
    assert info.runner == "ann"
    assert found == handed_over[: len(found)]
    assert handed_over[-1] - found[-1] < 1_000_000_000
    assert recover(path)
    assert [event.arrival_ns for event in read_recording(path)[1]] == found
    with path.open("rb") as file:
        assert make_reader(file).get_summary() is not None
    assert not recover(path)
    assert list(path.parent.iterdir()) == [path]


# One pod only, at 26 packets a second: the slowest stream there is.
_RECORD_FOR_EVER = """
import asyncio, sys, time
from pathlib import Path
from dsp.types import Role
from host.records import Channel, PodEvent
from host.sinks.recording import Recorder
from tests.host.sinks.records import session_info

async def main():
    async with Recorder(Path(sys.argv[1]), session_info()) as recorder:
        start = time.monotonic_ns()
        while True:
            arrival_ns = time.monotonic_ns() - start
            recorder.write(PodEvent(Role.PELVIS, Channel.PACKET, arrival_ns, bytes(106)))
            print(arrival_ns, flush=True)
            await asyncio.sleep(1 / 26)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def slow_recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[PodEvent]]:
    """A whole recording of many small chunks, as a live run makes them."""
    path = tmp_path_factory.mktemp("slow") / "slow.mcap"
    what = events(300)
    with path.open("wb") as file:
        writer = recording.EventWriter(file, INFO)
        for n, event in enumerate(what):
            writer.write(event)
            if n % 30 == 29:
                writer.flush()
        writer.finish()
    return path.read_bytes(), what


def test_a_file_cut_at_any_byte_gives_what_came_before(slow_recording, tmp_path: Path) -> None:
    whole, what = slow_recording
    path = tmp_path / "cut.mcap"
    described = whole.index(b"recording") + len("recording") + 4 + len(INFO.recording)  # the last field
    lengths = []
    for cut in range(0, len(whole) + 1, 97):
        path.write_bytes(whole[:cut])
        if cut < described:
            with pytest.raises(RecordingError):
                read_recording(path)
            continue
        found = list(read_recording(path)[1])
        assert found == what[: len(found)]
        assert len(found) % 30 == 0
        lengths.append(len(found))
    assert lengths == sorted(lengths)
    assert lengths[-1] == 300


def test_zeros_at_the_end_are_the_end(slow_recording, tmp_path: Path) -> None:
    whole, what = slow_recording
    path = tmp_path / "zeros.mcap"
    path.write_bytes(whole[: len(whole) // 2] + bytes(4096))
    found = list(read_recording(path)[1])
    assert 0 < len(found) < 300
    assert found == what[: len(found)]
    assert recover(path)
    assert list(read_recording(path)[1]) == found


def test_a_damaged_chunk_is_skipped_with_a_warning(slow_recording, tmp_path: Path, caplog) -> None:
    whole, what = slow_recording
    path = tmp_path / "damaged.mcap"
    middle = whole.find(b"zstd", len(whole) // 3) + 40
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :])
    found = list(read_recording(path)[1])
    assert len(found) == 270
    assert set(found) < set(what)
    assert "damaged" in caplog.text


def test_what_is_being_recorded_is_not_mended(path: Path) -> None:
    async def scenario() -> None:
        async with Recorder(path, INFO) as recorder:
            recorder.write(events(1)[0])
            await until(lambda: list(read_recording(path)[1]))
            assert not recover(path)
            recorder.write(events(2)[1])
        assert list(read_recording(path)[1]) == events(2)

    asyncio.run(scenario())


def test_the_original_stays_when_mending_fails(slow_recording, tmp_path: Path, monkeypatch) -> None:
    whole, _ = slow_recording
    path = tmp_path / "cut.mcap"
    path.write_bytes(whole[:5000])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordingError, match="No space left"):
        recover(path)
    assert path.read_bytes() == whole[:5000]
    assert list(tmp_path.iterdir()) == [path]


async def test_a_full_disk_stops_nothing_and_loses_nothing(path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(recording, "FLUSH_PERIOD_S", 0.02)
    what = events(200)
    async with Recorder(path, INFO) as recorder:
        file, full = recorder._spool._file, _FullDisk(recorder._spool._file, room=5000)
        recorder._spool._file = full
        for event in what:
            recorder.write(event)
            await asyncio.sleep(0.001)
        await until(lambda: full.refusals >= 3)
        back = list(read_recording(path)[1])
        assert back == what[: len(back)]
        recorder._spool._file = file
        await until(lambda: not recorder._spool.waiting)
    assert list(read_recording(path)[1]) == what
    assert not recover(path)
    assert [r.levelno for r in caplog.records] == [logging.ERROR, logging.WARNING]


class _FullDisk:
    """A file on a disk with little room: takes part of a write, then refuses, as the kernel does."""

    def __init__(self, file: object, room: int) -> None:
        self._file, self._room, self.refusals = file, room, 0

    def write(self, data: bytes) -> int:
        if self._room <= 0:
            self.refusals += 1
            raise OSError(28, "No space left on device")
        taken = self._file.write(data[: self._room])  # type: ignore[attr-defined]
        self._room -= taken
        return taken

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


async def test_what_a_full_disk_has_not_taken_in_the_end_is_told(path: Path, caplog) -> None:
    async with Recorder(path, INFO) as recorder:
        recorder._spool._file = _FullDisk(recorder._spool._file, room=3000)
        for event in (what := events(300)):
            recorder.write(event)
    back = list(read_recording(path)[1])
    assert back == what[: len(back)]
    assert "could not be stored" in caplog.records[-1].message


async def test_a_disk_that_stays_full_ends_the_recording_only(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(recording, "FLUSH_PERIOD_S", 0.02)
    monkeypatch.setattr(recording, "MAX_WAITING_BYTES", 2000)
    what = events(300)
    async with Recorder(path, INFO) as recorder:
        recorder._spool._file = _FullDisk(recorder._spool._file, room=3000)
        for event in what:
            recorder.write(event)
            await asyncio.sleep(0.001)
        await until(lambda: recorder.failed)
    back = list(read_recording(path)[1])
    assert back
    assert back == what[: len(back)]
    assert recover(path)


def _mcap(path: Path, metadata: dict[str, str] | None) -> None:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        if metadata is not None:
            writer.add_metadata("hamstream.session", metadata)
        writer.finish()


def _foreign_files(folder: Path) -> Iterator[tuple[Path, str]]:
    yield folder / "nowhere.mcap", "No such file"
    yield folder, "directory"
    (folder / "empty.mcap").touch()
    yield folder / "empty.mcap", "is empty"
    (folder / "text.mcap").write_text("t_s,pod,acc_x\n")
    yield folder / "text.mcap", "not a recording"
    _mcap(folder / "foreign.mcap", None)
    yield folder / "foreign.mcap", "not a recording of hamstream"
    _mcap(folder / "bare.mcap", {"format": "1"})
    yield folder / "bare.mcap", "makes no sense"
    newer = {"format": "2"} | {k: getattr(INFO, k) for k in INFO.__dataclass_fields__}
    _mcap(folder / "newer.mcap", newer)
    yield folder / "newer.mcap", "format 2"
    (folder / "huge.mcap").write_bytes(b"\x89MCAP0\r\n" + struct.pack("<BQ", 6, 2**63))
    yield folder / "huge.mcap", "not a recording of hamstream"


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    for path, sentence in _foreign_files(tmp_path):
        with pytest.raises(RecordingError, match=sentence) as caught:
            read_recording(path)
        assert str(path) in str(caught.value)


def test_recordings_of_other_mcap_tools(path: Path) -> None:
    """Unchunked, with channels in another order and one that is not ours."""
    path.parent.mkdir()
    with path.open("wb") as file:
        writer = Writer(file, use_chunking=False)
        writer.start()
        writer.add_metadata(
            "hamstream.session", {"format": "1"} | {k: getattr(INFO, k) for k in INFO.__dataclass_fields__}
        )
        other = writer.register_channel("/camera", "jpeg", 0)
        battery = writer.register_channel("/pelvis/battery", "", 0)
        writer.add_message(other, START_NS, b"picture", START_NS)
        writer.add_message(battery, START_NS + 7, b"\x63", START_NS + 7)
        writer.finish()
    assert list(read_recording(path)[1]) == [PodEvent(Role.PELVIS, Channel.BATTERY, 7, b"\x63")]
