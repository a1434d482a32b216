"""A real TimescaleDB for the tests, from the first of these that is to be had:

the server that THRESHOLD_TEST_TIMESCALE_URL names (a role that may create databases); this machine's own
packages; the root of Debian 13 that scripts/provision made; a Docker engine, with the image of
docker-compose.yml. Where there is none, tests that need it are skipped with these words, and fail under
CI=true.
"""

import contextlib
import glob
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from app.embedded import EmbeddedPostgres
from tests.support.processes import free_port

PROJECT = Path(__file__).parents[2]
NONE_HERE = (
    "no TimescaleDB here: run scripts/provision as root, or set THRESHOLD_TEST_TIMESCALE_URL, "
    "or start a Docker engine"
)
SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # A worker in the template database would stop every clone of it.
    "timescaledb.max_background_workers": "0",
}
READY_WITHIN = 60.0


@contextmanager
def timescale_server(scratch: Path, settings: dict[str, str]) -> Iterator[str]:
    """The URL of a TimescaleDB's maintenance database, for the time of the block."""
    settings = settings | SETTINGS
    if url := os.environ.get("THRESHOLD_TEST_TIMESCALE_URL"):
        yield url
    elif native := glob.glob("/usr/lib/postgresql/*/lib/timescaledb.so"):
        programs = Path(native[0]).parents[1] / "bin"
        with EmbeddedPostgres(scratch / "native", settings=settings, programs=programs) as server:
            yield server.url
    elif (root := provisioned_root()) is not None:
        with _in_root(root, scratch, settings) as url:
            yield url
    elif _docker_answers():
        with _in_docker(settings) as url:
            yield url
    elif os.environ.get("CI") == "true":
        pytest.fail(NONE_HERE)
    else:
        pytest.skip(NONE_HERE)


def provisioned_root() -> Path | None:
    """The root of Debian 13 that scripts/provision made (the same place as there), if we may enter it."""
    root = Path(os.environ.get("THRESHOLD_CACHE", "/var/cache/threshold")) / "trixie"
    if not (root / "usr/lib/postgresql/17/lib/timescaledb.so").exists():
        return None
    return root if _root_prefix() is not None else None


def _root_prefix() -> list[str] | None:
    """What gives a command root's rights; None when nothing does."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


@contextmanager
def _in_root(root: Path, scratch: Path, settings: dict[str, str]) -> Iterator[str]:
    """PostgreSQL inside the root, as its user `postgres`; its data is a folder of the root's /tmp."""
    prefix = _root_prefix() or []
    programs = "/usr/lib/postgresql/17/bin"
    folder = f"/tmp/threshold-{os.getpid()}-{secrets.token_hex(4)}"  # the root's /tmp, not ours
    port, password = free_port(), secrets.token_hex(12)
    chroot = [*prefix, "chroot", "--userspec=postgres:postgres", str(root)]
    log = scratch / "timescale.log"
    try:
        made = subprocess.run(
            [
                *(*chroot, "sh", "-c"),
                f"umask 077; mkdir {folder} && cat >{folder}/password && {programs}/initdb -D {folder}/data "
                f"-U threshold --pwfile={folder}/password --auth=scram-sha-256 --encoding=UTF8 --locale=C",
            ],
            input=password,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            raise RuntimeError(f"initdb in {root} failed: {made.stderr}")
        arguments = {
            **settings,
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # the root has no /dev/shm
            "timezone": "UTC",
        }
        with log.open("ab") as output:
            guard = subprocess.Popen(
                [
                    # Root's own guard: it ends the server when the pipe to us closes.
                    *(*prefix, sys.executable, "-m", "app.embedded.guarded"),
                    *("chroot", "--userspec=postgres:postgres", str(root)),
                    *(f"{programs}/postgres", "-D", f"{folder}/data"),
                    *(part for name, value in arguments.items() for part in ("-c", f"{name}={value}")),
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=PROJECT,
                start_new_session=True,
            )
        assert guard.stdin is not None
        try:
            url = f"postgresql://threshold:{password}@127.0.0.1:{port}/postgres"
            _wait_until_ready(url, lambda: guard.poll() is None, log)
            yield url
        finally:
            guard.stdin.close()
            guard.wait(30)
    finally:
        subprocess.run([*prefix, "rm", "-rf", f"{root}{folder}"], check=False)


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@contextmanager
def _in_docker(settings: dict[str, str]) -> Iterator[str]:
    compose = (PROJECT / "docker-compose.yml").read_text()
    image = re.search(r"image:\s*(timescale/timescaledb\S+)", compose)
    assert image is not None, "docker-compose.yml names no TimescaleDB image"
    port, password = free_port(), secrets.token_hex(12)
    container = subprocess.run(
        [
            *("docker", "run", "--detach", "--rm", "--publish", f"127.0.0.1:{port}:5432"),
            *("--env", "POSTGRES_USER=threshold", "--env", f"POSTGRES_PASSWORD={password}"),
            *(image[1], "postgres"),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    try:
        url = f"postgresql://threshold:{password}@127.0.0.1:{port}/postgres"
        _wait_until_ready(url, lambda: True, None)
        yield url
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                ["docker", "rm", "--force", container], capture_output=True, timeout=60, check=False
            )


def _wait_until_ready(url: str, alive: Callable[[], bool], log: Path | None) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if not alive() or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:] if log else ""
                raise RuntimeError(f"TimescaleDB did not start: {error}\n{said}") from error
            time.sleep(0.1)
        else:
            return
