"""`/api/v1/receipts`: providers say what became of messages that they took. Signed, not signed in."""

from collections.abc import Mapping
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response

from alerts import receipts
from alerts.channels.reports import Reports, Unreadable, Unsigned
from api import problem
from api.auth import Here

log = structlog.get_logger(__name__)

LONGEST_REPORT = 64 * 1024

router = APIRouter(prefix="/receipts", tags=["receipts"])


def reporters(request: Request) -> Mapping[str, Reports]:
    """The providers that report here, by name, as the composition set them up."""
    found: Mapping[str, Reports] = request.app.state.reporters
    return found


@router.post(
    "/{provider}",
    summary="A provider's report on a message",
    status_code=204,
    responses=problem.described(403, 404, 422, 503),
)
async def report(
    here: Here,
    request: Request,
    provider: Annotated[str, Path(max_length=32)],
    known: Annotated[Mapping[str, Reports], Depends(reporters)],
) -> Response:
    """`twilio`: its status callbacks (`X-Twilio-Signature`). `sms`, `voice`: a gateway's Standard Webhook.

    A message that is not known is a 404: it may be reported again.
    """
    reports = known.get(provider)
    if reports is None:
        raise problem.not_found("no such provider reports here")
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_REPORT:
            raise problem.invalid("body", "a report is shorter than that")
    try:
        said = reports.read(request.headers, request.url.query, body)
    except Unsigned:
        log.warning("a report with a wrong signature was refused", provider=provider)
        raise problem.forbidden("the signature is not right for this report") from None
    except Unreadable as fault:
        raise problem.invalid("body", str(fault)) from None
    async with here.pool.connection() as conn:
        if said.key is not None:
            spoken_of = await receipts.hear_by_key(
                conn, reports.channels, said.key, said.ref, said.word, here.clock()
            )
        else:
            spoken_of = await receipts.hear(conn, reports.channels, said.ref, said.word, here.clock())
    if not spoken_of:
        raise problem.not_found("no message with this number was handed over")
    return Response(status_code=204)
