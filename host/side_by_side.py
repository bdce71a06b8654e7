"""Jobs side by side on all cores: this process takes part, and one more for each further core.

Each takes the next job that nobody has taken. This one works from the first moment on; the others need most of a second
to start, so a few short jobs are done before they come. Called by analyze.py.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from host.errors import HamstreamError

Share = Callable[[float], None]
Job = TypeVar("Job")
Answer = TypeVar("Answer")

SHOWN_S = 0.1  # how often it is shown how far the others are


class StoppedError(HamstreamError):
    """Nobody has a use for the answer any more."""


@dataclass(frozen=True, slots=True)
class _Table:
    """What all processes see."""

    taken: Any  # how many jobs somebody has taken
    shares: Any  # by job, what share of it is done
    prepared: Any  # set when helpers may begin
    stop: Any  # set when they are to end

    def next(self) -> int:
        """Number of the next job, beyond the last one when all are taken."""
        with self.taken.get_lock():
            self.taken.value += 1
            return int(self.taken.value) - 1


def side_by_side(
    work: Callable[[Job, Share], Answer],
    jobs: Sequence[Job],
    prepare: Callable[[], None],
    show: Callable[[Sequence[float]], None],
) -> list[Answer | None]:
    """The answer of `work(job, share)` for each job; None where the process that had it died.

    work: a function of a module, which tells `share` now and then how much is done; its errors are its answers.
    prepare: a function of a module; called first here, then in each helper, before it takes a job: what is slow once is
    left behind by then. show: told the shares of all jobs.
    """
    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks
    shares = context.Array("d", len(jobs), lock=False)
    table = _Table(context.Value("q", 0), shares, context.Event(), context.Event())
    answers: dict[int, Answer] = {}
    helpers, readers = [], []
    for _ in range(min(len(jobs), os.cpu_count() or 1) - 1):
        reader, writer = context.Pipe(duplex=False)
        helpers.append(context.Process(target=_help, args=(work, jobs, prepare, table, writer), daemon=True))
        helpers[-1].start()
        writer.close()  # so that the reader sees the end of a helper that dies
        readers.append(reader)

    def told(number: int) -> Share:
        def share(value: float) -> None:
            shares[number] = value
            show(shares)

        return share

    try:
        prepare()
        table.prepared.set()
        while (number := table.next()) < len(jobs):
            answers[number] = work(jobs[number], told(number))
        while readers and len(answers) < len(jobs):
            heard = wait(readers, SHOWN_S)
            for reader in [reader for reader in readers if reader in heard]:
                try:
                    number, answer = reader.recv()
                    answers[number] = answer
                except EOFError:
                    readers.remove(reader)
            show(shares)
        for helper in helpers:
            helper.terminate()  # one may be starting still
    except BaseException:
        table.stop.set()
        table.prepared.set()
        raise
    finally:
        for helper in helpers:
            helper.join()
    return [answers.get(number) for number in range(len(jobs))]


def _help(
    work: Callable[[Job, Share], Answer],
    jobs: Sequence[Job],
    prepare: Callable[[], None],
    table: _Table,
    writer: Connection,
) -> None:
    """In a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle

    def told(number: int) -> Share:
        def share(value: float) -> None:
            table.shares[number] = value
            if table.stop.is_set():
                raise StoppedError("stopped")

        return share

    table.prepared.wait()
    if not table.stop.is_set():
        prepare()
    while not table.stop.is_set() and (number := table.next()) < len(jobs):
        writer.send((number, work(jobs[number], told(number))))
