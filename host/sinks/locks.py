"""One question: does another running process have this file? A killed process has nothing any more."""

from typing import IO

try:
    import fcntl
except ImportError:  # Windows: there, an open file cannot be replaced anyway
    fcntl = None  # type: ignore[assignment]


def try_lock(file: IO[bytes]) -> bool:
    """Takes `file` for this holder alone until it is closed. False when another holder has it.

    Where the system or the file system has no such locks, the answer is True.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def share_lock(file: IO[bytes]) -> None:
    """Holds `file` together with others, so that nobody gets it alone. Waits for one who has it alone."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_SH)
        except OSError:
            return
