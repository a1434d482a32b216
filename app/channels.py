"""The ways to reach contacts, as the settings have them."""

from collections.abc import Mapping
from typing import Literal

from alerts.channels import Channel
from alerts.channels.email import EmailChannel
from alerts.channels.http_gateway import BadGateway, HttpGatewayChannel
from alerts.channels.push import PushChannel
from alerts.channels.reports import GatewayReports, Reports, TwilioReports
from alerts.channels.twilio import TwilioAccount, TwilioChannel
from alerts.channels.webhook import WebhookChannel
from alerts.monitor import MonitorSink
from app.errors import Fault
from app.settings import PhoneSettings, Settings, SmtpSettings

Means = Literal["sms", "voice"]
RECEIPTS = "/api/v1/receipts"


def build_channels(settings: Settings) -> Mapping[str, Channel]:
    """Every channel that is set up; without a mail server letters wait in the outbox.

    Raises Fault for a provider that cannot work as it is set.
    """
    channels: dict[str, Channel] = {
        "webhook": MonitorSink(
            WebhookChannel(
                settings.webhook.timeout.total_seconds(), allow_private=settings.webhook.allow_private
            )
        )
    }
    if settings.smtp.host is not None:
        channels["email"] = _email(settings.smtp, settings.smtp.host)
    if settings.push.enabled:
        channels["push"] = PushChannel(settings.push.timeout.total_seconds(), settings.push.allow_private)
    phones: tuple[tuple[Means, PhoneSettings], ...] = (("sms", settings.sms), ("voice", settings.voice))
    for means, phone in phones:
        if phone.provider == "twilio":
            channels[means] = _twilio(settings, phone, means)
        elif phone.provider == "http":
            channels[means] = _gateway(phone, means)
    return channels


def build_reporters(settings: Settings) -> Mapping[str, Reports]:
    """The providers that may say at `/api/v1/receipts` what became of messages."""
    found: dict[str, Reports] = {}
    if settings.twilio.token is not None and settings.twilio.reports:
        found["twilio"] = TwilioReports(settings.twilio.token.get_secret_value(), _report_to(settings))
    for means, phone in (("sms", settings.sms), ("voice", settings.voice)):
        if phone.provider == "http" and phone.receipt_secret is not None:
            found[means] = GatewayReports(phone.receipt_secret.get_secret_value(), (means,))
    return found


def _report_to(settings: Settings) -> str:
    return f"{settings.public_url.rstrip('/')}{RECEIPTS}/twilio"


def _email(mail: SmtpSettings, host: str) -> EmailChannel:
    return EmailChannel(
        host=host,
        port=mail.port,
        sender=mail.sender,
        username=mail.username,
        password=mail.password.get_secret_value() if mail.password else None,
        security=mail.security,
        timeout=mail.timeout.total_seconds(),
    )


def _twilio(settings: Settings, phone: PhoneSettings, means: Means) -> TwilioChannel:
    ours = settings.twilio
    sender = ours.caller or ours.sender if means == "voice" else ours.sender
    if ours.account is None or ours.token is None or sender is None:
        raise Fault(f"setting {means}.provider: Twilio needs twilio.account, twilio.token and twilio.sender")
    if means == "voice" and sender.startswith("MG"):
        raise Fault("setting twilio.caller: a messaging service cannot call, name a number for calls")
    return TwilioChannel(
        TwilioAccount(
            ours.account,
            ours.token.get_secret_value(),
            sender,
            report_to=_report_to(settings) if ours.reports else None,
            api=ours.api.rstrip("/"),
            timeout=phone.timeout.total_seconds(),
        ),
        means,
    )


def _gateway(phone: PhoneSettings, means: Means) -> HttpGatewayChannel:
    if not phone.url or not phone.url.startswith(("http://", "https://")):
        raise Fault(f"setting {means}.url: the provider's http:// or https:// address is missing")
    try:
        return HttpGatewayChannel(
            phone.url,
            phone.body,
            "short" if means == "sms" else "spoken",
            method=phone.method,
            content_type=phone.content_type,
            authorization=phone.authorization.get_secret_value() if phone.authorization else None,
            accepted_path=phone.accepted_path,
            accepted_value=phone.accepted_value,
            ref_path=phone.ref_path,
            receipts=phone.receipt_secret is not None,
            timeout=phone.timeout.total_seconds(),
        )
    except BadGateway as fault:
        raise Fault(f"setting {means}.body: {fault}") from None
