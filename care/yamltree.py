"""YAML as it was written: every value with its line, every scalar as its own characters.

YAML guesses types: an unquoted 08:00 is the number 480 to it, 2026-11-01 a date, `no` a falsehood, 0123 the
number 83. An estate file says itself what each field is, so nothing is guessed here. The tree is built from
the parser's events, because libyaml's own composer overruns the stack on deep nesting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from care.errors import EstateErrors, Fault

# An estate nests six deep. Far below what any recursion of ours could suffer from.
_MAX_DEPTH = 40
# A mapping that takes in another that takes in another: two or three is what people write.
_MAX_MERGES = 4
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_MERGE = "<<"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """A single value: its characters, and None for an unquoted null or nothing at all."""

    line: int
    text: str | None


@dataclass(slots=True)
class Sequence:
    """A list."""

    line: int
    items: list["Node"]


@dataclass(slots=True)
class Mapped:
    """A mapping, in the order of the file; a key given twice is there twice."""

    line: int
    entries: list[tuple["Node", "Node"]]


Node = Scalar | Sequence | Mapped


def compose(text: str, source: str) -> Node | None:
    """The single document in `text`, None when it is empty. Raises EstateErrors where it is no YAML."""
    try:
        return _Builder(source).build(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise EstateErrors([_fault_of(error, source)]) from None


class _Builder:
    """Events to a tree, without recursion."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.anchors: Mapping[str, Node] = {}
        self.open: list[tuple[Node, Node | None]] = []  # a container, and the key that waits for its value
        self.root: Node | None = None

    def build(self, events: Iterator[Any]) -> Node | None:
        anchors: dict[str, Node] = {}
        self.anchors = anchors
        documents = 0
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.fault(line, "a second document begins here; only one is read")
            elif isinstance(event, yaml.AliasEvent):
                if event.anchor not in anchors:
                    raise self.fault(line, f"'*{event.anchor}' refers to an anchor that is not there")
                self.place(anchors[event.anchor])
            elif isinstance(event, yaml.CollectionEndEvent):
                self.open.pop()
            elif isinstance(event, yaml.NodeEvent):
                node = self.node(event, line)
                if event.anchor:
                    anchors[event.anchor] = node
                self.place(node)
                if not isinstance(node, Scalar):
                    self.open.append((node, None))
                    if len(self.open) > _MAX_DEPTH:
                        raise self.fault(line, f"nested more than {_MAX_DEPTH} deep")
        return self.root

    def node(self, event: Any, line: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            is_null = event.style in (None, "") and event.value in _NULLS
            return Scalar(line, None if is_null else event.value)
        return Sequence(line, []) if isinstance(event, yaml.SequenceStartEvent) else Mapped(line, [])

    def place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent, key = self.open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif isinstance(parent, Mapped):
            if key is None:
                self.open[-1] = (parent, node)
            else:
                parent.entries.append((key, node))
                self.open[-1] = (parent, None)

    def fault(self, line: int, sentence: str) -> EstateErrors:
        return EstateErrors([Fault(self.source, line, "", sentence)])


def _fault_of(error: yaml.YAMLError, source: str) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    return Fault(source, mark.line + 1 if mark else 0, "", f"not YAML: {problem}")


def merged(node: Mapped, depth: int = 0) -> list[tuple[Node, Node]]:
    """The entries of a mapping with its merge keys (`<<: *anchor`) taken in; its own go first."""
    own = [entry for entry in node.entries if not _is_merge(entry[0])]
    said = {key.text for key, _ in own if isinstance(key, Scalar)}
    for key, value in node.entries:
        if not _is_merge(key) or depth > _MAX_MERGES:
            continue
        for part in value.items if isinstance(value, Sequence) else [value]:
            if isinstance(part, Mapped):
                lent = [
                    e for e in merged(part, depth + 1) if isinstance(e[0], Scalar) and e[0].text not in said
                ]
                said |= {key.text for key, _ in lent if isinstance(key, Scalar)}
                own += lent
    return own


def _is_merge(key: Node) -> bool:
    return isinstance(key, Scalar) and key.text == _MERGE
