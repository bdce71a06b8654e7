"""The language of plans."""

import pytest

from firmware_sim.runner.form import FAULTS, NATURAL, Form
from firmware_sim.runner.plan import LANGUAGE, PRESETS, Follower, parse


def test_statements_follow_one_another_or_the_clock() -> None:
    follower = Follower(parse("stand 4; run 3.0 10; run 4; at 25 overstride mild left; grade 5; at 60 well; stand"))
    speeds = [(0.0, 0.0), (3.9, 0.0), (4.0, 3.0), (13.9, 3.0), (14.0, 4.0), (59.0, 4.0), (60.0, 0.0)]
    for t_s, speed in speeds:
        intent = follower.at(t_s)
        assert intent.speed_mps == speed, t_s
        assert bool(intent.faults) == (25.0 <= t_s < 60.0)
        assert intent.grade == (0.05 if t_s >= 25.0 else 0.0)
        if intent.faults:
            (fault,) = intent.faults.values()
            assert (fault.name, fault.weight, fault.side, fault.listens) == ("overstride", 0.6, "left", True)


def test_faults_come_and_go_one_by_one() -> None:
    follower = Follower(parse("run; overstride; at 5 tilt_flattened deaf; at 10 well overstride; at 15 asymmetry"))
    assert list(follower.at(7.0).faults) == ["overstride", "tilt_flattened"]
    assert list(follower.at(12.0).faults) == ["tilt_flattened"]
    assert not follower.intent.faults["tilt_flattened"].listens
    assert follower.at(15.0).faults["asymmetry"].side == "left"


def test_again_goes_round_for_ever() -> None:
    follower = Follower(parse("run 3; at 10 overstride; at 20 well; at 30 again 5"))
    for t_s, faulty in [
        (9, 0),
        (11, 1),
        (21, 0),
        (34, 0),
        (36, 1),
        (44, 1),
        (46, 0),
        (61, 1),
        (71, 0),
        (1011, 1),
    ]:
        assert bool(follower.at(float(t_s)).faults) == bool(faulty), t_s
    assert follower.intent.speed_mps == 3.0


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_plans_of_somebody_who_stands_first_and_then_runs(preset: str) -> None:
    follower = Follower(parse(preset))
    assert follower.at(3.5).speed_mps == 0.0
    assert follower.at(10.0).speed_mps > 2.0
    assert not follower.intent.faults


def test_the_demo_is_good_for_a_while_and_then_overstrides() -> None:
    follower = Follower(parse("demo"))
    assert not follower.at(14.0).faults
    assert list(follower.at(16.0).faults) == ["overstride"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ; ",
        "fly",
        "run fast",
        "run 30",
        "run 0.2",
        "walk 5",
        "at run",
        "at",
        "grade",
        "overstride slightly",
        "well done",
        "run; at 10 stand; at 5 run",
        "run; at 10 again 20",
        "wait",
    ],
)
def test_nonsense_is_refused_with_the_statement(text: str) -> None:
    with pytest.raises(ValueError, match="plan"):
        parse(text)


def test_the_help_names_every_fault_and_preset() -> None:
    assert all(name in LANGUAGE for name in (*FAULTS, *PRESETS))


def test_forms_add_and_scale() -> None:
    assert Form(landing_m=0.02) + Form(landing_m=0.03, cadence=0.1) * 2.0 == Form(landing_m=0.08, cadence=0.2)
    assert FAULTS["overstride"] * 0.0 == NATURAL
