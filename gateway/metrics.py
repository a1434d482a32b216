"""Metrics of the MQTT session and the decoders."""

from prometheus_client import Counter, Gauge

CONNECTED = Gauge("threshold_mqtt_connected", "1 while the gateway is connected and subscribed.")
CONNECTIONS = Counter("threshold_mqtt_connections", "Connections made to the broker.", ["session"])
CONNECTION_ENDED = Counter("threshold_mqtt_connection_ended", "Connections that ended, by why.", ["why"])
MESSAGES = Counter(
    "threshold_mqtt_messages", "Messages taken from the broker, by the end of their topic.", ["leaf"]
)
STALE_ACKS = Counter(
    "threshold_mqtt_stale_acks", "Acknowledgements withheld because their connection had ended before."
)
UNACKNOWLEDGED = Gauge("threshold_mqtt_unacknowledged", "Messages taken and not acknowledged yet.")
PUBLISHED = Counter(
    "threshold_mqtt_published", "Messages handed to the broker, by the end of their topic.", ["leaf"]
)
NOT_PUBLISHED = Counter(
    "threshold_mqtt_not_published",
    "Messages that could not be handed over for want of a connection.",
    ["leaf"],
)
