"""The service's test press at the broker as it is deployed: its own account and rights, beside the others."""

import asyncio
import subprocess
from dataclasses import replace
from pathlib import Path

import aiomqtt
import pytest
import yaml

from alerts.monitor import MONITOR
from app.settings import Settings, load_settings
from app.watch import Watch, presser_of
from db.pool import Pool
from gateway.broker import Broker, broker_at
from gateway.topics import Topics
from tests.integration.app.watched import Clock, rows, service
from tests.integration.deploy.container import PASSWORDS, Container, client
from tests.support.mosquitto import GATEWAY, Mosquitto

COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"
WORD = PASSWORDS["THRESHOLD_MONITOR_PASSWORD"]


async def presses(database_url: str, pool: Pool, gateway: Broker, password: str) -> None:
    """Presses twice under the watcher's account; both must arrive."""
    settings: Settings = load_settings(watch={"password": password})
    presser = presser_of(settings, gateway)
    assert presser is not None
    assert (presser.username, presser.password) == (MONITOR, password)
    clock = Clock()
    watch = Watch(pool, clock, settings.watch, presser, Topics(), "test")
    async with service(database_url, gateway, pool, clock):
        await watch.round()
        for _ in range(2):
            clock.ahead += settings.watch.every
            await watch.round()
    made = await rows(pool, "SELECT fault, seconds < 20 AS quick FROM watch_press")
    assert made == [{"fault": None, "quick": True}] * 2


async def test_a_press_arrives_through_the_plugins_accounts(
    database_url: str, pool: Pool, container: Container
) -> None:
    """With the rights that start.sh gives, and no others, the watcher presses and hears its receipt."""
    with container.running():
        await presses(database_url, pool, container.account(GATEWAY, "gateway-word"), WORD)


async def test_a_press_arrives_through_the_files_accounts(
    database_url: str, pool: Pool, mosquitto: Mosquitto
) -> None:
    """So it does with the rights of the file `acl`."""
    broker = broker_at(
        mosquitto.url, client_id=GATEWAY, username=GATEWAY, password=mosquitto.passwords[GATEWAY]
    )
    await presses(database_url, pool, broker, mosquitto.passwords[MONITOR])


async def test_the_watcher_presses_for_itself_alone(container: Container) -> None:
    """Its account can neither press for a home, nor hear one, nor answer in the gateway's place."""
    with container.running():
        async with client(container.port, GATEWAY, "gateway-word") as gateway:
            await gateway.subscribe("threshold/v1/#", 1)
            async with client(container.port, MONITOR, WORD) as monitor:
                for topic in (
                    "hub-1/events",
                    f"{MONITOR}/status",
                    f"{MONITOR}/receipts",
                    f"{MONITOR}/events",
                ):
                    await monitor.publish(f"threshold/v1/{topic}", b"{}", qos=1)
                for wish in ("threshold/v1/#", "threshold/v1/+/events", f"threshold/v1/{MONITOR}/#"):
                    (granted,) = await monitor.subscribe(wish, 1)
                    assert getattr(granted, "is_failure", False), wish
            async with asyncio.timeout(60):
                first = await anext(aiter(gateway.messages))
            assert first.topic.value == f"threshold/v1/{MONITOR}/events"


async def test_the_health_check_does_not_cut_the_watcher_off(container: Container) -> None:
    """The compose file's own check is answered while the watcher listens, and the watcher goes on to hear."""
    check = yaml.safe_load(COMPOSE.read_text())["services"]["broker"]["healthcheck"]["test"]
    assert check[0] == "CMD-SHELL"
    command = check[1].replace("$$", "$").replace("/mosquitto/", f"{container.root}/")
    receipts = f"threshold/v1/{MONITOR}/receipts"
    with container.running():
        async with client(container.port, MONITOR, WORD) as monitor:
            await monitor.subscribe(receipts, 1)
            said = await asyncio.to_thread(
                subprocess.run, ["sh", "-c", command], capture_output=True, text=True, check=False, timeout=30
            )
            assert (said.returncode, said.stderr) == (0, "")
            assert said.stdout.endswith("seconds\n")
            async with client(container.port, GATEWAY, "gateway-word") as gateway:
                await gateway.publish(receipts, b"{}", qos=1)
            heard = await asyncio.wait_for(anext(aiter(monitor.messages)), 10)
            assert heard.topic.value == receipts
        with pytest.raises(aiomqtt.MqttError, match="Not authorized"):
            async with replace(container.account("threshold-health", WORD), password="wrong").client():
                pass
