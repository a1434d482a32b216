"""The database that `threshold run --embedded` brings along."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from app.embedded import EmbeddedError, EmbeddedPostgres

PROJECT = Path(__file__).parents[3]


def test_data_outlives_a_restart(tmp_path: Path) -> None:
    """What was written is there after a stop and a start, and the URL of the last start is remembered."""
    with EmbeddedPostgres(tmp_path / "db") as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    with EmbeddedPostgres(tmp_path / "db") as server:
        assert EmbeddedPostgres(tmp_path / "db").url == server.url
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_a_folder_serves_one_at_a_time(tmp_path: Path) -> None:
    """A second start in the same folder is refused in one line that names the holder."""
    with (
        EmbeddedPostgres(tmp_path / "db"),
        pytest.raises(EmbeddedError, match=f"in use by another Threshold .process {os.getpid()}.$"),
    ):
        EmbeddedPostgres(tmp_path / "db").start()


def test_a_killed_server_comes_back(tmp_path: Path) -> None:
    """After SIGKILL of the postmaster the next start recovers what was committed."""
    server = EmbeddedPostgres(tmp_path / "db")
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    with server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    """A program that is killed leaves no server behind, and the folder is free for the next one."""
    program = (
        "import sys; from pathlib import Path; from app.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1])); server.start()\n"
        "print(server.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "db")],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout is not None
        postmaster = psutil.Process(int(owner.stdout.readline()))
        owner.kill()
        owner.wait()
        postmaster.wait(20)
    with EmbeddedPostgres(tmp_path / "db") as server, psycopg.connect(server.url) as connection:
        connection.execute("SELECT 1")


def test_a_process_id_that_was_dealt_anew_is_no_rival(tmp_path: Path) -> None:
    """A postmaster.pid left by a power cut does not keep us out when its number now belongs to another."""
    with EmbeddedPostgres(tmp_path / "db") as server:
        left = (server.data / "postmaster.pid").read_text()
    (server.data / "postmaster.pid").write_text(left.replace(left.split()[0], str(os.getpid()), 1))
    with server, psycopg.connect(server.url) as connection:
        connection.execute("SELECT 1")


def test_it_listens_on_the_loopback_and_asks_for_a_password(tmp_path: Path) -> None:
    """Nothing but 127.0.0.1 is open, and nobody gets in without the password in the folder."""
    with EmbeddedPostgres(tmp_path / "db") as server:
        sockets = psutil.Process(server.pid).net_connections(kind="inet")
        assert {socket.laddr.ip for socket in sockets} == {"127.0.0.1"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url.replace(server.url.split("@")[0], "postgresql://threshold:guess"))
        for private in ("url", "password"):
            assert (server.directory / private).stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    """A folder that is a file, and a cluster of another major version, end in one line each."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"^\S+file cannot hold a database: [^\n]+$"):
        EmbeddedPostgres(tmp_path / "file").start()
    with EmbeddedPostgres(tmp_path / "db") as server:
        pass
    (server.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedError, match=r"ended at once: .*version"):
        server.start()


def test_an_unfinished_cluster_is_made_anew(tmp_path: Path) -> None:
    """A first start that was cut short does not stand in the way of the second."""
    (tmp_path / "db" / "data" / "base").mkdir(parents=True)
    with EmbeddedPostgres(tmp_path / "db") as server, psycopg.connect(server.url) as connection:
        connection.execute("SELECT 1")


def test_a_closed_folder_is_reached_without_opening_it(tmp_path: Path) -> None:
    """Under a folder that only we may enter the server runs, not as root, and the folder stays closed."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "db") as server, psycopg.connect(server.url) as connection:
        connection.execute("SELECT 1")
        assert psutil.Process(server.pid).uids().effective != 0
    assert closed.stat().st_mode & 0o777 == 0o700
