"""Hot readings can use their indexes under the caller's rights: row security must not stand before them."""

from datetime import timedelta
from typing import Any

import pytest

from api.alert_store import _Q as ALERTS
from api.home_store import _EVENTS as EVENTS
from api.live import _Q as LIVE
from api.visit_store import _Q as VISITS
from db.caller import Caller, reading_as
from db.pool import Pool
from tests.integration.api import world

CARA = Caller("brightcare", "care_manager", "Cara", 1)
OLU = Caller("northgate", "operator", "Olu", 1)
DAY = {"since": world.NOW - timedelta(days=1), "until": world.NOW}
NO_ALERT = dict.fromkeys(("state", "kind", "since", "dwelling", "visit", "before_at", "before_id"))
NO_VISIT = dict.fromkeys(("date", "state", "package", "after_at", "after_ref"))
NO_EVENT = dict.fromkeys(("dwelling", "hub", "type", "before_at", "before_hub", "before_id"))

HOT = [
    (CARA, LIVE["live_rows"], {"xid": 9, "id": 9, "ahead": [], "limit": 500}, "feed_order"),
    (OLU, ALERTS["list_alerts"], NO_ALERT | {"limit": 51}, "duty_organisation"),
    (CARA, ALERTS["open_alerts"], {"limit": 500}, "duty_"),
    (CARA, VISITS["list_visits"], NO_VISIT | {"limit": 51}, "visit_start"),
    (OLU, VISITS["list_visits"], NO_VISIT | {"date": "2026-11-21", "limit": 51}, "visit_start"),
    (OLU, VISITS["get_visit"], {"ref": world.ADAS}, "visit_pkey"),
    (OLU, EVENTS["list_events"], NO_EVENT | DAY | {"hub": "hub-12", "limit": 51}, "event_hub"),
    (CARA, EVENTS["list_events"], NO_EVENT | DAY | {"dwelling": "elm-12", "limit": 51}, "event_dwelling"),
]


@pytest.mark.parametrize(("caller", "statement", "values", "index"), HOT)
async def test_a_hot_reading_uses_its_index(
    furnished: None, pool: Pool, caller: Caller, statement: str, values: dict[str, Any], index: str
) -> None:
    """Where scanning a whole table is not allowed, the plan names the index that was made for this."""
    async with reading_as(pool, caller) as conn:
        await conn.execute("SET LOCAL enable_seqscan = off")
        await conn.execute("SET LOCAL enable_bitmapscan = off")
        rows = await (await conn.execute(f"EXPLAIN {statement}".encode(), values)).fetchall()
    plan = "\n".join(row["QUERY PLAN"] for row in rows)
    assert f" using {index}" in plan, plan
