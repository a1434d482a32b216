"""A transaction failed: is it the batch's fault, or the world's? Pure.

The difference decides whether homes are told "stored" later or "rejected" now, so in doubt it is the world's:
then nothing is acknowledged, and everything is tried again.
"""

from enum import StrEnum

import psycopg
from psycopg import errors


class Then(StrEnum):
    """What to do after a failed transaction; also the metric's label."""

    AGAIN = "again"
    """The same batch once more, after a pause."""
    ISOLATE = "isolate"
    """Halve it, until the one that cannot be stored stands alone."""


# Wrong values (22), broken constraints (23), and limits of a single row (54): these lie in the contents.
_IN_THE_CONTENTS = (psycopg.DataError, psycopg.IntegrityError, errors.ProgramLimitExceeded)


def after(error: Exception) -> Then:
    """What a failure calls for.

    A database that is away, full, locked, or lacks a table or a right stops intake and loses nothing.
    An error that is not the database's at all came from a rule of ours that choked on one event.
    """
    if isinstance(error, _IN_THE_CONTENTS):
        return Then.ISOLATE
    if isinstance(error, psycopg.Error | OSError | TimeoutError):
        return Then.AGAIN
    return Then.ISOLATE
