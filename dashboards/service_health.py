"""Service health: are the pods, the radio and the service well."""

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from dashboards import frame, look
from dashboards.influxql import InfluxQL, select

BUCKET = "time($__interval)"
EVERYBODY = '"runner" =~ /^$runner$/'


def by_pod(title: str, told: str, column: str, unit: str, decimals: int) -> timeseries.Panel:
    """A curve a pod of every runner."""
    query = select(f"{column}", "pod", EVERYBODY, "$timeFilter", by=f'{BUCKET}, "runner", "role"', fill="none")
    panel = look.lines(title, told, unit=unit, decimals=decimals).interval("10s").min(0)
    return panel.with_target(InfluxQL(query, alias="$tag_runner $tag_role"))


def pods() -> table.Panel:
    """The newest of every pod."""
    columns = {
        "battery_percent": ("battery", look.PERCENT, 0),
        "rate_hz": ("rate", "hertz", 1),
        "lost_packets": ("lost packets", "short", 0),
        "duplicates": ("duplicates", "short", 0),
        "bad_packets": ("bad packets", "short", 0),
        "clock_error_ms": ("clock error", look.MS, 2),
    }
    chosen = ", ".join(f'last("{field}") AS "{name}"' for field, (name, _, _) in columns.items())
    query = select(f'last("link") AS "link", {chosen}', "pod", EVERYBODY, "$timeFilter", by='"runner", "role"')
    panel = look.rows("Pods", "The last that is known of every pod in the time shown.")
    panel = panel.with_transformation(
        look.transformed("organize", excludeByName={"Time": True}, indexByName={}, renameByName={})
    )
    for name, unit, decimals in columns.values():
        panel = panel.override_by_name(name, [look.prop("unit", unit), look.prop("decimals", decimals)])
    return panel.with_target(InfluxQL(query, table=True))


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
