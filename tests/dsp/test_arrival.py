"""What waits, and up to when it may be processed: against plain lists."""

import math

import numpy as np
import pytest

from dsp import arrival, state
from dsp.params import Params
from dsp.types import FRAME, Role

LAG_S = 0.3


def frames_at(times: list[float]) -> np.ndarray:
    """Frames of those times; every number in them is another one."""
    rows = np.arange(8.0 * len(times)).reshape(-1, 8)
    rows[:, state.FRAME_T] = times
    return rows.view(FRAME).ravel()


def test_frames_wait_in_order_and_up_to_when_all_have_delivered() -> None:
    rng = np.random.default_rng(1)
    cores, co = state.core(8.0), Params(lag_s=LAG_S).record()[0]
    core = cores[0]
    waiting = np.zeros((3, 40, state.FRAME_WIDTH))
    lists: dict[Role, list[list[float]]] = {role: [] for role in Role}
    newest, doubt, begin = dict.fromkeys(Role, -math.inf), dict.fromkeys(Role, -math.inf), -math.inf
    refused = 0
    for k in range(400):
        role = Role(rng.integers(3))
        times = (0.02 * k + rng.normal(0.0, 0.2, rng.integers(6))).tolist()
        if rng.random() < 0.1:
            times.append(float(rng.choice([math.nan, math.inf, -math.inf, 1e300])))
        frames = frames_at(times)
        fits = arrival.make_room(core, waiting, role.value, len(frames))
        assert fits == (len(lists[role]) + len(frames) <= 40)
        refused += not fits
        if fits:
            arrival.hold(core, waiting, role.value, frames)
            for row in frames.view(float).reshape(-1, 8).tolist():
                t = row[state.FRAME_T]
                if t > newest[role] + arrival.FAR_S:
                    follows = doubt[role] < t < doubt[role] + arrival.FAR_S
                    doubt[role] = t
                    if newest[role] > -math.inf and not follows:
                        row[state.FRAME_T] = t = math.nan
                if abs(t) < state.NO_TIME_S:
                    newest[role] = max(newest[role], t)
                    begin = t if begin == -math.inf else begin
                lists[role].append(row)
        taken = int(rng.integers(len(lists[role]) + 1)) if k % 50 == 0 else 0  # as if they had been processed
        core["first"][role] += taken
        del lists[role][:taken]
        for other in Role:
            held = waiting[other, core["first"][other] : core["end"][other]]
            np.testing.assert_array_equal(held, np.reshape(lists[other], (-1, 8)))
        delivered = [max(t, begin) for t in newest.values()]
        mark = min(t for t in delivered if t >= max(delivered) - LAG_S)
        assert arrival.watermark(core, co) == pytest.approx(mark, abs=1e-12)
        assert core["begin_s"] == math.nextafter(begin, -math.inf)  # another pod may begin at the same time
    assert refused > 10


def test_a_time_far_ahead_counts_once_another_follows() -> None:
    core = state.core(8.0)[0]
    waiting = np.zeros((3, 40, state.FRAME_WIDTH))
    times = [5.0, 5.1, 900.0, 5.2, 70.0, 70.1, 70.2]  # a wild one, then a pause
    counted = [5.0, 5.1, math.nan, 5.2, math.nan, 70.1, 70.2]
    newest = [5.0, 5.1, 5.1, 5.2, 5.2, 70.1, 70.2]
    assert arrival.doubted(core, Role.PELVIS, -math.inf, 3.0) == 3.0  # the first one ever
    for k, t in enumerate(times):
        arrival.hold(core, waiting, Role.PELVIS, frames_at([t]))
        assert core["newest_s"][Role.PELVIS] == newest[k]
    np.testing.assert_array_equal(waiting[Role.PELVIS, : len(times), state.FRAME_T], counted)
