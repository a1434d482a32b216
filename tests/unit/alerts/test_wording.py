"""What each party is told, and what it is never told (domain/visits.md §7)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.classify import FAULTS, LIFE_SAFETY, WELFARE
from alerts.languages import LANGUAGES
from alerts.model import DutyState, Role, VisitAlertKind
from alerts.retry import Purpose
from alerts.wording import (
    LONGEST_SHORT,
    PARTS,
    Correction,
    Facts,
    Message,
    Party,
    Place,
    VisitFacts,
    WordingError,
    Written,
    clipped,
    listed,
    message_for,
    render,
    short_name,
    templates_wanted,
    thin,
)
from tests.unit.alerts.patience import patient

NINE = datetime(2026, 7, 21, 9, 7, tzinfo=UTC)
PLACE = Place("Flat 12, Elm Court", "Europe/London")
PARTIES = (
    Party("elm", "Elm Housing", Role.LANDLORD, DutyState.ACKNOWLEDGED, NINE),
    Party("bright", "BrightCare", Role.CARE_PROVIDER, DutyState.OPEN),
)
VISIT = VisitFacts("pkg-ada/morning/2026-07-21", NINE, ("Joy Okafor", "Sam"), (("Joy Okafor", NINE),))
MISSED = Facts(7, VisitAlertKind.MISSED, 2, NINE, PLACE, PARTIES, "essential", VISIT)
PRESS = Facts(8, "alarm.pendant", 1, NINE, PLACE, (), hub_id="hub-12", presses=3)
CONSOLE = "https://threshold.example/"


def written(
    role: Role,
    facts: Facts,
    purpose: Purpose = Purpose.RAISE,
    correction: Correction | None = None,
    language: str = "en",
) -> Written:
    """The message as its receiver reads it."""
    organisation = {Role.LANDLORD: "elm", Role.CARE_PROVIDER: "bright"}.get(role, "north")
    return render(message_for(role, organisation, facts, purpose, correction), CONSOLE, language)


def everything_that_can_be_said(language: str) -> list[tuple[Role, Written]]:
    """Each template in a language, with all that it may be given."""
    said = []
    for purpose in Purpose:
        over = Correction("Joy came at 09:05", NINE) if purpose is Purpose.STAND_DOWN else None
        for role in (Role.LANDLORD, Role.CARE_PROVIDER, Role.MONITORING_CENTRE):
            said += [
                (role, written(role, replace(MISSED, kind=kind, raised_late=True), purpose, over, language))
                for kind in VisitAlertKind
            ]
        for kind in (*LIFE_SAFETY, *WELFARE, "door.forced", "alarm.unreadable", "alarm.stroke"):
            priority = 2 if kind in WELFARE else 1
            alarm = replace(PRESS, kind=kind, priority=priority, is_test=True)
            said.append(
                (Role.MONITORING_CENTRE, written(Role.MONITORING_CENTRE, alarm, purpose, over, language))
            )
        for role in (Role.LANDLORD, Role.MONITORING_CENTRE):
            for kind in (*FAULTS, "hub.silent", "technical.door", "area.silent", "area.mains"):
                fault = replace(PRESS, kind=kind, priority=4)
                said.append((role, written(role, fault, purpose, over, language)))
    return said


def test_the_landlord_is_asked_to_check_on_the_resident() -> None:
    """The dwelling, what, how urgent, since when in local time, who else was told, what is asked."""
    letter = written(Role.LANDLORD, MISSED)
    assert letter.subject == "A care visit was not made: Flat 12, Elm Court"
    assert letter.text.splitlines() == [
        "A planned care visit at Flat 12, Elm Court was not made.",
        "Open since 10:07 on Tuesday 21 July. How urgent: urgent.",
        "",
        "Please check on the resident, and answer this alert whatever others do:",
        "https://threshold.example/alerts/7",
        "",
        "Also told:",
        "- BrightCare (care provider): not answered yet",
    ]


def test_an_unverified_visit_cannot_be_confirmed() -> None:
    """Nobody is told 'not made' where that is not known."""
    letter = written(Role.LANDLORD, replace(MISSED, kind=VisitAlertKind.UNVERIFIED))
    assert "cannot be confirmed" in letter.subject
    assert "not made" not in letter.subject + letter.text


def test_the_provider_is_told_the_visit_its_carers_and_the_other_partys_state() -> None:
    """And what was seen of its own carers."""
    text = written(Role.CARE_PROVIDER, MISSED).text
    assert "The visit pkg-ada/morning/2026-07-21 at Flat 12, Elm Court, planned for 10:07" in text
    assert "Rostered: Joy O., Sam." in text
    assert "Your carers at this home: Joy O. 10:07 on Tuesday 21 July." in text
    assert "- Elm Housing (housing): acknowledged 10:07 on Tuesday 21 July" in text


def test_the_centre_is_told_both_parties() -> None:
    """The welfare call names the visit, and who has not answered."""
    text = written(Role.MONITORING_CENTRE, MISSED).text
    assert "Elm Housing" in text
    assert "BrightCare" in text
    assert "welfare call" in text


def test_a_reminder_says_that_nobody_has_answered() -> None:
    """The subject of a second letter differs from the first."""
    assert written(Role.LANDLORD, MISSED, Purpose.REMINDER).subject.startswith("Still unanswered: ")


def test_a_stand_down_gives_the_cause_and_both_times() -> None:
    """To those who may know the cause; the landlord is told that it is over, and when that was known."""
    over = Correction("Joy Okafor arrived at 09:05", datetime(2026, 7, 21, 9, 20, tzinfo=UTC))
    provider = written(Role.CARE_PROVIDER, MISSED, Purpose.STAND_DOWN, over).text
    assert "10:07 on Tuesday 21 July" in provider
    assert "10:20 on Tuesday 21 July" in provider
    assert over.cause in provider
    landlord = written(Role.LANDLORD, MISSED, Purpose.STAND_DOWN, over).text
    assert "10:20 on Tuesday 21 July" in landlord
    assert "Joy" not in landlord


CANARIES = ("CANARY-CARER", "CANARY-VISIT", "CANARY-CAUSE", "CANARY-HUB")


@patient
@given(
    kind=st.sampled_from([*VisitAlertKind, *LIFE_SAFETY, *WELFARE, *FAULTS, "door.forced", "hub.silent"]),
    purpose=st.sampled_from(list(Purpose)),
    tier=st.sampled_from(["critical", "essential", "standard", "flexible", None]),
    language=st.sampled_from(sorted(LANGUAGES)),
)
def test_no_message_to_a_landlord_can_hold_a_carer_a_task_or_a_roster(
    kind: str, purpose: Purpose, tier: str | None, language: str
) -> None:
    """Whatever the alert knows: neither in the words, by whatever channel, nor in what is stored to make
    them."""
    visit = VisitFacts("CANARY-VISIT", NINE, ("CANARY-CARER",), (("CANARY-CARER", NINE),))
    priority = 2 if kind in list(VisitAlertKind) else 4
    facts = Facts(7, kind, priority, NINE, PLACE, PARTIES, tier, visit, hub_id="CANARY-HUB")
    correction = Correction("CANARY-CAUSE", NINE) if purpose is Purpose.STAND_DOWN else None
    message = message_for(Role.LANDLORD, "elm", facts, purpose, correction)
    letter = render(message, CONSOLE, language)
    stored = json.dumps(message.fields)
    for canary in CANARIES:
        assert canary not in letter.subject + letter.text + letter.short + letter.spoken + stored


CARE_WORDS = ("carer", "roster", "task", "medic", "diagnos", "dement", "gofalwr", "rota", "meddyg", "tasg")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_words_of_ours_tell_a_landlord_of_the_care(language: str) -> None:
    """But that a visit was planned, and that it was made by too few."""
    told = [words for role, words in everything_that_can_be_said(language) if role is Role.LANDLORD]
    fewer = {speech.visits[VisitAlertKind.PART_ATTENDED] for speech in LANGUAGES.values()}
    assert told
    for words in told:
        text = words.subject + words.text + words.short + words.spoken
        for allowed in fewer:
            text = text.replace(allowed, "")
        assert not [word for word in CARE_WORDS if word in text.lower()]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_channel_has_words_for_everything_in_every_language(language: str) -> None:
    """None empty, none with a hole: a template that lacks a field fails here and not at three in the
    morning."""
    for _, words in everything_that_can_be_said(language):
        for part in PARTS:
            assert getattr(words, part).strip()
        assert "None" not in words.subject + words.text + words.short + words.spoken


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_text_message_is_short_and_says_where_to_answer(language: str) -> None:
    """Two text messages' length at most, on one line, its address whole."""
    for _, words in everything_that_can_be_said(language):
        assert len(words.short) <= LONGEST_SHORT
        assert "\n" not in words.short
        assert words.short.endswith(("/alerts/7", "/alerts/8"))


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_call_can_be_spoken(language: str) -> None:
    """No address of a console, no mark that a voice stumbles over, and less than a minute of it."""
    for _, words in everything_that_can_be_said(language):
        assert not set(words.spoken) & set("<>{}[]/|_#*")
        assert len(words.spoken.split()) < 90


def test_welsh_is_welsh() -> None:
    """Days and months, parties and what is asked."""
    letter = written(Role.LANDLORD, MISSED, language="cy")
    assert letter.subject == "Ymweliad gofal heb ei wneud: Flat 12, Elm Court"
    assert "10:07 ddydd Mawrth 21 Gorffennaf" in letter.text
    assert "- BrightCare (darparwr gofal): heb ateb eto" in letter.text


def test_an_unknown_language_is_spoken_in_english() -> None:
    """A letter in the wrong language is better than none."""
    assert written(Role.LANDLORD, MISSED, language="xx") == written(Role.LANDLORD, MISSED)


def test_languages_know_the_same_words() -> None:
    """What one can say, all can."""
    first, *others = LANGUAGES.values()
    for other in others:
        for name in ("visits", "urgency", "alarms", "by_priority", "roles", "states"):
            assert getattr(first, name).keys() == getattr(other, name).keys()
        assert (len(other.weekdays), len(other.months)) == (7, 12)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_many_messages_to_a_small_screen_are_counted_and_cut(language: str) -> None:
    """How many, and as many of them as fit."""
    one = written(Role.LANDLORD, MISSED, language=language)
    many = listed([one] * 40, language)
    assert many.short.startswith("40 ")
    assert len(many.short) <= LONGEST_SHORT
    assert many.short.endswith("…")
    assert "40" in many.spoken


def test_what_is_too_long_keeps_the_address_at_its_end() -> None:
    """The middle is cut, not the way to answer."""
    text = clipped("word " * 100 + "https://threshold.example/alerts/7")
    assert len(text) <= LONGEST_SHORT
    assert text.endswith("… https://threshold.example/alerts/7")


CLINICAL = ("fall", "seizure", "medic", "diagnos", "dement", "bed", "inactiv", "epilep", "incontinen")


@pytest.mark.parametrize("kind", [*LIFE_SAFETY, *WELFARE, "alarm.stroke"])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_no_letter_carries_a_clinical_word(kind: str, purpose: Purpose) -> None:
    """An alarm's letter says how urgent it is, not what is wrong with somebody."""
    facts = replace(PRESS, kind=kind, priority=2 if kind in WELFARE else 1)
    correction = Correction("over", NINE) if purpose is Purpose.STAND_DOWN else None
    letter = written(Role.MONITORING_CENTRE, facts, purpose, correction)
    words = (letter.subject + letter.text + letter.short + letter.spoken).lower()
    assert not [word for word in CLINICAL if word in words]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Joy Okafor", "Joy O."),
        ("Sam", "Sam"),
        ("Ana Maria de Souza", "Ana S."),
        ("", ""),
        ("  Joy  ", "Joy"),
    ],
)
def test_a_name_beside_an_address_is_short(name: str, short: str) -> None:
    """First name and an initial."""
    assert short_name(name) == short


def test_a_line_break_in_an_address_makes_no_new_header() -> None:
    """A subject is one line whatever the estate file holds."""
    facts = replace(MISSED, place=Place("Flat 12\r\nBcc: everybody@example", "Europe/London"))
    assert "\n" not in written(Role.LANDLORD, facts).subject
    assert "\r" not in written(Role.LANDLORD, facts).subject


def test_a_template_with_a_missing_field_is_an_error_that_names_it() -> None:
    """Never a letter with a hole in it."""
    message = message_for(Role.LANDLORD, "elm", MISSED, Purpose.RAISE)
    fields = {name: value for name, value in message.fields.items() if name != "place"}
    with pytest.raises(WordingError, match="place"):
        render(Message(message.template, fields), CONSOLE)


def test_a_template_that_does_not_exist_is_an_error_that_names_it() -> None:
    """A row from another version is told apart."""
    with pytest.raises(WordingError, match="nonesuch"):
        render(Message("nonesuch", {}), CONSOLE)


def test_every_message_has_its_template_and_every_template_its_message() -> None:
    """Each language's folder holds what can be asked for, and nothing else."""
    folders = files("alerts").joinpath("templates")
    assert {folder.name for folder in folders.iterdir()} == set(LANGUAGES)
    for language in LANGUAGES:
        found = {entry.name for entry in folders.joinpath(language).iterdir()}
        assert found == {f"{name}.txt" for name in templates_wanted()}


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_party_of_every_kind_can_be_told(purpose: Purpose) -> None:
    """No combination of party, kind and purpose is without words."""
    correction = Correction("over", NINE) if purpose is Purpose.STAND_DOWN else None
    for role in (Role.LANDLORD, Role.CARE_PROVIDER, Role.MONITORING_CENTRE):
        assert written(role, MISSED, purpose, correction).text
    for priority in (1, 2, 3, 4):
        assert written(Role.MONITORING_CENTRE, replace(PRESS, priority=priority), purpose, correction).text
    assert written(Role.LANDLORD, replace(PRESS, priority=4, kind="technical.door"), purpose, correction).text


def test_an_unknown_zone_is_told_in_utc() -> None:
    """A wrong zone must not keep a letter back."""
    facts = replace(MISSED, place=Place("Flat 12", "Mars/Olympus"))
    assert "09:07" in written(Role.LANDLORD, facts).text


def test_a_webhook_carries_ids_and_a_kind() -> None:
    """The receiver fetches the rest under its own role (contract §7)."""
    assert thin("visit.missed", Purpose.RAISE, 7, 9, NINE) == {
        "type": "duty.raised",
        "timestamp": "2026-07-21T09:07:00+00:00",
        "data": {"alert": 7, "duty": 9, "kind": "visit.missed"},
    }
