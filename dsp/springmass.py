"""Stiffness of the spring-mass model of running, per kilogram of body, from contact and flight times.

Morin, Dalleau, Kyrolainen, Jeannin & Belli 2005, "A simple method for measuring stiffness during running", Journal of
Applied Biomechanics 21(2), doi 10.1123/jab.21.2.167: the ground's force is taken as half a sine over contact, so its
peak follows from contact and flight times. Within 0.1 to 7 % of a force plate there.
"""

import math

from dsp.jit import kernel
from dsp.params import G_MPS2


@kernel
def stiffness(contact, flight, speed, leg_length):  # type: ignore[no-untyped-def]
    """Vertical and leg stiffness per kg, N/m/kg, from times (s), speed (m/s) and leg length (m); NaN if unknown.

    Leg stiffness needs a leg length; vertical stiffness does not. Equation numbers are the paper's.
    """
    peak = G_MPS2 * 0.5 * math.pi * (flight / contact + 1.0)  # eq. 6, per kg: m/s2
    drop = peak * contact * contact / (math.pi * math.pi) - G_MPS2 * contact * contact / 8.0  # eq. 5: m
    if not (contact > 0.0 and flight > 0.0 and drop > 0.0):
        return math.nan, math.nan
    reach = 0.5 * speed * contact  # half the way of the body over the foot
    if not 0.0 < reach < leg_length:
        return peak / drop, math.nan
    return peak / drop, peak / (drop + leg_length - math.sqrt(leg_length * leg_length - reach * reach))  # eq. 7
