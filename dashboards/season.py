"""Season: one runner over weeks: how form changed, how much was run, how it felt."""

from grafana_foundation_sdk.builders import common, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import GOOD, RUNNER, InfluxQL, select

DAY = "time(1d)"
WEEK = "time(1w, 4d)"  # weeks are counted from a Thursday, 1970-01-01; four days later is a Monday


def by_day(title: str, told: str, metric: str, unit: str, decimals: int = 1, *, legs: bool = True) -> timeseries.Panel:
    """A point a day that was run, joined by a line."""
    panel = look.lines(title, told, unit=unit, decimals=decimals).show_points(options.VisibilityMode.ALWAYS)
    panel = panel.span_nulls(True).insert_nulls(False).point_size(6)
    by = f'{DAY}, "side"' if legs else DAY
    query = select(f'mean("{metric}") AS "both feet"', "stride", RUNNER, GOOD, "$timeFilter", by=by, fill="none")
    return panel.with_target(InfluxQL(query, alias="$tag_side" if legs else "$col"))


def bars(panel: timeseries.Panel) -> timeseries.Panel:
    return (
        panel.draw_style(options.GraphDrawStyle.BARS)
        .fill_opacity(70)
        .line_width(0)
        .bar_alignment(options.BarAlignment.AFTER)
        .span_nulls(False)
        .insert_nulls(False)
    )


def distance() -> timeseries.Panel:
    """Kilometres a week: each leg's strides cover the same ground, so both together count it twice."""
    stride = select('"speed_mps" * ("next_ic_s" - "ic_s") / 2000 AS "km"', "stride", RUNNER)
    query = select('sum("km") AS "km"', f"({stride})", "$timeFilter", by=WEEK, fill="none")
    panel = look.lines(
        "Distance a week", "Sum over strides of speed times duration, weeks from Monday.", unit="lengthkm"
    )
    return bars(panel).color_scheme(look.one_color(look.LEFT)).with_target(InfluxQL(query, alias="$col"))


def cues() -> timeseries.Panel:
    """Cues a week, a stack of faults: the load of bad habits, and whether it goes down."""
    query = select(
        'count("text")', "cue", RUNNER, "\"kind\" = 'cue'", "$timeFilter", by=f'{WEEK}, "fault"', fill="none"
    )
    panel = bars(look.lines("Cues a week", "How often each pattern had to be spoken of.", unit="short", decimals=0))
    stacked = common.StackingConfig().mode(options.StackingMode.NORMAL)
    return panel.stacking(stacked).with_target(InfluxQL(query, alias="$tag_fault"))


def board() -> models.Dashboard:
    trends = [
        by_day(
            "Shank at contact", "Ankle ahead of the knee when the foot lands.", "tibial_inclination_ic_deg", look.DEG
        ),
        by_day("Foot ahead of pelvis", "Where the foot lands.", "foot_ahead_of_pelvis_mm", look.MM, 0),
        by_day("Pelvic tilt", "Natural, and only its change matters.", "pelvic_tilt_deg", look.DEG),
        by_day("Ground contact", "Time a foot is on the ground.", "contact_time_ms", look.MS, 0),
        by_day("Cadence", "Steps per minute of both feet.", "cadence_spm", look.SPM, 0, legs=False),
        by_day("Speed", "Form changes with it, so read the others beside it.", "speed_mps", look.MPS, 2, legs=False),
    ]
    parts: list[frame.Panel | frame.Row] = [distance().span(12).height(8), cues().span(12).height(8)]
    parts += [panel.span(12).height(8) for panel in trends]
    return frame.build(
        frame.SEASON, "Season", "One runner over weeks.", parts, variables=[frame.runner()], since="now-90d"
    )
