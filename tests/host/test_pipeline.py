"""A batch of events through the pipeline is the same events one by one: the same strides and cues, to the last bit."""

import numpy as np
import pytest

from dsp.types import Role
from firmware_sim.offline import simulate
from host.coach.coach import Coach, CoachParams
from host.pipeline import Pipeline
from host.pods.profile import TICK_HZ, Packet, PodInfo, encode_pressure
from host.records import Channel, Cue, PodEvent, Stride

SECONDS = 60.0
ACC_RANGE_G, GYR_RANGE_DPS, SAMPLES = 16, 2000, 8


@pytest.fixture(scope="module")
def events() -> list[PodEvent]:
    """A run as it arrives over a poor link: late, doubled and lost packets, and a pod that goes silent for 4 s."""
    frames, _ = simulate("stand 4; run 3.2; at 20 overstride strong", SECONDS, rate_error=None)
    rng = np.random.default_rng(2)
    arrived = []
    for role, of_pod in frames.items():
        info = PodInfo(role, ACC_RANGE_G, GYR_RANGE_DPS, 208, SAMPLES)
        arrived.append(PodEvent(role, Channel.INFO, 0, bytes(info)))
        counts = info.counts(np.hstack([of_pod["acc_mps2"], of_pod["gyr_radps"]]))
        newest_ns = 1
        for seq, i in enumerate(range(0, len(counts) - SAMPLES, SAMPLES)):
            t_s = float(of_pod["t_s"][i])
            jam_s = max(0.0, 14.0 - t_s) if role is Role.SHANK_LEFT and 10.0 < t_s < 14.0 else 0.0
            newest_ns = max(newest_ns, round((t_s + rng.uniform(0.04, 0.07) + jam_s) * 1e9))
            data = bytes(Packet(seq & 0xFFFF, round(t_s * TICK_HZ), counts[i : i + SAMPLES]))
            arrived += [PodEvent(role, Channel.PACKET, newest_ns, data)] * int(
                rng.choice([0, 1, 2], p=[0.003, 0.994, 0.003])
            )
            if role is Role.PELVIS and seq % 3 == 0:
                arrived.append(PodEvent(role, Channel.PRESSURE, newest_ns, encode_pressure(101_000.0 + 0.1 * seq)))
    return sorted(arrived, key=lambda event: event.arrival_ns)


def coach() -> Coach:
    return Coach(params=CoachParams(first_word_s=10.0))


@pytest.mark.parametrize("batch", [1, 50, 2048])
def test_batches_change_nothing(events: list[PodEvent], batch: int) -> None:
    alone, together = Pipeline(coach()), Pipeline(coach())
    expected = [alone.push_event(event) for event in events]
    found = [together.push_events(events[i : i + batch]) for i in range(0, len(events), batch)]
    strides: list[list[Stride]] = []
    cues: list[list[Cue]] = []
    for outputs, pipeline in ((expected, alone), (found, together)):
        outputs.append(pipeline.finish())
        strides.append([stride for output in outputs for stride in output.strides])
        cues.append([cue for output in outputs for cue in output.cues])
        assert [effect for output in outputs for effect in output.effects] == pipeline.coach.effects
    assert repr(strides[0]) == repr(strides[1])  # NaN is equal there, and a float has all its digits
    assert cues[0] == cues[1]
    assert alone.coach.effects == together.coach.effects
    assert alone.coach.effects
    assert repr(together.health) == repr(alone.health)
    assert together.status == alone.status
    assert len(strides[0]) > 100
    assert cues[0]
    assert any("pod_missing" in stride.quality for stride in strides[0])


@pytest.mark.parametrize("range_dps", [1000, 4000])
@pytest.mark.parametrize("clipped", [False, True])
def test_a_pod_tells_where_it_clips(events: list[PodEvent], range_dps: int, clipped: bool) -> None:
    """Two samples at the end of a gyro's own range, whichever that is, are flagged, and no others.

    However far that is, it makes the leg deaf to none of its steps.
    """
    pipeline, outputs, at_its_end = Pipeline(coach()), [], 0
    for event in events[: len(events) // 4]:
        data = event.data
        if event.channel is Channel.INFO:
            data = bytes(PodInfo(event.role, ACC_RANGE_G, range_dps, 208, SAMPLES))
        elif event.channel is Channel.PACKET:
            packet = Packet.from_bytes(data)
            samples = packet.samples.copy()
            samples[:, 3:] = np.rint(samples[:, 3:] * (GYR_RANGE_DPS / range_dps))
            if clipped and event.role is Role.SHANK_RIGHT and event.arrival_ns > 10e9 and not at_its_end:
                at_its_end = event.arrival_ns
                samples[3:5, 4] = -32768
            data = bytes(Packet(packet.seq, packet.tick, samples))
        outputs.append(pipeline.push_event(PodEvent(event.role, event.channel, event.arrival_ns, data)))
    strides = [stride for output in outputs for stride in output.strides]
    assert len(strides) > 15
    assert any("saturated" in stride.quality for stride in strides) == clipped
    right = [stride for stride in strides if stride.side == "right"]
    assert [stride.next_ic_s for stride in right[:-1]] == [stride.ic_s for stride in right[1:]]
    assert right[-1].next_ic_s > 13.0
