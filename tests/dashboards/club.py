"""The club's computer without Docker: club.sh with a stand-in for docker, and the real broker and gateway."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.servers import Server, free_port, program

PLACE = Path(__file__).parents[2] / "dashboards"
PASSWORDS = {"HAMSTREAM_MQTT_PASSWORD": "for-hamstream", "GRAFANA_MQTT_PASSWORD": "for-grafana"}
STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
RUNNERS_TOKEN = "write-only=="  # that the stand-in's InfluxDB makes

# Answers as the containers' programs do, and notes what it was asked.
DOCKER = """#!/bin/sh
echo "$*" >>"$DOCKER_LOG"
case "$*" in
*"bucket list"*) printf '[\\n\\t{\\n\\t\\t"id": "b0c4e7",\\n\\t\\t"orgID": "0f"\\n\\t}\\n]\\n' ;;
*"auth create"*) printf '{\\n\\t"id": "0a",\\n\\t"token": "write-only==",\\n\\t"status": "active"\\n}\\n' ;;
esac
"""


def club_folder(folder: Path) -> Path:
    """A copy of dashboards/, and a docker that only notes what it is asked, first on the path."""
    place = folder / "dashboards"
    shutil.copytree(PLACE, place, ignore=shutil.ignore_patterns(".env", "club", "json", "__pycache__"))
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(DOCKER)
    (folder / "bin" / "docker").chmod(0o755)
    return place


def run(club: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    bin_ = club.parent / "bin"
    environ = os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}", "DOCKER_LOG": str(club.parent / "log")}
    return subprocess.run(["sh", str(club / "club.sh"), *arguments], env=environ, capture_output=True, text=True)


def settings(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def broker(folder: Path) -> Server:
    """mosquitto as compose.yaml starts it: services/mosquitto.sh and .conf, with paths and port of the test."""

    def command(port: int) -> list[str]:
        text = (PLACE / "services" / "mosquitto.conf").read_text()
        text = text.replace("listener 1883", f"listener {port} 127.0.0.1")
        text = text.replace("/mosquitto/data", str(folder)).replace("/mosquitto/config", str(PLACE / "services"))
        # Debian's default is to change to a user who cannot read the test's folder.
        (folder / "conf").write_text(("user root\n" if os.getuid() == 0 else "") + text)
        settings = PASSWORDS | {"PASSWORDS": str(folder / "passwords"), "CONFIG": str(folder / "conf")}
        path = f"PATH={os.environ['PATH']}:/usr/sbin"
        return ["env", path, *(f"{k}={v}" for k, v in settings.items()), "sh", str(PLACE / "services/mosquitto.sh")]

    return Server(command)


def club_gateway(club: Path, places: dict[str, int], folder: Path) -> tuple[Server, dict[str, int]]:
    """nginx with services/gateway.conf, and its ports by those that it has in the file. `places`: what is where."""
    ports = {name: free_port() for name in ("8443", "8087", "8883")}
    text = (club / "services" / "gateway.conf").read_text()
    for name, port in places.items():
        text = text.replace(name, f"127.0.0.1:{port}")
    for name, port in ports.items():
        text = text.replace(f"listen {name} ", f"listen 127.0.0.1:{port} ")
    text = text.replace("/etc/hamstream", str(club / "club")).replace("/tmp/nginx.pid", str(folder / "pid"))
    (folder / "nginx.conf").write_text(text)
    load = f"load_module {STREAM}; daemon off;" + (" user root;" if os.getuid() == 0 else "")
    nginx = program("nginx") or "nginx"
    gateway = Server(lambda _: [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", load])
    gateway.port = ports["8443"]
    return gateway, ports
