"""The command as a person uses it: in a process of its own, with nothing configured."""

import asyncio
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from host.cli import main
from tests.end_to_end.processes import pods

HAMSTREAM = (sys.executable, "-m", "host.cli")


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the person who runs the tests is read or written, but for the compiled kernels."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    own = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"), str(folder))
    return os.environ | own | {"XDG_CACHE_HOME": cache}


def hamstream(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*HAMSTREAM, *arguments], env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )


def test_help_is_there_without_loading_what_is_slow() -> None:
    code = (
        "import sys\nfrom host.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'numba', 'numpy', 'bleak', 'pydantic', 'rich', 'amqtt'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "demo" in result.stdout
    assert result.stdout.splitlines()[-1] == "set()"


async def test_ctrl_c_ends_the_demo_with_a_summary(tmp_path: Path) -> None:
    await asyncio.to_thread(hamstream, tmp_path, "runner", "add", "demo", "--language", "de")
    process = await asyncio.create_subprocess_exec(
        *(*HAMSTREAM, "demo", "--listen", "[::1]:0"),
        env=environment(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    lines = []
    async with asyncio.timeout(120):
        async for line in process.stdout:
            lines.append(line.decode())
            if lines[-1].endswith(" running\n"):
                process.send_signal(signal.SIGINT)
        await process.wait()
    text = "".join(lines)
    assert process.returncode == 0
    assert "Live page: http://[::1]:" in text
    assert "standing: Steh still." in text  # the demo's runner is told as any other
    assert "demo: " in text
    assert "kein Medizinprodukt" in text
    recordings = list((tmp_path / "hamstream" / "recordings").glob("*.mcap"))
    assert len(recordings) == 1
    assert str(recordings[0]) in text

    listed = await asyncio.to_thread(hamstream, tmp_path, "sessions")
    assert recordings[0].stem in listed.stdout
    reported = await asyncio.to_thread(hamstream, tmp_path, "report", "last", "--out", str(tmp_path / "report.html"))
    assert reported.stdout.splitlines()[-1] == str(tmp_path / "report.html")
    assert recordings[0].stem in (tmp_path / "report.html").read_text()
    replayed = await asyncio.to_thread(hamstream, tmp_path, "replay", str(recordings[0]), "--speed", "max")
    assert replayed.returncode == 0
    assert " running\n" in replayed.stdout
    mistyped = await asyncio.to_thread(hamstream, tmp_path, "replay", str(recordings[0]), "--runner", "dem")
    assert mistyped.returncode == 2
    assert "nobody is called dem; did you mean demo?" in mistyped.stderr


async def test_a_terminal_that_is_closed_ends_a_run_as_ctrl_c_does(tmp_path: Path) -> None:
    """What the session taught is kept, and it is not cut short."""
    master, slave = pty.openpty()

    def take_terminal() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests under nohup has it ignored
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = await asyncio.create_subprocess_exec(
        *(*HAMSTREAM, "demo", "--listen", "[::1]:0"),
        env=environment(tmp_path) | {"TERM": "xterm"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(slave)

    def watch() -> None:
        shown = b""
        while b"Stand still" not in shown:
            shown = shown[-1000:] + os.read(master, 1000)

    async with asyncio.timeout(120):
        await asyncio.to_thread(watch)
        os.close(master)
        assert await process.wait() == 0
    (row,) = (await asyncio.to_thread(hamstream, tmp_path, "sessions")).stdout.splitlines()[1:]
    assert "cut short" not in row


async def test_scan_shows_the_pods_in_the_air(tmp_path: Path) -> None:
    async with pods("--plan", "stand 60", "--listen", "127.0.0.1:0") as (_, spec):
        result = await asyncio.to_thread(hamstream, tmp_path, "scan", "--seconds", "2", "--radio", spec)
    assert result.returncode == 0
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["role", "name", "address", "signal", "battery"]
    assert {row.split()[0] for row in rows} == {"pelvis", "shank_left", "shank_right"}
    assert all("dBm" in row and row.endswith("%") for row in rows)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay", "nothing.mcap"), "nothing.mcap: cannot be read"),
        (("--config", "nothing.toml", "sessions"), "nothing.toml: cannot be read"),
        (("run",), "add a `[[runner]]` table"),
        (("run", "--runner", "ann", "--radio", "bluetooth"), "`bluetooth` is no radio"),
        (("run", "--runner", "../ann"), "`../ann` cannot be a name"),
        (("run", "--runner", "ann", "--seconds", "-5"), "`-5` is no number above 0"),
        (("replay", "a.mcap", "--speed", "fast"), "`fast` is no number above 0"),
        (("scan", "--radio", "tcp-client:127.0.0.1:1"), "are the simulated pods running?"),
        (("demo", "--listen", "0.0.0.0"), "set the variable HAMSTREAM_WEB_TOKEN"),
        (("demo", "--listen", "8808"), "'8808' is not HOST or HOST:PORT"),
        (("analyze", "nothing.imu.csv", "--out", "."), "nothing.imu.csv"),
        (("analyze", "a.csv", "--out", ".", "--runner", "anm"), "nobody is called anm"),
        (("report", "yesterday"), "`hamstream demo` makes a session"),
        (("export", "last", "--format", "fit"), "`hamstream demo` makes a session"),
    ],
)
def test_wrong_use_gets_one_clear_sentence(
    arguments: tuple[str, ...],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In this process, for starting one takes most of two seconds; an error that is not ours would be raised here."""
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    try:
        status: object = main(arguments)
    except SystemExit as leaving:  # argparse
        status = leaving.code
    assert status == 2
    assert sentence in capsys.readouterr().err
