"""Contacts in all kinds of running: all found, none invented, and known in time."""

import numpy as np
import pytest
from scipy.signal import find_peaks, savgol_filter

from dsp.types import Quality, Role, Side
from firmware_sim.offline import simulate
from tests.dsp.contacts_of import WAYS, contacts_of
from tests.dsp.test_whole_core import analyse

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
    assert abs(np.median(contacts.ic_error_s)) < (0.008 if way in WEAK else 0.004)
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
    # The drawn walker's toes leave some 50 ms after the shank's rate has its peak, those of real walkers with it.
    assert abs(contacts.tc_error_s).max() < 0.06


def test_walkers_toes_leave_at_the_peak_of_the_shanks_rate() -> None:
    """Aminian et al. 2002 (doi 10.1016/S0021-9290(02)00008-8); peaks by scipy."""
    frames, _ = simulate("stand 4; walk 1.5", 25.0, seed=2)
    found = analyse(frames)
    shank = frames[Role.SHANK_RIGHT]
    rate = savgol_filter(shank["gyr_radps"][:, 1], 7, 2)
    peaks = shank["t_s"][find_peaks(rate, height=2.0, prominence=2.0)[0]]
    left_s = found["tc_s"][(found["side"] == Side.RIGHT) & (found["ic_s"] > 8.0)]
    assert len(left_s) > 12
    assert np.abs(left_s[:, None] - peaks).min(axis=1) == pytest.approx(0.0, abs=0.012)


@pytest.mark.parametrize("missing", [None, Role.PELVIS])
def test_who_runs_and_walks_by_turns_is_told_apart(missing: Role | None) -> None:
    frames, truth = simulate("stand 4; walk 1.4 8; run 3 8; walk 1.6 8; run 4", 40.0, seed=1)
    found = analyse({role: rows for role, rows in frames.items() if role is not missing})
    assert len(found) == len(truth)
    for start_s, walking in ((6.0, True), (15.0, False), (23.0, True), (32.0, False)):
        some = found[(found["ic_s"] > start_s) & (found["next_ic_s"] < start_s + 4.5)]
        assert len(some) > 5
        assert (((some["quality"] & Quality.WALKING) > 0) == walking).all()
