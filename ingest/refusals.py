"""What the broker says that a hub tried and may not (docs/deploy.md): a technical event of that hub. Pure.

The broker's log tells it (deploy/mosquitto/refusals.awk), a line each: what was tried, by which account, on
which topic. The hub itself says nothing by it, so it does not count as heard.
"""

from datetime import datetime

from gateway.adapters.edges import digest
from gateway.codec import Reason, Rejected
from gateway.model import Event
from ingest.adapted import Bridges
from ingest.model import Adapted, Arrival

TRESPASS = "technical.trespass"
TRIED = frozenset({"publish", "subscribe", "will"})
LONGEST_TOPIC = 300


def read_refusal(topic: str, payload: bytes, received_at: datetime, bridges: Bridges) -> Arrival | None:
    """A refusal as it is recorded; None for what a bridge of another maker asks for of its own.

    The same thing tried again within the hour is the same event: a unit that is set up wrong tries for ever.
    """
    parts = payload.decode("utf-8", "replace").split("\t", 2)
    if len(parts) != 3 or parts[0] not in TRIED or not parts[1]:
        piece = Rejected(Reason.NOT_AN_OBJECT, None, None, None, payload)
        return Arrival(topic, None, received_at, payload, rejected=(piece,))
    tried, hub, wanted = parts[0], parts[1], parts[2][:LONGEST_TOPIC].replace("\x00", "\ufffd")
    bridge = bridges.at(wanted)
    if bridge is not None and hub in bridge.hubs and tried != "publish":
        return None
    event = Event(
        id=digest(tried, hub, wanted, received_at.strftime("%Y-%m-%dT%H")),
        type=TRESPASS,
        at=received_at,
        data={"tried": tried, "topic": wanted},
    )
    return Arrival(topic, hub, received_at, payload, retained=True, events=(event,), adapted=Adapted((hub,)))
