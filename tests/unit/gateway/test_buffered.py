"""The socket that reads and writes in large pieces."""

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.buffered import Buffered, MalformedPacket, Published

PINGRESP = b"\xd0\x00"
SUBACK = b"\x90\x03\x00\x01\x01"


@pytest.fixture
def ends() -> Iterator[tuple[Buffered, socket.socket]]:
    """A buffered end that does not block, and the plain end it talks to."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield Buffered(ours), theirs
    ours.close()
    theirs.close()


def packet(kind: int, body: bytes) -> bytes:
    """A packet as MQTT 3.1.1 (2.2.3) writes it."""
    length, rest = b"", len(body)
    while True:
        rest, low = divmod(rest, 128)
        length += bytes([low | (128 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def publish(said: Published) -> bytes:
    """A message as a broker delivers it."""
    kind = 0x30 | (8 if said.again else 0) | (2 if said.mid else 0) | (1 if said.retained else 0)
    mid = struct.pack("!H", said.mid) if said.mid else b""
    return packet(kind, struct.pack("!H", len(said.topic)) + said.topic + mid + said.payload)


def test_messages_are_taken_out_and_the_rest_is_released(ends: tuple[Buffered, socket.socket]) -> None:
    """Each reader gets its packets in their order: messages here, all else through `recv`, never past one."""
    wire, peer = ends
    first, second = Published(b"a", b"one", 1, False, False), Published(b"b", b"two", 2, True, True)
    peer.sendall(SUBACK + publish(first) + publish(second) + PINGRESP + publish(first))
    assert wire.fill()
    assert wire.publishes(9) == []
    assert wire.release()
    assert [wire.recv(1), wire.recv(99)] == [SUBACK[:1], SUBACK[1:]]
    with pytest.raises(BlockingIOError):
        wire.recv(1)
    assert wire.publishes(1) == [first]
    assert not wire.release()
    assert wire.publishes(9) == [second]
    assert wire.release()
    assert wire.recv(99) == PINGRESP
    assert wire.publishes(9) == [first]
    assert not wire.release()
    assert not wire.fill()


said = st.builds(
    Published,
    st.binary(max_size=20),
    st.binary(max_size=40) | st.binary(min_size=16_300, max_size=16_400),
    st.integers(0, 65_535),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(said | st.sampled_from([SUBACK, PINGRESP]), max_size=8), st.data())
def test_what_arrives_in_any_pieces_is_read_whole_and_in_order(
    packets: list[Published | bytes], data: st.DataObject
) -> None:
    """Wherever the system cuts the stream, each packet comes out once, whole, and in its turn."""
    stream = b"".join(one if isinstance(one, bytes) else publish(one) for one in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        wire = Buffered(ours)
        heard: list[Published | bytes] = []
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            if begin == end:
                continue
            theirs.sendall(stream[begin:end])
            wire.fill()
            while True:
                messages = wire.publishes(2)
                heard += messages
                if wire.release():
                    head = wire.recv(2)
                    heard.append(head + wire.recv(head[1]) if head[1] else head)
                elif not messages:
                    break
    assert heard == packets


@pytest.mark.parametrize(
    "stream",
    [
        b"\x32\x01\x00",  # no room for the topic's length
        b"\x32\x04\x00\x09ab",  # a topic longer than its packet
        b"\x32\x04\x00\x01a\x00",  # half a message id
        b"\x32\x05\x00\x01a\x00\x00",  # a message id of zero
        b"\x34\x05\x00\x01a\x00\x01",  # QoS 2, which we never ask for
        b"\x36\x05\x00\x01a\x00\x01",  # a QoS that does not exist
        b"\x32\xff\xff\xff\xff\x01",  # a length in five bytes
        b"\xd0\xff\xff\xff\xff\x01",
    ],
)
def test_what_is_no_mqtt_is_refused(ends: tuple[Buffered, socket.socket], stream: bytes) -> None:
    """A broken packet ends the conversation rather than being guessed at."""
    wire, peer = ends
    peer.sendall(stream)
    wire.fill()
    read = wire.release if stream[0] == PINGRESP[0] else lambda: wire.publishes(9)
    with pytest.raises(MalformedPacket):
        read()


def test_the_end_is_told_after_all_that_came_before_it(ends: tuple[Buffered, socket.socket]) -> None:
    """A last message is still read; then `recv` says the end, also in the middle of a packet."""
    wire, peer = ends
    last = Published(b"a", b"bye", 7, False, False)
    peer.sendall(publish(last) + publish(last)[:-1])
    peer.close()
    assert wire.fill()
    assert wire.fill()
    assert wire.publishes(9) == [last]
    assert wire.release()
    assert wire.recv(1) == b""


def test_acknowledgements_leave_in_their_order(ends: tuple[Buffered, socket.socket]) -> None:
    """One PUBACK for each message id, after what was said before."""
    wire, peer = ends
    wire.send(b"x")
    wire.acknowledge([1, 65_535])
    wire.flush()
    assert peer.recv(99) == b"x\x40\x02\x00\x01\x40\x02\xff\xff"


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
