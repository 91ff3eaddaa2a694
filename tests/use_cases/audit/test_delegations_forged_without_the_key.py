"""A login with every right on guard state, and without the key, lets nobody answer instead of an approver."""

from __future__ import annotations

import pytest
from tests.use_cases.approvals.people_worlds import HOUR, WHY, agrees, asked, policy, verify, world_of
from tests.use_cases.audit.keyed_worlds import FORGED, Mallory
from tests.use_cases.flags.rollout_world import NOW, RolloutWorld

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.use_cases.approvals.delegate import delegate
from ledger_guard.use_cases.approvals.status import guard_status

pytestmark = pytest.mark.postgres

TOLD = {"delegation_id": "d-1", "to": "dora", "until": (NOW + 8 * HOUR).isoformat(), "reason": WHY, "is_proved": True}


@pytest.fixture
def world(database_uri) -> RolloutWorld:
    return world_of(policy(), database_uri)


@pytest.mark.parametrize("key", [None, FORGED], ids=["without a mark", "marked with another key"])
@pytest.mark.parametrize("at", [NOW, NOW - HOUR], ids=["now", "backdated"])
def test_an_inserted_delegation_is_not_believed(world, database_uri, key, at):
    Mallory(database_uri).logs(AuditEvent("delegate", "anna", "delegations", TOLD, at), key)
    assert guard_status(world.deps).delegations == ()
    assert "dora" not in asked(world).approvers


def test_a_real_one_that_was_made_longer_or_backdated_is_not_believed(world, database_uri):
    delegate(world.deps, "dora", 1, WHY, "anna")
    mallory = Mallory(database_uri)
    # the table is append-only, for its owner only as long as they let it be
    with pytest.raises(Exception, match="append-only"):
        mallory.runs("update ledger_guard.audit_entry set at = at - interval '1 day' where verb = 'delegate'")


def test_an_inserted_withdrawal_ends_it_which_is_the_safe_side(world, database_uri):
    given = delegate(world.deps, "dora", 1, WHY, "anna")
    detail = {"delegation_id": given.delegation_id, "reason": WHY, "is_proved": True}
    Mallory(database_uri).logs(AuditEvent("withdraw", "anna", "delegations", detail, NOW))
    assert guard_status(world.deps).delegations == ()


def test_a_question_that_was_edited_to_name_the_deputy_is_not_believed(world, database_uri):
    request = asked(world)
    Mallory(database_uri).runs(
        "update ledger_guard.approval set approvers = array['dora'] where approval_id = %s", request.approval_id
    )
    delegate(world.deps, "dora", 1, WHY, "anna")
    agrees(world, request, "dora")
    with pytest.raises(SafetyRefusal, match="approvers differs from audit entry"):
        verify(world)


def test_with_the_mark_it_counts(world):
    delegate(world.deps, "dora", 1, WHY, "anna")
    agrees(world, asked(world), "dora")
    assert verify(world)
