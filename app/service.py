"""`threshold run`: builds the roles, runs them until told to stop, and takes them down in reverse order."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import dict_row

from api.live import Broadcast
from app.brokers import broker_of
from app.clock import Clock
from app.errors import Fault
from app.listen import listen
from app.loops import run_loop, schedule_ticks
from app.role import Role
from app.roles import Letters, build_http, build_ingest, build_loops
from app.settings import Settings
from db.migrate import pending
from db.pool import make_pool
from db.wake import COMMANDS, LIVE

log = structlog.get_logger(__name__)

WAIT_FOR_DATABASE = 2.0
"""Seconds between looks for a database that is not there yet, or whose schema is behind."""
POOL_SIZE = 10
"""Connections of one process's sweeps and deliveries at most; intake has its own."""
REQUESTS_POOL_SIZE = 10
REQUEST_WAITS = 5.0
"""Seconds. Requests have connections of their own, that no sweep keeps; past this a console hears 503."""
GONE_AFTER = 20
"""Seconds after which a console that answers no packet any more is taken for gone."""
SHUTDOWN_SECONDS = 15.0
"""Seconds that roles have to finish what is in hand; what is cut off then is taken up by the next start."""


def bind(host: str, port: int) -> socket.socket:
    """The socket that the API will listen on. Raises Fault in one line when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit both: a live stream to a laptop that was closed must not stay for two hours.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER * 1000)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Fault(f"cannot listen on {host}:{port}: {error.strerror}; choose another port") from None
    return listener


async def wait_for_database(url: str, stop: asyncio.Event) -> bool:
    """True once the database answers and its schema is at head; False when stopped. Says what it awaits."""
    said = ""
    while not stop.is_set():
        try:
            async with await AsyncConnection.connect(url, autocommit=True, row_factory=dict_row) as conn:
                lacking = await pending(conn)
            if not lacking:
                return True
            reason = f"the schema lacks {len(lacking)} migrations: run `threshold migrate`"
        except OperationalError as error:
            reason = str(error).strip().splitlines()[-1]
        if reason != said:
            log.warning("waiting for the database", reason=reason)
            said = reason
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WAIT_FOR_DATABASE)
    return False


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: signals are handled at the very top, once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says when connections are accepted."""
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(application: Any, listener: socket.socket, settings: Settings) -> AsyncIterator[None]:
    """Serves HTTP on `listener` while the block runs."""
    server = _Server(
        uvicorn.Config(
            application,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=3,
            forwarded_allow_ips=settings.api.forwarded_allow_ips,
            server_header=False,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    try:
        await server.up.wait()
        yield
    finally:
        server.should_exit = True
        await task


class Service:
    """Some roles in one process, on a database and a broker that stand already.

    `ready` is set once everything runs. `letters` gives the console caught mail to show (demonstrations).
    """

    def __init__(
        self, settings: Settings, roles: Collection[Role], clock: Clock, letters: Letters | None = None
    ) -> None:
        self.settings = settings
        self.roles = frozenset(roles)
        self.clock = clock
        self.letters = letters
        self.instance = f"{socket.gethostname()}:{os.getpid()}"
        self.ready = asyncio.Event()
        self.address: str | None = None
        """Where the API is, once it listens; with port 0 the system chooses one."""

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop`. Raises Fault for what only a person can mend; waits for everything else."""
        async with AsyncExitStack() as stack:
            listener = None
            if Role.API in self.roles:
                listener = bind(self.settings.api.host, self.settings.api.port)
                self.address = f"http://{self.settings.api.host}:{listener.getsockname()[1]}"
                stack.callback(listener.close)
            if Role.INGEST in self.roles:
                broker_of(self.settings)  # an address that is none is said before anything is waited for
            if not await wait_for_database(self.settings.database, stop):
                return
            url = self.settings.database
            pool = make_pool(url, name=self.instance, max_size=POOL_SIZE)
            asked = make_pool(
                url, name=f"{self.instance} api", max_size=REQUESTS_POOL_SIZE, timeout=REQUEST_WAITS
            )
            for connections in (pool, asked) if listener is not None else (pool,):
                await connections.open()
                stack.push_async_callback(connections.close)
            tasks = await stack.enter_async_context(_tasks(stop))
            wakers: dict[str, list[asyncio.Event]] = {}

            loops = build_loops(self.settings, self.roles, pool, self.clock)
            for loop in loops:
                tasks.append(
                    _task(f"loop {loop.name}", run_loop(loop, pool, self.clock, self.instance, stop))
                )
                if loop.wake_on is not None:
                    wakers.setdefault(loop.wake_on, []).append(loop.wake)
            if Role.INGEST in self.roles:
                commands = asyncio.Event()
                wakers[COMMANDS] = [commands]
                intake = build_ingest(self.settings, self.clock, self.instance, commands)
                tasks.append(_task("ingest", intake.run(stop)))
            if listener is not None:
                broadcast = Broadcast(asked)
                wakers[LIVE] = [broadcast.wake]
                tasks.append(_task("live stream", broadcast.run(stop)))
                sweeps = [loop.name for loop in loops]
                application = build_http(self.settings, asked, self.clock, broadcast, sweeps, self.letters)
                await stack.enter_async_context(serving(application, listener, self.settings))
                log.info("listening", address=self.address)
            tasks.append(_task("listen for hints", listen(self.settings.database, wakers, stop)))
            scheduler = schedule_ticks(loops, self.settings.clock.speed)
            scheduler.start()
            stack.callback(scheduler.shutdown, wait=False)
            log.info("running", roles=sorted(self.roles), instance=self.instance)
            self.ready.set()
            await _until_stopped(tasks, stop)


def _task(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=name)


@asynccontextmanager
async def _tasks(stop: asyncio.Event) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Tasks that are asked to stop, waited for, and cancelled if they do not."""
    tasks: list[asyncio.Task[None]] = []
    try:
        yield tasks
    finally:
        stop.set()
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
            for task in slow:
                log.warning("did not stop in time, cut off", task=task.get_name())
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)


async def _until_stopped(tasks: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """Returns at `stop`; a role that ends before is a fault of ours and ends the process."""
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    for task in done - {stopped}:
        if (error := task.exception()) is not None:
            raise error
