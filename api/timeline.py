"""A resident's record: events, visits and alerts in one line, newest first."""

from datetime import datetime

from api import alert_store, home_store, model, visit_store
from api.paging import cut, decode, encode
from db.pool import Connection


async def page(
    conn: Connection, resident: model.PersonOut, dwelling: str, now: datetime, cursor: str | None, limit: int
) -> model.TimelinePage:
    """One page of a resident's record. Its order is (time, kind, name), so new rows move nothing.

    Of each kind a page is read, and as many more as there are rows of the very moment of the cursor that an
    earlier page has shown: then no row that was not read can belong on this page.
    """
    before_at, before_key = decode(cursor, datetime, str)
    until = before_at if isinstance(before_at, datetime) else now
    wanted = limit + 1
    while True:
        items = await _read(conn, resident.id, dwelling, until, wanted)
        if before_at is not None:
            left = [item for item in items if (item.at, key_of(item)) < (before_at, before_key)]
        else:
            left = items
        already = len(items) - len(left)
        if wanted - already > limit or not _more(items, wanted):
            break
        wanted = limit + 1 + already
    shown, last = cut(left, limit)
    return model.TimelinePage(
        resident=resident, items=list(shown), next=encode(last.at, key_of(last)) if last else None
    )


async def _read(
    conn: Connection, resident: str, dwelling: str, until: datetime, limit: int
) -> list[model.TimelineItem]:
    events = await home_store.home_events(conn, dwelling, until, limit)
    visits = await visit_store.recent_visits(conn, resident, until, limit)
    alerts = await alert_store.recent_alerts(conn, resident, dwelling, until, limit)
    items = [
        *(model.TimelineItem(at=event.effective_at, kind="event", event=event) for event in events),
        *(model.TimelineItem(at=visit.start, kind="visit", visit=visit) for visit in visits),
        *(model.TimelineItem(at=alert.raised_at, kind="alert", alert=alert) for alert in alerts),
    ]
    return sorted(items, key=lambda item: (item.at, key_of(item)), reverse=True)


def _more(items: list[model.TimelineItem], wanted: int) -> bool:
    kinds = [item.kind for item in items]
    return any(kinds.count(kind) == wanted for kind in ("event", "visit", "alert"))


def key_of(item: model.TimelineItem) -> str:
    """What tells two moments of one time apart."""
    if item.event is not None:
        return f"event {item.event.hub} {item.event.id}"
    if item.visit is not None:
        return f"visit {item.visit.ref}"
    assert item.alert is not None
    return f"alert {item.alert.id:020d}"
