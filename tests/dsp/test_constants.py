"""Constants that were measured on eight runners, measured again with each of them left out, who then is a stranger."""

import csv
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.types import Side
from tests.dsp.test_whole_core import SHARED, Frames, analyse, read

Array = NDArray[np.float64]
CO = Params()

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")


def sessions() -> Iterator[tuple[str, Frames, list[dict[str, str]]]]:
    """Runner, frames and true steps of every plain session."""
    for path in sorted((SHARED / "rbds").glob("*.imu.csv.gz")):
        name = path.name.removesuffix(".imu.csv.gz")
        with (SHARED / "rbds" / f"{name}.truth.csv").open(newline="") as file:
            yield name.split("_")[0], read(path), [row for row in csv.DictReader(file) if row["next_ic_s"]]


def strangers(runners: Array) -> Iterator[Array]:
    """Which rows are of the runner left out, one by one."""
    for runner in np.unique(runners):
        yield runners == runner


def cues(frames: Frames) -> list[Array]:
    """By side, the time of every terminal contact, and what told it: shank, shank alone, pelvis."""
    analyzer, found = GaitAnalyzer(Params(lag_s=1e3)), {side: {0.0: np.zeros(4)} for side in Side}
    for t in np.arange(0.0, 40.0, 0.1):
        for role, rows in frames.items():
            i, j = np.searchsorted(rows["t_s"], (t, t + 0.1))
            analyzer.push(role, rows[i:j])
        for side in Side:
            leg = analyzer._core[0]["legs"][side]
            if np.isfinite(leg["tc_s"]):
                times = [float(leg[name]) for name in ("tc_s", "rise_s", "rise_alone_s", "fall_s")]
                found[side][float(leg["tc_decided_s"])] = np.array(times)
    return [np.array(list(by_time.values())) for by_time in found.values()]


def test_terminal_contact_is_not_fitted_to_these_runners() -> None:
    runners, errors = [], []
    for runner, frames, truth in sessions():
        by_side = cues(frames)
        for true in truth:
            told = by_side[Side[true["side"].upper()]] - float(true["tc_s"])
            runners.append(runner)
            errors.append(told[abs(told[:, 0]).argmin(), 1:])
    (shank, alone, pelvis), who = np.array(errors).T, np.array(runners)
    known = np.isfinite(shank + pelvis)
    for out in strangers(who):
        rest = known & ~out
        cov = np.cov(shank[rest], pelvis[rest])
        weight = (cov[0, 0] - cov[0, 1]) / (cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
        fused = weight * pelvis + (1 - weight) * shank
        offset, alone_offset = -fused[rest].mean(), -np.nanmean(alone[rest])
        error = fused[known & out] + offset
        print(f"{who[out][0]} left out: weight {weight:.2f}, offsets {1e3 * offset:.1f} and", end=" ")
        print(f"{1e3 * alone_offset:.1f} ms; off by {1e3 * error.mean():.1f} +- {1e3 * error.std():.1f} ms")
        assert weight == pytest.approx(CO.tc_pelvis_weight, abs=0.06)
        assert offset == pytest.approx(CO.tc_offset_s, abs=0.001)
        assert alone_offset == pytest.approx(CO.tc_alone_offset_s, abs=0.0015)
        assert abs(error.mean()) < 0.006  # the targets for all together
        assert error.std() < 0.008


def test_the_landing_is_not_fitted_to_these_runners() -> None:
    runners, rows = [], []
    for runner, frames, truth in sessions():
        found = analyse(frames)
        for side in Side:
            mine = found[(found["side"] == side) & (found["quality"] == 0)]
            way = mine["speed_mps"] * mine["contact_time_s"]
            true = [float(t["foot_ahead_of_pelvis_mm"]) for t in truth if t["side"] == side.label]
            runners.append(runner)
            rows.append(
                (np.nanmean(way * mine["pelvis_over_foot"]), np.mean(0.385 * way - 0.078), 1e-3 * np.mean(true))
            )
    (over, line, true), who = np.array(rows).T, np.array(runners)
    weight = CO.foot_landing_sd_m**2 / (CO.foot_landing_sd_m**2 + CO.foot_measured_sd_m**2)
    errors = []
    for out in strangers(who):
        offset, spread = np.mean((over - true)[~out]), np.std((over - true)[~out])
        error = (line + weight * (over - offset - line) - true)[out]
        print(f"{who[out][0]} left out: offset {1e3 * offset:.0f} mm, spread {1e3 * spread:.0f} mm,", end=" ")
        print(f"off by {1e3 * error.mean():.0f} mm")
        assert offset == pytest.approx(CO.foot_offset_m, abs=0.006)
        assert spread == pytest.approx(CO.foot_measured_sd_m, abs=0.003)
        errors.extend(error)
    assert np.sqrt(np.mean(np.square(errors))) < 0.018  # the target for all together
