"""docs/asyncapi.yaml: valid AsyncAPI 3, and complete for what is published."""

import copy
import gzip
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from host.feed import to_payload
from host.records import Cue, PodHealth, Stride
from host.sinks.live_topic import figures
from tests.host.sinks.records import stride

ROOT = Path(__file__).parents[3]
# https://github.com/asyncapi/spec-json-schemas, npm @asyncapi/specs 6.11.1, schemas/3.0.0.json, Apache-2.0
SPECIFICATION = ROOT / "tests" / "vectors" / "asyncapi-3.0.0.json.gz"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(gzip.decompress(SPECIFICATION.read_bytes()))
    return jsonschema.validators.validator_for(schema)(schema)


def test_the_document_is_asyncapi_3(document: dict[str, Any], validator: Any) -> None:
    validator.validate(document)
    broken = copy.deepcopy(document)
    del broken["operations"]["sendAlert"]["channel"]
    assert not validator.is_valid(broken)


@pytest.mark.parametrize(
    ("name", "record", "more"),
    [
        ("stride", Stride, {"session", "stride"}),
        ("pod", PodHealth, set()),
        ("alert", Cue, {"cue_id", "session", "decided_utc", "valid_until", "latency_ms", "language"}),
    ],
)
def test_every_field_is_described_and_every_described_field_exists(
    document: dict[str, Any], name: str, record: type, more: set[str]
) -> None:
    schema = document["components"]["schemas"][name]
    expected = {field.name for field in fields(record)} | more
    assert set(schema["properties"]) == expected
    assert set(schema["required"]) == expected


def test_every_live_figure_is_described(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["live"]
    told = {name for side in ("left", "right") for name in figures(to_payload(stride(1.0, side=side), latency_ms=90.0))}
    unknown = {f"{side}_pelvic_drop_deg" for side in ("left", "right")}  # NaN in the stride of the tests
    assert set(schema["properties"]) == told | unknown | {"faults_held"}
    assert {details["type"] for details in schema["properties"].values()} == {"number", "integer"}


def test_the_guide_names_every_topic(document: dict[str, Any]) -> None:
    guide = (ROOT / "docs" / "mqtt.md").read_text()
    for channel in document["channels"].values():
        leaf = channel["address"].rsplit("/", 1)[-1]
        assert f"| `{leaf}` |" in guide
