"""paho's client over our socket, in what of it differs."""

import socket
import time
from typing import Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.buffered import Buffered

ACKNOWLEDGED_BYTES = 2
"""A PUBACK of MQTT 3.1.1 after its head: a message id."""

_SUCCESS = ReasonCode(PacketTypes.PUBACK)
_NOTHING = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]


class Client(mqtt.Client):
    """paho over a socket that reads and writes in large pieces, where it puts its WebSocket otherwise."""

    wire: Buffered | None = None

    def _create_socket(self) -> Buffered:  # a SocketLike, as paho calls it
        inner = super()._create_socket()
        assert isinstance(inner, socket.socket)
        inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a receipt must not wait for company
        self.wire = Buffered(inner)
        return self.wire

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        # As paho does it, without the reasons and properties that MQTT 3.1.1 does not have: they take longer
        # to make than all the rest of a receipt.
        packet = self._in_packet["packet"]
        if cmd != "PUBACK" or len(packet) != ACKNOWLEDGED_BYTES:
            return super()._handle_pubackcomp(cmd)
        with self._out_message_mutex:
            if (mid := int.from_bytes(packet)) in self._out_messages:
                return self._do_on_publish(mid, _SUCCESS, _NOTHING)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def something_came(self) -> None:
        """The broker is there: messages came that paho did not see, and its answer to a ping lies behind."""
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
            if self._ping_t:
                self._ping_t = self._last_bytes_received

    def say_we_live(self) -> None:
        """Asks the broker whether it is there without awaiting the answer: we may not be reading."""
        self._send_pingreq()
