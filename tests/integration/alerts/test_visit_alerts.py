"""A missed visit: two duties, two ladders, one centre, and a stand-down for those who were told."""

from alerts import service
from alerts.model import VisitAlertKind
from tests.integration.alerts.conftest import ADA, HUGH, NINE, World


async def test_a_missed_visit_opens_two_duties_and_tells_those_on_call(world: World) -> None:
    """The landlord and the provider each get a duty of their own, and their contacts on call a message at once."""
    await world.raises(world.visit_alert())
    duties = await world.rows("SELECT organisation_id, role, state FROM duty ORDER BY role DESC")
    assert [(duty["organisation_id"], duty["role"], duty["state"]) for duty in duties] == [
        ("elm", "landlord", "open"),
        ("bright", "care_provider", "open"),
    ]
    await world.deliver()
    assert world.letters() == ["duty@elm.example", "oncall@bright.example"]
    assert [hook.webhook_url for hook in world.hooks.sent] == ["https://bright.example/hook"]


async def test_one_partys_answer_leaves_the_others_ladder_running(world: World) -> None:
    """The landlord answers; the provider is told again after a, and the centre joins for the provider's ladder."""
    await world.raises(world.visit_alert())
    elm = await world.duty("elm")
    async with world.pool.connection() as conn:
        await service.acknowledge(conn, elm["id"], HUGH, world.now)
    await world.passes(minutes=45)
    assert await world.steps("elm") == [(0, 1)]
    assert await world.steps("bright") == [(0, 1), (15, 2), (30, 3), (45, 3)]
    assert await world.steps("north") == [(30, 1), (45, 2)]
