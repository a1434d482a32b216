"""What would a load change? Pure: the estate that stands and the one that is wanted, in; the difference, out.

Nothing that carries history is removed (docs/estate.md): packages and carers end, suspensions end, what else
a file no longer names is kept with a notice.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from care.model import Carer, Estate, Hub, Package, Suspension

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """Ids of one kind of noun: new, different, ended (no longer named), and kept though no longer named."""

    kind: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def touched(self) -> tuple[str, ...]:
        """What is to be written."""
        return self.added + self.changed


@dataclass(frozen=True, slots=True)
class Standing:
    """A suspension that stands. `by_person`: made or ended by one, so that no file changes it."""

    id: int
    suspension: Suspension
    by_person: bool


def compare(
    kind: str,
    before: Mapping[str, T],
    after: Mapping[str, T],
    *,
    ends: bool,
    same_as: Callable[[T], Any] = lambda noun: noun,
) -> Change:
    """The difference of one kind. `ends`: what is no longer named ends; else it is kept with a notice."""
    gone = tuple(name for name in before if name not in after)
    return Change(
        kind,
        added=tuple(name for name in after if name not in before),
        changed=tuple(
            name for name in after if name in before and same_as(before[name]) != same_as(after[name])
        ),
        ended=gone if ends else (),
        kept=() if ends else gone,
    )


def compare_estates(before: Estate, after: Estate) -> dict[str, Change]:
    """The difference of every kind but suspensions, in the order in which they are to be written."""
    changes = (
        compare("organisations", before.organisations, after.organisations, ends=False),
        compare("dwellings", before.dwellings, after.dwellings, ends=False),
        compare("residents", before.residents, after.residents, ends=False),
        compare("hubs", before.hubs, after.hubs, ends=False, same_as=_hub),
        compare("carers", before.carers, after.carers, ends=True, same_as=_carer),
        compare("packages", before.packages, after.packages, ends=True, same_as=_package),
    )
    return {change.kind: change for change in changes}


def _hub(noun: Hub) -> Hub:
    return replace(noun, devices=tuple(sorted(noun.devices, key=lambda device: device.id)))


def _carer(noun: Carer) -> Carer:
    return replace(noun, credentials=tuple(sorted(noun.credentials)))


def _package(noun: Package) -> Package:
    return replace(noun, recurrences=tuple(sorted(noun.recurrences, key=lambda each: each.id)))


def united(suspensions: Iterable[Suspension]) -> list[Suspension]:
    """Suspensions of one resident that begin together are one: the longer (domain/visits.md §6, 1)."""
    found: dict[tuple[str, datetime], Suspension] = {}
    for each in suspensions:
        known = found.get(_key(each))
        if known is not None and (
            known.until_at is None or (each.until_at and each.until_at <= known.until_at)
        ):
            continue
        found[_key(each)] = each
    return list(found.values())


@dataclass(frozen=True, slots=True)
class SuspensionChange:
    """Suspensions to write, rows to end, the ones that end, and what the file may not change."""

    added: tuple[Suspension, ...] = ()
    changed: tuple[Suspension, ...] = ()
    ended: tuple[Standing, ...] = ()
    refused: tuple[Suspension, ...] = ()
    before_change: tuple[Suspension, ...] = ()


def compare_suspensions(
    before: Iterable[Standing], after: Iterable[Suspension], now: datetime
) -> SuspensionChange:
    """The difference of suspensions. A person's own stand above the file; one that is over is left alone."""
    standing = {_key(each.suspension): each for each in before}
    added, changed, refused, old = [], [], [], []
    wanted = united(after)
    for each in wanted:
        known = standing.get(_key(each))
        if known is None:
            added.append(each)
        elif _said(known.suspension) == _said(each):
            continue
        elif known.by_person:
            refused.append(each)
        else:
            changed.append(each)
            old.append(known.suspension)
    keys = {_key(each) for each in wanted}
    ended = [
        each
        for key, each in standing.items()
        if key not in keys and not each.by_person and not _over(each.suspension, now)
    ]
    return SuspensionChange(tuple(added), tuple(changed), tuple(ended), tuple(refused), tuple(old))


def _key(each: Suspension) -> tuple[str, datetime]:
    return each.resident_id, each.from_at


def _said(each: Suspension) -> tuple[Any, ...]:
    return each.until_at, each.reason, each.told_by


def _over(each: Suspension, now: datetime) -> bool:
    return each.until_at is not None and each.until_at <= max(now, each.from_at)
