"""JSON for consoles and integrations, the live stream, health and metrics (contract §7)."""

from api.application import build
from api.live import Broadcast

__all__ = ["Broadcast", "build"]
