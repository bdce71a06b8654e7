"""The radio's physics: how often a packet must be sent again. What is sent again comes late, it is never lost."""

import math
from dataclasses import dataclass

# Receivers are rated at the signal where one bit in a thousand is wrong (Core Specification 5.4, vol. 6, part
# A, 4.1); the nRF52840 product specification 1.7 gives -95 dBm for it at 1 Mbit/s.
SENSITIVITY_DBM = -95.0
SENSITIVITY_BIT_ERROR = 1e-3
# Free space at 1 m and 2.44 GHz: 20 log10(4 pi d / lambda), Friis 1946, doi:10.1109/JRPROC.1946.234568.
LOSS_AT_1_M_DB = 40.2
# Preamble, access address, header and CRC at 1 Mbit/s (Core Specification 5.4, vol. 6, part B, 2.1).
PDU_OVERHEAD_BYTES = 10


@dataclass(slots=True)
class RadioModel:
    """What one pod's radio meets. May be changed while it is in use."""

    rssi_dbm: float = -60.0
    interference: float = 0.0  # share of exchanges that other traffic spoils
    fades_per_s: float = 0.0  # how often the body shadows the pod, for FADE_S each time
    jammed: bool = False  # nothing gets through

    def packet_error(self, payload_bytes: int) -> float:
        """Probability that a packet has to be sent again.

        Bit errors of noncoherent FSK, exp(-snr / 2) / 2 (Proakis, Digital Communications, 4th ed., eq.
        5.4-46), with the signal-to-noise ratio anchored at the receiver's rated sensitivity.
        """
        if self.jammed:
            return 1.0
        snr_half = -math.log(2 * SENSITIVITY_BIT_ERROR) * 10 ** ((self.rssi_dbm - SENSITIVITY_DBM) / 10)
        bit_error = 0.5 * math.exp(-snr_half)
        heard = (1.0 - bit_error) ** (8 * (payload_bytes + PDU_OVERHEAD_BYTES))
        return 1.0 - heard * (1.0 - self.interference)


def rssi_at(distance_m: float, *, tx_dbm: float = 0.0, body_loss_db: float = 0.0) -> float:
    """Received signal in dBm, free space plus what the body takes."""
    return tx_dbm - LOSS_AT_1_M_DB - 20.0 * math.log10(distance_m) - body_loss_db


# clean: a pod beside the host. busy: a gym full of other radios. poor: at the edge of the range, where a
# third of the packets fail and a fade comes every five seconds.
RADIO_PRESETS = {
    "clean": RadioModel(),
    "busy": RadioModel(rssi_dbm=-75.0, interference=0.2, fades_per_s=0.1),
    "poor": RadioModel(rssi_dbm=-94.0, interference=0.2, fades_per_s=0.2),
}
