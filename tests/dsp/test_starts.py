"""How runs begin: after a walk, from a stop, on a treadmill."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dsp.types import Role
from firmware_sim.offline import simulate
from firmware_sim.runner.truth import TrueStride
from tests.dsp.test_whole_core import Frames, analyse

G = 9.80665


def errors(strides: np.ndarray, truth: list[TrueStride], after_s: float) -> dict[str, np.ndarray]:
    """Of good strides that begin after `after_s`: measured less true; speed as a share."""
    pairs = [
        (row, true)
        for row in strides[(strides["quality"] == 0) & (strides["ic_s"] > after_s)]
        for true in truth
        if true.side == ("left", "right")[row["side"]] and abs(true.ic_s - row["ic_s"]) < 0.04
    ]
    assert len(pairs) > 15
    tibia = [np.degrees(row["tibial_inclination_ic_rad"]) for row, _ in pairs]
    tilt = [np.degrees(row["pelvic_tilt_rad"]) for row, _ in pairs]
    return {
        "tibia": tibia - np.array([true.tibial_inclination_ic_vs_standing_deg for _, true in pairs]),
        "tilt": tilt - np.array([true.pelvic_tilt_mean_vs_standing_deg for _, true in pairs]),
        "speed": np.array([row["speed_mps"] / true.speed_mps - 1.0 for row, true in pairs]),
    }


def right(found: dict[str, np.ndarray]) -> bool:
    print({name: (values.mean().round(2), np.abs(values).max().round(2)) for name, values in found.items()})
    return bool(
        np.abs(found["tibia"]).max() < 2.0 and np.abs(found["tilt"]).max() < 0.7 and np.abs(found["speed"]).max() < 0.05
    )


@pytest.mark.parametrize(
    ("plan", "start_s"),
    [
        ("stand 5; walk 1.4 8; stand 3; run 3", 16.0),
        ("walk 1.4 8; stand 5; run 3", 13.0),
        ("stand 5; run 3.2 8; walk 1.4 8; stand 4; run 4", 25.0),
    ],
)
def test_who_walked_and_stood_runs_from_rest(plan: str, start_s: float) -> None:
    """One sways to a halt, so the first instants of a stop tell neither where up is nor what the gyro's offset is."""
    frames, truth = simulate(plan, start_s + 14.0, seed=3, rate_error=None)
    assert right(errors(analyse(frames), truth, start_s))


def test_straps_that_are_set_right_after_a_walk_are_stood_in_anew() -> None:
    frames, truth = simulate("stand 5; walk 1.4 8; stand 6; run 3.2", 33.0, seed=5)
    for role, degrees in ((Role.PELVIS, 10.0), (Role.SHANK_LEFT, -9.0)):
        before = frames[role]["t_s"] < 12.0
        for name in ("acc_mps2", "gyr_radps"):
            turned = Rotation.from_euler("y", degrees, degrees=True).apply(frames[role][name][before])
            frames[role][name][before] = turned
    assert right(errors(analyse(frames), truth, 19.0))


def test_a_belt_that_starts_is_no_lean() -> None:
    """On a treadmill the belt comes up to speed and the runner stays where he is."""
    frames, truth = simulate("stand 5; run 3.2", 26.0, seed=1)
    assert right(errors(analyse(on_a_belt(frames, truth)), truth, 5.0))


def on_a_belt(frames: Frames, truth: list[TrueStride]) -> Frames:
    """The same without the runner's own change of pace, straight on from standing."""
    middle = [0.5 * (true.ic_s + true.next_ic_s) for true in truth]
    start_s = truth[0].ic_s - 0.5
    found = {}
    for role in Role:
        f = frames[role].copy()
        t = f["t_s"]
        pace = np.interp(t, [start_s, *middle], [0.0, *(true.speed_mps for true in truth)])
        pace = np.convolve(pace, np.ones(80) / 80, "same")
        still = t < start_s
        attitude = attitudes(f, still)
        velocity = np.cumsum(attitude.apply(f["acc_mps2"]) - [0.0, 0.0, G], axis=0) / 208
        way = velocity[np.searchsorted(t, start_s + 3.0)] - velocity[still][-1]
        way[2] = 0.0
        f["acc_mps2"] -= attitude.inv().apply(np.outer(np.gradient(pace, t), way / np.linalg.norm(way)))
        found[role] = f
    return found


def attitudes(f: np.ndarray, still: np.ndarray) -> Rotation:
    """Of every sample, by its rates alone, from level in standing."""
    steps = Rotation.from_rotvec((f["gyr_radps"] - f["gyr_radps"][still].mean(axis=0)) / 208)
    attitude = Rotation.align_vectors([[0.0, 0.0, 1.0]], [f["acc_mps2"][still].mean(axis=0)])[0]
    quaternions = []
    for step in steps:
        attitude = attitude * step
        quaternions.append(attitude.as_quat())
    return Rotation.from_quat(quaternions)
