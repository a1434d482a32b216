"""A landlord's own words for the alert of a visit, whose reason the database keeps back (visits.md §7)."""

from typing import Final

from alerts.model import VisitAlertKind

_LANDLORDS: Final = {
    VisitAlertKind.LATE: "A planned care visit is late.",
    VisitAlertKind.MISSED: "A planned care visit was not made. Please check on the resident.",
    VisitAlertKind.UNVERIFIED: "A planned care visit cannot be confirmed. Please check on the resident.",
    VisitAlertKind.PART_ATTENDED: "A planned care visit was made by fewer carers than planned.",
}


def reason_for_landlord(kind: str) -> str:
    """What happened and what is asked, without a plan, a carer or a task."""
    try:
        return _LANDLORDS[VisitAlertKind(kind)]
    except ValueError:
        return "Something at this home needs you. Please check on the resident."
