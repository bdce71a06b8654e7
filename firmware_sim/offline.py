"""Simulated sessions without radio, as fast as they go: frames for the core, or tables like recorded ones."""

import csv
import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.types import FRAME, Role
from firmware_sim.chip import Chip, ChipSampler
from firmware_sim.runner.form import NATURAL, Form
from firmware_sim.runner.plan import Plan
from firmware_sim.runner.runner import SimulatedRunner
from firmware_sim.runner.truth import TrueStride, write_truth
from host.pods.profile import PodInfo

PRESSURE_PERIOD_S = 0.5

Frames = dict[Role, NDArray[np.void]]


def simulate(
    plan: Plan | str,
    seconds: float,
    *,
    seed: int = 0,
    form: Form = NATURAL,
    chip: str | Chip = "LSM6DSO",
    rate_error: float | None = 0.0,
    chunk_s: float = 10.0,
) -> tuple[Frames, list[TrueStride]]:
    """Frames of each pod and the true strides of a session that starts at 0 s.

    Frames carry true time. `rate_error` None gives each chip its own wrong rate.
    """
    session = Session(plan, seed=seed, form=form, chip=chip, rate_error=rate_error)
    parts = [session.read(min(t, seconds)) for t in np.arange(chunk_s, seconds + chunk_s, chunk_s)]
    frames = {role: np.concatenate([part[role] for part in parts]) for role in Role}
    return frames, [stride for stride in session.runner.take_truth() if stride.next_ic_s <= seconds]


class Session:
    """A simulated session read piece by piece, so that whoever reads can talk to the runner in between."""

    def __init__(
        self,
        plan: Plan | str,
        *,
        seed: int = 0,
        form: Form = NATURAL,
        chip: str | Chip = "LSM6DSO",
        rate_error: float | None = 0.0,
    ) -> None:
        self.runner = SimulatedRunner(plan, seed=seed, form=form)
        self.samplers = {role: ChipSampler(self.runner, role, chip, seed, rate_error=rate_error) for role in Role}
        self._next_pressure_s = 0.0

    def read(self, until_s: float) -> Frames:
        """What the pods measured since the last call, up to `until_s`."""
        frames = {role: to_frames(sampler.info, *sampler.read(until_s)) for role, sampler in self.samplers.items()}
        pelvis = frames[Role.PELVIS]
        while len(pelvis) and self._next_pressure_s <= pelvis["t_s"][-1]:
            at = np.searchsorted(pelvis["t_s"], self._next_pressure_s)
            pelvis["pressure_pa"][at] = self.samplers[Role.PELVIS].pressure_pa(float(pelvis["t_s"][at]))
            self._next_pressure_s += PRESSURE_PERIOD_S
        return frames


def to_frames(info: PodInfo, t_s: NDArray[np.float64], counts: NDArray[np.int16]) -> NDArray[np.void]:
    """Raw samples as frames in SI units."""
    frames = np.empty(len(t_s), FRAME)
    frames["t_s"] = t_s
    values = counts * info.scale
    frames["acc_mps2"], frames["gyr_radps"] = values[:, :3], values[:, 3:]
    frames["pressure_pa"] = np.nan
    return frames


def write_table(path: Path, frames: Mapping[Role, NDArray[np.void]]) -> None:
    """A plain table of all pods: .csv, .csv.gz or .parquet; anything else raises ValueError."""
    order = np.concatenate([frames[role]["t_s"] for role in frames])
    rows = np.concatenate([frames[role] for role in frames])
    pods = np.concatenate([np.full(len(frames[role]), role.label, object) for role in frames])
    by_time = np.argsort(order, kind="stable")
    rows, pods = rows[by_time], pods[by_time]
    columns = {"t_s": rows["t_s"], "pod": pods}
    columns |= {f"acc_{axis}": rows["acc_mps2"][:, i] for i, axis in enumerate("xyz")}
    columns |= {f"gyr_{axis}": rows["gyr_radps"][:, i] for i, axis in enumerate("xyz")}
    columns["pressure_pa"] = rows["pressure_pa"]
    if path.name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns), path)
        return
    if not path.name.endswith((".csv", ".csv.gz")):
        raise ValueError(f"{path.name}: a table ends in .csv, .csv.gz or .parquet")
    formats = ["{:.6f}", "{}", *["{:.5f}"] * 3, *["{:.6f}"] * 3, "{:.1f}"]
    with gzip.open(path, "wt", newline="") if path.name.endswith(".gz") else path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(
                "" if isinstance(x, float) and np.isnan(x) else f.format(x) for f, x in zip(formats, row, strict=True)
            )


def write_session(
    folder: Path,
    name: str,
    frames: Mapping[Role, NDArray[np.void]],
    truth: list[TrueStride],
    ending: str = ".csv.gz",
) -> Path:
    """NAME.imu.csv.gz (or another ending), NAME.truth.csv and NAME.json in `folder`; returns the table."""
    table = folder / f"{name}.imu{ending}"
    write_table(table, frames)
    write_truth(folder / f"{name}.truth.csv", truth)
    (folder / f"{name}.json").write_text(json.dumps({"simulated": True}))
    return table
