"""A second runner on the wall: the three commands of docs/club.md, with a stand-in for docker alone.

Broker, gateway with TLS, access rules, secrets and configuration are those that the club's computer and the runner's
get; the database is a real InfluxDB 1.6 that takes the token made for the runner. Pods are simulated.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dashboards.club import PASSWORDS, RUNNERS_TOKEN, STREAM, broker, club_folder, club_gateway, run, settings
from tests.end_to_end.processes import pods
from tests.end_to_end.test_command import environment
from tests.host.sinks.influx_server import InfluxServer
from tests.servers import Subscriber, program

ROOT = Path(__file__).parents[2]
NEEDED = ("mosquitto", "influxd", "nginx", "openssl")
GRAFANA = ("grafana", PASSWORDS["GRAFANA_MQTT_PASSWORD"])
LIMIT_S = 90.0


def on_the_wall(server: InfluxServer) -> set[str]:
    """Whom the wall's variable names."""
    board = json.loads((ROOT / "dashboards" / "json" / "team-wall.json").read_text())
    query = board["templating"]["list"][0]["query"]["query"]
    return {row["runner"] for row in server.ask(query.replace("$timeFilter", "time >= now() - 5m"))}


def first_two_commands(tmp_path: Path) -> tuple[Path, Path]:
    """The club's folder with Ben's account, and Ben's computer with Ben's folder."""
    club, bens = club_folder(tmp_path), tmp_path / "bens computer"
    bens.mkdir()
    assert run(club, "open", "127.0.0.1").returncode == 0
    assert run(club, "runner", "ben").returncode == 0
    shutil.copytree(club / "club" / "runners" / "ben", bens / "ben")  # in place of scp
    # What the stand-in for docker did not do in the broker's container.
    passwords, password = tmp_path / "passwords", settings(bens / "ben" / "secrets.env")["HAMSTREAM_MQTT_PASSWORD"]
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "ben", password], check=True)
    return club, bens


@pytest.mark.skipif(
    not STREAM.exists() or any(program(name) is None for name in NEEDED), reason=f"needs {', '.join(NEEDED)}"
)
async def test_a_second_runner_in_three_commands(tmp_path: Path) -> None:
    club, bens = await asyncio.to_thread(first_two_commands, tmp_path)
    (tmp_path / "influx").mkdir()
    with broker(tmp_path) as mqtt, InfluxServer(tmp_path / "influx", token=RUNNERS_TOKEN) as server:
        places = {"mosquitto:1883": mqtt.port, "influxdb:8086": server.gateway.port, "grafana:3000": 9}
        gateway, ports = club_gateway(club, places, tmp_path)
        config = bens / "ben" / "config.toml"
        text = config.read_text().replace("tls = true", f"tls = true\nport = {ports['8883']}")
        config.write_text(text.replace(":8087", f":{ports['8087']}") + "\n[web]\nport = 0\n")
        environ = environment(bens) | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        coach = Subscriber(mqtt.port, "hamstream/#", prepare=lambda client: client.username_pw_set(*GRAFANA))
        with gateway, coach:
            async with pods("--plan", "stand 4; run 3.2", "--listen", "127.0.0.1:0") as (_, air):
                ben = await asyncio.create_subprocess_exec(  # the third command
                    *("sh", "ben/run.sh", "--radio", air), cwd=bens, env=environ, stdout=asyncio.subprocess.DEVNULL
                )
                try:
                    async with asyncio.timeout(LIMIT_S):
                        while await asyncio.to_thread(on_the_wall, server) != {"ben"} or not coach.on("live"):
                            assert ben.returncode is None
                            await asyncio.sleep(0.2)
                finally:
                    ben.send_signal(signal.SIGINT)
                    assert await ben.wait() == 0
        (session,) = server.ask('SELECT runner, source FROM "session"')
    assert (session["runner"], session["source"]) == ("ben", "pods")
    assert {message.topic.split("/")[1] for message in coach.messages} == {"ben"}
