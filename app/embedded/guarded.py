"""A server that cannot outlive the program that started it.

`python -m app.embedded.guarded COMMAND…` starts COMMAND and reads its own standard input. When that ends,
because the parent closed it or died in any way at all, COMMAND gets SIGINT, which PostgreSQL takes as "shut
down now, cleanly", and SIGKILL when it has not ended after `GRACE` seconds. Should this process itself be
killed, Linux sends COMMAND its SIGINT.

Prints nothing; ends with COMMAND's status.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

GRACE = 20.0
"""Seconds that a clean shutdown may take; a checkpoint of a busy database is seconds, not minutes."""

PR_SET_PDEATHSIG = 1


def die_with_parent(with_signal: int = signal.SIGKILL) -> Callable[[], None]:
    """Make a `preexec_fn` after which Linux sends the child `with_signal` once its parent is gone.

    The parent is the *thread* that starts the child, so that thread must live as long as the child should.
    Elsewhere than on Linux it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def before_exec() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(with_signal))
        if os.getppid() != parent:  # the parent died in between: the signal would never come
            os._exit(1)

    return before_exec


def main(command: list[str]) -> int:
    """Run `command` until it ends or standard input does; returns its exit status (128 + n for signal n)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to answer
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent(signal.SIGINT))

    def end_with_parent() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(signal.SIGINT)
        try:
            server.wait(GRACE)
        except subprocess.TimeoutExpired:
            server.kill()

    threading.Thread(target=end_with_parent, daemon=True).start()
    status = server.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
