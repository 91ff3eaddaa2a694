"""Guards with a key, and mallory: a login that has every right on guard state and not the key."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import psycopg
from tests.flag_writes import compare_and_set
from tests.use_cases.backfill.backfill_worlds import ACTOR, TENANT, World, postgres_backfill_world
from tests.use_cases.flags.rollout_world import BALANCE, RolloutWorld, rollout_world

from ledger_guard.adapters.flag_stores.postgres import PostgresFlagStore
from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.schema_revision import code_revision
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.attestations import Attested
from ledger_guard.domain.audit import AuditEvent, chained
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKey, AuditKeys
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.plans import Plan
from ledger_guard.policy.loader import load_policy
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.approvals.record_answer import record_answer
from ledger_guard.use_cases.approvals.request_approval import request_approval

KEY, FORGED = AuditKey("2026-03", b"k" * 32), AuditKey("2026-03", b"f" * 32)
KEYS = AuditKeys([KEY])

_ROLE = """
    do $$ begin create role mallory login; exception when duplicate_object or unique_violation then null; end $$;
    grant usage on schema ledger_guard to mallory;
    grant all on all tables in schema ledger_guard to mallory
"""
_WRITE = """
    insert into ledger_guard.audit_entry (
        sequence, verb, actor, subject, detail, detail_text, at, incident_id, tenant_id, previous_hash, entry_hash, key_id, mac)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class Mallory:
    """What she does: rows through the guard's own stores, SQL, and audit entries without the key or with one of her own."""

    def __init__(self, uri: str) -> None:
        with psycopg.connect(uri) as connection:
            connection.execute(_ROLE)
        self.uri = uri.replace("//postgres@", "//mallory@")
        self.state = PostgresGuardState(ConnectionSettings.parse(self.uri, "ledger_guard_db"), NO_KEYS)

    def runs(self, text: str, *values: object) -> None:
        """Run one statement that changes at least one row."""
        with psycopg.connect(self.uri) as connection:
            assert connection.execute(text.encode(), values).rowcount > 0

    def logs(self, event: AuditEvent, key: AuditKey | None = None) -> None:
        """Chain an entry behind the last one, the head with it, as the guard would; marked with `key`."""
        with psycopg.connect(self.uri) as connection:
            connection.execute("select set_config('ledger_guard.revision', %s, true)", [code_revision()])
            end = connection.execute("select sequence, entry_hash, key_id from ledger_guard.audit_head for update").fetchone()
            assert end is not None
            entry = chained(end[0] + 1, event, end[1], key)
            text = stored_json(event.detail)
            what = (event.verb, event.actor, event.subject, text, text, event.at, event.incident_id, event.tenant_id)
            connection.execute(_WRITE, (entry.sequence, *what, entry.previous_hash, entry.entry_hash, entry.key_id, entry.mac))
            connection.execute(
                "update ledger_guard.audit_head set sequence = %s, entry_hash = %s", [entry.sequence, entry.entry_hash]
            )


def keyed_backfill(uri: str, keys: AuditKeys = KEYS, max_share_of_players: float = 1.0) -> World:
    """A tenant on Postgres, guard state in the same database."""
    shipped = load_policy()
    guardrails = shipped.guardrails.model_copy(update={"batch_rows": 2, "max_share_of_players": max_share_of_players})
    world = postgres_backfill_world(shipped.model_copy(update={"guardrails": guardrails}), uri, uri, keys)
    world.platform.add_tenant(TENANT)
    return world


def keyed_rollout(uri: str, keys: AuditKeys = KEYS) -> RolloutWorld:
    """A rollout whose guard state and flags are on Postgres; enforcement is on for everyone."""
    world = rollout_world(audit_keys=keys)
    settings = ConnectionSettings.parse(uri, "ledger_db")
    flags = PostgresFlagStore(settings, world.deps.policy, world.deps.wall_clock)
    world.deps = replace(world.deps, state=PostgresGuardState(settings, keys), flags=flags)
    compare_and_set(flags, flags.get(BALANCE, EVERYWHERE), True, "somebody", "rollout")
    return world.healthy()


def ask(deps: Dependencies, plan: Plan, kind: ApprovalKind = ApprovalKind.BACKFILL_FORCE, **changes: Any) -> str:
    """Put a plan to people, as a gate does."""
    given = {"run_id": "run-1", "requested_by": ACTOR, **changes}
    return request_approval(
        deps,
        kind,
        plan.plan_id,
        plan.plan_hash,
        incident_id=None,
        dag_id="tenant_backfill",
        task_id="request_approval",
        link="",
        proposal="write 1 row",
        **given,
    ).approval_id


def say_yes(deps: Dependencies, approval_id: str, by: str = "payments-lead") -> None:
    """Answer, as a person does."""
    record_answer(
        deps,
        approval_id,
        chosen_options=["Approve"],
        reason="checked the plan by hand",
        answered_by=by,
        answered_at=deps.wall_clock.now(),
        timed_out=False,
    )


def covering(*rows: Attested) -> dict[str, object]:
    """The detail of an entry that attests these rows."""
    return {"attested": [asdict(each.row) for each in rows]}
