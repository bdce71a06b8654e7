"""The topic `live`: a runner's newest strides as one flat record of numbers, for views that want them at once.

Flat, numbers alone and never null, because that is what Grafana's MQTT data source makes series of
(docs/mqtt.md, docs/asyncapi.yaml).
"""

from typing import Any

from dsp.types import Quality

OF_THE_BODY = ("speed_mps", "cadence_spm", "pelvic_tilt_deg", "latency_ms")
OF_A_LEG = (
    "tibial_inclination_ic_deg",
    "foot_ahead_of_pelvis_mm",
    "contact_time_ms",
    "flight_time_ms",
    "pelvic_drop_deg",
)
# As for the coach: a stride that lacks a pod still tells what the others measure.
_TELLING = ("", Quality.POD_MISSING.label)


def figures(stride: dict[str, Any]) -> dict[str, float]:
    """What a message `stride` of the feed tells, the leg's figures by the leg; empty for a stride not to be trusted."""
    if stride["quality"] not in _TELLING:
        return {}
    of_body = {name: stride[name] for name in OF_THE_BODY}
    of_leg = {f"{stride['side']}_{name}": stride[name] for name in OF_A_LEG}
    return {name: value for name, value in (of_body | of_leg).items() if value is not None}
