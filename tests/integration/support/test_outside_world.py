"""The pretended outside world of the tests does what it says."""

import asyncio
import select
import socket
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest
from playwright.async_api import Page
from standardwebhooks import Webhook

from tests.support.proxy import FaultProxy
from tests.support.smtp import Mailbox
from tests.support.webhook import SECRET, WebhookSink


def letter(to: str = "oncall@bright.example") -> EmailMessage:
    """A letter to send."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "threshold@localhost", to, "Visit not made"
    message.set_content("Nobody has come to Flat 12.")
    return message


async def test_a_mailbox_keeps_letters(mailbox: Mailbox) -> None:
    """A letter that was taken can be read with its subject and text."""
    await aiosmtplib.send(letter(), hostname=mailbox.host, port=mailbox.port)
    (kept,) = await mailbox.wait_for(1)
    assert (kept.subject, kept.text.strip()) == ("Visit not made", "Nobody has come to Flat 12.")
    assert kept.recipients == ("oncall@bright.example",)


async def test_a_mailbox_refuses(mailbox: Mailbox) -> None:
    """A letter that was refused is not among the letters."""
    mailbox.answer = "451 4.3.0 later"
    with pytest.raises(aiosmtplib.SMTPDataError, match="later"):
        await aiosmtplib.send(letter(), hostname=mailbox.host, port=mailbox.port)
    mailbox.refused_recipients["gone@elm.example"] = "550 5.1.1 no such user"
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await aiosmtplib.send(letter("gone@elm.example"), hostname=mailbox.host, port=mailbox.port)
    assert mailbox.letters == []


async def test_a_mailbox_hangs(mailbox: Mailbox) -> None:
    """A hanging mailbox answers nothing to a letter, and ends with the test."""
    mailbox.hangs.set()
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await aiosmtplib.send(letter(), hostname=mailbox.host, port=mailbox.port, timeout=0.5)
    assert mailbox.letters == []


async def test_a_sink_records_and_verifies(webhook_sink: WebhookSink) -> None:
    """What a sender signed is verified with the shared secret."""
    from datetime import UTC, datetime

    sent_at = datetime.now(UTC)
    body = '{"type": "alert.raised"}'
    headers = {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg-1", sent_at, body),
    }
    async with httpx.AsyncClient() as client:
        answer = await client.post(webhook_sink.url, content=body, headers=headers)
    (request,) = await webhook_sink.wait_for(1)
    assert (answer.status_code, request.verified()) == (204, {"type": "alert.raised"})


async def test_a_sink_misbehaves(webhook_sink: WebhookSink) -> None:
    """A sink answers with any status, resets, floods and hangs as told, and records each request."""
    async with httpx.AsyncClient(timeout=0.5) as client:
        webhook_sink.behaves.status = 429
        webhook_sink.behaves.headers = {"Retry-After": "30"}
        answer = await client.post(webhook_sink.url, content="{}")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        webhook_sink.behaves.body_bytes = 200_000
        assert len((await client.post(webhook_sink.url, content="{}")).content) == 200_000
        webhook_sink.behaves.reset = True
        with pytest.raises(httpx.HTTPError):
            await client.post(webhook_sink.url, content="{}")
        webhook_sink.behaves.hangs = True
        with pytest.raises(httpx.ReadTimeout):
            await client.post(webhook_sink.url, content="{}")
    assert len(webhook_sink.received) == 4


MakeProxy = Callable[[int], Awaitable[FaultProxy]]


async def test_a_proxy_passes_and_slices(webhook_sink: WebhookSink, make_proxy: MakeProxy) -> None:
    """Without faults, or byte by byte, the same arrives."""
    proxy = await make_proxy(webhook_sink.port)
    async with httpx.AsyncClient() as client:
        assert (await client.post(f"http://127.0.0.1:{proxy.port}/", content="whole")).status_code == 204
        proxy.up.slice_bytes = proxy.down.slice_bytes = 1
        assert (await client.post(f"http://127.0.0.1:{proxy.port}/", content="sliced")).status_code == 204
    assert [request.body for request in webhook_sink.received] == [b"whole", b"sliced"]


async def test_a_proxy_cuts(webhook_sink: WebhookSink, make_proxy: MakeProxy) -> None:
    """Swallowed, stalled, reset and refused connections each look so to the client, and healing helps."""
    proxy = await make_proxy(webhook_sink.port)
    url = f"http://127.0.0.1:{proxy.port}/"
    async with httpx.AsyncClient(timeout=0.5) as client:
        proxy.partition()
        with pytest.raises(httpx.ReadTimeout):
            await client.post(url, content="lost")
        proxy.heal()
        proxy.stall()
        with pytest.raises(httpx.ReadTimeout):
            await client.post(url, content="held")
        proxy.heal()
        proxy.refuses = True
        with pytest.raises(httpx.HTTPError):
            await client.post(url, content="refused")
        proxy.heal()
        assert (await client.post(url, content="passed")).status_code == 204
    assert b"lost" not in [request.body for request in webhook_sink.received]


async def test_a_proxy_resets_and_half_closes(make_proxy: MakeProxy) -> None:
    """A reset breaks both ends; a half close ends one direction and leaves the other."""
    heard = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(100):
            heard.put_nowait(chunk)
        heard.put_nowait(b"<end>")
        writer.write(b"bye")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = await make_proxy(server.sockets[0].getsockname()[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await heard.get() == b"hello"
    proxy.half_close("up")
    assert await heard.get() == b"<end>"
    assert await reader.read() == b"bye"
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"hello")
    assert await heard.get() == b"hello"
    proxy.reset()
    with pytest.raises(ConnectionError):
        await reader.readexactly(1)
    writer.close()
    server.close()


async def test_a_proxy_tells_of_an_end_that_died(make_proxy: MakeProxy) -> None:
    """A killed process that had not read all leaves a reset behind: the far end hears of it."""
    heard = asyncio.Queue[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        try:
            heard.put_nowait(await reader.read(100) or b"<end>")
        except ConnectionResetError:
            heard.put_nowait(b"<reset>")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy = await make_proxy(server.sockets[0].getsockname()[1])
    with socket.create_connection(("127.0.0.1", proxy.port)) as client:
        await asyncio.to_thread(select.select, [client], [], [])  # it is there, and is never read
    assert await heard.get() == b"<reset>"
    server.close()


@pytest.mark.browser
async def test_a_page_opens(page: Page, webhook_sink: WebhookSink) -> None:
    """Chromium loads a page from the loopback."""
    webhook_sink.behaves.status, webhook_sink.behaves.body_bytes = 200, 5
    await page.goto(webhook_sink.url)
    assert await page.inner_text("body") == "xxxxx"
