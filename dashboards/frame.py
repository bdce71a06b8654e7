"""What every dashboard has: variables, links to the others, the words of caution, numbered panels."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard, text
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.text import TextMode

from dashboards.influxql import INFLUXDB, MQTT, LiveTopic

CAUTION = (
    "hamstream is a training aid, not a medical device. Limits compare a runner with healthy runners of the same speed "
    "and with their own habit; no published limit predicts hamstring pain. Where pain persists, see a professional."
)

WALL, LIVE, REVIEW, SEASON, HEALTH = (
    "hamstream-wall",
    "hamstream-live",
    "hamstream-review",
    "hamstream-season",
    "hamstream-health",
)

Panel = Builder[models.Panel]


class Row(dashboard.Row):
    """A heading; `each` repeats it and the panels below for every value of a variable."""

    def __init__(self, title: str, *, each: str = "") -> None:
        super().__init__(title)
        if each:
            self.repeat(each)


def build(
    uid: str,
    title: str,
    told: str,
    parts: Sequence[Panel | Row],
    *,
    variables: Sequence[dashboard.QueryVariable] = (),
    annotations: Sequence[dashboard.AnnotationQuery] = (),
    since: str,
    refresh: str = "",
) -> models.Dashboard:
    """The dashboard: `parts` flow from left to right and down, 24 units wide, the caution at the end."""
    board = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(f"{told} {CAUTION}")
        .tags(["hamstream"])
        .timezone("browser")
        .week_start("monday")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .time(since, "now")
        .timepicker(dashboard.TimePicker().refresh_intervals(["5s", "10s", "30s", "1m", "5m", "15m", "1h"]))
        .refresh(refresh)
        .readonly()
        .variables(list(variables))
        .annotations(list(annotations))
        .link(
            dashboard.DashboardLink("Dashboards")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags(["hamstream"])
            .include_vars(True)
            .keep_time(False)
        )
    )
    for part in parts:
        board = board.with_row(part) if isinstance(part, Row) else board.with_panel(part)
    result = board.build()
    panels = result.panels = result.panels or []
    below = max(panel.grid_pos.y + panel.grid_pos.h for panel in panels if panel.grid_pos)
    # Under a heading of its own, or it would belong to a heading that is repeated.
    panels.append(Row("Training aid, not a medical device").grid_pos(models.GridPos(h=1, w=24, x=0, y=below)).build())
    caution = text.Panel().transparent(True).mode(TextMode.MARKDOWN).content(CAUTION)
    panels.append(caution.grid_pos(models.GridPos(h=2, w=24, x=0, y=below + 1)).build())
    for number, panel in enumerate(panels, start=1):
        panel.id_val = number
        if isinstance(panel, models.Panel) and panel.targets:
            panel.datasource = MQTT if isinstance(panel.targets[0], LiveTopic) else INFLUXDB
    return result


def runner(*, running_now: bool = False) -> dashboard.QueryVariable:
    """The variable `runner`: one of all ever seen, or all of those who ran in the dashboard's time."""
    ran = 'SELECT "runner" FROM (SELECT last("speed_mps") FROM "stride" WHERE $timeFilter GROUP BY "runner")'
    ever = 'SHOW TAG VALUES FROM "stride" WITH KEY = "runner"'
    variable = _variable("runner", "Runner", ran if running_now else ever).sort(
        models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC
    )
    if running_now:
        everybody = models.VariableOption(text=["All"], value=["$__all"], selected=True)
        variable = variable.multi(True).include_all(True).current(everybody)
    return variable


def session() -> dashboard.QueryVariable:
    """The variable `session`: of the chosen runner, the newest first, for a session's id begins with its date."""
    query = """SHOW TAG VALUES FROM "stride" WITH KEY = "session" WHERE "runner" = '$runner'"""
    return _variable("session", "Session", query).sort(models.VariableSort.ALPHABETICAL_DESC)


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(INFLUXDB)
        .query({"refId": name, "query": query})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    model = variable.build()
    # The SDK writes these, which belong to another kind of variable, into every one.
    model.auto = model.auto_min = model.auto_count = None
    return variable


def link(title: str, uid: str, *parameters: str) -> models.DynamicConfigValue:
    """A link from a value to another dashboard, with URL parameters as `var-runner=${__data.fields.runner}`."""
    target = {"title": title, "url": f"/d/{uid}?{'&'.join(parameters)}", "targetBlank": False}
    return models.DynamicConfigValue("links", [target])
