"""Ways to reach a contact. A channel is one module and one contract; docs/alerts.md shows how to add one.

`send` hands one message to one receiver and answers `Delivered`, `Retryable(why)` or `Permanent(why)`. It
never raises for what a receiver does, never outlasts its time limit, and names no secret in its words.
"""

from alerts.channels.contract import Channel, Outgoing
from alerts.channels.email import EmailChannel
from alerts.channels.webhook import WebhookChannel

__all__ = ["Channel", "EmailChannel", "Outgoing", "WebhookChannel"]
