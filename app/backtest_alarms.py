"""The alerts of a replay that are no visit's: alarms, doors, faults, silent hubs (domain/alarms.md §1).

What a signal means, when a fault has lasted and who owes an answer is asked of the same functions of `alerts`
as in the service. Nobody answers in a replay, so an alarm stays open and later presses fold into it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.classify import (
    HUB_SILENT,
    PRESENCE,
    UNREADABLE,
    Act,
    Meaning,
    classify,
    credential_of,
    device_of,
)
from alerts.faults import Fault, failed, judge, restored
from alerts.model import Priority, Role, Signal
from alerts.supervision import LONG_SILENCE
from alerts.suppression import AWAY_AT_THE_UNIT, Why, held
from alerts.suppression import Window as Absence
from alerts.windows import HOME
from app.backtest_events import Received
from care.liveness import Ears, silence_limit
from care.model import Estate, Hearing, Resident
from care.policy import Policy

Battery = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class HomeAlert:
    """One alert of a home or a scheme."""

    kind: str
    priority: Priority
    hub_id: str
    device: str | None
    raised_at: datetime
    reason: str
    stood_down_at: datetime | None = None
    welfare_at: datetime | None = None
    """When a technical matter becomes one of welfare, if it lasts so long."""


@dataclass(frozen=True, slots=True)
class Home:
    """Whose home a hub is: its resident when only one lives there, and the centres that answer for it."""

    resident_id: str | None
    centres: tuple[str, ...]
    high_risk: bool
    """Is anybody of a dwelling's people?"""


def homes(estate: Estate) -> dict[str, Home]:
    """The home of each hub; a scheme's hub stands for all who live in the scheme."""
    by_dwelling: dict[str, list[Resident]] = {}
    by_scheme: dict[str, list[Resident]] = {}
    for resident in estate.residents.values():
        by_dwelling.setdefault(resident.dwelling_id, []).append(resident)
        scheme = estate.dwellings[resident.dwelling_id].scheme
        if scheme is not None:
            by_scheme.setdefault(scheme, []).append(resident)
    found = {}
    for hub in estate.hubs.values():
        if hub.dwelling_id is not None:
            people = by_dwelling.get(hub.dwelling_id, [])
        else:
            people = by_scheme.get(hub.scheme or "", [])
        centres = dict.fromkeys(
            person.monitoring_centre_id for person in people if person.monitoring_centre_id is not None
        )
        at_risk = hub.dwelling_id is not None and any(person.high_risk for person in people)
        alone = people[0].id if len(people) == 1 and hub.dwelling_id is not None else None
        found[hub.id] = Home(alone, tuple(centres), at_risk)
    return found


def centres_of(estate: Estate) -> tuple[str, ...]:
    """Every monitoring centre: they are all told of an alarm that belongs to nobody."""
    return tuple(
        organisation.id
        for organisation in estate.organisations.values()
        if organisation.kind is Role.MONITORING_CENTRE
    )


def home_alerts(received: Received, estate: Estate, policy: Policy, until: datetime) -> list[HomeAlert]:
    """Every alert that is no visit's, raised by `until`."""
    home_of = homes(estate)
    alone = {hub_id: home.resident_id for hub_id, home in home_of.items() if home.resident_id}
    replaying = _Replaying(received.batteries, frozenset(estate.carers_by_credential()), alone)
    for signal in received.signals:
        replaying.take(signal)
    replaying.finish(until)
    found = replaying.alerts()
    opened: set[str] = set()
    for message in received.unreadable:
        if message.hub_id not in opened:
            opened.add(message.hub_id)
            found.append(
                HomeAlert(
                    UNREADABLE,
                    Priority.LIFE_SAFETY,
                    message.hub_id,
                    None,
                    message.received_at,
                    f"A message that looks like an alarm could not be read: {message.reason}",
                )
            )
    for heard in received.hearing.values():
        home = home_of.get(heard.hub.id)
        found.extend(_silent(heard, policy, until, high_risk=home is not None and home.high_risk))
    return found


def _silent(hearing: Hearing, policy: Policy, until: datetime, *, high_risk: bool) -> Iterable[HomeAlert]:
    """A hub that was overdue; one that was never heard is not in service yet and is missed by nobody."""
    limit = silence_limit(hearing.hub, policy)
    for silence in Ears.of(replace(hearing, offline=()), policy).silences:
        if not silence.closed and silence.start < until:
            long_at = max(silence.start, silence.start - limit + LONG_SILENCE)
            yield HomeAlert(
                HUB_SILENT,
                Priority.WELFARE if high_risk else Priority.TECHNICAL,
                hearing.hub.id,
                None,
                silence.start,
                f"{hearing.hub.id} is silent: nothing was received from it in time",
                silence.end,
                None if high_risk else long_at,
            )


@dataclass(slots=True)
class _Watched:
    """One fault of one device while it is replayed."""

    fault: Fault
    open: HomeAlert | None = None
    closed: list[HomeAlert] = field(default_factory=list)


class _Replaying:
    """Follows signals in the order of their arrival."""

    def __init__(
        self, batteries: Mapping[str, Battery], credentials: frozenset[str], alone: Mapping[str, str]
    ) -> None:
        self._batteries = batteries
        self._credentials = credentials
        self._alone = alone
        self._absences: dict[str, list[Absence]] = {}
        self._returns: dict[str, list[datetime]] = {}
        self._raised: dict[tuple[str, str | None, str], HomeAlert] = {}
        self._faults: dict[tuple[str, str | None, str], _Watched] = {}

    def take(self, signal: Signal) -> None:
        """One signal, later than all before."""
        credential = credential_of(signal)
        known = None if credential is None else credential in self._credentials
        meaning = classify(signal, credential_known=known)
        if signal.type in PRESENCE:
            self._follow_resident(signal)
        elif meaning.act is Act.RAISE:
            self._raise(signal, meaning)
        elif meaning.act in (Act.FAIL, Act.RESTORE):
            self._take_fault(signal, meaning, (signal.hub_id, signal.device, meaning.kind))

    def _raise(self, signal: Signal, meaning: Meaning) -> None:
        key = (signal.hub_id, device_of(signal), meaning.kind)
        absences = self._absences.get(self._alone.get(signal.hub_id, ""), ())
        if key in self._raised or held(meaning.kind, meaning.priority, signal.effective_at, absences).window:
            return
        _, device, kind = key
        self._raised[key] = HomeAlert(
            kind, meaning.priority, signal.hub_id, device, signal.received_at, meaning.reason
        )

    def _follow_resident(self, signal: Signal) -> None:
        """Away and home, as a unit's switch says it; only who lives alone leaves an empty home.

        Every unit of the home knows of it, and a homecoming that was received first ends it all the same.
        """
        resident = self._alone.get(signal.hub_id)
        if resident is None:
            return
        at, absences = signal.effective_at, self._absences.setdefault(resident, [])
        returns = self._returns.setdefault(resident, [])
        if signal.type == HOME:
            returns.append(at)
            absences[:] = [
                replace(absence, until_at=at) if absence.covers(at) else absence for absence in absences
            ]
        else:
            ends = [back for back in returns if back >= at]
            absences.append(Absence(len(absences), Why.AWAY, at, min([*ends, at + AWAY_AT_THE_UNIT])))

    def _take_fault(self, signal: Signal, meaning: Meaning, key: tuple[str, str | None, str]) -> None:
        watched = self._faults.get(key)
        if watched is None:
            watched = self._faults[key] = _Watched(Fault(signal.hub_id, signal.device or "", meaning.kind))
        self._look(watched, signal.device, signal.received_at, at_once=False)
        if meaning.act is Act.FAIL:
            watched.fault = failed(watched.fault, signal.effective_at, signal.received_at, signal.event_id)
            return
        watched.fault = restored(watched.fault, signal.effective_at)
        if watched.open is not None and not watched.fault.failing:
            watched.closed.append(replace(watched.open, stood_down_at=signal.received_at))
            watched.open = None

    def finish(self, until: datetime) -> None:
        """Raises what falls due by the end."""
        for (_, device, _), watched in self._faults.items():
            self._look(watched, device, until, at_once=True)

    def _look(self, watched: _Watched, device: str | None, now: datetime, *, at_once: bool) -> None:
        """Looks at the fault at each moment that asks for it before `now`, and at `now` itself if `at_once`.

        Not at the moment of a further signal: a restoring one that arrives as the fault falls due is in time.
        """
        at = watched.fault.next_check_at
        while at is not None and (at <= now if at_once else at < now):
            said = judge(watched.fault, self._battery(watched.fault.hub_id, at), at)
            if said.raise_at is not None:
                watched.open = HomeAlert(
                    watched.fault.kind,
                    Priority.TECHNICAL,
                    watched.fault.hub_id,
                    device,
                    said.raise_at,
                    said.reason,
                )
            at = said.look_at
        watched.fault = replace(watched.fault, next_check_at=at)

    def _battery(self, hub_id: str, at: datetime) -> float | None:
        said = self._batteries.get(hub_id, ())
        position = bisect_right(said, at, key=lambda word: word[0]) - 1
        return said[position][1] if position >= 0 else None

    def alerts(self) -> list[HomeAlert]:
        """All that was raised."""
        faults = [
            alert
            for watched in self._faults.values()
            for alert in (*watched.closed, watched.open)
            if alert is not None
        ]
        return [*self._raised.values(), *faults]
