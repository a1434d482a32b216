"""What is shown of an event's data: everything but a PIN, which opens a door."""

from typing import Any

_SHOWN = frozenset({"fob", "token", "card", "button"})
"""Kinds of credential that name a thing one must hold; whatever else may be something one knows."""


def without_pins(data: dict[str, Any]) -> dict[str, Any]:
    """`data` with a credential that is no thing to hold cut down to its kind: `pin:4711` becomes `pin:…`."""
    credential = data.get("credential")
    if not isinstance(credential, str):
        return data
    kind, separator, _ = credential.partition(":")
    if separator and kind in _SHOWN:
        return data
    return {**data, "credential": f"{kind}:…" if separator else "…"}
