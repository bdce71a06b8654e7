"""Season: one runner over weeks: how form changed, how much was run, how it felt."""

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import GOOD, RUNNER, InfluxQL, select

DAY = "time(1d)"
# Who looks at a recording again has not run again.
RUN = '"source" !~ /^replay/'
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


def load(title: str, told: str, column: str, unit: str) -> timeseries.Panel:
    """A bar a week, from the sessions that have ended."""
    query = select(f'{column} AS "{title}"', "session", RUNNER, RUN, "$timeFilter", by=WEEK, fill="none")
    panel = look.lines(title, f"{told} Weeks from Monday, sessions that have ended, no replays.", unit=unit)
    return bars(panel).color_scheme(look.one_color(look.LEFT)).with_target(InfluxQL(query, alias="$col"))


def pain() -> timeseries.Panel:
    """The runner's own scores, as points: nothing lies between two of them."""
    told = (
        "The runner's own score of hamstring pain, 0 none, 10 the worst there can be: before and after a run, and the "
        "next morning (`hamstream pain`). Where pain persists or grows, see a professional."
    )
    query = select('"score"', "pain", RUNNER, "$timeFilter", by='"moment"')
    panel = look.lines("Pain", told, unit="short", decimals=0).min(0).max(10)
    panel = panel.show_points(options.VisibilityMode.ALWAYS).point_size(9).insert_nulls(False)
    colors = {"before": look.LEFT, "after": look.RIGHT, "next-morning": look.WELL}
    for moment, color in colors.items():
        panel = panel.override_by_name(moment, [look.colored(color)])
    return panel.line_width(0).with_target(InfluxQL(query, alias="$tag_moment"))


def sessions() -> table.Panel:
    """What each session came to, with a way to its review."""
    columns = {
        "distance_m": ("distance", "lengthm", 0),
        "running_s": ("running", look.CLOCK, 0),
        "duration_s": ("length", look.CLOCK, 0),
        "strides": ("strides", "short", 0),
        "good_strides": ("good strides", "short", 0),
        "cues": ("cues", "short", 0),
    }
    chosen = ", ".join(f'"{field}" AS "{name}"' for field, (name, _, _) in columns.items())
    query = select(f'"session", "source", {chosen}', "session", RUNNER, "$timeFilter") + " ORDER BY time DESC"
    panel = look.rows("Sessions", "Every session of the time shown; its name leads to the review.")
    for name, unit, decimals in columns.values():
        panel = panel.override_by_name(name, look.number(unit, decimals))
    review = frame.link("Session review", frame.REVIEW, "var-runner=${runner}", "var-session=${__data.fields.session}")
    return panel.override_by_name("session", [review]).with_target(InfluxQL(query, table=True))


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
    loads = [
        load("Distance", "Ground covered.", 'sum("distance_m") / 1000', "lengthkm"),
        load("Time running", "Without standing and walking.", 'sum("running_s") / 3600', "h"),
        load("Strides", "Of both legs.", 'sum("strides")', "short"),
    ]
    parts: list[frame.Panel | frame.Row] = [panel.span(8).height(7) for panel in loads]
    parts += [pain().span(12).height(8), cues().span(12).height(8)]
    parts += [panel.span(12).height(8) for panel in trends]
    parts += [sessions().span(24).height(9)]
    return frame.build(
        frame.SEASON, "Season", "One runner over weeks.", parts, variables=[frame.runner()], since="now-90d"
    )
