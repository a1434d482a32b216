"""The broker as settings name it, met under one of our own accounts."""

from pydantic import SecretStr

from app.errors import Fault
from app.settings import Settings
from gateway.broker import Broker, BrokerFault, broker_at


def broker_of(settings: Settings) -> Broker:
    """As the gateway meets it. Raises Fault in one line."""
    mqtt = settings.mqtt
    return _met_as(settings, mqtt.client_id, mqtt.username, mqtt.password)


def administrator(settings: Settings) -> Broker:
    """As its administrator meets it. Raises Fault, also when no such account is set."""
    mqtt = settings.mqtt
    if mqtt.admin_username is None:
        raise Fault("this needs the broker's dynamic security plugin: set THRESHOLD_MQTT__ADMIN_USERNAME")
    return _met_as(settings, mqtt.admin_username, mqtt.admin_username, mqtt.admin_password)


def _met_as(settings: Settings, client_id: str, username: str | None, password: SecretStr | None) -> Broker:
    mqtt = settings.mqtt
    try:
        return broker_at(
            settings.broker,
            client_id=client_id,
            username=username,
            password=password.get_secret_value() if password else None,
            ca_file=mqtt.ca_file,
            cert_file=mqtt.cert_file,
            key_file=mqtt.key_file,
        )
    except BrokerFault as fault:
        raise Fault(str(fault)) from None
