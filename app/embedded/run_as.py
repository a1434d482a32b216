"""Whom PostgreSQL runs as."""

import contextlib
import os
import pwd
import shutil
from pathlib import Path

from app.embedded.errors import EmbeddedError


class RunAs:
    """Who PostgreSQL runs as: ourselves, or when we are root an unprivileged user."""

    def __init__(self, prefix: list[str], user: pwd.struct_passwd | None) -> None:
        self.prefix = prefix
        self._user = user

    @classmethod
    def owner_of(cls, data: Path, *reached: Path) -> "RunAs":
        """The owner of an existing cluster, else `postgres` or `nobody`; ourselves unless we are root.

        `reached` are folders that the user must get to. Where one is closed to others (a checkout under
        /root), the server gets the one capability to pass, rather than the folder being opened to all.
        """
        if os.geteuid() != 0:
            return cls([], None)
        user = None
        with contextlib.suppress(FileNotFoundError, KeyError):
            user = pwd.getpwuid(data.stat().st_uid)
        if user is None or user.pw_uid == 0:
            user = next(filter(None, map(_user, ("postgres", "nobody"))), None)
        setpriv = shutil.which("setpriv")
        if user is None or setpriv is None:
            raise EmbeddedError(
                "PostgreSQL does not run as root, and there is no other user here to run it as"
            )
        prefix = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if any(not _open_to_all(folder) for folder in reached):
            prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return cls([*prefix, "--"], user)

    def give(self, path: Path) -> None:
        """Make `path` the server's own."""
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)


def _user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _open_to_all(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))
