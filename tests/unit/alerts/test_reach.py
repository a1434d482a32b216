"""Whom a step reaches."""

from alerts.ladder import Audience
from alerts.reach import Address, Reachable, addresses, channels_of, reaches

ON_CALL = Reachable(1, "elm", "Duty officer", True, ("webhook", "email"))
MANAGER = Reachable(2, "elm", "Manager", False, ("email",))
PHONE_ONLY = Reachable(3, "elm", "Caretaker", True, ())


def test_on_call_is_those_on_call_by_every_channel_they_have() -> None:
    """A contact that is not on call waits for the second step."""
    found = addresses(Audience.ON_CALL, [ON_CALL, MANAGER, PHONE_ONLY])
    assert found == (Address(1, "webhook"), Address(1, "email"))


def test_all_contacts_is_everybody_with_a_channel() -> None:
    """One without any is left out."""
    found = addresses(Audience.ALL_CONTACTS, [ON_CALL, MANAGER, PHONE_ONLY])
    assert {address.contact_id for address in found} == {1, 2}


def test_the_queue_writes_no_letters() -> None:
    """Operators are told by their screens; only the centre's own program is told besides."""
    assert addresses(Audience.QUEUE, [ON_CALL, MANAGER]) == (Address(1, "webhook"),)


def test_nobody_is_reached_without_a_channel() -> None:
    """A contact by telephone alone is not reachable yet: the step gives way."""
    assert not reaches(Audience.ALL_CONTACTS, [PHONE_ONLY])
    assert not reaches(Audience.ON_CALL, [MANAGER])
    assert reaches(Audience.ON_CALL, [ON_CALL])


def test_a_disabled_webhook_is_no_channel_and_mail_still_is() -> None:
    """The 410 of a webhook leaves the letter-box."""
    assert channels_of("a@b.example", "https://b.example", webhook_disabled=True) == ("email",)
    assert channels_of(None, "https://b.example", webhook_disabled=True) == ()
    assert channels_of("a@b.example", "https://b.example", webhook_disabled=False) == ("webhook", "email")
