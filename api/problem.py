"""Every error of the API is `application/problem+json` (RFC 9457): a status and one sentence for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class FieldFault(BaseModel):
    """One thing wrong with the input."""

    field: str = Field(description="where, e.g. `query.since` or `body.outcome`")
    reason: str = Field(description="what is wrong with it, for people")


class ProblemBody(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="one sentence for people")
    holder: str | None = Field(None, description="409 only: who has it")
    errors: list[FieldFault] | None = Field(
        None, description="422 only: each field and what is wrong with it"
    )


class Problem(Exception):
    """An answer that is not a success. `more` becomes further members of the body (`holder`, `errors`)."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.more = more


def not_found(what: str = "there is no such thing, or it is not yours to see") -> Problem:
    """404: what a caller may not see does not exist for them (contract §7)."""
    return Problem(404, what)


def forbidden(detail: str) -> Problem:
    """403: the caller sees it, and may not do this."""
    return Problem(403, detail)


def invalid(field: str, reason: str) -> Problem:
    """422 for one field."""
    return Problem(422, f"{field}: {reason}", errors=[{"field": field, "reason": reason}])


def database_away() -> Problem:
    """503: nothing was changed; the same request may be sent again."""
    return Problem(503, "the database does not answer; nothing was changed, please try again")


def as_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The problem as its HTTP answer."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _title(problem.status),
        "status": problem.status,
        "detail": problem.detail,
    }
    body.update({name: value for name, value in problem.more.items() if value is not None})
    known = dict(headers or {})
    if problem.status == 401:
        known.setdefault("WWW-Authenticate", "Bearer")
    if problem.status == 503:
        known.setdefault("Retry-After", "1")
    return JSONResponse(body, problem.status, known, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Makes every way in which a request can fail answer as a problem."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(OperationalError, _on_database)
    app.add_exception_handler(PoolTimeout, _on_database)
    app.add_exception_handler(Exception, _on_bug)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error answers of a route, for OpenAPI."""
    return {
        status: {
            "description": _title(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


async def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return as_response(error)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail if isinstance(error.detail, str) else _title(error.status_code)
    if error.status_code == 404:
        detail = "there is no such address"
    return as_response(Problem(error.status_code, detail), error.headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        {"field": ".".join(str(part) for part in fault["loc"]), "reason": _plain(fault["msg"])}
        for fault in error.errors()
    ]
    detail = "; ".join(f"{fault['field']}: {fault['reason']}" for fault in faults)
    return as_response(Problem(422, detail, errors=faults))


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    log.warning("database away", path=request.url.path, error=type(error).__name__)
    return as_response(database_away())


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises it again after this answer, so the server's log has the traceback, the caller not.
    return as_response(Problem(500, "something went wrong here; it has been logged"))


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
