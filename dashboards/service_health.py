"""Service health: are the pods, the radio and the service well."""

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import BUCKET, RUNNER, InfluxQL, select

TARGET_MS = 150  # the product's own aim for a cue (tests/benchmarks/bench_latency.py)


def by_pod(title: str, told: str, column: str, unit: str, decimals: int) -> timeseries.Panel:
    """A curve a pod of every runner."""
    query = select(f"{column}", "pod", RUNNER, "$timeFilter", by=f'{BUCKET}, "runner", "role"', fill="none")
    panel = look.lines(title, told, unit=unit, decimals=decimals).interval("10s").min(0)
    return panel.with_target(InfluxQL(query, alias="$tag_runner $tag_role"))


def pods() -> table.Panel:
    """The newest of every pod."""
    columns = {
        "battery_percent": ("battery", look.PERCENT, 0),
        "signal_dbm": ("signal", "dBm", 0),
        "rate_hz": ("rate", "hertz", 1),
        "lost_packets": ("lost packets", "short", 0),
        "duplicates": ("duplicates", "short", 0),
        "bad_packets": ("bad packets", "short", 0),
        "clock_error_ms": ("clock error", look.MS, 2),
    }
    chosen = ", ".join(f'last("{field}") AS "{name}"' for field, (name, _, _) in columns.items())
    query = select(f'last("link") AS "link", {chosen}', "pod", RUNNER, "$timeFilter", by='"runner", "role"')
    panel = look.rows("Pods", "The last that is known of every pod in the time shown.")
    panel = panel.with_transformation(look.without_time())
    for name, unit, decimals in columns.values():
        panel = panel.override_by_name(name, look.number(unit, decimals))
    return panel.with_target(InfluxQL(query, table=True))


def by_host(title: str, told: str, columns: dict[str, str], unit: str, decimals: int) -> timeseries.Panel:
    """Curves of every computer that coaches: name -> column."""
    chosen = ", ".join(f'{column} AS "{name}"' for name, column in columns.items())
    query = select(chosen, "service", "$timeFilter", by=f'{BUCKET}, "host"', fill="none")
    panel = look.lines(title, told, unit=unit, decimals=decimals).interval("10s").min(0)
    return panel.with_target(InfluxQL(query, alias="$tag_host $col"))


def latency() -> timeseries.Panel:
    """How late what is said comes."""
    told = (
        "From a contact to the stride it completed, and to the cue that it decided: the worst in each interval. "
        f"Dashed: {TARGET_MS} ms, within which a cue is to go out. Replays have none."
    )
    columns = {"stride": 'max("stride_latency_ms")', "cue": 'max("cue_latency_ms")'}
    return (
        by_host("Latency", told, columns, look.MS, 0)
        .show_points(options.VisibilityMode.ALWAYS)
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
        .thresholds(look.steps((TARGET_MS, look.BEYOND), base=look.QUIET))
    )


def versions() -> table.Panel:
    """Which computer runs what, and when it was last heard."""
    query = select('last("version") AS "version"', "service", "$timeFilter", by='"host"')
    panel = look.rows("Computers", "Every computer that coaches and was heard in the time shown.")
    return panel.with_transformation(look.without_time()).with_target(InfluxQL(query, table=True))


def board() -> models.Dashboard:
    parts: list[frame.Panel | frame.Row] = [
        pods().span(24).height(8),
        by_pod("Battery", "Charge of every pod.", 'last("battery_percent")', look.PERCENT, 0)
        .max(100)
        .span(12)
        .height(8),
        by_pod("Lost packets", "Packets that never came, in each interval.", 'spread("lost_packets")', "short", 0)
        .span(12)
        .height(8),
        by_pod("Packets a second", "What every pod sends.", 'last("rate_hz")', "hertz", 1).span(12).height(8),
        by_pod("Clock error", "Spread of the pod's clock about the host's.", 'last("clock_error_ms")', look.MS, 2)
        .span(12)
        .height(8),
        latency().span(12).height(8),
        by_host(
            "Waiting to be written",
            "Entries of the store that InfluxDB does not have yet: more while the database is away, 0 soon after.",
            {"waiting": 'max("queue")'},
            "short",
            0,
        )
        .span(12)
        .height(8),
        by_host(
            "Dropped points",
            "Points that InfluxDB refused, or that waited too long to be worth writing, since the start.",
            {"dropped": 'max("dropped")'},
            "short",
            0,
        )
        .span(12)
        .height(6),
        versions().span(12).height(6),
    ]
    return frame.build(
        frame.HEALTH,
        "Service health",
        "Pods, radio and service.",
        parts,
        variables=[frame.runner(running_now=True)],
        since="now-1h",
        refresh="5s",
    )
