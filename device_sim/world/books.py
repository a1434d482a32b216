"""The homes' ledger beside what the platform holds. (faults.md, "The ledger")"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from device_sim.ledger import Account

Key = tuple[str, str]


class Books(msgspec.Struct, frozen=True):
    """`lost`: said to be stored, and not there: a receipt that lied. `doubled`: there more than once.
    `phantom`: there, and never said. `owed`: said, and without any receipt yet. Each names hub/event id."""

    said: int
    lost: list[str]
    doubled: list[str]
    phantom: list[str]
    owed: list[str]

    @property
    def held(self) -> bool:
        """Whether every receipt was true and nothing is there twice or from nowhere."""
        return not (self.lost or self.doubled or self.phantom)

    def faults(self) -> Iterator[str]:
        """Each thing that does not agree, in words."""
        for key in self.lost:
            yield f"{key}: its receipt lied, it is not stored"
        for key in self.doubled:
            yield f"{key}: is stored more than once"
        for key in self.phantom:
            yield f"{key}: is stored, and nobody said it"


def compare(account: Account, stored: Mapping[Key, int]) -> Books:
    """What was said and receipted, beside how often each event is held. Only hubs of the ledger count."""
    hubs = {hub for hub, _ in account.said}
    return Books(
        len(account.said),
        _names(key for key in account.stored if key not in stored),
        _names(key for key, times in stored.items() if times > 1 and key[0] in hubs),
        _names(key for key in stored if key[0] in hubs and key not in account.said),
        _names(account.open),
    )


def _names(keys: Iterable[Key]) -> list[str]:
    return sorted(f"{hub}/{event_id}" for hub, event_id in keys)
