"""Where the homes' broker is, and how it is reached."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from gateway.topics import DEFAULT_ROOT, Topics

PLAIN_PORT = 1883
TLS_PORT = 8883

Protocol = Literal["3.1.1", "5"]


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker as a home sees it. Each home signs in with its own hub id and password."""

    host: str
    port: int = PLAIN_PORT
    topics: Topics = field(default_factory=Topics)
    tls: ssl.SSLContext | None = None
    protocol: Protocol = "3.1.1"

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def broker_from_url(
    url: str,
    *,
    root: str = DEFAULT_ROOT,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    protocol: Protocol = "3.1.1",
) -> Broker:
    """The broker that a URL `mqtt://host[:port]` or `mqtts://host[:port]` names.

    Raises ValueError with one clear sentence when the URL is no such thing. A user name or password
    in it is refused, because each home has its own. Raises OSError for a file that cannot be used.
    """
    shown = url if "@" not in url else f"{url.split('://', 1)[0]}://…@{url.rsplit('@', 1)[1]}"
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"broker URL {shown!r}: the port is not a number from 0 to 65535") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError(f"broker URL {shown!r}: expected mqtt://host:port or mqtts://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"broker URL {shown!r}: each home signs in as itself, not by the URL")
    if parts.path not in ("", "/") or parts.query:
        raise ValueError(f"broker URL {shown!r}: nothing may follow the port")
    secure = parts.scheme == "mqtts"
    return Broker(
        host=unquote(parts.hostname),
        port=port or (TLS_PORT if secure else PLAIN_PORT),
        topics=Topics(root),
        tls=_tls(ca_file, cert_file, key_file) if secure else None,
        protocol=protocol,
    )


def _tls(ca_file: Path | None, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file is not None:
        context.load_cert_chain(cert_file, key_file)
    return context
