"""Where the broker is, from what a person wrote."""

from pathlib import Path

import pytest

from gateway.broker import Broker, BrokerFault, broker_at


def test_a_url_gives_host_port_and_protection() -> None:
    """Ports have their usual defaults and `mqtts` means TLS."""
    assert broker_at("mqtt://broker.example", client_id="g") == Broker("broker.example", 1883, "g")
    assert broker_at("mqtts://broker.example", client_id="g") == Broker("broker.example", 8883, "g", tls=True)
    assert broker_at("mqtt://[::1]:1999", client_id="g").host == "::1"


def test_an_account_in_the_url_gives_way_to_one_that_was_set() -> None:
    """The account of the URL is used, percent signs undone, unless another is given."""
    from_url = broker_at("mqtt://a%40b:p%2Fw@host", client_id="g")
    assert (from_url.username, from_url.password) == ("a@b", "p/w")
    given = broker_at("mqtt://a:b@host", client_id="g", username="set", password="too")
    assert (given.username, given.password) == ("set", "too")
    assert "p/w" not in str(from_url)


@pytest.mark.parametrize(
    "url", ["", "broker", "http://host", "mqtt://", "mqtt://host:notaport", "mqtt://host/path"]
)
def test_an_address_that_is_none_is_one_clear_line(url: str) -> None:
    """What is no broker's address is refused with a sentence."""
    with pytest.raises(BrokerFault) as caught:
        broker_at(url, client_id="g")
    assert "\n" not in str(caught.value)


def test_a_certificate_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    """A missing or broken authority file is a fault for a person, not a traceback."""
    for file in (tmp_path / "missing.pem", Path(__file__)):
        with pytest.raises(BrokerFault, match="certificate files"):
            broker_at("mqtts://host", client_id="g", ca_file=file).tls_context()
    assert broker_at("mqtt://host", client_id="g", ca_file=tmp_path / "missing.pem").tls_context() is None
