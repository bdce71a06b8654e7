"""The command `hamstream`. Every heavy import waits until its command runs: `--help` must answer at once.

Exit status: 0 done, 1 something is broken, 2 wrong use or wrong input.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from host.errors import HamstreamError
from host.person.arguments import add_commands as add_person_commands

if TYPE_CHECKING:
    from dsp.types import Role
    from host.config import Config

DISCLAIMER = "hamstream is a training aid, not a medical device."


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.DEBUG if args.verbose else logging.WARNING)
    try:
        return int(args.command(args) or 0)
    except HamstreamError as error:
        print(f"hamstream: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hamstream",
        description="Real-time running-form coaching from three IMU pods (pelvis, left and right shank).",
        epilog=DISCLAIMER,
    )
    parser.add_argument("--config", type=Path, help="configuration file (default: the user's, see docs/config.md)")
    parser.add_argument("--verbose", action="store_true", help="log what happens inside")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="simulated pods and runner: watch the whole thing work")
    demo.add_argument("--seconds", type=_positive, help="end after this long (default: until Ctrl-C)")
    demo.add_argument("--seed", type=int, default=1, help="which simulated runner (default 1)")
    _add_listen(demo)
    demo.set_defaults(command=_demo)

    scan = commands.add_parser("scan", help="pods in the air")
    scan.add_argument("--seconds", type=_positive, default=5.0, help="how long to listen (default 5)")
    _add_radio(scan)
    scan.set_defaults(command=_scan)

    run = commands.add_parser("run", help="coach a run with real pods")
    run.add_argument("--runner", action="append", metavar="NAME", help="who runs; repeat for several")
    run.add_argument("--seconds", type=_positive, help="end after this long (default: until Ctrl-C)")
    _add_radio(run)
    _add_listen(run)
    run.set_defaults(command=_run)

    replay = commands.add_parser("replay", help="a recording through the live pipeline, sinks and all")
    replay.add_argument("file", type=Path, help="recording (.mcap)")
    replay.add_argument("--speed", type=_speed, default=1.0, help="how many times as fast, or max (default 1)")
    replay.add_argument("--runner", metavar="NAME", help="coach as this runner is coached now (default: as then)")
    _add_listen(replay)
    replay.set_defaults(command=_replay)

    analyze = commands.add_parser("analyze", help="recordings or tables to strides and cues, as fast as it goes")
    analyze.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help=".mcap, .imu.csv, .imu.csv.gz, .imu.parquet"
    )
    analyze.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    analyze.add_argument("--runner", metavar="NAME", help="use and update this runner's profile (default: none)")
    analyze.set_defaults(command=_analyze)

    add_person_commands(commands, _person)

    sessions = commands.add_parser("sessions", help="what is stored")
    sessions.set_defaults(command=_person, action="sessions")

    report = commands.add_parser("report", help="a session as one page to read, keep and print")
    _add_session(report)
    report.add_argument("--out", type=Path, metavar="FILE", help="file or folder (default: SESSION.html, here)")
    report.set_defaults(command=_report)

    export = commands.add_parser("export", help="a session as files for other programs")
    _add_session(export)
    export.add_argument("--format", choices=("csv", "parquet", "fit"), required=True, help="fit: for training services")
    export.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder for the files (default: here)")
    export.set_defaults(command=_export)

    doctor = commands.add_parser("doctor", help="what works, what does not, what to do")
    doctor.set_defaults(command=_doctor)
    return parser


def _add_radio(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--radio",
        metavar="SPEC",
        help="a Bumble transport instead of this computer's Bluetooth, e.g. tcp-client:127.0.0.1:9900",
    )


def _add_listen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        type=_address,
        metavar="HOST[:PORT]",
        help="where the live page listens, e.g. 0.0.0.0 for phones in the network; beyond this computer it needs "
        "HAMSTREAM_WEB_TOKEN (default: as configured, else 127.0.0.1:8808)",
    )


def _address(text: str) -> dict[str, Any]:
    """`HOST`, `HOST:PORT`, `::1` or `[::1]:PORT`, as keys of the table [web]."""
    bare = text.count(":") > 1 and not text.startswith("[")  # an IPv6 address without a port
    try:
        parts = urlsplit(f"//[{text}]" if bare else f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST or HOST:PORT ({error})") from error
    if not host or host.isdigit() or parts.netloc.endswith(":") or parts.path or parts.username is not None:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST or HOST:PORT, such as 127.0.0.1:8808")
    return {"enabled": True, "host": host} | ({} if port is None else {"port": port})


def _add_session(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", help="as `hamstream sessions` shows it, or last")


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"`{text}` is no number above 0")
    return number


def _speed(text: str) -> float:
    return float("inf") if text == "max" else _positive(text)


def _config(args: argparse.Namespace) -> "Config":
    from host.config import load

    return load(args.config, web=getattr(args, "listen", None))


def _until_stopped(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` until it ends, or Ctrl-C, SIGTERM or a terminal that is closed cancels it: all end it cleanly."""
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    async def bounded() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C arrives as KeyboardInterrupt
                loop.add_signal_handler(number, task.cancel)
        hangup = getattr(signal, "SIGHUP", None)  # Windows has none
        if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(hangup, partial(_hang_up, task, terminals))
        with contextlib.suppress(asyncio.CancelledError):
            await main

    asyncio.run(bounded())


def _hang_up(task: asyncio.Task[Any], terminals: Sequence[int]) -> None:
    """Ends the run; what it still says goes nowhere, for to write to a terminal that is gone is an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in terminals:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    task.cancel()


def _demo(args: argparse.Namespace) -> None:
    print("Starting the demo: three simulated pods and a simulated runner. Ctrl-C ends it.", flush=True)
    from firmware_sim.demo import demo  # takes seconds on a slow computer

    _until_stopped(demo(_config(args), seconds=args.seconds, seed=args.seed))


def _scan(args: argparse.Namespace) -> None:
    from host.pods.scan import scan

    async def show() -> None:
        async with _backends(args.radio) as (scanner_backend, _):
            pods = await scan(args.seconds, scanner_backend=scanner_backend)
        if not pods:
            print("No pod in the air. Are they charged, awake and near?")
            return
        print(f"{'role':<12} {'name':<19} {'address':<18} {'signal':>8} {'battery':>8}")
        for pod in pods:
            battery = "" if pod.battery_percent is None else f"{pod.battery_percent} %"
            print(f"{pod.role or '?':<12} {pod.name:<19} {pod.address:<18} {pod.rssi_dbm:>4} dBm {battery:>8}")

    _until_stopped(show())


@contextlib.asynccontextmanager
async def _backends(spec: str | None) -> Any:
    """bleak's own backends, or those of a Bumble transport."""
    if spec is None:
        yield None, None
        return
    from firmware_sim.radio.backend import open_backends

    async with open_backends(spec) as backends:
        yield backends


def _run(args: argparse.Namespace) -> None:
    from host.person.known import new_here
    from host.pods.scan import Radio
    from host.service import Job, serve
    from host.sinks.store import Store
    from host.sources import live_pods

    config = _config(args)
    names = list(dict.fromkeys(args.runner or [config.only_runner()]))
    addresses = {name: _pods_of(config, name, alone=len(names) == 1) for name in names}

    async def run() -> None:
        async with Store.open(config.database) as store:
            for name in names:
                if greeting := await new_here(config, store, name):
                    print(greeting, flush=True)
        async with _backends(args.radio) as backends:
            radio = Radio(*backends)
            jobs = [Job(name, live_pods(addresses[name], radio), "pods") for name in names]
            await serve(config, lambda _: jobs, args.seconds)

    _until_stopped(run())


def _pods_of(config: "Config", name: str, *, alone: bool) -> "Mapping[Role, str]":
    """The addresses that the configuration names; none for one who is alone and may wear any pods that are found."""
    from host.person.known import must_be_a_name

    if alone and name not in [runner.name for runner in config.runners]:
        must_be_a_name(name)
        print(f"No pods are configured for {name}: taking the first of each role that is found.", flush=True)
        return {}
    return config.runner(name).pods.by_role()


def _replay(args: argparse.Namespace) -> None:
    from host.coach.told import Told
    from host.errors import RecordingError
    from host.records import REPLAY
    from host.service import Job, serve
    from host.sinks.recording import read_coach, read_recording
    from host.sources import replay

    info, events = read_recording(args.file)
    source, label = replay(events, args.speed), f"{REPLAY}{args.file.name}"
    try:
        told = Told.from_settings(info.runner, read_coach(args.file)) if args.runner is None else None
    except ValueError as error:
        problem = f"its coach was told what this hamstream does not know ({error}); say who ran with --runner"
        raise RecordingError(args.file, problem) from error
    config = _config(args)
    if args.runner not in (None, info.runner):
        asyncio.run(_must_be_known(config, args.runner))
    job = Job(args.runner or info.runner, source, label, told, live=False)
    _until_stopped(serve(config, lambda _: [job]))


async def _must_be_known(config: "Config", runner: str) -> None:
    """A name mistyped would be coached as a runner of whom nothing is known. Raises RunnerError."""
    from host.person.known import must_be_known
    from host.sinks.store import Store

    async with Store.open(config.database) as store:
        await must_be_known(config, store, runner)


def _analyze(args: argparse.Namespace) -> int:
    from host.analyze import analyze_files

    config = None
    if args.runner:
        config = _config(args)
        asyncio.run(_must_be_known(config, args.runner))
    return analyze_files(args.files, args.out, runner=args.runner, config=config)


def _report(args: argparse.Namespace) -> None:
    from host.report.write import write_report

    print(asyncio.run(write_report(_config(args), args.session, args.out)))


def _person(args: argparse.Namespace) -> None:
    from host.person.command import run

    run(_config(args), args)


def _export(args: argparse.Namespace) -> None:
    from host.export.write import export

    for path in export(_config(args), args.session, args.format, args.out):
        print(path)


def _doctor(args: argparse.Namespace) -> int:
    from host.doctor import doctor

    return doctor(args.config)


if __name__ == "__main__":
    sys.exit(main())
