"""Whom a step reaches."""

from datetime import UTC, datetime, time

import pytest

from alerts.ladder import Audience
from alerts.reach import EVERY_CHANNEL, Address, Reachable, Staff, addresses, channels_of, reaches
from alerts.rota import Hours, Rota, Shift

NINE = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
ON_CALL = Reachable(1, "elm", "Duty officer", True, ("webhook", "sms", "email"))
MANAGER = Reachable(2, "elm", "Manager", False, ("email",))
CARETAKER = Reachable(3, "elm", "Caretaker", True, ())
SLEEPER = Reachable(4, "elm", "Sleeper", True, ("sms",), Hours(time(22), time(7)))
PROGRAM = Reachable(5, "elm", "Rostering system", True, ("webhook",))


def told(
    audience: Audience,
    *contacts: Reachable,
    at: datetime = NINE,
    critical: bool = False,
    rota: Rota | None = None,
) -> tuple[Address, ...]:
    """The addresses of an audience among these contacts."""
    return addresses(audience, Staff(contacts, rota), at, critical=critical)


def test_people_have_one_message_with_the_channels_it_may_fall_back_to_and_programs_their_own() -> None:
    """A contact that is not on call waits for the second step."""
    found = told(Audience.ON_CALL, ON_CALL, MANAGER, CARETAKER)
    assert found == (Address(1, "webhook"), Address(1, "sms", ("email",)))


def test_all_contacts_is_everybody_with_a_channel() -> None:
    """One without any is left out."""
    found = told(Audience.ALL_CONTACTS, ON_CALL, MANAGER, CARETAKER)
    assert {address.contact_id for address in found} == {1, 2}


def test_the_queue_writes_no_letters() -> None:
    """Operators are told by their screens; only the centre's own program is told besides."""
    assert told(Audience.QUEUE, ON_CALL, MANAGER) == (Address(1, "webhook"),)


def test_nobody_is_reached_without_a_channel() -> None:
    """A contact whom nothing in service can reach makes the step give way."""
    for audience, contact, reached in (
        (Audience.ALL_CONTACTS, CARETAKER, False),
        (Audience.ON_CALL, MANAGER, False),
        (Audience.ON_CALL, ON_CALL, True),
    ):
        assert reaches(audience, Staff((contact,)), NINE, critical=False) is reached


def test_a_disabled_webhook_is_no_channel_and_mail_still_is() -> None:
    """The 410 of a webhook leaves the letter-box."""
    assert channels_of("a@b.example", "https://b.example", webhook_disabled=True) == ("email",)
    assert channels_of(None, "https://b.example", webhook_disabled=True) == ()
    assert channels_of("a@b.example", "https://b.example", webhook_disabled=False) == ("webhook", "email")


def test_a_telephone_counts_where_it_can_be_rung() -> None:
    """By what is in service; a backtest has every channel."""
    assert channels_of(None, None, webhook_disabled=False, phone="+44") == ()
    found = channels_of("a@b.example", None, webhook_disabled=False, phone="+44", in_service={"sms"})
    assert found == ("sms", "email")
    found = channels_of(None, None, webhook_disabled=False, phone="+44", in_service=EVERY_CHANNEL)
    assert found == ("sms", "voice")


def test_a_contacts_own_order_decides_and_leaves_out_what_it_does_not_name() -> None:
    """What it names and has no address for is left out too."""
    found = channels_of(
        "a@b.example",
        None,
        webhook_disabled=False,
        phone="+44",
        order=("voice", "push", "email"),
        in_service=EVERY_CHANNEL,
    )
    assert found == ("voice", "email")


@pytest.mark.parametrize("at", [NINE, NIGHT])
@pytest.mark.parametrize("critical", [False, True])
def test_quiet_hours_hold_back_all_but_what_is_critical(at: datetime, critical: bool) -> None:
    """By night a sleeper is told of life safety and of critical visits alone; programs never sleep."""
    found = told(Audience.ALL_CONTACTS, SLEEPER, PROGRAM, at=at, critical=critical)
    assert found == ((Address(4, "sms"),) if at == NINE or critical else ()) + (Address(5, "webhook"),)


def test_a_rota_says_who_is_on_call_and_a_program_stands_in_none() -> None:
    """In a gap of the rota no person is reached, and the step gives way."""
    rota = Rota((Shift("Manager", Hours(time(8), time(18))),))
    assert told(Audience.ON_CALL, ON_CALL, MANAGER, rota=rota) == (Address(2, "email"),)
    assert told(Audience.ON_CALL, ON_CALL, MANAGER, at=NIGHT, rota=rota) == ()
    assert told(Audience.ON_CALL, PROGRAM, at=NIGHT, rota=rota) == (Address(5, "webhook"),)
    assert {each.contact_id for each in told(Audience.ALL_CONTACTS, ON_CALL, MANAGER, rota=rota)} == {1, 2}


def test_the_fallback_is_whoever_is_named_as_such_and_else_everybody() -> None:
    """A partner centre or the manager on call (domain/alarms.md §1)."""
    partner = Reachable(6, "north", "Partner centre", False, ("voice",), fallback=True)
    assert told(Audience.FALLBACK, MANAGER, partner) == (Address(6, "voice"),)
    assert told(Audience.FALLBACK, MANAGER) == (Address(2, "email"),)
