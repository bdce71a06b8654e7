"""From pod events, or bare frames, to strides and cues: the same path for a live run, a replay and a file.

Pure: what comes out depends on what came in and on nothing else, so a recording replayed gives the strides and cues
of the run. Called by session.py (live and replay) and analyze.py (files).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dsp import analyzer
from dsp.analyzer import GaitAnalyzer, Status
from dsp.params import Params
from dsp.types import Role
from host.coach.coach import Coach
from host.pods import stream
from host.pods.stream import PodStream
from host.records import Channel, Cue, Effect, PodEvent, PodHealth, Stride, strides_from_records


def warm_up() -> None:
    """Compiles, or loads, every kernel, so that the first packet does not wait for it. Takes seconds at most."""
    analyzer.warm_up()
    stream.warm_up()


@dataclass(frozen=True, slots=True)
class Output:
    """What one step of the pipeline found, in the order of decision."""

    strides: list[Stride] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)  # of earlier cues


class Pipeline:
    """One runner: three pod streams, one analyzer, one coach.

    `lag_s`: how far pods may lag one another before the slowest is taken as missing; None keeps the live default.
    `leg_length_m`: the runner's, from greater trochanter to ground; NaN: unknown, and leg stiffness with it.
    """

    def __init__(self, coach: Coach, *, lag_s: float | None = None, leg_length_m: float = math.nan) -> None:
        self.coach = coach
        params = Params(leg_length_m=leg_length_m)
        self._analyzer = GaitAnalyzer(params if lag_s is None else replace(params, lag_s=lag_s))
        self._streams = {role: PodStream(role) for role in Role}

    @property
    def status(self) -> Status:
        return self._analyzer.status

    @property
    def health(self) -> list[PodHealth]:
        return [stream.health for stream in self._streams.values()]

    def push_event(self, event: PodEvent) -> Output:
        """One raw event of a pod, as it arrived. Bad bytes are counted in `health`, never raised."""
        of_pod = self._streams[event.role]
        frames = of_pod.feed(event)
        if event.channel is Channel.INFO:
            self._analyzer.set_range(event.role, *of_pod.full_scale)
        return self.push_frames(event.role, frames) if len(frames) else Output()

    def push_events(self, events: Sequence[PodEvent]) -> Output:
        """As `push_event` for each in turn: the same strides and cues at a fraction of the cost."""
        roles = np.array([event.role for event in events], np.int64)
        counts = np.zeros(len(events), np.int64)
        frames = []
        for role, of_role in self._streams.items():
            mine = np.flatnonzero(roles == role)
            of_pod, counts[mine] = of_role.feed_many([events[i] for i in mine.tolist()])
            self._analyzer.set_range(role, *of_role.full_scale)
            frames.append(of_pod)
        return self._coach_on(self._analyzer.push_many(frames, roles, counts))

    def push_frames(self, role: Role, frames: NDArray[np.void]) -> Output:
        """Frames of one pod (dtype FRAME), in time order."""
        return self._coach_on(self._analyzer.push(role, frames))

    def finish(self) -> Output:
        """The end of the stream: what the held-back samples still give."""
        return self._coach_on(self._analyzer.flush())

    def _coach_on(self, records: NDArray[np.void]) -> Output:
        strides = strides_from_records(records)
        known = len(self.coach.effects)
        cues = [cue for stride in strides for cue in self.coach.step(stride)]
        return Output(strides, cues, self.coach.effects[known:])
