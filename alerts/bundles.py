"""Which due messages go out together? Pure. Many alerts in a minute are one letter to a contact that lists
them (domain/visits.md §7); life safety is never held back to be grouped."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from alerts.model import Priority

BETWEEN_LETTERS = timedelta(minutes=1)
"""A contact gets one letter in so long; what comes up meanwhile is listed in the next."""
LONGEST_LIST = 100
"""Messages in one letter; more go into the next."""


@dataclass(frozen=True, slots=True)
class Due:
    """A due message. `lease` is that of an attempt which was never recorded, else None."""

    id: int
    contact_id: int | None
    priority: int
    lease: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """Messages of one contact for one hand, and the lease under which they went out before, if so."""

    ids: tuple[int, ...]
    lease: str | None = None


def bundles(due: Iterable[Due]) -> tuple[Bundle, ...]:
    """Due messages in bundles: life safety and orphans singly, the rest by contact in their order.

    What was on its way under one lease stays together and by itself, so that it goes out again as the same
    letter with the same key. A contact has one bundle, the rest of its messages wait for the next round.
    """
    alone: list[Bundle] = []
    by_contact: dict[int, tuple[str | None, list[int]]] = {}
    for message in sorted(due, key=lambda message: message.lease is None):
        if message.priority == Priority.LIFE_SAFETY or message.contact_id is None:
            alone.append(Bundle((message.id,), message.lease))
            continue
        lease, ids = by_contact.setdefault(message.contact_id, (message.lease, []))
        if message.lease == lease and len(ids) < LONGEST_LIST:
            ids.append(message.id)
    return (*alone, *(Bundle(tuple(ids), lease) for lease, ids in by_contact.values()))
