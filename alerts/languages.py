"""The languages that messages speak: what templates cannot hold, because it stands in many of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts.model import Priority, VisitAlertKind

DEFAULT_LANGUAGE: Final = "en"


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `alarms` are kinds of alerts, `by_priority` what is said of every other kind."""

    code: str
    visits: Mapping[str, str]
    urgency: Mapping[str, str]
    alarms: Mapping[str, str]
    by_priority: Mapping[int, str]
    roles: Mapping[str, str]
    states: Mapping[str, str]
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    on: str

    def what(self, kind: str, priority: int) -> str:
        """What happened, without a clinical word (domain/visits.md §7)."""
        known = self.visits.get(kind) or self.alarms.get(kind) or self.by_priority.get(priority)
        return known or self.by_priority[Priority.LIFE_SAFETY]

    def moment(self, local: datetime) -> str:
        """A local time: '10:07 on Tuesday 21 July'."""
        day = f"{self.weekdays[local.weekday()]} {local.day} {self.months[local.month - 1]}"
        return f"{local:%H:%M} {self.on} {day}" if self.on else f"{local:%H:%M} {day}"

    def party(self, name: str, role: str, state: str, at: str) -> str:
        """How another party stands: 'Elm Housing (housing): acknowledged 10:07 on …'."""
        return f"{name} ({self.roles[role]}): {self.states[state]}{' ' + at if at else ''}"


ENGLISH: Final = Language(
    code="en",
    visits={
        VisitAlertKind.LATE: "is late",
        VisitAlertKind.MISSED: "was not made",
        VisitAlertKind.UNVERIFIED: "cannot be confirmed",
        VisitAlertKind.PART_ATTENDED: "was made by fewer carers than planned",
    },
    urgency={
        "critical": "very urgent",
        "essential": "urgent",
        "standard": "soon, please",
        "flexible": "today, please",
    },
    alarms={
        **dict.fromkeys(("alarm.smoke", "alarm.heat", "alarm.co", "alarm.gas"), "a fire or gas alarm"),
        "alarm.unreadable": "a message that looks like an alarm and cannot be read",
        "hub.silent": "a unit that has fallen silent",
        "area.silent": "an area whose units have fallen silent",
        "area.mains": "an area without mains power",
        "door.forced": "a forced door",
        "door.held": "a door held open",
        "door.call": "an unexpected caller at a door",
        "service.fault": "a fault of the alarm service itself",
    },
    by_priority={
        Priority.LIFE_SAFETY: "a call for help",
        Priority.WELFARE: "a welfare alarm",
        Priority.ACCESS: "a call at a door",
        Priority.TECHNICAL: "a fault of the equipment",
    },
    roles={
        "landlord": "housing",
        "care_provider": "care provider",
        "monitoring_centre": "monitoring centre",
        "commissioner": "council",
    },
    states={"open": "not answered yet", "acknowledged": "acknowledged", "closed": "closed"},
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
    on="on",
)

WELSH: Final = Language(
    code="cy",
    visits={
        VisitAlertKind.LATE: "yn hwyr",
        VisitAlertKind.MISSED: "heb ei wneud",
        VisitAlertKind.UNVERIFIED: "heb ei gadarnhau",
        VisitAlertKind.PART_ATTENDED: "wedi'i wneud gan lai o ofalwyr nag a gynlluniwyd",
    },
    urgency={
        "critical": "brys iawn",
        "essential": "brys",
        "standard": "yn fuan, os gwelwch yn dda",
        "flexible": "heddiw, os gwelwch yn dda",
    },
    alarms={
        **dict.fromkeys(("alarm.smoke", "alarm.heat", "alarm.co", "alarm.gas"), "larwm tân neu nwy"),
        "alarm.unreadable": "neges sy'n edrych fel larwm ac na ellir ei darllen",
        "hub.silent": "uned sydd wedi mynd yn dawel",
        "area.silent": "ardal y mae ei hunedau wedi mynd yn dawel",
        "area.mains": "ardal heb drydan o'r prif gyflenwad",
        "door.forced": "drws wedi'i orfodi",
        "door.held": "drws yn cael ei ddal ar agor",
        "door.call": "galwr annisgwyl wrth ddrws",
        "service.fault": "nam ar y gwasanaeth larwm ei hun",
    },
    by_priority={
        Priority.LIFE_SAFETY: "galwad am gymorth",
        Priority.WELFARE: "larwm lles",
        Priority.ACCESS: "galwad wrth ddrws",
        Priority.TECHNICAL: "nam ar yr offer",
    },
    roles={
        "landlord": "tai",
        "care_provider": "darparwr gofal",
        "monitoring_centre": "canolfan fonitro",
        "commissioner": "cyngor",
    },
    states={"open": "heb ateb eto", "acknowledged": "wedi cydnabod", "closed": "wedi cau"},
    weekdays=(
        *("ddydd Llun", "ddydd Mawrth", "ddydd Mercher", "ddydd Iau"),
        *("ddydd Gwener", "ddydd Sadwrn", "ddydd Sul"),
    ),
    months=(
        *("Ionawr", "Chwefror", "Mawrth", "Ebrill", "Mai", "Mehefin", "Gorffennaf"),
        *("Awst", "Medi", "Hydref", "Tachwedd", "Rhagfyr"),
    ),
    on="",
)

LANGUAGES: Final[Mapping[str, Language]] = {language.code: language for language in (ENGLISH, WELSH)}
