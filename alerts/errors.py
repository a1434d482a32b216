"""What can be wrong with an answer to a duty; each says so in one sentence for people."""

from datetime import datetime, timedelta


class DutyRefused(Exception):
    """Base: the duty stays as it was, and `str()` is the sentence."""


class NoSuchDuty(DutyRefused):
    """There is no duty of this number."""

    def __init__(self, duty_id: int) -> None:
        self.duty_id = duty_id
        super().__init__(f"There is no duty {duty_id}.")


class DutyClosed(DutyRefused):
    """It was closed before."""

    def __init__(self, duty_id: int, closed_by: str | None, closed_at: datetime | None) -> None:
        self.duty_id = duty_id
        self.closed_by = closed_by
        self.closed_at = closed_at
        when = f" at {closed_at:%Y-%m-%d %H:%M:%S} UTC" if closed_at else ""
        super().__init__(f"Duty {duty_id} was closed{f' by {closed_by}' if closed_by else ''}{when}.")


class HeldByAnother(DutyRefused):
    """Somebody else has claimed it and is at it now."""

    def __init__(self, duty_id: int, holder: str, until: datetime) -> None:
        self.duty_id = duty_id
        self.holder = holder
        self.until = until
        super().__init__(f"Duty {duty_id} is in the hands of {holder}.")


class NotHeld(DutyRefused):
    """The claim to be renewed or released is not this person's, or has ended."""

    def __init__(self, duty_id: int) -> None:
        self.duty_id = duty_id
        super().__init__(f"Duty {duty_id} is not claimed by you: the claim has ended or was never made.")


class UnknownOutcome(DutyRefused):
    """Not in the list of the duty's party."""

    def __init__(self, outcome: str, allowed: list[str]) -> None:
        self.outcome = outcome
        self.allowed = allowed
        super().__init__(f"'{outcome[:64]}' is no outcome of this duty; choose one of: {', '.join(allowed)}.")


class EtaOutOfRange(DutyRefused):
    """An arrival that is promised for the past, or for too far ahead to stop a ladder for."""

    def __init__(self, eta: datetime, longest: timedelta, *, past: bool) -> None:
        self.eta = eta
        hours = longest / timedelta(hours=1)
        why = "lies in the past" if past else f"is more than {hours:g} hours ahead"
        super().__init__(f"The expected arrival {eta:%Y-%m-%d %H:%M} UTC {why}.")


class BadNote(DutyRefused):
    """A note without words, or one that cannot be kept."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The note cannot be kept: {why}.")


class WindowRefused(Exception):
    """Base: no window of tests or suppression was changed, and `str()` is the sentence."""


class WindowOver(WindowRefused):
    """It would end before it begins, or is over already."""

    def __init__(self, until: datetime | None) -> None:
        when = "It is over already" if until is None else f"It would be over by {until:%Y-%m-%d %H:%M} UTC"
        super().__init__(f"{when}: a window ends after it begins, and later than now.")


class WindowTooLong(WindowRefused):
    """Longer than a window of its sort may be."""

    def __init__(self, longest: timedelta) -> None:
        super().__init__(f"Such a window lasts {longest / timedelta(hours=1):g} hours at most.")


class NotAlone(WindowRefused):
    """Somebody is to be away from a home in which others, or nobody, live."""

    def __init__(self, people: int) -> None:
        who = "others live there too" if people else "nobody is known to live there"
        super().__init__(f"Alarms of an empty home cannot be held back: {who}.")
