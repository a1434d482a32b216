"""Tokens and console sessions: 256 random bits, of which the database keeps a hash alone."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from db.caller import Caller
from db.pool import Connection, execute, fetch_all, fetch_one
from db.sql import Queries

_Q = Queries("api", "tokens.sql")

PREFIX: Final = "thr_"
"""So that a token that leaked into a repository or a log can be found by a scanner."""

SESSION_LASTS: Final = timedelta(hours=12)
"""A long shift; then the access key is asked for again."""

USED_EVERY: Final = timedelta(minutes=1)
"""`last_used_at` is kept this fine: reads should not each write."""


class Role(StrEnum):
    """What a person or a program may do (contract §7)."""

    OPERATOR = "operator"
    CARE_MANAGER = "care_manager"
    HOUSING_OFFICER = "housing_officer"
    COMMISSIONER = "commissioner"
    ENGINEER = "engineer"
    ADMINISTRATOR = "administrator"


_KIND_OF: Final = {
    Role.OPERATOR: "monitoring_centre",
    Role.CARE_MANAGER: "care_provider",
    Role.HOUSING_OFFICER: "landlord",
    Role.COMMISSIONER: "commissioner",
}


class TokenRefused(ValueError):
    """No token can be made of this; one sentence for people."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser: who, of which organisation, and the word that its forms must carry."""

    caller: Caller
    csrf: str
    organisation: str
    kind: str


def digest(secret: str) -> bytes:
    """What the database keeps. No salt: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


async def create_token(
    conn: Connection, organisation_id: str, role: str, name: str | None, now: datetime
) -> str:
    """Makes a token and returns it; it cannot be read again. Raises TokenRefused."""
    try:
        wanted = Role(role)
    except ValueError:
        raise TokenRefused(f"no such role: {role}; there are {', '.join(Role)}") from None
    organisation = await fetch_one(conn, _Q["organisation_kind"], organisation=organisation_id)
    if organisation is None:
        raise TokenRefused(f"no such organisation: {organisation_id}")
    needed = _KIND_OF.get(wanted)
    if needed is not None and organisation["kind"] != needed:
        raise TokenRefused(
            f"{organisation_id} is a {_plain(organisation['kind'])}; "
            f"the role {wanted} is for a {_plain(needed)}"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    wished = (name or f"{_plain(wanted)} at {organisation['name']}").strip()
    await execute(
        conn,
        _Q["insert_token"],
        organisation=organisation_id,
        role=wanted.value,
        name=await _free_name(conn, organisation_id, wished),
        hash=digest(secret),
        now=now,
    )
    return secret


async def _free_name(conn: Connection, organisation_id: str, wished: str) -> str:
    """A claim is held by a name, so two people of one organisation must not share one."""
    rows = await fetch_all(conn, _Q["names_in_use"], organisation=organisation_id)
    taken = {row["name"] for row in rows}
    name, number = wished, 2
    while name in taken:
        name, number = f"{wished} ({number})", number + 1
    return name


async def caller_of_token(conn: Connection, secret: str, now: datetime) -> Caller | None:
    """Who holds this token; None when it is unknown or withdrawn."""
    row = await fetch_one(conn, _Q["caller_of_token"], hash=digest(secret))
    if row is None:
        return None
    if row["last_used_at"] is None or now - row["last_used_at"] >= USED_EVERY:
        await execute(conn, _Q["touch_token"], id=row["id"], now=now, before=now - USED_EVERY)
    return _caller(row)


async def token_is_good(conn: Connection, token_id: int) -> bool:
    """Is this token still in force?"""
    return await fetch_one(conn, _Q["token_is_good"], id=token_id) is not None


async def open_session(conn: Connection, token: str, now: datetime) -> str | None:
    """Signs a browser in with a token as its access key and returns the cookie; None: no such token."""
    caller = await caller_of_token(conn, token, now)
    if caller is None:
        return None
    cookie = secrets.token_urlsafe(32)
    await execute(
        conn,
        _Q["insert_session"],
        hash=digest(cookie),
        token=caller.token_id,
        csrf=secrets.token_urlsafe(24),
        now=now,
        expires=now + SESSION_LASTS,
    )
    return cookie


async def session_of_cookie(conn: Connection, cookie: str, now: datetime) -> Session | None:
    """The session of this cookie; None when it is unknown, over, or its token was withdrawn."""
    row = await fetch_one(conn, _Q["session_of_cookie"], hash=digest(cookie), now=now)
    return None if row is None else Session(_caller(row), row["csrf"], row["organisation_name"], row["kind"])


async def close_session(conn: Connection, cookie: str) -> None:
    """Signs the browser out, for good: the cookie is worth nothing any more."""
    await execute(conn, _Q["delete_session"], hash=digest(cookie))


def _caller(row: dict[str, object]) -> Caller:
    return Caller(str(row["organisation_id"]), str(row["role"]), str(row["name"]), int(str(row["id"])))


def _plain(word: str) -> str:
    return word.replace("_", " ")
