"""Which events of a hub have not come, by its own numbering (contract §2: `boot` and `seq`). Pure.

A gap is reported and never waited for: alarms overtake, and what a hub kept comes later. Numbers count within
one boot; what came before the first number heard of a boot is nobody's to know.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

MOST_GAPS = 50
"""Gaps of one boot in one batch that are kept; a hub that numbers at random is not worth more."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Numbers of a boot that were passed over, both ends included."""

    boot: str
    first: int
    last: int


@dataclass(slots=True)
class Followed:
    """Where a hub's counting stands after a batch, and what the batch says of numbers that are missing."""

    boot: str | None
    last_seq: int | None
    begun: list[str] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    late: list[tuple[str, int]] = field(default_factory=list)

    @property
    def is_regular(self) -> bool:
        """Nothing is to be noted: each number followed the one before."""
        return not (self.begun or self.passed or self.late)


def boots_to_look_up(boot: str | None, said: Iterable[tuple[str, int]]) -> set[str]:
    """Boots in a batch other than the present one: whether they are known decides if they are old or new."""
    return {other for other, _ in said} - {boot or ""}


def follow(
    boot: str | None, last_seq: int | None, known: Collection[str], said: Iterable[tuple[str, int]]
) -> Followed:
    """Follows the newly stored numbers of a batch. `said`: boot and number of each, in order of arrival.

    `known` are boots heard earlier: their numbers come late and begin nothing. Within a boot a batch is
    looked at in the order of its numbers, so disorder inside it is no gap.
    """
    by_boot: dict[str, list[int]] = {}
    for name, seq in said:
        by_boot.setdefault(name, []).append(seq)
    result = Followed(boot, last_seq)
    for name, numbers in by_boot.items():
        present = name == (result.boot or "") and result.last_seq is not None
        if not present and name in known:
            result.late += [(name, seq) for seq in numbers]
            continue
        numbers.sort()
        if not present:
            result.begun.append(name)
            result.boot, result.last_seq = name or None, numbers[0]
        gaps = 0
        for seq in numbers:
            last = result.last_seq
            if last is None or seq == last:
                continue
            if seq < last:
                result.late.append((name, seq))
                continue
            if seq > last + 1 and gaps < MOST_GAPS:
                result.passed.append(Passed(name, last + 1, seq - 1))
                gaps += 1
            result.last_seq = seq
    return result
