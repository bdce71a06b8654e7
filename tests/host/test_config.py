"""The configuration: what is right is typed, what is wrong is all reported at once, with the key's path."""

import os
import re
from pathlib import Path

import pytest

from dsp.types import Role
from host import config as config_module
from host.addresses import is_loopback
from host.coach.faults import FAULTS
from host.config import Config, load
from host.errors import ConfigError, HamstreamError
from host.sinks.mqtt_link import MqttConfig
from host.texts.language import languages

DOCS = Path(__file__).parents[2] / "docs" / "config.md"

GOOD_RUNNER = """
[[runner]]
name = "Ann"
[runner.pods]
pelvis = "C0:FF:EE:00:00:01"
shank_left = "C0:FF:EE:00:00:02"
shank_right = "C0:FF:EE:00:00:03"
"""


def loaded(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    return load(file, environ)


def problems(tmp_path: Path, text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text, **environ)
    return caught.value.problems


def test_the_example_in_the_docs_is_valid_and_shows_every_key(tmp_path: Path) -> None:
    docs = DOCS.read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", docs, re.DOTALL)
    config = loaded(tmp_path, example)
    assert [runner.name for runner in config.runners] == ["Ann", "Ben"]
    assert config.runner("Ben").pods.by_role()[Role.SHANK_RIGHT] == "C0:FF:EE:00:01:03"
    assert config.runner("Ann").muted == {"low_cadence"}
    assert MqttConfig(**config.mqtt.options()).endpoint == "broker.example.org:8883"
    assert config.storage.folder == Path.home() / "hamstream"
    assert config.voice.command == ("espeak-ng", "-v", "{language}", "{text}")
    for key in re.findall(r"^\| `(?:runner\[\]\.)?(?:\w+\.)?(\w+)`", docs, re.MULTILINE):
        assert re.search(rf"^#? ?{key} = |^{key}\b", example, re.MULTILINE) or key.startswith("HAMSTREAM_"), key


def test_every_key_is_in_the_docs() -> None:
    docs = DOCS.read_text("utf-8")
    for name in ("mqtt", "web", "storage", "voice"):
        for key, field in type(getattr(Config(), name)).model_fields.items():
            assert field.exclude or f"`{name}.{key}`" in docs, f"{name}.{key}"


@pytest.mark.parametrize("code", languages())
def test_every_language_and_every_fault_of_the_coach_can_be_set(tmp_path: Path, code: str) -> None:
    every = [fault.id for fault in FAULTS]
    text = GOOD_RUNNER.replace('name = "Ann"', f'name = "Ann"\nlanguage = "{code}"\nmuted = {every}')
    runner = loaded(tmp_path, text).runner("Ann")
    assert (runner.language, runner.muted) == (code, set(every))


def test_everything_has_a_default(tmp_path: Path) -> None:
    config = loaded(tmp_path, "")
    assert config.runners == ()
    assert config.mqtt.host == ""
    assert (config.web.enabled, config.web.host, config.web.port) == (True, "127.0.0.1", 8808)
    assert config.database.parent == config.recordings.parent == config.storage.folder
    assert config.storage.folder.is_absolute()
    assert config.voice.command == ()


def test_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    default, named, given = (tmp_path / name for name in ("default.toml", "named.toml", "given.toml"))
    monkeypatch.setattr(config_module, "default_path", lambda: default)
    assert load(None, {}).web.port == 8808
    for port, file in enumerate((default, named, given)):
        file.write_text(f"[web]\nport = {port}")
    environ = {"HAMSTREAM_CONFIG": str(named)}
    assert [load(None, {}).web.port, load(None, environ).web.port, load(given, environ).web.port] == [0, 1, 2]
    named.unlink()
    with pytest.raises(ConfigError, match=re.escape(f"{named}: cannot be read (No such file or directory)")):
        load(None, environ)


def test_secrets_come_from_the_environment_and_are_not_shown(tmp_path: Path) -> None:
    environ = {"HAMSTREAM_MQTT_PASSWORD": "hush", "HAMSTREAM_WEB_TOKEN": "hush"}
    config = loaded(tmp_path, '[web]\nhost = "0.0.0.0"', **environ)
    assert config.mqtt.password is not None
    assert config.web.token is not None
    assert config.mqtt.password.get_secret_value() == config.web.token.get_secret_value() == "hush"
    assert config.mqtt.options()["password"] == "hush"
    assert "hush" not in repr(config) + str(config.model_dump())


def test_paths_count_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    text = '[storage]\nfolder = "runs"\n[mqtt]\nhost = "b"\ntls = true\nca_file = "ca.pem"'
    config = loaded(tmp_path, text + '\n[web]\ncertfile = "ca.pem"\nkeyfile = "ca.pem"')
    assert config.database == tmp_path / "runs" / "hamstream.db"
    assert config.mqtt.ca_file == config.web.certfile == config.web.keyfile == tmp_path / "ca.pem"


def test_the_command_line_goes_before_the_file_and_is_checked_like_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[web]\nenabled = false\nhost = "localhost"\nport = 81')
    asked = load(tmp_path / "config.toml", {}, web={"enabled": True, "host": "::1"}).web
    assert (asked.enabled, asked.host, asked.port) == (True, "::1", 81)
    with pytest.raises(ConfigError, match=r"web\.host: 0\.0\.0\.0 can be reached.*HAMSTREAM_WEB_TOKEN"):
        load(tmp_path / "config.toml", {}, web={"enabled": True, "host": "0.0.0.0"})


@pytest.mark.parametrize(
    ("written", "words"),
    [('"espeak-ng -v en"', ("espeak-ng", "-v", "en")), ('["my voice", "{text}"]', ("my voice", "{text}"))],
)
def test_voice_command_is_a_string_or_a_list(tmp_path: Path, written: str, words: tuple[str, ...]) -> None:
    assert loaded(tmp_path, f"[voice]\ncommand = {written}").voice.command == words


# file -> the key's path, and a part of what must be said about it
WRONG = [
    ("colour = 1", "colour", "unknown; known keys are runner, mqtt"),
    ("[mqtt]\nprot = 1", "mqtt.prot", "did you mean `port`?"),
    ('[mqtt]\nport = "1883"', "mqtt.port", "write 1 to 65535"),
    ("[mqtt]\nport = 70000", "mqtt.port", "write 1 to 65535"),
    ("[mqtt]\ntls = true", "mqtt.tls", "set mqtt.host"),
    ('[mqtt]\nhost = "b"\ntls = 1', "mqtt.tls", "true or false"),
    ('[mqtt]\nhost = "b"\ntls = true\nca_file = "no.pem"', "mqtt.ca_file", "there is no file"),
    ('[mqtt]\npassword = "x"', "mqtt.password", "HAMSTREAM_MQTT_PASSWORD"),
    ('[mqtt]\nbase_topic = "a/#"', "mqtt.base_topic", "without `+`"),
    ('[web]\ntoken = "x"', "web.token", "HAMSTREAM_WEB_TOKEN"),
    ('[web]\nhost = "0.0.0.0"', "web.host", "HAMSTREAM_WEB_TOKEN"),
    ('[web]\nhost = ""', "web.host", "the address to listen on"),
    ("[web]\nport = -1", "web.port", "1 to 65535"),
    ('[web]\ncertfile = "no.pem"\nkeyfile = "no.key"', "web.certfile", "there is no file"),
    ('[web]\ncertfile = "config.toml"', "web.keyfile", "is missing beside certfile"),
    ('[web]\nkeyfile = "config.toml"', "web.certfile", "is missing beside keyfile"),
    ("[storage]\nfolder = 3", "storage.folder", "a folder's path"),
    ('[storage]\nfolder = "config.toml"', "storage.folder", "is a file; give a folder"),
    ("[voice]\ncommand = []", "voice.command", "is empty"),
    ("[voice]\ncommand = \"espeak 'x\"", "voice.command", "No closing quotation"),
    ('[voice]\ncommand = ["say", 1]', "voice.command[1]", "a program and its arguments"),
    ("voice = 3", "voice", "a table `[voice]`"),
    ('[runner]\nname = "Ann"', "runner", "one `[[runner]]` table a person"),
    ('[[runner]]\nname = "Ann"', "runner[0].pods", "is missing; write a table `[runner.pods]`"),
    (GOOD_RUNNER.replace('name = "Ann"\n', ""), "runner[0].name", "is missing"),
    (GOOD_RUNNER.replace("Ann", "a/b"), "runner[0].name", "letters, digits"),
    (GOOD_RUNNER.replace("Ann", "."), "runner[0].name", "letters, digits"),
    (GOOD_RUNNER.replace("00:02", "00:2"), "runner[0].pods.shank_left", "C0:FF:EE:00:00:01"),
    (GOOD_RUNNER.replace("00:02", "00:01"), "runner[0].pods.shank_left", "taken by runner[0].pods.pelvis"),
    (GOOD_RUNNER.replace("shank_right", "shank_wrong"), "runner[0].pods.shank_right", "is missing"),
    (GOOD_RUNNER.replace('"Ann"', '"Ann"\nlanguage = "xx"'), "runner[0].language", "'en'"),
    (GOOD_RUNNER.replace('"Ann"', '"Ann"\nmuted = ["snore"]'), "runner[0].muted[0]", "'overstride'"),
    (GOOD_RUNNER + GOOD_RUNNER.replace("Ann", "ann"), "runner[1].name", "taken by runner[0].name"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "part"), WRONG, ids=[f"{path} {i}" for i, (_, path, _) in enumerate(WRONG)])
def test_wrong_key(tmp_path: Path, text: str, path: str, part: str) -> None:
    found = [problem for problem in problems(tmp_path, text) if problem.startswith(f"{path}: ")]
    assert len(found) == 1, found
    assert part in found[0]


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    together = '[mqtt]\nprot = 1\npassword = "x"\ntls = true\n[web]\nport = 70000\nhost = "::"\n' + GOOD_RUNNER.replace(
        "00:02", "00:01"
    )
    paths = [problem.split(": ")[0] for problem in problems(tmp_path, together)]
    assert sorted(paths) == [
        "mqtt.password", "mqtt.prot", "mqtt.tls", "runner[0].pods.shank_left", "web.host", "web.port",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"[web]\nport = = 3\n", "line 2"),
        (b"[web]\nport = ", "line 2, the end of the file"),
        (b'name = "\xff"', "is not UTF-8 text"),
    ],
)
def test_what_is_not_toml(tmp_path: Path, data: bytes, part: str) -> None:
    (tmp_path / "config.toml").write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.toml", {})
    assert part in str(caught.value)


def test_mistakes_are_told_a_line_each_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "[web]\nprot = 1\nport = 99999\n")
    first, *lines = str(caught.value).splitlines()
    assert first == f"{tmp_path / 'config.toml'}: 2 mistakes"
    assert lines == [f"  {problem}" for problem in caught.value.problems]
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, "[web]\nprot = 1\n")
    assert str(caught.value) == f"{tmp_path / 'config.toml'}: {caught.value.problems[0]}"


def test_asking_for_a_runner(tmp_path: Path) -> None:
    one = loaded(tmp_path, GOOD_RUNNER)
    two = loaded(tmp_path, GOOD_RUNNER + GOOD_RUNNER.replace("Ann", "Ben").replace("EE", "AA"))
    assert one.only_runner() == one.runner("Ann").name == "Ann"
    for ask, part in (
        (lambda: one.runner("Cid"), "knows Ann"),
        (two.only_runner, "Ann, Ben"),
        (loaded(tmp_path, "").only_runner, "say who runs with --runner"),
    ):
        with pytest.raises(HamstreamError, match=part):
            ask()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("box", False),
    ],
)
def test_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        load(tmp_path / "config.toml", {})
