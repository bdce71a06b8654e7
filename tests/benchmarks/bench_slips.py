"""What the core makes of a pod that slips mid-run: `python -m tests.benchmarks.bench_slips [quick | constants]`.

Real runners (../shared/data/rbds) whose samples are turned from one moment on, as those of a pod that turns on its
segment: about the segment's left, long or forward axis, by so many degrees, within 50 to 300 ms, in stance or in swing.
Errors are against the same strides of the same session without a slip: inclination of the shank that slipped, tilt
and drop where the pelvis's pod did. Then shank pods that turn half around the leg, and pods that are turned by hand
while their runner stands (the hard sessions). Then what running without a slip is taken for one, real and simulated.

`constants [NAME ...]` halves and doubles what the decision is tuned by, parameters and numbers in the source, on eight
sessions: 20 to 90 s for each. All takes some minutes; `quick` is eight sessions.
"""

import itertools
import json
import math
import pickle
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.progress import track
from scipy.spatial.transform import Rotation

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from dsp.types import Quality, Role
from firmware_sim.offline import simulate
from firmware_sim.runner.form import FAULTS, STRENGTHS
from tests.benchmarks.bench_core import read_table
from tests.benchmarks.changed_core import run_changed
from tests.dsp.contacts_of import WAYS
from tests.host.coach.scenarios import KINDS, SIDED, healthy

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Frames = dict[Role, np.ndarray]

AXES = ("left", "long", "forward")
SIZES_DEG = (4, 8, 12, 15, 20, 30)
AROUND_DEG = (60, 100, 140, 180)  # of the shanks, about the leg; by some hands too
STOP_DEG = (5, 10, 20, 60)
LASTS_S = (0.05, 0.15, 0.3)
PHASES = {"stance": 0.15, "swing": 0.65}  # share of the leg's stride at which the slip begins
# What the decision is tuned by besides parameters: file of dsp, name.
NUMBERS = (
    "slip.KNOWN",
    "slip.MEMORY",
    "slip.NO_WAY_RAD",
    "slip.SPREAD_GAIN",
    "slip.STAYS_OFF",
    "slip.SEAT_VARIANCE",
    "state.OFF",
    "state.PHASES",
    "state.BEFORE",
    "onset.RAMP",
    "onset.MARGIN",
    "astray.TURN_STEPS",
    "astray.FLAGGED",
    "astray.DRIVE_STEPS",
    "midstance.RECENT",
    "midstance.SURE_SD",
    "way.MOST_ROUNDS",
    "way.ENOUGH_RAD",
)
AFTER = 10  # strides of a leg by which the pod has to sit right again
SLIP_S = 18.0  # the first stride that begins later has the slip


@dataclass(frozen=True)
class Session:
    name: str
    frames: Frames
    strides: np.ndarray  # without a slip, in the order of their contacts
    axes: dict[Role, np.ndarray]  # forward, left and up of the segment in the sensor, rows
    offset: dict[Role, np.ndarray]  # of the gyro


@dataclass(frozen=True)
class Slip:
    role: Role
    axis: str
    degrees: float
    lasts_s: float
    phase: str

    def is_like(self, role: Role, axis: str, degrees: float) -> bool:
        return (self.role, self.axis, abs(self.degrees)) == (role, axis, degrees)


@dataclass(frozen=True)
class Outcome:
    """What came of one slip. Strides count from the slip on, of the leg (shank) or of both (pelvis)."""

    found_after: float  # strides up to and with the first that is flagged; NaN: none
    flagged: int
    worst_good_deg: float  # of all strides called good
    astray_good: int  # how many of those are more than 3 deg off
    late_deg: float  # worst of all strides after AFTER, called good or not
    late_good: float  # share of those that are called good


def analyse(frames: Frames, co: Params) -> tuple[np.ndarray, GaitAnalyzer]:
    analyzer = GaitAnalyzer(replace(co, lag_s=1e3))
    parts = [analyzer.push(role, f) for role, f in frames.items()]
    strides = np.concatenate([*parts, analyzer.flush()])
    return strides[np.argsort(strides["ic_s"], kind="stable")], analyzer


def session_of(path: Path) -> Session:
    frames = read_table(path)
    strides, analyzer = analyse(frames, Params())
    axes, offset = {}, {}
    for role in Role:
        pod = analyzer._pods[role]
        axis, up = pod["axis"].copy(), pod["up"].copy()
        axis -= axis @ up * up
        axis /= np.linalg.norm(axis)
        forward, left = (axis, np.cross(up, axis)) if role is Role.PELVIS else (np.cross(axis, up), axis)
        axes[role] = np.array([forward, left, up])
        offset[role] = pod["bias"].copy()
    return Session(path.name.split(".imu")[0], frames, strides, axes, offset)


def slipped(session: Session, slip: Slip) -> tuple[Frames, float]:
    """The session with the slip in it, and when that begins."""
    side = max(slip.role - 1, 0)
    mine = session.strides[session.strides["side"] == side]
    stride = mine[np.argmax(mine["ic_s"] > SLIP_S)]
    begin_s = stride["ic_s"] + PHASES[slip.phase] * (stride["next_ic_s"] - stride["ic_s"])
    axis = session.axes[slip.role][("forward", "left", "long").index(slip.axis)]
    return session.frames | {slip.role: turned(session, slip.role, axis, slip.degrees, begin_s, slip.lasts_s)}, begin_s


def turned(
    session: Session, role: Role, axis: np.ndarray, degrees: float, begin_s: float, lasts_s: float
) -> np.ndarray:
    """Frames of a pod that turns about `axis` (sensor axes, unit)."""
    f = session.frames[role].copy()
    angle = np.radians(degrees) * smooth((f["t_s"] - begin_s) / lasts_s)
    turn = Rotation.from_rotvec(np.outer(angle, axis)).inv()
    f["acc_mps2"] = turn.apply(f["acc_mps2"])
    offset = session.offset[role]
    f["gyr_radps"] = turn.apply(f["gyr_radps"] - offset) + offset + np.outer(np.gradient(angle, f["t_s"]), axis)
    return f


def smooth(x: np.ndarray) -> np.ndarray:
    """From 0 to 1 with no jump of the rate."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def outcome(session: Session, slip: Slip, co: Params) -> Outcome:
    frames, begin_s = slipped(session, slip)
    found, _ = analyse(frames, co)
    pelvis = slip.role is Role.PELVIS
    keys = ("pelvic_tilt_rad", "pelvic_drop_rad") if pelvis else ("tibial_inclination_ic_rad",)
    if not pelvis:
        found = found[found["side"] == slip.role - 1]
    found = found[found["next_ic_s"] > begin_s]
    flagged = (found["quality"] & Quality.SLIPPED) > 0
    error = np.full(len(found), np.nan)
    for side in (0, 1):
        mine = np.flatnonzero(found["side"] == side)
        same = session.strides[session.strides["side"] == side]
        near = np.abs(found["ic_s"][mine, None] - same["ic_s"][None]).argmin(axis=1)
        off = np.max([np.abs(found[key][mine] - same[key][near]) for key in keys], axis=0)
        error[mine] = np.degrees(np.where(np.abs(found["ic_s"][mine] - same["ic_s"][near]) < 0.03, off, np.nan))
    # A stride in which the pelvis slips is partly before it; a shank's counts by its contact.
    good = (found["quality"] == 0) & np.isfinite(error)
    late = np.arange(len(found)) >= (2 * AFTER if pelvis else AFTER)
    return Outcome(
        float(flagged.argmax() + 1) if flagged.any() else np.nan,
        int(flagged.sum()),
        float(error[good].max(initial=0.0)),
        int((error[good] > 3.0).sum()),
        float(np.nanmax(error[late], initial=0.0)),
        float((found["quality"][late] == 0).mean()),
    )


def show(label: str, some: Sequence[Outcome]) -> None:
    after = np.array([o.found_after for o in some])
    seen = np.isfinite(after)
    late = np.array([o.late_deg for o in some])
    first = f"{np.median(after[seen]):3.0f} {after[seen].max():4.0f}" if seen.any() else "  -    -"
    print(
        f"{label:34s} {100 * seen.mean():5.0f} %   {first}   {np.mean([o.flagged for o in some]):5.1f}"
        f"   {max(o.worst_good_deg for o in some):5.1f} {np.mean([o.astray_good for o in some]):6.2f}"
        f"   {np.median(late):5.1f} {np.percentile(late, 95):5.1f} {late.max():5.1f}"
        f"   {100 * np.mean([o.late_good for o in some]):4.0f} %"
    )


def header(title: str) -> None:
    late = f"after {AFTER} strides, deg"
    print(f"\n{title:34s} {'':7s}   strides    {'':5s}   good strides   {late:19s} good")
    print(f"{'':34s} {'seen':>7s}   med  max   flags   worst  n > 3   {'med':>5s} {'p95':>5s} {'max':>5s}    then")


def slips(quick: bool) -> Iterator[Slip]:
    for role, axis, size, last, phase in itertools.product(Role, AXES, SIZES_DEG, LASTS_S, PHASES):
        if not quick or last == LASTS_S[1]:
            yield Slip(role, axis, size, last, phase)


def outcomes(sessions: Sequence[Session], some: Sequence[Slip], co: Params) -> list[tuple[Slip, Outcome]]:
    """Of every slip on every session, half of them to the other side."""
    both = [
        (s, replace(slip, degrees=(-1) ** (i + j) * slip.degrees))
        for i, s in enumerate(sessions)
        for j, slip in enumerate(some)
    ]
    return [(slip, outcome(s, slip, co)) for s, slip in track(both, "slipping", transient=True)]


def table(found: Sequence[tuple[Slip, Outcome]]) -> None:
    header(f"{len(found)} slips")
    for role, axis, size in itertools.product(Role, AXES, SIZES_DEG):
        show(f"{role.label} {axis} {size} deg", [o for slip, o in found if slip.is_like(role, axis, size)])
    header("by how fast, 12 to 30 deg")
    for role, last, phase in itertools.product(Role, LASTS_S, PHASES):
        mine = [x for x in found if (x[0].role, x[0].lasts_s, x[0].phase) == (role, last, phase)]
        some = [o for slip, o in mine if abs(slip.degrees) >= 12]
        if some:
            show(f"{role.label} {1e3 * last:.0f} ms in {phase}", some)


def good_ones(session: Session, frames: Frames, begin_s: float) -> tuple[int, int, float]:
    """Of strides after `begin_s` that are called good: how many, how many have a contact of none, and the worst angle.

    That is of inclination, tilt and drop, deg.
    """
    found = analyse(frames, Params())[0]
    found = found[(found["quality"] == 0) & (found["next_ic_s"] > begin_s)]
    none, worst = 0, 0.0
    for stride in found:
        same = session.strides[session.strides["side"] == stride["side"]]
        same = same[np.abs(same["ic_s"] - stride["ic_s"]).argmin()]
        none += abs(same["ic_s"] - stride["ic_s"]) > 0.03
        for key in ("pelvic_tilt_rad", "pelvic_drop_rad", "tibial_inclination_ic_rad"):
            worst = max(worst, abs(math.degrees(stride[key] - same[key])))
    return len(found), none, worst


def half_around(sessions: Sequence[Session]) -> None:
    """Shank pods that turn about the leg, or about an axis 5 degrees off it."""
    print("\naround the leg       slips   with a good stride whose contact is none   worst good stride, deg")
    for degrees in AROUND_DEG:
        some = []
        for session, role, tilted in itertools.product(sessions, list(Role)[1:], (0.0, 0.09)):
            axis = session.axes[role][2] + tilted * session.axes[role][1]
            frames = turned(session, role, axis / np.linalg.norm(axis), degrees, SLIP_S, LASTS_S[1])
            some.append(good_ones(session, session.frames | {role: frames}, SLIP_S))
        print(f"{degrees:4d} deg {len(some):17d} {sum(x[1] > 0 for x in some):28d} {max(x[2] for x in some):28.1f}")


def by_hand(paths: Sequence[Path]) -> None:
    """Pods turned within a second, 5 s into the stop of a hard session; strides of the 24 s after it."""
    print("\nin a stop                    sessions   no good stride   a good one > 3 deg off   worst, deg")
    sessions = []
    for path in track(paths, "reading", transient=True):
        stop = json.loads(path.with_name(path.name.replace(".imu.csv.gz", ".json")).read_text())["stop_s"]
        session = session_of(path)
        frames = {role: f[f["t_s"] < stop[1] + 24.0] for role, f in session.frames.items()}
        sessions.append((replace(session, frames=frames), stop))
    both = (Role.SHANK_LEFT, Role.SHANK_RIGHT)
    for roles, axis, degrees in itertools.product([(role,) for role in Role] + [both], AXES, STOP_DEG):
        some = []
        for session, stop in sessions:
            at = ("forward", "left", "long").index(axis)
            frames = {
                role: turned(session, role, session.axes[role][at], degrees, stop[0] + 5.0, 1.0) for role in roles
            }
            some.append(good_ones(session, session.frames | frames, stop[1]))
        label = f"{'both shanks' if len(roles) > 1 else roles[0].label} {axis} {degrees} deg"
        off = sum(x[2] > 3.0 for x in some)
        print(
            f"{label:28s} {len(some):5d} {sum(x[0] == 0 for x in some):16d} {off:20d} {max(x[2] for x in some):20.1f}"
        )


def calm(seconds: float) -> Iterator[tuple[str, str, Frames]]:
    """Kind, name and frames of running without a slip: real, and simulated of every kind."""
    for path in sorted(DATA.glob("rbds*/*.imu.csv.gz")):
        yield path.parent.name, path.name, read_table(path)
    for (way, plan), seed in itertools.product(WAYS.items(), (1, 2)):
        yield "ways to run", way, simulate(plan, 45.0, seed=seed)[0]
    for (fault, strength), seed in itertools.product(itertools.product(FAULTS, STRENGTHS), (1, 2, 3)):
        for side in ("", "left", "right") if fault in SIDED else ("",):
            plan = f"stand 5; run 3.2; at 25 {fault} {strength} {side} deaf; at 40 well"
            yield "faults", f"{fault} {strength} {side}", simulate(plan, 55.0, seed=seed)[0]
    for seed, (one, other) in enumerate(itertools.combinations(FAULTS, 2)):
        plan = f"stand 5; run 3.2; at 25 {one} strong deaf; {other} strong deaf; at 40 well"
        yield "two faults", f"{one} + {other}", simulate(plan, 55.0, seed=seed)[0]
    for n, (kind, plan) in enumerate(KINDS.items()):
        yield "healthy runners", kind, simulate("stand 5; " + plan, seconds, seed=1000 + n, form=healthy(n))[0]


Calm = list[tuple[str, str, Frames]]


def false_alarms(some: Calm, co: Params) -> dict[str, list[int]]:
    """By kind: sessions, strides, those called good, those called slipped, sessions in which some were."""
    found: dict[str, list[int]] = {}
    for kind, name, frames in track(some, "running", transient=True):
        quality = analyse(frames, co)[0]["quality"]
        slipped = int(((quality & Quality.SLIPPED) > 0).sum())
        if slipped:
            print(f"  {kind}, {name}: {slipped} strides called slipped", file=sys.stderr)
        news = (1, len(quality), int((quality == 0).sum()), slipped, int(slipped > 0))
        found[kind] = [a + b for a, b in zip(found.get(kind, [0] * 5), news, strict=True)]
    return found


def worth(sessions: Sequence[Session], some: Calm, co: Params) -> str:
    """Slips about the left and forward axis that are seen, the worst good stride; the pelvis about the vertical; then
    false ones, and good strides."""
    level = [Slip(role, axis, d, 0.15, "swing") for role in Role for axis in ("left", "forward") for d in (4, 6, 8, 20)]
    upright = [Slip(Role.PELVIS, "long", d, 0.15, "swing") for d in (15, 20)]
    text = []
    for slips, sizes in ((level, (4, 6, 8, 20)), (upright, (15, 20))):
        found = outcomes(sessions, slips, co)
        for d in sizes:
            mine = [o for s, o in found if abs(s.degrees) == d]
            text.append(f"{100 * np.mean([np.isfinite(o.found_after) for o in mine]):3.0f}")
        worst = max(o.worst_good_deg for s, o in found if abs(s.degrees) >= 8)
        late = np.percentile([o.late_deg for s, o in found if abs(s.degrees) >= 8], 95)
        text.append(f"{worst:5.1f} {late:4.1f}  ")
    n, strides, good, _, wrong = np.sum(list(false_alarms(some, co).values()), axis=0)
    return " ".join(text) + f" {wrong} of {n}, {100 * good / strides:.2f} %"


def constants(wanted: Sequence[str]) -> None:
    """One line for each constant at half and at twice its value."""
    names = [f.name for f in fields(Params) if f.name.startswith(("slip_", "astray_"))] + list(NUMBERS)
    head = "seen of 4, 6, 8, 20 deg, worst, p95; vertical 15, 20 deg, worst, p95; called slipped, no slip; good"
    print(f"{'':26s} {head}", flush=True)
    with TemporaryDirectory() as folder:
        kept = Path(folder) / "frames"
        kept.write_bytes(pickle.dumps((tuning_sessions(), list(calm(120.0)))))
        for name, factor in [("", 1.0), *itertools.product(wanted or names, (0.5, 2.0))]:
            if "." in name:
                text = run_changed(name, factor, "tests.benchmarks.bench_slips", "worth", str(kept))
            else:
                co = Params(**{name: factor * getattr(Params(), name)} if name else {})
                text = worth(*pickle.loads(kept.read_bytes()), co)
            print(f"{f'{name} x {factor}' if name else 'as they are':26s} {text.strip()}", flush=True)


def tuning_sessions() -> list[Session]:
    return [session_of(path) for path in sorted(DATA.glob("rbds/*.imu.csv.gz"))[::3]]


def main() -> None:
    arguments = sys.argv[1:]
    paths = sorted(DATA.glob("rbds/*.imu.csv.gz"))
    if not paths:
        sys.exit("no real runners in ../shared/data")
    if "constants" in arguments:
        constants(arguments[1:])
        return
    if "worth" in arguments:  # in a core with one number changed
        print(worth(*pickle.loads(Path(arguments[1]).read_bytes()), Params()))
        return
    quick = "quick" in arguments
    sessions = [session_of(path) for path in track(paths[:: 3 if quick else 1], "reading", transient=True)]
    table(outcomes(sessions, list(slips(quick)), Params()))
    half_around(sessions)
    by_hand(sorted(DATA.glob("rbds_hard/*.imu.csv.gz")))
    print("\nno slip")
    for kind, (n, strides, good, slipped, _) in false_alarms(list(calm(120.0 if quick else 900.0)), Params()).items():
        share = 100 * good / strides
        print(f"{kind:20s} {n:3d} sessions, {strides:6d} strides, {share:4.1f} % good, {slipped} called slipped")


if __name__ == "__main__":
    main()
