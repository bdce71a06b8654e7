"""The commands `hamstream runner` and `hamstream pain`: what they take. Light, for `hamstream --help` reads it too."""

import argparse
from collections.abc import Callable
from typing import Any

from host.person.quantities import EASY_SPEED, LEG_LENGTH, MASS, WITHDRAW, parse_score_or_withdraw

# What can be told of a runner, by option: what `--forget` takes, and the field of Person.
FIELDS = {
    "leg-length": "leg_length_m",
    "mass": "mass_kg",
    "easy-speed": "easy_speed_mps",
    "language": "language",
    "goals": "goals",
    "mute": "muted",
}
NOTHING_MUTED = "none"


def add_commands(commands: Any, command: Callable[[argparse.Namespace], None]) -> None:
    """Adds both to the subparsers `commands`; `args.action` tells `command` which of their actions was chosen."""
    runner = commands.add_parser("runner", help="who runs: what is known of them, form and pain so far")
    actions = runner.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="enter a runner; everything but the name may be told later, or never")
    edit = actions.add_parser("edit", help="change what is known of a runner")
    for parser, action in ((add, "add"), (edit, "edit")):
        parser.add_argument("name", metavar="NAME")
        _add_fields(parser)
        parser.set_defaults(command=command, action=action)
    add.set_defaults(forget=[])
    edit.add_argument(
        "--forget", action="append", choices=FIELDS, default=[], help="no longer know this; repeat for several"
    )
    actions.add_parser("list", help="all runners").set_defaults(command=command, action="list")
    show = actions.add_parser("show", help="one runner: what is known, form and pain from run to run, what helps")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(command=command, action="show")

    pain = commands.add_parser("pain", help="note how much it hurts: before a run, after it, and the next morning")
    pain.add_argument("name", metavar="RUNNER")
    pain.add_argument(
        "score",
        type=_typed(parse_score_or_withdraw),
        metavar="SCORE",
        help="0 (none) to 10 (worst). Another one for the same moment of a run corrects the first; "
        f"`{WITHDRAW}` takes back what was noted",
    )
    pain.add_argument("--when", required=True, choices=["before", "after", "next-morning"])
    pain.add_argument(
        "--at",
        metavar="TIME",
        help="when it was felt: '2026-11-27 18:30', or 18:30 for today (default: now); it finds the run, too",
    )
    pain.add_argument("--session", metavar="ID", help="the run it belongs to (default: the last or next that fits)")
    pain.set_defaults(command=command, action="pain")


def _add_fields(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--leg-length",
        dest="leg_length_m",
        type=_typed(LEG_LENGTH.parse),
        metavar="M",
        help="from the bone at the side of the hip (greater trochanter) to the ground, standing: 0.92, or '92 cm'",
    )
    parser.add_argument("--mass", dest="mass_kg", type=_typed(MASS.parse), metavar="KG", help="61.5, or '135 lb'")
    parser.add_argument(
        "--easy-speed",
        dest="easy_speed_mps",
        type=_typed(EASY_SPEED.parse),
        metavar="M/S",
        help="of easy running: 3.1 (m/s), '11 km/h', or the pace 5:20; without it, it is learnt",
    )
    parser.add_argument("--language", metavar="CODE", help="of cues and prompts, such as en")
    parser.add_argument("--goals", metavar="TEXT", help="in the runner's own words")
    parser.add_argument(
        "--mute",
        dest="muted",
        action="append",
        metavar="FAULT",
        help=f"never cue for this fault; repeat for several; `{NOTHING_MUTED}` for none at all",
    )


def _typed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """As argparse wants it: it shows the sentences of this error alone."""

    def typed(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return typed
