"""Accounts of hubs at Mosquitto, through its dynamic security plugin: what is asked of it, and asking it.

The plugin keeps only hashes of passwords. It knows no pattern for a client's own name (2.0), so each hub has
a role of its own that confines it to its own topics (contract §2).
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import aiomqtt
import msgspec

from gateway.broker import Broker
from gateway.connection import SUBSCRIPTION_REFUSED
from gateway.topics import Topics

CONTROL = "$CONTROL/dynamic-security/v1"
RESPONSE = f"{CONTROL}/response"
ANSWER_SECONDS = 10.0
"""The plugin writes its whole store to disk for each change; with a county of hubs that takes a second."""

Order = Mapping[str, Any]
"""One command for the plugin."""

_SEND, _RECEIVE, _SUBSCRIBE = "publishClientSend", "publishClientReceive", "subscribePattern"


class BrokerRefused(RuntimeError):
    """The plugin did not do what it was asked; the message is one line for a person."""


def role_of(hub: str) -> str:
    """The name of the role that holds a hub's rights."""
    return f"hub {hub}"


def rights_of(hub: str, topics: Topics, base: str | None = None) -> list[dict[str, Any]]:
    """What a hub may do: tell of its own home, hear what is meant for it; a bridge also its own `base`."""
    own = f"{topics.root}/{hub}"
    rights = [
        (_SEND, topics.events(hub)),
        (_SEND, topics.status(hub)),
        (_RECEIVE, topics.receipts(hub)),
        (_RECEIVE, topics.commands(hub)),
        (_SUBSCRIBE, f"{own}/#"),
        ("unsubscribePattern", "#"),
    ]
    if base is not None:
        rights += [(kind, f"{base}/#") for kind in (_SEND, _RECEIVE, _SUBSCRIBE)]
    return [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in rights]


def enrolling(hub: str, password: str, topics: Topics, base: str | None = None) -> list[Order]:
    """A new account with this password; one that the hub had before ends, and its connection with it."""
    return [
        *revoking(hub),
        {"command": "createRole", "rolename": role_of(hub), "acls": rights_of(hub, topics, base)},
        {
            "command": "createClient",
            "username": hub,
            "password": password,
            "roles": [{"rolename": role_of(hub)}],
        },
    ]


def certifying(hub: str, topics: Topics, base: str | None = None) -> list[Order]:
    """An account for a hub that shows a certificate; what it had before, a password too, goes on."""
    return [
        {"command": "createRole", "rolename": role_of(hub), "acls": []},
        {"command": "modifyRole", "rolename": role_of(hub), "acls": rights_of(hub, topics, base)},
        {"command": "createClient", "username": hub, "roles": [{"rolename": role_of(hub)}]},
    ]


def replacing(hub: str, password: str) -> list[Order]:
    """Another password for an account; the plugin ends its connection."""
    return [{"command": "setClientPassword", "username": hub, "password": password}]


def revoking(hub: str) -> list[Order]:
    """The account and its rights end. Deleted, not disabled: who shows a certificate acts though disabled."""
    return [
        {"command": "deleteClient", "username": hub},
        {"command": "deleteRole", "rolename": role_of(hub)},
    ]


_MEANS_NOTHING = frozenset(
    {"Client not found", "Role not found", "Client already exists", "Role already exists"}
)
"""What was to be ended is not there, or what was to be there is: both are as they should be."""


def refusals(responses: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Which commands failed, and why."""
    for response in responses:
        error = response.get("error")
        if error is not None and error not in _MEANS_NOTHING:
            yield f"{response.get('command')}: {error}"


async def ask(broker: Broker, orders: Sequence[Order]) -> None:
    """Has the plugin do these, as the account of `broker`.

    Raises BrokerRefused when it refuses one or does not answer, and BrokerFault for unusable certificates.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS), broker.client() as client:
            (granted,) = await client.subscribe(RESPONSE, qos=1)
            if granted == SUBSCRIPTION_REFUSED:
                raise BrokerRefused(f"{broker.username} is no administrator of the broker")
            await client.publish(CONTROL, msgspec.json.encode({"commands": orders}), qos=1)
            async for message in client.messages:
                answer = msgspec.json.decode(message.payload)
                if failed := list(refusals(answer["responses"])):
                    raise BrokerRefused(f"the broker refuses: {'; '.join(failed)}")
                return
    except TimeoutError:
        raise BrokerRefused(
            "the broker's dynamic security plugin does not answer: is it loaded, and may this account ask it?"
        ) from None
    except aiomqtt.MqttError as error:
        raise BrokerRefused(f"the broker lets the administrator's account not in: {error}") from None


async def publish(broker: Broker, topic: str, payload: bytes) -> None:
    """Says one thing, QoS 1 and not retained, as the account of `broker`. Raises BrokerRefused."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS), broker.client() as client:
            await client.publish(topic, payload, qos=1)
    except (TimeoutError, aiomqtt.MqttError) as error:
        raise BrokerRefused(f"the broker does not take it: {error}") from None
