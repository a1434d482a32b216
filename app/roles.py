"""What each role of `threshold run` consists of: the wiring of packages, and nothing else."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


class Role(StrEnum):
    """The parts of the service that can run apart."""

    INGEST = "ingest"
    CARE = "care"
    ALERTS = "alerts"
    DELIVER = "deliver"
    API = "api"
