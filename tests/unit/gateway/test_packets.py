"""Bytes of MQTT 3.1.1, both ways, however a socket cuts them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import packets
from gateway.packets import ProtocolFault, Publish, Splitter, read_publish

messages = st.lists(
    st.tuples(st.text(max_size=40), st.binary(max_size=300) | st.just(b"x" * 17_000), st.integers(1, 65_535)),
    max_size=6,
)


@given(messages, st.lists(st.integers(1, 400), min_size=1, max_size=8))
def test_messages_come_out_whole_however_they_are_cut(
    said: list[tuple[str, bytes, int]], cuts: list[int]
) -> None:
    """A stream of messages is the same messages whatever the pieces in which it arrives."""
    stream = b"".join(packets.publish(topic.encode(), payload, mid) for topic, payload, mid in said)
    splitter, heard = Splitter(), []
    for cut in itertools.cycle(cuts):
        heard += splitter.feed(stream[:cut])
        if not (stream := stream[cut:]):
            break
    expected = [Publish(topic.encode(), payload, 1, False, mid) for topic, payload, mid in said]
    assert [read_publish(first, body) for first, body in heard] == expected


def test_a_length_that_never_ends_is_a_fault() -> None:
    """Five bytes of length are none, and are not waited for."""
    with pytest.raises(ProtocolFault):
        Splitter().feed(b"\x30\xff\xff\xff\xff\x01")


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x05abc", b"\x00\x01a", b"\x00\x01a\x07"])
def test_a_message_cut_short_is_a_fault(body: bytes) -> None:
    """A message whose topic or number is not all there is none."""
    with pytest.raises(ProtocolFault):
        read_publish(0x32, body)


def test_quality_two_is_a_fault() -> None:
    """We asked for QoS 1 at most; taking a message of QoS 2 would be a promise that nobody here keeps."""
    with pytest.raises(ProtocolFault):
        read_publish(0x34, b"\x00\x01a\x00\x01")


def test_retained_and_unnumbered_messages_say_so() -> None:
    """The first byte tells what the broker kept, and a message of QoS 0 has no number."""
    assert read_publish(0x31, b"\x00\x01apayload") == Publish(b"a", b"payload", 0, True, 0)


def test_the_words_of_the_standard() -> None:
    """Byte for byte what MQTT 3.1.1 asks for: a standing session, an account, filters, acknowledgements."""
    assert (
        packets.connect("me", 10, "u", "p")
        == b"\x10\x14\x00\x04MQTT\x04\xc0\x00\x0a\x00\x02me\x00\x01u\x00\x01p"
    )
    assert packets.connect("me", 10, None, None) == b"\x10\x0e\x00\x04MQTT\x04\x00\x00\x0a\x00\x02me"
    assert packets.subscribe(1, [("a/+", 1), ("b", 0)]) == b"\x82\x0c\x00\x01\x00\x03a/+\x01\x00\x01b\x00"
    assert packets.pubacks([1, 258]) == b"\x40\x02\x00\x01\x40\x02\x01\x02"
    assert packets.packet(0x30, b"x" * 321)[:3] == b"\x30\xc1\x02"
