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
