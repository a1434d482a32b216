"""Organisations as the database holds them: contacts, rotas, link persons; read and written whole."""

from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from alerts.links import link_from_json, person_to_json
from alerts.model import Contact, Organisation, Role, Webhook
from alerts.rota_record import hours_from_json, hours_to_json, rota_from_json, rota_to_json
from care.rows import grouped, many
from db.pool import Connection, execute, fetch_all
from db.sql import Queries

Q = Queries("care", "contacts.sql")


async def read_organisations(conn: Connection) -> list[Organisation]:
    """Every organisation, equal to what a file with the same contents reads as."""
    contacts = grouped(await fetch_all(conn, Q["stored_contacts"]), "organisation_id")
    links = grouped(await fetch_all(conn, Q["stored_link_persons"]), "organisation_id")
    return [
        Organisation(
            row["id"],
            Role(row["kind"]),
            row["name"],
            tuple(_contact(contact) for contact in contacts[row["id"]]),
            row["time_zone"],
            rota_from_json(row["plan"]) if row["plan"] else None,
            tuple(
                link_from_json(link["scheme"], link["person"], link["deputy"], link["away"])
                for link in links[row["id"]]
            ),
        )
        for row in await fetch_all(conn, Q["stored_organisations"])
    ]


def _contact(row: DictRow) -> Contact:
    hook = Webhook(row["webhook_url"], row["webhook_secret"]) if row["webhook_url"] else None
    return Contact(
        row["name"],
        row["email"],
        row["phone"],
        hook,
        row["push_url"],
        tuple(row["channels"]),
        hours_from_json(row["quiet"]) if row["quiet"] else None,
        row["language"],
        row["on_call"],
        row["fallback"],
    )


async def put_organisation(conn: Connection, noun: Organisation) -> None:
    """Writes an organisation with its contacts, its rota and its link persons."""
    await execute(
        conn,
        Q["put_organisation"],
        id=noun.id,
        kind=noun.kind.value,
        name=noun.name,
        time_zone=noun.time_zone,
    )
    names = [contact.name for contact in noun.contacts]
    await execute(conn, Q["drop_contacts"], organisation_id=noun.id, names=names)
    contacts = [_row(noun.id, position, contact) for position, contact in enumerate(noun.contacts)]
    await many(conn, Q["put_contact"], contacts)
    if noun.rota is None:
        await execute(conn, Q["drop_rota"], organisation_id=noun.id)
    else:
        await execute(conn, Q["put_rota"], organisation_id=noun.id, plan=Jsonb(rota_to_json(noun.rota)))
    await execute(conn, Q["drop_link_persons"], organisation_id=noun.id)
    links = [
        {
            "organisation_id": noun.id,
            "scheme": link.scheme,
            "person": Jsonb(person_to_json(link.person)),
            "deputy": Jsonb(person_to_json(link.deputy)) if link.deputy else None,
            "away": Jsonb([[first.isoformat(), last.isoformat()] for first, last in link.away]),
        }
        for link in noun.links
    ]
    await many(conn, Q["put_link_person"], links)


def _row(organisation_id: str, position: int, contact: Contact) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "position": position,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "webhook_url": contact.webhook.url if contact.webhook else None,
        "webhook_secret": contact.webhook.secret if contact.webhook else None,
        "push_url": contact.push,
        "channels": list(contact.channels),
        "quiet": Jsonb(hours_to_json(contact.quiet)) if contact.quiet else None,
        "language": contact.language,
        "on_call": contact.on_call,
        "fallback": contact.fallback,
    }
