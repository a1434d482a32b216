"""Could the home speak, and has it been heard again (domain/visits.md §6, "Could the home speak?")?"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from msgspec import Struct

from care.model import Dwelling, Hearing, Hub, Interval, Tier
from care.policy import Policy
from care.walltime import clock
from care.windows import Window

_MICROSECOND = timedelta(microseconds=1)
# A hub that may be quiet for longer is never silent; larger numbers would leave the calendar.
_LONGEST_LIMIT = timedelta(days=36_500)
# Before any message, after any message: ends of time that subtract without overflowing.
_EVER = datetime(1800, 1, 1, tzinfo=UTC)
_NEVER = datetime(9900, 1, 1, tzinfo=UTC)


def hubs_that_matter(hubs: Iterable[Hub], dwelling: Dwelling) -> list[Hub]:
    """The hubs whose silence excuses a home: its own, or its scheme's with a communal panel when it has none.

    None at all: nobody hears this home, its visits can never be verified, and none of them raises an alert.
    """
    known = list(hubs)
    own = [hub for hub in known if hub.dwelling_id == dwelling.id]
    if own or dwelling.scheme is None:
        return own
    return [hub for hub in known if hub.scheme == dwelling.scheme and hub.has_communal_panel]


def silence_limit(hub: Hub, policy: Policy) -> timedelta:
    """How long nothing may be received before the hub counts as silent; more than this is silence."""
    limit = int(hub.heartbeat_every // _MICROSECOND * policy.silence_factor)
    return timedelta(microseconds=min(limit, _LONGEST_LIMIT // _MICROSECOND))


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which a hub was silent.

    `closed`: silent at `start` itself (a last will); else from the moment after. `end` is the moment from
    which it was not silent any more, None while it is; `heard_at` the message that ended it, later than
    `end` when an outage of our own came between.
    """

    start: datetime
    end: datetime | None
    heard_at: datetime | None
    closed: bool = True


class Ears(Struct, frozen=True):
    """What one hub let us hear, made ready for questions: silences and words on its queue, in order.

    `ends` and `heard` are the latest `end` and `heard_at` of all silences up to each: a question then looks
    at one or two of them and not at a flapping hub's thousands.
    """

    hub: Hub
    silences: tuple[Silence, ...]
    starts: tuple[datetime, ...]
    words: tuple[tuple[datetime, int], ...]
    ends: tuple[datetime, ...] = ()
    heard: tuple[datetime, ...] = ()

    @classmethod
    def of(cls, hearing: Hearing, policy: Policy, outages: Sequence[Interval] = ()) -> "Ears":
        """The silences of a hub under a policy. While we could not listen, no hub was silent."""
        found = sorted(
            _silences(hearing, policy, outages), key=lambda silence: (silence.start, not silence.closed)
        )
        # Stable: words of one moment stay in the order in which they arrived.
        words = sorted(
            ((word.received_at, word.queued) for word in hearing.queue_words), key=lambda word: word[0]
        )
        return cls(
            hearing.hub,
            tuple(found),
            tuple(silence.start for silence in found),
            tuple(words),
            tuple(accumulate((silence.end or _NEVER for silence in found), max)),
            tuple(accumulate((silence.heard_at or _NEVER for silence in found), max)),
        )

    def _last_begun(self, moment: datetime) -> int:
        """The last silence begun by then; at its limit itself a hub is not silent yet. -1: none."""
        position = bisect_right(self.starts, moment) - 1
        while position >= 0 and self.starts[position] == moment and not self.silences[position].closed:
            position -= 1
        return position

    def silent_at(self, moment: datetime) -> bool:
        """Whether the hub was silent then, as far as had been received by then."""
        position = self._last_begun(moment)
        return position >= 0 and self.ends[position] > moment

    def silent_within(self, start: datetime, end: datetime) -> timedelta:
        """For how long of [start, end] the hub was silent. Silences that overlap count once."""
        total = timedelta()
        reached = start
        # The first silence that may reach into the stretch; all before it ended before.
        first = bisect_right(self.ends, start)
        for silence in self.silences[first : bisect_left(self.starts, end)]:
            until = end if silence.end is None else min(silence.end, end)
            begun = max(silence.start, reached)
            if until > begun:
                total += until - begun
                reached = until
        return total

    def waiting_at(self, moment: datetime) -> int:
        """How many events the hub still kept, by its last fresh heartbeat received by then; 0 when unsaid."""
        position = bisect_right(self.words, moment, key=lambda word: word[0]) - 1
        return self.words[position][1] if position >= 0 else 0

    def back_since(self, moment: datetime) -> datetime | None:
        """When the last silence begun by then was ended by a message; None when it has not been by then."""
        position = self._last_begun(moment)
        if position < 0:
            return _EVER
        return self.heard[position] if self.heard[position] <= moment else None

    def emptied_since(self, start: datetime, moment: datetime) -> bool:
        """Whether a fresh heartbeat with an empty queue was received in [start, moment]."""
        first = bisect_left(self.words, start, key=lambda word: word[0])
        last = bisect_right(self.words, moment, key=lambda word: word[0])
        return any(queued == 0 for _, queued in self.words[first:last])

    def said_everything(self, moment: datetime, policy: Policy) -> bool:
        """Whether nothing that the hub kept during its last silence can still be to come."""
        back = self.back_since(moment)
        if back is None or self.silent_at(moment) or self.waiting_at(moment) > 0:
            return False
        return moment - back >= policy.heard_again or self.emptied_since(back, moment)

    def turns(self, start: datetime, end: datetime, policy: Policy) -> Iterable[datetime]:
        """Moments in [start, end] at which the hub may come to have said everything, in any order.

        Others that lie near may be among them: being asked at one moment more does no harm.
        """
        first = bisect_left(self.heard, start - policy.heard_again)
        for silence in self.silences[first : bisect_right(self.starts, end)]:
            if silence.heard_at is not None:
                yield silence.heard_at
                yield silence.heard_at + policy.heard_again
        for received_at, _ in self.words[bisect_left(self.words, start, key=lambda word: word[0]) :]:
            if received_at > end:
                return
            yield received_at


def _silences(hearing: Hearing, policy: Policy, outages: Sequence[Interval]) -> Iterable[Silence]:
    limit = silence_limit(hearing.hub, policy)
    yield from _less(Interval(_EVER, hearing.first_heard_at), outages, closed=True)
    quiet = list(hearing.gaps)
    if hearing.last_heard_at is not None:
        quiet.append(Interval(hearing.last_heard_at, None))
    for gap in quiet:
        yield from _overdue(gap, limit, outages)
    for spell in hearing.offline:
        yield from _less(spell, outages, closed=True)


def _overdue(gap: Interval, limit: timedelta, outages: Sequence[Interval]) -> Iterable[Silence]:
    """The silence within a gap in hearing; after an outage of our own it counts from our return."""
    for part in _less(gap, outages, closed=False):
        if part.end is None or part.end - part.start > limit:
            yield Silence(part.start + limit, part.end, part.heard_at, closed=False)


def _less(spell: Interval, outages: Sequence[Interval], *, closed: bool) -> Iterable[Silence]:
    """A stretch without the times in which we could not listen."""
    start = spell.start
    for outage in sorted(outages, key=lambda outage: outage.start):
        if spell.end is not None and outage.start >= spell.end:
            break
        if outage.end is not None and outage.end <= start:
            continue
        if outage.start > start:
            yield Silence(start, outage.start, spell.end, closed)
        if outage.end is None:
            return
        start = max(start, outage.end)
    # A last will and a message of one moment are a silence too, over as it began: what ended it counts.
    if spell.end is None or spell.end > start or (closed and spell.end == spell.start == start):
        yield Silence(start, spell.end, spell.end, closed)


class Speech(Struct, frozen=True):
    """Whether the home could speak in a visit's window, and from when an empty window means a missed visit.

    `heard` False: no hub hears this home at all. `missed_from` None: not known yet, the visit cannot be
    confirmed; `look_again_at` is then when that may change though nothing more is received.
    """

    could_speak: bool
    heard: bool
    why: str
    missed_from: datetime | None
    look_again_at: datetime | None


def listen(window: Window, ears: Sequence[Ears], policy: Policy, until: datetime) -> Speech:
    """Could this home speak for this visit, by what had been received by `until`?

    Meaningful once `until` has reached the visit's `missed_at`; no ears: nobody hears the home.
    """
    missed_at = window.missed_at
    if not ears:
        return Speech(False, False, "no hub hears this home", None, None)
    why = _why_not(window, ears, policy)
    if why is None:
        return Speech(True, True, "", missed_at, None)
    moments = {missed_at}
    for hub in ears:
        moments.update(hub.turns(missed_at, window.settles_at, policy))
    for moment in sorted(moment for moment in moments if missed_at <= moment <= window.settles_at):
        if all(hub.said_everything(moment, policy) for hub in ears):
            if moment <= until:
                return Speech(False, True, why, moment, None)
            return Speech(False, True, why, None, moment)
    return Speech(False, True, why, None, None)


def _why_not(window: Window, ears: Sequence[Ears], policy: Policy) -> str | None:
    """Why the home could not speak, for people; None when it could."""
    missed_at, start = window.missed_at, window.counts_from
    if window.visit.tier is Tier.FLEXIBLE:
        start = max(start, missed_at - policy.flexible_window)
    for hub in ears:
        if hub.silent_at(missed_at):
            return f"{hub.hub.id} was silent at {clock(missed_at, window.zone)}"
        silent = hub.silent_within(start, missed_at)
        share = policy.silent_share
        if silent * share.denominator > (missed_at - start) * share.numerator:
            return f"{hub.hub.id} was silent for {_minutes(silent)} of {_minutes(missed_at - start)} minutes"
        waiting = hub.waiting_at(missed_at)
        if waiting > 0:
            return f"{hub.hub.id} still kept {waiting} events that we had not received"
    return None


def _minutes(length: timedelta) -> int:
    return round(length / timedelta(minutes=1))
