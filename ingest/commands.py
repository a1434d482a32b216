"""Commands down to hubs: from the table to the broker, at least once. A hub obeys an id once."""

from collections.abc import Callable
from datetime import datetime

from gateway.codec import encode_command
from gateway.session import Session
from gateway.topics import Topics
from ingest import metrics, store
from ingest.writer import Writer

MOST = 100
"""Commands in one round; the next round follows at once while there are more."""


async def send_commands(
    writer: Writer, session: Session, topics: Topics, clock: Callable[[], datetime]
) -> int:
    """Hands waiting commands to the broker, oldest first, and returns how many. None goes out expired."""
    sent = 0
    while session.connected:
        async with writer.transaction() as conn:
            now = clock()
            commands = await store.claim_commands(conn, now, MOST)
            handed = [
                command.id
                for hub, command in commands
                if session.publish(topics.commands(hub), encode_command(command))
            ]
            if handed:
                await store.mark_commands_sent(conn, handed, now)
        for _, command in commands:
            metrics.COMMANDS.labels(command.type).inc()
        sent += len(handed)
        if len(handed) < MOST:
            break
    return sent
