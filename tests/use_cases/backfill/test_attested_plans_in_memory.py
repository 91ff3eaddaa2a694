"""In memory the same holds as on Postgres: with a key an edited plan is not carried out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from backfill_worlds import ACTOR, TENANT, memory_backfill_world

from ledger_guard.domain.audit_keys import AuditKey, AuditKeys
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force


@pytest.mark.parametrize("is_edited", [False, True])
def test_with_a_key_a_plan_is_carried_out_only_as_it_was_made(policy, is_edited):
    world = memory_backfill_world(policy, AuditKeys([AuditKey("2026-03", b"k" * 32)]))
    world.stale("p1", 20.0, 10.0)
    plan = dry_run(world.deps, TENANT, "force", ACTOR)
    if not is_edited:
        assert force(world.deps, plan.plan_id, ACTOR).applied == 1
        return
    plans = world.deps.state.tables.plans
    plans[plan.plan_id] = replace(plans[plan.plan_id], players=1_000)
    for carried_out in (
        lambda: force(world.deps, plan.plan_id, ACTOR),
        lambda: world.deps.backfill.force(plan.plan_id, "a", 9),
    ):
        with pytest.raises(SafetyRefusal, match="players not as in audit entry 1"):
            carried_out()
    assert world.platform.wallet(TENANT, "p1")[0] == 10.0
