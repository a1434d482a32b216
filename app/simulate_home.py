"""`threshold sim home HUB`: one home driven by keys on a terminal, or by lines from a pipe."""

import asyncio
import os
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from app.clock import system_clock
from app.errors import Fault
from app.homes import home_spec, next_visit_of, upcoming_visits
from app.logs import configure_logs
from app.settings import LogSettings, load_settings
from app.simulate import CONNECT_WITHIN, RECEIPTS_WITHIN, broker_named, estate_in, passwords_in
from app.simulate_options import BrokerUrl, CaFile, LedgerFile, Rosters
from device_sim.clock import RealClock
from device_sim.home import Home
from device_sim.ledger import Ledger
from device_sim.manual import Driver
from device_sim.spec import HomeSpec
from device_sim.wire import Broker
from device_sim.world.people import DEVICES


def drive(
    context: typer.Context,
    hub: Annotated[str, typer.Argument(help="The hub's id, which is also its account at the broker.")],
    broker: BrokerUrl = None,
    estate: Annotated[
        Path | None, typer.Option(help="The estate file that says what there is in the home.")
    ] = None,
    roster: Rosters = None,
    credential: Annotated[
        Path | None, typer.Option(help="File with the hub's password, or with lines HUB:PASSWORD.")
    ] = None,
    username: Annotated[
        str | None, typer.Option(help="The account, at a broker where it is not the hub's id.")
    ] = None,
    ca_file: CaFile = None,
    cert_file: Annotated[
        Path | None, typer.Option("--cert", help="The hub's own certificate, where the broker asks for one.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option("--key", help="The key of that certificate.")] = None,
    ledger: LedgerFile = None,
) -> None:
    """Gives one home into your hands: keys on a terminal, lines of words from a pipe; `help` lists them."""
    settings = load_settings(context.obj)
    configure_logs(LogSettings(level="warning", format=settings.log.format))
    where = broker_named(broker or settings.broker, settings.mqtt.root, ca_file, cert_file, key_file)
    spec = replace(_home(hub, estate, roster or []), username=username, password=_password(credential, hub))
    try:
        book = None if ledger is None else Ledger(ledger)
    except OSError as error:
        raise Fault(f"{ledger}: {error.strerror}") from None
    try:
        asyncio.run(_driven(spec, where, book))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    finally:
        if book is not None:
            book.close()


def _home(hub: str, estate: Path | None, rosters: list[Path]) -> HomeSpec:
    """The home of the estate file; without one, a home with the usual devices."""
    if estate is None:
        if rosters:
            raise typer.BadParameter("--roster says something of an estate, and none is named")
        return HomeSpec(hub, DEVICES)
    known, rows = estate_in(estate, rosters)
    if hub not in known.hubs:
        raise Fault(f"{estate}: the estate has no hub {hub!r}")
    found = known.hubs[hub]
    return home_spec(known, found, next_visit_of(found, upcoming_visits(known, rows, system_clock())))


def _password(path: Path | None, hub: str) -> str | None:
    """The hub's password in a file that holds it alone, or beside those of others."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{path}: {getattr(error, 'strerror', None) or 'not text'}") from None
    if ":" not in text and "\n" not in text and text:
        return text
    known = passwords_in(path)
    if hub not in known:
        raise Fault(f"{path}: holds no password of {hub}")
    return known[hub]


async def _driven(spec: HomeSpec, broker: Broker, ledger: Ledger | None) -> None:
    clock = RealClock(system_clock)
    async with Home(spec, broker, clock, ledger=ledger) as home:
        driver = Driver(home, clock, typer.echo)
        try:
            await home.connected(CONNECT_WITHIN)
        except TimeoutError as error:
            raise Fault(f"{broker}: {error}") from None
        await home.heartbeats()
        if sys.stdin.isatty():
            await _by_keys(driver)
        else:
            await _by_lines(driver)


async def _by_lines(driver: Driver) -> None:
    """Lines of a pipe or a file, to its end; what is owed then is waited for. A wrong line ends it."""
    number = 0
    try:
        async for line in _told(_line_reader(sys.stdin.fileno())):
            number += 1
            if not await driver.obey(line):
                break
        if driver.home.hub.link.up:
            await driver.obey(f"receipts {RECEIPTS_WITHIN:g}")
    except (ValueError, TimeoutError) as error:
        raise Fault(f"line {number}: {error}") from None
    await driver.obey("state")


async def _by_keys(driver: Driver) -> None:
    """A key is a line, and a colon begins any other; a wrong one is told, and nothing else happens."""
    with _single_keys(sys.stdin.fileno()) as read_key:
        typer.echo(_legend(driver))
        async for key in _told(read_key):
            line = driver.keys().get(key, "")
            if line:
                typer.echo(f"   {line}")
            elif key == "?":
                typer.echo(_legend(driver))
            elif key.startswith(":"):
                line = key[1:]
            try:
                if not await driver.obey(line):
                    return
            except (ValueError, TimeoutError) as error:
                typer.echo(str(error))


def _legend(driver: Driver) -> str:
    keys = [f"{key}  {line}" for key, line in driver.keys().items()]
    half = -(-len(keys) // 2)
    rows = [f"  {left:32}{right}" for left, right in zip(keys[:half], [*keys[half:], ""], strict=False)]
    return "\n".join(
        [f"{driver.home.spec.hub}: a key, or : and a line (help lists the words); ? this", *rows]
    )


async def _told(read: Callable[[], str]) -> AsyncIterator[str]:
    """What `read` gives, until it gives nothing. It waits in a thread, which ends with the program."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[str] = asyncio.Queue()

    def listen() -> None:
        told = read()
        while told:
            loop.call_soon_threadsafe(heard.put_nowait, told)
            told = read()
        loop.call_soon_threadsafe(heard.put_nowait, "")

    threading.Thread(target=listen, daemon=True).start()
    while told := await heard.get():
        yield told


def _line_reader(file: int) -> Callable[[], str]:
    """Reads line by line. Not through `sys.stdin`: a thread that waits there would hold up the end."""
    left = bytearray()

    def read() -> str:
        while (end := left.find(b"\n")) < 0:
            more = os.read(file, 65_536)
            if not more:
                end = len(left) - 1
                break
            left.extend(more)
        line = bytes(left[: end + 1])
        del left[: end + 1]
        return line.decode("utf-8", "replace")

    return read


@contextmanager
def _single_keys(file: int) -> Iterator[Callable[[], str]]:
    """Reads key by key while the block runs; after a colon a whole line, with the terminal's own editing."""
    before = termios.tcgetattr(file)

    def read() -> str:
        key = os.read(file, 1).decode("utf-8", "replace")
        if key != ":":
            return key
        termios.tcsetattr(file, termios.TCSADRAIN, before)
        os.write(sys.stdout.fileno(), b":")
        line = os.read(file, 4096).decode("utf-8", "replace")
        tty.setcbreak(file)
        return f":{line}"

    tty.setcbreak(file)
    try:
        yield read
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)
