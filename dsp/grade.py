"""Slope of the ground, from the barometer on the pelvis: the climb of the last tens of metres over their length.

A least-squares line of height against distance run, with a memory that fades. Distance is the newest stride's speed
times time. No pressure, or no speed: no grade.
"""

import math

from dsp.jit import kernel

# Height of an isothermal atmosphere at 288.15 K, R T / (g M), m (ISO 2533:1975, the standard atmosphere at sea level).
# 10 K off makes the grade 3.5 % of itself wrong.
SCALE_HEIGHT_M = 8434.5


@kernel
def climb(core, co, t, pressure, speed):  # type: ignore[no-untyped-def]
    """Take a barometer reading (Pa) at `t` (s) while running at `speed` (m/s, NaN: not running).

    Air that jumps faster than a runner climbs, by a gust, a door or a fault, begins the line anew.
    """
    g = core["grade"]
    height = -SCALE_HEIGHT_M * math.log(pressure / 101325.0)
    elapsed = t - g["t_s"]
    g["t_s"] = t
    jump = abs(height - g["height_m"]) > co["grade_noise_m"] + co["grade_climb_mps"] * elapsed
    if jump or not (speed > 0.5 and 0.0 < elapsed < co["grade_tau_s"]):
        g["n"], g["x"], g["y"], g["xx"], g["xy"] = 0.0, 0.0, 0.0, 0.0, 0.0
        g["height_m"] = height
        return
    # Distance and height count from the newest reading, so that sums stay small over hours: shift, fade, add (0, 0).
    dx, dy = speed * elapsed, height - g["height_m"]
    g["height_m"] = height
    n, x, y = g["n"], g["x"], g["y"]
    g["xx"] += n * dx * dx - 2.0 * dx * x
    g["xy"] += n * dx * dy - dx * y - dy * x
    g["x"] = x - n * dx
    g["y"] = y - n * dy
    fade = math.exp(-elapsed / co["grade_tau_s"])
    g["xx"] *= fade
    g["xy"] *= fade
    g["x"] *= fade
    g["y"] *= fade
    g["n"] = n * fade + 1.0


@kernel
def grade(core, co):  # type: ignore[no-untyped-def]
    """Rise over run, + uphill; NaN while too little way lies behind."""
    g = core["grade"]
    if g["n"] < 2.0:
        return math.nan
    spread = g["xx"] - g["x"] * g["x"] / g["n"]
    if not spread / g["n"] > co["grade_way_m"] ** 2:
        return math.nan
    return (g["xy"] - g["x"] * g["y"] / g["n"]) / spread
