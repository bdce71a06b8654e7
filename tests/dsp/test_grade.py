"""The slope of the ground, from a simulated barometer on a known hill."""

import numpy as np
import pytest

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.types import Role
from firmware_sim.offline import simulate

HILL = "stand 4; run 3.0; at 20 grade 8; at 50 grade -5"
SECONDS = 85.0


@pytest.fixture(scope="module")
def strides() -> np.ndarray:
    frames, _ = simulate(HILL, SECONDS, seed=2)
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    found = [analyzer.push(role, frames[role]) for role in Role] + [analyzer.flush()]
    return np.concatenate([rows for rows in found if len(rows)])


@pytest.mark.parametrize(("from_s", "to_s", "grade"), [(12, 20, 0.0), (40, 50, 0.08), (72, 85, -0.05)])
def test_a_hill_is_known(strides: np.ndarray, from_s: float, to_s: float, grade: float) -> None:
    on_it = strides[(strides["ic_s"] > from_s) & (strides["ic_s"] < to_s)]
    assert len(on_it) > 10
    assert np.mean(on_it["grade"]) == pytest.approx(grade, abs=0.01)
    assert np.std(on_it["grade"]) < 0.01


def test_air_that_jumps_is_no_hill() -> None:
    """Readings 30 hPa off now and then, and a gust of 60 Pa that stays: no grade, then the true one again."""
    frames, _ = simulate("stand 4; run 3.0", 60.0, seed=2)
    pressure = frames[Role.PELVIS]["pressure_pa"]
    read = np.flatnonzero(np.isfinite(pressure))
    pressure[read[40::20]] += 3000.0
    pressure[read[90:]] += 60.0
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    found = np.concatenate([analyzer.push(role, frames[role]) for role in Role] + [analyzer.flush()])
    known = found["grade"][np.isfinite(found["grade"])]
    assert len(known) > 30
    assert np.abs(known).max() < 0.02


def test_without_barometer_the_grade_is_unknown() -> None:
    frames, _ = simulate(HILL, 20.0, seed=2)
    frames[Role.PELVIS]["pressure_pa"] = np.nan
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    found = np.concatenate([analyzer.push(role, frames[role]) for role in Role] + [analyzer.flush()])
    assert len(found) > 20
    assert np.isnan(found["grade"]).all()
