"""Files that an estate file names lie beside it."""

from collections.abc import Callable
from pathlib import Path

LARGEST = 4 * 1024 * 1024
"""Bytes: a calendar of many years is a tenth of it."""


def beside(estate: Path) -> Callable[[str], str]:
    """Reads files by paths from the estate file's folder. It raises OSError, or ValueError for no text."""

    def attached(path: str) -> str:
        found = estate.parent / path
        if found.stat().st_size > LARGEST:
            raise ValueError(f"it is larger than {LARGEST // 1024 // 1024} MiB")
        return found.read_bytes().decode("utf-8-sig")

    return attached
