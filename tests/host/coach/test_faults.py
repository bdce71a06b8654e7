import math
import random
from dataclasses import replace

import pytest

from host.coach.baseline import METRICS
from host.coach.faults import CONTEXTS, FAULTS, Limit, context_of
from host.coach.judge import Judge, shown, verdict
from host.coach.learning import learn
from host.coach.norms import norm, usual_change
from tests.host.coach.runner import NAN, Run, stride

TIBIA, FOOT, TILT = "tibial_inclination_ic_deg", "foot_ahead_of_pelvis_mm", "pelvic_tilt_deg"
FAULT = {fault.id: fault for fault in FAULTS}


def habit():
    """A runner who is exactly the norm at 3.5 m/s, on both legs."""
    listener = type("Listener", (), {"step": lambda self, stride: []})()
    run = Run(listener)
    run.go(60)
    return learn(run.strides)


def judge(fault, one, baseline, context, strictness=1.0):
    return Judge((FAULT[fault],), baseline, strictness).verdicts(one, context)[0]


# Limits worked out by hand from the published norms at 3.5 m/s: tibia 12.616 +- 3.997 deg, foot ahead 227.346
# +- 21.926 mm, cadence 171.449 +- 11.013 spm; the habit's values are the norm's means.
LIMITS = [
    # fault, stride, context, norm, own
    ("overstride", {TIBIA: 18.61 - 0.05}, "", False, True),  # 12.616 + 1.5 * 3.997 = 18.61
    ("overstride", {TIBIA: 18.61 + 0.05}, "", True, True),
    ("overstride", {TIBIA: 15.616 - 0.05}, "", False, False),  # habit + 3
    ("overstride", {TIBIA: 15.616 + 0.05}, "", False, True),
    ("overstride", {TIBIA: 17.41 + 0.05}, "uphill", True, True),  # a fifth tighter: 12.616 + 0.8 * 5.996
    ("overstride", {TIBIA: 17.41 - 0.05}, "uphill", False, True),
    ("overstride", {TIBIA: 15.016 - 0.05}, "uphill", False, False),  # habit + 2.4
    ("overstride", {TIBIA: 18.01 + 0.05}, "fast", True, True),  # a tenth tighter: 12.616 + 0.9 * 5.996
    ("overstride", {TIBIA: 15.316 + 0.05}, "fast", False, True),  # habit + 2.7
    ("overstride", {FOOT: 227.3 + 25.2}, "", False, True),
    ("overstride", {FOOT: 227.3 + 24.8}, "", False, False),
    ("overstride", {FOOT: 260.24 + 0.5}, "", True, True),  # 227.346 + 1.5 * 21.926
    # The tibia says yes, the foot the opposite: by anything against the norm, by 12.5 mm against the habit.
    ("overstride", {TIBIA: 20.0, FOOT: 227.346 + 1.0}, "", True, True),
    ("overstride", {TIBIA: 20.0, FOOT: 227.346 - 1.0}, "", False, True),
    ("overstride", {TIBIA: 20.0, FOOT: 227.346 - 12.0}, "", False, True),
    ("overstride", {TIBIA: 20.0, FOOT: 227.346 - 13.0}, "", False, False),
    # The other way round: 3 deg of the tibia are the own limit.
    ("overstride", {FOOT: 270.0, TIBIA: 12.616 - 1.4}, "", False, True),
    ("overstride", {FOOT: 270.0, TIBIA: 12.616 - 1.6}, "", False, False),
    # One that is unknown neither helps nor hinders.
    ("overstride", {TIBIA: 20.0, FOOT: NAN}, "", True, True),
    ("overstride", {TIBIA: NAN, FOOT: 270.0}, "", True, True),
    ("overstride", {TIBIA: NAN, FOOT: NAN}, "", None, None),
    ("overstride", {TIBIA: 0.0, FOOT: 100.0}, "", False, False),
    # Tilt: 6.464 deg is the habit; the norm has no say, however far.
    ("tilt_flattened", {TILT: 3.464 + 0.05}, "", None, False),
    ("tilt_flattened", {TILT: 3.464 - 0.05}, "", None, True),
    ("tilt_flattened", {TILT: 30.0}, "", None, False),
    ("tilt_excessive", {TILT: 10.464 - 0.05}, "", None, False),
    ("tilt_excessive", {TILT: 10.464 + 0.05}, "", None, True),
    ("tilt_excessive", {TILT: NAN}, "", None, None),
    # Cadence: 171.449 - 1.5 * 11.013 = 154.93; the habit is 171.43, less 5 % is 162.86.
    ("low_cadence", {"cadence_spm": 162.86 + 0.1}, "", False, False),
    ("low_cadence", {"cadence_spm": 162.86 - 0.1}, "", False, True),
    ("low_cadence", {"cadence_spm": 154.93 - 0.1}, "", True, True),
    ("low_cadence", {"cadence_spm": 200.0}, "uphill", False, False),
    # No speed, no norm and no habit.
    ("low_cadence", {"cadence_spm": 120.0, "speed_mps": NAN}, "", None, None),
]


@pytest.mark.parametrize(("fault", "changes", "context", "against_norm", "own"), LIMITS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_limits(fault, changes, context, against_norm, own, side):
    assert judge(fault, stride(0.0, side, **changes), habit(), context)[:3] == verdict(against_norm, own)[:3]


@pytest.mark.parametrize(("more_deg", "near"), [(-5.0, False), (1.95, False), (2.05, True), (2.95, True), (3.05, True)])
def test_near_is_two_thirds_of_the_way_to_the_own_limit(more_deg, near):
    one = stride(0.0, **{TIBIA: 12.616 + more_deg, FOOT: 227.346})
    found = judge("overstride", one, habit(), "")
    assert (found.near, found.own) == (near, more_deg > 3.0)


PAWING = {"shank_retraction_dps": 200.0, "shank_rate_early_stance_dps": 420.0}
LEGS = {"contact_time_ms": 226.0, "contact_time_difference_ms": 0.0, "pelvic_drop_deg": 3.0}
LEGS |= {"pelvic_drop_difference_deg": 0.0, TIBIA: 12.616, FOOT: 227.346}


def habit_of(**usual):
    """A runner whose strides all read `usual`, on both legs."""
    return learn([stride(0.7 * i, side, **usual) for i in range(60) for side in ("left", "right")])


@pytest.mark.parametrize(("tibia", "shown"), [(12.616, True), (16.0, True), (9.7, True), (9.5, False), (NAN, True)])
def test_a_less_inclined_tibia_is_a_late_contact_and_no_pawing(tibia, shown):
    usual = habit_of(**{"shank_retraction_dps": 60.0, "shank_rate_early_stance_dps": 300.0, TIBIA: 12.616})
    assert judge("pawing", stride(0.0, **PAWING, **{TIBIA: tibia}), usual, "").own is shown


@pytest.mark.parametrize(("retraction", "shown"), [(60.0, True), (115.0, True), (125.0, False), (NAN, True)])
def test_a_contact_found_late_is_no_asymmetry(retraction, shown):
    usual = habit_of(**LEGS, shank_retraction_dps=60.0)
    change = {"contact_time_ms": 211.0, "contact_time_difference_ms": 15.0, "shank_retraction_dps": retraction}
    assert judge("asymmetry", stride(0.0, "right", **LEGS | change), usual, "").own is shown


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("mine", "shown"),
    # The difference is 4 deg. A belt that rolled moves each drop by half of it.
    [(4.0, True), (3.1, True), (2.9, False), (2.0, False), (0.0, False), (-4.0, False)],
)
def test_a_drop_is_one_sided_only_if_that_leg_accounts_for_most_of_it(side, mine, shown):
    sign = 1.0 if side == "left" else -1.0
    one = stride(0.0, side, **LEGS | {"pelvic_drop_deg": 3.0 + mine, "pelvic_drop_difference_deg": 4.0 * sign})
    assert judge("asymmetry", one, habit_of(**LEGS), "").own is shown


@pytest.mark.parametrize(("duty_factor", "shown"), [(0.33, True), (0.312, True), (0.303, False)])
def test_three_of_four_show_a_crouch_unless_the_fourth_is_on_the_other_side_of_more_than_its_scatter(
    duty_factor, shown
):
    dice = random.Random(5)
    crouch = {"shank_mid_stance_deg": 8.0, "vertical_oscillation_mm": 90.0, TILT: 6.0}
    usual = learn(
        [
            stride(0.7 * i, side, duty_factor=dice.gauss(0.32, 0.008), **crouch)
            for i in range(300)
            for side in ("left", "right")
        ]
    )
    # 1.5 SD of the own strides are 0.012.
    one = stride(0.0, duty_factor=duty_factor, **{metric: value - 5.0 for metric, value in crouch.items()})
    assert judge("sitting_back", one, usual, "").own is shown


def test_what_a_longer_step_explains_is_no_overstride_against_norm_or_habit():
    # Steps 9 % slower are 1 / 0.91 as long, and so is the way in stance, of which all but 78 mm of a share lie ahead:
    # (227.346 + 78) * (1 / 0.91 - 1) = 30.2 mm are nothing else.
    slow = {"cadence_spm": 171.449 * 0.91, TIBIA: 12.7}
    for foot, against_norm, own in ((281.0, False, False), (284.0, False, True), (292.0, True, True)):
        one = stride(0.0, **slow, **{FOOT: foot})
        assert judge("overstride", one, habit_of(**LEGS), "")[:2] == (against_norm, own)
    # It takes away what is too much, and makes it no contradiction to the tibia.
    one = stride(0.0, cadence_spm=156.0, **{TIBIA: 20.0, FOOT: 228.0})
    assert judge("overstride", one, habit_of(**LEGS), "")[:2] == (True, True)
    # Quicker steps excuse nothing and cost nothing.
    quick = stride(0.0, cadence_spm=190.0, **{TIBIA: 12.7, FOOT: 261.0})
    assert judge("overstride", quick, habit_of(**LEGS), "")[:2] == (True, True)


def test_looking_first_whether_it_is_plain_changes_no_verdict(monkeypatch):
    dice = random.Random(8)
    usual = {metric: 10.0 * change.sd for metric in METRICS if (change := usual_change(metric))}
    usual |= {"cadence_spm": 171.0, TIBIA: 12.6, FOOT: 227.0}

    def strides(n, spread, unknown=0.0):
        for i in range(n):
            metrics = {
                metric: NAN
                if dice.random() < unknown and metric not in ("contact_time_ms", "pelvic_drop_deg")
                else dice.gauss(middle, spread * usual_change(metric).sd)
                for metric, middle in usual.items()
            }
            speed = NAN if dice.random() < unknown else dice.uniform(3.5 - 9 * spread, 3.5 + 9 * spread)
            yield replace(
                stride(0.7 * i, dice.choice(("left", "right"))),
                speed_mps=speed,
                grade_percent=dice.gauss(0.0, 20 * spread),
                **metrics,
            )

    for baseline in (learn(list(strides(300, 0.1))), None):
        one = Judge(FAULTS, baseline, strictness=1.2)
        cases = [(s, dice.choice(CONTEXTS)) for s in strides(3000, 0.2, unknown=0.05)]
        quick = [one.verdicts(*case) for case in cases]
        with monkeypatch.context() as patch:
            patch.setattr("host.coach.judge._Row.plain", lambda *_: False)
            assert quick == [one.verdicts(*case) for case in cases]
        shown = [any(verdict.exceeds for verdict in verdicts) for verdicts in quick]
        assert 0.1 < sum(shown) / len(shown) < 0.9


LAG, TURN = "pelvic_rotation_lag_percent", "pelvic_rotation_range_deg"


@pytest.mark.parametrize(
    ("lag", "turn", "shown"),
    [(68.1, 15.0, True), (67.9, 15.0, False), (75.0, 9.0, True), (75.0, 15.4, False), (75.0, NAN, True)],
)
def test_a_hip_lags_that_comes_late_and_turns_no_further(lag, turn, shown):
    scattered = [stride(0.7 * i, **{LAG: 60.0, TURN: 15.0 + (0.2 if i % 2 else -0.2)}) for i in range(60)]
    assert judge("hip_lag", stride(0.0, **{LAG: lag, TURN: turn}), learn(scattered), "").own is shown


RANGES = ("pelvic_tilt_range_deg", "pelvic_obliquity_range_deg", "pelvic_rotation_range_deg")


def stiff(strides):
    """Of each of these strides: whether it shows a stiff pelvis. A stride is its start and shares of three ranges."""
    one = Judge((FAULT["stiff_pelvis"],), habit_of(**dict.fromkeys(RANGES, 10.0)))
    return [
        one.verdicts(stride(t, **{name: 10.0 * share for name, share in zip(RANGES, shares, strict=True)}), "")[0].own
        for t, shares in strides
    ]


def test_scatter_of_single_strides_hides_no_stiff_pelvis():
    """Every stride has one range that is only a quarter less than usual; on average all three are 42 % less."""
    scattered = [(0.7 * i, [0.75 if i % 3 == j else 0.5 for j in range(3)]) for i in range(30)]
    assert all(stiff(scattered)[4:])
    usual = [(0.7 * i, [0.5 if i % 3 == j else 1.25 for j in range(3)]) for i in range(30)]
    assert not any(stiff(usual))


def test_what_was_before_a_pause_is_no_part_of_the_last_few_strides():
    few = [(0.0, [0.1] * 3), (0.7, [0.1] * 3)]
    assert stiff([*few, (1.4, [0.9] * 3)]) == [True, True, True]
    assert stiff([*few, (12.0, [0.9] * 3)]) == [True, True, False]
    unknown = (1.4, [NAN] * 3)
    assert stiff([*few, unknown, (2.1, [0.9] * 3)]) == [True, True, None, False]


@pytest.mark.parametrize(("context", "limit_ms"), [("", 10.8), ("uphill", 0.8 * 10.8), ("fast", 0.9 * 10.8)])
def test_a_cause_is_looked_for_as_closely_as_what_it_explains(context, limit_ms):
    """One leg that takes over explains that it reaches further, which is told apart earlier uphill and fast."""
    row = [fault.id for fault in FAULTS].index("asymmetry")
    for change_ms, seen in ((limit_ms + 0.1, True), (limit_ms - 0.1, False)):
        change = {"contact_time_ms": 226.0 + change_ms, "contact_time_difference_ms": change_ms}
        one = stride(0.0, "left", **LEGS | change)
        assert Judge(FAULTS, habit_of(**LEGS)).verdicts(one, context)[row].own is seen


def test_asymmetry_is_measured_by_what_healthy_legs_differ_not_by_the_scatter_of_strides():
    scattered = [
        stride(0.7 * i, side, **LEGS | {"contact_time_difference_ms": -9.0 if i % 2 else 9.0})
        for i in range(60)
        for side in ("left", "right")
    ]
    change = {"contact_time_ms": 240.0, "contact_time_difference_ms": 14.0}
    assert judge("asymmetry", stride(0.0, "left", **LEGS | change), learn(scattered), "").own


def test_without_a_habit_only_the_norm_tells():
    assert judge("overstride", stride(0.0, **{TIBIA: 19.0}), None, "")[:2] == (True, None)
    assert judge("tilt_excessive", stride(0.0, **{TILT: 25.0}), None, "")[:2] == (None, None)


def test_strictness_brings_limits_nearer():
    one = stride(0.0, **{TIBIA: 15.0})
    assert judge("overstride", one, habit(), "", strictness=1.0).own is False
    assert judge("overstride", one, habit(), "", strictness=1.5).own is True  # habit + 2


# Usual for the runner's own speed, slope: running faster or uphill is no fault by itself.
@pytest.mark.parametrize("speed_mps", [2.5, 3.0, 4.0, 4.5, 5.0])
def test_running_as_the_norm_does_is_no_fault_at_any_speed(speed_mps):
    usual = norm("cadence_spm", speed_mps).mean
    one = stride(0.0, speed_mps=speed_mps, cadence_spm=usual)
    for fault in FAULTS:
        assert not judge(fault.id, one, habit(), context_of(one, habit().easy_speed_mps)).exceeds, fault.id


def test_an_uncertain_habit_widens_the_limit():
    # 8 % of slope, never run: 0.05 * 4.794 deg per percent, 1.92 deg of doubt. 95 % sure are 1.645 of them: 4 + 3.15.
    assert judge("tilt_excessive", stride(0.0, **{TILT: 10.8}), habit(), "").own is True
    assert judge("tilt_excessive", stride(0.0, grade_percent=8.0, **{TILT: 13.5}), habit(), "").own is False
    assert judge("tilt_excessive", stride(0.0, grade_percent=8.0, **{TILT: 13.7}), habit(), "").own is True


@pytest.mark.parametrize(
    ("norm_says", "own_says", "exceeds"),
    [
        (None, None, None),
        (True, None, True),
        (None, True, True),
        (False, None, False),
        (True, False, True),
        (False, True, True),
        (False, False, False),
    ],
)
def test_verdict_is_beyond_either(norm_says, own_says, exceeds):
    assert verdict(norm_says, own_says).exceeds is exceeds


@pytest.mark.parametrize(
    ("scores", "needed", "verdict"),
    [
        ([NAN], 1, None),
        ([1.1], 1, True),
        ([1.0], 1, False),
        ([1.1, -0.4], 1, True),
        ([1.1, -0.6], 1, False),
        ([-0.6, 1.1], 1, False),
        ([NAN, 1.1], 1, True),
        ([NAN, 0.9], 1, False),
        # Two of two: one that is not beyond decides, whatever the other; else it takes both.
        ([0.9, NAN], 2, False),
        ([NAN, 1.1], 2, None),
        ([1.1, 1.1], 2, True),
        # Two of three.
        ([1.1, NAN, 1.1], 2, True),
        ([1.1, 1.1, -0.6], 2, False),
        ([1.1, NAN, NAN], 2, None),
        ([1.1, 0.9, NAN], 2, False),
    ],
)
def test_as_many_as_needed_suffice_unless_contradicted(scores, needed, verdict):
    assert shown(scores, needed, -0.5) is verdict


@pytest.mark.parametrize(
    ("speed_mps", "grade_percent", "context"),
    [
        (3.5, 0.0, ""),
        (3.5, 2.9, ""),
        (3.5, 3.0, "uphill"),
        (3.5, -8.0, ""),
        (4.1, 0.0, ""),
        (4.3, 0.0, "fast"),  # 1.2 * 3.5 = 4.2
        (4.3, 5.0, "uphill"),
        (4.3, NAN, "fast"),
        (NAN, NAN, ""),
    ],
)
def test_context(speed_mps, grade_percent, context):
    assert context_of(stride(0.0, speed_mps=speed_mps, grade_percent=grade_percent), habit().easy_speed_mps) == context


def test_fast_is_unknown_without_an_easy_speed():
    assert context_of(stride(0.0, speed_mps=4.9), NAN) == ""


def test_every_row_is_sound():
    ids = [fault.id for fault in FAULTS]
    assert len(set(ids)) == len(ids)
    for fault in FAULTS:
        assert fault.limits
        assert not (fault.smoothed and any(limit.norm_sds == limit.norm_sds for limit in fault.limits))
        assert set(fault.silences) <= set(ids) - {fault.id}
        assert set(fault.tighter) <= {"uphill", "fast"}
        assert all(0.0 < factor <= 1.0 for factor in fault.tighter.values())
        assert all(math.isnan(limit.norm_sds) for limit in fault.unless)
        for limit in (*fault.limits, *fault.unless):
            assert limit.source, f"{fault.id}: every number has a source"
            assert hasattr(stride(0.0), limit.metric)
            assert limit.sign in (-1, 0, 1)
            assert math.isnan(limit.leg_share) == (not limit.of_leg)
            assert not (math.isnan(limit.norm_sds) and math.isnan(limit.own_margin)), "against nothing"
            if not math.isnan(limit.norm_sds):
                assert not math.isnan(norm(limit.metric, 3.5).mean)


def test_a_natural_forward_tilt_is_never_a_fault():
    for limit in (limit for fault in FAULTS for limit in fault.limits if limit.metric == TILT):
        assert math.isnan(limit.norm_sds)


def test_limit_names_its_unit():
    assert isinstance(FAULTS[0].limits[0], Limit)
    for limit in (limit for fault in FAULTS for limit in fault.limits):
        assert limit.metric.rsplit("_", 1)[-1] in {"deg", "mm", "spm", "ms", "dps", "percent", "factor"}
