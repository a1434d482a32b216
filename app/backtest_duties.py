"""Who owes what for an alert of a replay, and when each of their steps fell due (domain/visits.md §7)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.ladder import Audience, alarm_ladder
from alerts.model import Priority, VisitAlert, VisitAlertKind
from alerts.reach import WEBHOOK, Staff, addresses, staff_of
from alerts.routing import Owed, alarm_duties, centre_joins, visit_duties
from app.backtest_alarms import HomeAlert, centres_of, homes
from app.backtest_steps import Steps, climb
from care.model import AlertSpan, Estate
from care.replay import Replayed


@dataclass(frozen=True, slots=True)
class Duty:
    """One organisation's share in an alert that nobody answers."""

    owed: Owed
    steps: Steps


class Duties:
    """Opens the duties of an estate's alerts, as the service would, up to a moment."""

    def __init__(self, estate: Estate, until: datetime) -> None:
        self._estate = estate
        self._until = until
        self._homes = homes(estate)
        self._centres = centres_of(estate)
        self._staff = {name: staff_of(noun) for name, noun in estate.organisations.items()}

    def resident_of(self, hub_id: str) -> str | None:
        """Who lives where the hub is, when it is one person alone."""
        home = self._homes.get(hub_id)
        return home.resident_id if home else None

    def of_visit(self, replayed: Replayed, span: AlertSpan) -> list[Duty]:
        """The parties' duties, and the monitoring centre's where a ladder got as far as its third step."""
        visit, rules = replayed.window.visit, replayed.window.rules
        alert = VisitAlert(
            kind=span.kind,
            visit_ref=visit.ref,
            resident_id=visit.resident_id,
            dwelling_id=visit.dwelling_id,
            provider_id=visit.provider_id,
            landlord_id=self._estate.dwellings[visit.dwelling_id].landlord_id,
            monitoring_centre_id=self._estate.residents[visit.resident_id].monitoring_centre_id,
            raised_at=span.raised_at,
            step=rules.ladder_step,
            reason=span.reason,
            visit_start=visit.start_at,
            tier=visit.tier.value,
        )
        duties = [self._duty(one, span.raised_at, span.stood_down_at) for one in visit_duties(alert).duties]
        if span.kind is VisitAlertKind.LATE:
            # Its one step is its raise, whether or not anybody can be reached (contract §6 lists it).
            return [replace(duty, steps=replace(duty.steps, single=(span.raised_at,))) for duty in duties]
        thirds = [
            (duty.steps.third_at, duty.owed.ladder.step) for duty in duties if duty.steps.third_at is not None
        ]
        if thirds:
            third_at, step = min(thirds, key=lambda third: third[0])
            joined = centre_joins(alert.monitoring_centre_id, step)
            if joined is not None:
                duties.append(self._duty(joined, third_at, span.stood_down_at))
        return duties

    def of_home(self, alert: HomeAlert) -> list[Duty]:
        """The duties of an alarm, a door, a fault or a silent hub."""
        home = self._homes.get(alert.hub_id)
        owed = alarm_duties(alert.priority, home.centres if home else (), self._centres).duties
        duties = [self._duty(one, alert.raised_at, alert.stood_down_at) for one in owed]
        at, over = alert.welfare_at, alert.stood_down_at
        if at is None or at > self._until or (over is not None and at >= over):
            return duties
        # It begins anew on another ladder, as in the service.
        ladder = alarm_ladder(Priority.WELFARE)
        anew = [self._duty(replace(one, priority=Priority.WELFARE, ladder=ladder), at, over) for one in owed]
        return [_joined(first, later, at) for first, later in zip(duties, anew, strict=True)]

    def _duty(self, owed: Owed, began_at: datetime, stood_down_at: datetime | None) -> Duty:
        staff = self._staff.get(owed.organisation_id, Staff())
        return Duty(owed, climb(owed, staff, began_at, stood_down_at, self._until))

    def people_told(self, duty: Duty) -> Iterator[tuple[datetime, int]]:
        """Whom of the organisation the ladder told, by number, and when; each rung once, no repetition.

        The step that calls the monitoring centre tells nobody of the organisation itself, and a webhook is a
        program and nobody.
        """
        staff = self._staff.get(duty.owed.organisation_id, Staff())
        for at, audience in duty.steps.told:
            if audience is not Audience.MONITORING_CENTRE:
                for address in addresses(audience, staff, at, critical=duty.owed.critical):
                    if address.channel != WEBHOOK:
                        yield at, address.contact_id


def _joined(first: Duty, later: Duty, at: datetime) -> Duty:
    """One duty that climbed one ladder before a moment, and another from it on."""
    steps = replace(
        later.steps,
        single=(*(step for step in first.steps.single if step < at), *later.steps.single),
        told=(*(told for told in first.steps.told if told[0] < at), *later.steps.told),
    )
    return replace(later, steps=steps)
