"""Settings: environment variables THRESHOLD_… (nested with `__`), or a TOML file named by --config.

The environment wins over the file. Every setting is described in docs/settings.md; a test holds the page
and this module together.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from app.errors import Fault

Positive = Annotated[timedelta, Field(gt=timedelta(0))]
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
OptionalMoment = Annotated[AwareDatetime | None, BeforeValidator(lambda value: value or None)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class MqttSettings(_Group):
    """How the gateway speaks to the broker beyond THRESHOLD_MQTT_URL."""

    root: str = Field("threshold/v1", description="first part of every topic")
    client_id: str = Field("threshold-gateway", description="the gateway's client id; its queue hangs on it")
    shared_group: str | None = Field(
        None, description="share the homes' messages among copies, each with a client id of its own"
    )
    username: str | None = Field(None, description="the gateway's own broker account")
    password: SecretStr | None = Field(None, description="its password")
    ca_file: OptionalPath = Field(None, description="certificate authority, for mqtts:// URLs")
    cert_file: OptionalPath = Field(None, description="the gateway's client certificate")
    key_file: OptionalPath = Field(None, description="the key of that certificate")
    password_file: OptionalPath = Field(
        None, description="a Mosquitto password file that `threshold hub enrol` keeps up to date"
    )
    admin_username: str | None = Field(
        None, description="the account that administers Mosquitto's dynamic security plugin"
    )
    admin_password: SecretStr | None = Field(None, description="its password")
    hub_ca: OptionalPath = Field(None, description="folder of the authority that signs hubs' certificates")
    hub_trust: OptionalPath = Field(
        None, description="where the broker reads ca.crt and crl.pem of that authority; the same folder"
    )


class IngestSettings(_Group):
    """How messages are gathered into transactions."""

    batch_size: int = Field(1000, ge=1, le=5000, description="most events in one transaction")
    batch_wait: Positive = Field(
        timedelta(milliseconds=20), description="longest wait for more before a batch is written"
    )


class SmtpSettings(_Group):
    """The mail server for deliveries. Without a host no e-mail is sent and `threshold doctor` says so."""

    host: str | None = Field(None, description="mail server")
    port: int = Field(587, ge=1, le=65535, description="its port")
    username: str | None = Field(None, description="account, where the server asks for one")
    password: SecretStr | None = Field(None, description="its password")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the connection is protected"
    )
    sender: str = Field("Threshold <threshold@localhost>", description="From line of letters")
    timeout: Positive = Field(timedelta(seconds=20), description="longest wait for one letter to be taken")


class WebhookSettings(_Group):
    """Standard Webhooks to organisations."""

    timeout: Positive = Field(timedelta(seconds=10), description="longest wait for one receiver")
    allow_private: bool = Field(
        False, description="let webhooks go to private and loopback addresses (demonstrations, tests)"
    )


class PhoneSettings(_Group):
    """Text messages (`sms`) and calls (`voice`), each through a provider of its own or the same one."""

    provider: Literal["twilio", "http"] | None = Field(
        None,
        description="who carries them: Twilio, or any that takes an HTTP request; none: nobody is told so",
    )
    url: str | None = Field(None, description="http: where the request goes")
    method: Literal["POST", "PUT", "GET"] = Field("POST", description="http: its method")
    body: str = Field(
        '{"to": {{ to | tojson }}, "text": {{ text | tojson }}}',
        description="http: Jinja2 over to, text, key and language",
    )
    content_type: str = Field("application/json", description="http: of the body")
    authorization: SecretStr | None = Field(None, description="http: the Authorization header")
    accepted_path: str | None = Field(None, description="http: dotted path in the JSON of the answer")
    accepted_value: str | None = Field(None, description="http: what must stand there besides a 2xx")
    ref_path: str | None = Field(None, description="http: dotted path to the provider's own number")
    receipt_secret: SecretStr | None = Field(
        None, description="http: `whsec_…`, where the provider says what became of messages"
    )
    timeout: Positive = Field(timedelta(seconds=10), description="longest wait for the provider")


class TwilioSettings(_Group):
    """The account at Twilio, for `sms` and `voice` alike."""

    account: str | None = Field(None, description="account SID (`AC…`)")
    token: SecretStr | None = Field(None, description="auth token; it also proves Twilio's reports")
    sender: str | None = Field(None, description="our number, or for texts a messaging service (`MG…`)")
    caller: str | None = Field(None, description="our number for calls, where it is another")
    reports: bool = Field(True, description="Twilio reports to THRESHOLD_PUBLIC_URL; else it is asked")
    api: str = Field("https://api.twilio.com", description="where Twilio is")


class PushSettings(_Group):
    """Push messages through Apprise, to the address that a contact has."""

    enabled: bool = Field(True, description="send push messages")
    timeout: Positive = Field(timedelta(seconds=15), description="longest wait for one service")
    allow_private: bool = Field(
        False, description="let push messages go to private and loopback addresses (your own servers)"
    )


class WatchSettings(_Group):
    """How the service watches itself."""

    enabled: bool = Field(True, description="press, audit and ping (role `alerts`)")
    every: Positive = Field(timedelta(minutes=1), description="how often")
    username: str = Field("threshold-monitor", description="the broker account by which it presses")
    password: SecretStr | None = Field(
        None, description="its password; where the broker asks for accounts, no press is made without it"
    )
    webhook_url: str | None = Field(
        None, description="a test contact of your own, told of every press; none: one within the service"
    )
    webhook_secret: SecretStr | None = Field(None, description="its `whsec_…` secret")
    ping_url: SecretStr | None = Field(
        None,
        description="fetched when all is well, and with `/fail` when it is not (Healthchecks and its like)",
    )


class ApiSettings(_Group):
    """Where the API and the console listen."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8470, ge=0, le=65535, description="port to listen on")
    secure_cookies: bool = Field(True, description="session cookies over HTTPS only (not on localhost)")
    forwarded_allow_ips: str = Field("127.0.0.1", description="proxies whose X-Forwarded headers count")


class SweepSettings(_Group):
    """How often each role looks for due rows when nobody has hinted."""

    care: Positive = Field(timedelta(seconds=2), description="visits that are due")
    alerts: Positive = Field(timedelta(seconds=1), description="duties and hubs that are due")
    deliver: Positive = Field(timedelta(seconds=1), description="messages that are due")
    horizon: Positive = Field(timedelta(hours=6), description="making the visits of the next eight weeks")
    housekeeping: Positive = Field(timedelta(hours=1), description="retention of events, feed and sessions")


class ClockSettings(_Group):
    """A faster clock, for simulated days. Refused but with `--embedded`: real homes live in real time."""

    speed: float = Field(1.0, ge=1, le=1000, description="how many times faster time passes")
    since: OptionalMoment = Field(None, description="the true moment since when; left out, from the start on")
    shows: OptionalMoment = Field(
        None, description="what the clock showed at that moment; left out, the moment itself"
    )

    @property
    def is_simulated(self) -> bool:
        """Whether it is another clock than the wall's."""
        return self.speed != 1 or self.shows is not None


class RetentionSettings(_Group):
    """How long things are kept."""

    events: Positive = Field(timedelta(days=400), description="raw events")
    unmatched_door_events: Positive = Field(
        timedelta(days=90), description="door events that belong to no visit: one household's private life"
    )
    feed: Positive = Field(timedelta(days=2), description="the live stream's replay")


class LogSettings(_Group):
    """What is logged and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level written")
    format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal, else JSON")


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="THRESHOLD_", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    database_url: SecretStr | None = Field(None, description="PostgreSQL, with or without TimescaleDB")
    mqtt_url: str | None = Field(None, description="the broker: mqtt://host:port or mqtts://host:port")
    public_url: str = Field("http://127.0.0.1:8470", description="the console's address in messages")
    policy: OptionalPath = Field(None, description="policy file (contract, section 6)")
    mqtt: MqttSettings = MqttSettings()  # type: ignore[call-arg]
    ingest: IngestSettings = IngestSettings()  # type: ignore[call-arg]
    smtp: SmtpSettings = SmtpSettings()  # type: ignore[call-arg]
    webhook: WebhookSettings = WebhookSettings()  # type: ignore[call-arg]
    sms: PhoneSettings = PhoneSettings()  # type: ignore[call-arg]
    voice: PhoneSettings = PhoneSettings()  # type: ignore[call-arg]
    twilio: TwilioSettings = TwilioSettings()  # type: ignore[call-arg]
    push: PushSettings = PushSettings()  # type: ignore[call-arg]
    watch: WatchSettings = WatchSettings()  # type: ignore[call-arg]
    api: ApiSettings = ApiSettings()  # type: ignore[call-arg]
    sweep: SweepSettings = SweepSettings()  # type: ignore[call-arg]
    clock: ClockSettings = ClockSettings()  # type: ignore[call-arg]
    retention: RetentionSettings = RetentionSettings()  # type: ignore[call-arg]
    log: LogSettings = LogSettings()  # type: ignore[call-arg]

    @property
    def database(self) -> str:
        """The database URL. Raises Fault when none was given."""
        if self.database_url is None:
            raise Fault("no database is named: set THRESHOLD_DATABASE_URL, or use --embedded DIR")
        return self.database_url.get_secret_value()

    @property
    def broker(self) -> str:
        """The broker URL. Raises Fault when none was given."""
        if self.mqtt_url is None:
            raise Fault("no broker is named: set THRESHOLD_MQTT_URL, or use --embedded DIR")
        return self.mqtt_url


def load_settings(config: Path | None = None, **given: Any) -> Settings:
    """Settings from the environment and a TOML file; `given` wins. Raises Fault with every mistake."""
    if config is not None and not config.is_file():
        raise Fault(f"{config}: no such configuration file")

    class _WithFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file = TomlConfigSettingsSource(settings_cls, config)
            return init_settings, env_settings, file

    try:
        return _WithFile(**given)
    except ValidationError as error:
        lines = [
            f"setting {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise Fault("\n".join(lines)) from None
    except ValueError as error:  # TOML that is none
        raise Fault(f"{config}: {error}") from None
