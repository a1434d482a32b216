"""The policy file (contract §6): TOML to a `Policy`, or every fault with the key that holds it.

Unknown keys are ignored, as everywhere in the contract; what is left out keeps its default.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from care.errors import Fault, FileErrors
from care.model import Tier
from care.notation import parse_duration, parse_wall, shown
from care.policy import DEFAULT_TIERS, Overrides, Policy, TierRules

_LARGEST = 1_000_000


class PolicyErrors(FileErrors):
    """Faults of a policy file."""


def read_policy(text: str | bytes, source: str) -> Policy:
    """The policy that a file describes. Raises PolicyErrors with all faults; `source` names the file."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        # Decimals, so that 0.8 is eight tenths and a stay of exactly that share is not short.
        table = tomllib.loads(text, parse_float=Decimal)
    except UnicodeDecodeError:
        raise PolicyErrors([Fault(source, 0, "", "not UTF-8")]) from None
    except (tomllib.TOMLDecodeError, ArithmeticError, ValueError) as error:
        raise PolicyErrors([Fault(source, 0, "", f"not TOML: {error}")]) from None
    except RecursionError:
        raise PolicyErrors([Fault(source, 0, "", "not TOML: nested too deeply")]) from None
    reading = _Reading(source)
    policy = reading.policy(table)
    if reading.faults:
        raise PolicyErrors(reading.faults)
    return policy


def _duration(value: object) -> timedelta:
    if not isinstance(value, str):
        raise ValueError('must be an ISO 8601 duration in quotes, such as "PT30M"')
    return parse_duration(value)


def _long_duration(value: object) -> timedelta:
    duration = _duration(value)
    if duration <= timedelta():
        raise ValueError("must be longer than nothing")
    return duration


def _wall(value: object) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value
    if not isinstance(value, str):
        raise ValueError('must be a wall time in quotes, such as "04:00"')
    return parse_wall(value)


def _number(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError("must be a finite number")
    number = value if isinstance(value, Decimal) else Decimal(value)
    if not -_LARGEST <= number <= _LARGEST or (number and number.adjusted() < -12):
        raise ValueError(f"must lie between 0 and {_LARGEST}, with at most a dozen decimals")
    if number < 0:
        raise ValueError("must not be negative")
    return Fraction(number)


def _positive(value: object) -> Fraction:
    number = _number(value)
    if number == 0:
        raise ValueError("must be more than 0")
    return number


def _share(value: object) -> Fraction:
    number = _number(value)
    if number > 1:
        raise ValueError("is a share, from 0 to 1")
    return number


_SETTINGS: Mapping[str, Callable[[object], Any]] = {
    "day_begins": _wall,
    "day_ends": _wall,
    "silence_factor": _positive,
    "silent_share": _share,
    "heard_again": _duration,
    "same_session": _duration,
    "longest_session": _long_duration,
    "swap_minutes": _number,
    "named_elsewhere_minutes": _number,
    "early_weight": _number,
    "settle": _duration,
}
_RULES: Mapping[str, Callable[[object], Any]] = {
    "counts_from": _duration,
    "on_time": _duration,
    "late_after": _duration,
    "missed_after": _duration,
    "short_below": _share,
    "ladder_step": _long_duration,
}


class _Reading:
    """Takes a table apart and notes what is wrong with it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.faults: list[Fault] = []

    def policy(self, table: Mapping[str, object]) -> Policy:
        settings = self.values(table, "", _SETTINGS)
        tiers: dict[Tier, TierRules] = dict(DEFAULT_TIERS)
        for name, rules in self.tables(table, "tiers"):
            if name in Tier.__members__.values():
                tier = Tier(name)
                tiers[tier] = replace(tiers[tier], **self.values(rules, f"tiers.{name}.", _RULES))
        packages = {
            name: Overrides(**self.values(rules, f"packages.{name}.", _RULES))
            for name, rules in self.tables(table, "packages")
        }
        return Policy(**settings, tiers=tiers, packages=packages)

    def values(
        self, table: Mapping[str, object], prefix: str, parsers: Mapping[str, Callable[[object], Any]]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, parse in parsers.items():
            if name in table:
                try:
                    found[name] = parse(table[name])
                except ValueError as error:
                    self.faults.append(Fault(self.source, 0, shown(f"{prefix}{name}"), str(error)))
        return found

    def tables(self, table: Mapping[str, object], name: str) -> list[tuple[str, Mapping[str, object]]]:
        inner = table.get(name, {})
        if not isinstance(inner, dict):
            self.faults.append(Fault(self.source, 0, name, "must be a table"))
            return []
        found: list[tuple[str, Mapping[str, object]]] = []
        for key, value in inner.items():
            if isinstance(value, dict):
                found.append((key, value))
            else:
                self.faults.append(Fault(self.source, 0, shown(f"{name}.{key}"), "must be a table"))
        return found
