"""The core under all that can differ: mounts, rates, losses, bends, landings; and attitude against VQF."""

from dataclasses import replace

import numpy as np
import pytest
import vqf
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from dsp import state
from dsp.analyzer import GaitAnalyzer, Phase
from dsp.params import Params
from dsp.types import FRAME, STRIDE, Quality, Role, Side
from firmware_sim.offline import Session, simulate
from firmware_sim.runner.form import NATURAL, Form
from firmware_sim.runner.truth import TrueStride
from tests.dsp.test_whole_core import SHARED, read

Array = NDArray[np.void]
# What a stride says of the runner; grade comes of the barometer alone, and a difference of nothing is noise.
COLUMNS = [
    name
    for name in STRIDE.names or ()
    if STRIDE[name] == np.float64
    and not name.endswith(("decided_s", "_sd_rad", "_sd_s", "_sd_m", "difference_s"))
    and name not in ("grade", "leg_stiffness_npmkg")
]
Frames = dict[Role, Array]


@pytest.fixture(scope="module")
def session() -> tuple[Frames, list[TrueStride]]:
    """5 s of standing, then a run at 3.2 m/s."""
    return simulate("stand 5; run 3.2", 30.0, seed=3)


@pytest.fixture(scope="module")
def frames(session: tuple[Frames, list[TrueStride]]) -> Frames:
    return session[0]


@pytest.fixture(scope="module")
def expected(frames: Frames) -> Array:
    return analyse(frames)


def whole(frames: Frames) -> GaitAnalyzer:
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    for role, f in frames.items():
        analyzer.push(role, f)
    return analyzer


def analyse(frames: Frames) -> Array:
    """All strides of a session, in the order of their contacts."""
    analyzer = GaitAnalyzer(Params(lag_s=1e3))
    parts = [analyzer.push(role, f) for role, f in frames.items()]
    strides = np.concatenate([*parts, analyzer.flush()])
    return strides[np.argsort(strides["ic_s"])]


def good(strides: Array) -> Array:
    return strides[strides["quality"] == 0]


def common(a: Array, b: Array) -> tuple[Array, Array]:
    """Good strides of both whose contacts lie within 10 ms."""
    a, b = good(a), good(b)
    near = [int(abs(b["ic_s"] - ic).argmin()) for ic in a["ic_s"]]
    same = abs(b["ic_s"][near] - a["ic_s"]) < 0.010
    return a[same], b[near][same]


def test_status_follows_the_runner(frames: Frames) -> None:
    analyzer = GaitAnalyzer()
    seen: list[Phase] = [analyzer.status.phase]
    for t in np.arange(0.0, 12.0, 0.1):
        for role, f in frames.items():
            analyzer.push(role, f[(f["t_s"] >= t) & (f["t_s"] < t + 0.1)])
        if analyzer.status.phase is not seen[-1]:
            seen.append(analyzer.status.phase)
    assert seen == [Phase.WAITING, Phase.STANDING, Phase.READY, Phase.RUNNING]
    assert analyzer.status.calibrated == (True, True, True)
    assert analyzer.status.silent == ()


def test_a_silent_pod_is_named_and_not_waited_for(frames: Frames) -> None:
    analyzer, strides = GaitAnalyzer(), []
    for t in np.arange(0.0, 14.0, 0.1):
        for role, f in frames.items():
            if role is not Role.PELVIS or t < 10.0:
                strides.append(analyzer.push(role, f[(f["t_s"] >= t) & (f["t_s"] < t + 0.1)]))
    assert analyzer.status.silent == (Role.PELVIS,)
    found = np.concatenate(strides)
    assert found["decided_s"].max() > 13.0
    late = found[found["ic_s"] > 10.5]
    assert len(late) > 5
    assert ((late["quality"] & Quality.POD_MISSING) > 0).all()
    assert np.isnan(late["pelvic_tilt_rad"]).all()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("lost_s", [0.05, 0.3, 0.5])
def test_a_burst_of_lost_samples_is_over_after_two_strides(
    frames: Frames, expected: Array, role: Role, lost_s: float
) -> None:
    f = frames[role]
    strides = analyse(frames | {role: f[(f["t_s"] < 15.0) | (f["t_s"] > 15.0 + lost_s)]})
    assert len(strides) == len(expected)
    assert strides["ic_s"] == pytest.approx(expected["ic_s"], abs=0.03)
    flagged = strides[(strides["quality"] & Quality.GAP) > 0]
    assert 1 <= len(flagged) <= 5
    assert (flagged["next_ic_s"] > 15.0).all()
    later = (strides["ic_s"] > 15.0 + lost_s + 1.6) & (expected["quality"] == 0)
    for name, degrees in (("tibial_inclination_ic_rad", 1.5), ("pelvic_tilt_rad", 1.0)):
        assert np.degrees(strides[name][later]) == pytest.approx(np.degrees(expected[name][later]), abs=degrees)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("fault", ["frozen", "zeros"])
def test_a_sensor_that_repeats_itself_is_not_believed(frames: Frames, expected: Array, role: Role, fault: str) -> None:
    """For 0.3 s of running, and the zeros of a chip that wakes up before: good strides are as they are without."""
    rows = frames[role].copy()
    woke, i, j = np.searchsorted(rows["t_s"], (1.2, 15.03, 15.33))
    for name in ("acc_mps2", "gyr_radps"):
        rows[name][i:j] = 0.0 if fault == "zeros" else rows[name][i]
        if fault == "zeros":
            rows[name][:woke] = 0.0
    strides = analyse(frames | {role: rows})
    flagged = strides[(strides["quality"] & Quality.INVALID) > 0]
    assert 1 <= len(flagged) <= 4
    assert (abs(flagged["ic_s"] - 15.0) < 1.0).all()
    a, b = common(strides, expected)
    assert len(a) > 0.9 * len(good(expected))
    for name in ("tibial_inclination_ic_rad", "pelvic_tilt_rad"):
        assert np.degrees(a[name]) == pytest.approx(np.degrees(b[name]), abs=1.2), name


def test_a_packet_that_comes_twice_changes_nothing(frames: Frames) -> None:
    twice = {
        role: np.concatenate([np.tile(rows[i : i + 8], 2) for i in range(0, len(rows), 8)])
        for role, rows in frames.items()
    }
    assert analyse(twice).tobytes() == analyse(frames).tobytes()


def test_a_clipped_gyro_is_flagged(frames: Frames) -> None:
    shank = frames[Role.SHANK_LEFT].copy()
    shank["gyr_radps"][np.searchsorted(shank["t_s"], 15.0), 1] = -np.radians(2000)
    assert ((analyse(frames | {Role.SHANK_LEFT: shank})["quality"] & Quality.SATURATED) > 0).any()


@pytest.mark.parametrize("rate_hz", [60.0, 600.0])
def test_an_unsupported_rate_is_flagged(frames: Frames, rate_hz: float) -> None:
    strides = analyse({role: resample(f, rate_hz) for role, f in frames.items()})
    assert ((strides["quality"] & Quality.BAD_RATE) > 0).all()


@pytest.mark.parametrize("rate_hz", [104.0, 416.0])
def test_other_rates_find_the_same_strides(frames: Frames, expected: Array, rate_hz: float) -> None:
    strides = analyse({role: resample(f, rate_hz) for role, f in frames.items()})
    assert len(strides) == len(expected)
    assert strides["ic_s"] == pytest.approx(expected["ic_s"], abs=0.012)


def resample(f: Array, rate_hz: float) -> Array:
    t = np.arange(f["t_s"][0], f["t_s"][-1], 1 / rate_hz)
    out = np.zeros(len(t), FRAME)
    out["t_s"] = t
    for name in ("acc_mps2", "gyr_radps"):
        for axis in range(3):
            out[name][:, axis] = np.interp(t, f["t_s"], f[name][:, axis])
    return out


@pytest.mark.parametrize(
    ("role", "axes", "degrees"),
    [
        (Role.PELVIS, "z", 12),
        (Role.PELVIS, "x", -12),
        (Role.PELVIS, "y", 12),
        (Role.PELVIS, "xyz", (7, -7, 7)),
        (Role.SHANK_LEFT, "zx", (60, -12)),
        (Role.SHANK_LEFT, "zy", (-60, 12)),
        (Role.SHANK_RIGHT, "zyx", (60, -12, 12)),
        (Role.SHANK_RIGHT, "zyx", (-60, 12, 12)),
        (Role.SHANK_LEFT, "z", 180),
        (Role.SHANK_RIGHT, "zy", (-120, 12)),
    ],
)
def test_how_a_pod_is_mounted_does_not_matter(
    frames: Frames, expected: Array, role: Role, axes: str, degrees: float | tuple[float, ...]
) -> None:
    """Within the allowed error of 12 degrees, and any of a shank's about its long axis: columns, means and strides."""
    worn = Rotation.from_matrix(Session("stand 5; run 3.2", seed=3).samplers[role].mount)
    mount = Rotation.from_euler(axes, degrees, degrees=True) * worn
    f = frames[role].copy()
    f["acc_mps2"], f["gyr_radps"] = mount.apply(f["acc_mps2"]), mount.apply(f["gyr_radps"])
    a, b = common(analyse(frames | {role: f}), expected)
    assert len(a) >= 0.98 * len(good(expected))
    for name in COLUMNS:
        tolerance = np.radians(0.3) if name.endswith("_rad") else 0.02 * np.abs(b[name]).mean() + 1e-3
        assert a[name].mean() == pytest.approx(b[name].mean(), abs=0.5 * tolerance), name
        assert np.median(np.abs(a[name] - b[name])) < tolerance, name


@pytest.mark.parametrize("share", [-0.06, 0.08])
def test_another_step_rate_scales_times_and_rates(share: float) -> None:
    """The same angles at the same speed in less time: times go with 1 / rate, rates with it, bounce with 1 / rate^2."""
    usual, quick = (
        good(analyse(simulate("stand 4; run 3.2", 25.0, seed=1, form=Form(cadence=cadence))[0]))
        for cadence in (0.0, share)
    )
    for name, power, tolerance in (
        ("contact_time_s", -1, 0.02),
        ("flight_time_s", -1, 0.03),
        ("shank_rate_early_stance_radps", 1, 0.02),
        ("vertical_oscillation_m", -2, 0.03),
        ("vertical_stiffness_npmkg", 2, 0.03),
        ("duty_factor", 0, 0.01),
        ("speed_mps", 0, 0.01),
        ("tibial_inclination_ic_rad", 0, 0.03),
        ("pelvic_tilt_rad", 0, 0.02),
        ("pelvic_tilt_range_rad", 0, 0.02),
        ("pelvic_drop_rad", 0, 0.03),
        ("pelvic_rotation_range_rad", 0, 0.03),
    ):
        a, b = usual[name][usual["ic_s"] > 10.0].mean(), quick[name][quick["ic_s"] > 10.0].mean()
        assert b / a == pytest.approx((1.0 + share) ** power, rel=tolerance), name
    steps = [1.0 / np.mean(x["next_ic_s"] - x["ic_s"]) for x in (usual, quick)]
    assert steps[1] / steps[0] == pytest.approx(1.0 + share, rel=0.005)


def test_a_landing_further_ahead_is_seen_at_equal_speed_and_contact_time() -> None:
    means = []
    for landing_m in (0.0, 0.04):
        strides = analyse(simulate("stand 4; run 3.2", 25.0, seed=1, form=Form(landing_m=landing_m))[0])
        steady = good(strides[strides["ic_s"] > 10.0])
        means.append([steady[name].mean() for name in ("foot_ahead_of_pelvis_m", "speed_mps", "contact_time_s")])
    assert means[1][0] - means[0][0] >= 0.025
    assert means[1][1:] == pytest.approx(means[0][1:], rel=0.01)


def test_the_heading_follows_a_bend() -> None:
    frames, truth = simulate("stand 4; run 3.2 12; turn 15", 30.0, seed=2)
    strides = analyse(frames)
    bend = strides[strides["ic_s"] > 18.5]
    assert np.degrees(bend["turn_rate_radps"].mean()) == pytest.approx(15.0, abs=1.5)
    steady = good(bend)
    assert len(steady) > 0.9 * len(bend)
    true = [t for t in truth if t.ic_s > 18.5]
    tilt, drop = np.degrees(steady["pelvic_tilt_rad"].mean()), np.degrees(steady["pelvic_drop_rad"].mean())
    assert tilt == pytest.approx(np.mean([t.pelvic_tilt_mean_vs_standing_deg for t in true]), abs=0.8)
    assert drop == pytest.approx(np.mean([t.pelvic_drop_peak_stance_deg for t in true]), abs=0.9)
    for side in Side:  # a direction of travel that lags leans the legs apart
        mine = np.degrees(steady[steady["side"] == side]["tibial_inclination_ic_rad"].mean())
        legs = [t.tibial_inclination_ic_vs_standing_deg for t in true if t.side == side.label]
        assert mine == pytest.approx(np.mean(legs), abs=1.0)


def test_a_gyro_that_feels_a_bend_about_its_other_axes_is_put_right_after_it() -> None:
    """By 1 % of the turn; the filter that knows of no such thing is 0.26 degrees off in between."""
    plan = "stand 5; run 3.2 12; turn 20; wait 10; turn 0; wait 8; turn -20; wait 10; turn 0"
    frames, truth = simulate(plan, 58.0, seed=3)
    rates = frames[Role.PELVIS]["gyr_radps"]
    rates += np.outer(rates[:, 2], (-0.01, 0.01, 0.0))
    strides = good(analyse(frames))
    strides = strides[strides["ic_s"] < truth[-1].ic_s]
    near = [min(truth, key=lambda true: abs(true.ic_s - ic)) for ic in strides["ic_s"]]
    error = np.degrees(strides["pelvic_tilt_rad"]) - [true.pelvic_tilt_mean_vs_standing_deg for true in near]
    bend = np.abs(np.degrees(strides["turn_rate_radps"])) > 8.0
    assert np.sqrt(np.mean(error[~bend] ** 2)) < 0.18
    assert 0.5 < np.mean(np.abs(error) < np.degrees(strides["pelvic_tilt_sd_rad"])) < 0.9


def test_attitude_is_vqfs_once_vqf_has_settled(frames: Frames) -> None:
    """Within 1 deg after 16 s of steady running; before, VQF reads the start as lean."""
    analyzer = whole(frames)
    analyzer.flush()
    for role in Role:
        f, pod = frames[role], analyzer._pods[role]
        other = vqf.VQF((f["t_s"][-1] - f["t_s"][0]) / (len(f) - 1))
        out = other.updateBatch(np.ascontiguousarray(f["gyr_radps"]), np.ascontiguousarray(f["acc_mps2"]))
        rows = np.arange(pod["n"] - 600, pod["n"])
        ours = pod["ring"][rows % state.RING, state.QUAT : state.QUAT + 4]
        up = Rotation.from_quat(np.roll(ours, -1, axis=1)).inv().apply([*pod["x"][1], 1.0])
        theirs = Rotation.from_quat(np.roll(out["quat6D"][rows], -1, axis=1)).inv().apply([0.0, 0.0, 1.0])
        cosine = (up * theirs).sum(1) / np.linalg.norm(up, axis=1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 1.0, role


def test_a_pelvis_tipped_far_forward_does_not_turn_in_its_own_axis() -> None:
    """For ten minutes of even running: what the axis turned would show as a drop of one side."""
    form = replace(NATURAL, tilt_rad=np.radians(11.0))
    frames, _ = simulate("stand 5; run 3.0", 600.0, form=form, seed=3)
    found = analyse(frames)
    good = found[found["quality"] == 0]
    late = good[good["ic_s"] > 540.0]["pelvic_drop_difference_rad"]
    early = good[(good["ic_s"] > 30.0) & (good["ic_s"] < 90.0)]["pelvic_drop_difference_rad"]
    assert abs(np.degrees(np.nanmean(late) - np.nanmean(early))) < 0.5


@pytest.mark.parametrize("start_s", [5.2, 5.6, 6.1])
def test_a_gap_in_the_first_steps_is_not_filled_with_a_line(frames: Frames, expected: Array, start_s: float) -> None:
    """Half a second of a shank while there is no stride yet to repeat: no good stride is far off afterwards."""
    f = frames[Role.SHANK_LEFT]
    strides = analyse(frames | {Role.SHANK_LEFT: f[(f["t_s"] < start_s) | (f["t_s"] > start_s + 0.5)]})
    a, b = common(strides, expected)
    assert len(a) > 0.8 * len(good(expected))
    for name in ("tibial_inclination_ic_rad", "pelvic_tilt_rad"):
        assert np.degrees(a[name]) == pytest.approx(np.degrees(b[name]), abs=2.5)


@pytest.mark.parametrize("offset_mps2", [-0.2, 0.2])
def test_an_accelerometer_that_does_not_read_1_g_at_rest_tips_nobody(offset_mps2: float) -> None:
    """20 mg, the zero-g level of data sheets, along up would be 0.14 degrees with the pelvis tipped by 7."""
    tipped = simulate("stand 5; run 3.2", 30.0, seed=3, form=replace(NATURAL, tilt_rad=np.radians(8.0)))[0]
    wrong = tipped[Role.PELVIS].copy()
    wrong["acc_mps2"][:, 2] += offset_mps2
    a, b = common(analyse(tipped | {Role.PELVIS: wrong}), analyse(tipped))
    assert len(a) > 40
    assert np.degrees(a["pelvic_tilt_rad"] - b["pelvic_tilt_rad"]) == pytest.approx(0.0, abs=0.08)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data: real runners are not here")
def test_good_strides_are_right_after_all_pods_were_gone() -> None:
    """For 3 s in the middle of a run: they start anew with no rest to tell where up is."""
    frames = read(SHARED / "rbds" / "rbds005_4.5mps.imu.csv.gz")
    gone = {role: f[(f["t_s"] < 15.0) | (f["t_s"] > 18.0)] for role, f in frames.items()}
    a, b = common(analyse(gone), analyse(frames))
    assert len(a[a["ic_s"] > 18.0]) > 15
    assert np.degrees(a["pelvic_tilt_rad"]) == pytest.approx(np.degrees(b["pelvic_tilt_rad"]), abs=1.2)
    assert a["speed_mps"] == pytest.approx(b["speed_mps"], rel=0.04)
    tibia = np.degrees(a["tibial_inclination_ic_rad"] - b["tibial_inclination_ic_rad"])
    assert np.abs(tibia).max() < 1.5
    assert np.sqrt(np.mean(tibia**2)) < 0.6
