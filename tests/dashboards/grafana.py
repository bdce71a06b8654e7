"""What Grafana does to a query before InfluxDB sees it, and to the answer before a panel does: for the tests.

Read from the InfluxDB data source of Grafana 11 (public/app/plugins/datasource/influxdb/datasource.ts,
pkg/tsdb/influxdb/influxql): variables are escaped within regular expressions, the backend fills in time and interval.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

Values = Mapping[str, str | Sequence[str]]


def substituted(query: str, since: datetime, until: datetime, values: Values, interval: str = "5s") -> str:
    """The query as InfluxDB gets it. A variable with several values becomes `(a|b)`."""
    for name, value in values.items():
        within = re.compile(rf"(/\^)\${name}(\$/)")
        query = within.sub(lambda found, v=value: f"{found[1]}{_escaped(v)}{found[2]}", query)
        if isinstance(value, str):
            query = query.replace(f"'${name}'", f"'{value}'")
    times = f"time >= {_ms(since)}ms and time <= {_ms(until)}ms"
    query = query.replace("$timeFilter", times).replace("$__interval", interval)
    if left := re.findall(r"\$\w+", query):
        raise ValueError(f"{left} would reach InfluxDB: {query}")
    return query


def _escaped(value: str | Sequence[str]) -> str:
    if isinstance(value, str):
        return re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value)
    return f"({'|'.join(_escaped(one) for one in value)})"


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def names(query: str) -> tuple[set[str], set[str]]:
    """The quoted names that a query asks for, and those that it makes up itself (`AS "x"`)."""
    made_up = re.compile(r'AS "([^"]+)"')
    return set(re.findall(r'"([^"]+)"', made_up.sub("", query))), set(made_up.findall(query))
