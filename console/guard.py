"""What every page has in common: who is signed in, what a browser is told, and how a refusal looks."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.responses import Response

from api.auth import CSRF_HEADER, Here, check_csrf, session
from api.problem import Problem, database_away
from api.tokens import Session
from console.render import page
from db.caller import Caller
from db.feed import newest

HEADERS: Final = {
    # No inline script, style or event handler anywhere: what a name or a note holds stays text.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_TITLES: Final = {
    403: "Not yours to do",
    404: "Nothing here",
    409: "Somebody was quicker",
    422: "Something is missing",
    503: "One moment",
}


class SignInNeededError(Exception):
    """Nobody is signed in: the browser goes to the door."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in; `place` is where a whole page goes on in the live stream ('' for a part of one)."""

    session: Session
    place: str

    @property
    def caller(self) -> Caller:
        """Who."""
        return self.session.caller

    @property
    def organisation(self) -> str:
        """The name of their organisation."""
        return self.session.organisation

    @property
    def csrf(self) -> str:
        """The word that their forms must carry."""
        return self.session.csrf


async def signed_in(
    request: Request, here: Here, found: Annotated[Session | None, Depends(session)]
) -> Visitor:
    """Who is signed in at this browser. Raises SignInNeededError."""
    if found is None:
        raise SignInNeededError
    if request.method != "GET" or is_fragment(request):
        return Visitor(found, "")
    # Read before the page's own rows: what commits in between comes twice rather than never.
    async with here.pool.connection() as conn:
        return Visitor(found, str(await newest(conn)))


Signed = Annotated[Visitor, Depends(signed_in)]
Show = Callable[..., HTMLResponse]
"""How a part of the console shows a template: its name, the visitor, the services, and what it holds."""


def is_fragment(request: Request) -> bool:
    """Did htmx ask, for a part of a page?"""
    return request.headers.get("HX-Request") == "true"


async def own_form(request: Request, signed: Signed) -> Visitor:
    """The session behind a form. Raises a 403 Problem when the form is not of a page of ours."""
    same_origin(request)
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        form = await request.form()
        value = form.get("csrf")
        given = value if isinstance(value, str) else None
    check_csrf(signed.session, given)
    return signed


def same_origin(request: Request) -> None:
    """Raises a 403 Problem for a form that another site's page sent."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "this form was sent by another site")


OwnForm = Annotated[Visitor, Depends(own_form)]

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Page(APIRoute):
    """A route whose refusals are pages, and whose answers carry the headers above."""

    def get_route_handler(self) -> Handler:
        """The handler, wrapped."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                response = await inner(request)
            except SignInNeededError:
                response = _to_the_door(request)
            except Problem as problem:
                response = refusal(request, problem)
            except RequestValidationError as error:
                faults = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
                response = refusal(request, Problem(422, faults))
            except (OperationalError, PoolTimeout):
                response = refusal(request, database_away())
            for name, value in HEADERS.items():
                response.headers[name] = value
            response.headers.setdefault("Cache-Control", "no-store")
            return response

        return handler


def refusal(request: Request, problem: Problem) -> Response:
    """A refusal as a page, or as a line within one."""
    template = "_refusal.html" if is_fragment(request) else "refusal.html"
    title = _TITLES.get(problem.status, "That did not work")
    text = page(template, title=title, detail=problem.detail, status=problem.status)
    return HTMLResponse(text, problem.status)


def _to_the_door(request: Request) -> Response:
    if is_fragment(request):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    return RedirectResponse("/sign-in", 303)
