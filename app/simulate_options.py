"""Options that several of the commands of `threshold sim` share."""

from pathlib import Path
from typing import Annotated

import typer

BrokerUrl = Annotated[
    str | None,
    typer.Option("--broker", help="mqtt://host:port or mqtts://host:port; else the setting mqtt_url."),
]
Rosters = Annotated[list[Path] | None, typer.Option("--roster", help="Roster files with further visits.")]
Passwords = Annotated[
    Path | None, typer.Option("--passwords", help="File with a line HUB:PASSWORD for each hub.")
]
CaFile = Annotated[Path | None, typer.Option("--ca", help="Certificate authority for mqtts.")]
LedgerFile = Annotated[
    Path | None, typer.Option("--ledger", help="Append what homes say, and their receipts.")
]
Headless = Annotated[bool, typer.Option("--headless", help="Print JSON lines and no picture.")]
Within = Annotated[
    float, typer.Option("--within", min=0.1, help="Seconds in which every home must be connected.")
]
FaultShares = Annotated[
    list[str] | None,
    typer.Option("--fault", metavar="NAME=SHARE", help="What goes wrong on the way; may be given again."),
]
Sizes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another magnitude; may be given again."),
]
