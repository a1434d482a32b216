"""Contacts, rotas and link persons into PostgreSQL and back."""

from care.contact_store import read_organisations
from care.model import Estate
from db.pool import Pool
from tests.integration.care.world import estate, load
from tests.unit.care.test_estate_contacts import BRIGHT, HOMES, ROTA, read

LINKS = """    link_persons:
      - {scheme: elm-court, name: Pat Reed, deputy: {name: Sam Low},
         away: [{from: 2026-12-24, until: 2027-01-02}]}
"""


async def stored(pool: Pool) -> Estate:
    """The organisations as they stand, in an estate of their own."""
    async with pool.connection() as conn:
        return Estate(organisations={noun.id: noun for noun in await read_organisations(conn)})


async def test_what_was_loaded_reads_as_the_file_did(pool: Pool) -> None:
    """Every field of contacts, the rota and link persons; loading it again changes nothing."""
    found = read(BRIGHT + ROTA + LINKS + HOMES)
    await load(pool, found)
    assert (await stored(pool)).organisations == found.organisations
    assert not (await load(pool, found)).changes_anything


async def test_a_rota_and_links_that_are_left_out_go(pool: Pool) -> None:
    """Then everybody is on call again."""
    await load(pool, read(BRIGHT + ROTA + LINKS + HOMES))
    plain = read(BRIGHT + HOMES)
    await load(pool, plain)
    assert (await stored(pool)).organisations == plain.organisations


async def test_the_contracts_estate_has_no_rota(pool: Pool) -> None:
    """And loads as it always did."""
    await load(pool, estate())
    assert all(each.rota is None for each in (await stored(pool)).organisations.values())
