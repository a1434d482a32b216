"""Homes that only measure: `python -m benchmarks.load PORT HUBS EVENTS [--window N | --rate N]`.

A process of its own that speaks MQTT 3.1.1 by hand over plain sockets, because a client library costs as much
for each message as the service under test, on the same two cores. With `--window` each home has so many
events without a receipt at a time, and the whole goes as fast as receipts come; with `--rate` events are
sent at that rate. Prints one JSON object: how many were sent and receipted, in what time, and how long
each receipt took.
"""

import argparse
import json
import selectors
import socket
import struct
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import msgspec

from benchmarks.figures import quantile
from gateway.model import Receipts

GIVE_UP = 120.0
"""Seconds after which a run ends whatever is missing."""
MIX = ("heartbeat",) * 12 + ("door.opened", "door.closed") * 3 + ("carer.arrived", "carer.departed")
"""Of twenty events: an estate's ordinary day is mostly heartbeats and doors."""

_receipts = msgspec.json.Decoder(Receipts)


def _remaining_length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, byte = divmod(length, 128)
        if not length:
            out.append(byte)
            return bytes(out)
        out.append(byte | 128)


def _packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _remaining_length(len(body)) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw


@dataclass
class Home:
    """One connection. `waiting` maps what has no receipt yet to when it was sent."""

    hub: str
    sock: socket.socket
    unsent: deque[bytes] = field(default_factory=deque)
    inbox: bytearray = field(default_factory=bytearray)
    waiting: dict[str, float] = field(default_factory=dict)

    @classmethod
    def connect(cls, hub: str, port: int) -> "Home":
        """Connects and subscribes to its receipts; at QoS 0, because nobody here is to be reliable."""
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(_packet(0x10, _text("MQTT") + bytes([4, 2]) + struct.pack("!H", 60) + _text(hub)))
        if sock.recv(4) != b"\x20\x02\x00\x00":
            raise SystemExit(f"the broker refused {hub}")
        topic = _text(f"threshold/v1/{hub}/receipts")
        sock.sendall(_packet(0x82, b"\x00\x01" + topic + b"\x00"))
        if sock.recv(5) != b"\x90\x03\x00\x01\x00":
            raise SystemExit(f"the broker refused the subscription of {hub}")
        sock.setblocking(False)
        return cls(hub, sock)

    def say(self, number: int, now: float) -> None:
        """One more event goes out."""
        id_ = f"{self.hub}-{number}"
        event = {
            "id": id_,
            "type": MIX[number % len(MIX)],
            "at": datetime.now(UTC).isoformat(),
            "device": "panel-1",
            "seq": number,
            "boot": "b1",
            "data": {"panel": "panel-1", "queued": 0},
        }
        body = _text(f"threshold/v1/{self.hub}/events") + struct.pack("!H", number % 65535 + 1)
        self.unsent.append(_packet(0x32, body + msgspec.json.encode(event)))
        self.waiting[id_] = now

    def write(self) -> None:
        """Sends what the socket takes."""
        while self.unsent:
            try:
                sent = self.sock.send(b"".join(self.unsent))
            except BlockingIOError:
                return
            while self.unsent and sent >= len(self.unsent[0]):
                sent -= len(self.unsent.popleft())
            if self.unsent and sent:
                self.unsent[0] = self.unsent[0][sent:]

    def read(self, now: float) -> list[float]:
        """Takes what came; returns how long each event waited that has its receipt now."""
        try:
            self.inbox += self.sock.recv(262_144)
        except BlockingIOError:
            return []
        waits: list[float] = []
        for kind, body in self._packets():
            if kind >> 4 == 3:
                topic_length = int.from_bytes(body[:2])
                for id_ in _receipts.decode(body[2 + topic_length :]).stored:
                    if (sent := self.waiting.pop(id_, None)) is not None:
                        waits.append(now - sent)
        return waits

    def _packets(self) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        at = 0
        while len(self.inbox) - at >= 2:
            length, shift, place = 0, 0, at + 1
            while place < len(self.inbox):
                byte = self.inbox[place]
                length |= (byte & 127) << shift
                shift, place = shift + 7, place + 1
                if byte < 128:
                    break
            else:
                break
            if len(self.inbox) < place + length:
                break
            found.append((self.inbox[at], bytes(self.inbox[place : place + length])))
            at = place + length
        del self.inbox[:at]
        return found


def run(homes: list[Home], events: int, *, window: int | None, rate: float | None) -> dict[str, float]:
    """Sends so many events over all homes and waits for every receipt."""
    chooser = selectors.DefaultSelector()
    for home in homes:
        chooser.register(home.sock, selectors.EVENT_READ, home)
    numbers = count()
    waits: list[float] = []
    said = 0
    turn = 0
    began = time.monotonic()
    while len(waits) < events and time.monotonic() - began < GIVE_UP:
        now = time.monotonic()
        if rate is not None:
            owed = min(events, int((now - began) * rate) + 1)
            while said < owed:
                homes[turn % len(homes)].say(next(numbers), now)
                turn, said = turn + 1, said + 1
        elif window is not None:
            for home in homes:
                while said < events and len(home.waiting) < window:
                    home.say(next(numbers), now)
                    said += 1
        for home in homes:
            home.write()
        for key, _ in chooser.select(0.002):
            waits += key.data.read(time.monotonic())
    seconds = time.monotonic() - began
    return {
        "sent": said,
        "receipted": len(waits),
        "seconds": seconds,
        "p50": quantile(waits, 0.5),
        "p99": quantile(waits, 0.99),
    }


def main() -> None:
    """Connects, says that it is ready, and begins when a line comes in."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("port", type=int)
    arguments.add_argument("hubs", type=int)
    arguments.add_argument("events", type=int)
    arguments.add_argument("--first", type=int, default=1)
    arguments.add_argument("--window", type=int)
    arguments.add_argument("--rate", type=float)
    given = arguments.parse_args()
    numbers = range(given.first, given.first + given.hubs)
    homes = [Home.connect(f"hub-{number}", given.port) for number in numbers]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(run(homes, given.events, window=given.window, rate=given.rate)) + "\n")


if __name__ == "__main__":
    main()
