"""Contacts in all kinds of running: all found, none invented, and known in time."""

import numpy as np
import pytest

from dsp.types import Quality
from tests.dsp.contacts_of import WAYS, contacts_of

RUNNING = [way for way in WAYS if way not in ("walking", "stops")]
# Signal time from a contact until it is known, 99th percentile; a weak impact may take longer.
IC_KNOWN_S, WEAK_IC_KNOWN_S, TC_KNOWN_S = 0.040, 0.060, 0.060
WEAK = ("soft shoe", "no impact", "forefoot, no impact")


@pytest.mark.parametrize("way", RUNNING)
def test_every_contact_is_found_in_time(way: str) -> None:
    contacts = contacts_of(WAYS[way], 30.0)
    assert contacts.true > 50
    assert (contacts.missed, contacts.invented) == (0, 0)
    # All but the first strides, which gather speed. Without an impact the swing alone tells when.
    assert np.percentile(abs(contacts.ic_error_s), 95) < (0.020 if way in WEAK else 0.015)
    assert np.percentile(abs(contacts.tc_error_s), 95) < 0.025
    assert np.percentile(contacts.ic_known_after_s, 99) < (WEAK_IC_KNOWN_S if way in WEAK else IC_KNOWN_S)
    assert np.percentile(contacts.tc_known_after_s, 99) < TC_KNOWN_S
    assert not (contacts.quality & Quality.WALKING).any()


def test_a_stop_costs_only_the_steps_around_it() -> None:
    contacts = contacts_of(WAYS["stops"], 30.0)
    assert contacts.missed <= 4  # of the step into standing and the first one out of it, each leg
    assert contacts.invented == 0
    assert np.percentile(contacts.ic_known_after_s, 99) < IC_KNOWN_S


def test_walking_is_marked() -> None:
    contacts = contacts_of(WAYS["walking"], 30.0)
    assert (contacts.missed, contacts.invented) == (0, 0)
    assert np.mean((contacts.quality & Quality.WALKING) > 0) > 0.85  # not the first strides
    assert not (contacts.quality == 0).any()
