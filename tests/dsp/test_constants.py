"""Constants that were measured on eight runners, measured again with each of them left out, who then is a stranger."""

import csv
import functools
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from dsp.analyzer import GaitAnalyzer
from dsp.attitude import SURPRISE_GAIN
from dsp.params import Params
from dsp.types import Role, Side
from tests.dsp.test_whole_core import SHARED, Frames, analyse, read

Array = NDArray[np.float64]
CO = Params()

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")


@functools.cache
def sessions(folder: str = "rbds") -> list[tuple[str, Frames, list[dict[str, str]]]]:
    """Runner, frames and true steps of every session, the plain ones if not told otherwise."""
    found = []
    for path in sorted((SHARED / folder).glob("*.imu.csv.gz")):
        name = path.name.removesuffix(".imu.csv.gz")
        with (SHARED / folder / f"{name}.truth.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["next_ic_s"]]
        found.append((name.split("_")[0], read(path), rows))
    return found


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


def surprises(frames: Frames) -> tuple[Array, Array]:
    """By how much each velocity surprised the filter of the pelvis and those of the shanks: its square over what was
    expected, read back from the slow mean of them."""
    analyzer, last, found = GaitAnalyzer(Params(lag_s=1e3)), [(0, 1.0)] * len(Role), [[], [], []]  # type: ignore[var-annotated]
    for t in np.arange(0.0, max(rows["t_s"][-1] for rows in frames.values()), 0.1):
        for role, rows in frames.items():
            i, j = np.searchsorted(rows["t_s"], (t, t + 0.1))
            analyzer.push(role, rows[i:j])
        for role in Role:
            n, mean = int(analyzer._pods["kf_n"][role]), float(analyzer._pods["surprise"][role])
            if n == last[role][0] + 1 and n > 1:
                found[role].append(last[role][1] + (mean - last[role][1]) / SURPRISE_GAIN)
            last[role] = (n, mean)
    return np.array(found[Role.PELVIS]), np.array(found[Role.SHANK_LEFT] + found[Role.SHANK_RIGHT])


@pytest.mark.parametrize(("folder", "pelvis_most", "shank_most"), [("rbds", 1.5, 0.6), ("rbds_hard", 1.5, 1.0)])
def test_velocities_surprise_the_filter_as_much_as_it_expects(
    folder: str, pelvis_most: float, shank_most: float
) -> None:
    """A mean of 1 is what consistent standard deviations give (Bar-Shalom, Li & Kirubarajan 2001, section 5.4). Skin
    that shakes is not in these sessions: the ankle's is meant to be careful on clean ones."""
    runners, means = zip(
        *((runner, [x.mean() for x in surprises(frames)]) for runner, frames, _ in sessions(folder)), strict=True
    )
    who = np.array(runners)
    for out in strangers(who):
        pelvis, shank = np.array(means)[~out].mean(axis=0)
        print(f"{folder}, {who[out][0]} left out: pelvis {pelvis:.2f}, shanks {shank:.2f}")
        assert 0.7 < pelvis < pelvis_most
        assert 0.2 < shank < shank_most


def test_a_stride_is_as_like_the_last_as_a_bridge_takes_it_for() -> None:
    """What a shank's rate and force less those of the stride before add up to over a gap of 0.3 s."""
    runners, spreads = [], []
    for runner, frames, truth in sessions():
        f = frames[Role.SHANK_LEFT][frames[Role.SHANK_LEFT]["t_s"] > 12.0]
        dt = (f["t_s"][-1] - f["t_s"][0]) / (len(f) - 1)
        contacts = [float(true["ic_s"]) for true in truth if true["side"] == "left"]
        back, gap = round(np.median(np.diff(contacts)) / dt), round(0.3 / dt)
        turned, gained = (
            np.cumsum(f[name][back:] - f[name][:-back], axis=0) * dt for name in ("gyr_radps", "acc_mps2")
        )
        runners.append(runner)
        spreads.append([np.std((x[gap:] - x[:-gap])[:, :2]) / (gap * dt) for x in (turned, gained)])
    who = np.array(runners)
    for out in strangers(who):
        tilt, velocity = np.array(spreads)[~out].mean(axis=0)
        print(f"{who[out][0]} left out: {np.degrees(tilt):.0f} deg/s, {velocity:.2f} m/s2")
        assert 0.4 < tilt / CO.bridge_tilt_radps < 1.0
        assert 0.2 < velocity / CO.bridge_velocity_mps2 < 1.0


def test_how_well_standing_tells_a_shanks_upright_holds_for_a_stranger() -> None:
    runners, means = [], []
    for runner, frames, truth in sessions():
        found = analyse(frames)
        for side in Side:
            mine = found[(found["side"] == side) & (found["quality"] == 0)]
            true = [float(t["tibial_inclination_ic_vs_standing_deg"]) for t in truth if t["side"] == side.label]
            runners.append(runner)
            means.append(np.degrees(np.nanmean(mine["tibial_inclination_ic_rad"])) - np.mean(true))
    who = np.array(runners)
    for out in strangers(who):
        spread = np.sqrt(np.mean(np.square(np.array(means)[~out])))
        print(f"{who[out][0]} left out: {spread:.2f} deg")
        assert spread == pytest.approx(np.degrees(CO.standing_sd_rad), abs=0.25)
