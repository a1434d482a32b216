"""Rotas and quiet hours as their rows hold them: plain JSON, out and in again. Pure."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from alerts.rota import Holiday, Hours, Rota, Shift, Swap

Json = Mapping[str, Any]


def hours_to_json(hours: Hours) -> dict[str, Any]:
    """Hours as JSON."""
    return {"from": f"{hours.starts:%H:%M}", "until": f"{hours.ends:%H:%M}", "days": sorted(hours.days)}


def hours_from_json(row: Json) -> Hours:
    """Hours from what `hours_to_json` made."""
    return Hours(time.fromisoformat(row["from"]), time.fromisoformat(row["until"]), frozenset(row["days"]))


def rota_to_json(rota: Rota) -> dict[str, Any]:
    """A rota as JSON."""
    return {
        "weekly": [_shift(shift) for shift in rota.weekly],
        "calendar": rota.calendar,
        "holidays": [
            {"date": holiday.day.isoformat(), "shifts": [_shift(shift) for shift in holiday.shifts]}
            for holiday in rota.holidays
        ],
        "swaps": [
            {
                "from": swap.first.isoformat(),
                "until": swap.last.isoformat(),
                "who": swap.who,
                "for": swap.instead_of,
            }
            for swap in rota.swaps
        ],
    }


def rota_from_json(row: Json) -> Rota:
    """A rota from what `rota_to_json` made."""
    return Rota(
        weekly=_shifts(row.get("weekly", ())),
        calendar=row.get("calendar"),
        holidays=tuple(
            Holiday(date.fromisoformat(each["date"]), _shifts(each["shifts"]))
            for each in row.get("holidays", ())
        ),
        swaps=tuple(_swap(each) for each in row.get("swaps", ())),
    )


def _shift(shift: Shift) -> dict[str, Any]:
    return {"contact": shift.contact, **hours_to_json(shift.hours)}


def _swap(row: Json) -> Swap:
    first, last = date.fromisoformat(row["from"]), date.fromisoformat(row["until"])
    return Swap(first, last, row["who"], row["for"])


def _shifts(rows: Any) -> tuple[Shift, ...]:
    return tuple(Shift(row["contact"], hours_from_json(row)) for row in rows)
