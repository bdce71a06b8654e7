"""Team wall: every runner of the last minutes, a line each, in figures that can be read across a hall."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import GOOD, RUNNER, InfluxQL, norm_pieces, select
from dsp.analyzer import Phase
from host.coach.faults import FAULTS
from host.coach.norms import SPEEDS_MPS, norm
from host.report.metrics import BAND_SDS

TIBIA, TILT = "tibial_inclination_ic_deg", "pelvic_tilt_deg"
# A figure is the mean of ten seconds, some seven strides of each leg: steady enough to read, quick enough to coach.
STEP = "time(10s)"
# What is compared with the own habit: the mean of so long.
LATELY = "30s"
HEIGHT = 6
PHASES = [phase.name.capitalize() for phase in Phase] + ["Ended"]


def own_margin(fault: str) -> float:
    """How far from the own habit the coach begins to count, in the unit of the fault's first metric."""
    return next(f.limits[0].own_margin for f in FAULTS if f.id == fault)


def figure(title: str, told: str, metric: str, unit: str, decimals: int) -> stat.Panel:
    """The metric over both legs, now, over the line of the last minutes."""
    query = select(f'mean("{metric}")', "stride", RUNNER, GOOD, "$timeFilter", by=STEP, fill="none")
    return look.big(title, told, unit=unit, decimals=decimals).with_target(InfluxQL(query, alias=title))


def overstride() -> stat.Panel:
    """Degrees beyond what is usual at this speed; the coach's limit depends on the speed, so there are two steps."""
    sds = [BAND_SDS * norm(TIBIA, speed).sd for speed in SPEEDS_MPS]
    told = (
        "Shank angle at contact, above the mean of healthy runners at this speed. The coach counts it from "
        f"{BAND_SDS:g} SD on: {min(sds):.1f}° at {SPEEDS_MPS[0]:g} m/s, {max(sds):.1f}° at {SPEEDS_MPS[-1]:g} m/s."
    )
    source = norm_pieces({"usual": (TIBIA, 0.0)}, RUNNER, GOOD, more=f'"{TIBIA}"')
    query = select(f'mean("{TIBIA}") - mean("usual")', source, "$timeFilter", by=STEP, fill="none")
    panel = look.big("Overstride", told, unit=look.DEG, decimals=1).color_scheme(look.by_thresholds())
    edges = look.steps((round(min(sds), 2), look.NEAR), (round(max(sds), 2), look.BEYOND), base=look.WELL)
    return panel.thresholds(edges).with_target(InfluxQL(query, alias="overstride"))


def tilt() -> stat.Panel:
    """Degrees away from the runner's own usual tilt, in either direction."""
    less, more = own_margin("tilt_flattened"), own_margin("tilt_excessive")
    told = (
        "Pelvic tilt of the last 30 s, less the runner's own at this speed and slope; a natural tilt, however large, "
        f"reads 0. Marked from {less:g}° flatter and {more:g}° further on, where the coach begins to count. Empty "
        "until the own habit is known: in a first session for a minute."
    )
    query = select(f'mean("{TILT}")', "own", RUNNER, f"time >= now() - {LATELY}")
    panel = look.big("Tilt against own", told, unit=look.DEG, decimals=1).color_scheme(look.by_thresholds())
    panel = panel.graph_mode(options.BigValueGraphMode.NONE)
    return panel.thresholds(look.steps((-less, look.WELL), (more, look.BEYOND), base=look.BEYOND)).with_target(
        InfluxQL(query, alias="tilt")
    )


def now() -> stat.Panel:
    """All that is wrong now, in one line."""
    told = (
        "All that holds now; or what the runner has to do first, as when a pod is lost; or the phase before and after "
        "running. Empty when nothing was heard for 20 s."
    )
    query = select('last("now") AS "now"', "status", RUNNER, "time >= now() - 20s")
    colors = {"/^Good form$/": look.WELL, f"/^({'|'.join(PHASES)})$/": look.QUIET}
    panel = (
        look.big_text("Now", told, "now").color_scheme(look.by_thresholds()).thresholds(look.steps(base=look.BEYOND))
    )
    return panel.mappings(look.matching(colors)).with_target(InfluxQL(query, alias="$col"))


def last_cue() -> stat.Panel:
    """What was said last, and how long ago."""
    query = select('"text", "fault"', "cue", RUNNER, "\"kind\" = 'cue'", "$timeFilter") + " ORDER BY time DESC LIMIT 1"
    panel = look.big_text("Last cue", "What the runner was told last, and when.", "Time", "fault")
    panel = panel.mappings(look.fault_words()).override_by_name(
        "Time", [look.prop("unit", "dateTimeFromNow"), look.colored(look.QUIET)]
    )
    return look.stacked(panel).with_target(InfluxQL(query, table=True))


def pods() -> stat.Panel:
    """The weakest battery and the worst link of the three."""
    told = "The three pods' lowest battery, and the most packets that one of them lost in the time shown."
    panel = look.stacked(look.big("Pods", told, decimals=0))
    panel = panel.text_mode(options.BigValueTextMode.VALUE_AND_NAME).graph_mode(options.BigValueGraphMode.NONE)
    panel = panel.override_by_name("battery", [look.prop("unit", look.PERCENT)])
    for ref, of_pod, column in (
        ("A", 'last("battery_percent") AS "battery"', 'min("battery") AS "battery"'),
        ("B", 'spread("lost_packets") AS "lost"', 'max("lost") AS "lost"'),
    ):
        pods = select(of_pod, "pod", RUNNER, "$timeFilter", by='"role"')
        panel = panel.with_target(InfluxQL(select(column, f"({pods})", "$timeFilter"), alias="$col", ref=ref))
    return panel


def board() -> models.Dashboard:
    line: list[tuple[stat.Panel, int]] = [
        (now(), 5),
        (figure("Speed", "Running speed, mean of ten seconds.", "speed_mps", look.MPS, 1), 3),
        (figure("Cadence", "Steps per minute of both feet.", "cadence_spm", look.SPM, 0), 3),
        (overstride(), 3),
        (tilt(), 3),
        (last_cue(), 4),
        (pods(), 3),
    ]
    parts: list[frame.Panel | frame.Row] = [frame.Row("$runner", each="runner")]
    to_live = frame.link("Runner live", frame.LIVE, "var-runner=${runner}")
    parts += [panel.override_by_regexp(".*", [to_live]).span(width).height(HEIGHT) for panel, width in line]
    return frame.build(
        frame.WALL,
        "Team wall",
        "Every runner of the last five minutes.",
        parts,
        variables=[frame.runner(running_now=True)],
        since="now-5m",
        refresh="5s",
    )
