"""`threshold doctor`: is everything there that the promises rest on? One line for each fault."""

import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

from psycopg import AsyncConnection, OperationalError

from alerts.reach import EVERYWHERE
from app.channels import build_channels
from app.clock import Clock
from app.doctor_contacts import contact_faults, missing_links
from app.errors import Fault
from app.settings import Settings
from care.contact_store import read_organisations
from db.migrate import pending
from db.pool import Connection, connection_arguments, fetch_all, fetch_one
from db.sql import Queries
from ingest import enrolment

_Q = Queries("app")
_BEATS = Queries("db")

CLOCKS_APART = timedelta(seconds=2)
"""Further apart than this, due times of one machine surprise the other."""
MISSED_ROUNDS = 3
"""A role whose last round is older than so many of its periods has stopped."""
CONNECT_SECONDS = 5.0
CERTIFICATE_NOTICE = timedelta(days=30)
"""How long before a hub's certificate ends it is told: an engineer may have to go there."""


async def faults(settings: Settings, clock: Clock) -> AsyncIterator[str]:
    """Every fault found, one sentence each; none when all is well."""
    for fault in _broker_faults(settings):
        yield fault
    if settings.watch.enabled and settings.mqtt.username is not None and settings.watch.password is None:
        yield "watch: no press tries the way in, because THRESHOLD_WATCH__PASSWORD is not set"
    if settings.database_url is None:
        yield "database: none is named, set THRESHOLD_DATABASE_URL"
        return
    try:
        async with await AsyncConnection.connect(
            settings.database, autocommit=True, **connection_arguments("doctor")
        ) as conn:
            lacking = await pending(conn)
            if lacking:
                yield f"database: the schema lacks {len(lacking)} migrations, run `threshold migrate`"
                return
            async for fault in _database_faults(conn, settings, clock):
                yield fault
    except OperationalError as error:
        yield f"database: {str(error).strip().splitlines()[-1]}"


def _broker_faults(settings: Settings) -> list[str]:
    if settings.mqtt_url is None:
        return ["broker: none is named, set THRESHOLD_MQTT_URL"]
    parts = urlsplit(settings.mqtt_url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        return [f"broker: {settings.mqtt_url!r} is no mqtt:// or mqtts:// URL"]
    port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    try:
        socket.create_connection((parts.hostname, port), CONNECT_SECONDS).close()
    except OSError as error:
        return [f"broker: {parts.hostname}:{port} does not answer: {error.strerror or error}"]
    return []


async def notices(settings: Settings) -> list[str]:
    """What may stand and yet deserves a look: schemes for which an organisation names no link person."""
    if settings.database_url is None:
        return []
    try:
        async with await AsyncConnection.connect(
            settings.database, autocommit=True, **connection_arguments("doctor")
        ) as conn:
            if await pending(conn):
                return []
            organisations = {noun.id: noun for noun in await read_organisations(conn)}
            present: dict[str, set[str]] = {}
            for row in await fetch_all(conn, _Q["schemes_of_organisations"]):
                present.setdefault(row["organisation"], set()).add(row["scheme"])
            return list(missing_links(organisations, present))
    except OperationalError:
        return []  # said by `faults`


async def _database_faults(conn: Connection, settings: Settings, clock: Clock) -> AsyncIterator[str]:
    row = await fetch_one(conn, _Q["clock_of_database"])
    if row is not None and abs(apart := row["at"] - clock()) > CLOCKS_APART:
        yield f"clocks: the database's clock is {apart.total_seconds():+.1f} s from ours"
    organisations = {noun.id: noun for noun in await read_organisations(conn)}
    disabled = {
        (row["organisation_id"], row["name"]): row["disabled_reason"]
        for row in await fetch_all(conn, _Q["disabled_contacts"])
    }
    try:
        channels = set(build_channels(settings)) | EVERYWHERE
    except Fault as fault:
        yield f"channels: {fault}"
        channels = set(EVERYWHERE)
    for sentence in contact_faults(organisations, disabled, channels, clock()):
        yield sentence
    row = await fetch_one(conn, _Q["mail_is_needed"])
    if row is not None and row["needed"] and settings.smtp.host is None:
        yield "mail: contacts are to be told by e-mail, and THRESHOLD_SMTP__HOST is not set"
    for row in await fetch_all(conn, _Q["residents_without_party"]):
        parties = [
            word
            for word, lacking in (("landlord", row["no_landlord"]), ("monitoring centre", row["no_centre"]))
            if lacking
        ]
        yield f"residents: {row['id']} has no {' and no '.join(parties)}, so a missed visit lacks that duty"
    for row in await fetch_all(conn, _Q["unheard_packages"]):
        yield f"packages: no hub hears the home of {row['id']}, so its visits cannot be confirmed"
    for row in await fetch_all(conn, _Q["watchless_duties"]):
        yield f"duties: {row['id']} is open and nothing will look at it again"
    for hub, ends in await enrolment.ending(conn, clock() + CERTIFICATE_NOTICE):
        yield f"certificates: the last one of hub {hub} ends on {ends:%Y-%m-%d}"
    for row in await fetch_all(conn, _BEATS["latest_beats"]):
        if clock() - row["at"] > MISSED_ROUNDS * row["every"] + timedelta(seconds=10):
            yield f"roles: {row['role']} last finished a round at {row['at']:%Y-%m-%d %H:%M:%S} UTC"
