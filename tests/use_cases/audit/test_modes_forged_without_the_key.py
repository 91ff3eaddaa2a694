"""A login with every right on guard state, and without the key, raises no mode; it can lower one."""

from __future__ import annotations

import pytest
from tests.use_cases.audit.keyed_worlds import Mallory, keyed_rollout
from tests.use_cases.flags.rollout_world import NOW, RolloutWorld

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.modes_on_record import row_modes
from ledger_guard.use_cases.approvals.change_mode import lower_mode, raise_mode
from ledger_guard.use_cases.approvals.modes import modes_now, see_modes

pytestmark = pytest.mark.postgres
ROW, OVER = "T3 severe", "the cause was found and fixed"


@pytest.fixture
def world(database_uri) -> RolloutWorld:
    return keyed_rollout(database_uri)


def mode(world: RolloutWorld) -> Mode:
    with world.deps.state.snapshot() as state:
        return next(each.mode for each in modes_now(world.deps, state) if each.row == ROW)


def logged(uri: str, verb: str, detail: dict[str, object]) -> None:
    Mallory(uri).logs(AuditEvent(verb, "payments-lead", "modes", detail, NOW))


def test_a_raise_without_the_keys_mark_does_not_count_and_with_it_does(world, database_uri):
    lower_mode(world.deps, ROW, Mode.PROPOSE, "two repairs were wrong", "anna", is_proved=False)
    logged(database_uri, "raise_mode", {"row": ROW, "was": "propose", "to": "act", "reason": OVER, "is_proved": True})
    assert mode(world) is Mode.PROPOSE
    raise_mode(world.deps, ROW, Mode.ACT, OVER, "payments-lead")
    assert mode(world) is Mode.ACT


def test_modes_seen_without_the_mark_prepare_no_raise(world, database_uri):
    """A first entry that lists every row as `act` would make a later edit of the policy look old."""
    low = world.deps.policy.matrix[0].name
    logged(database_uri, "see_modes", {"modes": {low: "act", ROW: "act"}, "policy_hash": "x"})
    assert see_modes(world.deps)
    edited = tuple(row.model_copy(update={"mode": Mode.ACT}) for row in world.deps.policy.matrix)
    policy = world.deps.policy.model_copy(update={"matrix": edited})
    with world.deps.state.snapshot() as state:
        assert {each.row: each.mode for each in row_modes(state.audit, policy.modes)}[low] is Mode.PROPOSE


def test_anybody_who_writes_guard_state_can_lower(world, database_uri):
    told = {"row": ROW, "was": "act", "to": "shadow", "reason": "because I can", "is_proved": True}
    logged(database_uri, "lower_mode", told)
    assert mode(world) is Mode.SHADOW
