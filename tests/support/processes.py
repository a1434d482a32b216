"""Server processes of the test run: started on free ports, ended by their own id, never outliving the run."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from app.embedded.guarded import die_with_parent


class ServerFailed(RuntimeError):
    """A server of the tests did not start; the message holds the end of what it logged."""


def free_port() -> int:
    """A TCP port on 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Does something take TCP connections on this port of the loopback?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


class ServerProcess:
    """One child process with its log. Linux kills it when the thread that started it is gone."""

    def __init__(self, command: Sequence[str], log: Path, *, stop_with: int = signal.SIGTERM) -> None:
        self.command = list(command)
        self.log = log
        self.stop_with = stop_with
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; raises when it does not run."""
        if self._process is None:
            raise ServerFailed(f"{self.command[0]} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Is it alive?"""
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], *, within: float = 30.0) -> None:
        """Start it and return once `ready()`; raises ServerFailed when it ends or `within` seconds pass."""
        self._log = self.log.open("ab")
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
        deadline = time.monotonic() + within
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ServerFailed(f"{self.command[0]} did not start:\n{self.tail()}")
            time.sleep(0.01)

    def tail(self, lines: int = 20) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number: int) -> None:
        """Send it a signal (SIGSTOP, SIGCONT, SIGHUP, …)."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, wait, and kill it if it does not within ten seconds; safe to call twice."""
        self._end(self.stop_with)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        log, self._log = self._log, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)  # one that a test froze would not hear
                process.send_signal(number)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if log is not None:
            log.close()
