"""Contacts that the core finds of a simulated runner, beside the true ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsp.analyzer import GaitAnalyzer
from dsp.params import Params
from firmware_sim.offline import simulate

NEAR_S = 0.06  # a contact further away is not the same one

# Ways of running that change what a shank feels of the ground.
WAYS = {
    "2 m/s": "stand 5; run 2",
    "3.2 m/s": "stand 5; run 3.2",
    "4.5 m/s": "stand 5; run 4.5",
    "6 m/s": "stand 5; run 6",
    "forefoot": "stand 5; forefoot; run 3.2",
    "slow forefoot": "stand 5; forefoot; run 2.4",
    "soft shoe": "stand 5; impact 0.1; run 3.2",
    "no impact": "stand 5; impact 0; run 3.2",
    "forefoot, no impact": "stand 5; forefoot; impact 0; run 4",
    "stairs of pace": "stand 5; run 2.5 6; run 4 6; run 3 6; run 5 6; run 2.2",
    "bends": "stand 5; run 3.2 6; turn 25; wait 8; turn -25; wait 8; turn 0",
    "stops": "stand 5; run 3.2 9; stand 4; run 3.5",
    "walking": "stand 5; walk 1.4",
}


@dataclass(frozen=True)
class Contacts:
    """All arrays by stride found; errors are found less true."""

    true: int
    missed: int
    invented: int
    ic_error_s: NDArray[np.float64]
    tc_error_s: NDArray[np.float64]
    ic_known_after_s: NDArray[np.float64]
    tc_known_after_s: NDArray[np.float64]
    quality: NDArray[np.int64]


def contacts_of(plan: str, seconds: float, seed: int = 5) -> Contacts:
    """What is found of a simulated session, pushed in chunks of 0.1 s."""
    frames, truth = simulate(plan, seconds, seed=seed)
    analyzer = GaitAnalyzer(Params())
    parts = []
    for start in np.arange(0.0, seconds, 0.1):
        for role, f in frames.items():
            i, j = np.searchsorted(f["t_s"], (start, start + 0.1))
            parts.append(analyzer.push(role, f[i:j]))
    strides = np.concatenate([*parts, analyzer.flush()])
    pairs = []
    for stride in truth:
        mine = np.flatnonzero(strides["side"] == (stride.side == "right"))
        apart = abs(strides["ic_s"][mine] - stride.ic_s)
        if len(mine) and apart.min() < NEAR_S:
            pairs.append((mine[apart.argmin()], stride.ic_s, stride.tc_s))
    rows = np.array([row for row, _, _ in pairs], np.int64)
    found = strides[rows]
    return Contacts(
        len(truth),
        len(truth) - len(rows),
        len(strides) - len(set(rows.tolist())),
        found["ic_s"] - [ic for _, ic, _ in pairs],
        found["tc_s"] - [tc for _, _, tc in pairs],
        strides["ic_decided_s"] - strides["ic_s"],
        strides["tc_decided_s"] - strides["tc_s"],
        strides["quality"],
    )
