"""One simulated home: what happens in it, as verbs, so that tests and scenarios read as stories."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any

from device_sim.clock import Clock
from device_sim.hub import Hub
from device_sim.ledger import Ledger
from device_sim.spec import PRESS_OF_KIND, HomeSpec
from device_sim.wire import Broker

METHODS = frozenset({"fob", "pin", "token"})
"""The ways to show a credential; the word before its colon says which (contract §2)."""


class Home:
    """A hub and its devices behind one MQTT connection. `async with` switches it on and off.

    Every verb returns the id of the event that it made (or a tuple of them). When it returns, the event
    is in the hub's store (and in the ledger) and is sent as soon as there is a connection; it leaves the
    store only when a receipt names it. `happened` gives an event an earlier device time than now.
    """

    def __init__(
        self,
        spec: HomeSpec,
        broker: Broker,
        clock: Clock,
        *,
        ledger: Ledger | None = None,
        skew: timedelta = timedelta(0),
        on_receipt: Callable[[str, str, float, bool], None] | None = None,
        keepalive: int = 30,
    ) -> None:
        self.spec = spec
        self.hub = Hub(
            spec, broker, clock, ledger=ledger, skew=skew, on_receipt=on_receipt, keepalive=keepalive
        )
        self._inside: set[str] = set()

    async def __aenter__(self) -> "Home":
        await self.switches_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.switches_off()

    # The hub and its line

    async def switches_on(self) -> None:
        """Begin to connect, and go on trying for ever."""
        self.hub.start()

    async def switches_off(self) -> None:
        """Say goodbye (status offline) when connected, and stop. The store is kept in this object."""
        await self.hub.stop()

    async def goes_offline(self) -> None:
        """Lose the line without a farewell, so that the broker publishes the last will."""
        self.hub.link.cut()

    async def comes_back(self) -> None:
        """Have the line again: connects, and everything without a receipt is sent, alarms first."""
        self.hub.link.mend()

    async def reboots(self) -> None:
        """Start anew: another `boot`, `seq` from one, a new connection; the store survives, as on flash."""
        self.hub.reboot()

    async def heartbeats(self, every: timedelta | None = None) -> None:
        """Say `heartbeat` now and then at this interval (default: the one its hub is planned with)."""
        self.hub.start_heartbeats(self.spec.heartbeat_every if every is None else every)

    async def stops_heartbeats(self) -> None:
        """Fall silent, though connected."""
        self.hub.stop_heartbeats()

    # What a person does

    async def presses(self, device: str, times: int = 1) -> tuple[str, ...]:
        """Press a device, or have it call: the alarm that its kind gives, so many times."""
        found = self.spec.device(device)
        if found.kind not in PRESS_OF_KIND:
            raise ValueError(f"{self.spec.hub}: a {found.kind} such as {found.id} gives no alarm")
        return tuple([self.hub.say(PRESS_OF_KIND[found.kind], device=found.id) for _ in range(times)])

    async def cancels(self, device: str) -> str:
        """The resident cancels the alarm of a device at the unit."""
        return self.hub.say("alarm.cancelled", device=self.spec.device(device).id)

    async def test_presses(self, device: str) -> str:
        """A test press: logged and answered, never a person's alarm."""
        return self.hub.say("test.call", device=self.spec.device(device).id)

    async def answers(self, rating: str) -> str:
        """The resident's word on a visit: `good`, `poor` or `no_one_came`."""
        return self.hub.say("resident.feedback", data={"rating": rating})

    async def goes_away(self) -> str:
        """The resident sets away mode."""
        return self.hub.say("resident.away")

    async def is_home_again(self) -> str:
        """The resident ends away mode."""
        return self.hub.say("resident.home")

    # What befalls the unit

    async def loses_mains(self) -> str:
        """The power fails: the unit lives on its battery, and says so."""
        return self._mains(False)

    async def has_mains_again(self) -> str:
        """The power is back."""
        return self._mains(True)

    # What a carer does

    async def taps(self, credential: str) -> str:
        """Show a credential at the unit: an arrival, or a departure when it arrived before."""
        if self.spec.credential(credential) in self._inside:
            return await self.departs(credential)
        return await self.arrives(credential)

    async def arrives(self, credential: str | None = None, happened: datetime | None = None) -> str:
        """`carer.arrived` with a credential, or by the button when there is none."""
        return self._carer("carer.arrived", credential, happened)

    async def departs(self, credential: str | None = None, happened: datetime | None = None) -> str:
        """`carer.departed` with a credential, or by the button when there is none."""
        return self._carer("carer.departed", credential, happened)

    # What happens at the door

    async def rings(self, panel: str, credential: str | None = None) -> str:
        """Someone presses the entry panel, perhaps showing a credential."""
        shown = {} if credential is None else {"credential": self.spec.credential(credential)}
        return self._door("door.call", panel, **shown)

    async def shows(self, panel: str, credential: str, happened: datetime | None = None) -> str:
        """A credential opens the door at a reader: `door.granted`."""
        found, known = self.spec.device(panel), self.spec.credential(credential)
        data = {"panel": found.id, "credential": known, "method": _method(known), "scope": found.scope}
        return self.hub.say("door.granted", device=found.id, data=data, happened=happened)

    async def is_denied(self, panel: str, credential: str, reason: str = "unknown credential") -> str:
        """A credential does not open the door: `door.denied`."""
        found, known = self.spec.device(panel), self.spec.credential(credential)
        data = {"panel": found.id, "credential": known, "method": _method(known), "scope": found.scope}
        return self.hub.say("door.denied", device=found.id, data=data | {"reason": reason})

    async def opens_door(self, panel: str) -> str:
        """The door is opened."""
        return self._door("door.opened", panel)

    async def closes_door(self, panel: str) -> str:
        """The door is closed."""
        return self._door("door.closed", panel)

    # Anything else, well or badly said

    async def reports(self, type: str, device: str | None = None, data: dict[str, Any] | None = None) -> str:
        """Any event type, such as `technical.mains_failed`, or one that the contract does not know."""
        return self.hub.say(type, device=None if device is None else self.spec.device(device).id, data=data)

    async def babbles(self, payload: bytes) -> None:
        """Publish bytes that need be no event at all. Not kept, not in the ledger, never sent again."""
        self.hub.babble(payload)

    # What the home was told

    def receipted(self, event_id: str) -> bool:
        """Whether a receipt said that this event is stored."""
        return event_id in self.hub.stored

    def refused(self, event_id: str) -> str | None:
        """Why a receipt said that this event was rejected; None when none did."""
        return self.hub.rejected.get(event_id)

    async def await_receipt(self, event_id: str, within: float = 10.0) -> None:
        """Return when a receipt says that the event is stored.

        Raises TimeoutError after `within` seconds of the home's clock, ValueError when it is rejected.
        """
        await self.hub.until(
            lambda: self.receipted(event_id) or self.refused(event_id) is not None,
            within,
            f"a receipt for {event_id}",
        )
        if (reason := self.refused(event_id)) is not None:
            raise ValueError(f"{self.spec.hub}: event {event_id} was rejected: {reason}")

    async def all_receipted(self, within: float = 10.0) -> None:
        """Return when the store is empty. Raises TimeoutError saying how much is left."""
        await self.hub.until(lambda: not len(self.hub.outbox), within, "receipts for the whole store")

    async def connected(self, within: float = 10.0) -> None:
        """Return when the home is connected. Raises TimeoutError saying what the last attempt met."""
        await self.hub.until(lambda: self.hub.link.up, within, "a connection")

    async def hears_command(self, type: str, within: float = 10.0) -> None:
        """Return when a command of this type has been obeyed. Raises TimeoutError."""
        await self.hub.until(
            lambda: any(command.type == type for command in self.hub.obeyed), within, f"a command {type}"
        )

    def _mains(self, there: bool) -> str:
        self.hub.mains = there
        self.hub.say_status()
        return self.hub.say("technical.mains_restored" if there else "technical.mains_failed")

    def _carer(self, event_type: str, credential: str | None, happened: datetime | None) -> str:
        if credential is None:
            return self.hub.say(event_type, data={"method": "button"}, happened=happened)
        known = self.spec.credential(credential)
        if event_type == "carer.arrived":
            self._inside.add(known)
        else:
            self._inside.discard(known)
        data = {"credential": known, "method": _method(known)}
        return self.hub.say(event_type, data=data, happened=happened)

    def _door(self, event_type: str, panel: str, **more: str) -> str:
        found = self.spec.device(panel)
        return self.hub.say(event_type, device=found.id, data={"panel": found.id, **more})


def _method(credential: str) -> str:
    kind = credential.partition(":")[0]
    return kind if kind in METHODS else "token"
