"""One home of the load: a socket, events made of ready pieces, and the time that each answer took."""

import socket
import struct

import msgspec

from gateway.model import Receipts

MIX = ("heartbeat",) * 12 + ("door.opened", "door.closed") * 3 + ("carer.arrived", "carer.departed")
"""Of twenty events: an estate's ordinary day is mostly heartbeats and doors."""
SERIES = 1_000_000
"""Numbers of one series of events: a series of its own for each run, because an id is stored once."""

_receipts = msgspec.json.Decoder(Receipts)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


def _packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _length(len(body)) + body


def _length(length: int) -> bytes:
    out = bytearray()
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    return bytes(out) + bytes([length])


class Home:
    """One connection. `waiting` maps what has no answer yet to when it was sent.

    `array` events travel in one message. One that is `deaf` listens for no receipts: the broker's
    acknowledgement of a message is its answer.
    """

    def __init__(self, hub: str, port: int, *, series: int = 1, array: int = 1, deaf: bool = False) -> None:
        self.hub = hub
        self.array = array
        self.deaf = deaf
        self.unsent = bytearray()
        self.waiting: dict[str | int, float] = {}
        self._inbox = b""
        self._number = series * SERIES
        self._topic = _text(f"threshold/v1/{hub}/events")
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(_packet(0x10, _text("MQTT") + bytes([4, 2]) + struct.pack("!H", 600) + _text(hub)))
        if self.sock.recv(4) != b"\x20\x02\x00\x00":
            raise SystemExit(f"the broker refused {hub}")
        if not deaf:  # at QoS 0, because nobody here is to be reliable
            self.sock.sendall(_packet(0x82, b"\x00\x01" + _text(f"threshold/v1/{hub}/receipts") + b"\x00"))
            if self.sock.recv(5) != b"\x90\x03\x00\x01\x00":
                raise SystemExit(f"the broker refused the subscription of {hub}")
        self.sock.setblocking(False)

    def say(self, at: bytes, now: float) -> int:
        """One more message goes out; returns how many events it holds."""
        mid = self._number % 65_535 + 1
        if self.array == 1:
            payload = self._event(at, now)
        else:
            payload = b"[" + b",".join(self._event(at, now) for _ in range(self.array)) + b"]"
        if self.deaf:
            self.waiting[mid] = now
        self.unsent += _packet(0x32, self._topic + mid.to_bytes(2, "big") + payload)
        return self.array

    def _event(self, at: bytes, now: float) -> bytes:
        number = self._number
        self._number += 1
        id_ = f"{self.hub}-{number}"
        if not self.deaf:
            self.waiting[id_] = now
        return (
            b'{"id":"%b","type":"%b","at":"%b","device":"panel-1","seq":%d,"boot":"b1",'
            b'"data":{"panel":"panel-1","queued":0}}'
        ) % (id_.encode(), MIX[number % len(MIX)].encode(), at, number)

    def write(self) -> None:
        """Sends what the socket takes."""
        if self.unsent:
            try:
                del self.unsent[: self.sock.send(self.unsent)]
            except BlockingIOError:
                return

    def read(self, now: float) -> list[float]:
        """Takes what came; returns how long each event waited that has its answer now."""
        try:
            data = self._inbox + self.sock.recv(262_144)
        except BlockingIOError:
            return []
        waits: list[float] = []
        at, end = 0, len(data)
        while end - at >= 2:
            length, place = data[at + 1], at + 2
            if length > 127 and place < end:
                length, place = length & 127 | data[place] << 7, place + 1
            if end < place + length:
                break
            if data[at] == 0x40 and self.deaf:
                waits.append(now - self.waiting.pop(int.from_bytes(data[place : place + 2], "big")))
            elif data[at] >> 4 == 3:
                payload = place + 2 + int.from_bytes(data[place : place + 2], "big")
                for id_ in _receipts.decode(data[payload : place + length]).stored:
                    if (sent := self.waiting.pop(id_, None)) is not None:
                        waits.append(now - sent)
            at = place + length
        self._inbox = data[at:]
        return waits
