"""What the best that knows the whole session reaches on the same data: `python -m tests.benchmarks.bench_floors`.

Real runners (../shared/data), plain and hard, where the core has least to spare. A floor is acausal: it may look ahead,
be told true contacts, or what this very runner is off by on average. Errors are RMSE, of strides called good.
"""

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vqf
from numpy.typing import NDArray
from rich.progress import track

from dsp.params import Params
from dsp.strides import LANDING_BACK_M, LANDING_SLOPE
from dsp.types import Role, Side
from tests.benchmarks.bench_core import read_table
from tests.benchmarks.bench_slips import DATA, analyse

Array = NDArray[np.float64]
CO = Params()
RATE_HZ = 208.0
WINDOW_S = np.arange(-0.08, 0.081, 0.005)  # around a contact, for what learns its error
STIFF = 1e4  # ridge, in samples of a signal scaled to one: of 1 to 1e4 the best for strangers
SEEN = 25.0 / 40.0  # of a changed landing: the least that is asked for (design targets)


@dataclass(frozen=True)
class Leg:
    """One leg in one session: its strides, one row each in all arrays, found beside true."""

    runner: str
    found: NDArray[np.void]
    true: dict[str, Array]
    tibia_vqf_deg: Array
    around: dict[str, Array]  # (n, features): the shank's samples around the contacts found


def legs_of(path: Path) -> list[Leg]:
    name = path.name.removesuffix(".imu.csv.gz")
    with path.with_name(f"{name}.truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["next_ic_s"]]
    frames = read_table(path)
    strides, _ = analyse(frames, CO)
    legs = []
    for side in Side:
        mine = strides[(strides["side"] == side) & (strides["quality"] == 0)]
        truth = [row for row in rows if row["side"] == side.label]
        true = {key: np.array([float(row[key] or "nan") for row in truth]) for key in truth[0] if key != "side"}
        near = np.abs(mine["ic_s"][:, None] - true["ic_s"][None]).argmin(axis=1)
        near_s = np.abs(mine["ic_s"] - true["ic_s"][near])
        mine, near = mine[near_s < 0.04], near[near_s < 0.04]
        true = {key: values[near] for key, values in true.items()}
        shank = frames[Role(1 + side)]
        t = np.arange(shank["t_s"][0], shank["t_s"][-1], 1.0 / RATE_HZ)
        acc, gyr = (
            np.stack([np.interp(t, shank["t_s"], shank[field][:, j]) for j in range(3)], axis=1)
            for field in ("acc_mps2", "gyr_radps")
        )
        hinge, up = axes(t, acc, gyr)
        signals = np.stack([gyr @ hinge, acc @ up, acc @ np.cross(hinge, up)])
        around = {
            name: np.concatenate([np.interp(mine[name][:, None] + WINDOW_S, t, x) for x in signals], axis=1)
            for name in ("ic_s", "tc_s")
        }
        legs.append(Leg(name.split("_")[0], mine, true, tibia_by_vqf(t, acc, gyr, hinge, up, true["ic_s"]), around))
    return legs


def axes(t: Array, acc: Array, gyr: Array) -> tuple[Array, Array]:
    """Left (3,) and up (3,) of the shank in its sensor, from standing and from all of the run."""
    still = (t > 1.0) & (t < 5.0)
    up = acc[still].mean(axis=0)
    up /= np.linalg.norm(up)
    rates = gyr - gyr[still].mean(axis=0)
    hinge = np.linalg.eigh(rates.T @ rates)[1][:, 2]
    hinge -= hinge @ up * up
    hinge /= np.linalg.norm(hinge)
    return hinge * -np.sign(np.mean((rates @ hinge) ** 3)), up  # a leg swings through faster than it turns back


def tibia_by_vqf(t: Array, acc: Array, gyr: Array, hinge: Array, up: Array, ic_s: Array) -> Array:
    """Inclination at `ic_s` (deg) by VQF over all of the session, forwards and backwards."""
    quat = vqf.offlineVQF(np.ascontiguousarray(gyr), np.ascontiguousarray(acc), None, 1.0 / RATE_HZ)["quat6D"]
    along, left = turned(quat, up), turned(quat, hinge)
    forward = np.stack([left[:, 1], -left[:, 0]], axis=1)
    forward /= np.linalg.norm(forward, axis=1)[:, None]
    inclination = np.arctan2(-np.sum(along[:, :2] * forward, axis=1), along[:, 2])
    return np.degrees(np.interp(ic_s, t, inclination))


def turned(quat: Array, v: Array) -> Array:
    """`v` (3,) by each of (n, 4) quaternions, scalar first."""
    w, u = quat[:, :1], quat[:, 1:]
    t = 2.0 * np.cross(u, v)
    return v + w * t + np.cross(u, t)


def rms(values: list[Array]) -> float:
    return float(np.sqrt(np.nanmean(np.square(np.concatenate(values)))))


def show(title: str, unit: float, kinds: dict[str, list[Leg]], error: Callable[[Leg], Array]) -> None:
    """Errors of `error` by kind, and with each leg's own mean taken off."""
    print(f"  {title:66s}", end="")
    for legs in kinds.values():
        errors = [unit * error(leg) for leg in legs]
        own = rms([e - np.nanmean(e) for e in errors])
        print(f"{rms(errors):8.2f} ({own:5.2f})", end="")
    print()


def tibia_error(leg: Leg, told: bool) -> Array:
    """deg. `told`: at the true contact, by the rate around it."""
    mine = np.degrees(leg.found["tibial_inclination_ic_rad"])
    rate = 0.5 * (leg.found["shank_retraction_radps"] + leg.found["shank_rate_early_stance_radps"])
    late_s = leg.found["ic_s"] - leg.true["ic_s"]
    mine = mine + (np.degrees(rate) * late_s if told else 0.0)
    return mine - leg.true["tibial_inclination_ic_vs_standing_deg"]


def foot_error(leg: Leg, seen: float, told: bool) -> Array:
    """m. The line through the means of runners, and `seen` of what braking says beyond it in all of the session.

    `told`: true speed and contact times.
    """
    contact, speed = leg.found["contact_time_s"], leg.found["speed_mps"]
    braked_s = leg.found["pelvis_over_foot"] * contact
    if told:
        braked_s = braked_s + leg.found["ic_s"] - leg.true["ic_s"]
        contact, speed = leg.true["tc_s"] - leg.true["ic_s"], leg.true["speed_mps"]
    line = LANDING_SLOPE * speed * contact - LANDING_BACK_M
    shift = float(np.nanmean(speed * braked_s - CO.foot_offset_m - line))
    return line + seen * shift - 1e-3 * leg.true["foot_ahead_of_pelvis_mm"]


def learnt_errors(legs: list[Leg], contact: str) -> dict[int, Array]:
    """By leg, s: contacts by a ridge regression on all samples around them, learnt from the other runners."""
    errors = {}
    for runner in sorted({leg.runner for leg in legs}):
        others = [leg for leg in legs if leg.runner != runner]
        x = np.concatenate([leg.around[contact] for leg in others])
        y = np.concatenate([leg.found[contact] - leg.true[contact] for leg in others])
        known = np.isfinite(x).all(axis=1) & np.isfinite(y)
        x, y = x[known], y[known]
        mean, scale = x.mean(axis=0), x.std(axis=0)
        z = (x - mean) / scale
        weights = np.linalg.solve(z.T @ z + STIFF * np.eye(z.shape[1]), z.T @ (y - y.mean()))
        for leg in legs:
            if leg.runner == runner:
                told = (leg.around[contact] - mean) / scale @ weights + y.mean()
                errors[id(leg)] = leg.found[contact] - leg.true[contact] - told
    return errors


def main() -> None:
    kinds = {kind: sorted((DATA / kind).glob("*.imu.csv.gz")) for kind in ("rbds", "rbds_hard")}
    if not kinds["rbds"]:
        sys.exit("no real runners in ../shared/data")
    found = {
        kind: [leg for path in track(paths, kind, transient=True) for leg in legs_of(path)]
        for kind, paths in kinds.items()
    }
    print(f"{'RMSE (with the mean of each leg in each session taken off)':68s}{'plain':>12s}{'hard':>16s}")
    print("tibial inclination at contact, deg (targets 0.8, 1.5)")
    show("core", 1.0, found, lambda leg: tibia_error(leg, False))
    show("core, told the true contacts", 1.0, found, lambda leg: tibia_error(leg, True))
    true = "tibial_inclination_ic_vs_standing_deg"
    show(
        "VQF over all of the session, told the true contacts",
        1.0,
        found,
        lambda leg: leg.tibia_vqf_deg - leg.true[true],
    )
    print("foot ahead of the pelvis, mm (targets 18, 22)")
    ahead = "foot_ahead_of_pelvis_m"
    show("core", 1e3, found, lambda leg: leg.found[ahead] - 1e-3 * leg.true["foot_ahead_of_pelvis_mm"])
    seen = CO.foot_landing_sd_m**2 / (CO.foot_landing_sd_m**2 + CO.foot_measured_sd_m**2)
    show(
        "the same, told contacts and speed, and all of the session", 1e3, found, lambda leg: foot_error(leg, seen, True)
    )
    show(
        "the same that sees the least asked for of a changed landing",
        1e3,
        found,
        lambda leg: foot_error(leg, SEEN, True),
    )
    show("the same that sees nothing of it: the line alone", 1e3, found, lambda leg: foot_error(leg, 0.0, True))
    for contact, title in (("ic_s", "initial contact, ms (SD: 4, 7)"), ("tc_s", "terminal contact, ms (SD: 8, 11)")):
        print(title)
        show("core", 1e3, found, lambda leg, c=contact: leg.found[c] - leg.true[c])  # type: ignore[misc]
        learnt = {key: e for legs in found.values() for key, e in learnt_errors(legs, contact).items()}
        show("learnt from other runners, by all samples 80 ms around", 1e3, found, lambda leg, e=learnt: e[id(leg)])  # type: ignore[misc]


if __name__ == "__main__":
    main()
