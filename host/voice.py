"""Speaks on this computer, by any command that takes a text: espeak-ng, say, a script.

One text at a time. While one is spoken the next waits, and a newer one takes its place: late advice is worth
less than none. A command that is missing or fails is reported once and never stops anything.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

# A command that speaks longer than this hangs: eight words take 3 s.
LONGEST_S = 15.0


class Voice:
    """`say` from anywhere in the event loop; `run` is the task that speaks.

    `command`: a program and its arguments. `{text}` in an argument is replaced by the text, without it the text
    comes last; `{language}` by the text's language. No shell is involved, so a text cannot be taken for a command.
    `report`: told, once, when the command does not work.
    """

    def __init__(self, command: Sequence[str], report: Callable[[str], None] = log.warning) -> None:
        self._command = tuple(command)
        self._report = report
        self._reported = False
        self._next = "", "", -math.inf  # the text to speak next, its language, and until when
        self._news = asyncio.Event()

    def say(self, text: str, fresh_s: float = math.inf, *, language: str = "en") -> None:
        """Speaks `text` as soon as the one being spoken ends, if that is within `fresh_s`."""
        self._next = text, language, asyncio.get_running_loop().time() + fresh_s
        self._news.set()

    async def run(self) -> None:
        """Speaks for ever; cancel it to end. What is being spoken then is cut."""
        while True:
            await self._news.wait()
            self._news.clear()
            text, language, until_s = self._next
            if asyncio.get_running_loop().time() <= until_s:
                await self._speak(text, language)

    async def _speak(self, text: str, language: str) -> None:
        quiet = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *with_text(self._command, text, language), stdin=quiet, stdout=quiet, stderr=quiet
            )
        except OSError as error:
            return self._fail(error.strerror or str(error))
        try:
            async with asyncio.timeout(LONGEST_S):
                status = await process.wait()
        except TimeoutError:
            return self._fail(f"it ran longer than {LONGEST_S:.0f} s")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if status:
            self._fail(f"exit status {status}")
        return None

    def _fail(self, problem: str) -> None:
        if not self._reported:
            self._reported = True
            self._report(f"voice: `{self._command[0]}` does not work ({problem}); check voice.command")


def with_text(command: Sequence[str], text: str, language: str) -> list[str]:
    """The command's words with the text and its language in their places."""
    words = [word.replace("{language}", language).replace("{text}", text) for word in command]
    return words if any("{text}" in word for word in command) else [*words, text]
