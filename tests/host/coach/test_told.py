"""What a recording keeps of what core and coach were told."""

import math

import pytest

from host.coach.learning import learn
from host.coach.profile import Profile
from host.coach.told import Told
from host.records import Person
from tests.host.coach.runner import stride

HABIT = learn([stride(0.7 * i, side) for i in range(60) for side in ("left", "right")])


def test_it_comes_back_to_the_last_bit() -> None:
    ann = Person("ann", leg_length_m=0.1 + 0.8, easy_speed_mps=10 / 3, language="de", muted=frozenset({"b", "a"}))
    told = Told(ann, Profile(HABIT))
    assert Told.from_settings("ann", told.to_settings()) == told
    assert told.leg_length_m == 0.9000000000000000222


def test_who_told_nothing_is_coached_as_usual() -> None:
    back = Told.from_settings("bo", Told(Person("bo")).to_settings())
    assert back == Told(Person("bo", language="en", muted=frozenset()))
    assert math.isnan(back.leg_length_m)


def test_recordings_of_earlier_versions_said_less() -> None:
    settings = {"baseline": HABIT.to_json(), "muted": "pawing", "language": "en"}
    told = Told.from_settings("ann", settings)
    assert told == Told(Person("ann", language="en", muted=frozenset({"pawing"})), Profile(HABIT))
    assert Told.from_settings("ann", {}).profile == Profile()


def test_what_is_not_known_here_is_refused() -> None:
    with pytest.raises(ValueError, match="'xx'"):
        Told.from_settings("ann", {"language": "xx"})
