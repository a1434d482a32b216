"""Why a person lays a word over what was recorded: lists, so that it can be counted."""

from collections.abc import Mapping
from typing import Final

VERIFY: Final[Mapping[str, str]] = {
    "credential_forgotten": "the carer did not have or use the credential",
    "device_failed": "the unit or the reader did not work",
    "resident_confirmed": "the resident or the family confirmed it",
    "carer_confirmed": "the carer confirmed it, with a record",
    "seen_in_person": "somebody saw it in person",
    "no_access": "the carer came and could not get in",
    "not_made": "the visit was not made",
    "other": "another reason, in the note",
}

CANCEL: Final[Mapping[str, str]] = {
    "resident_declined": "the resident declined the visit",
    "family_provides": "the family does it this time",
    "resident_away": "the resident is away",
    "provider_unable": "the provider cannot make it",
    "duplicate": "it was planned twice",
    "other": "another reason",
}

SUSPEND: Final[Mapping[str, str]] = {
    "hospital": "in hospital",
    "respite": "in respite care",
    "holiday": "on holiday",
    "with_family": "staying with family",
    "other": "another reason",
}
