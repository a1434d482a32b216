"""The HTTP application: JSON under /api/v1, health at the root, problems for every error."""

import time
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alerts.channels.reports import Reports
from api import alerts, deliveries, duties, events, health, hubs, problem, receipts, stream, visits, windows
from api.auth import Clock, Services
from api.live import Broadcast
from api.metrics import REQUEST_SECONDS, REQUESTS
from db.pool import Pool

PREFIX = "/api/v1"

DESCRIPTION = """
Telecare and alarm monitoring for care at home. Each caller sees their own organisation's share: what they may
not see is `404`, what they may see and not do is `403`. Errors are `application/problem+json`. Lists page by
cursor: send `next` back as `cursor`. Times are RFC 3339 with an offset; one without is refused.

Roles: `operator` (monitoring centre), `care_manager` (care provider), `housing_officer` (landlord),
`commissioner`, `engineer`, `administrator`.
"""


def build(
    pool: Pool,
    clock: Clock,
    broadcast: Broadcast,
    *,
    pages: APIRouter | None = None,
    expected_beats: Collection[str] = (),
    reporters: Mapping[str, Reports] | None = None,
) -> FastAPI:
    """The application. `broadcast` is run by the composition beside it; `pages` is the console's router;
    `expected_beats` names the sweeps of this process, without which it is not ready; `reporters` are the
    providers that say what became of messages."""
    app = FastAPI(
        title="Threshold",
        version=_version(),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.services = Services(pool, clock, broadcast)
    app.state.expected_beats = frozenset(expected_beats)
    app.state.reporters = reporters or {}
    problem.install(app)
    app.add_middleware(Measured)
    for part in (alerts, duties, visits, events, hubs, deliveries, receipts, stream, windows):
        app.include_router(part.router, prefix=PREFIX)
    app.include_router(health.router)
    if pages is not None:
        app.include_router(pages)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        parts = schema.setdefault("components", {}).setdefault("schemas", {})
        shape = problem.ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        parts.update(shape.pop("$defs", {}))
        parts["Problem"] = shape
        for path in schema["paths"].values():
            for call in path.values():
                if "422" in call.get("responses", {}):
                    call["responses"]["422"] = problem.described(422)[422]
        parts.pop("HTTPValidationError", None)
        parts.pop("ValidationError", None)
        app.openapi_schema = schema
    return app.openapi_schema


class Measured:
    """Counts and times every request, and keeps answers of the API out of caches. Streams pass untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if scope["path"].startswith(PREFIX):
                    headers = MutableHeaders(scope=message)
                    headers.setdefault("Cache-Control", "no-store")
                    headers["X-Content-Type-Options"] = "nosniff"
                REQUEST_SECONDS.labels(scope["method"], _route(scope)).observe(time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            REQUESTS.labels(scope["method"], _route(scope), str(status)).inc()


def _route(scope: Scope) -> str:
    # The route's pattern, never the address: an address holds ids, and a metric's labels are kept for long.
    pattern = str(getattr(scope.get("route"), "path", "none"))
    below = scope["path"].startswith(PREFIX) and pattern.startswith("/") and not pattern.startswith(PREFIX)
    return PREFIX + pattern if below else pattern


def _version() -> str:
    try:
        return version("threshold-telecare")
    except PackageNotFoundError:
        return "0"
