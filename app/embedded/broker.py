"""The embedded MQTT broker."""

import socket
from collections.abc import Iterator
from pathlib import Path

from app.embedded.errors import EmbeddedError


class EmbeddedBroker:
    """An MQTT broker on 127.0.0.1, in a process of its own that ends with ours.

    MQTT 3.1.1 on `port`, MQTT 5 on `port_v5` (rumqttd has a listener for each; None: none). Messages up to
    `MAX_PAYLOAD` bytes: an array of 500 events of 32 KiB each (contract §2), as in deploy/mosquitto.

    What a client must know: sessions, queues, retained messages and wills live in memory only; an
    acknowledgement out of order ends the connection; at most 100 messages are in flight; a message that is
    sent again does not carry the DUP flag.
    """

    MAX_PAYLOAD = 16_842_752
    MAX_INFLIGHT = 1000

    def __init__(self, port: int, directory: Path, *, port_v5: int | None = None) -> None:
        self.port = port
        self.port_v5 = port_v5
        self.directory = directory.absolute()
        self._broker: object | None = None

    @property
    def url(self) -> str:
        """Where MQTT 3.1.1 clients connect."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> str:
        """Start it; returns its URL once it accepts connections. Raises EmbeddedError: the port is busy."""
        try:
            from iotcore import Broker  # only who embeds a broker needs the wheel
        except ImportError:
            raise EmbeddedError(
                "no embedded broker is installed: pip install 'threshold-telecare[embedded]'"
            ) from None
        for port in filter(None, (self.port, self.port_v5)):
            if not _bindable(port):
                raise EmbeddedError(
                    f"port {port} on 127.0.0.1 is in use: end that program, or choose another port"
                )
        configuration = self.directory / "rumqttd.toml"
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            configuration.write_text(self._configuration())
            self._broker = broker = Broker(config_path=str(configuration))
            broker.start()
        except (OSError, RuntimeError) as error:
            raise EmbeddedError(f"the embedded broker does not start: {error}") from None
        return self.url

    def stop(self) -> None:
        """End it; safe to call twice, and when it never started."""
        broker, self._broker = self._broker, None
        if broker is not None:
            broker.stop()  # type: ignore[attr-defined]

    def __enter__(self) -> "EmbeddedBroker":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _configuration(self) -> str:
        listeners = [("v4", self.port)] + ([("v5", self.port_v5)] if self.port_v5 else [])
        return "\n".join(
            [
                "id = 0",
                "[router]",
                "id = 0",
                "max_connections = 10010",
                "max_outgoing_packet_count = 200",
                # A commit log per topic filter: a reader further behind than this has lost messages, and
                # the hubs send them again. 10 x 16 MiB holds some 300,000 events.
                f"max_segment_size = {16 << 20}",
                "max_segment_count = 10",
                *(line for version, port in listeners for line in self._listener(version, port)),
            ]
        )

    def _listener(self, version: str, port: int) -> Iterator[str]:
        yield f"[{version}.1]"
        yield f'name = "{version}-1"'
        yield f'listen = "127.0.0.1:{port}"'
        yield "next_connection_delay_ms = 1"
        yield f"[{version}.1.connections]"
        yield "connection_timeout_ms = 60000"
        yield f"max_payload_size = {self.MAX_PAYLOAD}"
        yield f"max_inflight_count = {self.MAX_INFLIGHT}"
        yield "dynamic_filters = true"


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
