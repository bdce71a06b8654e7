"""Queries: what a panel asks of InfluxDB, and what all of them share.

Grafana replaces `$timeFilter`, `$__interval` and `$runner` before InfluxDB sees a query. A variable stands in a
regular expression (`=~ /^$runner$/`), because Grafana escapes its value only there; a variable that may hold
several values becomes `(ann|ben)`.
"""

from itertools import pairwise
from typing import Any

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import AnnotationTarget, DataSourceRef

from host.coach.norms import HOLD_MPS, SPEEDS_MPS, norm

# The names under which provisioning/datasources/hamstream.yaml declares them.
INFLUXDB = DataSourceRef(type_val="influxdb", uid="hamstream-influxdb")
MQTT = DataSourceRef(type_val="grafana-mqtt-datasource", uid="hamstream-mqtt")

RUNNER = '"runner" =~ /^$runner$/'
BUCKET = "time($__interval)"
SESSION = '"session" =~ /^$session$/'
# What carries a quality flag (a gap, settling, a slipped pod) is stored, but no figure is made of it.
GOOD = "\"quality\" = ''"


class InfluxQL(Dataquery, Builder[Dataquery]):
    """A target of a panel: one InfluxQL query. `table` gives one frame with all columns, tags among them."""

    def __init__(self, query: str, *, alias: str = "", ref: str = "A", table: bool = False) -> None:
        self.query, self.alias, self.ref_id, self.table = query, alias, ref, table

    def build(self) -> Dataquery:
        return self

    def to_json(self) -> dict[str, Any]:
        return {
            "refId": self.ref_id,
            "datasource": INFLUXDB,
            "rawQuery": True,
            "query": self.query,
            "alias": self.alias,
            "resultFormat": "table" if self.table else "time_series",
        }


class LiveTopic(Dataquery, Builder[Dataquery]):
    """A target of a panel: an MQTT topic, pushed through Grafana Live as messages come."""

    def __init__(self, topic: str, *, ref: str = "A") -> None:
        self.topic, self.ref_id = topic, ref

    def build(self) -> Dataquery:
        return self

    def to_json(self) -> dict[str, Any]:
        return {"refId": self.ref_id, "datasource": MQTT, "topic": self.topic}


class InfluxAnnotation(AnnotationTarget, Builder[AnnotationTarget]):
    """The target of an annotation. `text` and `tags` name the columns that Grafana shows; it wants both."""

    def __init__(self, query: str, *, text: str, tags: str) -> None:
        super().__init__(limit=100, match_any=False, tags=[], type_val="tags")
        self.query, self.text_column, self.tags_column = query, text, tags

    def build(self) -> AnnotationTarget:
        return self

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {
            "refId": "Anno",
            "datasource": INFLUXDB,
            "fromAnnotations": True,
            "queryType": "tags",
            "query": self.query,
            "textColumn": self.text_column,
            "tagsColumn": self.tags_column,
        }


def select(columns: str, source: str, *conditions: str, by: str = "", fill: str = "") -> str:
    """`SELECT columns FROM source WHERE conditions GROUP BY by fill(fill)`; a measurement is quoted."""
    source = source if source.startswith("(") else f'"{source}"'
    query = f"SELECT {columns} FROM {source}"
    if conditions:
        query += " WHERE " + " AND ".join(conditions)
    if by:
        query += f" GROUP BY {by}"
    if fill:
        query += f" fill({fill})"
    return query


def norm_pieces(columns: dict[str, tuple[str, float]], *conditions: str, more: str = "") -> str:
    """Strides beside what is usual at their own speed, as the source of an outer query.

    `columns`: name -> (metric, SDs beyond the norm's mean). The norm is linear between the measured speeds and held
    for 0.5 m/s beyond either end (host/coach/norms.py), so each stretch of speed is one subquery. `more`: columns
    to carry along. Strides outside of the known speeds do not appear.
    """
    slowest, fastest = SPEEDS_MPS[0] - HOLD_MPS, SPEEDS_MPS[-1] + HOLD_MPS
    edges = (slowest, *SPEEDS_MPS, fastest)
    pieces = []
    for low, high in pairwise(edges):
        chosen = [f'{_line(metric, sds, low, high)} AS "{name}"' for name, (metric, sds) in columns.items()]
        upper = f'"speed_mps" <= {high}' if high == fastest else f'"speed_mps" < {high}'
        within = (f'"speed_mps" >= {low}', upper, *conditions)
        pieces.append(f"({select(', '.join([*chosen, *([more] if more else [])]), 'stride', *within)})")
    return ", ".join(pieces)


def _line(metric: str, sds: float, low: float, high: float) -> str:
    """The norm's mean plus `sds` SD between two speeds, as a formula of the speed."""
    a, b = (norm(metric, speed) for speed in (low, high))
    at_low, at_high = a.mean + sds * a.sd, b.mean + sds * b.sd
    slope = (at_high - at_low) / (high - low)
    # The speed stands in both, for InfluxQL has no columns without a field.
    return f'"speed_mps" * {slope:.6f} + {at_low - slope * low:.6f}'
