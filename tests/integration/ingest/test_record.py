"""One batch, one transaction: what stands in the database afterwards, and what hubs may be told."""

from datetime import timedelta

import pytest

from db.pool import Connection
from gateway.codec import Reason
from ingest import store
from ingest.model import Arrival, Recorded
from ingest.service import record
from tests.integration.ingest.world import T0, count, event, make_estate, rows, says, status

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def conn(any_connection: Connection) -> Connection:
    """The small estate, on PostgreSQL and on TimescaleDB."""
    await make_estate(any_connection)
    return any_connection


async def take(conn: Connection, *arrivals: Arrival) -> Recorded:
    """Records a batch at the time of its last arrival, in a transaction of its own."""
    async with conn.transaction():
        return await record(conn, arrivals, max(arrival.received_at for arrival in arrivals))


async def test_an_event_is_stored_once_and_receipted_every_time(conn: Connection) -> None:
    """However often and wherever an event is repeated, it is one row, and each time its hub is told."""
    first = await take(conn, says(event("a")), says(event("a")), says(event("a"), event("b")))
    again = await take(conn, says(event("b"), at=T0 + MINUTE))
    assert (first.stored, first.repeated, again.stored, again.repeated) == (2, 2, 0, 1)
    assert list(first.answers["hub-12"].stored) == ["a", "b"]
    assert list(again.answers["hub-12"].stored) == ["b"]
    assert await count(conn, "event") == 2
    assert await count(conn, "receipt") == 2
    assert await count(conn, "rejected") == 0


async def test_the_first_of_two_times_stands(conn: Connection) -> None:
    """An event sent again with another `at` is the same event, and keeps its first time."""
    await take(conn, says(event("a", at=T0 - MINUTE)))
    await take(conn, says(event("a", at=T0 - 5 * MINUTE), at=T0 + MINUTE))
    (stored,) = await rows(conn, "SELECT at, received_at FROM event")
    assert (stored["at"], stored["received_at"]) == (T0 - MINUTE, T0)
    assert await count(conn, "rejected") == 0


async def test_one_id_of_two_hubs_is_two_events(conn: Connection) -> None:
    """Ids are the hub's own."""
    await take(conn, says(event("a")), says(event("a"), hub="hub-14"))
    assert await count(conn, "event") == 2


async def test_everything_of_an_event_is_kept(conn: Connection) -> None:
    """The row holds the event field by field, and where it happened."""
    data = {"credential": "fob:04A1B2", "method": "fob", "nested": {"ü": [1, 2.5, None]}}
    await take(
        conn, says(event("a", "carer.arrived", T0 - MINUTE, device="panel-1", seq=7, boot="b1", data=data))
    )
    (row,) = await rows(conn, "SELECT * FROM event")
    assert row == {
        "received_at": T0, "hub_id": "hub-12", "id": "a", "type": "carer.arrived", "at": T0 - MINUTE,
        "effective_at": T0 - MINUTE, "clock_suspect": False, "dwelling_id": "elm-12", "device": "panel-1",
        "seq": 7, "boot": "b1", "credential": "fob:04A1B2", "data": data,
    }  # fmt: skip


async def test_a_few_events_are_stored_as_many_are(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether by one statement or by COPY: the same rows and receipts of the new ones, the old ones named."""
    data = {"credential": 'fob:"ö\\', "nested": {"ü\n": [1, 2.5, None, True, 10**17]}}
    said = (
        event("a", "carer.arrived", T0 - MINUTE, device="panel-1", seq=7, boot="b1", data=data),
        event("b", at=T0 + timedelta(days=365)),
        event("~ {}", "door.opened", seq=2**63 - 1),
    )
    for hub, few in (("hub-12", len(said)), ("hub-14", 0)):
        monkeypatch.setattr(store, "FEW", few)
        first = await take(conn, says(said[0], hub=hub))
        then = await take(conn, says(*said, hub=hub))
        assert (first.stored, then.stored, then.repeated) == (1, 2, 1)
    for statement in (
        "SELECT hub_id, to_jsonb(event) - 'hub_id' - 'dwelling_id' AS row FROM event ORDER BY hub_id, id",
        "SELECT hub_id, to_jsonb(receipt) - 'hub_id' AS row FROM receipt ORDER BY hub_id, event_id",
    ):
        found = await rows(conn, statement)
        one, other = ([row["row"] for row in found if row["hub_id"] == hub] for hub in ("hub-12", "hub-14"))
        assert len(one) == len(said)
        assert one == other
    homes = await rows(conn, "SELECT DISTINCT hub_id, dwelling_id FROM event ORDER BY hub_id")
    assert [row["dwelling_id"] for row in homes] == ["elm-12", "elm-14"]


async def test_a_batch_that_holds_its_hubs_gives_way_to_nobody(conn: Connection) -> None:
    """Everyday events let a press go first again and again, but not with the row locked that it waits for."""
    ways = 0

    async def give_way() -> None:
        nonlocal ways
        ways += 1

    ordinary = [says(event(f"a{number}", "door.opened")) for number in range(120)]
    async with conn.transaction():
        await record(conn, ordinary, T0, give_way)
    assert ways
    ways = 0
    holding = [says(event(f"b{number}", "door.opened")) for number in range(120)]
    async with conn.transaction():
        await record(conn, [*holding, says(event("c", "technical.mains_failed"))], T0, give_way)
    assert not ways


async def test_an_impossible_clock_is_stored_and_not_believed(conn: Connection) -> None:
    """A time a year ahead or at the calendar's edge is kept as sent, and the receipt's time counts."""
    await take(
        conn,
        says(event("ahead", at=T0 + timedelta(days=365))),
        says(b'{"id": "edge", "type": "heartbeat", "at": "0001-01-01T00:00:00+14:00"}'),
    )
    found = await rows(conn, "SELECT id, effective_at, clock_suspect FROM event ORDER BY id")
    assert [(row["id"], row["effective_at"], row["clock_suspect"]) for row in found] == [
        ("ahead", T0, True),
        ("edge", T0, True),
    ]


async def test_an_id_used_twice_is_receipted_and_kept_for_a_person(conn: Connection) -> None:
    """The first stands, the hub is told so, and the second is kept once with its reason."""
    await take(conn, says(event("a", seq=1)))
    for _ in range(2):
        told = await take(conn, says(event("a", seq=2), at=T0 + MINUTE))
        assert list(told.answers["hub-12"].stored) == ["a"]
        assert told.answers["hub-12"].receipts(10)[0].rejected == ()
    (kept,) = await rows(conn, "SELECT reason, event_id, seen FROM rejected")
    assert kept == {"reason": Reason.ID_USED_TWICE, "event_id": "a", "seen": 2}
    assert await count(conn, "event") == 1
    assert await count(conn, "alert") == 0


async def test_a_press_with_a_used_id_still_reaches_an_operator(conn: Connection) -> None:
    """A hub that counts from one again after a reset must not swallow a cry for help."""
    await take(conn, says(event("1", "heartbeat")))
    await take(conn, says(event("1", "alarm.pendant", device="pendant-1"), at=T0 + MINUTE))
    (alert,) = await rows(conn, "SELECT hub_id, priority FROM alert")
    assert alert == {"hub_id": "hub-12", "priority": 1}


async def test_one_press_sent_three_times_is_one_alert_with_one_press(conn: Connection) -> None:
    """Repeats of one event are not presses; a second event of the device is."""
    press = event("p1", "alarm.pendant", device="pendant-1")
    await take(conn, says(press), says(press))
    await take(conn, says(press, at=T0 + MINUTE))
    assert [row["press_count"] for row in await rows(conn, "SELECT press_count FROM alert")] == [1]
    await take(conn, says(event("p2", "alarm.pendant", device="pendant-1"), at=T0 + 2 * MINUTE))
    assert [row["press_count"] for row in await rows(conn, "SELECT press_count FROM alert")] == [2]
    duties = await rows(conn, "SELECT organisation_id, role FROM duty")
    assert duties == [{"organisation_id": "northgate", "role": "monitoring_centre"}]


async def test_an_unknown_hub_is_kept_told_and_heard(conn: Connection) -> None:
    """What a stranger says is kept as rejected, and its cry for help reaches an operator once."""
    said = says(event("p", "alarm.pendant", device="d"), event("b"), hub="stranger")
    told = await take(conn, said)
    await take(conn, said, says(event("p", "alarm.pendant", device="d"), hub="stranger", at=T0 + MINUTE))
    assert told.answers["stranger"].refused == {"p": Reason.UNKNOWN_HUB, "b": Reason.UNKNOWN_HUB}
    assert await count(conn, "event") == 0
    kept = await rows(conn, "SELECT event_id, hub_id, seen FROM rejected ORDER BY event_id")
    assert [(row["event_id"], row["hub_id"]) for row in kept] == [("b", "stranger"), ("p", "stranger")]
    (alert,) = await rows(conn, "SELECT kind, hub_id, press_count FROM alert")
    assert alert == {"kind": "alarm.pendant", "hub_id": "stranger", "press_count": 1}


@pytest.mark.parametrize(
    ("payload", "alerts"),
    [
        (b'{"id": "x", "type": "alarm.fall", "at": "yesterday"}', 1),
        (b'{"kind": "alarm.pendant"', 1),
        (b'{"id": "x", "type": "heartbeat", "at": "yesterday"}', 0),
        (b"\xff\x00\xfe", 0),
    ],
)
async def test_what_cannot_be_read_is_kept_and_an_alarm_in_it_is_seen(
    conn: Connection, payload: bytes, alerts: int
) -> None:
    """An undecodable message is a row with its bytes; one that looks like an alarm is an alert, once."""
    await take(conn, says(payload))
    await take(conn, says(payload, at=T0 + MINUTE))
    kept = await rows(conn, "SELECT payload, seen, received_at, last_seen_at FROM rejected")
    assert [(bytes(row["payload"]), row["seen"]) for row in kept] == [(payload, 2)]
    assert (kept[0]["received_at"], kept[0]["last_seen_at"]) == (T0, T0 + MINUTE)
    assert await count(conn, "alert") == alerts


async def test_a_retained_alarm_is_refused_and_raises_nothing(conn: Connection) -> None:
    """A press that the broker kept may be years old: it is kept, its hub is told, and nobody is woken."""
    told = await take(conn, says(event("p", "alarm.pendant"), retained=True))
    assert told.answers["hub-12"].refused == {"p": Reason.RETAINED}
    assert await count(conn, "alert") == 0
    assert await count(conn, "event") == 0
    assert [
        row["last_heard_at"] for row in await rows(conn, "SELECT last_heard_at FROM hub WHERE id = 'hub-12'")
    ] == [None]


async def test_poison_in_an_array_leaves_its_neighbours_alone(conn: Connection) -> None:
    """Good events around a bad one are stored, and the hub is told of each."""
    told = await take(conn, says(event("a"), b'{"id": "bad", "type": "x", "at": NaN}', event("c")))
    assert list(told.answers["hub-12"].stored) == ["a", "c"]
    assert told.answers["hub-12"].refused == {"bad": Reason.NOT_JSON}


async def test_a_hub_is_heard_by_repeats_and_rubbish_too(conn: Connection) -> None:
    """Whatever a hub says, it spoke; what the broker says for it is not its voice."""
    await take(conn, says(event("a")))
    await take(conn, says(event("a"), at=T0 + MINUTE))
    await take(conn, says(b"rubbish", at=T0 + 2 * MINUTE))
    await take(conn, status(False, at=T0 + 3 * MINUTE), status(True, at=T0 + 3 * MINUTE, retained=True))
    (hub,) = await rows(conn, "SELECT first_heard_at, last_heard_at FROM hub WHERE id = 'hub-12'")
    assert hub == {"first_heard_at": T0, "last_heard_at": T0 + 2 * MINUTE}


async def test_a_gap_in_hearing_is_kept_when_it_ends(conn: Connection) -> None:
    """A silence longer than the hub's interval becomes a row, and supervision looks again at once."""
    await take(conn, says(event("a")))
    await take(conn, says(event("b"), at=T0 + 10 * MINUTE))
    assert await count(conn, "hub_gap") == 0
    back = T0 + 31 * MINUTE
    await take(conn, says(event("c"), at=back))
    assert await rows(conn, "SELECT heard_from, heard_to FROM hub_gap") == [
        {"heard_from": T0 + 10 * MINUTE, "heard_to": back}
    ]
    (hub,) = await rows(conn, "SELECT next_check_at FROM hub WHERE id = 'hub-12'")
    assert hub["next_check_at"] == back


async def test_statuses_are_kept_and_flips_are_news(conn: Connection) -> None:
    """Each live status is a row; going and coming is told to those who run the hub, and to nobody else."""
    await take(conn, status(True))
    await take(conn, status(False, at=T0 + MINUTE))
    await take(conn, status(False, at=T0 + 2 * MINUTE, retained=True))
    await take(conn, says(event("a"), at=T0 + 3 * MINUTE))
    kept = await rows(conn, "SELECT received_at, online FROM hub_status ORDER BY received_at")
    assert [(row["received_at"], row["online"]) for row in kept] == [(T0, True), (T0 + MINUTE, False)]
    (hub,) = await rows(conn, "SELECT online, status FROM hub WHERE id = 'hub-12'")
    assert hub == {"online": True, "status": {"online": False}}
    news = await rows(conn, "SELECT organisations, payload FROM feed WHERE topic = 'hub' ORDER BY id")
    assert [row["payload"]["online"] for row in news] == [True, False, True]
    assert all(row["organisations"] == ["northgate"] for row in news)


async def test_heartbeats_tell_of_the_queue_and_the_clock(conn: Connection) -> None:
    """A fresh heartbeat sets the queue and the clock's offset; one from a buffer does not speak of now."""
    await take(conn, says(event("a", at=T0 - timedelta(seconds=2), data={"queued": 3}, seq=9, boot="b2")))
    await take(conn, says(event("old", at=T0 - timedelta(hours=1), data={"queued": 50}), at=T0 + MINUTE))
    (hub,) = await rows(conn, "SELECT queued, last_seq, boot FROM hub WHERE id = 'hub-12'")
    assert hub == {"queued": 3, "last_seq": 9, "boot": "b2"}


async def test_numbers_that_a_hub_passed_over_are_kept_until_they_come(conn: Connection) -> None:
    """A gap in `seq` is noted for its boot and closed by what comes late; a repeat and a reboot open none."""

    async def missing() -> list[tuple[object, ...]]:
        found = await rows(conn, "SELECT boot, missing::text FROM hub_sequence ORDER BY boot")
        return [tuple(row.values()) for row in found]

    def numbered(boot: str, *numbers: int) -> Arrival:
        return says(*(event(f"{boot}-{seq}", seq=seq, boot=boot) for seq in numbers))

    await take(conn, numbered("b1", 4), numbered("b1", 5, 9))
    await take(conn, numbered("b1", 4, 5))
    assert await missing() == [("b1", "{[6,9)}")]
    await take(conn, numbered("b2", 1, 2), numbered("b1", 7))
    assert await missing() == [("b1", "{[6,7),[8,9)}"), ("b2", "{}")]
    await take(conn, numbered("b1", 8, 6), numbered("b2", 5))
    assert await missing() == [("b1", "{}"), ("b2", "{[3,5)}")]
    (hub,) = await rows(conn, "SELECT boot, last_seq FROM hub WHERE id = 'hub-12'")
    assert hub == {"boot": "b2", "last_seq": 5}


async def test_a_carers_fob_is_told_to_the_centre_and_to_the_carers_own_provider(conn: Connection) -> None:
    """A known credential at a door is news for two, a strange one for the centre, a heartbeat for nobody."""
    await take(
        conn,
        says(event("a", "door.granted", device="panel-1", data={"credential": "fob:04A1B2"}), hub="hub-door"),
        says(event("b", "door.granted", device="panel-1", data={"credential": "fob:FFFF"})),
        says(event("c", "heartbeat")),
    )
    news = await rows(conn, "SELECT organisations, roles, payload FROM feed WHERE topic = 'event'")
    told = {(row["payload"]["id"], *row["organisations"], row["roles"][0]) for row in news}
    assert told == {
        ("a", "northgate", "operator"),
        ("a", "bright", "care_manager"),
        ("b", "northgate", "operator"),
    }


async def test_a_hub_says_what_became_of_a_command(conn: Connection) -> None:
    """Only the hub that was asked can answer, and its first answer stands."""
    await conn.execute(
        "INSERT INTO command (id, hub_id, type, issued_at, expires_at, issued_by, state) VALUES"
        " ('c1', 'hub-12', 'probe', %(at)s, %(at)s, 'x', 'sent')",
        {"at": T0},
    )
    await take(conn, says(event("f", "command.done", data={"command_id": "c1"}), hub="hub-14"))
    assert [row["state"] for row in await rows(conn, "SELECT state FROM command")] == ["sent"]
    await take(conn, says(event("a", "command.refused", data={"command_id": "c1", "reason": "expired"})))
    await take(conn, says(event("b", "command.done", data={"command_id": "c1"}), at=T0 + MINUTE))
    (command,) = await rows(conn, "SELECT state, reason, result_at FROM command")
    assert command == {"state": "refused", "reason": "expired", "result_at": T0}


async def test_an_array_of_five_hundred_is_stored_whole(conn: Connection) -> None:
    """The largest array of the contract is one message, one transaction, one receipt."""
    told = await take(conn, says(*(event(f"e{number}") for number in range(500))))
    assert told.stored == 500
    (receipts,) = told.answers["hub-12"].receipts(500)
    assert len(receipts.stored) == 500


async def test_an_empty_batch_and_an_empty_array_change_nothing(conn: Connection) -> None:
    """An array of no events is heard, and that is all."""
    told = await take(conn, says(b"[]"))
    assert (told.answers, told.stored, told.rejected) == ({}, 0, {})
    assert await count(conn, "rejected") == 0


async def test_a_press_that_is_stored_after_a_farewell_is_kept_and_makes_nobody_alive(
    conn: Connection,
) -> None:
    """Two lanes of intake may store a home's messages in another order than they came."""
    await take(conn, status(True))
    await take(conn, status(False, at=T0 + MINUTE))
    await take(conn, says(event("a"), at=T0 + MINUTE / 2))
    (hub,) = await rows(conn, "SELECT online, last_heard_at FROM hub WHERE id = 'hub-12'")
    assert hub == {"online": False, "last_heard_at": T0 + MINUTE / 2}
    assert await count(conn, "event") == 1
