"""Kernels against their slow plain twins."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp import alignment, attitude, orientation, pelvis, quaternion, state, strides
from dsp.params import Params
from dsp.types import FRAME, Quality
from tests.dsp import naive

CO = Params().record()[0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.fixture
def pod() -> np.void:
    pod = state.core(Params().swing_peak_radps)["pods"][0, 1]
    pod["period_s"] = 1 / 208
    pod["ready"] = 1
    return pod


def swing(rng: np.random.Generator, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Samples as rough as a shank's in running: 10 rad/s, 10 g."""
    t = np.arange(n)[:, None] / 208
    gyr = 8.0 * np.sin(2 * np.pi * 1.4 * t + [0.3, 0.0, 1.0]) * [0.1, 1.0, 0.15] + rng.normal(0, 0.2, (n, 3))
    return rng.normal((0.0, 0.0, 9.8), 20.0, (n, 3)), gyr


def test_rotating_a_vector_is_scipys(rng: np.random.Generator) -> None:
    q = rng.normal(size=4)
    q /= np.linalg.norm(q)
    v = rng.normal(size=3)
    assert quaternion.rotate(*q, *v) == pytest.approx(naive.rotation(q).apply(v), abs=1e-12)


def test_levelling_points_the_vector_up_and_keeps_the_heading(rng: np.random.Generator) -> None:
    q = np.array([math.cos(0.4), 0.0, 0.0, math.sin(0.4)])
    u = np.array([0.2, -0.1, 0.95])
    u /= np.linalg.norm(u)
    quaternion.level(q, *u)
    assert naive.rotation(q).apply(u) == pytest.approx([0, 0, 1], abs=1e-12)
    shortest = Rotation.align_vectors([[0, 0, 1]], [Rotation.from_euler("z", 0.8).apply(u)])[0]
    assert (shortest * Rotation.from_euler("z", 0.8) * naive.rotation(q).inv()).magnitude() < 1e-9


def test_strap_down_is_the_twins(pod: np.void, rng: np.random.Generator) -> None:
    acc, gyr = swing(rng, 600)
    for k in range(600):
        orientation.advance(pod, k / 208, np.r_[acc[k], gyr[k]])
    turned, velocity = naive.strapdown(acc, gyr, 1 / 208)
    assert (naive.rotation(pod["q"]) * turned.inv()).magnitude() < 1e-5
    assert pod["v"] == pytest.approx(velocity, abs=1e-3)


def test_sample_clock_is_the_least_squares_line(pod: np.void, rng: np.random.Generator) -> None:
    times = 5.0 + np.arange(900) / 211.3 + rng.normal(0, 2e-4, 900)
    assert [orientation.tick(pod, CO, t) for t in times] == [0] * 900
    period, last = naive.line(times)
    assert pod["period_s"] == pytest.approx(period, rel=1e-9)
    assert pod["t_s"] == pytest.approx(last, abs=1e-9)


@pytest.mark.parametrize("lost", [1, 2, 10, 62])
def test_sample_clock_counts_what_was_lost(pod: np.void, lost: int) -> None:
    times = np.arange(400) / 204.5
    times[200:] += lost / 204.5
    counted = [orientation.tick(pod, CO, round(t, 4)) for t in times]  # printed with four decimals
    assert counted[200] == lost
    assert sum(counted) == lost
    assert pod["period_s"] == pytest.approx(1 / 204.5, rel=1e-4)


def test_sample_clock_drops_what_runs_backwards(pod: np.void) -> None:
    for t in (0.0, 0.005, 0.010):
        orientation.tick(pod, CO, t)
    assert orientation.tick(pod, CO, 0.005) == -1
    assert orientation.tick(pod, CO, math.nan) == -1
    assert pod["dropped"] == 2


def test_filter_is_the_twins(pod: np.void, rng: np.random.Generator) -> None:
    attitude.begin(pod, CO, 0.0, 0.08, 1.0)
    x, p = np.zeros((4, 2)), pod["p"].copy()
    walk = np.array([CO["velocity_walk_mps"], CO["tilt_walk_rad"], CO["drift_walk_radps"], 0.0])
    for k in range(40):
        z = rng.normal(0, 0.3, 2)
        attitude.predict(pod, CO, 0.7 * (k + 1), 0.0)
        attitude.update(pod, *z, 0.05)
        x, p = naive.filter_step(x, p, 0.7, walk, z, 0.05)
    assert pod["x"] == pytest.approx(x, rel=1e-6, abs=1e-9)
    assert pod["p"] == pytest.approx(p, rel=1e-5, abs=1e-12)


def test_drift_turns_with_the_pod(pod: np.void) -> None:
    attitude.begin(pod, CO, 0.0, 0.08, 1.0)
    attitude.predict(pod, CO, 0.1, 0.0)
    attitude.update(pod, 0.0, 0.0, 0.05)
    pod["x"][2] = (0.01, 0.0)
    attitude.predict(pod, CO, 0.1, math.pi / 2)
    assert pod["x"][2] == pytest.approx([0.0, 0.01])
    before = pod["p"][1, 1]
    attitude.predict(pod, CO, 0.1, 2.5 * math.pi)  # once round is no turn
    assert pod["p"][1, 1] == before
    attitude.predict(pod, CO, 0.1, 0.0)  # felt about the other axes
    assert pod["p"][1, 1] - before == pytest.approx((CO["cross_axis"] * math.pi / 2) ** 2)


def test_filter_finds_a_tilt_from_velocity(pod: np.void) -> None:
    """1 deg of tilt makes g sin(1 deg) of false acceleration: known within a quarter of a degree after four strides."""
    attitude.begin(pod, CO, 0.0, 0.02, 0.0)
    for k in range(1, 5):
        attitude.predict(pod, CO, 0.7 * k, 0.0)
        attitude.update(pod, 9.80665 * math.radians(1.0) * 0.7 * k, 0.0, 0.05)
    assert math.degrees(attitude.tilt_at(pod, 2.8)[0]) == pytest.approx(1.0, abs=0.25)


def test_folding_changes_nothing_but_the_book_keeping(pod: np.void, rng: np.random.Generator) -> None:
    acc, gyr = swing(rng, 300)
    for k in range(300):
        orientation.tick(pod, CO, k / 208)
        orientation.advance(pod, k / 208, np.r_[acc[k], gyr[k]])
    attitude.begin(pod, CO, 1.0, 0.08, 1.0)
    pod["x"][:] = [[0.3, -0.1], [0.04, -0.05], [0.002, 0.001], [0.01, 0.0]]
    row = pod["ring"][250]

    def upright() -> NDArray[np.float64]:
        tx, ty = attitude.tilt_at(pod, row[state.T])
        up = np.array([tx, ty, 1.0])
        return naive.rotation(row[state.QUAT : state.QUAT + 4]).inv().apply(up / np.linalg.norm(up))

    up = upright()
    attitude.fold(pod)
    assert pod["x"][1] == pytest.approx([0.0, 0.0])
    assert upright() == pytest.approx(up, abs=1e-4)


def test_what_was_integrated_in_a_tipped_world_is_as_if_it_never_was(pod: np.void, rng: np.random.Generator) -> None:
    """By 25 degrees. All but the velocity at the start, which is of no world."""
    acc, gyr = swing(rng, 300)
    tipped = pod.copy()
    tip = Rotation.from_rotvec([0.3, -0.32, 0.0])
    tipped["q"] = np.roll(tip.as_quat(), 1)
    for k in range(300):
        for one in (pod, tipped):
            orientation.tick(one, CO, k / 208)
            orientation.advance(one, k / 208, np.r_[acc[k], gyr[k]])
    attitude.begin(tipped, CO, 1.0, 0.08, 1.0)
    up = tip.apply([0.0, 0.0, 1.0])
    tipped["x"][0] = (0.7, -0.4)
    tipped["x"][1] = up[:2] / up[2]
    attitude.fold(tipped)
    assert tipped["q"] == pytest.approx(pod["q"], abs=1e-9)
    assert tipped["force"] == pytest.approx(pod["force"], abs=1e-9)
    away = (tipped["ring"] - pod["ring"])[:300, state.VEL : state.VEL + 3]
    assert np.ptp(away, axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert tipped["v"] - pod["v"] == pytest.approx(away[-1], abs=1e-9)


def test_hinge_is_the_leading_eigenvector(pod: np.void, rng: np.random.Generator) -> None:
    mount = Rotation.from_euler("z", 0.7)
    _, gyr = swing(rng, 800)
    gyr = mount.inv().apply(gyr)
    for w in gyr:
        pod["gyr"] = w
        alignment.watch_hinge(pod, CO)
    twin = naive.hinge(gyr, 1 / 208, CO["axis_tau_s"], CO["axis_min_radps"])
    assert math.degrees(math.acos(min(1.0, float(pod["axis"] @ twin)))) < 0.3


@pytest.mark.parametrize("degrees", [0.0, 5.0, -20.0, 30.0])
def test_arcsine(degrees: float) -> None:
    assert pelvis.arcsine(math.sin(math.radians(degrees))) == pytest.approx(math.radians(degrees), abs=3e-5)


def test_row_at_is_a_search(pod: np.void) -> None:
    for k in range(3000):
        orientation.tick(pod, CO, k / 208)
        orientation.advance(pod, k / 208, np.array([0.0, 0.0, 9.8, 0.0, 0.0, 0.0]))
    times = np.arange(3000) / 208
    for t in (12.0, 13.0001, 14.2):
        assert orientation.row_at(pod, t) == np.searchsorted(times, t, side="right") - 1
    assert orientation.row_at(pod, 2.0) == -1  # long gone
    assert orientation.row_at(pod, 99.0) == -1


def test_records_of_kernels_and_of_types_agree() -> None:
    names = [flag.name for flag in Quality]
    assert [getattr(strides, str(name)) for name in names] == [flag.value for flag in Quality]
    assert FRAME.itemsize == 8 * state.FRAME_WIDTH
    assert FRAME.fields is not None
    offsets = [FRAME.fields[name][1] // 8 for name in ("t_s", "acc_mps2", "gyr_radps", "pressure_pa")]
    assert offsets == [state.FRAME_T, state.FRAME_ACC, state.FRAME_GYR, state.FRAME_PRESSURE]


@pytest.mark.parametrize(("name", "value"), [("lag_s", 0.0), ("rise_share", math.nan), ("standing_s", -1.0)])
def test_impossible_parameters_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        replace(Params(), **{name: value})
