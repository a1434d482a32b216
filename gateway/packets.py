"""MQTT 3.1.1 as bytes, as far as a gateway speaks it: quality of service 0 and 1. Pure.

Written by hand because the way in is paid by the message (docs/performance.md): a whole read is taken apart
at once, and what a batch has to say goes out in one piece. Section numbers are those of the OASIS standard.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 9, 11, 13
"""Kinds of packet that a broker sends us (2.2.1)."""
PINGREQ_PACKET = b"\xc0\x00"
DISCONNECT_PACKET = b"\xe0\x00"
MOST_MESSAGE_IDS = 65_535

_RETAINED = 0x01
_AGAIN = 0x08
_WILL_NEVER_END = 4
"""Bytes of a remaining length at most (2.2.3)."""

CONNECTION_REFUSED = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not take our client id",
    3: "it is unavailable",
    4: "wrong user name or password",
    5: "not authorised",
}
"""What a broker says when it lets us not in (3.2.2.3)."""


class ProtocolFault(ValueError):
    """Bytes that no MQTT 3.1.1 broker sends; the connection cannot go on."""


@dataclass(slots=True)
class Publish:
    """A message from the broker. `mid` is 0 where `qos` is; `again`: it was sent before (3.3.1.1)."""

    topic: bytes
    payload: bytes
    qos: int
    retained: bool
    mid: int
    again: bool = False


class Splitter:
    """Takes what a socket gives apart into packets, however it is cut."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 2

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The packets that are complete now, each as its first byte and its body.

        Raises ProtocolFault for a length that never ends.
        """
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
        found: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        needed = 2
        while end - at >= 2:
            length, place = data[at + 1], at + 2
            if length > 127:
                length, place = _long_length(data, at + 1)
                if place == 0:
                    needed = end - at + 1
                    break
            if end - place < length:
                needed = place - at + length
                break
            found.append((data[at], data[place : place + length]))
            at = place + length
        self._rest = bytearray(data[at:])
        self._needed = needed
        return found


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """A remaining length of several bytes, and the place after it; (0, 0) while it is not all there."""
    length = shift = 0
    for place in range(at, min(at + _WILL_NEVER_END, len(data))):
        byte = data[place]
        length |= (byte & 127) << shift
        if byte < 128:
            return length, place + 1
        shift += 7
    if len(data) - at >= _WILL_NEVER_END:
        raise ProtocolFault("a packet whose length never ends")
    return 0, 0


def read_publish(first: int, body: bytes) -> Publish:
    """A message from its packet. Raises ProtocolFault for one that is cut short or asks for QoS 2."""
    qos = (first >> 1) & 3
    start = 2 + int.from_bytes(body[:2], "big")
    payload_at = start + 2 if qos else start
    if qos > 1 or len(body) < payload_at or start < 2:
        raise ProtocolFault("a message that is cut short or of a quality that we did not ask for")
    mid = int.from_bytes(body[start:payload_at], "big")
    return Publish(body[2:start], body[payload_at:], qos, bool(first & _RETAINED), mid, bool(first & _AGAIN))


def connect(client_id: str, keepalive: int, username: str | None, password: str | None) -> bytes:
    """Asks for the standing session of `client_id`; `keepalive` in seconds (3.1)."""
    flags, account = 0, b""
    if username is not None:
        flags, account = 0x80, _text(username)
        if password is not None:
            flags, account = 0xC0, account + _text(password)
    return packet(0x10, _text("MQTT") + struct.pack(">BBH", 4, flags, keepalive) + _text(client_id) + account)


def subscribe(mid: int, filters: Sequence[tuple[str, int]]) -> bytes:
    """Asks for the messages of these topic filters, each up to a quality of service (3.8)."""
    wanted = b"".join(_text(topic) + bytes([qos]) for topic, qos in filters)
    return packet(0x82, mid.to_bytes(2, "big") + wanted)


def unsubscribe(mid: int, filters: Sequence[str]) -> bytes:
    """Asks for no more messages of these topic filters (3.10)."""
    return packet(0xA2, mid.to_bytes(2, "big") + b"".join(_text(topic) for topic in filters))


def publish(topic: bytes, payload: bytes, mid: int) -> bytes:
    """A message of ours, QoS 1, not retained (3.3)."""
    return packet(0x32, len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + payload)


def pubacks(mids: Iterable[int]) -> bytes:
    """Acknowledges these messages, in this order (3.4)."""
    return b"".join([b"\x40\x02" + mid.to_bytes(2, "big") for mid in mids])


def packet(first: int, body: bytes) -> bytes:
    """A packet with its length before it."""
    length = len(body)
    if length < 128:
        return bytes((first, length)) + body
    head = bytearray((first,))
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
