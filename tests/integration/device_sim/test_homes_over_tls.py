"""Homes that reach their broker over TLS, as outside a laboratory they must."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.clock import system_clock
from device_sim.clock import RealClock
from device_sim.home import Home
from device_sim.spec import DeviceSpec, HomeSpec
from device_sim.wire import broker_from_url
from tests.integration.device_sim.platform import listening
from tests.support.mosquitto import Mosquitto
from tests.support.processes import free_port

CLOCK = RealClock(system_clock)
SPEC = HomeSpec("hub-12", devices=(DeviceSpec("pendant-1", "pendant"),))


@dataclass(frozen=True)
class Secured:
    """A broker with a second listener under TLS, and the authority to trust."""

    broker: Mosquitto
    url: str
    authority: Path


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    """A Mosquitto with a certificate for 127.0.0.1 that vouches for itself."""
    certificate, key, port = tmp_path / "server.crt", tmp_path / "server.key", free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    listener = f"listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\ntls_version tlsv1.2\n"
    broker = Mosquitto(tmp_path / "mosquitto", anonymous=True, settings=listener)
    broker.start()
    yield Secured(broker, f"mqtts://127.0.0.1:{port}", certificate)
    broker.stop()


async def test_a_home_speaks_over_tls_and_survives_its_line(secured: Secured) -> None:
    """A press, a cut and a long flush go through the encrypted line like any other."""
    async with listening(secured.broker.port) as platform:
        broker = broker_from_url(secured.url, ca_file=secured.authority)
        async with Home(SPEC, broker, CLOCK) as home:
            await home.connected()
            (event_id,) = await home.presses("pendant-1")
            await home.await_receipt(event_id)
            await home.goes_offline()
            await platform.hears_that("hub-12", online=False)
            for number in range(2_000):
                await home.reports("door.opened", data={"n": number})
            await home.comes_back()
            await home.all_receipted()
    assert len(set(platform.ids("hub-12"))) == 2_001


# paho leaves the socket of a failed handshake to the garbage collector, which closes it, and says so.
@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_broker_that_nobody_vouches_for_is_not_spoken_to(secured: Secured) -> None:
    """Without the authority the home stays out and says why."""
    async with Home(SPEC, broker_from_url(secured.url), CLOCK) as home:
        with pytest.raises(TimeoutError, match="certificate verify failed"):
            await home.connected(within=5)
