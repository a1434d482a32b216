"""A session under test on either broker, and somebody else who speaks there."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiomqtt
import pytest

from app.clock import system_clock
from app.embedded import EmbeddedBroker
from gateway.broker import broker_at
from gateway.connection import Subscription
from gateway.session import Message, Session
from tests.support.processes import free_port

WITHIN = 60.0
"""Seconds after which a test gives up; nothing here is expected to take long."""


class RunningBroker(Protocol):
    """What the tests need of a broker."""

    port: int

    @property
    def url(self) -> str: ...


@pytest.fixture
def embedded_broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """The broker that `threshold run --embedded` brings along."""
    with EmbeddedBroker(free_port(), tmp_path / "broker") as broker:
        yield broker


@pytest.fixture(params=["mosquitto", "embedded"])
def any_broker(request: pytest.FixtureRequest) -> RunningBroker:
    """Mosquitto as in production, then the embedded broker; anybody may speak on either."""
    name = "open_mosquitto" if request.param == "mosquitto" else "embedded_broker"
    broker: RunningBroker = request.getfixturevalue(name)
    return broker


async def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds that other tasks bring about."""
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class Ears:
    """A session that keeps what it was given. `acknowledging` says what to acknowledge at once."""

    session: Session
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[Message] = field(default_factory=list)
    ups: int = 0
    downs: int = 0

    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.taken]


@asynccontextmanager
async def listening(
    url: str, *, client_id: str = "gateway-test", acknowledge: Callable[[Message], bool] = lambda _: True,
    username: str | None = None,
    password: str | None = None,
) -> AsyncIterator[Ears]:  # fmt: skip
    """A session on the events of all hubs, run until the end of the block."""

    def take(message: Message) -> None:
        ears.taken.append(message)
        if acknowledge(message):
            ears.session.acknowledge([message])

    def up() -> None:
        ears.ups += 1

    def down(_connection: object) -> None:
        ears.downs += 1

    ears = Ears(
        Session(
            broker_at(url, client_id=client_id, username=username, password=password),
            (Subscription("threshold/v1/+/events", 1),),
            system_clock,
            on_message=take,
            on_up=up,
            on_down=down,
        )
    )
    running = asyncio.create_task(ears.session.run(ears.stop))
    try:
        yield ears
    finally:
        ears.stop.set()
        await asyncio.wait_for(running, WITHIN)


async def speak(
    broker: RunningBroker, *payloads: bytes, topic: str = "threshold/v1/hub-1/events", retain: bool = False
) -> None:
    """Somebody publishes with QoS 1, one after the other."""
    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="hub-1") as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=1, retain=retain)
