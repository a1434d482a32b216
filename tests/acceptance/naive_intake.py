"""An intake as it is often written, planted to be caught: it promises what it has only heard.

python -m tests.acceptance.naive_intake DATABASE_URL MQTT_URL ACCOUNT PASSWORD
"""

import asyncio
import sys

from app.clock import system_clock
from gateway.broker import broker_at
from gateway.buffered import Published
from gateway.codec import encode_receipts
from gateway.connection import Connection
from gateway.model import Receipts
from gateway.session import Session
from ingest.model import Arrival, read
from ingest.worker import IngestWorker


def make_naive() -> None:
    """Acknowledges on arrival, as MQTT clients do by themselves, and promises before it commits."""
    take = Session.take

    def promising(self: Session, connection: Connection, messages: list[Published]) -> None:
        take(self, connection, messages)
        connection.acknowledge(message.mid for message in messages)
        for message in messages:
            said = read(
                message.topic.decode(),
                message.payload,
                retained=False,
                received_at=system_clock(),
                topics=worker._topics,
            )
            if isinstance(said, Arrival) and said.hub is not None and said.events:
                receipts = Receipts(stored=tuple(event.id for event in said.events))
                self.publish(worker._topics.receipts(said.hub), encode_receipts(receipts))

    Session.take = promising  # type: ignore[method-assign]


if __name__ == "__main__":
    database_url, mqtt_url, account, password = sys.argv[1:]
    make_naive()
    worker = IngestWorker(
        database_url,
        broker_at(mqtt_url, client_id=account, username=account, password=password),
        system_clock,
        instance="naive",
        batch_wait=0.5,
    )
    asyncio.run(worker.run(asyncio.Event()))
