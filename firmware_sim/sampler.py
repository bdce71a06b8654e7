"""What the firmware reads its sensors through: a simulated chip on a simulated runner, or a recording.

Time here is true time in seconds on the machine's monotonic clock; the pod's own crystal and the chip's oscillator
are wrong against it in their own ways.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from host.pods.profile import PodInfo


class Samples(NamedTuple):
    """Raw samples in time order. Lost ones are absent."""

    t_s: NDArray[np.float64]  # (n,) true time of each sample
    counts: NDArray[np.int16]  # (n, 6) acc x y z, gyr x y z


class Sampler(Protocol):
    """One pod's sensors."""

    info: PodInfo

    def read(self, until_s: float) -> Samples:
        """All samples taken since the last call, up to true time `until_s`."""
        ...

    def pressure_pa(self, t_s: float) -> float | None:
        """The barometer's reading at `t_s`; None for a pod without one."""
        ...
