"""What each role of `threshold run` consists of: the wiring of packages, and nothing else."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from app.clock import Clock
from app.loops import Loop
from app.settings import Settings
from db import wake
from db.pool import Pool

if TYPE_CHECKING:
    from care.policy import Policy


class Role(StrEnum):
    """The parts of the service that can run apart."""

    INGEST = "ingest"
    CARE = "care"
    ALERTS = "alerts"
    DELIVER = "deliver"
    API = "api"
