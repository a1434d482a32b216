"""A socket that reads and writes in large pieces, and hands out messages where a client library is slow.

paho takes a packet's first byte, its length and its body one after another from the socket, makes a message
through half a dozen objects, and sends every packet alone: a third of all that intake does, and five system
calls for a message that is answered. Through this it asks memory, what it has to say in one go leaves in one
piece, and the two packets that every event costs pass it by: PUBLISH is taken out before paho would read it,
PUBACK put in (docs/performance.md). Everything else of the protocol is paho's.

Source: MQTT 3.1.1, sections 2.2 (packets), 3.3 (PUBLISH), 3.4 (PUBACK).
"""

import socket
import ssl
from collections.abc import Iterable
from typing import Final, NamedTuple

READ_BYTES: Final = 64 * 1024
NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
LONGEST_HEAD: Final = 5
"""Bytes: a packet's kind, and at most four of its length."""

_KIND, _PUBLISH = 0xF0, 0x30
_QOS, _AT_MOST_ONCE, _AT_LEAST_ONCE = 0x06, 0x00, 0x02
_DUP, _RETAIN = 0x08, 0x01
_PUBACK = b"\x40\x02"


class MalformedPacket(ValueError):
    """What the broker sent is no MQTT that we could have asked for."""


class Published(NamedTuple):
    """A message as the broker delivers it. `mid` is 0 for one that asks for no acknowledgement (QoS 0)."""

    topic: bytes
    payload: bytes
    mid: int
    again: bool
    retained: bool


class Buffered:
    """What paho needs of a socket (its `SocketLike`), over a plain or TLS one that does not block.

    `fill` reads from the system; `publishes` takes messages out of what was read, and `release` lets `recv`
    hand out the other packets before the next message. Only whole packets are ever handed out.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._read = b""
        self._at = 0
        self._released = 0
        self._over: OSError | None = None
        self._ended = False
        self._said = bytearray()

    def fill(self) -> bool:
        """Reads once from the system; whether anything new came, be it the end."""
        rest = len(self._read) - self._at
        wanted = self._length(self._at)
        missing = 0 if wanted is None else wanted - rest
        try:
            data = self._inner.recv(max(READ_BYTES, missing))
        except NOT_NOW:
            return False
        except OSError as error:
            self._over = error
            return True
        self._ended = not data
        self._read, self._at, self._released = self._read[self._at :] + data, 0, self._released - self._at
        return True

    def publishes(self, most: int) -> list[Published]:
        """Takes out the messages that come next, up to `most`. Raises MalformedPacket."""
        data, at, end = self._read, self._at, len(self._read)
        found: list[Published] = []
        while len(found) < most and end - at > 1 and data[at] & _KIND == _PUBLISH:
            head, length, body = data[at], data[at + 1], at + 2
            if length > 127:
                if (whole := self._length(at)) is None:
                    break
                stop = at + whole
                while data[body - 1] > 127:
                    body += 1
            else:
                stop = body + length
            if stop > end:
                break
            topic_at = body + 2
            payload_at = topic_end = topic_at + int.from_bytes(data[body:topic_at])
            mid = 0
            if head & _QOS == _AT_LEAST_ONCE:
                payload_at += 2
                mid = int.from_bytes(data[topic_end:payload_at])
            if payload_at > stop or (mid == 0) is not (head & _QOS == _AT_MOST_ONCE):
                raise MalformedPacket(f"a PUBLISH of {stop - at} bytes that is none we asked for")
            found.append(
                Published(
                    data[topic_at:topic_end],
                    data[payload_at:stop],
                    mid,
                    head & _DUP != 0,
                    head & _RETAIN != 0,
                )
            )
            at = stop
        self._at = self._released = at
        return found

    def release(self) -> bool:
        """Lets `recv` hand out the whole packets before the next message, or the end; whether it now can."""
        at, end = max(self._at, self._released), len(self._read)
        while at < end and self._read[at] & _KIND != _PUBLISH:
            length = self._length(at)
            if length is None or at + length > end:
                break
            at += length
        self._released = at
        return at > self._at or self._is_over()

    def _is_over(self) -> bool:
        """Nothing will come any more. What has not come whole by then never will."""
        return self._over is not None or self._ended

    def _length(self, at: int) -> int | None:
        """Bytes of the packet that begins here, head included; None while they cannot be told.

        Raises MalformedPacket for a length of more bytes than MQTT has.
        """
        length = 0
        for place, byte in enumerate(self._read[at + 1 : at + LONGEST_HEAD]):
            length |= (byte & 127) << (7 * place)
            if byte < 128:
                return length + place + 2
        if len(self._read) - at >= LONGEST_HEAD:
            raise MalformedPacket("a packet's length in more than four bytes")
        return None

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes of what was released. Raises as a socket does; b"" is the end."""
        found = self._read[self._at : min(self._at + size, self._released)]
        if not found:
            if self._over is not None:
                raise self._over
            if not self._ended:
                raise BlockingIOError
        self._at += len(found)
        return found

    def pending(self) -> int:
        """Bytes that can be had although the system's socket may never say so again."""
        return self._inner.pending() if isinstance(self._inner, ssl.SSLSocket) else 0

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of it; `flush` sends it."""
        self._said += data
        return len(data)

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Says that these messages are ours, in this order; `flush` sends it."""
        self._said += b"".join([_PUBACK + mid.to_bytes(2) for mid in mids])

    def unsent(self) -> int:
        """Bytes that the system has not taken yet."""
        return len(self._said)

    def flush(self) -> None:
        """Sends as much as the system takes now. Raises OSError when the connection is gone."""
        while self._said:
            try:
                went = self._inner.send(self._said)
            except NOT_NOW:
                return
            del self._said[:went]

    def close(self) -> None:
        """Closes; what still waits is offered once more."""
        try:
            self.flush()
        except OSError:
            pass  # there is nobody left to read it
        finally:
            self._inner.close()

    def fileno(self) -> int:
        """The system's number of it; -1 once closed."""
        return self._inner.fileno()

    def setblocking(self, flag: bool) -> None:
        """As a socket's."""
        self._inner.setblocking(flag)
