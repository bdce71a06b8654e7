"""Every error the host raises on purpose.

HamstreamError
├── ConfigError(ValueError)      problems: one sentence each, with the key's path
├── PacketError(ValueError)      bytes that are not a packet
├── TableError(ValueError)       a table that cannot be analysed
├── LinkError                    role, address, advice
│   ├── AdapterUnavailableError
│   ├── PodNotFoundError
│   ├── ConnectFailedError
│   └── LinkLostError
├── RecordingError               path, offset
├── RunnerError(ValueError)      a person who is not known, or told what cannot be
├── UnknownSessionError          session
├── ExportError                  session
└── SinkError                    endpoint

Foreign exceptions are translated once per boundary, by type. The text is for the person who reads it: what is
wrong, and what to do.
"""

from collections.abc import Sequence
from pathlib import Path


class HamstreamError(Exception):
    """Root of all errors raised on purpose. `str()` is one clear sentence for the user."""


class ConfigError(HamstreamError, ValueError):
    """The configuration cannot be used. `problems` holds one sentence for each mistake, with the key's path."""

    def __init__(self, problems: Sequence[str], file: Path | None = None) -> None:
        self.problems = tuple(problems)
        several = len(self.problems) > 1
        lines = [f"{len(self.problems)} mistakes", *self.problems] if several else self.problems
        super().__init__((f"{file}: " if file else "") + "\n  ".join(lines))


class PacketError(HamstreamError, ValueError):
    """Bytes that are not a packet of the supported versions, or are cut short."""


class TableError(HamstreamError, ValueError):
    """A table that cannot be analysed: what is wrong, and what to do."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"{path}: {problem}")


class LinkError(HamstreamError):
    """A pod cannot be reached. `advice` says what the wearer can do."""

    def __init__(self, role: str, address: str, problem: str, advice: str) -> None:
        self.role, self.address, self.advice = role, address, advice
        super().__init__(f"{role} pod ({address}): {problem}. {advice}")


class AdapterUnavailableError(LinkError):
    """The computer's Bluetooth is off, missing or not permitted: no pod can be reached."""

    def __init__(self, problem: str, advice: str) -> None:
        self.role, self.address, self.advice = "", "", advice
        HamstreamError.__init__(self, f"{problem}. {advice}")


class PodNotFoundError(LinkError):
    """No advertisement from the pod."""


class ConnectFailedError(LinkError):
    """The pod is in the air but does not connect, or is not a hamstream pod."""


class LinkLostError(LinkError):
    """The pod was connected and has gone silent."""


class RecordingError(HamstreamError):
    """A recording that cannot be read. `offset` is the byte where reading stopped, when known."""

    def __init__(self, path: Path, problem: str, offset: int | None = None) -> None:
        self.path, self.offset = path, offset
        where = "" if offset is None else f" at byte {offset}"
        super().__init__(f"{path}{where}: {problem}")


class UnknownSessionError(HamstreamError):
    """No session of that name is stored. `stored`: a line for each that is, as `hamstream sessions` shows them."""

    def __init__(self, session: str, stored: Sequence[str]) -> None:
        self.session = session
        known = "\n".join(["There are:", *stored, "Name one by its last column, or say last."])
        nothing = "Nothing is stored yet: `hamstream demo` makes a session."
        super().__init__(f"no session is called {session!r}. {known if stored else nothing}")


class RunnerError(HamstreamError, ValueError):
    """A runner whom nobody knows, or what was told about one and cannot be."""


class ExportError(HamstreamError):
    """A stored session that cannot be written in the format asked for."""

    def __init__(self, session: str, problem: str) -> None:
        self.session = session
        super().__init__(f"session {session} {problem}")


class SinkError(HamstreamError):
    """A broker, database or disk that does not take data. The stream goes on without it."""

    def __init__(self, endpoint: str, problem: str) -> None:
        self.endpoint = endpoint
        super().__init__(f"{endpoint}: {problem}")
