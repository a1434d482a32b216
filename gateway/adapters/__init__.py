"""Other people's devices: each adapter is one module that turns its maker's messages into our events.

To add one, copy `chirpstack.py` and name it in `ADAPTERS` (docs/devices.md).
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.adapters.chirpstack import ChirpStack
from gateway.adapters.contract import Adapter
from gateway.adapters.zigbee2mqtt import Zigbee2Mqtt

ADAPTERS: Mapping[str, Adapter] = MappingProxyType({"zigbee2mqtt": Zigbee2Mqtt(), "chirpstack": ChirpStack()})
"""Every adapter by the `kind` that an estate file gives it."""
