"""The door: an access key becomes a session cookie, and signing out makes it worthless."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from api.auth import COOKIE, Here, session
from api.tokens import SESSION_LASTS, close_session, open_session
from console.guard import OwnForm, Page, same_origin
from console.render import page

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def build(*, secure_cookies: bool) -> APIRouter:
    """Signing in and out. `secure_cookies`: cookies over HTTPS only, but for this machine's own address."""
    router = APIRouter(route_class=Page)

    @router.get("/sign-in")
    async def door(request: Request, here: Here) -> Response:
        """The form; who is signed in already goes to the board."""
        if await session(request, here) is not None:
            return RedirectResponse("/", 303)
        return HTMLResponse(page("sign_in.html", fault=None))

    @router.post("/sign-in")
    async def enter(request: Request, here: Here, key: Annotated[str, Form(max_length=500)] = "") -> Response:
        """Signs in with an access key."""
        same_origin(request)
        async with here.pool.connection() as conn:
            cookie = await open_session(conn, key.strip(), here.clock())
        if cookie is None:
            fault = "This access key is unknown, or it was withdrawn. Ask whoever gave it to you."
            return HTMLResponse(page("sign_in.html", fault=fault), 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=int(SESSION_LASTS.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=secure_cookies and request.url.hostname not in _LOOPBACK,
            path="/",
        )
        return answer

    @router.post("/sign-out")
    async def leave(request: Request, here: Here, signed: OwnForm) -> Response:
        """Signs out; the cookie is worth nothing afterwards, wherever it was copied to."""
        async with here.pool.connection() as conn:
            await close_session(conn, request.cookies[COOKIE])
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE, path="/")
        return answer

    return router
