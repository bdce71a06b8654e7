"""The core with one number of its source changed: kernels compile it in, so that takes a process of its own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]


def run_changed(number: str, factor: float, module: str, *arguments: str) -> str:
    """What `python -m module arguments` prints where `number` ("slip.KNOWN": file of dsp, name) is `factor` times its
    own, whole numbers rounded.

    Raises ValueError when the file has no such number, subprocess.CalledProcessError when the run fails.
    """
    file, name = number.split(".")
    with TemporaryDirectory() as folder:
        for path in ROOT.iterdir():
            if path.name in ("host", "tests", "firmware_sim"):
                (Path(folder) / path.name).symlink_to(path)
        shutil.copytree(ROOT / "dsp", Path(folder) / "dsp", ignore=shutil.ignore_patterns("__pycache__"))
        source = Path(folder) / "dsp" / f"{file}.py"
        text, n = re.subn(
            rf"^{name} = ([\d.e-]+)",
            lambda found: f"{name} = {changed(found[1], factor)}",
            source.read_text(),
            flags=re.M,
        )
        if n != 1:
            raise ValueError(f"dsp/{file}.py has no line of its own for {name}")
        source.write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=os.environ | {"HAMSTREAM_CACHE": folder, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout


def changed(value: str, factor: float) -> str:
    if value.isdigit():
        return str(max(round(factor * int(value)), 1))
    return repr(factor * float(value))
