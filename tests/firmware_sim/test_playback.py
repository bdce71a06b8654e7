"""Recordings worn as pods."""

import asyncio
import csv
import math
import time
from pathlib import Path

import numpy as np
import pytest
from bleak import BleakClient

from dsp.params import G_MPS2
from dsp.types import FRAME, Role
from firmware_sim.playback import Playback, PlaybackSampler, measured_rate_hz
from firmware_sim.pod import SimulatedPod
from firmware_sim.radio.air import Air
from firmware_sim.radio.backend import Backends
from host.errors import RecordingError, TableError
from host.pods import profile
from host.pods.profile import PacketFlag, PodInfo
from host.records import Channel, PodEvent, SessionInfo
from host.sinks.recording import Recorder
from tests.firmware_sim.virtual_pods import PATIENCE_S, find, streaming

pytestmark = pytest.mark.virtual_time

ACC_COUNT_MPS2 = 16 * G_MPS2 / 32_768
GYR_COUNT_RADPS = math.radians(2000) / 32_768
RATE_HZ = {Role.PELVIS: 203.0, Role.SHANK_LEFT: 208.0, Role.SHANK_RIGHT: 211.0}
LOST = range(100, 120)
FIRST_S = 12.5


def table_rows(seconds: float = 1.5) -> list[dict[str, object]]:
    """Three pods at their own rates; each sample's counts are its number; samples 100 to 119 are missing."""
    rows: list[dict[str, object]] = []
    for role, rate_hz in RATE_HZ.items():
        for n in range(int(seconds * rate_hz)):
            if n in LOST:
                continue
            row: dict[str, object] = {"t_s": f"{FIRST_S + n / rate_hz:.6f}", "pod": role.label}
            row |= {f"acc_{axis}": 1e3 * ACC_COUNT_MPS2 + n * ACC_COUNT_MPS2 for axis in "xy"}
            row |= {"acc_z": 9.81} | {f"gyr_{axis}": -n * GYR_COUNT_RADPS for axis in "xyz"}
            row["pressure_pa"] = 100_000 + n if role is Role.PELVIS and n % 50 == 0 else ""
            rows.append(row)
    return sorted(rows, key=lambda row: str(row["t_s"]))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "run.imu.csv"
    rows = table_rows()
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_counts_and_times_are_those_of_the_table(table: Path) -> None:
    playback = Playback.load(table)
    end_s = playback.start(1000.0)
    for role, rate_hz in RATE_HZ.items():
        sampler = playback.samplers[role]
        assert sampler.info == PodInfo(role, 16, 2000, round(rate_hz), 8)
        assert not len(sampler.read(999.9).t_s)
        first, rest = sampler.read(1000.2), sampler.read(2000.0)
        t_s = np.concatenate([first.t_s, rest.t_s])
        counts = np.concatenate([first.counts, rest.counts])
        numbers = np.array([n for n in range(int(1.5 * rate_hz)) if n not in LOST])
        np.testing.assert_allclose(t_s, 1000.0 + numbers / rate_hz, atol=1e-6)
        np.testing.assert_array_equal(counts[:, 0], 1000 + numbers)
        np.testing.assert_array_equal(counts[:, 5], -numbers)
        assert end_s == pytest.approx(1001.5, abs=0.01)


def test_pressure_is_the_newest_reading(table: Path) -> None:
    playback = Playback.load(table)
    pelvis = playback.samplers[Role.PELVIS]
    assert pelvis.pressure_pa(1000.0) == 100_000  # before the start: the first
    playback.start(1000.0)
    assert pelvis.pressure_pa(1000.0 + 60 / 203.0) == 100_050
    assert playback.samplers[Role.SHANK_LEFT].pressure_pa(1000.0) is None


def test_values_beyond_the_range_clip() -> None:
    frames = np.zeros(3, FRAME)
    frames["t_s"], frames["pressure_pa"] = [0.0, 0.005, 0.010], np.nan
    frames["acc_mps2"][0], frames["gyr_radps"][1] = 1e3, -1e3
    frames["acc_mps2"][2, 1] = np.nan
    sampler = PlaybackSampler(Role.PELVIS, frames, (16, 2000))
    sampler.start(0.0)
    counts = sampler.read(1.0).counts
    assert counts.tolist() == [[32767] * 3 + [0] * 3, [0] * 3 + [-32768] * 3]  # the third is lost


def test_the_rate_is_measured_between_gaps_and_despite_rounding() -> None:
    t_s = np.round(np.arange(4000) / 207.3, 3)
    kept = np.delete(t_s, slice(1000, 1100))
    assert measured_rate_hz(kept) == pytest.approx(207.3, rel=1e-4)
    with pytest.raises(ValueError, match="no rate"):
        measured_rate_hz(t_s[:1])


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(TableError):
        Playback.load(tmp_path / "absent.imu.csv")
    (tmp_path / "broken.mcap").write_bytes(b"nothing of the kind")
    with pytest.raises(RecordingError):
        Playback.load(tmp_path / "broken.mcap")


async def test_over_the_radio_a_hole_stays_a_hole(table: Path, air: Air, backends: Backends) -> None:
    playback = Playback.load(table)
    async with (
        SimulatedPod(playback.samplers[Role.SHANK_LEFT], air.open) as pod,
        streaming(backends, pod) as (_, listener),
    ):
        start_s = time.monotonic()
        playback.start(start_s)
        total = int(1.5 * 208.0) - len(LOST)
        await listener.wait_for(lambda packets: sum(len(p.samples) for p in packets) == total)
    assert listener.sequence == list(range(len(listener.sequence)))
    start_tick = pod.crystal.tick(start_s)
    for packet in listener.packets:
        numbers = packet.samples[:, 0].astype(int) - 1000
        assert numbers.tolist() == list(range(numbers[0], numbers[0] + len(numbers)))
        true_ticks = numbers[0] / 208.0 * profile.TICK_HZ
        assert ((packet.tick - start_tick) & 0xFFFF_FFFF) == pytest.approx(true_ticks, abs=3)
        assert not packet.flags & PacketFlag.OVERFLOW


async def test_a_recording_plays_its_own_counts(table: Path, air: Air, backends: Backends, tmp_path: Path) -> None:
    """Table to radio to recording, and back into samples: the same counts, at the same spacing."""
    playback = Playback.load(table)
    path = tmp_path / "run.mcap"
    info = SessionInfo("s", "r", "2026-01-01T00:00:00.000Z", "pods", str(path))
    began_ns = time.monotonic_ns()
    full = asyncio.Event()
    async with Recorder(path, info) as recorder, SimulatedPod(playback.samplers[Role.PELVIS], air.open) as pod:

        def record(channel: Channel, data: bytes) -> None:
            recorder.write(PodEvent(Role.PELVIS, channel, time.monotonic_ns() - began_ns, data))

        def on_packet(_sender: object, data: bytearray) -> None:
            record(Channel.PACKET, bytes(data))
            if time.monotonic() > end_s:
                full.set()

        async with BleakClient(await find(backends, pod.name), backend=backends[1]) as client:
            record(Channel.INFO, bytes(await client.read_gatt_char(profile.POD_INFO)))
            await client.start_notify(profile.IMU_PACKET, on_packet)
            await client.write_gatt_char(profile.CONTROL_POINT, profile.start(), response=True)
            end_s = playback.start(time.monotonic())
            async with asyncio.timeout(PATIENCE_S):
                await full.wait()
    original = Playback.load(table).samplers[Role.PELVIS]
    again = Playback.load(path).samplers[Role.PELVIS]
    assert (again.info.acc_range_g, again.info.gyr_range_dps) == (16, 2000)
    original.start(0.0)
    again.start(0.0)
    wanted, got = original.read(math.inf), again.read(math.inf)
    np.testing.assert_array_equal(got.counts, wanted.counts[: len(got.counts)])
    assert len(got.counts) > len(wanted.counts) - 8
    # The host's clock for a pod settles within seconds; here are only 1.5 of them.
    np.testing.assert_allclose(np.ptp(got.t_s), np.ptp(wanted.t_s[: len(got.t_s)]), rtol=0.05)
