import math

import pytest

from host.coach.learning import Learner
from host.coach.norms import norm
from tests.host.coach.runner import NAN, STRIDE_S, Run

TIBIA = "tibial_inclination_ic_deg"


class _Listener:
    """Stands in for the coach, so that Run feeds a Learner."""

    def __init__(self, faultless=True):
        self.learner = Learner()
        self.faultless = faultless

    def step(self, stride):
        self.learner.add(stride, faultless=self.faultless)
        return []


def listen():
    listener = _Listener()
    return listener, Run(listener)


def test_a_minute_of_steady_running_makes_a_habit():
    listener, run = listen()
    run.go(98, tibial_inclination_ic_deg=14.0)  # 10 s to settle and 58.6 s
    assert listener.learner.learnt is None
    assert listener.learner.session() is None
    run.go(4, tibial_inclination_ic_deg=14.0)
    learnt = listener.learner.learnt
    assert learnt is not None
    assert learnt.usual(TIBIA, "right", 3.5, 0.0).mean == pytest.approx(14.0, abs=0.05)
    assert learnt.easy_speed_mps == pytest.approx(3.5)


def test_unsteady_running_does_not_count():
    listener, run = listen()
    for _ in range(100):
        run.go(1, speed_mps=2.9)
        run.go(1, speed_mps=4.1)
    assert listener.learner.learnt is None


def test_running_at_an_unknown_speed_does_not_count():
    listener, run = listen()
    run.go(200, speed_mps=NAN)
    assert listener.learner.learnt is None


def test_first_seconds_do_not_count():
    listener, run = listen()
    run.go(14, tibial_inclination_ic_deg=30.0)  # 9.8 s
    run.go(90, tibial_inclination_ic_deg=14.0)
    assert listener.learner.learnt.usual(TIBIA, "left", 3.5, 0.0).mean == pytest.approx(14.0, abs=0.05)


def test_a_faster_part_of_the_first_minute_is_learnt_as_it_is():
    listener, run = listen()
    run.go(70, foot_ahead_of_pelvis_mm=200.0)
    run.go(40, speed_mps=5.0, foot_ahead_of_pelvis_mm=275.0)
    learnt = listener.learner.learnt
    assert learnt is not None
    assert learnt.usual("foot_ahead_of_pelvis_mm", "left", 3.5, 0.0).mean == pytest.approx(200.0, abs=1.0)
    assert learnt.usual("foot_ahead_of_pelvis_mm", "left", 5.0, 0.0).mean == pytest.approx(275.0, abs=3.0)


def test_later_strides_teach_the_profile_but_not_what_this_session_is_judged_by():
    listener, run = listen()
    run.go(110, tibial_inclination_ic_deg=14.0)
    before = listener.learner.learnt
    run.go(400, speed_mps=4.5, tibial_inclination_ic_deg=14.0)
    assert listener.learner.learnt is before
    # Each stride is pulled in to what was thought possible: the profile moves, not all the way at once.
    assert before.usual(TIBIA, "left", 4.5, 0.0).mean > 16.5
    assert listener.learner.session().usual(TIBIA, "left", 4.5, 0.0).mean < 15.5
    assert listener.learner.session().easy_speed_mps == pytest.approx(3.5)


def test_strides_with_a_fault_do_not_teach():
    listener, run = listen()
    run.go(110)
    listener.faultless = False
    before = listener.learner.session()
    run.go(100, speed_mps=4.5)
    assert listener.learner.session() == before


def test_a_session_once_given_stays_as_it_is():
    listener, run = listen()
    run.go(110)
    given = listener.learner.session()
    text = given.to_json()
    run.go(100)
    assert given.to_json() == text
    assert listener.learner.session() != given


def test_a_wild_later_stride_is_pulled_in():
    listener, run = listen()
    run.go(110, tibial_inclination_ic_deg=14.0)
    run.go(5, tibial_inclination_ic_deg=1000.0)
    assert listener.learner.session().usual(TIBIA, "left", 3.5, 0.0).mean == pytest.approx(14.0, abs=0.1)


def test_a_missing_metric_stays_unknown():
    listener, run = listen()
    run.go(120, pelvic_tilt_deg=NAN)
    assert math.isnan(listener.learner.learnt.usual("pelvic_tilt_deg", "left", 3.5, 0.0).mean)
    run.go(20)
    assert ("pelvic_tilt_deg", "left") not in listener.learner.session().sums


def test_a_metric_unknown_in_the_first_minute_is_learnt_from_its_own():
    listener, run = listen()
    run.go(120, pelvic_tilt_deg=NAN, tibial_inclination_ic_deg=14.0)
    run.go(80, pelvic_tilt_deg=9.0, tibial_inclination_ic_deg=15.0)
    assert ("pelvic_tilt_deg", "left") not in listener.learner.learnt.sums
    run.go(10, pelvic_tilt_deg=9.0, tibial_inclination_ic_deg=15.0)
    learnt = listener.learner.learnt
    assert learnt.usual("pelvic_tilt_deg", "left", 3.5, 0.0).mean == pytest.approx(9.0)
    assert learnt.usual(TIBIA, "left", 3.5, 0.0).mean == pytest.approx(14.0), "what is known stays as it is"
    n = listener.learner.session().sums["pelvic_tilt_deg", "left"].n
    run.go(30, pelvic_tilt_deg=9.0)
    assert listener.learner.session().sums["pelvic_tilt_deg", "left"].n == n + 10, "later strides teach it too"


def test_strides_with_a_fault_teach_no_new_metric():
    listener, run = listen()
    run.go(120, pelvic_tilt_deg=NAN)
    listener.faultless = False
    run.go(200)
    assert ("pelvic_tilt_deg", "left") not in listener.learner.session().sums


def test_what_holds_against_the_norm_alone_is_the_habit_on_hills_too():
    run = Run()
    run.go(round(75 / STRIDE_S), tibial_inclination_ic_deg_by=8.0)
    run.go(100, grade_percent=4.0, tibial_inclination_ic_deg_by=6.0)
    assert run.held == [("overstride", "")]
    usual = run.coach.baseline().usual(TIBIA, "left", 3.5, 4.0)
    assert usual.mean == pytest.approx(norm(TIBIA, 3.5).mean + 6.0, abs=0.2)


def test_what_is_new_on_hills_is_no_habit_though_it_holds_against_the_norm_alone():
    """Between the norm and its limit on the level; beyond it on a hill, by less than is sure to be new there."""
    run = Run()
    run.go(round(75 / STRIDE_S), tibial_inclination_ic_deg_by=3.0)
    run.go(100, grade_percent=4.0, tibial_inclination_ic_deg_by=6.5)
    assert [(fault.fault, fault.against_own) for fault in run.coach.held] == [("overstride", False)]
    # Of the hundred strides of a leg those that came before it was recognised, of which every third is taken.
    assert run.coach.baseline().sums[TIBIA, "left"].g <= 4.0 * 12
