"""The codec against bytes that were worked out by hand from docs/gatt-profile.md."""

import json
import re
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsp.types import Role
from host.errors import PacketError
from host.pods import profile
from host.pods.profile import AttError, Command, Packet, PacketFlag, PodInfo
from host.pods.stream import PodStream
from host.records import Channel, PodEvent

ROOT = Path(__file__).parents[3]
VECTORS = json.loads((ROOT / "tests/vectors/profile.json").read_text())
DOCUMENT = (ROOT / "docs/gatt-profile.md").read_text()


def by_name(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def wire(vector) -> bytes:
    return bytes.fromhex("".join(field for field, _ in vector["origin"]))


@pytest.mark.parametrize("vector", by_name(VECTORS["packets"]))
def test_packet(vector):
    packet = Packet.from_bytes(wire(vector))
    assert (packet.seq, packet.tick, packet.flags) == (vector["seq"], vector["tick"], vector["flags"])
    assert packet.samples.tolist() == vector["samples"]
    samples = np.array(vector["samples"], np.int16)
    assert bytes(Packet(vector["seq"], vector["tick"], samples, PacketFlag(vector["flags"]))) == wire(vector)


@pytest.mark.parametrize("vector", by_name(VECTORS["packets"]))
def test_packet_in_units(vector):
    """Through the whole stream: the range is the value of 32,768 counts."""
    info = PodInfo(Role.PELVIS, vector["acc_range_g"], vector["gyr_range_dps"], 208, 8)
    stream = PodStream(Role.PELVIS)
    stream.feed(PodEvent(Role.PELVIS, Channel.INFO, 0, bytes(info)))
    frames = stream.feed(PodEvent(Role.PELVIS, Channel.PACKET, 10**9, wire(vector)))
    assert frames["acc_mps2"] / 9.80665 == pytest.approx(np.array(vector["acc_g"]))
    assert np.degrees(frames["gyr_radps"]) == pytest.approx(np.array(vector["gyr_dps"]))


@pytest.mark.parametrize("vector", by_name(VECTORS["infos"]))
def test_info(vector):
    role = Role[vector["role"].upper()]
    numbers = [vector[key] for key in ("acc_range_g", "gyr_range_dps", "rate_hz", "samples_per_packet")]
    info = PodInfo(role, *numbers, tuple(vector["rates_hz"]))
    assert PodInfo.from_bytes(wire(vector)) == info
    assert bytes(info) == wire(vector)
    assert PodInfo.from_bytes(wire(vector) + b"\xff") == info  # of a later version that appends


@pytest.mark.parametrize(("data", "why"), VECTORS["broken_packets"])
def test_broken_packet(data, why):
    with pytest.raises(PacketError):
        Packet.from_bytes(bytes.fromhex(data))


@pytest.mark.parametrize(("data", "why"), VECTORS["broken_infos"])
def test_broken_info(data, why):
    with pytest.raises(PacketError):
        PodInfo.from_bytes(bytes.fromhex(data))


@pytest.mark.parametrize(("name", "arguments", "data"), VECTORS["commands"])
def test_command(name, arguments, data):
    assert getattr(profile, name)(*arguments).hex() == data


@pytest.mark.parametrize(("data", "pressure_pa", "origin"), VECTORS["pressures"])
def test_pressure(data, pressure_pa, origin):
    assert profile.decode_pressure(bytes.fromhex(data)) == pytest.approx(pressure_pa)
    assert profile.encode_pressure(pressure_pa).hex() == data


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_packet_error(data):
    for decode in (Packet.from_bytes, PodInfo.from_bytes, profile.decode_pressure):
        try:
            decoded = decode(data)
        except PacketError:
            continue
        if isinstance(decoded, Packet):
            assert len(bytes(decoded)) == len(data)


# A header of the right version, so that more than the first byte is put to the test.
@given(st.binary(min_size=9, max_size=180))
def test_any_packet_of_this_version_decodes_or_raises(rest):
    try:
        packet = Packet.from_bytes(b"\x01" + rest)
    except PacketError:
        return
    assert bytes(packet)[2:9] == rest[1:8]
    assert bytes(packet)[10:] == rest[9:]


def test_the_document_shows_the_example_packet():
    example = next(vector for vector in VECTORS["packets"] if "document" in vector["name"])
    assert wire(example).hex(" ").upper() in DOCUMENT


def test_the_document_names_what_the_code_uses():
    for uuid in (profile.IMU_SERVICE, profile.IMU_PACKET, profile.CONTROL_POINT, profile.POD_INFO):
        assert f"`{uuid}`" in DOCUMENT
    on_air = UUID(profile.IMU_SERVICE).bytes[::-1].hex(" ").upper()
    assert f"`11 07 {on_air}`" in DOCUMENT
    for uuid in (profile.BATTERY_SERVICE, profile.BATTERY_LEVEL, profile.FIRMWARE_REVISION, profile.PRESSURE):
        assert f"0x{uuid[4:8].upper()}" in DOCUMENT
    for command in Command:
        assert f"| 0x{command:02X} | {command.name} |" in DOCUMENT
    for error in AttError:
        assert f"| 0x{error:02X} |" in DOCUMENT
    for bit, rate_hz in enumerate(profile.OFFERED_RATES_HZ):
        assert re.search(rf"(bit |, ){bit}: {rate_hz}\b", DOCUMENT)


def test_role_of_name():
    for role in Role:
        assert profile.role_of_name(profile.pod_name(role, "3F9A")) is role
    assert profile.pod_name(Role.SHANK_LEFT, "3F9A") == "hs-shank_left-3F9A"
    for name in (None, "", "hs-", "hs-elbow-0001", "Polar Sense"):
        assert profile.role_of_name(name) is None


def test_the_longest_name_fits_a_scan_response():
    assert max(len(profile.pod_name(role, "XXXX")) for role in Role) + 2 <= 31
