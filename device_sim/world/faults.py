"""What may go wrong on the way, by name and share; a share of the homes may be spared."""

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of one: of events for the first six, of homes for `skew` and `flap`.

    `homes` is the share of homes that any of it may befall at all.
    """

    duplicate: float = 0.0
    """Said twice, the receipt having been lost."""
    delay: float = 0.0
    """Held up for minutes on the way."""
    reorder: float = 0.0
    """Overtaken by what was said after it."""
    drop: float = 0.0
    """Lost before it was received, so said again until it is."""
    truncate: float = 0.0
    """Cut short on the way, then said again."""
    corrupt: float = 0.0
    """Damaged on the way, then said again."""
    skew: float = 0.0
    """Homes whose clock is an hour off, one way or the other."""
    flap: float = 0.0
    """Homes whose line comes and goes all day."""
    homes: float = 1.0

    def told(self) -> dict[str, float]:
        """Those that happen at all, for the record."""
        return {name: share for name, share in asdict(self).items() if share and name != "homes"}


def parse_faults(pairs: list[str]) -> Faults:
    """`NAME=SHARE` several times. Raises ValueError with one sentence."""
    names = [each.name for each in fields(Faults)]
    shares: dict[str, float] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in names:
            raise ValueError(f"{pair!r} is not NAME=SHARE with a name of: {', '.join(names)}")
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise ValueError(f"{pair!r}: the share must be a number from 0 to 1")
        shares[name] = share
    return Faults(**shares)
