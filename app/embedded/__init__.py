"""The database and the broker that `threshold run --embedded` brings along: loopback only, one folder each.

PostgreSQL comes as a wheel, and only its programs are used: the wheel's own Python layer makes a system
user, widens the permissions of every folder above it and ends processes that it did not start. The broker
is rumqttd from the wheel `iotcore`; it keeps its sessions in memory, so what hubs sent and nobody stored
is sent again by the hubs when it restarts (contract §2).
"""

from app.embedded.broker import EmbeddedBroker
from app.embedded.errors import EmbeddedError
from app.embedded.postgres import EmbeddedPostgres

__all__ = ["EmbeddedBroker", "EmbeddedError", "EmbeddedPostgres"]
