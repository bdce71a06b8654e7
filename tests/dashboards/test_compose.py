"""compose.yaml and what it mounts: valid, closed to the network by default, and alive where that can be tried.

No Docker engine is needed, and none of this proves that the containers start: dashboards/README.md says so. What is
run for real are the broker's configuration, the gateway's, and club.sh (with a stand-in for docker).
"""

import copy
import gzip
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "dashboards"
# https://github.com/compose-spec/compose-spec, commit 170098b of 2026-06-23, schema/compose-spec.json, Apache-2.0
SPECIFICATION = ROOT / "tests" / "vectors" / "compose-spec.json.gz"
SECRETS = {
    "HAMSTREAM_MQTT_PASSWORD",
    "GRAFANA_MQTT_PASSWORD",
    "INFLUXDB_PASSWORD",
    "INFLUXDB_ADMIN_TOKEN",
    "GRAFANA_PASSWORD",
    "HAMSTREAM_WEB_TOKEN",
}


def load(name: str) -> Any:
    return yaml.safe_load((PLACE / name).read_text())


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(gzip.decompress(SPECIFICATION.read_bytes()))
    return jsonschema.Draft7Validator(schema)  # its $schema is draft 7, under an address of its own


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load("compose.yaml")["services"]
    return found


@pytest.mark.parametrize("name", ["compose.yaml", "compose.bluetooth.yaml"])
def test_the_file_is_a_compose_file(validator: Any, name: str) -> None:
    document = load(name)
    validator.validate(document)
    broken = copy.deepcopy(document)
    broken["services"]["hamstream"]["health_check"] = {}
    assert not validator.is_valid(broken)


def test_only_the_club_opens_the_network(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        local = all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert local or service.get("profiles") == ["club"], name


def test_versions_are_pinned_and_health_is_watched(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+\.\d+$", service["image"]), name
        assert service["healthcheck"]["test"], name
        for other, condition in service.get("depends_on", {}).items():
            assert other in services
            assert condition == {"condition": "service_healthy"}


def test_everything_mounted_is_there(services: dict[str, dict[str, Any]]) -> None:
    volumes = load("compose.yaml")["volumes"]
    for service in services.values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            made_by_the_script = source.startswith("./club/")
            assert made_by_the_script or source in volumes or (PLACE / source).exists(), source


def test_secrets_come_from_the_environment_and_are_asked_for() -> None:
    text = (PLACE / "compose.yaml").read_text()
    used = dict(re.findall(r"\$\{(\w+)([^}]*)\}", text))
    example = dict(re.findall(r"^(\w+)=(.*)$", (PLACE / ".env.example").read_text(), re.M))
    assert set(used) == set(example)
    assert {name for name, value in example.items() if not value} == SECRETS
    for name, rest in used.items():
        assert rest.startswith(":?") == (name in SECRETS), name


def test_the_image_has_what_the_package_has_and_no_root() -> None:
    text = (PLACE / "Dockerfile").read_text()
    copied = set(" ".join(re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.M)).split())
    kept = set(re.findall(r"^!(\S+)$", (PLACE / "Dockerfile.dockerignore").read_text(), re.M))
    project = (ROOT / "pyproject.toml").read_text()
    packages = set(re.findall(r'"(\w+)"', re.search(r"\npackages = \[(.*)\]", project)[1]))  # type: ignore[index]
    assert packages <= copied == kept
    assert {"pyproject.toml", "README.md", "LICENSE"} <= copied
    assert all((ROOT / name).exists() for name in copied)
    assert set(re.findall(r"^FROM (\S+)", text, re.M)) == {"python:3.12-slim-bookworm"}
    assert re.findall(r"^USER (\w+)$", text, re.M)[-1:] == ["hamstream"]
