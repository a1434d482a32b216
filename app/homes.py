"""From an estate to simulated homes: which hub, which devices, who comes, and to which visit."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from math import inf

from care.model import Carer, Estate, Hub, Plan, RosterRow, Visit
from care.planning import occurrences, visit_of_row
from care.walltime import local_date
from device_sim.scenario import RoleNeeds, Scenario
from device_sim.spec import DeviceSpec, HomeSpec, VisitTimes

AHEAD = timedelta(days=7)
"""How far ahead a visit is looked for. A scenario that would wait for longer helps nobody."""


def upcoming_visits(estate: Estate, rows: Mapping[str, RosterRow], now: datetime) -> Iterator[Visit]:
    """The planned visits that start in the next seven days, in no order; cancelled ones are left out."""
    for package in estate.packages.values():
        dwelling = estate.dwellings[estate.residents[package.resident_id].dwelling_id]
        today = local_date(now, dwelling.time_zone)
        made = occurrences(package, dwelling, today - timedelta(days=1), today + AHEAD)
        yield from (visit for visit in made if visit.ref not in rows and now <= visit.start_at < now + AHEAD)
    for row in rows.values():
        package = estate.packages[row.package_id]
        visit = visit_of_row(
            row, package, estate.dwellings[estate.residents[package.resident_id].dwelling_id]
        )
        if visit.plan is Plan.PLANNED and now <= visit.start_at < now + AHEAD:
            yield visit


def home_spec(estate: Estate, hub: Hub, visit: Visit | None = None, password: str | None = None) -> HomeSpec:
    """One hub as a home to simulate. With a visit its carers get roles: `carer`, `second_carer`, …

    Those named in the roster come first, then others of that provider; `other_provider` is a carer of
    another one. Carers without a credential cannot be told apart and have no role.
    """
    return HomeSpec(
        hub=hub.id,
        devices=tuple(
            DeviceSpec(device.id, device.kind, device.scope.value if device.scope else "dwelling")
            for device in hub.devices
        ),
        heartbeat_every=hub.heartbeat_every,
        carers={} if visit is None else _roles(estate.carers.values(), visit),
        visit=None if visit is None else _times(estate, visit),
        password=password,
    )


def _times(estate: Estate, visit: Visit) -> VisitTimes:
    away = any(
        each.resident_id == visit.resident_id and each.covers(visit.start_at) for each in estate.suspensions
    )
    wall = f"{visit.service_date} {visit.start_wall:%H:%M}"
    return VisitTimes(visit.start_at, visit.end_at, wall, away)


def next_visit_of(hub: Hub, visits: Iterable[Visit]) -> Visit | None:
    """The visit that starts soonest in a hub's dwelling, or None."""
    return _next_by_dwelling(visits).get(hub.dwelling_id or "")


def cast(
    scenario: Scenario,
    estate: Estate,
    visits: Iterable[Visit],
    *,
    chosen: Mapping[str, str],
    taken: frozenset[str] = frozenset(),
    passwords: Mapping[str, str] | None = None,
) -> dict[str, HomeSpec]:
    """A home for each role of a scenario: the `chosen` hub (by role), else the first that can play it.

    Where a visit is needed the home whose visit starts soonest is first. `taken` hubs are passed over.
    Raises ValueError with one sentence when a role cannot be filled.
    """
    next_visit = _next_by_dwelling(visits)
    known = passwords or {}
    candidates = [
        home_spec(estate, hub, next_visit.get(hub.dwelling_id or ""), known.get(hub.id))
        for hub in estate.hubs.values()
    ]
    for role in chosen:
        if role not in scenario.roles:
            raise ValueError(f"{scenario.name} has no role {role!r}; it has: {', '.join(scenario.roles)}")
    cast_list: dict[str, HomeSpec] = {}
    used = set(taken) | set(chosen.values())
    for role, needs in scenario.roles.items():
        if role in chosen:
            cast_list[role] = _chosen(scenario, role, chosen[role], candidates)
            continue
        fit = [spec for spec in candidates if spec.hub not in used and scenario.unfit(role, spec) is None]
        if needs.visit:
            fit.sort(key=lambda spec: spec.visit.start.timestamp() if spec.visit else inf)
        if not fit:
            raise ValueError(
                f"no free home of the estate can play {role!r} in {scenario.name}: {_lacks(needs)}"
            )
        cast_list[role] = fit[0]
        used.add(fit[0].hub)
    return cast_list


def _chosen(scenario: Scenario, role: str, hub: str, candidates: list[HomeSpec]) -> HomeSpec:
    for spec in candidates:
        if spec.hub == hub:
            if (why := scenario.unfit(role, spec)) is not None:
                raise ValueError(why)
            return spec
    raise ValueError(f"the estate has no hub {hub!r}")


def _lacks(needs: RoleNeeds) -> str:
    wants = [*needs.devices, *needs.carers]
    if needs.visit:
        suspended, planned = "a suspended visit" if needs.suspended else "a visit", needs.planned
        wants.append(
            f"{suspended} planned for {planned}" if planned else f"{suspended} in the next seven days"
        )
    return f"it needs {', '.join(wants) or 'a hub'}"


def _next_by_dwelling(visits: Iterable[Visit]) -> dict[str, Visit]:
    found: dict[str, Visit] = {}
    for visit in visits:
        before = found.get(visit.dwelling_id)
        if before is None or (visit.start_at, visit.ref) < (before.start_at, before.ref):
            found[visit.dwelling_id] = visit
    return found


def _roles(carers: Iterable[Carer], visit: Visit) -> dict[str, str]:
    with_credential = [carer for carer in carers if carer.credentials]
    own = [carer for carer in with_credential if carer.provider_id == visit.provider_id]
    named = {carer: place for place, carer in enumerate(visit.carers)}
    own.sort(key=lambda carer: named.get(carer.id, len(named)))
    roles = dict(
        zip(("carer", "second_carer", "third_carer"), (each.credentials[0] for each in own), strict=False)
    )
    for carer in with_credential:
        if carer.provider_id != visit.provider_id:
            roles["other_provider"] = carer.credentials[0]
            break
    return roles
