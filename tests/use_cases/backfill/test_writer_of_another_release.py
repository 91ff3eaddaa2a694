"""A writer and guard state of different releases: no wallet is written, whichever of them is the older one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from backfill_worlds import ACTOR, TENANT, World
from tests.other_releases import AHEAD, BEFORE, OURS, say

from ledger_guard.domain.errors import SchemaMismatch, SourceUnavailable
from ledger_guard.domain.plans import Plan
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force


@pytest.fixture
def plan(postgres_world: World) -> Iterator[Plan]:
    """A plan that needs no human."""
    postgres_world.stale("p1", 20.0, 10.0)
    yield dry_run(postgres_world.deps, TENANT, "force", ACTOR)
    say(postgres_world.uris[1], OURS)


def is_untouched(world: World) -> bool:
    return world.platform.wallet(TENANT, "p1")[0] == 10.0


@pytest.mark.parametrize("revision", [BEFORE, AHEAD])
def test_this_release_forces_nothing_on_another_ones_guard_state(postgres_world, plan, revision):
    say(postgres_world.uris[1], revision)
    with pytest.raises(SchemaMismatch, match=f"is at revision {revision}"):
        force(postgres_world.deps, plan.plan_id, ACTOR)
    with pytest.raises(SchemaMismatch, match=f"is at revision {revision}"):
        postgres_world.deps.backfill.force(plan.plan_id, ACTOR, 10)
    assert is_untouched(postgres_world)


def test_a_release_that_does_not_ask_writes_no_wallet_either(postgres_world, plan, monkeypatch):
    """The database refuses the audit entry that begins the plan, and the write with it."""
    monkeypatch.setattr(
        "ledger_guard.adapters.postgres.backfill.open_guard_state",
        lambda settings, application, **wishes: settings.open(application, **wishes),
    )
    with pytest.raises(SourceUnavailable, match="this session was opened for none: by a release before 0024"):
        postgres_world.deps.backfill.force(plan.plan_id, ACTOR, 10)
    assert is_untouched(postgres_world)
    assert postgres_world.images(plan.plan_id, "force") == {}
