"""What the doctor says of contacts, rotas and link persons."""

from datetime import UTC, datetime, time

from alerts.links import LinkPerson, Person
from alerts.model import Contact, Organisation, Role, Webhook
from alerts.rota import EVERY_DAY, Hours, Rota, Shift
from app.doctor_contacts import contact_faults, missing_links

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
MAIL = frozenset({"email", "webhook"})
ANN = Contact("Ann", email="ann@b.example")
BOB = Contact("Bob", phone="+44")


def said(*contacts: Contact, channels: frozenset[str] = MAIL, **more: object) -> list[str]:
    """The doctor's sentences about a provider with these contacts."""
    disabled = {("bright", "Hook"): "410 Gone"}
    bright = Organisation("bright", Role.CARE_PROVIDER, "BrightCare", contacts, "Europe/London", **more)  # type: ignore[arg-type]
    return list(contact_faults({"bright": bright}, disabled, channels, NOW))


def test_nothing_is_said_where_everybody_can_be_told() -> None:
    """By what is set up here."""
    assert said(ANN) == []
    assert said(ANN, BOB, channels=MAIL | {"sms"}) == []


def test_a_contact_without_a_working_channel_is_named_with_why() -> None:
    """No address at all, none that anything here can send to, or a webhook that has gone."""
    hook = Contact("Hook", webhook=Webhook("https://b.example/hook", "whsec_x"))
    assert said(ANN, BOB, Contact("Cai"), hook) == [
        "contacts: Bob of bright cannot be reached: nothing here is set up to send by sms or voice",
        "contacts: Cai of bright cannot be reached: no channel that we can send by",
        "contacts: Hook of bright: the webhook is not used any more: 410 Gone",
        "contacts: Hook of bright cannot be reached: no channel that we can send by",
    ]


def test_a_party_that_nobody_can_tell_is_named() -> None:
    """It has a duty to answer."""
    assert "contacts: bright has a duty to answer and nobody who can be told" in said(BOB)
    assert said() == ["contacts: bright has a duty to answer and nobody who can be told"]


def test_a_rota_with_gaps_is_named_with_their_times() -> None:
    """In local time, the first three of fourteen days, and how many more."""
    rota = Rota((Shift("Ann", Hours(time(8), time(18))), Shift("Ann", Hours(time(20), time(8)))))
    found = said(ANN, rota=rota)
    assert found[0] == (
        "rotas: nobody of bright is on call from Sat 21 November 18:00 to Sat 21 November 20:00"
    )
    assert found[3:] == ["rotas: 11 more gaps of bright within 14 days"]


def test_a_step_that_can_never_run_is_named() -> None:
    """Nobody is on call whom a channel reaches, or everybody always sleeps."""
    away = Contact("Ann", email="ann@b.example", on_call=False)
    never = "steps: step 1 of bright can never run: it reaches nobody at any time"
    assert said(away) == [never]
    assert never in said(ANN, BOB, rota=Rota((Shift("Bob", Hours(time(0), time(0))),)))
    asleep = Contact("Ann", email="ann@b.example", quiet=Hours(time(0), time(0), EVERY_DAY))
    assert said(asleep) == [never, never.replace("step 1", "step 2")]


def test_schemes_without_a_link_person_are_named() -> None:
    """Those in which the organisation works."""
    elm = Organisation("elm", Role.LANDLORD, "Elm", links=(LinkPerson("elm-court", Person("Pat")),))
    found = list(missing_links({"elm": elm}, {"elm": {"elm-court", "elm-rise"}}))
    assert found == ["link persons: elm names none for elm-rise"]
