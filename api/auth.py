"""Who asks: a bearer token, or the console's session cookie, whose writes must carry its CSRF word."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from alerts.model import Actor
from api.live import Broadcast
from api.problem import Problem, forbidden
from api.tokens import Role, Session, caller_of_token, session_of_cookie
from db.caller import Caller
from db.pool import Pool

COOKIE: Final = "threshold_session"
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LONGEST_SECRET: Final = 200

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Services:
    """What the composition gives to every request."""

    pool: Pool
    clock: Clock
    broadcast: Broadcast


_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="`threshold token create` prints a token once"
)
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"the console's session; writes need its CSRF word in `{CSRF_HEADER}`",
)


def services(request: Request) -> Services:
    """The services of this application."""
    found: Services = request.app.state.services
    return found


async def session(request: Request, here: Annotated[Services, Depends(services)]) -> Session | None:
    """The browser's session, if it has a good one."""
    cookie = request.cookies.get(COOKIE)
    if not cookie or len(cookie) > _LONGEST_SECRET:
        return None
    async with here.pool.connection() as conn:
        return await session_of_cookie(conn, cookie, here.clock())


async def signed_in(
    request: Request,
    here: Annotated[Services, Depends(services)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    _: Annotated[str | None, Depends(_cookie)],
) -> Caller:
    """Who asks. Raises 401 without a good token or session, 403 for a session's write without its word."""
    if bearer is not None:
        if len(bearer.credentials) <= _LONGEST_SECRET:
            async with here.pool.connection() as conn:
                caller = await caller_of_token(conn, bearer.credentials, here.clock())
            if caller is not None:
                return caller
        raise Problem(401, "this token is unknown or was withdrawn")
    if request.headers.get("Authorization"):
        raise Problem(401, "send the token as `Authorization: Bearer <token>`")
    found = await session(request, here)
    if found is None:
        raise Problem(401, "sign in, or send a token as `Authorization: Bearer <token>`")
    if request.method not in _SAFE:
        check_csrf(found, request.headers.get(CSRF_HEADER))
    return found.caller


def check_csrf(found: Session, given: str | None) -> None:
    """Raises 403 unless `given` is the session's CSRF word."""
    if given is None or not hmac.compare_digest(given.encode(), found.csrf.encode()):
        raise forbidden("this page is out of date; load it again and repeat")


def actor(caller: Caller) -> Actor:
    """The caller as history shows them."""
    return Actor(caller.name, caller.organisation_id)


def require(caller: Caller, roles: frozenset[Role], what: str) -> None:
    """Raises 403 unless the caller has one of these roles."""
    if caller.role not in roles:
        names = " or ".join(sorted(role.replace("_", " ") for role in roles))
        raise forbidden(f"{what} is for the role {names}; yours is {caller.role.replace('_', ' ')}")


Here = Annotated[Services, Depends(services)]
SignedIn = Annotated[Caller, Depends(signed_in)]
