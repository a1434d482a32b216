"""mq-bridge as the reference: `python -m benchmarks.bridge MQTT_URL DATABASE_URL TABLE`.

A bridge in Rust from a broker to a table, at its best settings found: it acknowledges after the write as we
do, and does nothing else: it decodes nothing, dedupes nothing, answers nobody.
"""

import sys

from mq_bridge import Route

TOPIC = "threshold/v1/+/events"
BATCH = 1000


def main() -> None:
    """Bridges until it is ended."""
    broker, database, table = sys.argv[1:]
    route = Route.from_config(
        {
            "batch_size": BATCH,
            "input": {
                "mqtt": {
                    "url": broker.replace("mqtt://", "tcp://"),
                    "topic": TOPIC,
                    "client_id": "bridge",
                    "qos": 1,
                    "protocol": "v3",
                    "max_inflight": 65_535,
                    "queue_capacity": 10 * BATCH,
                }
            },
            "output": {"sqlx": {"url": database, "table": table}},
        }
    )
    route.run()


if __name__ == "__main__":
    main()
