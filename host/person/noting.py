"""The command `hamstream pain`: which run a score is about, what it corrects, what it asks for."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from host.config import Config
from host.errors import RunnerError
from host.person import pain
from host.person.known import must_be_known, near
from host.person.listing import local
from host.person.quantities import WORST_PAIN, parse_time
from host.records import Moment, Pain, utc_text
from host.sinks.schema import SessionRow
from host.sinks.store import Store
from host.texts.language import Language, language

_NO_RUN = {Moment.BEFORE: "no_run_before", Moment.AFTER: "no_run_after", Moment.NEXT_MORNING: "no_run_night"}


async def note(config: Config, store: Store, args: argparse.Namespace) -> list[str]:
    """Keeps the score; gives what to print. Raises RunnerError and SinkError."""
    await must_be_known(config, store, args.name)
    texts = language(config.person(args.name, await store.person(args.name)).language or "en")
    moment, now = Moment(args.when), datetime.now().astimezone()
    runs = pain.own_runs(await store.sessions(), args.name)
    about, at = _about(args, moment, now, runs)
    noted = Pain(about.session if about else "", args.name, moment, args.score, utc_text(at), utc_text(now))
    scores = pain.current(await store.pain(args.name), runs)
    before = next((score for score in scores if pain.key(score) == pain.key(noted)), None)
    if noted.score is None and about is None and not args.at:  # of those that belong to no run the last is meant
        before = next((score for score in reversed(scores) if (score.session, score.moment) == ("", moment)), None)
    if noted.score is None and before is None:
        where = f"for the run of {local(about.started_utc)}" if about else "beside no run"
        raise RunnerError(f"{args.name} noted no score {moment} {where}; --at or --session says which is meant")
    if before:  # the same score, put right: when it was felt is not what was wrong
        noted = replace(noted, at_utc=before.at_utc)
    await store.add_pain(noted)
    if about:
        where = texts.person["for_run"].format(when=local(about.started_utc))
    elif noted.score is None:
        where = texts.person["alone"]
    elif moment is Moment.BEFORE and now - at < pain.BEFORE_WITHIN:
        where = texts.person["for_next_run"]
    else:
        where = _without_run(moment, local(noted.at_utc), texts)
    scores = pain.current([*await store.pain(args.name), noted], runs)
    of_run = pain.by_run(scores, runs)[about.session] if about else {moment: args.score or 0}
    return [*_noted_lines(noted, before, where, texts), *advice_lines(scores, of_run, texts), texts.closing]


def _about(
    args: argparse.Namespace, moment: Moment, now: datetime, runs: Sequence[SessionRow]
) -> tuple[SessionRow | None, datetime]:
    """The run that a score is about, if any, and when it was felt. Raises RunnerError."""
    try:
        at = parse_time(args.at, now) if args.at else now
    except ValueError as error:
        raise RunnerError(f"--at: {error}") from error
    if args.session is None:
        return pain.run_of(moment, at, runs), at
    about = next((row for row in runs if row.session == args.session), None)
    if about is None:
        alike = near(args.session, [row.session for row in runs])
        raise RunnerError(
            f"{args.name} has no run `{args.session}`; {f'did you mean {alike}? ' if alike else ''}"
            "`hamstream sessions` lists them (one without strides is none)"
        )
    if not args.at:
        return about, pain.time_of(moment, about, now)
    if not pain.fits(moment, at, about):
        started = local(about.started_utc)
        raise RunnerError(
            f"--at: {at:%Y-%m-%d %H:%M} is not {moment} the run of {started}; leave out --at or --session"
        )
    return about, at


def _noted_lines(noted: Pain, before: Pain | None, where: str, texts: Language) -> list[str]:
    words = texts.person
    told = {"runner": noted.runner, "worst": WORST_PAIN, "moment": texts.moments[noted.moment], "where": where}
    if noted.score is None:
        return [words["withdrawn"].format(**told, score=before.score if before else "")]
    lines = [words["score"].format(**told, score=noted.score)]
    if before:
        lines.append("  " + words["instead"].format(score=before.score, when=local(before.noted_utc)))
    return lines


def _without_run(moment: Moment, when: str, texts: Language) -> str:
    """Why a score belongs to no run, and what to do."""
    hours = pain.BEFORE_WITHIN // timedelta(hours=1)
    return f"{texts.person[_NO_RUN[moment]].format(when=when, hours=hours)}; {texts.person['name_run']}"


def advice_lines(scores: Sequence[Pain], of_last_run: Mapping[Moment, int], texts: Language) -> list[str]:
    """What the scores ask for, under a heading; nothing where they are fine."""
    sentences = pain.advice(scores, of_last_run, texts)
    return ["", texts.person["about_pain"], *(f"  {sentence}" for sentence in sentences)] if sentences else []
