"""Runner live: one runner now, left and right over what is usual at this speed, what held when, what was said."""

from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import (
    BUCKET,
    GOOD,
    INFLUXDB,
    RUNNER,
    InfluxAnnotation,
    InfluxQL,
    LiveTopic,
    norm_pieces,
    select,
)
from dashboards.team_wall import LATELY, TILT, own_margin
from host.report.metrics import BAND_SDS


def sides(metric: str) -> InfluxQL:
    """The metric's course, a series a leg."""
    query = select(f'mean("{metric}")', "stride", RUNNER, GOOD, "$timeFilter", by=f'{BUCKET}, "side"', fill="none")
    return InfluxQL(query, alias="$tag_side")


def both(metric: str, name: str) -> InfluxQL:
    """The metric's course over both legs, as one series."""
    query = select(f'mean("{metric}") AS "{name}"', "stride", RUNNER, GOOD, "$timeFilter", by=BUCKET, fill="none")
    return InfluxQL(query, alias="$col")


def norm_band(metric: str) -> InfluxQL:
    """Mean -+ BAND_SDS SD of healthy runners at the speed that is being run."""
    pieces = norm_pieces({"low": (metric, -BAND_SDS), "high": (metric, BAND_SDS)}, RUNNER, GOOD)
    columns = 'mean("low") AS "usual from", mean("high") AS "usual to"'
    return InfluxQL(select(columns, pieces, "$timeFilter", by=BUCKET, fill="none"), alias="$col", ref="N")


def over_norm(title: str, told: str, metric: str, unit: str, decimals: int = 1, name: str = "") -> timeseries.Panel:
    """Left and right, or one curve called `name`, over the norm's band."""
    told = f"{told} Shaded: 26 healthy runners at this speed, mean ∓ {BAND_SDS:g} SD (Fukuchi et al. 2017)."
    panel = look.lines(title, told, unit=unit, decimals=decimals).interval("2s")
    panel = look.with_band(panel, "usual from", "usual to").with_target(norm_band(metric))
    return panel.with_target(both(metric, name) if name else sides(metric))


def tilt() -> timeseries.Panel:
    """The tilt over the runner's own usual: no norm tells which tilt is right for a body."""
    less, more = (own_margin(fault) for fault in ("tilt_flattened", "tilt_excessive"))
    told = (
        "Forward tilt of the pelvis against quiet standing. No tilt is wrong in itself. Shaded: from "
        f"{less:g}° flatter to {more:g}° further than is usual for this runner at this speed and slope: within it the "
        "coach counts no change. Absent until the own habit is known."
    )
    usual = f'mean("usual_{TILT}")'
    columns = f'{usual} - {less:g} AS "usual from", {usual} + {more:g} AS "usual to"'
    band = InfluxQL(select(columns, "own", RUNNER, "$timeFilter", by=BUCKET, fill="none"), alias="$col", ref="N")
    panel = look.lines("Pelvic tilt", told, unit=look.DEG).interval("5s")
    return look.with_band(panel, "usual from", "usual to").with_target(band).with_target(sides(TILT))


def cues() -> dashboard.AnnotationQuery:
    """What was said, as marks over every curve."""
    query = select('"text", "fault"', "cue", RUNNER, "$timeFilter")
    annotation = dashboard.AnnotationQuery().name("Cues").datasource(INFLUXDB).enable(True).icon_color(look.BEYOND)
    return annotation.target(InfluxAnnotation(query, text="text", tags="fault"))


def holding() -> statetimeline.Panel:
    """What held when, a row a fault."""
    told = (
        "From where a pattern began to hold until it ended, as the coach sees it, whether it was spoken of or not. A "
        "pattern that did not hold has no row."
    )
    mappings = look.words({"1": ("holds", look.BEYOND), "0": ("ended", look.WELL)})
    # What holds is said every 5 s, so an interval of 10 s without a word is a gap.
    query = select('last("holds")', "fault", RUNNER, "$timeFilter", by=f'{BUCKET}, "fault"', fill="null")
    return look.states("What held", told, mappings).interval("10s").with_target(InfluxQL(query, alias="$tag_fault"))


def cued() -> statetimeline.Panel:
    """What the runner was told to mend, a row a fault: from each cue until the praise that followed."""
    told = "From a cue until the word of praise that tells that it got better. A fault without a cue has no row."
    mappings = look.words({"cue": ("cued", look.BEYOND), "praise": ("better", look.WELL)})
    query = select('last("kind") AS "kind"', "cue", RUNNER, "$timeFilter", by=f'{BUCKET}, "fault"', fill="previous")
    return (
        look.states("Cued and mended", told, mappings).interval("2s").with_target(InfluxQL(query, alias="$tag_fault"))
    )


# Columns of the panel below: name -> (metric, unit, decimals).
OWN = {
    "shank at contact": ("tibial_inclination_ic_deg", look.DEG, 1),
    "foot ahead": ("foot_ahead_of_pelvis_mm", look.MM, 0),
    "pelvic tilt": (TILT, look.DEG, 1),
    "pelvic drop": ("pelvic_drop_deg", look.DEG, 1),
    "ground contact": ("contact_time_ms", look.MS, 0),
    "cadence": ("cadence_spm", look.SPM, 0),
}


def against_own() -> stat.Panel:
    """How far the last half minute is from the runner's own habit. No colours: only the coach knows from where on."""
    told = (
        "Mean of the last 30 s, less what is usual for this runner at this speed and slope, as the coach compares it. "
        "Empty until the own habit is known: in a first session for a minute."
    )
    columns = ", ".join(f'mean("{metric}") AS "{name}"' for name, (metric, _, _) in OWN.items())
    query = select(columns, "own", RUNNER, f"time >= now() - {LATELY}")
    panel = look.big("Against the own usual", told).graph_mode(options.BigValueGraphMode.NONE)
    panel = panel.text_mode(options.BigValueTextMode.VALUE_AND_NAME).color_mode(options.BigValueColorMode.NONE)
    for name, (_, unit, decimals) in OWN.items():
        panel = panel.override_by_name(name, look.number(unit, decimals))
    return panel.with_target(InfluxQL(query, alias="$col"))


def stride_by_stride() -> timeseries.Panel:
    """Pushed over MQTT within the second, without asking a database."""
    told = (
        "The last minute, each stride as it lands, over MQTT (Grafana Live; needs the plugin grafana-mqtt-datasource). "
        "It starts empty, for nothing is stored here."
    )
    curves = {
        "left_tibial_inclination_ic_deg": ("left shank at contact", look.LEFT),
        "right_tibial_inclination_ic_deg": ("right shank at contact", look.RIGHT),
        TILT: ("pelvic tilt", look.QUIET),
    }
    panel = look.lines("Stride by stride", told, unit=look.DEG).time_from("1m").interval("200ms").span_nulls(True)
    for name, (words, color) in curves.items():
        panel = panel.override_by_name(name, [look.prop("displayName", words), look.colored(color)])
    shown = {"names": ["Time", *curves]}
    panel = panel.with_transformation(look.transformed("filterFieldsByName", include=shown))
    return panel.with_target(LiveTopic("hamstream/${runner}/live"))


def board() -> models.Dashboard:
    now = [
        (look.big("Speed", "Running speed, mean of both legs.", unit=look.MPS, decimals=2), "speed_mps"),
        (look.big("Cadence", "Steps per minute of both feet.", unit=look.SPM, decimals=0), "cadence_spm"),
        (look.big("Ground contact", "Time a foot is on the ground.", unit=look.MS, decimals=0), "contact_time_ms"),
    ]
    curves = [
        over_norm(
            "Shank at contact", "Ankle ahead of the knee when the foot lands.", "tibial_inclination_ic_deg", look.DEG
        ),
        over_norm("Foot ahead of pelvis", "Where the foot lands.", "foot_ahead_of_pelvis_mm", look.MM, 0),
        tilt(),
        over_norm("Cadence", "Steps per minute of both feet.", "cadence_spm", look.SPM, 0, "both feet"),
        over_norm("Ground contact", "Time a foot is on the ground.", "contact_time_ms", look.MS, 0),
        over_norm(
            "Flight", "From this foot leaving the ground to the other one landing.", "flight_time_ms", look.MS, 0
        ),
        over_norm("Pelvic drop", "The swing side's lowest during stance.", "pelvic_drop_deg", look.DEG),
        over_norm("Pelvic rotation", "Range of the pelvis about the vertical.", "pelvic_rotation_range_deg", look.DEG),
    ]
    parts: list[frame.Panel | frame.Row] = [
        panel.with_target(both(metric, metric)).span(8).height(5) for panel, metric in now
    ]
    parts += [against_own().span(24).height(4), holding().span(12).height(6), cued().span(12).height(6)]
    parts += [panel.span(12).height(8) for panel in [stride_by_stride(), *curves]]
    return frame.build(
        frame.LIVE,
        "Runner live",
        "One runner now.",
        parts,
        variables=[frame.runner()],
        annotations=[cues()],
        since="now-15m",
        refresh="5s",
    )
