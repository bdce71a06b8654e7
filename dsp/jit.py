"""The one place where functions of this package are compiled.

Kernels are plain functions over flat structured records (`st["x"]`, never `st.x`, so that they also run as Python with
NUMBA_DISABLE_JIT=1). Compiled code is cached in a folder named by a hash of this package's sources: numba does not
notice a changed callee in another file, so any change starts a fresh folder.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_folder() -> Path:
    """Where compiled kernels live: `$HAMSTREAM_CACHE`, else the user's cache folder, under a hash of the sources."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + source.read_bytes())
    base = os.environ.get("HAMSTREAM_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hamstream" / "kernels" / digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())


def kernel(function: Function) -> Function:
    """Compile `function` for numba: cached, without the GIL, division by zero as in numpy.

    Of fastmath only `contract`, a product and a sum in one rounding: the rest breaks NaN. No threads.
    """
    return _compiled(function)


def inlined(function: Function) -> Function:
    """As `kernel`, made part of its caller: for what runs at every sample, where calls took a fifth of all time."""
    return _compiled(function, forceinline=True)


def entry(function: Function, *examples: Any) -> Function:
    """The compiled code of a kernel for arguments of such types, without numba's look at them in every call.

    That look takes 0.4 us for nine arrays, two thirds of a call that finds nothing to do. Arguments of other types are
    not noticed without it: for callers who have made sure of theirs.
    """
    if not hasattr(function, "signatures"):  # NUMBA_DISABLE_JIT
        return function
    code: Function = function.compile(tuple(map(numba.typeof, examples)))  # type: ignore[attr-defined]
    return code


def _compiled(function: Function, **options: bool) -> Function:
    compiled: Function = numba.njit(
        cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True, fastmath={"contract"}, **options
    )(function)
    return compiled
