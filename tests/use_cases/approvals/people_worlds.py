"""Rollouts whose policy names people by groups and lets them delegate, in memory and on Postgres."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.use_cases.flags.rollout_world import NOW, RUN, RolloutWorld, answered, rollout_world

from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.approvals import Approval, ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit_keys import AuditKey, AuditKeys
from ledger_guard.domain.permission import Permission
from ledger_guard.policy.groups import DelegationRules, GroupSection
from ledger_guard.policy.loader import load_policy
from ledger_guard.policy.schema import Policy
from ledger_guard.use_cases.approvals.permission import verify_approval
from ledger_guard.use_cases.approvals.request_approval import request_approval

KIND = ApprovalKind.BACKFILL_FORCE
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
KEYS = AuditKeys([AuditKey("2026-03", b"k" * 32)])
WHY = "on a plane until the evening"


def rota(*order: str, starts_at: datetime = NOW, hours: int = 1, rota_only: bool = True) -> dict[str, Any]:
    """A rota of one entry."""
    return {"rota_only": rota_only, "turns": ({"starts_at": starts_at, "hours": hours, "order": order},)}


def policy(
    groups: dict[str, Any] | None = None, most_hours: int = 24, deputies: tuple[str, ...] = ("dora", "emil"), **rule: Any
) -> Policy:
    """The shipped policy, with these approvers for every kind, and people who may be delegated to."""
    shipped = load_policy()
    given = {"approvers": ("anna", "boris", "cleo"), **rule}
    named = {**(groups or {}), "deputies": {"members": deputies}}
    return shipped.model_copy(
        update={
            "groups": {name: GroupSection.model_validate(each) for name, each in named.items()},
            "delegation": DelegationRules(most_hours=most_hours),
            "approvals": {kind: each.model_copy(update=given) for kind, each in shipped.approvals.items()},
        }
    )


def world_of(given: Policy, database_uri: str | None = None) -> RolloutWorld:
    """A guard with an audit key; its state is in memory, or on this database."""
    world = rollout_world(given, audit_keys=KEYS)
    if database_uri is not None:
        world.deps = replace(
            world.deps, state=PostgresGuardState(ConnectionSettings.parse(database_uri, "ledger_guard_db"), KEYS)
        )
    return world


def under(world: RolloutWorld, given: Policy) -> None:
    """The policy file is changed meanwhile."""
    world.deps = replace(world.deps, policy=given)


def asked(world: RolloutWorld, by: str = "oncall", ordinal: int = 1) -> ApprovalRequest:
    """A gate's question."""
    return request_approval(
        world.deps,
        KIND,
        "plan-1",
        "hash-1",
        incident_id=None,
        requested_by=by,
        dag_id="gate_dag",
        run_id=RUN,
        task_id=f"gate_{ordinal}",
        link="",
        proposal="change 3 rows",
        ordinal=ordinal,
    )


def agrees(world: RolloutWorld, request: ApprovalRequest, by: str) -> Approval:
    """Approve now."""
    return answered(world.deps, request.approval_id, by=by, at=world.deps.wall_clock.now())


def verify(world: RolloutWorld) -> Permission:
    """What the writing task finds."""
    return verify_approval(world.deps, KIND, "plan-1", "hash-1", RUN)


def later(world: RolloutWorld, time: timedelta) -> None:
    """Let time pass."""
    world.memory.wall_clock.advance(time)
