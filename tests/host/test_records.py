"""Published units: the one conversion from the core's SI and radians."""

import math
from dataclasses import fields

import numpy as np
import pytest

from dsp.types import STRIDE, Quality, Role, Side
from host.records import Stride, strides_from_records


@pytest.fixture
def record() -> np.void:
    values = np.zeros(1, STRIDE)[0]
    values["side"], values["quality"] = Side.RIGHT, Quality.GAP | Quality.WALKING
    values["ic_s"], values["tc_s"], values["next_ic_s"] = 10.0, 10.25, 10.75
    values["contact_time_s"], values["grade"], values["vertical_oscillation_m"] = 0.25, 0.05, 0.08
    values["tibial_inclination_ic_rad"] = math.pi / 18
    values["turn_rate_radps"] = -math.pi
    values["speed_mps"], values["pelvic_rotation_lag"] = 3.1, 0.61
    values["foot_ahead_of_pelvis_m"] = math.nan
    return values


def test_a_stride_is_published_in_the_units_its_names_say(record: np.void) -> None:
    (stride,) = strides_from_records(np.array([record]))
    assert stride.side == "right"
    assert stride.quality == "gap|walking"
    assert not stride.good
    assert stride.cadence_spm == pytest.approx(160.0)  # a stride of 0.75 s is two steps
    assert stride.contact_time_ms == pytest.approx(250.0)
    assert stride.tibial_inclination_ic_deg == pytest.approx(10.0)
    assert stride.turn_rate_dps == pytest.approx(-180.0)
    assert stride.grade_percent == pytest.approx(5.0)
    assert stride.vertical_oscillation_mm == pytest.approx(80.0)
    assert stride.pelvic_rotation_lag_percent == pytest.approx(61.0)
    assert stride.speed_mps == pytest.approx(3.1)
    assert math.isnan(stride.foot_ahead_of_pelvis_mm)


def test_every_core_field_is_published_under_its_name_and_unit() -> None:
    """A new column of the core must not be forgotten on the way out."""
    suffixes = ("_radps", "_rad", "_mps", "_m", "_s")
    bare = ("_dps", "_deg", "_mps", "_mm", "_ms", "_percent", "_s", "")
    published = {field.name for field in fields(Stride)}
    when_known = {"ic_decided_s", "tc_decided_s"}  # for measuring the core, not for readers
    for name in set(STRIDE.names) - when_known:
        stem = next((name.removesuffix(s) for s in suffixes if name.endswith(s)), name)
        assert published & {stem + suffix for suffix in bare}, f"{name} is not published"


def test_no_flag_is_an_empty_quality() -> None:
    assert Quality(0).label == ""


def test_roles_index_per_pod_arrays() -> None:
    assert [role.label for role in Role] == ["pelvis", "shank_left", "shank_right"]
    assert [int(role) for role in Role] == [0, 1, 2]
