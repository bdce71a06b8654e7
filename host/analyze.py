"""Files to strides and cues, as fast as it goes: the work of `hamstream analyze`.

Each recording (`.mcap`) or plain table (see tables.py) goes through the pipeline of a live run: streaming
analyzer and coach, nothing that looks ahead.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from dsp.analyzer import warm_up
from host.coach.profile import Profile
from host.coach.told import Told
from host.errors import HamstreamError, SinkError, TableError
from host.pipeline import Output, Pipeline
from host.pods.runs import in_batches
from host.records import Person, PodEvent
from host.results import whole_file, writer
from host.side_by_side import Share, side_by_side
from host.table_checks import MAX_DISORDER_S
from host.tables import SUFFIXES, read_table, table_name
from host.tally import Tally

if TYPE_CHECKING:
    from host.config import Config

# A table is pushed pod by pod in chunks, so its pods lag one another by a chunk and the disorder of its rows.
# The strides are the same for any chunk; 30 s took 95 % of the time of 5 s, 60 s no less (measured).
TABLE_CHUNK_S = 30.0
TABLE_LAG_S = TABLE_CHUNK_S + 2 * MAX_DISORDER_S
# Chunks read ahead, for a file is read in bursts of 100 s. With 8 (10 MB) an hour of Parquet takes 0.9 s instead of
# 1.1, with one no less (measured).
AHEAD = 8

# A recording's size by the bytes of its events: 34 MB an hour for 30 MB of packets (measured).
RECORDED_SHARE = 1.13

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Job:
    """One file to analyse. Everything in it can be sent to another process."""

    path: Path
    out: Path
    told: Told | None = None

    @property
    def name(self) -> str:
        """What the results are called. Raises TableError for a file of no known kind."""
        name = self.path.stem if self.path.suffix == ".mcap" else table_name(self.path)
        if name is None:
            kinds = ", ".join(("NAME.mcap", *(f"NAME{suffix}" for suffix in SUFFIXES[:3])))
            raise TableError(self.path, f"is no kind of file that can be analysed; rename or convert it to {kinds}")
        return name


def analyze_files(
    paths: Sequence[Path], out: Path, *, runner: str | None = None, config: "Config | None" = None
) -> int:
    """Writes `NAME.strides.csv` and `NAME.cues.csv` for each file into the folder `out`, made if need be.

    For a recording also `NAME.session.json`, with the UTC time at which its seconds start. With `runner` (and
    then `config`) the coach knows the runner's profile, file after file, and the store's copy is updated;
    without, no profile is read or written. What was found is said in a line for each file. Returns the exit status:
    0, or 2 when a file was wrong, which is said on stderr, as is a file of which little can be told; the others are
    analysed all the same. Raises SinkError when `out` cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(str(out), f"cannot be made ({error.strerror}); choose another folder with --out") from error
    jobs, problems = _plan(list(dict.fromkeys(paths)), out)
    with _progress_bar(jobs) as bar:
        if runner is not None and config is not None:
            results = _one_after_another(jobs, bar, runner, config)
        elif len(jobs) > 1:
            results = _all_cores(jobs, bar)
        else:
            results = [_attempt(job, bar[i]) for i, job in enumerate(jobs)]
    for job, result in zip(jobs, results, strict=True):
        if result.problem:
            problems.append(result.problem)
            continue
        print(f"{job.path}: {result.tally}; see {job.out / job.name}.strides.csv")
        for doubt in result.tally.doubts:
            print(f"hamstream: {job.path}: {doubt}", file=sys.stderr)
    for problem in problems:
        print(f"hamstream: {problem}", file=sys.stderr)
    return 2 if problems else 0


def _plan(paths: Sequence[Path], out: Path) -> tuple[list[_Job], list[str]]:
    """The jobs that can be started, and what is wrong with the rest."""
    jobs: dict[str, _Job] = {}
    problems = []
    for path in paths:
        job = _Job(path, out)
        try:
            first = jobs.setdefault(job.name, job)
        except TableError as error:
            problems.append(str(error))
            continue
        if first is not job:
            problems.append(f"{path}: its results would overwrite those of {first.path}; choose another --out for it")
    return list(jobs.values()), problems


# --- one file ---


@dataclass(frozen=True, slots=True)
class _Result:
    """What is wrong with a file, or what was found in it and the runner's profile after it."""

    problem: str = ""
    tally: Tally = field(default_factory=Tally)
    profile: Profile | None = None


def _attempt(job: _Job, share: Share) -> _Result:
    try:
        return _analyze(job, share)
    except HamstreamError as error:
        return _Result(str(error))


def _analyze(job: _Job, share: Share) -> _Result:
    """Raises TableError, RecordingError, SinkError, leaving nothing."""
    tally = Tally()
    told = job.told or _told_by(job.path)
    coach = told.coach()
    with ExitStack() as stack:

        def result(kind: str) -> TextIO:
            return stack.enter_context(whole_file(job.out / f"{job.name}.{kind}"))

        rows = writer(result("strides.csv"), result("cues.csv"))

        def write(output: Output) -> None:
            rows(output)
            tally.add(output)

        if job.path.suffix == ".mcap":
            from host.sinks.mcap_file import is_whole  # here, because workers start faster without
            from host.sinks.recording import read_recording

            # Events come as they did live, so they are waited for as they were live.
            pipeline = Pipeline(coach, leg_length_m=told.leg_length_m)
            info, events = read_recording(job.path)
            with job.path.open("rb") as file:
                tally.cut = not is_whole(file)
            json.dump(asdict(info), result("session.json"), indent=2)
            for batch in batches_of(events, job.path.stat().st_size, share):
                write(pipeline.push_events(batch))
        else:
            pipeline = Pipeline(coach, lag_s=TABLE_LAG_S, leg_length_m=told.leg_length_m)
            for chunk in _ahead(read_table(job.path, TABLE_CHUNK_S, share)):
                for role, frames in chunk.items():
                    write(pipeline.push_frames(role, frames))
        write(pipeline.finish())
    share(1.0)
    return _Result(tally=tally, profile=coach.profile())


def _told_by(path: Path) -> Told:
    """Nothing; of a recording the leg length, so that its strides are those of the run. Raises RecordingError."""
    if path.suffix != ".mcap":
        return Told(Person(""))
    from host.sinks.recording import read_coach

    text = read_coach(path).get("leg_length_m")
    return Told(Person("", leg_length_m=float(text) if text else None))


def batches_of(events: Iterator[PodEvent], size: int, share: Share) -> Iterator[list[PodEvent]]:
    """As `in_batches`. Tells about how much of a recording has been read, by its events' bytes and the file's."""
    done = 0
    for batch in in_batches(events):
        yield batch
        done += sum(len(event.data) for event in batch)
        share(min(done * RECORDED_SHARE / size, 1.0))


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, a few of them made ahead in a thread: a file is read and unpacked while the coach thinks."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        made = deque(pool.submit(next, items, end) for _ in range(AHEAD))
        while (item := made.popleft().result()) is not end:
            made.append(pool.submit(next, items, end))
            yield cast(Item, item)


# --- many files ---


def _one_after_another(jobs: Sequence[_Job], bar: "_Bar", runner: str, config: "Config") -> list[_Result]:
    """The files as sessions of one runner, whose profile goes from each to the next."""
    from host.person.known import known
    from host.sinks.store import Store

    async def read() -> Told:
        async with Store.open(config.database) as store:
            return await known(config, store, runner)

    async def save(profile: Profile) -> None:
        async with Store.open(config.database) as store:
            await store.save_baseline(runner, profile.to_json())

    before = told = asyncio.run(read())
    results = []
    for i, job in enumerate(jobs):
        results.append(_attempt(replace(job, told=told), bar[i]))
        told = replace(told, profile=results[-1].profile or told.profile)
    if told != before:
        asyncio.run(save(told.profile))
    return results


def _all_cores(jobs: Sequence[_Job], bar: "_Bar") -> list[_Result]:
    """The files side by side."""
    results = side_by_side(_attempt, jobs, warm_up, bar.show)
    died = "the process that analysed it died, perhaps for want of memory; analyse it alone"
    return [result or _Result(f"{job.path}: {died}") for job, result in zip(jobs, results, strict=True)]


# --- progress ---


class _Bar:
    """One progress bar for all files, by bytes. `bar[i]` is told what share of file `i` has been read."""

    def __init__(self, progress: Progress, sizes: Sequence[int]) -> None:
        self._progress = progress
        self._sizes = sizes
        self._shares = [0.0] * len(sizes)
        self._task = progress.add_task("analysing", total=sum(sizes))

    def __getitem__(self, index: int) -> Share:
        def share(value: float) -> None:
            self._shares[index] = value
            self.show(self._shares)

        return share

    def show(self, shares: Sequence[float]) -> None:
        done = sum(size * part for size, part in zip(self._sizes, shares, strict=True))
        self._progress.update(self._task, completed=done)


@contextmanager
def _progress_bar(jobs: Sequence[_Job]) -> Iterator[_Bar]:
    """On a terminal only, on stderr, and gone when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress, [job.path.stat().st_size if job.path.exists() else 0 for job in jobs])
