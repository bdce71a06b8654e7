"""`python -m firmware_sim`: simulated pods in a process of their own, for any host."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from dsp.types import Role
from firmware_sim import service
from firmware_sim.ears import cue_address
from firmware_sim.playback import Playback
from firmware_sim.radio.model import RADIO_PRESETS
from firmware_sim.runner.form import Form
from firmware_sim.runner.gait import natural
from firmware_sim.runner.plan import LANGUAGE, PRESETS, RUN_MPS, parse
from firmware_sim.wearer import RunnerWearer, Wearer
from host.errors import HamstreamError

EPILOG = f"""\
{LANGUAGE}
examples:
  python -m firmware_sim --listen 127.0.0.1:9900 --plan demo
      prints "ready tcp-client:127.0.0.1:9900", the Bumble transport by which a host joins the air
  python -m firmware_sim --hci tcp-client:127.0.0.1:9900 --pods shank_left
      one more pod on that air, from another process
  python -m firmware_sim --hci usb:0 --pods pelvis
      a pod on a real dongle, for any Bluetooth host in range
  python -m firmware_sim --play run.imu.csv.gz
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m firmware_sim",
        description="Simulated pods. A runner or a recording wears them; hosts find them by radio.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    air = p.add_argument_group("radio")
    where = air.add_mutually_exclusive_group()
    where.add_argument(
        "--listen",
        metavar="HOST:PORT",
        default="127.0.0.1:0",
        help="an air of our own, which hosts join over TCP; port 0 chooses one (default: %(default)s)",
    )
    where.add_argument(
        "--hci",
        metavar="SPEC",
        action="append",
        help="a Bumble transport: usb:0, serial:/dev/ttyACM0, tcp-client:HOST:PORT of a hub; "
        "repeat it for several dongles, one for each pod",
    )
    air.add_argument("--radio", choices=RADIO_PRESETS, default="clean", help="how good our own air is (default: clean)")
    air.add_argument("--pods", metavar="ROLE,...", help="which pods to simulate (default: all the wearer has)")
    who = p.add_argument_group("wearer")
    what = who.add_mutually_exclusive_group()
    what.add_argument(
        "--plan", metavar="PLAN", help=f"a simulated runner's timeline, see below, or {', '.join(PRESETS)}"
    )
    what.add_argument(
        "--play", metavar="FILE", type=Path, help="a recording (.mcap) or a table (.csv, .csv.gz, .parquet)"
    )
    who.add_argument(
        "--speed",
        metavar="MPS",
        type=float,
        help=f"without a plan: stand, then run at this (default {RUN_MPS})",
    )
    who.add_argument("--cadence", metavar="SPM", type=float, help="steps per minute at that speed (default: natural)")
    who.add_argument("--cues", metavar="URL", help="mqtt://[USER@]HOST:PORT/TOPIC of the cues that are heard")
    who.add_argument(
        "--truth",
        metavar="FILE.csv",
        type=Path,
        help="write the true strides, in seconds of time.monotonic()",
    )
    who.add_argument(
        "--start-at",
        metavar="S",
        type=float,
        help="time.monotonic() at which the wearer begins, for pods of one wearer in several processes "
        "(default: when a host has started all pods)",
    )
    p.add_argument("--seed", type=int, default=0, help="fixes every chance event (default: 0)")
    p.add_argument("--seconds", type=float, help="end after this long (default: at the recording's end, or never)")
    p.add_argument("-v", "--verbose", action="store_true", help="say what happens, on stderr")
    return p


def make_wearer(args: argparse.Namespace) -> Wearer:
    """Raises ValueError or HamstreamError, with what to do."""
    if args.play is not None:
        for option in ("cues", "truth", "speed", "cadence"):
            if getattr(args, option) is not None:
                raise ValueError(f"--{option} is for a simulated runner, not for --play")
        return Playback.load(args.play)
    if args.plan is not None and args.speed is not None:
        raise ValueError("--speed is for a run without --plan; a plan says `run SPEED` itself")
    speed_mps = args.speed or RUN_MPS
    plan = parse(args.plan or f"stand 5; run {speed_mps}")
    cadence = args.cadence / natural(speed_mps).cadence_spm - 1.0 if args.cadence else 0.0
    if args.cues is not None:
        cue_address(args.cues)
    return RunnerWearer(plan, seed=args.seed, form=Form(cadence=cadence))


def chosen_roles(wearer: Wearer, names: str | None) -> list[Role]:
    """Raises ValueError for a role that does not exist, or that the wearer does not have."""
    known = {role.label: role for role in wearer.samplers}
    wanted = names.split(",") if names else list(known)
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"there is no pod {', '.join(unknown)}; choose from {', '.join(known)}")
    return [known[name] for name in wanted]


def specs_by_role(roles: Sequence[Role], specs: Sequence[str]) -> dict[Role, str]:
    """Which transport carries which pod. Raises ValueError: a dongle carries one, a hub any number."""
    if len(specs) == 1 and (len(roles) == 1 or specs[0].startswith("tcp-client:")):
        return dict.fromkeys(roles, specs[0])
    if len(specs) != len(roles):
        raise ValueError(f"{len(roles)} pods need {len(roles)} times --hci, or fewer --pods: a dongle carries one")
    return dict(zip(roles, specs, strict=True))


async def run(args: argparse.Namespace, wearer: Wearer, roles: Sequence[Role]) -> None:
    """Until the recording ends, the time is over, or a signal comes. Raises OSError."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with contextlib.AsyncExitStack() as stack:
        if args.hci is None:
            host, _, port = args.listen.rpartition(":")
            air = service.own_air(host or "127.0.0.1", int(port), radio=args.radio, seed=args.seed)
            way, spec = await stack.enter_async_context(air)
            ways = dict.fromkeys(roles, way)
        else:
            ways = {r: service.way_by(s) for r, s in specs_by_role(roles, args.hci).items()}
            spec = " ".join(args.hci)
        if isinstance(wearer, RunnerWearer):
            await stack.enter_async_context(service.attended(wearer, cues=args.cues, truth=args.truth))

        def say_ready() -> None:
            print(f"ready {spec}", flush=True)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(args.seconds):
                await service.run_pods(wearer, ways, seed=args.seed, start_at_s=args.start_at, on_ready=say_ready)


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    args = p.parse_args(argv)
    logging.basicConfig(level=logging.INFO if args.verbose else logging.WARNING, format="%(message)s")
    try:
        wearer = make_wearer(args)
        roles = chosen_roles(wearer, args.pods)
        specs_by_role(roles, args.hci or ["tcp-client:"])
        with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
            asyncio.run(run(args, wearer, roles))
    except (HamstreamError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
