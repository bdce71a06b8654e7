"""The command's own words: what it says when it cannot do what was asked."""

from pathlib import Path

import pytest

from host.cli import main
from host.sinks.recording import Recorder
from tests.host.sinks.records import session_info


async def test_a_recording_of_a_coach_that_is_not_known_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Recorder(tmp_path / "run.mcap", session_info(), {"language": "xx"}):
        pass
    assert main(["replay", str(tmp_path / "run.mcap")]) == 2
    err = capsys.readouterr().err
    assert "'xx'" in err
    assert "--runner" in err


@pytest.mark.parametrize(("name", "greeting"), [("ann", ""), ("bob", "bob is new here.\n"), ("anm", "mean ann?")])
def test_a_run_of_somebody_new_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, greeting: str
) -> None:
    """A name mistyped would be coached as a runner of whom nothing is known, and teach nobody."""
    (tmp_path / "config.toml").write_text(f"[storage]\nfolder = '{tmp_path}'\n")
    monkeypatch.setenv("HAMSTREAM_CONFIG", str(tmp_path / "config.toml"))
    assert main(["runner", "add", "ann"]) == 0
    capsys.readouterr()
    assert main(["run", "--runner", name, "--radio", "tcp-client:127.0.0.1:1"]) == 2
    out = capsys.readouterr().out
    assert greeting in out
    assert ("new here" in out) is bool(greeting)
