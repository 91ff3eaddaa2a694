"""Plans, forces and undos whose process is killed at any moment: what follows completes, and the books agree row by row."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.use_cases.backfill_kills.kill_checks import Change, added, assert_journal_agrees, changes, total
from tests.use_cases.backfill_kills.kill_points import (
    PLACEMENTS,
    SCENARIOS,
    Point,
    Tenant,
    move_money,
    new_tenant,
    points,
    request,
)
from tests.use_cases.backfill_kills.killed_process import run_operation
from tests.use_cases.backfill_kills.killed_worlds import KilledWorld, Wallets, killed_world

from ledger_guard.domain.audit import first_fault
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.plans import Plan, PlanStatus

pytestmark = pytest.mark.postgres

SIGKILL = 9
#: the plan's rows of new_tenant that force may write, and their states without anybody's interference
WRITABLE = (0, 1, 3, 5, 6, 7, 8)


@pytest.fixture(scope="module", params=PLACEMENTS)
def placement(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def world(placement, postgres_server, migrated_template):
    names = ("kills_1", "kills_2") if placement == "two_databases" else ("kills_1", "kills_1")
    uris = {name: postgres_server.create_database(name, template=migrated_template) for name in set(names)}
    with killed_world(uris[names[0]], uris[names[1]]) as world:
        yield world
        with world.world.deps.state.transaction() as state:
            assert first_fault(state.audit.entries(), *state.audit.head()) is None


def exchanges(world: KilledWorld, scenario: str) -> int:
    """How many exchanges the scenario's process has when nobody kills it."""
    ended = world.run(request(new_tenant(world, scenario), SCENARIOS[scenario][0]))
    assert ended.get("error") is None, ended
    return int(str(ended["exchanges"]))


def killed(world: KilledWorld, tenant: Tenant, operation: str, point: Point) -> None:
    ended = world.run(request(tenant, operation, point.kill))
    assert ended["killed_by"] == SIGKILL, ended


def test_a_killed_dry_run_leaves_its_plan_whole_or_nothing_and_no_wallet_changes(world, placement):
    for point in points(placement, "plan", exchanges(world, "plan")):
        tenant = new_tenant(world, "plan")
        before = world.wallets(tenant.tenant_id)
        killed(world, tenant, "plan", point)
        left = world.ask_guard(
            "select p.plan_hash, (select count(*) from ledger_guard.plan_row r where r.plan_id = p.plan_id)"
            " from ledger_guard.plan p where tenant_id = %s",
            tenant.tenant_id,
        )
        whole = (tenant.plan.plan_hash, len(world.world.stored(tenant.plan.plan_id).rows))
        assert left in ([whole], [whole, whole]), point
        again = run_operation(world.world.deps, "plan", tenant.tenant_id)
        assert again.plan_hash == tenant.plan.plan_hash, point
        assert world.wallets(tenant.tenant_id) == before, point
    strays = "select count(*) from ledger_guard.plan_row r where r.plan_id not in (select plan_id from ledger_guard.plan)"
    assert world.ask_guard(strays) == [(0,)]


@pytest.mark.parametrize("scenario", ["force", "undo"])
def test_a_killed_run_that_is_called_again_completes_and_each_row_was_written_once(world, placement, scenario):
    for point in points(placement, scenario, exchanges(world, scenario)):
        told = tell(world, scenario, point)
        states = told.checked_states(world, {scenario: [told.by_killed, told.by_next]})
        assert told.plan(world).status is (PlanStatus.FORCED if scenario == "force" else PlanStatus.UNDONE), point
        if not point.moves:
            done = "applied" if scenario == "force" else "restored"
            written = {told.tenant.player(number): done for number in WRITABLE}
            assert states == written | {told.tenant.player(9): "set_aside"}, point


def test_a_killed_force_that_is_given_up_is_undone_row_by_row(world, placement):
    for point in points(placement, "give_up", exchanges(world, "give_up")):
        told = tell(world, "give_up", point)
        states = told.checked_states(world, {"force": [told.by_killed], "undo": [told.by_next]})
        assert told.plan(world).status in (PlanStatus.UNDONE, PlanStatus.PLANNED), point
        assert "applied" not in states.values(), point
        if not point.moves:
            assert "kept" not in states.values(), point
            assert told.at_end == told.at_start, point


@dataclass(frozen=True)
class Told:
    """What wallets were before the kill, after it, when what follows began, and at the end."""

    tenant: Tenant
    at_start: Wallets
    after_kill: Wallets
    after_moves: Wallets
    at_end: Wallets

    @property
    def by_killed(self) -> dict[str, Change]:
        return changes(self.at_start, self.after_kill)

    @property
    def by_next(self) -> dict[str, Change]:
        return changes(self.after_moves, self.at_end)

    def plan(self, world: KilledWorld) -> Plan:
        return world.world.stored(self.tenant.plan.plan_id)

    def checked_states(self, world: KilledWorld, written: dict[str, list[dict[str, Change]]]) -> dict[str, str]:
        """Hold wallets, images, progress, audit log and sums against each other; returns the plan's row states."""
        in_doubt = self.tenant.moving if world.has_two_databases else ()
        states = assert_journal_agrees(world, self.tenant.plan.plan_id, written, in_doubt)
        moved = total(self.after_moves) - total(self.after_kill)
        by_guard = sum(added(runs) for runs in written.values())
        assert total(self.at_end) - total(self.at_start) == moved + by_guard
        return states


def tell(world: KilledWorld, scenario: str, point: Point) -> Told:
    """Kill a run, let money move, and call what follows."""
    tenant = new_tenant(world, scenario)
    killed_first, then = SCENARIOS[scenario]
    start = world.wallets(tenant.tenant_id)
    killed(world, tenant, killed_first, point)
    after_kill = world.wallets(tenant.tenant_id)
    if point.moves:
        move_money(world, tenant)
    after_moves = world.wallets(tenant.tenant_id)
    plan_id = tenant.plan.plan_id
    if then == "undo" and world.world.stored(plan_id).status is PlanStatus.PLANNED:
        with pytest.raises(BadInputError, match="never forced"):
            run_operation(world.world.deps, then, plan_id)
    else:
        run_operation(world.world.deps, then, plan_id)
    return Told(tenant, start, after_kill, after_moves, world.wallets(tenant.tenant_id))
