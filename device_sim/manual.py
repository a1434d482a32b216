"""One home driven by hand: a word and what belongs to it on a line, and single keys for the usual lines."""

import shlex
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from device_sim.clock import Clock
from device_sim.commands import Answer
from device_sim.home import Home
from device_sim.spec import PRESS_OF_KIND
from gateway.model import Command, Event

SHORT_FOR = {
    "cord": "pull_cord",
    "fall": "fall_detector",
    "smoke": "smoke_detector",
    "co": "co_detector",
    "gas": "gas_detector",
    "flood": "flood_detector",
    "panic": "panic_button",
}
"""A word alone that has the first device of this kind call."""

RECEIPTS_WITHIN = 60.0
"""Seconds for which `receipts` waits when it is not told for how long."""

CUT_WITHIN = 5.0
"""Seconds in which a connection that was cut is gone."""

LOW_BATTERY = 0.08


@dataclass(frozen=True, slots=True)
class Word:
    """What can be typed: the word, what may follow it, and what it does."""

    word: str
    follows: str
    does: str
    act: Callable[["Driver", list[str]], Awaitable[object]]


class Driver:
    """Carries out lines in one home, and says what the home says and hears. `say` gets a line of text."""

    def __init__(self, home: Home, clock: Clock, say: Callable[[str], None]) -> None:
        self.home = home
        self._clock = clock
        self._say = say
        self._offline = False
        home.hub.watcher = self

    async def obey(self, line: str) -> bool:
        """Carry out one line; False when it asks to end. Raises ValueError or TimeoutError: one sentence."""
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise ValueError(f"{line.strip()!r}: {str(error).lower()}") from None
        if not words:
            return True
        word, *rest = words
        if word in ("quit", "exit"):
            return False
        if word in SHORT_FOR:
            await self.home.presses(SHORT_FOR[word])
            return True
        if word not in WORDS:
            raise ValueError(f"{word!r} is no word here; help lists them")
        known = WORDS[word]
        least = sum(not each.startswith("[") for each in known.follows.split())
        if not least <= len(rest) <= len(known.follows.split()):
            raise ValueError(f"say: {word} {known.follows}".rstrip())
        await known.act(self, rest)
        return True

    def menu(self) -> Iterator[str]:
        """The home's devices, and every word."""
        spec = self.home.spec
        for device in spec.devices:
            calls = PRESS_OF_KIND.get(device.kind)
            yield f"{device.id:14} {device.kind}{f', calls {calls}' if calls else ''}"
        for role, credential in spec.carers.items():
            yield f"{role:14} {'pin:…' if credential.startswith('pin:') else credential}"
        for known in WORDS.values():
            yield f"{f'{known.word} {known.follows}'.rstrip():32} {known.does}"
        yield f"{', '.join(SHORT_FOR):32} the first device of that kind calls"
        yield f"{'quit':32} say goodbye and end"

    def keys(self) -> dict[str, str]:
        """What each key stands for, as things are now; only what this home has."""
        kinds = {device.kind for device in self.home.spec.devices}
        panel = next((device.id for device in self.home.spec.devices if device.is_door), None)
        carer = next(iter(self.home.spec.carers), "fob:04A1B2")
        hub = self.home.hub
        keys = {
            "p": "press pendant" if "pendant" in kinds else "",
            "u": "cord" if "pull_cord" in kinds else "",
            "f": "fall" if "fall_detector" in kinds else "",
            "s": "smoke" if "smoke_detector" in kinds else "",
            "c": "cancel",
            "t": "test",
            "a": f"arrive {carer}",
            "d": f"leave {carer}",
            "r": f"ring {panel}" if panel else "",
            "g": f"show {carer} {panel}" if panel else "",
            "m": "mains fail" if hub.mains else "mains back",
            "b": "battery low" if hub.battery > LOW_BATTERY else "battery ok",
            "o": "online" if self._offline else "offline",
            "k": "clock PT0S" if hub.skew else "clock PT1H",
            "h": "heartbeat",
            "n": "state",
            "q": "quit",
        }
        return {key: line for key, line in keys.items() if line}

    # What the words do

    async def _press(self, told: list[str]) -> None:
        await self.home.presses(told[0], _number(told[1]) if told[1:] else 1)

    async def _cancel(self, told: list[str]) -> None:
        await self.home.cancels(told[0] if told else self._first_that_calls())

    async def _test(self, told: list[str]) -> None:
        await self.home.test_presses(told[0] if told else self._first_that_calls())

    async def _ring(self, told: list[str]) -> None:
        await self.home.rings(told[0] if told else self._panel(), told[1] if told[1:] else None)

    async def _show(self, told: list[str]) -> None:
        await self.home.shows(told[1] if told[1:] else self._panel(), told[0])

    async def _deny(self, told: list[str]) -> None:
        await self.home.is_denied(told[1] if told[1:] else self._panel(), told[0])

    async def _door(self, told: list[str]) -> None:
        acts = {"open": self.home.opens_door, "close": self.home.closes_door}
        await _choice("door", acts, told[0])(told[1] if told[1:] else self._panel())

    async def _mains(self, told: list[str]) -> None:
        await _choice("mains", {"fail": self.home.loses_mains, "back": self.home.has_mains_again}, told[0])()

    async def _battery(self, told: list[str]) -> None:
        kind, charge = _choice(
            "battery",
            {"low": ("technical.battery_low", LOW_BATTERY), "ok": ("technical.battery_ok", 1.0)},
            told[0],
        )
        if not told[1:]:  # the unit's own
            self.home.hub.battery = charge
            self.home.hub.say_status()
        await self.home.reports(kind, told[1] if told[1:] else None)

    async def _report(self, told: list[str]) -> None:
        device = told[1] if told[1:] and told[1] != "-" else None
        await self.home.reports(told[0], device, _data(told[2]) if told[2:] else None)

    async def _offline_now(self, told: list[str]) -> None:
        self._offline = True
        await self.home.goes_offline()
        # The broker's side notices a moment later; what comes next in a script is said without a line.
        await self.home.hub.until(lambda: not self.home.hub.link.up, CUT_WITHIN, "the end of the line")

    async def _online_again(self, told: list[str]) -> None:
        self._offline = False
        await self.home.comes_back()

    async def _clock_wrong(self, told: list[str]) -> None:
        try:
            self.home.hub.skew = msgspec.convert(told[0], timedelta)
        except msgspec.ValidationError:
            raise ValueError(f"{told[0]!r} is not a duration such as PT1H or -PT5M") from None
        self._tell(f"the unit's clock shows {self.home.hub.now():%Y-%m-%d %H:%M:%S} UTC")

    async def _wait(self, told: list[str]) -> None:
        await self._clock.sleep(_seconds(told[0]))

    async def _receipts(self, told: list[str]) -> None:
        await self.home.all_receipted(_seconds(told[0]) if told else RECEIPTS_WITHIN)

    async def _state(self, told: list[str]) -> None:
        hub = self.home.hub
        line = "connected" if hub.link.up else f"not connected ({hub.link.last_failure or 'not yet'})"
        self._tell(
            f"{line}; events: stored {len(hub.stored)}, rejected {len(hub.rejected)}, without a receipt "
            f"{len(hub.outbox)}; commands: obeyed {len(hub.obeyed)}, refused {len(hub.refused)}"
        )

    async def _help(self, told: list[str]) -> None:
        for line in self.menu():
            self._say(line)

    def _first_that_calls(self) -> str:
        for device in self.home.spec.devices:
            if device.kind in PRESS_OF_KIND:
                return device.id
        raise ValueError(f"{self.home.spec.hub} has no device that calls")

    def _panel(self) -> str:
        for device in self.home.spec.devices:
            if device.is_door:
                return device.id
        raise ValueError(f"{self.home.spec.hub} has no door panel")

    # What the hub says and hears (`watcher.Watcher`)

    def said(self, event: Event) -> None:
        """An event was made."""
        waits = "" if self.home.hub.link.up else " (kept: the line is down)"
        self._tell(f"-> {event.type}{f' {event.device}' if event.device else ''}, id {event.id}{waits}")

    def stored(self, event_id: str, seconds: float) -> None:
        """A receipt came."""
        self._tell(f"<- stored {event_id}, {seconds * 1000:.1f} ms after it was sent")

    def rejected(self, event_id: str, reason: str) -> None:
        """A receipt said no."""
        self._tell(f"<- rejected {event_id}: {reason}")

    def commanded(self, command: Command, decided: Answer) -> None:
        """A command came."""
        what = "obeyed" if decided.obeyed else "refused" if decided.says else "not obeyed"
        self._tell(f"<- command {command.type} {command.id}: {what}, {decided.reason}")

    def line(self, up: bool) -> None:
        """The line stands, or is gone."""
        why = self.home.hub.link.last_failure
        self._tell("connected" if up else f"not connected{f': {why}' if why else ''}")

    def _tell(self, text: str) -> None:
        self._say(f"{_clock_face(self._clock.now())} {text}")


def _verb(name: str) -> Callable[[Driver, list[str]], Awaitable[object]]:
    """A word that is a verb of the home as it is."""

    async def act(driver: Driver, told: list[str]) -> None:
        await getattr(driver.home, name)(*told)

    return act


WORDS = {
    known.word: known
    for known in (
        Word("press", "DEVICE [TIMES]", "the device calls, so many times", Driver._press),
        Word("cancel", "[DEVICE]", "the resident cancels at the unit", Driver._cancel),
        Word("test", "[DEVICE]", "a test press", Driver._test),
        Word("tap", "CREDENTIAL", "at the unit: an arrival, the next time a departure", _verb("taps")),
        Word(
            "arrive", "[CREDENTIAL]", "a carer arrives; without a credential by the button", _verb("arrives")
        ),
        Word("leave", "[CREDENTIAL]", "a carer leaves", _verb("departs")),
        Word("ring", "[PANEL] [CREDENTIAL]", "someone presses the entry panel", Driver._ring),
        Word("show", "CREDENTIAL [PANEL]", "a credential opens the door", Driver._show),
        Word("deny", "CREDENTIAL [PANEL]", "a credential does not open the door", Driver._deny),
        Word("door", "open|close [PANEL]", "the door is opened or closed", Driver._door),
        Word("mains", "fail|back", "the power fails, or is back", Driver._mains),
        Word("battery", "low|ok [DEVICE]", "a battery is low or good again; the unit's own", Driver._battery),
        Word("feedback", "RATING", "the resident's word: good, poor or no_one_came", _verb("answers")),
        Word("away", "", "the resident sets away mode", _verb("goes_away")),
        Word("home", "", "the resident ends away mode", _verb("is_home_again")),
        Word("report", "TYPE [DEVICE] [DATA]", "any event; no device is -, data is JSON", Driver._report),
        Word("heartbeat", "", "a heartbeat now, and at the unit's interval from now on", _verb("heartbeats")),
        Word("silent", "", "no more heartbeats", _verb("stops_heartbeats")),
        Word("offline", "", "the line is cut", Driver._offline_now),
        Word("online", "", "the line is mended", Driver._online_again),
        Word("reboot", "", "the unit starts anew; what it keeps, it keeps", _verb("reboots")),
        Word("clock", "DURATION", "the unit's clock is ahead by this (PT1H, -PT5M)", Driver._clock_wrong),
        Word("wait", "SECONDS", "wait", Driver._wait),
        Word("receipts", "[SECONDS]", "wait until every event has its receipt", Driver._receipts),
        Word("state", "", "how the home stands", Driver._state),
        Word("help", "", "this list", Driver._help),
    )
}


def _choice(word: str, choices: dict[str, Any], told: str) -> Any:
    if told not in choices:
        raise ValueError(f"{word}: {told!r} is none of {', '.join(choices)}")
    return choices[told]


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1000:
        raise ValueError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ValueError(f"{text!r} is not a number of seconds up to a day")
    return seconds


def _data(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError(f"{text!r} is not a JSON object: {error}") from None


def _clock_face(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"
