"""The commands `hamstream runner` and `hamstream sessions`, and the way to `hamstream pain` (noting.py)."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

from host.config import Config
from host.errors import RunnerError, SinkError
from host.person import pain, trend
from host.person.arguments import FIELDS, NOTHING_MUTED
from host.person.known import must_be_a_name, must_be_known, names, near, shared_language
from host.person.listing import columns, local, sessions
from host.person.noting import advice_lines, note
from host.person.quantities import WORST_PAIN
from host.records import Moment, Pain, Person
from host.sinks.schema import SessionRow
from host.sinks.store import Store
from host.texts.language import Language, capital, language, languages
from host.texts.plain import pace

# As many runs as fit side by side on a terminal of 100 columns.
RUNS_SHOWN = 6
# What held in the last few runs is worth an exercise; what did so months ago is not.
RUNS_ADVISED = 3


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
    must_be_a_name(args.name)
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
    return _described(config, person, language(config.person(person.name, person).language or "en"))


def _check(told: dict[str, Any]) -> None:
    if told.get("language", "en") not in languages():
        raise RunnerError(f"there are no texts in `{told['language']}`; --language takes {', '.join(languages())}")
    faults = [*language("en").faults, NOTHING_MUTED]
    for fault in told.get("muted", ()):
        if fault not in faults:
            raise RunnerError(f"`{fault}` is no fault; --mute takes {near(fault, faults) or ', '.join(faults)}")


async def _list(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    stored = await store.sessions()
    persons = {person.name: person for person in await store.persons()}
    everyone = sorted(await names(config, store), key=str.casefold)
    texts = language(await shared_language(config, store))
    words = texts.person
    if not everyone:
        return [words["nobody"]]
    rows = [[words[key] for key in ("name", "leg", "mass", "easy_speed", "language", "runs", "last_run")]]
    for name in everyone:
        known = config.person(name, persons.get(name))
        runs = pain.own_runs(stored, name)
        rows.append(
            [
                name,
                _number(texts, known.leg_length_m, 2, "m"),
                _number(texts, known.mass_kg, 1, "kg"),
                _number(texts, known.easy_speed_mps, 2, "m/s"),
                known.language or "-",
                str(len(runs)),
                local(runs[-1].started_utc) if runs else "-",
            ]
        )
    return columns(rows, "<>>><><")


async def _show(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    await must_be_known(config, store, args.name)
    told = await store.person(args.name) or Person(args.name)
    person = config.person(args.name, told)
    rows = pain.own_runs(await store.sessions(), args.name)
    scores = pain.current(await store.pain(args.name), rows)
    of_runs = pain.by_run(scores, rows)
    runs = [
        trend.Run(row, await store.medians(row.session, list(trend.METRICS)), of_runs[row.session])
        for row in rows[-RUNS_SHOWN:]
    ]
    texts = language(person.language or "en")
    lines = _described(config, told, texts)
    if not runs:
        return [*lines, "", texts.person["no_run"], *_pain_lines(scores, {}, rows, texts), "", texts.closing]
    lines += ["", texts.count(texts.person["trend"], len(rows))]
    lines += trend.table(runs, person, texts)
    lines += _exercises(runs[-RUNS_ADVISED:], texts)
    return [*lines, *_pain_lines(scores, runs[-1].pain, rows, texts), "", texts.closing]


def _described(config: Config, told: Person, texts: Language) -> list[str]:
    """What is known of a person, and where it comes from when they did not tell it."""
    known = config.person(told.name, told)
    speed = known.easy_speed_mps
    muted = [f"{texts.faults[fault].short} ({fault})" for fault in sorted(known.muted or ())]
    rows = {
        "leg_length": (_number(texts, known.leg_length_m, 2, "m"), "leg_length_m"),
        "mass": (_number(texts, known.mass_kg, 1, "kg"), "mass_kg"),
        "easy_speed": (
            f"{_number(texts, speed, 2, 'm/s')} ({pace(speed)} min/km)" if speed else texts.person["learnt"],
            "easy_speed_mps",
        ),
        "language": (f"{texts.name} ({known.language or 'en'})", "language"),
        "muted": (", ".join(muted) or "-", "muted"),
        "goals": (known.goals or "-", "goals"),
    }
    width = max(len(texts.person[key]) for key in rows)
    return [
        told.name,
        *(
            f"  {texts.person[key]:<{width}} {text}"
            + (f" {texts.person['configured']}" if getattr(known, field) != getattr(told, field) else "")
            for key, (text, field) in rows.items()
        ),
    ]


def _exercises(runs: Sequence[trend.Run], texts: Language) -> list[str]:
    known = [texts.faults[fault] for fault in trend.faults_held(runs) if fault in texts.faults]
    lines = ["", texts.count(texts.person["helps"], len(runs))] if known else []
    for words in known:
        lines += [f"  {capital(words.name)}. {words.advice}", *(f"    - {exercise}" for exercise in words.exercises)]
    return lines


def _pain_lines(
    scores: Sequence[Pain], of_last_run: Mapping[Moment, int], runs: Sequence[SessionRow], texts: Language
) -> list[str]:
    alone = pain.of_no_run(scores, runs)[-RUNS_SHOWN:]
    lines = ["", texts.person["pain_alone"]] if alone else []
    of_worst = texts.person["of_worst"].format(worst=WORST_PAIN)
    lines += [f"  {local(one.at_utc)}  {one.score:>2} {of_worst}  {texts.moments[one.moment]}" for one in alone]
    return lines + advice_lines(scores, of_last_run, texts)


def _number(texts: Language, value: float | None, decimals: int, unit: str) -> str:
    return "-" if value is None else f"{texts.number(value, decimals)} {unit}"


async def _sessions(config: Config, store: Store, _: argparse.Namespace) -> list[str]:
    return sessions(await store.sessions(), language(await shared_language(config, store)))


_ACTIONS = {"sessions": _sessions, "add": _add, "edit": _edit, "list": _list, "show": _show, "pain": note}
