"""Left and right of a shank's pod: kernels against their formulas, and real runners with pods worn any way round."""

import csv
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp import contacts, facing, orientation, state
from dsp.alignment import EVERY
from dsp.params import Params
from dsp.types import Role, Side
from tests.dsp import naive
from tests.dsp.test_whole_core import SHARED, analyse, copied, read

CO = Params().record()[0]
STEP_S = EVERY / 208


@pytest.fixture
def pod() -> np.void:
    pod = state.core(CO["swing_peak_radps"])["pods"][0, 1]
    pod["period_s"] = 1 / 208
    pod["ready"] = 1
    pod["n"] = 1
    return pod


def lean_by(pod: np.void, turn: Rotation) -> None:
    """The newest sample is of a shank turned by `turn` from upright and facing x."""
    pod["ring"][0, state.QUAT : state.QUAT + 4] = np.roll(turn.as_quat(), 1)


@pytest.mark.parametrize(("degrees", "heading", "worn"), [(40.0, 0.0, 0.0), (-15.0, 70.0, 60.0), (25.0, -160.0, 120.0)])
def test_the_lean_is_that_of_the_upper_end(pod: np.void, degrees: float, heading: float, worn: float) -> None:
    """Forward is about the leg's left, whatever the heading, the filter's tilt, and how the pod sits on the leg."""
    mount = Rotation.from_euler("z", worn, degrees=True)
    pod["axis"] = mount.inv().apply([0.0, 1.0, 0.0])
    tilt = np.array([0.02, -0.01])  # true up lies there in the pod's world
    shank = Rotation.from_euler("ZY", [heading, degrees], degrees=True) * mount
    lean_by(pod, Rotation.from_rotvec([-tilt[1], tilt[0], 0.0]) * shank)
    pod["kf_n"], pod["kf_s"], pod["t_s"] = 1, 1.0, 1.0
    pod["x"][1] = tilt
    assert naive.rotation(pod["ring"][0, state.QUAT : state.QUAT + 4]).apply([0, 0, 1])[2] > 0.7
    assert facing.lean(pod) == pytest.approx(math.sin(math.radians(degrees)), abs=0.01)


def test_who_leans_backward_in_the_first_step_is_worn_the_wrong_way_round(pod: np.void) -> None:
    pod["gyr"] = (0.0, 4.0, 0.0)
    mean, told = 0.0, []
    for k in range(12):
        degrees = -10.0 * k
        lean_by(pod, Rotation.from_euler("y", degrees, degrees=True))
        mean += STEP_S / CO["axis_tau_s"] * (math.sin(math.radians(degrees)) - mean)
        told.append(facing.faces_right(pod, CO))
        if told[-1]:
            break
        assert pod["lean"] == pytest.approx(mean)
    assert mean < -CO["facing_lean"] < mean + 0.1
    assert not any(told[:-1])
    assert told[-1]
    assert pod["axis"] == pytest.approx([0.0, -1.0, 0.0])
    assert pod["lean"] == pytest.approx(-mean)


def test_later_the_swing_tells_for_it_is_the_fastest(pod: np.void) -> None:
    """Rates of a runner, 9 rad/s forward and 6 backward, by a pod on the wrong way round."""
    lean_by(pod, Rotation.identity())
    pod["moved_s"] = CO["facing_early_s"]
    cube, size, gain = 0.0, 0.0, STEP_S / CO["facing_s"]
    for k in range(400):
        rate = [9.0, 5.0, 0.5, -6.0, -6.0, -2.0][k % 6]
        pod["gyr"] = (0.0, rate, 0.0)
        wrong = facing.faces_right(pod, CO)
        if abs(rate) > CO["axis_min_radps"]:
            cube, size = cube + gain * (rate**3 - cube), size + gain * (abs(rate) ** 3 - size)
        assert wrong == (cube > CO["facing_cube"] * size)
        if wrong:
            break
    assert pod["axis"] == pytest.approx([0.0, -1.0, 0.0])
    assert (pod["cube"], pod["size"]) == pytest.approx((-cube, size))


def test_a_leg_that_was_misread_begins_anew(pod: np.void) -> None:
    leg = state.core(6.0)[0]["legs"][0]
    leg["phase"], leg["ic_s"], leg["was_ic_s"], leg["zero_n"] = contacts.STANCE, 5.0, 4.3, 9
    pod["n"] = 70
    facing.begin_anew(pod, leg)
    assert leg["phase"] == contacts.SWING_NEXT
    assert np.isnan([leg["ic_s"], leg["was_ic_s"], leg["ms_s"]]).all()
    assert (pod["ready"], pod["first"]) == (1, 0), "no contact has taught the attitude anything yet"
    pod["kf_n"] = 3
    facing.begin_anew(pod, leg)
    anew = pod.copy()
    pod["ready"], pod["first"], pod["kf_n"] = 1, 0, 3
    orientation.lose_attitude(pod)
    for one in (anew, pod):
        assert (one["ready"], one["first"], one["kf_n"]) == (0, 70, 0)


def turned(rows: NDArray[np.void], degrees: float) -> NDArray[np.void]:
    rows = rows.copy()
    mount = Rotation.from_euler("z", degrees, degrees=True)
    for name in ("acc_mps2", "gyr_radps"):
        rows[name] = mount.apply(rows[name])
    return rows


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize("name", ["rbds002_2.5mps", "rbds005_3.5mps", "rbds008_4.5mps"])
@pytest.mark.parametrize("degrees", [(180.0, 180.0), (95.0, -130.0)])
def test_real_runners_may_wear_pods_any_way_round(name: str, degrees: tuple[float, float]) -> None:
    """One stride less at most, none wrong among the good ones."""
    frames = read(SHARED / "rbds" / f"{name}.imu.csv.gz")
    with (SHARED / "rbds" / f"{name}.truth.csv").open(newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["next_ic_s"]]
    worn = copied(frames)
    for side in Side:
        worn[Role(1 + side)] = turned(frames[Role(1 + side)], degrees[side])
    found, before = analyse(worn), analyse(frames)
    good = found[found["quality"] == 0]
    assert len(good) >= (before["quality"] == 0).sum() - 2
    for side in Side:
        true = np.array([float(row["ic_s"]) for row in truth if row["side"] == side.label])
        mine = good[(good["side"] == side) & (good["ic_s"] < true[-1] + 0.3)]
        mine = mine[mine["ic_s"] > true[0] - 0.3]
        assert np.abs(mine["ic_s"][:, None] - true).min(axis=1) == pytest.approx(0.0, abs=0.01)
