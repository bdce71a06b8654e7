"""`hamstream doctor`: what works, what does not, what to do. One line a check.

A check never raises: what is wrong is its text. Only what the configuration asks for can be a problem; a computer
without Bluetooth is fine for the demo, a replay and the analysis of files.
"""

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from host import config as configuration
from host.config import Config, VoiceConfig, WebConfig
from host.errors import AdapterUnavailableError, ConfigError, SinkError
from host.pods.scan import scan
from host.sinks import influx_link
from host.sinks.influx_points import service_point
from host.sinks.mqtt_link import BrokerLink, MqttConfig
from host.web.tls import check_certificate

SCAN_S = 2.0
# What three pods at 208 Hz leave on disk (34 MB of recording measured), and the store beside it.
BYTES_PER_HOUR = 40e6
ENOUGH_HOURS = 10.0
# Seconds of a core: loading compiled kernels takes 0.7, compiling them 22 (measured). The wall tells less when busy.
COMPILED_S = 3.0

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    state: str  # OK, NOTE or PROBLEM
    text: str

    def __str__(self) -> str:
        return f"{self.state:<8} {self.name}: {self.text}"


def doctor(config_path: Path | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Prints every check as it is done. Returns 1 when something that is needed is broken, else 0."""

    async def show() -> list[str]:
        states = []
        async for check in checks(config_path, environ):
            print(check, flush=True)
            states.append(check.state)
        return states

    states = asyncio.run(show())
    ready = "Ready, but for what is noted." if NOTE in states else "Ready."
    print(f"{states.count(PROBLEM)} to mend." if PROBLEM in states else ready)
    return 1 if PROBLEM in states else 0


async def checks(config_path: Path | None, environ: Mapping[str, str]) -> AsyncIterator[Check]:
    """All checks, in an order in which one explains the next."""
    config = None
    try:
        config = configuration.load(config_path, environ)
    except ConfigError as error:
        for problem in error.problems:
            yield Check("config", PROBLEM, problem)
    else:
        yield _config(config, config_path, environ)
    yield await asyncio.to_thread(_core)
    yield await _bluetooth(needed=bool(config and config.runners))
    if config is None:
        yield Check(
            "rest", NOTE, "broker, InfluxDB, disk, live page and voice were not tried; mend the configuration first"
        )
        return
    yield await _broker(config)
    yield await _influx(config)
    yield _disk(config)
    yield _page(config.web)
    yield _voice(config.voice)


def _config(config: Config, path: Path | None, environ: Mapping[str, str]) -> Check:
    file = configuration.find(path, environ)
    if file is None:
        place = configuration.default_path()
        return Check("config", OK, f"none, so defaults; write {place} to name your pods (see docs/config.md)")
    names = ", ".join(runner.name for runner in config.runners) or "nobody"
    return Check("config", OK, f"{file}, runners: {names}")


def _core() -> Check:
    try:
        from dsp.analyzer import warm_up

        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        warm_up()
        took_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    except (OSError, RuntimeError) as error:  # numba: nowhere to keep what it compiled
        advice = "set HAMSTREAM_CACHE to a folder that can be written"
        return Check("signal core", PROBLEM, f"cannot be compiled ({error}); {advice}")
    how = "was not compiled yet; it is now, so the next start is quick" if cpu_s > COMPILED_S else "is compiled"
    return Check("signal core", OK, f"{how} ({took_s:.1f} s)")


async def _bluetooth(needed: bool) -> Check:
    try:
        pods = await scan(SCAN_S)
    except AdapterUnavailableError as error:
        return Check("Bluetooth", PROBLEM if needed else NOTE, str(error))
    found = ", ".join(f"{pod.role or pod.name} {pod.address}" for pod in pods) or "no pod in the air"
    return Check("Bluetooth", OK, f"works; {found}")


async def _broker(config: Config) -> Check:
    if not config.mqtt.host:
        return Check("broker", OK, "the embedded one will be used, on this computer only (mqtt.host is not set)")
    options = MqttConfig(**config.mqtt.options())
    try:
        async with BrokerLink(options).connect() as connection:
            version = "5" if connection.v5 else "3.1.1"
    except SinkError as error:
        return Check("broker", PROBLEM, f"{error}; check [mqtt], and that it runs")
    return Check("broker", OK, f"{options.endpoint} answers, MQTT {version}")


async def _influx(config: Config) -> Check:
    """Writes a point, as every run does all the time: there is no other question that a token for writing may ask."""
    if not config.influx.url:
        return Check("InfluxDB", OK, "none (influx.url is not set)")
    options = influx_link.InfluxConfig(**config.influx.options())
    try:
        async with influx_link.connect(options) as connection:
            refused = await connection.write([service_point(datetime.now(UTC))])
    except SinkError as error:
        return Check("InfluxDB", PROBLEM, str(error))
    if refused:
        return Check("InfluxDB", PROBLEM, f"{options.url} refuses what hamstream writes; see the message above")
    return Check("InfluxDB", OK, f"{options.url} takes points into `{options.bucket}`")


def _disk(config: Config) -> Check:
    folder = config.storage.folder
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free_bytes = shutil.disk_usage(existing).free
    except OSError as error:
        return Check("disk", PROBLEM, f"{folder} cannot be written ({error.strerror}); change storage.folder")
    hours = free_bytes / (BYTES_PER_HOUR * max(len(config.runners), 1))
    if hours < ENOUGH_HOURS:
        return Check("disk", PROBLEM, f"{folder} has room for {hours:.1f} hours only; make room")
    return Check("disk", OK, f"{folder} has room for {hours:,.0f} hours of recording")


def _page(web: WebConfig) -> Check:
    if not web.enabled:
        return Check("live page", OK, "switched off (web.enabled)")
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            web.host, web.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
    except OSError as error:
        advice = "is hamstream running already? Otherwise change web.host or web.port"
        return Check("live page", PROBLEM, f"cannot listen on {web.host}:{web.port} ({error.strerror}); {advice}")
    try:
        check_certificate(web.certfile, web.keyfile)
    except ConfigError as error:
        return Check("live page", PROBLEM, str(error))
    return Check("live page", OK, f"can listen on {web.host}:{web.port}{', with TLS' if web.certfile else ''}")


def _voice(voice: VoiceConfig) -> Check:
    if not voice.command:
        return Check("voice", OK, "none; set voice.command to hear the cues from this computer")
    program = voice.command[0]
    if shutil.which(program) is None:
        return Check("voice", PROBLEM, f"there is no program `{program}`; install it or change voice.command")
    return Check("voice", OK, f"`{program}` is there")
