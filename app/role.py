"""The parts of the service that can run apart (contract §1)."""

from enum import StrEnum


class Role(StrEnum):
    """What `threshold run ROLE…` names."""

    INGEST = "ingest"
    CARE = "care"
    ALERTS = "alerts"
    DELIVER = "deliver"
    API = "api"
