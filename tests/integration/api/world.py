"""A small estate with a row in every table: two organisations of each kind, which must not see each other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from api.tokens import Role, create_token
from db import feed
from db.pool import Connection, Pool

NOW: Final = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TODAY: Final = "2026-11-21"
ADAS: Final = f"pkg-ada/morning/{TODAY}"
BENS: Final = f"pkg-ben/morning/{TODAY}"

HOLDERS: Final = {
    "operator": ("northgate", Role.OPERATOR),
    "care_manager": ("brightcare", Role.CARE_MANAGER),
    "housing_officer": ("elm-housing", Role.HOUSING_OFFICER),
    "commissioner": ("borough", Role.COMMISSIONER),
    "engineer": ("northgate", Role.ENGINEER),
    "administrator": ("northgate", Role.ADMINISTRATOR),
    "foreign operator": ("southgate", Role.OPERATOR),
    "foreign care_manager": ("kindcare", Role.CARE_MANAGER),
    "foreign housing_officer": ("oak-housing", Role.HOUSING_OFFICER),
    "foreign commissioner": ("county", Role.COMMISSIONER),
    "foreign engineer": ("southgate", Role.ENGINEER),
    "foreign administrator": ("southgate", Role.ADMINISTRATOR),
}
"""Who asks: each role at home with Ada, and each in an organisation that has nothing to do with her."""

_SQL: Final = Path(__file__).with_name("world.sql")


async def furnish(conn: Connection) -> None:
    """Puts the estate and its alerts there and commits."""
    values = {"now": NOW, "ago": NOW - timedelta(hours=1), "adas": ADAS, "bens": BENS}
    for statement in _SQL.read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            used = {name: value for name, value in values.items() if f"%({name})s" in statement}
            await conn.execute(statement.encode(), used or None)
    await feed.append(
        conn, "duty", ["brightcare"], {"duty": 12, "alert": 1, "state": "open", "change": "step"}, NOW
    )
    await conn.commit()


async def sign_in(pool: Pool) -> dict[str, str]:
    """A token for every holder."""
    async with pool.connection() as conn:
        return {
            who: await create_token(conn, organisation, role, f"{who} in tests", NOW)
            for who, (organisation, role) in HOLDERS.items()
        }
