"""The steps of a duty are written as they are spelled, however many there are."""

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.backtest_steps import Steps

BEGIN = datetime(2026, 2, 26, 22, 50, tzinfo=UTC)
begins = st.tuples(st.integers(0, 100), st.sampled_from([0, 1, 59]), st.sampled_from([0, 7, 120_000])).map(
    lambda after: BEGIN + timedelta(minutes=after[0], seconds=after[1], microseconds=after[2])
)
pauses = st.sampled_from([1, 7, 15, 60, 1440, 2000]).map(lambda minutes: timedelta(minutes=minutes))


@settings(max_examples=60, deadline=None)
@given(begins, st.integers(0, 4000), pauses | st.just(timedelta(seconds=90)))
def test_the_text_says_each_moment(begin: datetime, count: int, every: timedelta) -> None:
    """Over midnights and the end of a month, at any distance, all steps stand there and nothing else."""
    steps = Steps((begin - timedelta(minutes=5), begin), count, every)
    written = b"".join(steps.json())
    assert json.loads(written) == [moment.isoformat() for moment in steps.moments()]
