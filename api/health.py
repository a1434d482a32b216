"""`/healthz`, `/readyz`, `/metrics`: alive, ready, and in figures. No sign-in: nobody's data is in them."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel

from api.auth import Here
from db.migrate import pending
from db.pool import fetch_all
from db.sql import Queries

_Q: Final = Queries("db")

router = APIRouter(tags=["health"])

PERIODS: Final = 3
"""A sweep that was not heard for so many of its own periods is taken for dead."""
NAMES: Final = {"press": "synthetic press"}
"""Beats that are no sweep's: the last press of the watcher that went the whole way."""
SLACK: Final = timedelta(seconds=5)
"""A round may take a moment: a sweep of one second is not dead at three."""
DATABASE_ANSWERS_WITHIN: Final = 3.0


class Check(BaseModel):
    """One thing that must hold."""

    name: str
    ok: bool
    detail: str


class Readiness(BaseModel):
    """Whether this service does its work."""

    ready: bool
    checks: list[Check]


def expected_beats(request: Request) -> Collection[str]:
    """The sweeps that must have been heard, as the composition named them."""
    found: Collection[str] = request.app.state.expected_beats
    return found


@router.get("/healthz", summary="Alive")
async def healthz() -> dict[str, str]:
    """The process answers; nothing is said of the database."""
    return {"status": "alive"}


@router.get("/readyz", summary="Ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(here: Here, expected: Annotated[Collection[str], Depends(expected_beats)]) -> Response:
    """Database reachable, schema at head, and no sweep and no synthetic press unheard for three periods;
    else 503 and why."""
    checks = await _checks(here, expected)
    answer = Readiness(ready=all(check.ok for check in checks), checks=checks)
    return JSONResponse(answer.model_dump(), 200 if answer.ready else 503)


@router.get("/metrics", summary="Prometheus", response_class=Response)
async def metrics() -> Response:
    """Figures in Prometheus's text form."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _checks(here: Here, expected: Collection[str]) -> list[Check]:
    try:
        async with here.pool.connection(timeout=DATABASE_ANSWERS_WITHIN) as conn:
            lacking = await pending(conn)
            beats = (
                {row["role"]: row for row in await fetch_all(conn, _Q["latest_beats"])} if not lacking else {}
            )
    except (OperationalError, PoolTimeout) as error:
        return [Check(name="database", ok=False, detail=f"does not answer ({type(error).__name__})")]
    schema = "at head" if not lacking else f"lacks {', '.join(lacking)}: run `threshold migrate`"
    checks = [
        Check(name="database", ok=True, detail="answers"),
        Check(name="schema", ok=not lacking, detail=schema),
    ]
    now = here.clock()
    for role in sorted({*beats, *expected}):
        beat = beats.get(role)
        name = NAMES.get(role, f"sweep {role}")
        if beat is None:
            checks.append(Check(name=name, ok=False, detail="was never heard"))
            continue
        age = now - beat["at"]
        limit = PERIODS * beat["every"] + SLACK
        detail = (
            f"heard {max(age.total_seconds(), 0):.0f} s ago, at most {limit.total_seconds():.0f} s allowed"
        )
        checks.append(Check(name=name, ok=age <= limit, detail=detail))
    return checks
