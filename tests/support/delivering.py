"""A delivery role that comes back at once when it is killed.

`python -m tests.support.delivering DATABASE-URL SMTP-PORT PIDS`: the parent has imported everything; a
child is one life of the role, and PIDS gets the number of each. A lease is short here, so that what a
killed one had in hand is soon taken up.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import alerts.worker
from alerts.channels import Channel, EmailChannel, WebhookChannel
from app.embedded.guarded import die_with_parent
from db.pool import make_pool

LEASE, NO_MORE_AFTER = timedelta(seconds=4), timedelta(seconds=1)


async def deliver(database_url: str, smtp_port: int) -> None:
    """One life: until it is killed."""
    pool = make_pool(database_url, name="delivering", max_size=8)
    await pool.open()
    channels: dict[str, Channel] = {
        "email": EmailChannel("127.0.0.1", smtp_port, "t@threshold.example", security="none"),
        "webhook": WebhookChannel(allow_private=True),
    }
    worker = alerts.worker.DeliveryWorker(pool, lambda: datetime.now(UTC), channels, "http://console")
    while True:
        await worker.deliver_due()
        await asyncio.sleep(0.05)


def main() -> None:
    """Lives, one after the other."""
    database_url, smtp_port, pids = sys.argv[1:]
    alerts.worker.LEASE, alerts.worker.NO_MORE_AFTER = LEASE, NO_MORE_AFTER
    guard = die_with_parent(signal.SIGKILL)
    while True:
        pid = os.fork()
        if pid == 0:
            guard()
            asyncio.run(deliver(database_url, int(smtp_port)))
        with Path(pids).open("a") as lives:
            lives.write(f"{pid}\n")
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
