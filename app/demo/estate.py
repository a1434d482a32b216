"""The demonstration estate: two landlords, two providers, a monitoring centre, a council, twenty homes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

HEARTBEAT = timedelta(seconds=20)
"""Twenty times as often as in life, so that a silent hub is noticed while one watches."""


@dataclass(frozen=True, slots=True)
class DemoHome:
    """One home of the demonstration and who looks after the person in it."""

    number: int
    resident: str
    name: str
    landlord: str
    scheme: str
    address: str
    provider: str
    tier: str

    @property
    def dwelling(self) -> str:
        """Its id in the estate file."""
        return f"{self.scheme}-{self.number}"

    @property
    def hub(self) -> str:
        """The id of its hub."""
        return f"hub-{self.number:02}"

    @property
    def package(self) -> str:
        """The id of its care package."""
        return f"pkg-{self.resident}"


_NAMES = (
    ("ada", "Ada Byrne"),
    ("winston", "Winston Clarke"),
    ("maureen", "Maureen Doyle"),
    ("gurdeep", "Gurdeep Singh"),
    ("irene", "Irene Walsh"),
    ("tadeusz", "Tadeusz Nowak"),
    ("beryl", "Beryl Hughes"),
    ("amina", "Amina Yusuf"),
    ("stanley", "Stanley Moss"),
    ("lakshmi", "Lakshmi Rao"),
    ("doreen", "Doreen Pike"),
    ("kwame", "Kwame Mensah"),
    ("eileen", "Eileen Harte"),
    ("rashid", "Rashid Khan"),
    ("vera", "Vera Lindqvist"),
    ("george", "George Abbott"),
    ("siobhan", "Siobhan Quinn"),
    ("mei", "Mei Chen"),
    ("alfred", "Alfred Tanner"),
    ("olga", "Olga Petrenko"),
)
_CARERS = {
    "brightcare": (
        ("joy", "Joy Okafor"),
        ("liam", "Liam Reid"),
        ("priya", "Priya Nair"),
        ("tom", "Tom Ashby"),
    ),
    "kindred": (
        ("marta", "Marta Silva"),
        ("dele", "Dele Adeyemi"),
        ("ruth", "Ruth Cole"),
        ("sam", "Sam Ferris"),
    ),
}
_TIERS = ("essential", "critical", "standard", "essential")


def homes() -> list[DemoHome]:
    """The twenty homes: twelve flats of Elm Court, eight of Harbour View."""
    found = []
    for index, (resident, name) in enumerate(_NAMES):
        number = index + 1
        elm = number <= 12
        found.append(
            DemoHome(
                number=number,
                resident=resident,
                name=name,
                landlord="elm-housing" if elm else "harbour-homes",
                scheme="elm-court" if elm else "harbour-view",
                address=f"Flat {number}, Elm Court" if elm else f"{number - 12} Harbour View",
                provider="brightcare" if index % 2 == 0 else "kindred",
                tier=_TIERS[index % len(_TIERS)],
            )
        )
    return found


def fob(carer: str) -> str:
    """The credential of a carer of the demonstration."""
    index = [name for carers in _CARERS.values() for name, _ in carers].index(carer)
    return f"fob:0DE{index:03}"


def carers_of(provider: str) -> list[str]:
    """The ids of a provider's carers."""
    return [carer for carer, _ in _CARERS[provider]]


def estate_yaml() -> str:
    """The estate file (contract §3); every household's visits come as roster rows."""
    heartbeat = f"PT{int(HEARTBEAT.total_seconds())}S"
    return yaml.safe_dump(
        {
            "organisations": _organisations(),
            "dwellings": [
                {
                    "id": home.dwelling,
                    "landlord": home.landlord,
                    "scheme": home.scheme,
                    "address": home.address,
                    "time_zone": "Europe/London",
                }
                for home in homes()
            ],
            "residents": [
                {
                    "id": home.resident,
                    "dwelling": home.dwelling,
                    "name": home.name,
                    "monitoring_centre": "northgate",
                    "commissioner": "borough",
                }
                for home in homes()
            ],
            "hubs": [
                {
                    "id": home.hub,
                    "dwelling": home.dwelling,
                    "heartbeat_every": heartbeat,
                    "devices": [
                        {"id": "pendant-1", "kind": "pendant"},
                        {"id": "cord-1", "kind": "pull_cord"},
                        {"id": "smoke-1", "kind": "smoke_detector"},
                        {"id": "panel-1", "kind": "door_panel", "scope": "dwelling"},
                    ],
                }
                for home in homes()
            ],
            "carers": [
                {"id": carer, "provider": provider, "name": name, "credentials": [fob(carer)]}
                for provider, carers in _CARERS.items()
                for carer, name in carers
            ],
            "packages": [
                {
                    "id": home.package,
                    "resident": home.resident,
                    "provider": home.provider,
                    "tier": home.tier,
                    "visits": [],
                }
                for home in homes()
            ],
        },
        sort_keys=False,
        allow_unicode=True,
    )


def _organisations() -> list[dict[str, Any]]:
    def contact(name: str, email: str) -> dict[str, Any]:
        return {"name": name, "email": email}

    return [
        {
            "id": "elm-housing",
            "kind": "landlord",
            "name": "Elm Housing",
            "contacts": [contact("Duty housing officer", "duty@elm.example")],
        },
        {
            "id": "harbour-homes",
            "kind": "landlord",
            "name": "Harbour Homes",
            "contacts": [contact("Neighbourhood team", "team@harbour.example")],
        },
        {
            "id": "brightcare",
            "kind": "care_provider",
            "name": "BrightCare",
            "contacts": [contact("On-call coordinator", "oncall@bright.example")],
        },
        {
            "id": "kindred",
            "kind": "care_provider",
            "name": "Kindred Care",
            "contacts": [contact("Care manager", "manager@kindred.example")],
        },
        {
            "id": "northgate",
            "kind": "monitoring_centre",
            "name": "Northgate Lifeline",
            "contacts": [contact("Supervisor", "supervisor@northgate.example")],
        },
        {"id": "borough", "kind": "commissioner", "name": "Northgate Borough Council"},
    ]


SIGN_INS = (
    ("northgate", "operator", "Kim Adair"),
    ("brightcare", "care_manager", "Grace Lowe"),
    ("kindred", "care_manager", "Ines Duarte"),
    ("elm-housing", "housing_officer", "Martin Shaw"),
    ("harbour-homes", "housing_officer", "Fern Oakes"),
    ("northgate", "engineer", "Pat Rowan"),
)
"""(organisation, role, name) of those who can sign in to the demonstration."""
