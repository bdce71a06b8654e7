"""What is known of a runner when a session starts."""

import logging

from host.coach.profile import Profile
from host.coach.told import Told
from host.config import Config
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
