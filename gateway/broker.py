"""Where the broker is and who we are to it."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiomqtt

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class BrokerFault(ValueError):
    """A broker address or certificate that cannot be used; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Broker:
    """One MQTT broker and the account to use there.

    The broker keeps the queue of messages for `client_id`; another client with the same id would take the
    connection and the queue away, so each deployment has one of its own.
    """

    host: str
    port: int
    client_id: str
    tls: bool = False
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS settings, or None for a plain connection. Raises BrokerFault for unusable files."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except OSError as error:  # ssl.SSLError is one too
            raise BrokerFault(f"the broker's certificate files cannot be used: {error}") from None
        return context

    def client(self, timeout: float = 10.0) -> aiomqtt.Client:
        """A client for a short conversation beside the gateway's own; `timeout` in seconds for each step.

        Raises BrokerFault for unusable certificate files.
        """
        return aiomqtt.Client(
            self.host,
            self.port,
            identifier=self.client_id,
            username=self.username,
            password=self.password,
            tls_context=self.tls_context(),
            clean_session=True,
            timeout=timeout,
        )

    def __str__(self) -> str:
        """The address for logs: never the account."""
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def broker_at(
    url: str,
    *,
    client_id: str,
    username: str | None = None,
    password: str | None = None,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
) -> Broker:
    """The broker that a URL names; an account inside the URL is used where no other is given.

    Raises BrokerFault for anything but mqtt://host[:port] and mqtts://host[:port].
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BrokerFault(f"the broker's address is not a URL: {error}") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path.strip("/"):
        raise BrokerFault("the broker's address must look like mqtt://host:port or mqtts://host:port")
    return Broker(
        host=parts.hostname,
        port=port or DEFAULT_PORTS[parts.scheme],
        client_id=client_id,
        tls=parts.scheme == "mqtts",
        username=username or (unquote(parts.username) if parts.username else None),
        password=password or (unquote(parts.password) if parts.password else None),
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
    )
