"""Figures as plain text shows them, in any language."""

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"


def clock(t_s: float) -> str:
    """Minutes and seconds, e.g. `1:07`; with hours where there are any."""
    minutes, seconds = divmod(int(t_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def pace(speed_mps: float) -> str:
    """Minutes and seconds a kilometre, e.g. `5:13`."""
    return clock(round(1000.0 / speed_mps))


def bars(values: Sequence[float], low: float, high: float, unknown: str) -> str:
    """One character a value, from the lowest to the highest bar; the middle one where `low` is `high`."""
    span = high - low

    def bar(value: float) -> str:
        if math.isnan(value):
            return unknown
        share = (value - low) / span if span else 0.5
        return _BARS[min(max(int(share * len(_BARS)), 0), len(_BARS) - 1)]

    return "".join(map(bar, values))


def unbroken(text: str) -> str:
    """Without the soft hyphens at which a narrow page may break a long word."""
    return text.replace("\N{SOFT HYPHEN}", "")
