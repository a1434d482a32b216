"""`threshold sim …`: scenarios by name, and the commands that make, play and score whole worlds."""

from typing import Any

import typer
from typer.core import TyperGroup

from app.simulate import simulate
from app.simulate_fleet import live
from app.simulate_home import drive
from app.simulate_load import load
from app.simulate_report import write_report
from app.simulate_world import show_score, write_world

PLAY, LIVE, LOAD = "play", "live", "load"


class _Simulations(TyperGroup):
    """A group whose words are commands or, when they are none, scenarios to play.

    `threshold sim pendant` is short for `threshold sim play pendant`, `threshold sim --homes 20 …` for
    `threshold sim live --homes 20 …`, and with a `--rate` for `threshold sim load …`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] != "--help"):
            options = {word.partition("=")[0] for word in args}
            args = [LOAD if "--rate" in options else LIVE if "--homes" in options else PLAY, *args]
        return super().parse_args(ctx, args)


cli = typer.Typer(
    name="sim",
    cls=_Simulations,
    help="Simulated homes: scenarios by name, whole worlds from a seed, and how they were judged.",
)
cli.command(PLAY)(simulate)
cli.command(LIVE)(live)
cli.command("home")(drive)
cli.command(LOAD)(load)
cli.command("world")(write_world)
cli.command("score")(show_score)
cli.command("report")(write_report)
