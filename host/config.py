"""The configuration: one TOML file, checked strictly and completely before anything starts.

`load` gives a frozen Config or raises ConfigError with every problem at once, each with its key's path and
what to do. docs/config.md describes the file for its writer. Secrets come from the environment only, so that
a file can be shared: HAMSTREAM_MQTT_PASSWORD for the broker, HAMSTREAM_WEB_TOKEN for the live page,
HAMSTREAM_INFLUX_TOKEN for the database.

Where the file is: the path given (`--config`), else HAMSTREAM_CONFIG, else `config.toml` in the user's folder
for configuration. Only the last may be absent: then every key has its default.
"""

import difflib
import os
import re
import shlex
import tomllib
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from platformdirs import user_config_path, user_data_path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from dsp.types import Role
from host.addresses import is_loopback
from host.errors import ConfigError
from host.records import Person
from host.texts.language import language, languages

CONFIG_VARIABLE = "HAMSTREAM_CONFIG"
MQTT_PASSWORD_VARIABLE = "HAMSTREAM_MQTT_PASSWORD"
WEB_TOKEN_VARIABLE = "HAMSTREAM_WEB_TOKEN"
INFLUX_TOKEN_VARIABLE = "HAMSTREAM_INFLUX_TOKEN"

# Keys that hold a secret wherever they stand, and the variable to use in each table.
_SECRET_KEYS = frozenset({"password", "token", "secret", "api_key"})
_SECRET_VARIABLES = {"mqtt": MQTT_PASSWORD_VARIABLE, "web": WEB_TOKEN_VARIABLE, "influx": INFLUX_TOKEN_VARIABLE}

# A Bluetooth address, or the UUID that macOS shows in its place.
_ADDRESS = r"^([0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"
# A runner's name is part of topics and file names: no `/`, `+`, `#`, no leading dot.
_NAME = r"^\w[\w .-]{0,63}$"

_TOPIC = r"^[^+#/$\x00][^+#/\x00]*(/[^+#/\x00]+)*$"

# What the coach has texts for. A name alone for mypy, which takes no alias that is made while running.
if TYPE_CHECKING:
    Language = str
    Fault = str
else:
    Language = Literal[languages()]
    Fault = Literal[tuple(language("en").faults)]


def _words(value: Any) -> Any:
    """A command written as one string is cut into words as a shell would, but never goes through one."""
    return tuple(shlex.split(value)) if isinstance(value, str) else value


Address = Annotated[str, Field(pattern=_ADDRESS, description="an address such as `C0:FF:EE:00:00:01`")]
File = Annotated[Path, BeforeValidator(lambda v: Path(v).expanduser() if isinstance(v, str) else v)]
Command = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    Field(strict=False, description='a program and its arguments, such as `["espeak-ng", "{text}"]`'),
]


class _Table(BaseModel):
    """A TOML table: unknown keys and wrong types are mistakes. A field's description says what to write."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PodsConfig(_Table):
    """The addresses of one runner's pods, by role."""

    pelvis: Address
    shank_left: Address
    shank_right: Address

    def by_role(self) -> dict[Role, str]:
        return {role: getattr(self, role.label) for role in Role}


class RunnerConfig(_Table):
    """One person and the pods they wear."""

    name: str = Field(pattern=_NAME, description="letters, digits, spaces, `.`, `-` and `_`, at most 64")
    pods: PodsConfig = Field(
        description="a table `[runner.pods]` with the addresses of pelvis, shank_left and shank_right"
    )
    language: Language = "en"
    muted: frozenset[Fault] = Field(
        default=frozenset(),
        strict=False,
        description="a list of fault ids never to be cued for, see docs/config.md",
    )


class MqttConfig(_Table):
    """The broker. An empty host means the one that hamstream brings along, on loopback."""

    host: str = Field(default="", description="the broker's host name, or nothing for the embedded broker")
    port: int = Field(default=0, ge=0, le=65535, description="1 to 65535; 0 means the usual one")
    tls: bool = Field(default=False, description="true or false")
    ca_file: File | None = Field(default=None, description="a PEM file with the authority that signed the broker")
    username: str = Field(default="", description="the broker's user name")
    base_topic: str = Field(
        default="hamstream",
        pattern=_TOPIC,
        description="words joined by `/`, without `+`, `#` and a leading `$`",
    )
    password: SecretStr | None = Field(default=None, exclude=True, repr=False)  # from the environment

    def options(self) -> dict[str, Any]:
        """Everything as keyword arguments for whoever connects, the password in clear."""
        return self.model_dump() | {"password": self.password.get_secret_value() if self.password else ""}


class InfluxConfig(_Table):
    """The time series database for dashboards. Without a URL there is none."""

    url: str = Field(
        default="", pattern=r"^(https?://\S+)?$", description="such as `http://127.0.0.1:8086`, or nothing for none"
    )
    bucket: str = Field(default="hamstream", min_length=1, description="the bucket, or the database of InfluxDB 1.8")
    org: str = Field(default="", description="the organisation, which InfluxDB 2 asks for")
    ca_file: File | None = Field(default=None, description="a PEM file with the authority that signed the database")
    token: SecretStr | None = Field(default=None, exclude=True, repr=False)  # from the environment

    def options(self) -> dict[str, Any]:
        """Everything as keyword arguments for whoever connects, the token in clear."""
        return self.model_dump() | {"token": self.token.get_secret_value() if self.token else ""}


class WebConfig(_Table):
    """The live page."""

    enabled: bool = Field(default=True, description="true or false")
    host: str = Field(default="127.0.0.1", min_length=1, description="the address to listen on, such as `127.0.0.1`")
    port: int = Field(default=8808, ge=0, le=65535, description="1 to 65535; 0 takes any free port")
    certfile: File | None = Field(default=None, description="a PEM file with the page's certificate and its chain")
    keyfile: File | None = Field(default=None, description="a PEM file with the certificate's private key")
    token: SecretStr | None = Field(default=None, exclude=True, repr=False)  # from the environment

    def options(self) -> dict[str, Any]:
        """Everything but `enabled` as keyword arguments for who serves it, the token in clear."""
        token = self.token.get_secret_value() if self.token else None
        return self.model_dump(exclude={"enabled"}) | {"token": token}


class StorageConfig(_Table):
    """Where sessions and recordings are kept."""

    folder: File = Field(
        default_factory=lambda: user_data_path("hamstream", appauthor=False), description="a folder's path"
    )


class VoiceConfig(_Table):
    """What speaks on this computer. `{text}` in an argument is the text; without it the text comes last."""

    command: Command = ()


class Config(_Table):
    """Everything that can be set."""

    runners: tuple[RunnerConfig, ...] = Field(
        default=(), alias="runner", strict=False, description="one `[[runner]]` table a person"
    )
    mqtt: MqttConfig = MqttConfig()
    influx: InfluxConfig = InfluxConfig()
    web: WebConfig = WebConfig()
    storage: StorageConfig = Field(default_factory=StorageConfig)
    voice: VoiceConfig = VoiceConfig()

    @property
    def database(self) -> Path:
        """The store of sessions, strides and cues."""
        return self.storage.folder / "hamstream.db"

    @property
    def recordings(self) -> Path:
        """The folder of raw recordings."""
        return self.storage.folder / "recordings"

    def runner(self, name: str) -> RunnerConfig:
        """The runner of that name. Raises ConfigError."""
        for runner in self.runners:
            if runner.name == name:
                return runner
        known = ", ".join(runner.name for runner in self.runners) or "nobody"
        raise ConfigError([f"runner: `{name}` is not in the configuration, which knows {known}"])

    def person(self, name: str, told: Person | None = None) -> Person:
        """What is known of a runner: what they told (`hamstream runner`) before what stands in the file."""
        person = told or Person(name)
        entry = next((runner for runner in self.runners if runner.name == name), None)
        if entry is None:
            return person
        return replace(
            person,
            language=person.language or entry.language,
            muted=frozenset(entry.muted) if person.muted is None else person.muted,
        )

    def only_runner(self) -> str:
        """The name of the one runner there is. Raises ConfigError when there are none or several."""
        if len(self.runners) == 1:
            return self.runners[0].name
        if self.runners:
            names = ", ".join(runner.name for runner in self.runners)
            raise ConfigError([f"runner: there are several ({names}); say which with --runner"])
        raise ConfigError(
            ["runner: the configuration knows none; say who runs with --runner, or add a `[[runner]]` table"]
        )


def is_runner_name(text: str) -> bool:
    """Whether it may stand in topics and file names."""
    return re.fullmatch(_NAME, text) is not None


def default_path() -> Path:
    """Where the file is when nobody says otherwise."""
    return user_config_path("hamstream", appauthor=False) / "config.toml"


def find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read; None when nobody named one and there is none in the default place."""
    named = path or (Path(environ[CONFIG_VARIABLE]).expanduser() if environ.get(CONFIG_VARIABLE) else None)
    return named or (default_path() if default_path().exists() else None)


def load(
    path: Path | None = None, environ: Mapping[str, str] = os.environ, *, web: Mapping[str, Any] | None = None
) -> Config:
    """The configuration from `path`, HAMSTREAM_CONFIG or the default place. Raises ConfigError.

    `web`: keys of the table [web] as the command line wants them, checked like the file's own and before those.
    """
    file = find(path, environ)
    raw = {} if file is None else _read(file)
    if web:
        raw |= {"web": {**_table(raw, "web"), **web}}
    try:
        return parse(raw, environ, file.parent if file else default_path().parent)
    except ConfigError as error:
        raise ConfigError(error.problems, file) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text("utf-8")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read ({error.strerror}); check the path given"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: is not UTF-8 text; save it as UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        problem = str(error).replace("end of document", f"line {text.count(chr(10)) + 1}, the end of the file")
        raise ConfigError([f"{file}: is not valid TOML: {problem}"]) from error


def parse(raw: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Config:
    """The checked configuration of a parsed file. Relative paths count from `folder`. Raises ConfigError."""
    problems = list(_secrets(raw)) + list(_contradictions(raw, environ, folder))
    try:
        config = Config.model_validate(_without_secrets(raw))
    except ValidationError as error:
        problems += [_sentence(details) for details in error.errors()]
    if problems:
        raise ConfigError(problems)
    secrets = {
        "mqtt": {"password": _secret(environ, MQTT_PASSWORD_VARIABLE)},
        "influx": {"token": _secret(environ, INFLUX_TOKEN_VARIABLE)},
        "web": {"token": _secret(environ, WEB_TOKEN_VARIABLE)},
        "storage": {},
    }
    placed = {}
    for name, more in secrets.items():
        table = getattr(config, name)
        paths = {key: folder / value for key, value in table if isinstance(value, Path)}
        placed[name] = table.model_copy(update=paths | more)
    return config.model_copy(update=placed)


def _secret(environ: Mapping[str, str], variable: str) -> SecretStr | None:
    return SecretStr(environ[variable]) if environ.get(variable) else None


# --- problems: what pydantic cannot see ---
# These read the raw file, so they are found together with whatever else is wrong in it.


def _walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every key of a parsed file with its path."""
    items: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        yield (*path, key), item
        yield from _walk(item, (*path, key))


def _secrets(raw: Mapping[str, Any]) -> Iterator[str]:
    for path, _ in _walk(raw):
        if path[-1] in _SECRET_KEYS:
            variable = _SECRET_VARIABLES.get(str(path[0]), " or ".join(_SECRET_VARIABLES.values()))
            yield f"{_dotted(path)}: a secret does not belong in this file; remove it and set {variable}"


def _without_secrets(value: Any) -> Any:
    """The file without what `_secrets` has already spoken of."""
    if isinstance(value, Mapping):
        return {k: _without_secrets(v) for k, v in value.items() if k not in _SECRET_KEYS}
    return [_without_secrets(v) for v in value] if isinstance(value, list) else value


def _contradictions(raw: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Keys that are fine alone but not together, or not on this computer."""
    seen: dict[tuple[str, str], str] = {}
    for path, value in _walk({"runner": raw.get("runner")}):
        kind = "name" if path[2:] == ("name",) else "address" if path[2:3] == ("pods",) else ""
        if kind and isinstance(value, str):
            first = seen.setdefault((kind, value.casefold()), _dotted(path))
            if first != _dotted(path):
                yield f"{_dotted(path)}: `{value}` is taken by {first}; every {kind} must be there once"
    mqtt, web, storage, voice = (_table(raw, key) for key in ("mqtt", "web", "storage", "voice"))
    if mqtt.get("tls") is True and not mqtt.get("host"):
        yield "mqtt.tls: the embedded broker has no TLS; set mqtt.host, or remove tls"
    ca_file = mqtt.get("ca_file")
    if isinstance(ca_file, str) and mqtt.get("tls") is not True:
        yield "mqtt.ca_file: is used with TLS only; set mqtt.tls = true, or remove ca_file"
    for table, key in (("mqtt", "ca_file"), ("influx", "ca_file"), ("web", "certfile"), ("web", "keyfile")):
        file = _table(raw, table).get(key)
        if isinstance(file, str) and not (pem := folder / Path(file).expanduser()).is_file():
            yield f"{table}.{key}: there is no file {pem}; give the path of a PEM file"
    for key, other in (("certfile", "keyfile"), ("keyfile", "certfile")):
        if key in web and other not in web:
            yield f"web.{other}: is missing beside {key}; TLS needs the certificate and its key"
    host = web.get("host")
    beyond = isinstance(host, str) and host and not is_loopback(host) and web.get("enabled") is not False
    if beyond and not environ.get(WEB_TOKEN_VARIABLE):
        yield (
            f"web.host: {host} can be reached from other computers; set the variable {WEB_TOKEN_VARIABLE} "
            "so that the page asks for it, or use 127.0.0.1"
        )
    place = storage.get("folder")
    if isinstance(place, str) and (folder / Path(place).expanduser()).is_file():
        yield f"storage.folder: {folder / Path(place).expanduser()} is a file; give a folder"
    if "command" in voice and voice["command"] in ("", []):
        yield "voice.command: is empty; give a program and its arguments, or remove the key to stay silent"


def _table(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}


# --- problems: pydantic's, in our words ---


def _dotted(path: Iterable[str | int]) -> str:
    """`runner[1].pods.pelvis`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def _models(annotation: Any) -> Iterator[type[_Table]]:
    """The tables that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, _Table):
        yield annotation
    elif get_origin(annotation) in (tuple, Union, types.UnionType):
        for part in get_args(annotation):
            yield from _models(part)


def _fields(table: type[_Table]) -> dict[str, FieldInfo]:
    """A table's fields by the key that stands in the file."""
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _place(path: Iterable[str | int]) -> tuple[type[_Table], FieldInfo | None]:
    """The table in which the last key of `path` stands, and the key's field there, if it is known."""
    holder: type[_Table] = Config
    field: FieldInfo | None = None
    for key in path:
        if isinstance(key, str):  # a number is an element of the same field
            holder = next(_models(field.annotation), holder) if field else holder
            field = _fields(holder).get(key)
    return holder, field


def _sentence(details: Any) -> str:
    """One of pydantic's errors as `path: what is wrong; what to do`."""
    path, kind = details["loc"], details["type"]
    holder, field = _place(path)
    where, asked = _dotted(path), (field and field.description) or f"a table `[{_dotted(path)}]`"
    if kind == "extra_forbidden":
        known = [key for key, field in _fields(holder).items() if not field.exclude]
        near = difflib.get_close_matches(str(path[-1]), known, 1)
        advice = f"did you mean `{near[0]}`?" if near else f"known keys are {', '.join(known)}"
        return f"{where}: this key is unknown; {advice}"
    if kind == "missing":
        return f"{where}: is missing; write {asked}"
    if kind == "literal_error":
        asked = f"one of {details['ctx']['expected']}"
    if kind == "value_error":  # from our own validators: a sentence
        asked = f"{asked} ({details['ctx']['error']})"
    shown = repr(details["input"])
    return f"{where}: {shown if len(shown) <= 60 else shown[:57] + '...'} will not do; write {asked}"
