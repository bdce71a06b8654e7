"""What a runner costs from notification bytes to strides and cues, beside VQF.

A minute of a simulated run, in packets of 8 samples, goes through the live pipeline event by event. VQF's C++ batch
finds the orientation alone of the same samples in the same run.
"""

import time

import numpy as np
import vqf

from dsp.types import Role
from firmware_sim.offline import simulate
from host.coach.coach import Coach
from host.pipeline import Pipeline, warm_up
from host.pods.profile import TICK_HZ, Packet, PodInfo
from host.records import Channel, PodEvent

SECONDS, RATE_HZ, SAMPLES = 60.0, 208, 8
ACC_RANGE_G, GYR_RANGE_DPS = 16, 2000
DELAY_S = 0.015
REPEATS = 5


def events_of(frames: dict[Role, np.ndarray]) -> list[PodEvent]:
    """The run as three pods would send it, in order of arrival."""
    events = []
    for role, f in frames.items():
        info = PodInfo(role, ACC_RANGE_G, GYR_RANGE_DPS, RATE_HZ, SAMPLES)
        events.append(PodEvent(role, Channel.INFO, 0, bytes(info)))
        counts = info.counts(np.hstack([f["acc_mps2"], f["gyr_radps"]]))
        for seq, i in enumerate(range(0, len(f) - SAMPLES, SAMPLES)):
            packet = Packet(seq & 0xFFFF, round(f["t_s"][i] * TICK_HZ), counts[i : i + SAMPLES])
            arrival_s = f["t_s"][i + SAMPLES - 1] + DELAY_S
            events.append(PodEvent(role, Channel.PACKET, round(arrival_s * 1e9), bytes(packet)))
    return sorted(events, key=lambda event: event.arrival_ns)


def pipeline_seconds(events: list[PodEvent]) -> tuple[float, int]:
    pipeline, strides = Pipeline(Coach()), 0
    began = time.process_time()
    for event in events:
        strides += len(pipeline.push_event(event).strides)
    return time.process_time() - began, strides


def vqf_seconds(frames: dict[Role, np.ndarray]) -> float:
    began = time.process_time()
    for f in frames.values():
        acc, gyr = np.ascontiguousarray(f["acc_mps2"]), np.ascontiguousarray(f["gyr_radps"])
        vqf.VQF(1.0 / RATE_HZ).updateBatch(gyr, acc)
    return time.process_time() - began


def main() -> None:
    warm_up()
    frames, _ = simulate("stand 4; run 3.2", SECONDS, seed=1)
    events, samples = events_of(frames), sum(len(f) for f in frames.values())
    # In turn, so that a machine that slows down slows both.
    pairs = [(pipeline_seconds(events), vqf_seconds(frames)) for _ in range(REPEATS)]
    ours, strides = min(pair[0] for pair in pairs)
    peer = min(pair[1] for pair in pairs)
    print(f"{samples} samples, {len(events)} packets, {strides} strides")
    cost = f"{1e6 * ours / len(events):6.1f} us a packet, {1e9 * ours / samples:.0f} ns a sample"
    print(f"packet to stride and cue   {cost}")
    print(f"VQF batch, orientation     {1e9 * peer / samples:6.0f} ns a sample")
    print(f"ratio                      {ours / peer:6.2f}")
    print(f"runners per core           {SECONDS / ours:6.0f} (target 100)")


if __name__ == "__main__":
    main()
