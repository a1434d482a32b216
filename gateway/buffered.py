"""A socket that reads and writes in large pieces, for a client library that asks for each packet in three.

paho takes a packet's first byte, its length and its body one after another from the socket, and sends every
packet alone: five system calls for a message that is answered. Through this it asks memory, and what it has
to say in one go leaves in one piece (docs/performance.md).
"""

import socket
import ssl
from typing import Final

READ_BYTES: Final = 64 * 1024
NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Buffered:
    """What paho needs of a socket (its `SocketLike`), over a plain or TLS one that does not block."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._read = b""
        self._at = 0
        self._said = bytearray()

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes. Raises as a socket does; b"" is the end."""
        if self._at >= len(self._read):
            self._read, self._at = self._inner.recv(READ_BYTES), 0
        found = self._read[self._at : self._at + size]
        self._at += len(found)
        return found

    def pending(self) -> int:
        """Bytes that can be had although the system's socket may never say so again."""
        inner = self._inner.pending() if isinstance(self._inner, ssl.SSLSocket) else 0
        return len(self._read) - self._at + inner

    def send(self, data: bytes | bytearray) -> int:
        """Takes all of it; `flush` sends it."""
        self._said += data
        return len(data)

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
