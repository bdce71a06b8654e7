"""The pods' GATT profile and packet codec. docs/gatt-profile.md is the specification; this follows it.

Who calls it: links read info and write commands, streams decode packets, the simulated firmware encodes them.
Units on the air: raw 16-bit samples in sensor axes, ticks of the pod's 32,768 Hz crystal.
"""

import math
import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dsp.params import G_MPS2
from dsp.types import Role
from host.errors import PacketError

IMU_SERVICE = "68616d73-7472-4d00-8000-000000000001"
IMU_PACKET = "68616d73-7472-4d00-8000-000000000002"  # notify
CONTROL_POINT = "68616d73-7472-4d00-8000-000000000003"  # write
POD_INFO = "68616d73-7472-4d00-8000-000000000004"  # read
BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
FIRMWARE_REVISION = "00002a26-0000-1000-8000-00805f9b34fb"
PRESSURE = "00002a6d-0000-1000-8000-00805f9b34fb"  # u32, 0.1 Pa

VERSION = 1
TICK_HZ = 32_768  # a watch crystal; the 32-bit tick wraps every 36.4 hours
MAX_PACKET_BYTES = 182  # what the 185-byte MTU of macOS carries
FULL_SCALE_COUNTS = 32_768  # a count of this size would be the range itself
LOWEST, HIGHEST = -FULL_SCALE_COUNTS, FULL_SCALE_COUNTS - 1  # where counts clip

# Bit n of the pod info's last byte: SET_RATE takes the n-th of these, the output rates of the usual IMU
# chips.
OFFERED_RATES_HZ = (100, 104, 120, 200, 208, 240, 400, 416)

_HEADER = struct.Struct("<BBHIBB")
_INFO = struct.Struct("<BBBHHBB")
_PRESSURE = struct.Struct("<I")
_SAMPLE = np.dtype("<i2")
SAMPLE_BYTES = 12
HEADER_BYTES = _HEADER.size
MAX_SAMPLES = (MAX_PACKET_BYTES - HEADER_BYTES) // SAMPLE_BYTES


class PacketFlag(IntFlag):
    OVERFLOW = 1  # the pod's queue overflowed: samples before this packet are lost
    CLIPPED = 2  # a sample in this packet is at the end of its range


_FLAGS = tuple(PacketFlag(bits) for bits in range(4))  # other bits are reserved: ignored


class Command(IntEnum):
    START = 1
    STOP = 2
    SET_RATE = 3
    SET_RANGES = 4
    IDENTIFY = 5


class AttError(IntEnum):
    """How the control point refuses a write."""

    WRONG_LENGTH = 0x0D  # Bluetooth Core 5.4 Vol 3 Part F 3.4.1.1: Invalid Attribute Value Length
    UNKNOWN_COMMAND = 0x80
    NOT_OFFERED = 0x81  # a rate or range that the pod does not have
    SENSOR_FAILED = 0x82  # the IMU does not answer


def start() -> bytes:
    """Stream packets, sequence number from 0."""
    return bytes([Command.START])


def stop() -> bytes:
    """Stop streaming; the link stays."""
    return bytes([Command.STOP])


def set_rate(rate_hz: int) -> bytes:
    """Nominal sample rate, used from the next START."""
    return struct.pack("<BH", Command.SET_RATE, rate_hz)


def set_ranges(acc_range_g: int, gyr_range_dps: int) -> bytes:
    """Full scale of accelerometer and gyro, used from the next START."""
    return struct.pack("<BBH", Command.SET_RANGES, acc_range_g, gyr_range_dps)


def identify(seconds: int) -> bytes:
    """Blink the pod's LED; 0 ends it."""
    return struct.pack("<BB", Command.IDENTIFY, seconds)


def pod_name(role: Role, suffix: str) -> str:
    """The advertised name, from which a scanner knows the role: `hs-shank_left-3F9A`."""
    return f"hs-{role.label}-{suffix}"


def role_of_name(name: str | None) -> Role | None:
    """The role that an advertised name tells; None when it is no pod's name."""
    for role in Role:
        if name is not None and name.startswith(f"hs-{role.label}-"):
            return role
    return None


def encode_pressure(pressure_pa: float) -> bytes:
    """The value of the standard Pressure characteristic."""
    return _PRESSURE.pack(round(pressure_pa * 10.0))


def decode_pressure(data: bytes) -> float:
    """Pressure in Pa. Raises PacketError when it is not four bytes long."""
    if len(data) != _PRESSURE.size:
        raise PacketError(f"a pressure value has {_PRESSURE.size} bytes, not {len(data)}")
    return _PRESSURE.unpack(data)[0] / 10.0


def encode_signal(rssi_dbm: int) -> bytes:
    """As radios give it: one signed byte."""
    return max(-128, min(127, rssi_dbm)).to_bytes(1, "little", signed=True)


def decode_signal(data: bytes) -> float:
    """Signal strength in dBm, NaN where the radio does not know it: 127 (Bluetooth Core 5.4, vol. 4 part E, 7.7.65.2).

    Raises PacketError when it is not one byte long.
    """
    if len(data) != 1:
        raise PacketError(f"a signal strength has one byte, not {len(data)}")
    rssi_dbm = int.from_bytes(data, "little", signed=True)
    return float("nan") if rssi_dbm == 127 else float(rssi_dbm)


def _other_version(what: str, version: int) -> str:
    return f"{what} of version {version}; this host speaks version {VERSION}: update one of them"


@dataclass(frozen=True, slots=True)
class PodInfo:
    """The pod info characteristic."""

    role: Role
    acc_range_g: int
    gyr_range_dps: int
    rate_hz: int
    samples_per_packet: int
    rates_hz: tuple[int, ...] = ()  # what SET_RATE takes, of OFFERED_RATES_HZ

    @property
    def full_scale(self) -> tuple[float, float]:
        """Where samples clip, in m/s2 and rad/s."""
        return self.acc_range_g * G_MPS2, math.radians(self.gyr_range_dps)

    @property
    def scale(self) -> NDArray[np.float64]:
        """(6,) what one count is worth: three times m/s2, three times rad/s."""
        return np.repeat(self.full_scale, 3) / FULL_SCALE_COUNTS

    def counts(self, values: NDArray[np.float64]) -> NDArray[np.int16]:
        """(n, 6) acc x y z in m/s2, gyr x y z in rad/s as the chip gives them; beyond its range they clip."""
        return np.clip(np.rint(values / self.scale), LOWEST, HIGHEST).astype(np.int16)

    def __bytes__(self) -> bytes:
        rates = sum(1 << bit for bit, rate in enumerate(OFFERED_RATES_HZ) if rate in self.rates_hz)
        return _INFO.pack(
            VERSION,
            self.role,
            self.acc_range_g,
            self.gyr_range_dps,
            self.rate_hz,
            self.samples_per_packet,
            rates,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises PacketError when cut short, of another version, or with impossible values."""
        if len(data) < _INFO.size:
            raise PacketError(f"pod info has {len(data)} bytes, {_INFO.size} are needed")
        version, role, acc_range_g, gyr_range_dps, rate_hz, samples, rates = _INFO.unpack_from(data)
        if version != VERSION:
            raise PacketError(_other_version("pod info", version))
        possible = acc_range_g and gyr_range_dps and rate_hz and 1 <= samples <= MAX_SAMPLES
        if role not in list(Role) or not possible:
            raise PacketError(f"pod info makes no sense: {data.hex()}")
        offered = tuple(rate for bit, rate in enumerate(OFFERED_RATES_HZ) if rates >> bit & 1)
        return cls(Role(role), acc_range_g, gyr_range_dps, rate_hz, samples, offered)


class Packet(NamedTuple):
    """One notification: consecutive samples of one pod."""

    seq: int  # 16 bits, one up for each packet, wraps
    tick: int  # 32 bits, TICK_HZ, true time of the first sample on the pod's crystal, wraps
    samples: NDArray[np.int16]  # (n, 6): acc x y z, gyr x y z, raw counts
    flags: PacketFlag = PacketFlag(0)

    def __bytes__(self) -> bytes:
        header = _HEADER.pack(VERSION, self.flags, self.seq, self.tick, len(self.samples), 0)
        return header + np.ascontiguousarray(self.samples, "<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises PacketError when cut short, padded, empty, or of another version."""
        if len(data) < _HEADER.size:
            raise PacketError(f"packet has {len(data)} bytes, its header alone needs {_HEADER.size}")
        version, flags, seq, tick, count, _ = _HEADER.unpack_from(data)
        if version != VERSION:
            raise PacketError(_other_version("packet", version))
        if not 1 <= count <= MAX_SAMPLES or len(data) != _HEADER.size + count * SAMPLE_BYTES:
            raise PacketError(f"packet of {len(data)} bytes claims {count} samples")
        samples = np.frombuffer(data, _SAMPLE, offset=_HEADER.size).reshape(count, 6)
        return cls(seq, tick, samples, _FLAGS[flags & 3])
