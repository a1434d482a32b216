"""What each role of `threshold run` consists of: the wiring of packages, and nothing else."""

import asyncio
import os
import socket
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

import alerts.sweep
import api.application
import api.live
import care.horizon
import care.sweep
import console.pages
from alerts.store import announce_channels
from alerts.worker import DeliveryWorker
from app.brokers import broker_of
from app.channels import build_channels, build_reporters
from app.clock import Clock
from app.errors import Fault
from app.loops import Loop
from app.role import Role
from app.settings import Settings, SweepSettings
from app.watch import Watch, presser_of
from care.errors import FileErrors
from care.policy import DEFAULT_POLICY, Policy
from care.policy_file import read_policy
from db import wake
from db.housekeeping import Keep, tidy
from db.pool import Pool
from gateway.topics import Topics
from ingest.hearing import GAP_FACTOR
from ingest.worker import IngestWorker

Letters = Callable[[], Any]

SHORTEST_TICK = timedelta(milliseconds=200)
"""Between two looks of a sweep on a clock that hurries: five a second are no burden."""


def build_loops(settings: Settings, roles: Collection[Role], pool: Pool, clock: Clock) -> list[Loop]:
    """The sweeps of these roles, each with its tick and its hint."""
    every, policy = paced(settings.sweep, settings.clock.speed), policy_of(settings)
    loops: list[Loop] = []
    if Role.CARE in roles:
        loops += [
            Loop("care", every.care, lambda: care.sweep.sweep_due(pool, clock(), policy), wake.CARE),
            Loop("horizon", every.horizon, lambda: care.horizon.extend_horizon(pool, clock())),
        ]
    if Role.ALERTS in roles:
        factor = float(policy.silence_factor)
        loops += [
            Loop("alerts", every.alerts, lambda: alerts.sweep.sweep_due(pool, clock(), factor), wake.ALERTS),
            Loop("housekeeping", every.housekeeping, lambda: _tidy(settings, pool, clock)),
        ]
        loops += _watch(settings, pool, clock)
    if Role.DELIVER in roles:
        channels = build_channels(settings)
        worker = DeliveryWorker(pool, clock, channels, settings.public_url)
        loops += [
            Loop("deliver", every.deliver, worker.deliver_due, wake.DELIVER, worker.stop),
            Loop("channels", every.housekeeping, lambda: _announce(channels, pool, clock)),
        ]
    return loops


def _watch(settings: Settings, pool: Pool, clock: Clock) -> list[Loop]:
    """The watcher, but on a clock that hurries: a broker does not."""
    if not settings.watch.enabled or settings.clock.speed != 1:
        return []
    broker = presser_of(settings, broker_of(settings)) if settings.mqtt_url is not None else None
    name = f"{socket.gethostname()}:{os.getpid()}"
    watch = Watch(pool, clock, settings.watch, broker, Topics(settings.mqtt.root), name)
    return [Loop("watch", settings.watch.every, watch.round)]


def paced(every: SweepSettings, speed: float) -> SweepSettings:
    """When to look, in the service's time: on a clock that hurries not more often than a machine can bear."""
    least = SHORTEST_TICK * speed
    return every.model_copy(update={name: least for name, period in every if speed != 1 and period < least})


def build_ingest(settings: Settings, clock: Clock, instance: str, commands: asyncio.Event) -> IngestWorker:
    """The intake. Raises Fault for a broker address that is none."""
    return IngestWorker(
        settings.database,
        broker_of(settings),
        clock,
        instance=instance,
        topics=Topics(settings.mqtt.root),
        batch_size=settings.ingest.batch_size,
        batch_wait=settings.ingest.batch_wait.total_seconds(),
        commands=commands,
        speed=settings.clock.speed,
        shared_group=settings.mqtt.shared_group,
    )


def build_http(
    settings: Settings,
    pool: Pool,
    clock: Clock,
    broadcast: api.live.Broadcast,
    sweeps: Collection[str],
    letters: Letters | None,
) -> Any:
    """API and console in one application."""
    pages = console.pages.build(secure_cookies=settings.api.secure_cookies, letters=letters)
    return api.application.build(
        pool,
        clock,
        broadcast,
        pages=pages,
        expected_beats=sweeps,
        reporters=build_reporters(settings),
    )


def policy_of(settings: Settings) -> Policy:
    """The policy in force. Raises Fault with every mistake of its file."""
    if settings.policy is None:
        return DEFAULT_POLICY
    try:
        policy = read_policy(settings.policy.read_bytes(), str(settings.policy))
    except OSError as error:
        raise Fault(f"{settings.policy}: {(error.strerror or 'cannot be read').lower()}") from None
    except FileErrors as errors:
        raise Fault("\n".join(str(fault) for fault in errors.faults)) from None
    if policy.silence_factor < GAP_FACTOR:
        raise Fault(
            f"{settings.policy}: silence_factor is below {GAP_FACTOR}: from there on the service keeps gaps"
            " in a hub's hearing; a smaller factor can only be tried in a backtest"
        )
    return policy


async def _announce(channels: Collection[str], pool: Pool, clock: Clock) -> int:
    """Says which channels this role has, so that steps count the contacts whom they reach."""
    async with pool.connection() as conn:
        await announce_channels(conn, channels, clock())
    return 0


async def _tidy(settings: Settings, pool: Pool, clock: Clock) -> int:
    """One round of housekeeping; 0, because there is no second batch to it."""
    keep = settings.retention
    async with pool.connection() as conn:
        await tidy(conn, Keep(keep.events, keep.unmatched_door_events, keep.feed), clock())
    return 0
