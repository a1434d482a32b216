"""`threshold run`: builds the roles, runs them until told to stop, and takes them down in reverse order."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import structlog
import uvicorn
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import dict_row

from app.clock import Clock
from app.errors import Fault
from app.listen import listen
from app.loops import Loop, run_loop, schedule_ticks
from app.settings import Settings
from db.migrate import pending
from db.pool import Pool, make_pool

log = structlog.get_logger(__name__)

WAIT_FOR_DATABASE = 2.0
"""Seconds between looks for a database that is not there yet, or whose schema is behind."""
SHUTDOWN_SECONDS = 15.0
"""Seconds that roles have to finish what is in hand; what is cut off then is taken up by the next start."""


def bind(host: str, port: int) -> socket.socket:
    """The socket that the API will listen on. Raises Fault in one line when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
    """Some roles in one process, on a database and a broker that stand already."""

    def __init__(self, settings: Settings, roles: Collection[str], clock: Clock) -> None:
        self.settings = settings
        self.roles = frozenset(roles)
        self.clock = clock
        self.instance = f"{socket.gethostname()}:{os.getpid()}"
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop`. Raises Fault for what only a person can mend; waits for everything else."""
        from app.roles import build_http, build_ingest, build_loops  # after settings and logs stand

        async with AsyncExitStack() as stack:
            listener = None
            if "api" in self.roles:
                listener = bind(self.settings.api.host, self.settings.api.port)
                stack.callback(listener.close)
            if not await wait_for_database(self.settings.database, stop):
                return
            pool = make_pool(self.settings.database, name=self.instance, max_size=12)
            await pool.open()
            stack.push_async_callback(pool.close)
            tasks = await stack.enter_async_context(_tasks(stop))

            loops = build_loops(self.settings, self.roles, pool, self.clock)
            wakers: dict[str, list[asyncio.Event]] = {}
            for loop in loops:
                tasks.append(asyncio.create_task(self._loop(loop, pool, stop), name=f"loop {loop.name}"))
                if loop.wake_on:
                    wakers.setdefault(loop.wake_on, []).append(loop.wake)
            if "ingest" in self.roles:
                intake = build_ingest(self.settings, pool, self.clock, self.instance, wakers)
                tasks.append(asyncio.create_task(intake.run(stop), name="ingest"))
            if listener is not None:
                application = build_http(self.settings, pool, self.clock, stop, wakers)
                await stack.enter_async_context(serving(application, listener, self.settings))
                log.info("listening", address=f"http://{self.settings.api.host}:{listener.getsockname()[1]}")
            tasks.append(
                asyncio.create_task(listen(self.settings.database, wakers, stop), name="listen for hints")
            )
            scheduler = schedule_ticks(loops)
            scheduler.start()
            stack.callback(scheduler.shutdown, wait=False)
            log.info("running", roles=sorted(self.roles), instance=self.instance)
            self.ready.set()
            await _until_stopped(tasks, stop)

    async def _loop(self, loop: Loop, pool: Pool, stop: asyncio.Event) -> None:
        await run_loop(loop, pool, self.clock, self.instance, stop)


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
