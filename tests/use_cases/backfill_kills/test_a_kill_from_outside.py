"""A force that is killed from outside while it works, as an out-of-memory killer or a lost node would."""

from __future__ import annotations

import pytest
from tests.use_cases.backfill_kills.kill_checks import assert_journal_agrees, changes
from tests.use_cases.backfill_kills.kill_points import PLACEMENTS
from tests.use_cases.backfill_kills.killed_process import Request, run_operation
from tests.use_cases.backfill_kills.killed_worlds import killed_world

pytestmark = pytest.mark.postgres

PLAYERS = 200


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_force_killed_after_its_first_batch_goes_on_where_it_stopped(placement, postgres_server, migrated_template):
    names = ("outside_1", "outside_2") if placement == "two_databases" else ("outside_1", "outside_1")
    uris = {name: postgres_server.create_database(name, template=migrated_template) for name in set(names)}
    with killed_world(uris[names[0]], uris[names[1]]) as world:
        world.platform.add_tenant("casino_7")
        world.platform._run(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available,"
            " balance_real_held) select 'p' || n, 'casino_7', 'u', 'e', 20, 0, 20, 0 from generate_series(1, %s) n",
            PLAYERS,
        )
        plan = run_operation(world.world.deps, "plan", "casino_7")
        before = world.wallets("casino_7")

        def batches() -> int:
            rows = world.ask_guard("select batches from ledger_guard.backfill_progress where plan_id = %s", plan.plan_id)
            return int(rows[0][0]) if rows else 0

        ended = world.run_and_kill_when(Request("force", plan.plan_id), lambda: batches() >= 1)
        assert ended["killed_by"] == 9
        assert 1 <= batches() < PLAYERS / 2
        after_kill = world.wallets("casino_7")
        run_operation(world.world.deps, "force", plan.plan_id)
        runs = [changes(before, after_kill), changes(after_kill, world.wallets("casino_7"))]
        assert_journal_agrees(world, plan.plan_id, {"force": runs})
        assert len(runs[0]) >= 2
        assert len(runs[0]) + len(runs[1]) == PLAYERS
