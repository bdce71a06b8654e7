"""How things look on every dashboard: colours, units, thresholds, legends.

The colours tell left from right and well from not, also to eyes that do not tell red from green (Okabe & Ito 2008,
"Color Universal Design"); they are those of the live page. There is no red: nothing here is an alarm, and a tilt of
the pelvis is natural.
"""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import common, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models

from host.coach.faults import FAULTS

LEFT, RIGHT = "#56b4e9", "#e69f00"
WELL, NEAR, BEYOND = "#29b78f", "#f0e442", "#e69f00"
QUIET, BAND = "#7f8b91", "#8fa3ad"

MPS, DEG, MS, MM, SPM, PERCENT = "velocityms", "degree", "ms", "lengthmm", "suffix:spm", "percent"
CLOCK = "dthms"  # 01:23:45, whatever the decimals


def steps(*edges: tuple[float, str], base: str) -> dashboard.ThresholdsConfig:
    """Colours by value: `base` below the first edge, then each edge's colour from its value on."""
    all_steps = [models.Threshold(None, base), *(models.Threshold(value, color) for value, color in edges)]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(all_steps)


def by_thresholds() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)


def one_color(color: str) -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(color)


def words(mapping: Mapping[str, tuple[str, str]]) -> list[models.ValueMapping]:
    """Values shown as text: value -> (text, colour)."""
    results = {
        value: models.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(mapping.items())
    }
    return [models.ValueMap(results)]


def matching(patterns: Mapping[str, str]) -> list[models.ValueMapping]:
    """Values by regular expression, shown as they are: pattern -> colour."""
    results = [
        models.DashboardRegexMapOptions(pattern=pattern, result=models.ValueMappingResult(color=color, index=index))
        for index, (pattern, color) in enumerate(patterns.items())
    ]
    return [models.RegexMap(result) for result in results]


def prop(name: str, value: object) -> models.DynamicConfigValue:
    """A property of a field override."""
    return models.DynamicConfigValue(name, value)


def number(unit: str, decimals: int) -> list[models.DynamicConfigValue]:
    return [prop("unit", unit), prop("decimals", decimals)]


def colored(color: str) -> models.DynamicConfigValue:
    return prop("color", {"mode": "fixed", "fixedColor": color})


SIDES: Mapping[str, Sequence[models.DynamicConfigValue]] = {"left": [colored(LEFT)], "right": [colored(RIGHT)]}


# --- panels ---


def big(title: str, told: str, *, unit: str = "", decimals: int = 1) -> stat.Panel:
    """One large figure, over a faint line of how it came to be. `told` is what the corner's (i) shows."""
    panel = (
        stat.Panel()
        .title(title)
        .description(told)
        .color_mode(options.BigValueColorMode.VALUE)
        .graph_mode(options.BigValueGraphMode.AREA)
        .text_mode(options.BigValueTextMode.VALUE)
        .justify_mode(options.BigValueJustifyMode.CENTER)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(""))
        .color_scheme(one_color(LEFT))
        .decimals(decimals)
        .no_value("-")
    )
    return panel.unit(unit) if unit else panel


def big_text(title: str, told: str, *fields: str) -> stat.Panel:
    """Large words in place of a figure: the last of each of `fields`."""
    # Empty would mean numbers only; texts, and the time, are shown when they are named.
    chosen = common.ReduceDataOptions().calcs(["lastNotNull"]).values(False).fields(f"/^({'|'.join(fields)})$/")
    return big(title, told).graph_mode(options.BigValueGraphMode.NONE).reduce_options(chosen)


def stacked(panel: stat.Panel) -> stat.Panel:
    """Several figures one below the other: side by side they are too small to be read from afar."""
    return panel.orientation(options.VizOrientation.HORIZONTAL)


def lines(title: str, told: str, *, unit: str, decimals: int = 1) -> timeseries.Panel:
    """Curves over time. Series named `left` and `right` have the sides' colours."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(told)
        .unit(unit)
        .decimals(decimals)
        .line_width(2)
        .line_interpolation(options.LineInterpolation.LINEAR)
        .fill_opacity(0)
        .show_points(options.VisibilityMode.AUTO)
        .point_size(4)
        # A stop for a light is no line across the graph.
        .span_nulls(30_000)
        .insert_nulls(30_000)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.NONE))
        .legend(legend())
    )
    for side, properties in SIDES.items():
        panel = panel.override_by_name(side, list(properties))
    return panel


def with_band(panel: timeseries.Panel, low: str, high: str) -> timeseries.Panel:
    """Fills between the series `low` and `high`, without lines of their own."""
    faint = [colored(BAND), prop("custom.lineWidth", 0), prop("custom.showPoints", "never")]
    hidden = prop("custom.hideFrom", {"legend": True, "tooltip": False, "viz": False})
    panel = panel.override_by_name(low, [*faint, hidden])
    return panel.override_by_name(high, [*faint, prop("custom.fillBelowTo", low), prop("custom.fillOpacity", 18)])


def states(title: str, told: str, mappings: list[models.ValueMapping]) -> statetimeline.Panel:
    """What held when, a row a series."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(told)
        .mappings(mappings)
        .color_scheme(by_thresholds())
        .thresholds(steps(base=QUIET))
        .merge_values(True)
        .show_value(options.VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(80)
        .line_width(0)
        .legend(legend())
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.SINGLE).sort(options.SortOrder.NONE))
    )


def rows(title: str, told: str) -> table.Panel:
    """A table."""
    return (
        table.Panel()
        .title(title)
        .description(told)
        .show_header(True)
        .cell_height(options.TableCellHeight.MD)
        .color_scheme(by_thresholds())
        .thresholds(steps(base="text"))
        .no_value("-")
    )


def legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(options.LegendDisplayMode.LIST)
        .placement(options.LegendPlacement.BOTTOM)
        .calcs([])
    )


def transformed(name: str, **how: object) -> models.DataTransformerConfig:
    return models.DataTransformerConfig(id_val=name, options=how)


def without_time() -> models.DataTransformerConfig:
    """Leaves out the column of times, where it tells nothing."""
    return transformed("organize", excludeByName={"Time": True}, indexByName={}, renameByName={})


def fault_words() -> list[models.ValueMapping]:
    """The coach's fault ids as words; the empty id is a runner with nothing to mend."""
    named = {fault.id: (fault.id.replace("_", " ").capitalize(), BEYOND) for fault in FAULTS}
    return words({"": ("Good form", WELL)} | named)
