"""Other makers' JSON: decoded as far as it can be, and with PINs taken out before anything keeps it. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.adapters.contract import ACTION_CODE, Value

MAX_BYTES = 256 * 1024
"""A state is a kilobyte at most; a bridge's list of its devices is longer and says nothing of a home."""
_LONGEST = 1_000

_CODE = re.compile(rb'("action_?[cC]ode"\s*:\s*)("(?:[^"\\]|\\.)*"?)?[^,}\]]*', re.DOTALL)
"""The value is all up to the next comma or bracket: of a broken one no digit may stay."""
_ALARMS = re.compile(
    rb'"(?:sos|emergency|panic|falling|fall|alarm)"|'
    rb'"(?:smoke|carbon_monoxide|gas|water_leak|sos|alarm|fall|panic)"\s*:\s*(?:true|1\b)',
    re.IGNORECASE,
)


def fields_of(payload: bytes) -> Mapping[str, Any] | None:
    """The object in a message; None when it is none, or holds what no database takes."""
    if len(payload) > MAX_BYTES:
        return None
    try:
        found = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def values_of(fields: Mapping[str, Any]) -> dict[str, Value]:
    """The single values of an object by name, without PINs, and without what no database takes."""
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, bool | int | float | str) and name != ACTION_CODE and _storable(name, value)
    }


def code_of(fields: Mapping[str, Any]) -> str | None:
    """The PIN that a keypad sent along, if any."""
    code = fields.get(ACTION_CODE)
    if isinstance(code, bool) or not isinstance(code, str | int):
        return None
    return str(code)[:_LONGEST] or None


def without_codes(payload: bytes) -> bytes:
    """The message as it may be kept: PINs blotted out, in what is no JSON as well."""
    fields = fields_of(payload) if b"\\" in payload else None
    if fields is not None and ACTION_CODE in fields:  # its name may be written with escapes
        payload = msgspec.json.encode({**fields, ACTION_CODE: None})
    return _CODE.sub(rb"\1null", payload)


def mentions_an_alarm(payload: bytes) -> bool:
    """Whether somebody may be calling for help in a message of a device that nobody has mapped.

    Any mention is enough: a needless look costs an operator seconds.
    """
    return _ALARMS.search(payload) is not None


def _storable(name: str, value: Value) -> bool:
    if isinstance(value, str) and (len(value) > _LONGEST or "\x00" in value):
        return False
    return not (isinstance(value, int) and abs(value) > 2**63) and value == value and "\x00" not in name
