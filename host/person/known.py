"""Who is known, and what is known of a runner when a session starts."""

import difflib
import logging
from collections.abc import Iterable
from shlex import quote

from host.coach.profile import Profile
from host.coach.told import Told
from host.config import Config, is_runner_name
from host.errors import RunnerError
from host.sinks.store import Store

log = logging.getLogger(__name__)


async def known(config: Config, store: Store, runner: str) -> Told:
    """What the runner told, before what the configuration says, and what past sessions taught. Raises SinkError."""
    person = config.person(runner, await store.person(runner))
    text = await store.baseline(runner)
    try:
        return Told(person, Profile.from_json(text) if text else Profile())
    except ValueError as error:
        log.warning("the profile of %s cannot be used, a new one is learnt: %s", runner, error)
        return Told(person)


async def must_be_known(config: Config, store: Store, name: str) -> None:
    """Raises RunnerError for a name that stands nowhere: not among the runners, their runs, or in the configuration."""
    everyone = await names(config, store)
    if name not in everyone:
        alike = near(name, everyone)
        advice = f"did you mean {alike}?" if alike else f"`hamstream runner add {quote(name)}` enters them"
        raise RunnerError(f"nobody is called {name}; {advice}")


def must_be_a_name(name: str) -> None:
    """Raises RunnerError for what may not stand in topics and file names."""
    if not is_runner_name(name):
        raise RunnerError(f"`{name}` cannot be a name; use letters, digits, spaces, `.`, `-` and `_`, at most 64")


async def new_here(config: Config, store: Store, name: str) -> str:
    """What to say to a runner of whom nothing is known; empty for all others."""
    everyone = await names(config, store)
    if name in everyone:
        return ""
    alike = near(name, everyone)
    return f"{name} is new here." + (f" Did you mean {alike}? Then end this with Ctrl-C." if alike else "")


async def shared_language(config: Config, store: Store) -> str:
    """That of lists of several runners: the one of all who told theirs, else English."""
    told = {config.person(person.name, person).language for person in await store.persons()}
    told |= {runner.language for runner in config.runners if await store.person(runner.name) is None}
    told.discard(None)
    return told.pop() or "en" if len(told) == 1 else "en"


async def names(config: Config, store: Store) -> set[str]:
    """Everyone who was entered, stands in the configuration, or ran."""
    entered = {person.name for person in await store.persons()} | {runner.name for runner in config.runners}
    return entered | {row.runner for row in await store.sessions()}


def near(word: str, words: Iterable[str]) -> str:
    """The one of the words that may have been meant; empty if none comes near."""
    by_folded = {other.casefold(): other for other in words}
    found = difflib.get_close_matches(word.casefold(), by_folded, 1)
    return by_folded[found[0]] if found else ""
