"""The clock map against pods whose true clocks are known.

The truth is made here, independently of the code under test: a chip with its own rate, a crystal with its
own error, and a link that delivers at connection events, retransmits, and stops for a while now and then.
"""

import itertools
import random
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from host.pods import clock as clock_module
from host.pods.clock import BLOCKS, ENVELOPE, PodClock, add_point, clear, line_at

MINIMUM_DELAY_S = 0.004  # common to all pods, and invisible to the host


class Sent(NamedTuple):
    """One packet, and the truth about it."""

    tick: int
    true_s: float  # of the first sample
    count: int
    arrival_ns: int


@dataclass
class Pod:
    """True time runs on the host's clock. Rates in parts of their nominal value."""

    seed: int
    rate_error: float = 0.02
    skew: float = 20e-6
    nominal_hz: float = 208.0
    interval_s: float = 0.030
    error_rate: float = 0.1  # share of connection events that must be repeated
    bursts: bool = True  # every 10 s or so the air is jammed for up to 0.4 s
    count: int = 8
    first_tick: int = 0

    def packets(self, duration_s: float) -> list[Sent]:
        rng = random.Random(self.seed)
        period_s = 1.0 / (self.nominal_hz * (1.0 + self.rate_error))
        start_s, event_s = 1.0 + rng.random(), rng.random() * self.interval_s
        jammed_s, jammed_until_s = (rng.expovariate(0.1) if self.bursts else 1e9), 0.0
        sent = []
        for k in range(int(duration_s / (self.count * period_s))):
            true_s = start_s + k * self.count * period_s
            ready_s = true_s + (self.count - 1) * period_s
            # The next connection event after the samples are there, and after the packet before.
            event_s += self.interval_s * max(0, -int((event_s - ready_s) // self.interval_s))
            if event_s > jammed_s:
                jammed_until_s = event_s + rng.uniform(0.05, 0.4)
                jammed_s = jammed_until_s + rng.expovariate(0.1)
            while event_s < jammed_until_s or rng.random() < self.error_rate:
                event_s += self.interval_s
            tick = self.first_tick + round((true_s - start_s) * 32768 * (1.0 + self.skew))
            arrival_s = event_s + MINIMUM_DELAY_S + abs(rng.gauss(0.0, 0.0003))
            sent.append(Sent(tick & 0xFFFF_FFFF, true_s, self.count, round(arrival_s * 1e9)))
        return sent


def stamp(clock: PodClock, tick: int, count: int, arrival_ns: int, consecutive: bool) -> tuple[float, float]:
    first_s, period_s = clock.stamp(np.array([tick]), count, np.array([arrival_ns]), np.array([consecutive]))
    return float(first_s[0]), float(period_s[0])


def empty_envelope() -> np.void:
    envelope = np.zeros(1, ENVELOPE)[0]
    clear(envelope)
    return envelope


def errors_s(pod: Pod, duration_s: float = 120.0) -> tuple[np.ndarray, np.ndarray]:
    """True time and error of every sample's stamp, without the invisible delay."""
    clock = PodClock(pod.nominal_hz)
    true_s, stamped_s = [], []
    period_s = 1.0 / (pod.nominal_hz * (1.0 + pod.rate_error))
    for packet in pod.packets(duration_s):
        first_s, step_s = stamp(clock, packet.tick, packet.count, packet.arrival_ns, consecutive=True)
        index = np.arange(packet.count)
        stamped_s.append(first_s + index * step_s)
        true_s.append(packet.true_s + index * period_s)
    stamped, true = np.concatenate(stamped_s), np.concatenate(true_s)
    assert (np.diff(stamped) > 0.0).all()
    return true, stamped - true - MINIMUM_DELAY_S


PODS = [
    pytest.param({}, id="as specified"),
    pytest.param({"error_rate": 0.4}, id="far away"),
    pytest.param({"interval_s": 0.015}, id="short interval"),
    pytest.param({"nominal_hz": 104.0, "count": 4}, id="104 Hz"),
    pytest.param({"nominal_hz": 416.0, "count": 14}, id="416 Hz"),
    pytest.param({"first_tick": 2**32 - 32768 * 60}, id="tick wraps"),
]


@pytest.mark.parametrize("change", PODS)
def test_pods_agree_within_3_ms(change):
    errors = [
        errors_s(Pod(seed=1, rate_error=0.02, skew=20e-6, **change)),
        errors_s(Pod(seed=2, rate_error=-0.02, skew=-20e-6, **change)),
        errors_s(Pod(seed=3, rate_error=0.003, skew=0.0, **change)),
    ]
    settled = [error[true > 10.0] for true, error in errors]
    lowest, highest = min(e.min() for e in settled), max(e.max() for e in settled)
    print(f"{lowest * 1e3:.2f} .. {highest * 1e3:.2f} ms")
    assert highest - lowest < 0.003


def test_it_settles_within_10_s():
    for seed in range(10):
        true, error = errors_s(Pod(seed=seed), 12.0)
        assert np.abs(error[true > true[0] + 10.0]).max() < 0.003, seed


def test_a_settled_clock_runs_smoothly():
    """Rates are integrated downstream: no step of time between samples is off by more than 1 %."""
    true, error = errors_s(Pod(seed=5, bursts=False), 60.0)
    settled = true > true[0] + 15.0
    assert np.abs(np.diff(error[settled])).max() < 0.01 / 208.0


def test_the_sample_rate_is_measured():
    clock = PodClock(208.0)
    for packet in Pod(seed=1, rate_error=0.027, skew=0.0).packets(20.0):
        stamp(clock, packet.tick, packet.count, packet.arrival_ns, consecutive=True)
    assert clock.rate_hz == pytest.approx(208.0 * 1.027, rel=2e-4)


def test_packets_that_lost_samples_do_not_disturb_the_rate():
    """A FIFO that lost samples closes the packet early: the next tick is later than the count says."""
    clock = PodClock(208.0)
    for k, packet in enumerate(Pod(seed=1, rate_error=0.0, skew=0.0, bursts=False).packets(60.0)):
        short = 7 if k % 5 == 0 else 8
        stamp(clock, packet.tick, short, packet.arrival_ns, consecutive=True)
        assert clock.rate_hz == pytest.approx(208.0, rel=1e-3)


def test_a_rate_that_really_changed_is_followed():
    clock = PodClock(104.0)
    for packet in Pod(seed=1, rate_error=0.0, skew=0.0).packets(5.0):
        stamp(clock, packet.tick, packet.count, packet.arrival_ns, consecutive=True)
    assert clock.rate_hz == pytest.approx(208.0, rel=1e-3)


def later(packets: list[Sent], start_s: float, tick_shift: int = 0) -> list[Sent]:
    return [
        Sent(
            p.tick + tick_shift & 0xFFFF_FFFF,
            p.true_s + start_s,
            p.count,
            p.arrival_ns + round(start_s * 1e9),
        )
        for p in packets
    ]


@pytest.mark.parametrize("uptime_s", [-200.0, -30.0, 0.0, 25.0, 45.0, 300.0])
def test_a_rebooted_pod_gets_a_new_time_base(uptime_s):
    """The tick after a reboot may lie before or after what it was."""
    before = Pod(seed=1, bursts=False, first_tick=32768 * 500).packets(30.0)
    after = later(Pod(seed=2, bursts=False).packets(30.0), 60.0, round((530.0 + uptime_s) * 32768))
    clock = PodClock(208.0)
    for packet in before:
        newest_s, _ = stamp(clock, packet.tick, packet.count, packet.arrival_ns, consecutive=True)
    clock.reconnected(208.0)
    for k, packet in enumerate(after):
        first_s, period_s = stamp(clock, packet.tick, packet.count, packet.arrival_ns, consecutive=k > 0)
        assert newest_s < first_s < packet.arrival_ns * 1e-9 + 0.05
        newest_s = first_s + 7 * period_s
    assert first_s == pytest.approx(packet.true_s + MINIMUM_DELAY_S, abs=0.003)


def test_after_a_lost_link_the_old_map_goes_on():
    """Ticks run on while the link is down: the first packet afterwards is right at once, however late."""
    pod = Pod(seed=4, bursts=False)
    packets = pod.packets(120.0)
    clock = PodClock(208.0)
    for packet in packets[:1600]:
        stamp(clock, packet.tick, packet.count, packet.arrival_ns, consecutive=True)
    clock.reconnected(208.0)
    late = packets[2600]
    first_s, _ = stamp(clock, late.tick, late.count, late.arrival_ns + 400_000_000, consecutive=False)
    assert first_s == pytest.approx(late.true_s + MINIMUM_DELAY_S, abs=0.003)


def test_the_fit_is_the_highest_mean_line_under_the_points():
    """Against a linear program: of all lines under the block minima, the one closest to them on average."""
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(3)
    for true_slope in (-4e-5, 0.0, 3e-5):
        envelope = empty_envelope()
        x = np.arange(0.0, 200.0, 0.04)
        y = 5.0 + true_slope * x + rng.exponential(0.01, len(x))
        for point in zip(x.tolist(), y.tolist(), strict=True):
            add_point(envelope, *point)
        blocks = envelope["blocks"]
        px, py = envelope["block_x"][:blocks], envelope["block_y"][:blocks]
        # Maximise the mean of a + b x subject to a + b x <= y.
        result = optimize.linprog(
            [-1.0, -px.mean()],
            A_ub=np.column_stack([np.ones_like(px), px]),
            b_ub=py,
            bounds=[(None, None)] * 2,
        )
        intercept, slope = result.x
        assert envelope["slope"] == pytest.approx(slope, abs=1e-9)
        assert line_at(envelope, px[-1]) == pytest.approx(intercept + slope * px[-1], abs=1e-6)


def test_an_earlier_packet_counts_at_once():
    envelope = empty_envelope()
    add_point(envelope, 0.0, 0.030)
    add_point(envelope, 0.1, 0.025)
    assert line_at(envelope, 0.1) == 0.025
    add_point(envelope, 0.2, 0.028)
    assert line_at(envelope, 0.2) == 0.025


def test_memory_is_bounded():
    envelope = empty_envelope()
    for k in itertools.islice(itertools.count(), 20_000):
        add_point(envelope, k * 0.5, 0.02)
    assert envelope["blocks"] <= BLOCKS


def test_packets_at_once_get_the_stamps_of_one_by_one():
    packets = Pod(seed=7).packets(200.0)
    del packets[1000:1040]  # a hole
    ticks, arrivals_ns = (np.array([getattr(p, name) for p in packets]) for name in ("tick", "arrival_ns"))
    consecutive = np.arange(len(packets)) != 1000
    alone = PodClock(208.0)
    expected = [stamp(alone, p.tick, p.count, p.arrival_ns, c) for p, c in zip(packets, consecutive, strict=True)]
    together = PodClock(208.0)
    cuts = [0, 1, 700, 701, 3000, len(packets)]
    parts = [together.stamp(ticks[i:j], 8, arrivals_ns[i:j], consecutive[i:j]) for i, j in itertools.pairwise(cuts)]
    assert np.hstack(parts).T.tolist() == [list(pair) for pair in expected]
    assert (together.rate_hz, together.error_s) == (alone.rate_hz, alone.error_s)


@pytest.mark.skipif(not hasattr(clock_module.stamp_packets, "py_func"), reason="numba is switched off")
def test_the_kernel_is_compiled_once():
    errors_s(Pod(seed=1), 1.0)
    assert len(clock_module.stamp_packets.signatures) == 1
