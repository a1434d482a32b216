"""`threshold doctor` on a database: contacts, rotas and link persons as they stand there."""

from app.doctor import faults, notices
from app.settings import Settings, load_settings
from db.pool import Pool
from tests.integration.care.world import NOW, estate, load
from tests.unit.care.test_estate_contacts import BRIGHT, HOMES, read

GAPS = '    rota: {weekly: [{days: mon-fri, from: "08:00", until: "18:00", contact: Ann}]}\n'


def here(database_url: str) -> Settings:
    """The settings of a process with this database and no broker."""
    return load_settings(database_url=database_url)


async def test_a_gap_in_a_rota_is_a_fault_of_the_estate(pool: Pool, database_url: str) -> None:
    """Named with the organisation and the local times; a contact that nothing here can tell, too."""
    contacts = BRIGHT.replace(", email: ann@b.example", "").replace('push: "ntfy://topic", ', "")
    await load(pool, read(contacts.replace(", push, email]", "]") + GAPS + HOMES))
    found = [line async for line in faults(here(database_url), lambda: NOW)]
    assert "rotas: nobody of bright is on call from Mon 16 November 06:00 to Mon 16 November 08:00" in found
    assert "contacts: Ann of bright cannot be reached: nothing here is set up to send by sms" in found
    assert "steps: step 1 of bright can never run: it reaches nobody at any time" in found


async def test_a_scheme_without_a_link_person_is_a_notice(pool: Pool, database_url: str) -> None:
    """It may stand, and is no fault."""
    await load(pool, estate())
    assert await notices(here(database_url)) == []
    async with pool.connection() as conn:
        await conn.execute("UPDATE dwelling SET scheme = 'elm-court'")
    assert await notices(here(database_url)) == [
        "link persons: brightcare names none for elm-court",
        "link persons: elm-housing names none for elm-court",
    ]
