"""Session review: one run from start to end, whatever the dashboard's time: how form drifted, what cues changed."""

from grafana_foundation_sdk.builders import histogram, stat, table, trend
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import GOOD, SESSION, InfluxQL, select

# Curves over the run: a point each half minute, some 20 strides of a leg.
STEP = "time(30s)"
RUNNING = "running_s"


def over_the_run(title: str, told: str, metric: str, unit: str, *, decimals: int = 1, legs: bool = True) -> trend.Panel:
    """The metric against the time since the session's start, left and right or both legs as one."""
    panel = (
        trend.Panel()
        .title(title)
        .description(told)
        .unit(unit)
        .decimals(decimals)
        .x_field(RUNNING)
        .line_width(2)
        .show_points(options.VisibilityMode.NEVER)
        .span_nulls(True)
        .legend(look.legend())
        .override_by_name(RUNNING, [look.prop("unit", look.CLOCK), look.prop("displayName", "running for")])
        # The legs' frames become one; the trend panel draws over the one number that is left of the time.
        .with_transformation(look.transformed("joinByField", byField="Time", mode="inner"))
        .with_transformation(look.without_time())
    )
    for side, properties in look.SIDES.items():
        panel = panel.override_by_name(side, list(properties))
    elapsed = f'mean("ic_s") AS "{RUNNING}"'
    conditions = ("stride", SESSION, GOOD)
    if not legs:
        columns = f'{elapsed}, mean("{metric}") AS "both feet"'
        return panel.with_target(InfluxQL(select(columns, *conditions, by=STEP, fill="none"), table=True))
    for ref, side in (("A", "left"), ("B", "right")):
        columns = f'mean("{metric}") AS "{side}"'
        query = select(
            f"{elapsed}, {columns}" if ref == "A" else columns,
            *conditions,
            f"\"side\" = '{side}'",
            by=STEP,
            fill="none",
        )
        panel = panel.with_target(InfluxQL(query, ref=ref, table=True))
    return panel


def spread(title: str, metric: str, unit: str, bucket: int) -> histogram.Panel:
    """How often which value, left beside right."""
    panel = (
        histogram.Panel()
        .title(title)
        .description("How often each value came, by leg, in good strides.")
        .unit(unit)
        .bucket_size(bucket)
        .combine(False)
        .fill_opacity(45)
        .line_width(1)
        .legend(look.legend())
    )
    for ref, side in (("A", "left"), ("B", "right")):
        query = select(f'"{metric}" AS "{side}"', "stride", SESSION, GOOD, f"\"side\" = '{side}'")
        panel = panel.with_target(InfluxQL(query, ref=ref, table=True)).override_by_name(side, list(look.SIDES[side]))
    return panel


def at_a_glance() -> list[stat.Panel]:
    def one(title: str, told: str, columns: str, unit: str, decimals: int, *more: str) -> stat.Panel:
        query = select(columns, "stride", SESSION, *more)
        panel = look.big(title, told, unit=unit, decimals=decimals).graph_mode(options.BigValueGraphMode.NONE)
        return panel.with_target(InfluxQL(query, alias=title))

    return [
        one("Length", "From the session's start to its last stride.", 'max("next_ic_s")', look.CLOCK, 0),
        one("Strides", "Of both legs, those with a quality flag among them.", 'count("ic_s")', "short", 0),
        one("Speed", "Mean of good strides.", 'mean("speed_mps")', look.MPS, 2, GOOD),
        one("Cadence", "Mean of good strides.", 'mean("cadence_spm")', look.SPM, 0, GOOD),
        one("Ground contact", "Mean of good strides.", 'mean("contact_time_ms")', look.MS, 0, GOOD),
        one(
            "Pelvic tilt", "Mean of good strides, against quiet standing.", 'mean("pelvic_tilt_deg")', look.DEG, 1, GOOD
        ),
    ]


def cues() -> table.Panel:
    """What was said when, and what came of it."""
    columns = (
        '"t_s" AS "running for", "kind" AS "what", "fault" AS "pattern", "side", "context", "text", '
        '"metric" AS "judged by", "before", "after", "after" - "before" AS "change"'
    )
    told = (
        "Everything that was said, in order: cues, and praise when it got better. Behind a cue stands the metric that "
        "decided it, its mean in the 20 strides before and after, and the change; empty where too few strides followed."
    )
    panel = look.rows("Cues and what they changed", told)
    panel = panel.override_by_name("running for", [look.prop("unit", look.CLOCK)])
    panel = panel.override_by_name("pattern", [look.prop("mappings", look.fault_words())])
    for name in ("before", "after", "change"):
        panel = panel.override_by_name(name, [look.prop("decimals", 1)])
    return panel.with_transformation(look.without_time()).with_target(
        InfluxQL(select(columns, "cue", SESSION), table=True)
    )


def board() -> models.Dashboard:
    drift = [
        over_the_run(
            "Shank at contact", "Ankle ahead of the knee when the foot lands.", "tibial_inclination_ic_deg", look.DEG
        ),
        over_the_run("Foot ahead of pelvis", "Where the foot lands.", "foot_ahead_of_pelvis_mm", look.MM, decimals=0),
        over_the_run("Pelvic tilt", "Forward tilt; natural, and only its change matters.", "pelvic_tilt_deg", look.DEG),
        over_the_run("Pelvic drop", "The swing side's lowest in stance.", "pelvic_drop_deg", look.DEG),
        over_the_run(
            "Ground contact", "Longer contact is a common sign of fatigue.", "contact_time_ms", look.MS, decimals=0
        ),
        over_the_run("Braking", "Forward speed lost in early stance.", "braking_loss_mps", look.MPS, decimals=2),
        over_the_run("Cadence", "Steps per minute.", "cadence_spm", look.SPM, decimals=0, legs=False),
        over_the_run("Speed", "Running speed.", "speed_mps", look.MPS, decimals=2, legs=False),
    ]
    spreads = [
        spread("Shank at contact", "tibial_inclination_ic_deg", look.DEG, 1),
        spread("Ground contact", "contact_time_ms", look.MS, 5),
        spread("Pelvic tilt", "pelvic_tilt_deg", look.DEG, 1),
    ]
    parts: list[frame.Panel | frame.Row] = [frame.Row("The run"), *[p.span(4).height(4) for p in at_a_glance()]]
    parts += [frame.Row("What was said"), cues().span(24).height(8)]
    parts += [frame.Row("Drift over the run"), *[p.span(12).height(7) for p in drift]]
    parts += [frame.Row("How often which value"), *[p.span(8).height(7) for p in spreads]]
    return frame.build(
        frame.REVIEW,
        "Session review",
        "One run from start to end.",
        parts,
        variables=[frame.runner(), frame.session()],
        since="now-24h",
    )
