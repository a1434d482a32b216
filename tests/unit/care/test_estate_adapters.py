"""Bridges of other makers in an estate file: what is read, and what is refused with its line and field."""

import pytest

from care.errors import EstateErrors
from care.estate import read_estate
from care.model import Adapter

FLATS = """
dwellings:
  - {id: elm-12, time_zone: Europe/London}
  - {id: elm-14, time_zone: Europe/London}
hubs:
"""


def faults(hubs: str) -> list[str]:
    """What is wrong with these hubs."""
    with pytest.raises(EstateErrors) as refused:
        read_estate(FLATS + hubs, "estate.yaml")
    return [f"{fault.field}: {fault.sentence}" for fault in refused.value.faults]


def test_a_bridge_and_its_devices_are_read() -> None:
    """Names with slashes and blanks, a model, and a map whose values YAML would take for truth values."""
    estate = read_estate(
        FLATS
        + """
  - id: z2m-12
    dwelling: elm-12
    adapter: {kind: zigbee2mqtt, base: zigbee2mqtt/elm-12}
    devices:
      - {id: kitchen/sos, kind: pendant, model: TS0215A_sos}
      - {id: bath-cord, name: Bath cord, kind: pull_cord, map: {contact: {false: alarm.pull_cord}}}
  - {id: z2m-14, dwelling: elm-14, adapter: {kind: zigbee2mqtt, base: zigbee2mqtt/elm-14}}
""",
        "estate.yaml",
    )
    hub = estate.hubs["z2m-12"]
    assert hub.adapter == Adapter("zigbee2mqtt", "zigbee2mqtt/elm-12")
    assert [(d.id, d.name, d.model, d.map) for d in hub.devices] == [
        ("kitchen/sos", None, "TS0215A_sos", {}),
        ("bath-cord", "Bath cord", None, {"contact": {"false": "alarm.pull_cord"}}),
    ]


def test_hubs_may_share_a_bridge_and_no_device() -> None:
    """One coordinator serves two flats; a device of it belongs to one of them."""
    shared = """
  - {id: a, dwelling: elm-12, adapter: {kind: zigbee2mqtt}, devices: [{id: sos, kind: pendant}]}
  - {id: b, dwelling: elm-14, adapter: {kind: zigbee2mqtt}, devices: [{id: cord, kind: pull_cord%s}]}
"""
    assert len(read_estate(FLATS + shared % "", "estate.yaml").hubs) == 2
    assert faults(shared % ", name: sos") == ["hubs[b].devices[cord]: 'sos' is a device of 'a' already"]
    twice = shared.replace("kind: pendant}", "kind: pendant}, {id: other, kind: pendant, name: sos}") % ""
    assert faults(twice) == ["hubs[a].devices[other]: 'sos' is a device of 'a' already"]


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        ("{kind: homematic, base: hm}", "is none of zigbee2mqtt, chirpstack"),
        ("{kind: chirpstack}", "base: is missing"),
        ("{kind: zigbee2mqtt, base: 'a/+'}", "without + and #"),
        ("{kind: zigbee2mqtt, base: threshold/v1/hub}", "where hubs speak our own wire"),
        ("zigbee2mqtt", "must be a mapping"),
    ],
)
def test_a_bridge_that_cannot_be_is_refused(adapter: str, words: str) -> None:
    """Each with the field that is wrong."""
    (fault,) = faults(f"  - {{id: a, dwelling: elm-12, adapter: {adapter}}}\n")
    assert fault.startswith("hubs[a].adapter")
    assert words in fault


def test_bridges_do_not_lie_in_one_another() -> None:
    """The broker would deliver the inner one's messages twice, under two names."""
    (fault,) = faults(
        "  - {id: a, dwelling: elm-12, adapter: {kind: zigbee2mqtt}}\n"
        "  - {id: b, dwelling: elm-14, adapter: {kind: zigbee2mqtt, base: zigbee2mqtt/b}}\n"
    )
    assert fault == "hubs[b].adapter: its base and that of 'a' lie in one another"


@pytest.mark.parametrize(
    "map_", ["{action: {hold: alarm.pendent}}", "{action: {hold: [a]}}", "{action: hold}"]
)
def test_a_slip_in_a_map_is_told(map_: str) -> None:
    """An event type that there is not would lose an alarm in silence."""
    (fault,) = faults(
        f"  - {{id: a, dwelling: elm-12, adapter: {{kind: zigbee2mqtt}},"
        f" devices: [{{id: sos, kind: pendant, map: {map_}}}]}}\n"
    )
    assert fault.startswith("hubs[a].devices[sos].map: 'action")


@pytest.mark.parametrize("name", ["gateway", "monitor", "admin", "watch", "health"])
def test_no_hub_is_called_like_an_account_of_ours(name: str) -> None:
    """A hub of that name would share the gateway's account and take its queue."""
    (fault,) = faults(f"  - {{id: threshold-{name}, dwelling: elm-12}}\n")
    assert "account of our own" in fault
