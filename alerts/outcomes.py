"""With what outcome may a duty be closed? The lists are data; the words are what screens show.

The monitoring centre's list is that of domain/alarms.md §2. The parties' lists are ours: short enough to be
read at three in the morning, and each says what happened, not whose fault it was.
"""

from collections.abc import Mapping

from alerts.model import Role

_CENTRE: Mapping[str, str] = {
    "fall_lifted": "fall, lifted",
    "fall_ambulance": "fall, ambulance",
    "illness": "illness",
    "reassurance": "reassurance",
    "carer_needed": "carer needed",
    "accidental": "accidental",
    "test": "test",
    "sensor_fault": "sensor fault",
    "cooking_smoke": "cooking smoke",
    "no_reply_attended_well": "no reply, attended, well",
    "no_reply_found_unwell": "no reply, found unwell",
    "deceased": "deceased",
    "police": "police",
    "fire_service": "fire service",
    "door_access_given": "door access given",
    "wrong_person": "wrong person",
    "engineer_booked": "engineer booked",
    "power_cut": "power cut",
    "duplicate": "duplicate",
    "handed_over": "handed over",
}

_PROVIDER: Mapping[str, str] = {
    "carer_on_the_way": "carer on the way",
    "carer_attended": "carer attended",
    "visit_was_made": "visit was made, not recorded",
    "visit_rearranged": "visit rearranged",
    "visit_declined": "visit declined by the resident",
    "resident_away": "resident away or in hospital",
    "no_access": "no access",
    "visit_not_made": "visit not made",
    "roster_mistake": "mistake in the roster",
    "emergency_services": "emergency services called",
    "handed_over": "handed over",
}

_LANDLORD: Mapping[str, str] = {
    "resident_well": "resident seen, well",
    "resident_needs_help": "resident seen, help called",
    "spoken_to_resident": "spoken to the resident",
    "no_reply": "no reply at the door",
    "resident_away": "resident away or in hospital",
    "emergency_services": "emergency services called",
    "door_repaired": "door or panel repaired",
    "repair_ordered": "repair ordered",
    "handed_over": "handed over",
}

_OUTCOMES: Mapping[Role, Mapping[str, str]] = {
    Role.MONITORING_CENTRE: _CENTRE,
    Role.CARE_PROVIDER: _PROVIDER,
    Role.LANDLORD: _LANDLORD,
    Role.COMMISSIONER: {},
}

STOOD_DOWN = "stood_down"
"""Ours alone, when the cause is gone: late evidence, a restoring event, a hub heard again."""

SUPPRESSED = "suppressed"
"""Ours alone, too: a window held the alert back, and it was over as it was written down."""


def outcomes_for(role: Role) -> Mapping[str, str]:
    """The outcomes that this party may close with: what the API takes, and its words for people."""
    return _OUTCOMES[role]


def words_for(role: Role, outcome: str) -> str:
    """An outcome in words for people; one from another time is shown as it was stored."""
    if outcome in (STOOD_DOWN, SUPPRESSED):
        return outcome.replace("_", " ")
    return _OUTCOMES[role].get(outcome, outcome.replace("_", " "))
