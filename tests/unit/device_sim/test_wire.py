"""Where a broker is."""

import pytest

from device_sim.wire import broker_from_url


@pytest.mark.parametrize(
    ("url", "host", "port", "secure"),
    [
        ("mqtt://broker.example", "broker.example", 1883, False),
        ("mqtt://127.0.0.1:1884/", "127.0.0.1", 1884, False),
        ("mqtts://broker.example", "broker.example", 8883, True),
        ("mqtt://[::1]:1885", "::1", 1885, False),
    ],
)
def test_a_broker_is_named_by_its_url(url: str, host: str, port: int, secure: bool) -> None:
    """The scheme decides about TLS and the port that need not be said."""
    broker = broker_from_url(url)
    assert (broker.host, broker.port, broker.tls is not None) == (host, port, secure)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://broker.example", "expected mqtt://"),
        ("broker.example:1883", "expected mqtt://"),
        ("mqtt://", "expected mqtt://"),
        ("mqtt://broker.example:port", "port is not a number"),
        ("mqtt://broker.example:99999", "port is not a number"),
        ("mqtt://hub-1:secret@broker.example", "signs in as itself"),
        ("mqtt://broker.example/topic", "nothing may follow"),
    ],
)
def test_what_names_no_broker_is_refused_in_one_sentence(url: str, told: str) -> None:
    """The sentence says what is wrong, and never repeats a password."""
    with pytest.raises(ValueError, match=told) as refused:
        broker_from_url(url)
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
