"""What core and coach are told of a runner when a session starts. A recording keeps it, for replays to be the same."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from host.coach.coach import Coach
from host.coach.profile import Profile
from host.records import Person
from host.texts import language as texts


@dataclass(frozen=True)
class Told:
    """`person`: as far as they told; what they did not is as usual."""

    person: Person
    profile: Profile = field(default_factory=Profile)

    @property
    def language(self) -> str:
        return self.person.language or "en"

    @property
    def leg_length_m(self) -> float:
        """NaN: unknown."""
        return _nan_for_none(self.person.leg_length_m)

    def coach(self) -> Coach:
        """A coach at the start of a session. Raises ValueError for a language without texts."""
        return Coach(
            self.profile.baseline,
            muted=self.person.muted or frozenset(),
            language=self.language,
            history=self.profile.history,
            easy_speed_mps=_nan_for_none(self.person.easy_speed_mps),
        )

    def to_settings(self) -> dict[str, str]:
        """As a recording keeps it. Numbers are written so that they come back to the last bit."""
        return {
            "baseline": self.profile.to_json(),
            "muted": " ".join(sorted(self.person.muted or ())),
            "language": self.language,
            "leg_length_m": _text(self.person.leg_length_m),
            "easy_speed_mps": _text(self.person.easy_speed_mps),
        }

    @staticmethod
    def from_settings(runner: str, settings: Mapping[str, str]) -> "Told":
        """Reads what `to_settings` wrote, or a version of it that knew less. Raises ValueError for anything else."""
        language = settings.get("language", "en")
        texts.language(language)  # may be one of a newer version
        profile = Profile.from_json(settings["baseline"]) if settings.get("baseline") else Profile()
        person = Person(
            runner,
            leg_length_m=_number(settings.get("leg_length_m")),
            easy_speed_mps=_number(settings.get("easy_speed_mps")),
            language=language,
            muted=frozenset(settings.get("muted", "").split()),
        )
        return Told(person, profile)


def _nan_for_none(value: float | None) -> float:
    return math.nan if value is None else value


def _text(value: float | None) -> str:
    return "" if value is None else repr(value)


def _number(text: str | None) -> float | None:
    return float(text) if text else None
