"""Letters over SMTP. The server's word is final: 2xx delivered, 5xx never, all else later."""

from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError, MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Literal

import aiosmtplib

from alerts.channels.contract import Outgoing
from alerts.retry import Delivered, Outcome, Permanent, Retryable

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """One mail server. `timeout` in seconds bounds each step of the conversation."""

    host: str
    port: int
    sender: str
    username: str | None = None
    password: str | None = None
    security: Security = "starttls"
    timeout: float = 20.0

    async def send(self, message: Outgoing, now: datetime) -> Outcome:
        """Hands one letter to the mail server; it is delivered when the server has taken it."""
        if not message.email:
            return Permanent("the contact has no e-mail address any more")
        try:
            letter = self.letter(message, now)
        except (ValueError, MessageError, HeaderParseError) as error:
            return Permanent(f"the letter cannot be addressed: {error}")
        return await self._hand_over(letter)

    def letter(self, message: Outgoing, now: datetime) -> EmailMessage:
        """The letter as it goes out. Raises ValueError for an address that is none."""
        address = message.email or ""
        name, plain = parseaddr(address)
        if name or plain != address or "@" not in plain or any(mark.isspace() for mark in plain):
            raise ValueError("not an e-mail address")
        letter = EmailMessage()
        letter["From"] = self.sender
        letter["To"] = plain
        letter["Subject"] = message.subject
        letter["Date"] = format_datetime(now)
        # The same letter sent again has the same id, so that mail programs show it once.
        letter["Message-ID"] = f"<{message.key}@threshold.invalid>"
        letter["Auto-Submitted"] = "auto-generated"
        if message.urgent:
            letter["X-Priority"] = "1"
            letter["Importance"] = "high"
        letter.set_content(message.text)
        return letter

    async def _hand_over(self, letter: EmailMessage) -> Outcome:
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            timeout=self.timeout,
        )
        try:
            await client.connect()  # with TLS and our account
        except aiosmtplib.SMTPException as error:
            code = f" {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
            return Retryable(f"no conversation with the mail server ({type(error).__name__}{code})")
        except OSError as error:
            return Retryable(f"the mail server could not be reached ({type(error).__name__})")
        try:
            return await _converse(client, letter)
        finally:
            client.close()


async def _converse(client: aiosmtplib.SMTP, letter: EmailMessage) -> Outcome:
    try:
        _, answer = await client.send_message(letter)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _refused([refusal.code for refusal in error.recipients], "the address was refused")
    except aiosmtplib.SMTPResponseException as error:
        return _refused([error.code], "the letter was refused")
    except aiosmtplib.SMTPNotSupported:
        return Permanent("the mail server does not take addresses of this kind")
    except (aiosmtplib.SMTPException, OSError) as error:
        # It may have been taken with its answer lost.
        return Retryable(f"the mail server did not answer ({type(error).__name__})", maybe=True)
    return Delivered(" ".join(answer.split())[:200] or None)


def _refused(codes: list[int], words: str) -> Outcome:
    worst = max(codes, default=0)
    why = f"{words} ({worst})"
    return Permanent(why) if codes and all(500 <= code < 600 for code in codes) else Retryable(why)
