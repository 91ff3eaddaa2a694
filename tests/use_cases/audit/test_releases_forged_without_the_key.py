"""A login with every right on guard state, and without the key, does not release a stopped guard."""

from __future__ import annotations

import pytest
from tests.use_cases.audit.keyed_worlds import Mallory, keyed_rollout
from tests.use_cases.flags.rollout_world import NOW, RolloutWorld

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.use_cases.approvals.status import guard_status
from ledger_guard.use_cases.approvals.stop import release, stop

pytestmark = pytest.mark.postgres


@pytest.fixture
def world(database_uri) -> RolloutWorld:
    return keyed_rollout(database_uri)


def test_a_release_without_the_keys_mark_does_not_count(world, database_uri):
    stop(world.deps, "two tenants were paid twice", "anna", is_proved=True)
    told = {"reason": "it was a test payment", "is_proved": True, "stopped_by": "anna"}
    Mallory(database_uri).logs(AuditEvent("release", "payments-lead", "guard", told, NOW))
    assert guard_status(world.deps).stop is not None


def test_with_the_mark_it_does(world):
    stop(world.deps, "two tenants were paid twice", "anna", is_proved=True)
    release(world.deps, "it was a test payment", "payments-lead", is_proved=True)
    assert guard_status(world.deps).stop is None
