"""The estate file: what is read, and what is refused with its line and field (contract §3)."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.model import Role
from care.errors import EstateErrors
from care.estate import read_estate
from care.estate_checks import warnings
from care.model import Estate, Scope, Tier

WHOLE = """\
organisations:
  - {id: elm-housing, kind: landlord, name: Elm Housing,
     contacts: [{name: Duty housing officer, email: duty@elm.example, phone: "+441234500001"}]}
  - {id: brightcare, kind: care_provider, name: BrightCare,
     contacts: [{name: On-call, email: oncall@bright.example,
                 webhook: {url: "https://b.example/hook", secret: s}}]}
  - {id: northgate, kind: monitoring_centre, name: Northgate Lifeline}
  - {id: borough, kind: commissioner, name: Northgate Borough Council}
dwellings:
  - {id: elm-12, landlord: elm-housing, scheme: elm-court, address: "Flat 12", time_zone: Europe/London}
residents:
  - {id: ada, dwelling: elm-12, name: Ada Byrne, monitoring_centre: northgate, commissioner: borough}
hubs:
  - {id: hub-12, dwelling: elm-12, heartbeat_every: PT10M,
     devices: [{id: pendant-1, kind: pendant}, {id: panel-1, kind: door_panel, scope: dwelling}]}
carers:
  - {id: joy, provider: brightcare, name: Joy Okafor, credentials: ["fob:04A1B2", "pin:4711"]}
packages:
  - {id: pkg-ada, resident: ada, provider: brightcare, tier: essential,
     visits: [{id: morning, rrule: FREQ=DAILY, start: "08:00", minutes: 30, carers: 1, from: 2026-11-01}]}
suspensions:
  - {resident: ada, from: "2026-12-02T09:00:00+00:00", until: null, reason: hospital, told_by: brightcare}
"""


def read(text: str) -> Estate:
    """The estate in `text`."""
    return read_estate(text, "estate.yaml")


def faults(text: str) -> list[str]:
    """What is wrong with `text`, as people read it."""
    with pytest.raises(EstateErrors) as raised:
        read(text)
    return [str(fault) for fault in raised.value.faults]


def changed(old: str, new: str) -> str:
    """The whole example with one thing different."""
    assert WHOLE.count(old) == 1, old
    return WHOLE.replace(old, new)


def test_the_contracts_example_is_read_whole() -> None:
    """Every noun of contract §3 comes out as it was written."""
    estate = read(WHOLE)

    assert [noun.kind for noun in estate.organisations.values()] == list(Role)
    assert estate.organisations["elm-housing"].contacts[0].phone == "+441234500001"
    assert estate.hubs["hub-12"].heartbeat_every == timedelta(minutes=10)
    assert [device.scope for device in estate.hubs["hub-12"].devices] == [None, Scope.DWELLING]
    assert estate.carers["joy"].credentials == ("fob:04A1B2", "pin:4711")
    package = estate.packages["pkg-ada"]
    assert package.tier is Tier.ESSENTIAL
    (morning,) = package.recurrences
    assert (morning.start, morning.minutes, morning.carers, morning.from_date) == (
        time(8),
        30,
        1,
        date(2026, 11, 1),
    )
    assert estate.suspensions[0].from_at == datetime(2026, 12, 2, 9, tzinfo=UTC)
    assert estate.suspensions[0].until_at is None
    assert warnings(estate) == ()


def test_unquoted_values_keep_what_was_written() -> None:
    """YAML's guesses are not taken: 08:00 is no number, 0123 keeps its nought, NO is a name."""
    text = changed('start: "08:00"', "start: 08:00").replace('"+441234500001"', "0123")
    text = text.replace("name: Ada Byrne", "name: NO").replace(
        '["fob:04A1B2", "pin:4711"]', "[fob:1, 0123, no]"
    )
    text = text.replace('"2026-12-02T09:00:00+00:00"', "2026-12-02T10:00:00+01:00")
    estate = read(text)

    assert estate.packages["pkg-ada"].recurrences[0].start == time(8)
    assert estate.organisations["elm-housing"].contacts[0].phone == "0123"
    assert estate.residents["ada"].name == "NO"
    assert estate.carers["joy"].credentials == ("fob:1", "0123", "no")
    assert estate.suspensions[0].from_at == datetime(2026, 12, 2, 9, tzinfo=UTC)


def test_json_is_an_estate_too() -> None:
    """What another program writes as JSON is read; unknown fields are ignored everywhere."""
    estate = read(
        '{"organisations": [{"id": "b", "kind": "care_provider", "colour": "red"}], "version": 3,'
        ' "dwellings": [{"id": "d", "time_zone": "Europe/London", "rooms": [1, {"x": null}]}]}'
    )
    assert list(estate.dwellings) == ["d"]


def test_anchors_and_merge_keys() -> None:
    """A mapping may take in another's fields; its own win."""
    estate = read(
        "organisations:\n  - &one {id: one, kind: landlord, name: First}\n  - {<<: *one, id: two}\n"
        "dwellings: []\nresidents:\n"
    )
    assert [noun.name for noun in estate.organisations.values()] == ["First", "First"]


ONE_FAULT = [
    ("dwelling: elm-12, name: Ada", "dwelling: elm-21, name: Ada", 12, "residents[ada].dwelling", "elm-21"),
    ("landlord: elm-housing", "landlord: nobody", 10, "dwellings[elm-12].landlord", "nobody"),
    ("landlord: elm-housing", "landlord: brightcare", 10, "dwellings[elm-12].landlord", "is a care_provider"),
    ("centre: northgate", "centre: borough", 12, "residents[ada].monitoring_centre", "is a commissioner"),
    ("resident: ada, provider", "resident: bob, provider", 19, "packages[pkg-ada].resident", "bob"),
    ("provider: brightcare, tier", "provider: [a, b], tier", 19, "packages[pkg-ada].provider", "not a list"),
    ("tier: essential", "tier: urgent", 19, "packages[pkg-ada].tier", "urgent"),
    ("kind: monitoring_centre", "kind: alarm", 7, "organisations[northgate].kind", "alarm"),
    ("scope: dwelling", "scope: street", 15, "hubs[hub-12].devices[panel-1].scope", "street"),
    ("Europe/London", "Europe/Londinium", 10, "dwellings[elm-12].time_zone", "Londinium"),
    ("Europe/London", "../etc/passwd", 10, "dwellings[elm-12].time_zone", "passwd"),
    ("Europe/London", "Europe", 10, "dwellings[elm-12].time_zone", "Europe"),
    (
        "heartbeat_every: PT10M",
        "heartbeat_every: 10 minutes",
        14,
        "hubs[hub-12].heartbeat_every",
        "10 minutes",
    ),
    (
        "heartbeat_every: PT10M",
        "heartbeat_every: PT0S",
        14,
        "hubs[hub-12].heartbeat_every",
        "longer than zero",
    ),
    (
        "dwelling: elm-12, heart",
        "dwelling: elm-12, scheme: elm-court, heart",
        14,
        "hubs[hub-12].dwelling",
        "either",
    ),
    ("{id: hub-12,", '{id: "hub/12",', 14, "hubs[hub/12].id", "may hold no blank"),
    ("FREQ=DAILY", "FREQ=HOURLY", 20, "visits[morning].rrule", "FREQ"),
    ("FREQ=DAILY", "EVERY DAY", 20, "visits[morning].rrule", "EVERY DAY"),
    (", from: 2026-11-01", "", 20, "visits[morning].from", "is missing"),
    ("from: 2026-11-01", "from: 01/11/2026", 20, "visits[morning].from", "not guessed"),
    ("from: 2026-11-01", "from: 2026-11-31", 20, "visits[morning].from", "calendar"),
    ('start: "08:00"', "start: 480", 20, "visits[morning].start", "in quotes"),
    ('start: "08:00"', 'start: "25:00"', 20, "visits[morning].start", "25:00"),
    ("minutes: 30", "minutes: 0", 20, "visits[morning].minutes", "between 1 and 1440"),
    ("minutes: 30", "minutes: 1800", 20, "visits[morning].minutes", "between 1 and 1440"),
    ("minutes: 30", "minutes: half", 20, "visits[morning].minutes", "whole number"),
    ("carers: 1", "carers: 0", 20, "visits[morning].carers", "between 1 and 20"),
    ('"2026-12-02T09:00:00+00:00"', '"2026-12-02T09:00:00"', 22, "suspensions[ada].from", "no offset"),
    ("until: null", 'until: "2026-12-01T09:00:00Z"', 22, "suspensions[ada].until", "later than 'from'"),
    ("told_by: brightcare", "told_by: nobody", 22, "suspensions[ada].told_by", "nobody"),
    ("duty@elm.example", "duty at elm", 3, "contacts[Duty housing officer].email", "e-mail"),
    ("https://b.example/hook", "ftp://b.example", 6, "contacts[On-call].webhook.url", "https"),
    ("name: Joy Okafor", "id: jo", 17, "carers[joy].id", "given twice"),
]


@pytest.mark.parametrize(("old", "new", "line", "field", "words"), ONE_FAULT)
def test_a_fault_names_line_field_and_what_is_wrong(
    old: str, new: str, line: int, field: str, words: str
) -> None:
    """Each single fault is told in one sentence that says where it stands."""
    found = faults(changed(old, new))
    place = [fault for fault in found if fault.startswith(f"estate.yaml:{line}: ") and field in fault]
    assert place, found
    assert words in place[0]


def test_every_fault_is_told_at_once() -> None:
    """A file is read to its end, so that one run names all that is wrong with it."""
    text = changed("minutes: 30", "minutes: 0").replace("kind: landlord", "kind: owner")
    text = text.replace("tier: essential", "tier: urgent")
    assert len(faults(text)) >= 3


def test_a_credential_has_one_holder_and_is_not_repeated_aloud() -> None:
    """A second holder is refused by name of the first; the credential, which may be a PIN, is not shown."""
    text = WHOLE.replace(
        "packages:", '  - {id: sam, provider: brightcare, credentials: ["pin:4711"]}\npackages:'
    )
    (found,) = faults(text)
    assert "carers[sam].credentials" in found
    assert "'joy'" in found
    assert "4711" not in found


def test_an_id_given_twice_names_both_lines() -> None:
    """A duplicate id is refused where it stands, with the line of the first."""
    text = WHOLE.replace("hubs:\n", "  - {id: ada, dwelling: elm-12}\nhubs:\n", 1)
    (found,) = faults(text)
    assert found == "estate.yaml:13: residents[ada].id: 'ada' is already in line 12"


def test_a_comma_within_braces_does_not_cut_a_rule() -> None:
    """`{rrule: FREQ=WEEKLY;BYDAY=MO,WE}` would silently lose Wednesdays, so it is refused."""
    found = faults(changed("rrule: FREQ=DAILY", "rrule: FREQ=WEEKLY;BYDAY=MO,WE"))
    assert any("'WE' stands alone after a comma" in fault for fault in found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n- b\n",
        "just words",
        "a: [1, 2",
        "a: \x00",
        "a: 1\n---\nb: 2\n",
        "a: *nowhere",
        "[" * 100_000,
        "- " * 50_000,
        "a: \ud800",
        "%YAML 9.9\n---\na: 1",
    ],
)
def test_what_is_no_estate_is_one_clear_fault(text: str) -> None:
    """A file that is no YAML, or no mapping, or bottomless, is refused in one line."""
    assert len(faults(text)) == 1


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """Another encoding would garble names, so the line is named instead."""
    with pytest.raises(EstateErrors, match=r"estate\.yaml:2: not UTF-8"):
        read_estate(b"a: 1\nb: \xe9\n", "estate.yaml")
    assert read_estate(b"\xef\xbb\xbf" + WHOLE.encode(), "estate.yaml").packages


def test_an_anchor_within_itself_does_no_harm() -> None:
    """A mapping that contains itself is read to the depth that an estate has."""
    assert faults("dwellings: &d [*d, {id: x, time_zone: Europe/London, more: *d}]")


def test_what_may_stand_and_deserves_a_look_is_a_warning() -> None:
    """Contacts without a channel, homes that no hub hears and the like are told, not refused."""
    text = WHOLE.replace("dwelling: elm-12, heartbeat", "scheme: oak-court, heartbeat")
    text = text.replace("email: duty@elm.example, phone: ", "note: ").replace("rrule: FREQ=DAILY, ", "")
    found = warnings(read(text))

    assert len(found) == 4
    assert any("has no channel" in warning for warning in found)
    assert any("oak-court" in warning for warning in found)
    assert any("no hub hears dwelling elm-12" in warning for warning in found)
    assert any("has no rrule" in warning for warning in found)


def test_overlapping_suspensions_are_taken() -> None:
    """Suspensions may overlap: a visit is suspended when any of them covers its start."""
    more = (
        '  - {resident: ada, from: "2026-12-01T00:00:00Z", until: "2026-12-05T00:00:00Z", reason: respite}\n'
    )
    assert len(read(WHOLE + more).suspensions) == 2


@given(st.text(max_size=200))
def test_no_text_crashes_the_reader(text: str) -> None:
    """Any text at all is an estate or a list of faults."""
    with suppress(EstateErrors):
        read(text)


@given(st.data())
def test_no_value_crashes_the_reader(data: st.DataObject) -> None:
    """Any YAML value in the place of any value is an estate or a list of faults."""
    words = WHOLE.split(" ")
    place = data.draw(st.integers(0, len(words) - 1))
    words[place] = data.draw(
        st.sampled_from(
            ["[]", "{}", "null", "~", "''", "-1", "1e9", "true", "2026-01-01", "!!int x", "&a", "*a", "}"]
        )
    )
    with suppress(EstateErrors):
        read(" ".join(words))
