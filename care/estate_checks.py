"""Does everything in an estate refer to something that is there? And what is odd, though it may stand?"""

from collections.abc import Mapping, Sequence

from alerts.model import Role
from care.estate_record import Faults
from care.model import Estate, Hub, Scope

Lines = Mapping[tuple[str, str], int]


def check_references(estate: Estate, lines: Lines, suspension_lines: Sequence[int], faults: Faults) -> None:
    """Notes every reference to nothing or to an organisation of another kind, and second holders.

    `lines` gives the line of each noun by kind and id; a reference left empty was a fault of its own before.
    """
    check = _Check(estate, lines, faults)
    for dwelling in estate.dwellings.values():
        check.organisation("dwellings", dwelling.id, "landlord", dwelling.landlord_id, Role.LANDLORD)
    for resident in estate.residents.values():
        check.known("residents", resident.id, "dwelling", resident.dwelling_id, estate.dwellings)
        for field, name, kind in (
            ("monitoring_centre", resident.monitoring_centre_id, Role.MONITORING_CENTRE),
            ("commissioner", resident.commissioner_id, Role.COMMISSIONER),
        ):
            check.organisation("residents", resident.id, field, name, kind)
    for hub in estate.hubs.values():
        check.known("hubs", hub.id, "dwelling", hub.dwelling_id, estate.dwellings)
    for carer in estate.carers.values():
        check.organisation("carers", carer.id, "provider", carer.provider_id, Role.CARE_PROVIDER)
    for package in estate.packages.values():
        check.known("packages", package.id, "resident", package.resident_id, estate.residents)
        check.organisation("packages", package.id, "provider", package.provider_id, Role.CARE_PROVIDER)
    for suspension, line in zip(estate.suspensions, suspension_lines, strict=True):
        place = f"suspensions[{suspension.resident_id}]"
        if suspension.resident_id and suspension.resident_id not in estate.residents:
            faults.note(line, f"{place}.resident", f"there is no resident '{suspension.resident_id}'")
        if suspension.told_by and suspension.told_by not in estate.organisations:
            faults.note(line, f"{place}.told_by", f"there is no organisation '{suspension.told_by}'")
    check.credentials()


class _Check:
    def __init__(self, estate: Estate, lines: Lines, faults: Faults) -> None:
        self.estate = estate
        self.lines = lines
        self.faults = faults

    def note(self, kind: str, name: str, field: str, sentence: str) -> None:
        self.faults.note(self.lines[kind, name], f"{kind}[{name}].{field}", sentence)

    def known(
        self, kind: str, name: str, field: str, wanted: str | None, among: Mapping[str, object]
    ) -> None:
        if wanted and wanted not in among:
            self.note(kind, name, field, f"there is no {field} '{wanted}'")

    def organisation(self, kind: str, name: str, field: str, wanted: str | None, role: Role) -> None:
        if not wanted:
            return
        found = self.estate.organisations.get(wanted)
        if found is None:
            self.note(kind, name, field, f"there is no organisation '{wanted}'")
        elif found.kind is not role:
            self.note(kind, name, field, f"'{wanted}' is a {found.kind}, not a {role}")

    def credentials(self) -> None:
        holders: dict[str, str] = {}
        for carer in self.estate.carers.values():
            for credential in carer.credentials:
                holder = holders.setdefault(credential, carer.id)
                if holder != carer.id:
                    # The credential itself is not repeated here: it may be a PIN, and faults are logged.
                    self.note("carers", carer.id, "credentials", f"one of them is already held by '{holder}'")


def warnings(estate: Estate) -> tuple[str, ...]:
    """What may stand and yet deserves a look, each in a sentence for people."""
    found: list[str] = []
    for organisation in estate.organisations.values():
        for contact in organisation.contacts:
            if not contact.reachable:
                found.append(f"organisation {organisation.id}: contact '{contact.name}' has no channel")
    schemes = {dwelling.scheme for dwelling in estate.dwellings.values() if dwelling.scheme}
    for hub in estate.hubs.values():
        found += _about_hub(hub, schemes)
    heard = {hub.dwelling_id for hub in estate.hubs.values() if hub.dwelling_id}
    heard_schemes = {hub.scheme for hub in estate.hubs.values() if hub.scheme and hub.has_communal_panel}
    for package in estate.packages.values():
        dwelling = estate.dwellings[estate.residents[package.resident_id].dwelling_id]
        if dwelling.id not in heard and (dwelling.scheme is None or dwelling.scheme not in heard_schemes):
            found.append(
                f"package {package.id}: no hub hears dwelling {dwelling.id}; "
                "its visits become unverified and raise no alert"
            )
        for recurrence in package.recurrences:
            if recurrence.rrule is None:
                found.append(
                    f"package {package.id}: visit '{recurrence.id}' has no rrule; it takes roster rows"
                )
    return tuple(found)


def _about_hub(hub: Hub, schemes: set[str]) -> list[str]:
    found = []
    if hub.scheme is not None and hub.scheme not in schemes:
        found.append(f"hub {hub.id}: no dwelling is in scheme '{hub.scheme}'")
    if hub.dwelling_id is not None and hub.has_communal_panel:
        panels = ", ".join(device.id for device in hub.devices if device.scope is Scope.COMMUNAL)
        found.append(f"hub {hub.id}: communal panel {panels} belongs to a scheme's hub, not to a dwelling's")
    return found
