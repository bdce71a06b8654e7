"""A Bluetooth controller in software: Bumble's, with the gaps of its version 0.0.236 filled in.

The air makes one for every pod and every host that joins it. What goes over the air passes the connection
events of a `RadioLink` (link.py), in both directions; a packet's HCI credit comes back when the packet is
through, so that a bad radio holds the sender up as it does in real life.
"""

import asyncio
from typing import Any

from bumble import core, hci, ll
from bumble.controller import Connection, Controller
from bumble.link import LocalLink

from firmware_sim.radio.link import RadioLink
from firmware_sim.radio.model import RadioModel

# Core Specification 5.4, vol. 6, part B, 4.5.2: a connection that is not answered within six intervals has
# failed.
ESTABLISH_INTERVALS = 6
# Advertisements carry this with the SID of a legacy PDU and an unknown transmit power (vol. 4, part E,
# 7.7.65.13).
NO_SID, UNKNOWN_TX_POWER = 0xFF, 127


class VirtualController(Controller):
    """One dongle on the air. `close()` is the power cut: nobody is told."""

    pending_le_connection: Any

    # Stock: 27 bytes, which cuts a notification into ten pieces. 251 is what data length extension allows.
    le_acl_data_packet_length = 251
    supported_max_tx_octets = supported_max_rx_octets = suggested_max_tx_octets = 251
    total_num_le_acl_data_packets = 6

    def __init__(self, name: str, air: LocalLink, radio: RadioModel, **transport: Any) -> None:
        self.radio = radio
        self.radio_links: dict[int, RadioLink] = {}  # by connection handle
        self.powered = True
        super().__init__(name, link=air, **transport)

    def close(self) -> None:
        self.powered = False
        self.hci_sink = None
        self.link.controllers.discard(self)
        self._stop_advertising()

    # Stock formats every packet for the debug log, wanted or not: most of the simulator's time.

    def send_hci_packet(self, packet: Any) -> None:
        if self.host:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_packet(self, packet: Any) -> None:
        match packet:
            case hci.HCI_AclDataPacket():
                self.on_hci_acl_data_packet(packet)
            case hci.HCI_Command():
                self.on_hci_command_packet(packet)

    # Advertising: stock sends the advertising data twice and the scan response never.

    def send_advertising_pdu(self, packet: Any) -> None:
        if not self.powered or self.radio.jammed:
            return
        if not isinstance(packet, ll.ConnectInd):
            owners = [s for s in self.advertising_sets.values() if s.address == packet.advertiser_address]
            owner = owners[0] if owners else self.le_legacy_advertiser
            packet.scan_response, packet.rssi = bytes(owner.scan_response_data), round(self.radio.rssi_dbm)
        self.link.send_advertising_pdu(self, packet)

    def on_hci_le_set_extended_scan_parameters_command(self, command: Any) -> Any:
        self.le_scan_type = command.scan_types[0]
        return super().on_hci_le_set_extended_scan_parameters_command(command)

    def on_advertising_pdu(self, pdu: Any) -> None:
        if self.le_scan_enable:
            event = hci.HCI_LE_Extended_Advertising_Report_Event
            kind = event.EventType.CONNECTABLE_ADVERTISING | event.EventType.SCANNABLE_ADVERTISING
            self._report(kind, pdu, pdu.data)
            if self.le_scan_type == 1:  # active: it asks for the scan response
                self._report(kind | event.EventType.SCAN_RESPONSE, pdu, pdu.scan_response)
        wanted = self.pending_le_connection
        if wanted and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, kind: Any, pdu: Any, data: bytes) -> None:
        event = hci.HCI_LE_Extended_Advertising_Report_Event
        report = event.Report(
            event_type=kind | event.EventType.LEGACY_ADVERTISING_PDU_USED,
            address_type=pdu.advertiser_address.address_type,
            address=pdu.advertiser_address,
            primary_phy=hci.Phy.LE_1M,
            secondary_phy=0,
            advertising_sid=NO_SID,
            tx_power=UNKNOWN_TX_POWER,
            rssi=pdu.rssi,
            periodic_advertising_interval=0,
            direct_address_type=0,
            direct_address=hci.Address.ANY,
            data=data,
        )
        self.send_hci_packet(event([report]))

    def _stop_advertising(self) -> None:
        self.le_legacy_advertiser.stop()
        for advertising_set in self.advertising_sets.values():
            advertising_set.stop()

    # Connecting: stock cannot cancel, and tells the peripheral made-up connection parameters.

    def on_hci_le_create_connection_cancel_command(self, _command: Any) -> Any:
        wanted, self.pending_le_connection = self.pending_le_connection, None
        if wanted is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        cancelled = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=wanted.peer_address.address_type,
            peer_address=wanted.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, cancelled)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def create_le_connection(self, peer_address: Any) -> None:
        wanted = self.pending_le_connection
        super().create_le_connection(peer_address)
        connection = self.le_connections.get(peer_address)
        if wanted is None or connection is None:
            return
        patience_s = ESTABLISH_INTERVALS * wanted.connection_interval_min * 1.25e-3
        asyncio.get_running_loop().call_later(patience_s, self._give_up_unanswered, connection)

    def _give_up_unanswered(self, connection: Connection) -> None:
        if connection.handle not in self.radio_links:
            self.on_le_disconnected(connection, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    def on_le_connect_ind(self, packet: Any) -> None:
        known = list(self.le_connections.values())
        super().on_le_connect_ind(packet)
        for connection in self.le_connections.values():
            if not any(connection is other for other in known):
                self.link.join(connection, packet)
                self._tell_parameters(connection, packet)

    def _tell_parameters(self, connection: Connection, source: Any) -> None:
        event = hci.HCI_LE_Connection_Update_Complete_Event(
            status=hci.HCI_ErrorCode.SUCCESS,
            connection_handle=connection.handle,
            connection_interval=source.interval,
            peripheral_latency=source.latency,
            supervision_timeout=source.timeout,
        )
        self.send_hci_packet(event)

    def on_hci_le_connection_update_command(self, command: Any) -> None:
        super().on_hci_le_connection_update_command(command)
        if radio_link := self.radio_links.get(command.connection_handle):
            radio_link.retime(command.connection_interval_max, command.supervision_timeout)

    # Data and the end of a link.

    def on_hci_acl_data_packet(self, packet: Any) -> None:
        if radio_link := self.radio_links.get(packet.connection_handle):
            radio_link.queue(self, packet)

    def on_hci_disconnect_command(self, command: Any) -> None:
        try:
            super().on_hci_disconnect_command(command)
        except core.InvalidArgumentError:  # the peer has left the air; stock leaves the host waiting
            if connection := self.find_le_connection_by_handle(command.connection_handle):
                self.on_le_disconnected(connection, command.reason)

    def on_le_disconnected(self, connection: Connection, reason: int) -> None:
        if radio_link := self.radio_links.pop(connection.handle, None):
            radio_link.close()
        if self.le_connections.get(connection.peer_address) is connection:
            super().on_le_disconnected(connection, reason)

    def on_hci_read_rssi_command(self, command: Any) -> Any:
        radio_link = self.radio_links.get(command.handle)
        rssi = round(radio_link.radio.rssi_dbm) if radio_link else UNKNOWN_TX_POWER
        return hci.HCI_Read_RSSI_ReturnParameters(status=0, handle=command.handle, rssi=rssi)

    def on_hci_reset_command(self, command: Any) -> Any:
        """Stock keeps links, advertising and pending connections through a reset."""
        for connection in list(self.le_connections.values()):
            reason = hci.HCI_ErrorCode.REMOTE_USER_TERMINATED_CONNECTION_ERROR
            if radio_link := self.radio_links.get(connection.handle):
                radio_link.end(reason)
        self._stop_advertising()
        self.advertising_sets.clear()
        self.pending_le_connection, self.le_scan_enable = None, False
        return super().on_hci_reset_command(command)
