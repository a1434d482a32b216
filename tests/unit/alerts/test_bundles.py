"""What goes out together (domain/visits.md §7: one message per contact per minute that lists them)."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.bundles import LONGEST_LIST, Bundle, Due, bundles
from tests.unit.alerts.patience import patient


def test_nine_missed_visits_are_one_letter_to_each_contact() -> None:
    """Nine alerts, two contacts, two bundles."""
    due = [Due(number * 2 + contact, contact, 2) for number in range(9) for contact in (0, 1)]
    assert bundles(due) == (Bundle(tuple(range(0, 18, 2))), Bundle(tuple(range(1, 18, 2))))


def test_life_safety_goes_by_itself() -> None:
    """It is neither held back to be grouped nor listed among others."""
    assert bundles([Due(1, 7, 1), Due(2, 7, 1), Due(3, 7, 2)]) == (Bundle((1,)), Bundle((2,)), Bundle((3,)))


def test_what_was_on_its_way_together_stays_together() -> None:
    """A lost attempt goes out again as the same letter; what came up since waits for the next."""
    due = [Due(3, 7, 2), Due(1, 7, 2, "lost"), Due(2, 7, 2, "lost")]
    assert bundles(due) == (Bundle((1, 2), "lost"),)


def test_a_message_without_a_contact_goes_by_itself() -> None:
    """It is to be buried, not listed."""
    assert bundles([Due(1, None, 2), Due(2, None, 2)]) == (Bundle((1,)), Bundle((2,)))


MESSAGES = st.builds(
    Due, st.integers(), st.integers(0, 3) | st.none(), st.integers(1, 4), st.sampled_from(["a", None])
)


@patient
@given(st.lists(MESSAGES, max_size=30, unique_by=lambda message: message.id))
def test_no_message_is_in_two_bundles_and_no_contact_gets_two_lists(due: list[Due]) -> None:
    """Whatever is due: each message once at most, each contact one list of bounded length."""
    by_id = {message.id: message for message in due}
    found = bundles(due)
    ids = [number for bundle in found for number in bundle.ids]
    assert len(ids) == len(set(ids))
    lists = [by_id[bundle.ids[0]].contact_id for bundle in found if by_id[bundle.ids[0]].priority > 1]
    named = [contact for contact in lists if contact is not None]
    assert len(named) == len(set(named))
    assert all(len(bundle.ids) <= LONGEST_LIST for bundle in found)


def test_a_list_has_an_end() -> None:
    """Five hundred messages to one contact are a hundred now, and the rest in a minute."""
    (bundle,) = bundles(Due(number, 7, 2) for number in range(500))
    assert bundle.ids == tuple(range(LONGEST_LIST))
