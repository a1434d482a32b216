"""Templates and the files they name. Read once; a file's address holds a mark of its contents."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from console import words


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that browsers fetch."""

    content: bytes
    media_type: str
    mark: str


@cache
def assets() -> dict[str, Asset]:
    """Every file of `static/` by its path below it."""
    found: dict[str, Asset] = {}
    root = files("console").joinpath("static")
    waiting = [("", root)]
    while waiting:
        prefix, folder = waiting.pop()
        for entry in folder.iterdir():
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                waiting.append((f"{name}/", entry))
                continue
            content = entry.read_bytes()
            media = mimetypes.guess_type(name)[0] or "application/octet-stream"
            if media.startswith("text/") or media.endswith("javascript"):
                media += "; charset=utf-8"
            found[name] = Asset(content, media, hashlib.sha256(content).hexdigest()[:12])
    return found


def asset(name: str) -> str:
    """The address of a file; it changes with the file, so that browsers may keep it for ever."""
    return f"/static/{name}?v={assets()[name].mark}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(asset=asset, words=words, icon=icon)
    return environment


def icon(name: str) -> Markup:
    """One of the drawings of `_icons.html`; the words beside it say what it means."""
    drawing = '<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>'
    return Markup(drawing).format(name)


def page(template: str, **values: Any) -> str:
    """A template as HTML."""
    return _environment().get_template(template).render(**values)
