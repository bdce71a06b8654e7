"""The commands `hamstream runner` and `hamstream pain`: what they do."""

import argparse
import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import Any

from host.coach import cues
from host.config import Config, is_runner_name
from host.errors import RunnerError, SinkError
from host.person import pain, trend
from host.person.arguments import FIELDS, NOTHING_MUTED
from host.person.known import must_be_known, names, near
from host.person.quantities import WORST_PAIN, pace_text
from host.records import Moment, Pain, Person, utc_text
from host.sinks.schema import SessionRow
from host.sinks.store import Store

# As many runs as fit side by side on a terminal of 100 columns.
RUNS_SHOWN = 7
# What held in the last few runs is worth an exercise; what did so months ago is not.
RUNS_ADVISED = 3
_NIGHT_HOURS = pain.NIGHT // timedelta(hours=1)
# Where a score goes that belongs to no run so far.
_WITHOUT_RUN = {
    Moment.BEFORE: "for the next run",
    Moment.AFTER: "beside no run: there is none yet",
    Moment.NEXT_MORNING: f"beside no run: none ended {_NIGHT_HOURS} hours ago or more; `--session ID` names the run",
}


def run(config: Config, args: argparse.Namespace) -> None:
    """Does what was asked for and prints it. Raises RunnerError and SinkError."""

    async def opened() -> list[str]:
        async with Store.open(config.database) as store:
            lines = await _ACTIONS[args.action](config, store, args)
            if store.pending:
                raise SinkError(str(store.path), "takes no data; is the disk full, or another program busy with it?")
            return lines

    print("\n".join(asyncio.run(opened())))


# --- runner ---


async def _add(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    if not is_runner_name(args.name):
        raise RunnerError(f"`{args.name}` cannot be a name; use letters, digits, spaces, `.`, `-` and `_`, at most 64")
    if await store.person(args.name):
        raise RunnerError(
            f"{args.name} is there already; `hamstream runner edit {quote(args.name)}` changes what is known"
        )
    alike = [name for name in await names(config, store) if name.casefold() == args.name.casefold()]
    if alike and args.name not in alike:
        raise RunnerError(f"{alike[0]} differs from {args.name} in capitals alone; write {alike[0]}, or another name")
    return await _save(config, store, Person(args.name), args)


async def _edit(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    await must_be_known(config, store, args.name)
    return await _save(config, store, await store.person(args.name) or Person(args.name), args)


async def _save(config: Config, store: Store, person: Person, args: argparse.Namespace) -> list[str]:
    told = {field: value for field in FIELDS.values() if (value := getattr(args, field)) is not None}
    _check(told)
    if "muted" in told:
        told["muted"] = frozenset(told["muted"]) - {NOTHING_MUTED}
    forgotten: dict[str, Any] = dict.fromkeys(FIELDS[name] for name in args.forget)
    person = replace(person, **forgotten | told)
    await store.save_person(person)
    return _described(config, person)


def _check(told: dict[str, Any]) -> None:
    if told.get("language", "en") not in cues.languages():
        raise RunnerError(f"there are no texts in `{told['language']}`; --language takes {', '.join(cues.languages())}")
    faults = [*cues.language("en").faults, NOTHING_MUTED]
    for fault in told.get("muted", ()):
        if fault not in faults:
            raise RunnerError(f"`{fault}` is no fault; --mute takes {near(fault, faults) or ', '.join(faults)}")


async def _list(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    sessions = await store.sessions()
    persons = {person.name: person for person in await store.persons()}
    everyone = sorted(await names(config, store), key=str.casefold)
    if not everyone:
        return ["Nobody yet. `hamstream runner add NAME` enters a runner; all that can be told: --help."]
    lines = [f"{'name':<20} {'leg':>7} {'mass':>8} {'easy speed':>11} {'language':>8} {'runs':>5}  last run"]
    for name in everyone:
        known = config.person(name, persons.get(name))
        runs = pain.own_runs(sessions, name)
        lines.append(
            f"{name:<20} {_number(known.leg_length_m, '.2f', 'm'):>7} {_number(known.mass_kg, '.1f', 'kg'):>8}"
            f" {_number(known.easy_speed_mps, '.2f', 'm/s'):>11} {known.language or '-':>8} {len(runs):>5}"
            f"  {_when(runs[-1]) if runs else '-'}"
        )
    return lines


async def _show(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    await must_be_known(config, store, args.name)
    told = await store.person(args.name) or Person(args.name)
    person = config.person(args.name, told)
    rows, scores = pain.own_runs(await store.sessions(), args.name), await store.pain(args.name)
    of_runs = pain.by_run(scores, rows)
    runs = [
        trend.Run(row, await store.medians(row.session, list(trend.METRICS)), of_runs[row.session])
        for row in rows[-RUNS_SHOWN:]
    ]
    texts = cues.language(person.language or "en")
    lines = _described(config, told)
    if not runs:
        return [*lines, "", "No run yet.", *_pain_lines(scores, {}, rows, texts), "", texts.closing]
    lines += [
        "",
        f"Form and pain from run to run, the newest at the right ({len(rows)} in all; medians of good strides)",
    ]
    lines += trend.table(runs, person)
    lines += _exercises(trend.faults_held(runs[-RUNS_ADVISED:]), texts)
    return [*lines, *_pain_lines(scores, runs[-1].pain, rows, texts), "", texts.closing]


def _described(config: Config, told: Person) -> list[str]:
    """What is known of a person, and where it comes from when they did not tell it."""
    known = config.person(told.name, told)
    speed = known.easy_speed_mps
    rows = {
        "leg length": (_number(known.leg_length_m, ".2f", "m"), "leg_length_m"),
        "mass": (_number(known.mass_kg, ".1f", "kg"), "mass_kg"),
        "easy speed": (
            f"{speed:.2f} m/s ({pace_text(speed)} min/km)" if speed else "learnt from the runs",
            "easy_speed_mps",
        ),
        "language": (known.language or "en", "language"),
        "never cued for": (", ".join(sorted(known.muted or ())) or "-", "muted"),
        "goals": (known.goals or "-", "goals"),
    }
    return [
        told.name,
        *(
            f"  {label:<15} {text}" + (" (configuration)" if getattr(known, field) != getattr(told, field) else "")
            for label, (text, field) in rows.items()
        ),
    ]


def _exercises(faults: Iterable[str], texts: cues.Language) -> list[str]:
    known = [texts.faults[fault] for fault in faults if fault in texts.faults]
    lines = ["", f"What helps, for what held in the last {RUNS_ADVISED} runs"] if known else []
    for words in known:
        lines += [f"  {words.name}: {words.advice}", *(f"    - {exercise}" for exercise in words.exercises)]
    return lines


# --- pain ---


async def _pain(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    await must_be_known(config, store, args.name)
    texts = cues.language(config.person(args.name, await store.person(args.name)).language or "en")
    moment, now = Moment(args.when), datetime.now(UTC)
    runs = pain.own_runs(await store.sessions(), args.name)
    if args.session is None:
        about = pain.run_of(moment, now, runs)
    else:
        about = next((row for row in runs if row.session == args.session), None)
        if about is None:
            alike = near(args.session, [row.session for row in runs])
            raise RunnerError(
                f"{args.name} has no run `{args.session}`; {f'did you mean {alike}? ' if alike else ''}"
                "`hamstream sessions` lists them"
            )
    await store.add_pain(Pain(about.session if about else "", args.name, moment, args.score, utc_text(now)))
    scores = await store.pain(args.name)
    where = f"for the run of {_when(about)}" if about else _WITHOUT_RUN[moment]
    said = f"{args.name}: {args.score} of {WORST_PAIN}, {_words(moment)}, noted {where}"
    of_run = pain.by_run(scores, runs)[about.session] if about else {moment: args.score}
    return [said, *_advice_lines(scores, of_run, texts), texts.closing]


def _pain_lines(
    scores: Sequence[Pain], of_last_run: Mapping[Moment, int], runs: Sequence[SessionRow], texts: cues.Language
) -> list[str]:
    alone = pain.of_no_run(scores, runs)[-RUNS_SHOWN:]
    lines = ["", "Pain noted beside no run"] if alone else []
    lines += [f"  {_local(one.noted_utc)}  {one.score:>2} of {WORST_PAIN}  {_words(one.moment)}" for one in alone]
    return lines + _advice_lines(scores, of_last_run, texts)


def _advice_lines(scores: Sequence[Pain], of_last_run: Mapping[Moment, int], texts: cues.Language) -> list[str]:
    sentences = pain.advice(scores, of_last_run, texts)
    return ["", "About the pain", *(f"  {sentence}" for sentence in sentences)] if sentences else []


def _words(moment: str) -> str:
    return moment.replace("-", " ")


# --- both ---


def _number(value: float | None, form: str, unit: str) -> str:
    return "-" if value is None else f"{value:{form}} {unit}"


def _when(row: SessionRow) -> str:
    return _local(row.started_utc)


def _local(utc: str) -> str:
    return f"{datetime.fromisoformat(utc).astimezone():%Y-%m-%d %H:%M}"


_ACTIONS = {"add": _add, "edit": _edit, "list": _list, "show": _show, "pain": _pain}
