"""The socket that reads and writes in large pieces."""

import socket
from collections.abc import Iterator

import pytest

from gateway.buffered import Buffered


@pytest.fixture
def ends() -> Iterator[tuple[Buffered, socket.socket]]:
    """A buffered end that does not block, and the plain end it talks to."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield Buffered(ours), theirs
    ours.close()
    theirs.close()


def test_small_reads_are_served_from_one_large_one(ends: tuple[Buffered, socket.socket]) -> None:
    """What came in one piece is handed out in any pieces, in order, and what remains is told."""
    wire, peer = ends
    peer.sendall(b"0123456789")
    assert [wire.recv(1), wire.pending(), wire.recv(4), wire.recv(99), wire.pending()] == [
        b"0",
        9,
        b"1234",
        b"56789",
        0,
    ]
    with pytest.raises(BlockingIOError):
        wire.recv(1)
    peer.close()
    assert wire.recv(1) == b""


def test_what_is_said_leaves_in_one_piece(ends: tuple[Buffered, socket.socket]) -> None:
    """Nothing is sent before the flush, and then everything."""
    wire, peer = ends
    peer.setblocking(False)
    assert wire.send(b"ab") == 2
    assert wire.send(b"cd") == 2
    with pytest.raises(BlockingIOError):
        peer.recv(9)
    wire.flush()
    assert (peer.recv(9), wire.unsent()) == (b"abcd", 0)


def test_a_reader_that_is_slow_gets_the_rest_later(ends: tuple[Buffered, socket.socket]) -> None:
    """A full socket keeps what it could not take, in order, for the next flush."""
    wire, peer = ends
    said = bytes(range(256)) * 8192
    wire.send(said)
    wire.flush()
    assert 0 < wire.unsent() < len(said)
    heard = bytearray()
    while len(heard) < len(said):
        heard += peer.recv(1 << 20)
        wire.flush()
    assert bytes(heard) == said


def test_closing_offers_what_waits_and_never_fails(ends: tuple[Buffered, socket.socket]) -> None:
    """The farewell goes out with the end, and an end that is gone already is no error."""
    wire, peer = ends
    wire.send(b"bye")
    wire.close()
    assert (peer.recv(9), wire.fileno()) == (b"bye", -1)
    gone, other = socket.socketpair()
    other.close()
    broken = Buffered(gone)
    broken.send(b"x")
    broken.close()
    assert broken.fileno() == -1
