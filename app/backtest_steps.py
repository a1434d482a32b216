"""When each step of a duty falls due in a replay, where nobody ever answers (contract §6, `step_at`).

A month of unanswered alarms has many millions of steps, and a large report is mostly these. So a ladder's
repetitions are kept as what they are, a beginning, a distance and a number, and written by the minute.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

import msgspec

from alerts.ladder import Audience, steps_due
from alerts.reach import Staff, reaches
from alerts.routing import Owed

_THIRD = 3
_MINUTE = timedelta(minutes=1)
_DAY_MINUTES = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of one duty in order: some by themselves, then `count` more, each `every` after the last.

    `third_at`: when the third step fell due, reached or not; None when it never did. `told`: whom the steps
    spoke to before the ladder began to repeat itself.
    """

    single: tuple[datetime, ...]
    count: int = 0
    every: timedelta = timedelta()
    third_at: datetime | None = None
    told: tuple[tuple[datetime, Audience], ...] = ()

    def moments(self) -> Iterator[datetime]:
        """Each step's moment."""
        yield from self.single
        if self.count:
            at = self.single[-1]
            for _ in range(self.count):
                at += self.every
                yield at

    def json(self) -> Iterator[bytes]:
        """The moments as a JSON array, spelled as `isoformat` does, in pieces of at most a day."""
        if self.count and not self.every % _MINUTE:
            written = [b'"%s"' % at.isoformat().encode() for at in self.single]
            yield b"[" + b",".join(written)
            yield from self._minutely()
            yield b"]"
        else:
            # The encoder writes UTC as Z, and much faster than isoformat; the report has one spelling.
            yield _encode(list(self.moments())).replace(b'Z"', b'+00:00"')

    def _minutely(self) -> Iterator[bytes]:
        """The repetitions, each after a comma: of one second and place behind the point, all are as long.

        A day's are spelled once, and then dated anew for each day that begins at the same minute.
        """
        stride, last, left = self.every // _MINUTE, self.single[-1], self.count
        within = last.isoformat()[len("2026-11-01T00:00") :].encode() + b'"'
        width = len(b',"2026-11-01T00:00') + len(within)
        minute = (last - _EPOCH) // _MINUTE + stride
        written, dated, begun = bytearray(), b"", -1
        while left > 0:
            day, begin = divmod(minute, _DAY_MINUTES)
            date = _date(day)
            if begin == begun:
                _date_anew(written, width, dated, date)
            else:
                opened = b',"%sT' % date
                clocks = (within + opened).join(_clocks()[begin::stride])
                written = bytearray(opened + clocks + within)
            dated, begun = date, begin
            steps = len(written) // width
            yield bytes(written) if steps <= left else bytes(written[: left * width])
            minute += steps * stride
            left -= steps


@cache
def _clocks() -> list[bytes]:
    """Each minute of a day, as a clock shows it."""
    return [b"%02d:%02d" % (hour, minute) for hour in range(24) for minute in range(60)]


@lru_cache(maxsize=4000)
def _date(day: int) -> bytes:
    """A day since 1970, as `isoformat` spells it."""
    return (_EPOCH + timedelta(days=day)).date().isoformat().encode()


def _date_anew(written: bytearray, width: int, before: bytes, after: bytes) -> None:
    """Puts another date in all of a day's steps; from one day to the next that is a digit or two."""
    for place, (was, now) in enumerate(zip(before, after, strict=True), start=len(b',"')):
        if was != now:
            written[place::width] = bytes([now]) * (len(written) // width)


def climb(
    owed: Owed, staff: Staff, began_at: datetime, stood_down_at: datetime | None, until: datetime
) -> Steps:
    """The steps up to `until` and before the stand-down that reach somebody."""
    ladder = owed.ladder

    def reached(audience: Audience, at: datetime) -> bool:
        return reaches(audience, staff, at, critical=owed.critical)

    single: list[datetime] = []
    told: list[tuple[datetime, Audience]] = []
    third_at = None
    for step in steps_due(ladder, began_at, reached, after_step=0, after=None, until=until):
        if stood_down_at is not None and step.due_at >= stood_down_at:
            break
        if step.number == _THIRD and third_at is None:
            third_at = step.due_at
        if not step.skipped:
            single.append(step.due_at)
        if step.repeated and ladder.repeat_every is not None:
            count = _repetitions(step.due_at, ladder.repeat_every, stood_down_at, until)
            return Steps(tuple(single), count, ladder.repeat_every, third_at, tuple(told))
        if not step.skipped:
            told.append((step.due_at, step.audience))
    return Steps(tuple(single), third_at=third_at, told=tuple(told))


def _repetitions(first: datetime, every: timedelta, stood_down_at: datetime | None, until: datetime) -> int:
    """How often a step falls due again after `first`, up to `until` and before the stand-down."""
    count = (until - first) // every
    if stood_down_at is None:
        return count
    return min(count, -((first - stood_down_at) // every) - 1)
