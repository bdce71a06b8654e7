"""The Bluetooth stack above a controller: Bumble's, without the text it writes of every packet.

Bumble formats packets for its debug log whether or not anybody reads it, at about the cost of all its other
work.
"""

import logging
from typing import Any

from bumble import hci
from bumble.device import Device, DeviceConfiguration
from bumble.host import Host
from bumble.transport.common import Transport

_bumble_log = logging.getLogger("bumble.host")


class _QuietHost(Host):
    def _is_watched(self) -> bool:
        return self.snooper is not None or _bumble_log.isEnabledFor(logging.DEBUG)

    def send_hci_packet(self, packet: Any) -> None:
        if self._is_watched() or self.hci_sink is None:
            super().send_hci_packet(packet)
        else:
            self.hci_sink.on_packet(bytes(packet))

    def on_hci_packet(self, packet: Any) -> None:
        if self._is_watched():
            super().on_hci_packet(packet)
            return
        match packet:
            case hci.HCI_AclDataPacket():
                self.on_hci_acl_data_packet(packet)
            case hci.HCI_Event():
                self.on_hci_event_packet(packet)


def make_device(config: DeviceConfiguration, transport: Transport) -> Device:
    """A Bumble device on an open transport."""
    return Device(config=config, host=_QuietHost(transport.source, transport.sink))
