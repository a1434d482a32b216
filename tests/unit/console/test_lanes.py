"""The day's visits on one axis."""

from datetime import UTC, date, datetime, timedelta

from api.model import DwellingOut, OrganisationOut, PersonOut, VisitOut
from console import lanes

EIGHT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def visit(
    who: str,
    start: float,
    minutes: int = 30,
    state: str = "planned",
    came: float | None = None,
    left: float | None = None,
) -> VisitOut:
    """A visit in hours after eight."""
    begins = EIGHT + timedelta(hours=start)

    def at(hours: float | None) -> datetime | None:
        return None if hours is None else EIGHT + timedelta(hours=hours)

    return VisitOut(
        ref=f"{who}/{start}",
        package="p",
        resident=PersonOut(id=who, name=who.title()),
        dwelling=DwellingOut(id="d", address="Flat 1", time_zone="Europe/London"),
        provider=OrganisationOut(id="b", name="B"),
        tier="standard",
        service_date=date(2026, 11, 21),
        start=begins,
        end=begins + timedelta(minutes=minutes),
        carers_required=1,
        carers=[],
        plan="planned",
        state=state,
        attendance="unknown",
        timeliness="none",
        duration="none",
        verification="none",
        arrived_at=at(came),
        departed_at=at(left),
        carers_seen=[],
        reason="",
        version=0,
    )


def test_those_who_need_a_look_come_first_then_by_the_days_first_visit() -> None:
    """A missed visit stands above a late one, and both above those that went well earlier."""
    day = lanes.day(
        [
            visit("ann", 0, state="completed"),
            visit("bob", 1, state="late"),
            visit("cat", 2, state="missed"),
            visit("bob", 0, state="completed"),
            visit("dan", -1, state="completed"),
        ],
        EIGHT,
    )
    assert [lane.resident_id for lane in day.lanes] == ["cat", "bob", "dan", "ann"]


def test_everything_lies_on_the_axis() -> None:
    """Bars, what really happened and now lie between 0 and 100 per cent, and keep their order."""
    day = lanes.day([visit("ann", 0, came=-0.5, left=3), visit("ann", 9, 45)], EIGHT + timedelta(hours=1))
    bars = day.lanes[0].bars
    assert day.now_x is not None
    for bar in bars:
        assert 0 <= bar.x < bar.x + bar.width <= 100
        if bar.came_x is not None and bar.came_width is not None:
            assert 0 <= bar.came_x < bar.came_x + bar.came_width <= 100
    assert bars[0].x < bars[1].x
    assert all(0 < tick.x < 100 for tick in day.ticks)
    assert [tick.label for tick in day.ticks] == sorted(tick.label for tick in day.ticks)


def test_visits_that_overlap_stand_below_each_other() -> None:
    """Two at once take two rows of the lane; one after the other takes one."""
    day = lanes.day([visit("ann", 0, 60), visit("ann", 0.5, 60), visit("ann", 1, 30)], EIGHT)
    assert [bar.row for bar in day.lanes[0].bars] == [0, 1, 0]
    assert day.lanes[0].rows == 2


def test_a_short_day_is_not_stretched_and_another_day_has_no_now() -> None:
    """The axis spans three hours at least; now is drawn only where it lies on it."""
    day = lanes.day([visit("ann", 0)], EIGHT + timedelta(days=3))
    assert day.now_x is None
    assert day.lanes[0].bars[0].width < 20
    assert lanes.day([], EIGHT) == lanes.Day((), (), None)


def test_who_is_there_now_is_drawn_until_now() -> None:
    """A visit in progress has an arrival and grows until somebody leaves."""
    bar = (
        lanes.day([visit("ann", 0, 60, "in_progress", came=0)], EIGHT + timedelta(minutes=30))
        .lanes[0]
        .bars[0]
    )
    assert bar.came_width is not None
    assert abs(bar.came_width - bar.width / 2) < 0.1


def test_the_service_day_begins_at_four_where_the_home_is() -> None:
    """Before four in the morning it is still yesterday there, summer and winter."""
    assert lanes.service_date(datetime(2026, 7, 1, 2, 59, tzinfo=UTC), "Europe/London") == date(2026, 6, 30)
    assert lanes.service_date(datetime(2026, 7, 1, 3, 0, tzinfo=UTC), "Europe/London") == date(2026, 7, 1)
    assert lanes.service_date(datetime(2026, 12, 1, 3, 59, tzinfo=UTC), "Europe/London") == date(2026, 11, 30)


def test_a_service_day_is_as_long_as_the_clocks_make_it() -> None:
    """From four to four it is 23 hours when clocks go forward that night, and 25 when they go back."""
    lengths = {}
    for day in (date(2026, 3, 27), date(2026, 3, 28), date(2026, 10, 24)):
        begins, ends = lanes.service_day(day, "Europe/London")
        lengths[day.isoformat()] = (ends - begins) / timedelta(hours=1)
    assert lengths == {"2026-03-27": 24, "2026-03-28": 23, "2026-10-24": 25}
