"""Left and right shank pods worn on each other's leg: seen, flagged, and put right when the runner stops."""

import math

import numpy as np
import pytest

from dsp import sides
from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.types import FRAME, Quality, Role, Side
from firmware_sim.offline import simulate
from tests.dsp import ring
from tests.dsp.contacts_of import WAYS
from tests.dsp.test_real_sensors import G, mean_stride, repeated
from tests.dsp.test_whole_core import SHARED, Frames, read

CO = Params().record()[0]
OTHER = {Role.PELVIS: Role.PELVIS, Role.SHANK_LEFT: Role.SHANK_RIGHT, Role.SHANK_RIGHT: Role.SHANK_LEFT}
REAL = sorted(path.name for path in SHARED.glob("rbds/*_3.5mps.imu.csv.gz"))


def swapped(frames: Frames, until_s: float = math.inf) -> Frames:
    """The shanks' pods on each other's leg; from `until_s` on where they belong."""
    parts = {role: (frames[OTHER[role]], frames[role]) for role in frames}
    return {
        role: np.concatenate([wrong[wrong["t_s"] < until_s], right[right["t_s"] >= until_s]])
        for role, (wrong, right) in parts.items()
    }


def run(frames: Frames) -> tuple[np.ndarray, GaitAnalyzer]:
    """All strides by time, and what the core knows in the end."""
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    parts = [analyzer.push(role, rows) for role, rows in frames.items()]
    return np.sort(np.concatenate([*parts, analyzer.flush()]), order="ic_s"), analyzer


def is_swapped(strides: np.ndarray) -> np.ndarray:
    return (strides["quality"] & Quality.SWAPPED) > 0


@pytest.fixture(scope="module")
def frames() -> Frames:
    return simulate("stand 5; run 3.2 12; stand 5; run 3.2", 36.0, seed=3)[0]


def test_a_shank_leans_sideways_as_its_left_is_raised(frames: Frames) -> None:
    analyzer = run(frames)[1]
    pod = analyzer._pods[Role.SHANK_RIGHT]
    rows, t = ring.ring_of(pod), float(pod["t_s"]) - 0.3
    left = pod["axis"] - pod["axis"] @ pod["up"] * pod["up"]
    attitude = rows.attitude[np.searchsorted(rows.t, t, side="right") - 1]
    up, left = ring.true_up(pod, t), attitude.apply(left / np.linalg.norm(left))
    assert sides.lean_to_right(pod, t) == pytest.approx(math.asin(up @ left / np.linalg.norm(up)), abs=1e-3)
    assert math.isnan(sides.lean_to_right(pod, t + 10.0))


def test_one_leg_that_leans_inwards_says_nothing(frames: Frames) -> None:
    """As in a bend, or with a pod that slipped sideways."""
    core = run(frames)[1]._core[0]
    for left, right, told in ((20.0, -20.0, 0), (-20.0, 20.0, 0), (20.0, 20.0, 1), (-20.0, -20.0, 0)):
        core["pods"]["inwards_rad"][1:] = np.radians([left, right])
        core["pods"]["lean_n"][1:] = 10
        for side in Side:  # a usual stride moves that by a twentieth of the way to -10 degrees
            sides.watch_sides(core, CO, side)
        assert core["swapped"] == told
        assert core["pods"]["anew"].tolist() == [0, told, told]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
@pytest.mark.parametrize("name", REAL)
def test_real_runners_with_swapped_pods_are_told_from_those_without(name: str) -> None:
    """Eight runners; no good stride passes before it is known."""
    frames = read(SHARED / "rbds" / name)
    strides, analyzer = run(frames)
    assert not is_swapped(strides).any()
    assert not analyzer.status.swapped
    outwards_deg = -np.degrees(analyzer._pods["inwards_rad"][1:])
    assert outwards_deg.min() > 2.0 * math.degrees(CO["swapped_lean_rad"])
    strides, analyzer = run(swapped(frames))
    assert (strides["quality"] != 0).all()
    assert is_swapped(strides)[4:].all()
    assert analyzer.status.swapped


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real sensors are not here")
def test_real_sensors_lean_outwards_too() -> None:
    """Their axes are the segments', so who stands stands upright."""
    running, rest = repeated(mean_stride(), 25.0), np.zeros(6 * 208, FRAME)
    rest["t_s"], rest["acc_mps2"], rest["pressure_pa"] = np.arange(len(rest)) / 208, (0.0, 0.0, G), np.nan
    for role, rows in running.items():
        rows["t_s"] += 6.0
        running[role] = np.concatenate([rest, rows])
    analyzer = run(running)[1]
    core = analyzer._core[0]
    for side in Side:
        sides.watch_sides(core, CO, side)
    assert (np.degrees(core["pods"]["inwards_rad"][1:]) < -10.0).all()


@pytest.mark.parametrize(
    "plan", [*WAYS.values(), "stand 5; run 3.2; turn 40; wait 6; turn -40", "stand 5; grade 15; run 2.4"]
)
def test_no_way_of_running_looks_swapped(plan: str) -> None:
    strides = run(simulate(plan, 30.0, seed=5)[0])[0]
    assert len(strides) > 20
    assert not is_swapped(strides).any()


def test_pods_that_are_put_right_in_a_stop_are_calibrated_anew(frames: Frames) -> None:
    before = run(frames)[0]
    strides = run(swapped(frames, 19.0))[0]
    wrong, right = strides[strides["next_ic_s"] < 18.0], strides[strides["ic_s"] > 22.0]
    assert (wrong["quality"] != 0).all()
    good = right[right["quality"] == 0]
    assert len(good) > 0.7 * len(right)
    for stride in good:
        same = before[(before["side"] == stride["side"]) & (np.abs(before["ic_s"] - stride["ic_s"]) < 0.02)]
        for column in ("tibial_inclination_ic_rad", "pelvic_tilt_rad", "pelvic_drop_rad"):
            assert math.degrees(stride[column]) == pytest.approx(math.degrees(same[column][0]), abs=1.5), column


def test_pods_that_stay_swapped_are_flagged_on(frames: Frames) -> None:
    strides = run(swapped(frames))[0]
    assert (strides["quality"] != 0).all()
    assert is_swapped(strides[strides["ic_s"] > 24.0]).all()
