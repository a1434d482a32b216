"""Is a failed transaction the batch's fault, or the world's?"""

import psycopg
import pytest
from psycopg import errors

from ingest.faults import Then, after


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (errors.UntranslatableCharacter(), Then.ISOLATE),
        (errors.NumericValueOutOfRange(), Then.ISOLATE),
        (errors.CheckViolation(), Then.ISOLATE),
        (errors.ForeignKeyViolation(), Then.ISOLATE),
        (errors.ProgramLimitExceeded(), Then.ISOLATE),
        (RecursionError(), Then.ISOLATE),
        (KeyError("a rule of ours"), Then.ISOLATE),
        (psycopg.OperationalError(), Then.AGAIN),
        (errors.AdminShutdown(), Then.AGAIN),
        (errors.DiskFull(), Then.AGAIN),
        (errors.DeadlockDetected(), Then.AGAIN),
        (errors.SerializationFailure(), Then.AGAIN),
        (errors.UndefinedTable(), Then.AGAIN),
        (errors.InsufficientPrivilege(), Then.AGAIN),
        (errors.InternalError_(), Then.AGAIN),
        (psycopg.InterfaceError(), Then.AGAIN),
        (ConnectionResetError(), Then.AGAIN),
        (TimeoutError(), Then.AGAIN),
    ],
)
def test_homes_are_told_rejected_only_for_what_lies_in_the_contents(error: Exception, then: Then) -> None:
    """A wrong value is isolated; a database that is away, full, locked or behind is waited for."""
    assert after(error) is then
