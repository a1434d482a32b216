"""SIGKILL of the intake, the broker and PostgreSQL in turn while homes speak; what came of it, as JSON.

python -m tests.acceptance.kills [--kills 20] [--events 50000]

Exit status 1 when anything was lost, doubled, or receipted without being there.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.embedded import EmbeddedPostgres
from device_sim.ledger import Ledger, read_ledger
from tests.acceptance.kill_scene import HOMES, Scene, kill_scene, until

PER_SECOND = 400
RECEIPTS_WITHIN = 300.0
"""Seconds after which a run gives up waiting for receipts; hubs pause up to a minute between tries."""
PRESSES = 2
"""Of each home's pendant at each kill."""


@dataclass(frozen=True)
class Outcome:
    """What a run of kills came to; all but the first three and the last must be nought."""

    kills: int
    said: int
    committed: int
    lost: int
    doubled: int
    false_receipts: int
    never_said: int
    rejected: int
    alarms_without_alert: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing doubled, no receipt that lied, every alarm with its alert."""
        faults = (self.lost, self.doubled, self.false_receipts, self.never_said, self.rejected)
        return not any(faults) and not self.alarms_without_alert


async def run(directory: Path, *, kills: int, events: int) -> Outcome:
    """Lets homes say so many events, and kills one after the other, evenly, while they do."""
    began = time.monotonic()
    with EmbeddedPostgres(directory / "postgres") as database:
        async with kill_scene(database, directory) as scene:
            await asyncio.to_thread(scene.start_intake)
            lies = await _talk_and_kill(scene, directory / "ledger.jsonl", kills, events)
            scene.intake.stop()
            return _account(scene, directory / "ledger.jsonl", kills, lies, time.monotonic() - began)


async def _talk_and_kill(scene: Scene, book: Path, kills: int, events: int) -> int:
    lies = 0
    victims = itertools.cycle([scene.kill_intake, scene.kill_broker, scene.kill_database])
    with Ledger(book) as ledger:
        async with scene.fleet(ledger) as fleet:
            talking = asyncio.create_task(
                fleet.talk(per_second=PER_SECOND, seconds=events / PER_SECOND, device="panel-1")
            )
            for number, kill in zip(range(kills), victims, strict=False):
                enough = events * (2 * number + 1) // (2 * kills)
                await until(lambda enough=enough: scene.number() >= enough, talking)  # type: ignore[misc]
                await asyncio.gather(*(home.presses("pendant-1", PRESSES) for home in fleet))
                await asyncio.to_thread(kill)
                lies += len(await asyncio.to_thread(scene.lies, book))
            await talking
            await fleet.all_receipted(RECEIPTS_WITHIN)
    return lies


def _account(scene: Scene, book: Path, kills: int, lies: int, seconds: float) -> Outcome:
    account = read_ledger(book)
    committed = scene.committed()
    calling = scene.query("SELECT count(DISTINCT hub_id) FROM alert WHERE kind = 'alarm.pendant'")
    return Outcome(
        kills=kills,
        said=len(account.said),
        committed=committed.total(),
        lost=len(set(account.said) - set(committed)),
        doubled=sum(number - 1 for number in committed.values()),
        false_receipts=lies + len(set(account.stored) - set(committed)),
        never_said=len(set(committed) - set(account.said)),
        rejected=len(scene.query("SELECT id FROM rejected")),
        alarms_without_alert=(HOMES if kills else 0) - int(str(calling[0][0])),
        seconds=round(seconds, 1),
    )


def main() -> int:
    """The long form: prints one JSON object."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--events", type=int, default=50_000)
    given = arguments.parse_args()
    with TemporaryDirectory(prefix="threshold-kills-") as folder:
        Path(folder).chmod(0o755)  # the database and the broker run as users of their own
        outcome = asyncio.run(run(Path(folder), kills=given.kills, events=given.events))
    sys.stdout.write(json.dumps(asdict(outcome), indent=2) + "\n")
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
