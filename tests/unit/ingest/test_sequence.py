"""What hubs' own numbering says of events that have not come."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ingest.sequence import MOST_GAPS, Passed, boots_to_look_up, follow


def test_numbers_that_follow_one_another_are_nothing_to_note() -> None:
    """Regular counting moves on and says nothing."""
    followed = follow("b1", 4, (), [("b1", 5), ("b1", 6)])
    assert (followed.boot, followed.last_seq, followed.is_regular) == ("b1", 6, True)


def test_a_number_that_was_passed_over_is_missing_until_it_comes() -> None:
    """A gap is told with both its ends; what fills it later is told as late and moves nothing back."""
    followed = follow("b1", 4, (), [("b1", 8)])
    assert (followed.last_seq, followed.passed) == (8, [Passed("b1", 5, 7)])
    followed = follow("b1", 8, (), [("b1", 6)])
    assert (followed.last_seq, followed.passed, followed.late) == (8, [], [("b1", 6)])


def test_disorder_inside_a_batch_is_no_gap() -> None:
    """Alarms come first in a batch: only what is still missing at its end counts."""
    assert follow("b1", 4, (), [("b1", 7), ("b1", 5), ("b1", 6)]).is_regular


def test_before_the_first_number_of_a_boot_nothing_is_missing() -> None:
    """Where a boot began to count is nobody's to know, but that it began is noted."""
    followed = follow("b1", 4, (), [("b2", 40), ("b2", 41)])
    assert (followed.boot, followed.last_seq, followed.begun, followed.passed) == ("b2", 41, ["b2"], [])
    assert follow(None, None, (), [("", 7)]).begun == [""]


def test_what_was_kept_before_a_reboot_comes_late_and_is_no_reboot() -> None:
    """Numbers of a boot that was heard before fill its gaps; the present boot stays."""
    followed = follow("b2", 3, {"b1", "b2"}, [("b1", 9), ("b2", 4)])
    assert (followed.boot, followed.last_seq, followed.late) == ("b2", 4, [("b1", 9)])


def test_only_other_boots_are_asked_about() -> None:
    """A batch of the present boot costs no question."""
    assert boots_to_look_up("b1", [("b1", 1), ("b2", 1)]) == {"b2"}
    assert boots_to_look_up(None, [("", 1)]) == set()


def test_a_hub_that_numbers_at_random_is_not_worth_every_gap() -> None:
    """The number of gaps from one batch is bounded, and counting goes on behind them."""
    followed = follow("b", 0, (), [("b", 2 * number) for number in range(1, 1000)])
    assert (len(followed.passed), followed.last_seq) == (MOST_GAPS, 1998)


@given(st.sets(st.integers(2, 40)), st.integers(1, 5), st.randoms(use_true_random=False))
def test_in_any_order_and_any_batches_the_same_is_missing(
    come: set[int], size: int, chance: random.Random
) -> None:
    """What is missing in the end is what never came below the highest number that did."""
    numbers = sorted(come)
    chance.shuffle(numbers)
    last: int | None = 1
    missing: set[int] = set()
    for start in range(0, len(numbers), size):
        followed = follow("b", last, (), [("b", seq) for seq in numbers[start : start + size]])
        last = followed.last_seq
        for gap in followed.passed:
            missing |= set(range(gap.first, gap.last + 1))
        missing -= {seq for _, seq in followed.late}
    assert missing == set(range(2, max(come, default=1))) - come
