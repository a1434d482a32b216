"""Where the events of a calendar file stand in it: iCalendar's own readers forget the lines. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """One component: the line on which it begins, and the first line of each of its properties."""

    line: int
    properties: Mapping[str, int]

    def line_of(self, name: str) -> int:
        """The line of a property, or that of the component when it has none."""
        return self.properties.get(name.upper(), self.line)


def unfolded(text: str) -> list[tuple[int, str]]:
    """The content lines of a file with the number on which each begins; long ones are folded over several."""
    found: list[tuple[int, str]] = []
    for number, ended in enumerate(text.split("\n"), start=1):
        line = ended.removesuffix("\r")
        if line[:1] in (" ", "\t") and found:
            found[-1] = found[-1][0], found[-1][1] + line[1:]
        elif line.strip():
            found.append((number, line))
    return found


def blocks(lines: Iterable[tuple[int, str]], kind: str) -> list[Block]:
    """The components of a kind, in the order of the file; what lies within them is not theirs."""
    found: list[Block] = []
    begun: list[dict[str, int]] = []
    for number, line in lines:
        name, _, value = line.partition(":")
        name = name.partition(";")[0].strip().upper()
        if name == "BEGIN":
            begun.append({})
            if value.strip().upper() == kind:
                found.append(Block(number, begun[-1]))
        elif name == "END" and begun:
            begun.pop()
        elif begun:
            begun[-1].setdefault(name, number)
    return found
