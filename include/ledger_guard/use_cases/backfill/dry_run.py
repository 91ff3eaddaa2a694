"""dry_run: compare one tenant's players with its wallets and store exactly what force would change."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

from ledger_guard.domain.attestations import is_unkeyed, plan_attested
from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.facts.backfill import PlanMade, about_plan
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid, new_id
from ledger_guard.domain.plan_summary import PlanSummary
from ledger_guard.domain.plans import BackfillMode, Plan, PlanContent, plan_hash
from ledger_guard.domain.shown_text import listed
from ledger_guard.domain.writability import WriteKind, certain_sentences, doubtful_sentences, writes_of_force
from ledger_guard.policy.guardrails import exceeded_guardrails
from ledger_guard.policy.plan_parts import parts_hash, plan_parts
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.ports.platform import Differences

_TENANTS_NAMED = 5


def dry_run(
    deps: Dependencies, tenant_id: str, mode: BackfillMode | str, requested_by: str, incident_id: str | None = None
) -> Plan:
    """Store a plan and return it, without its rows; nothing on the platform is written. Same data, same hash.

    Rows stream from the platform into guard state: memory does not grow with the tenant.

    Raises:
        BadInputError: no such tenant, mode or incident. Ask again.
        SafetyRefusal: it would have rows that can't be written on this platform. Remove the obstacles.
        SourceUnavailable: the platform did not answer, or lacks a table or column. Retry when it is back.
    """
    tenant, wanted = checked_tenant_id(tenant_id), BackfillMode.parse(mode)
    deps.ledger.check_columns()
    require_tenant(deps, tenant)
    flags = current_flags(deps, tenant)
    incident = checked_uuid(incident_id, "incident") if incident_id else None
    plan_id = new_id()
    with deps.state.transaction() as state:
        if incident is not None:
            state.incidents.get(incident)
        words = deps.policy.platform.words_hash
        with deps.ledger.differences(tenant, wanted, state.openings.seen(tenant, words)) as found:
            content, summary = state.plans.add_rows(plan_id, found.lines())
            state.openings.add(tenant, words, found.new_openings(), deps.wall_clock.now())
        hours = deps.policy.guardrails.counted_within_hours
        before = state.plans.written_before(plan_id, tenant, deps.wall_clock.now() - timedelta(hours=hours))
        exceeded = exceeded_guardrails(deps.policy.guardrails, content.totals, found.players, before)
        doubts = require_writable(deps, writes_of_force(wanted, found.counts), f"tenant {tenant}")
        plan = _plan(deps, plan_id, tenant, wanted, content, summary, found, flags, requested_by, incident, exceeded + doubts)
        state.plans.add(plan)
        state.audit.append(_event(deps, state, plan))
    return plan


def _plan(
    deps: Dependencies,
    plan_id: str,
    tenant_id: str,
    mode: BackfillMode,
    content: PlanContent,
    summary: PlanSummary,
    found: Differences,
    flags: dict[str, bool | None],
    requested_by: str,
    incident_id: str | None,
    guardrails_exceeded: tuple[str, ...],
) -> Plan:
    now, policy = deps.wall_clock.now(), deps.policy
    currency, bound_to = policy.platform.currency, parts_hash(plan_parts(policy))
    return Plan(
        plan_id=plan_id,
        plan_hash=plan_hash(tenant_id, mode, currency, content.rows_hash, flags, policy_hash=bound_to),
        tenant_id=tenant_id,
        mode=mode,
        currency=currency,
        counts=found.counts,
        cents=replace(summary.cents, bonus_lost=found.bonus_lost),
        players=found.players,
        guardrails_exceeded=guardrails_exceeded,
        flag_state=flags,
        policy_hash=bound_to,
        created_at=now,
        expires_at=now + timedelta(minutes=policy.guardrails.plan_valid_minutes),
        requested_by=requested_by,
        incident_id=incident_id,
    )


def require_tenant(deps: Dependencies, tenant_id: str) -> None:
    """Raise BadInputError, naming existing tenants, when the platform has no such tenant."""
    if deps.ledger.tenant_exists(tenant_id):
        return
    known = deps.ledger.tenant_ids()
    some = listed(known, _TENANTS_NAMED, nobody="none, it has no tenant")
    raise BadInputError(f"tenant {tenant_id}: is unknown to the platform; allowed: {some}")


def require_writable(deps: Dependencies, needed: frozenset[WriteKind], what: str) -> tuple[str, ...]:
    """Return sentences about what may change or refuse such writes: each is a reason to ask a human.

    Raises:
        SafetyRefusal: writes can't succeed; the message begins with `what` and names every obstacle. Remove them.
        SourceUnavailable: the platform did not answer the writer's login, or is a replica.
    """
    if not needed:
        return ()
    obstacles = deps.backfill.obstacles()
    in_the_way = certain_sentences(obstacles, needed)
    if in_the_way:
        raise SafetyRefusal(f"{what}: wallets can't be written: {'; '.join(in_the_way)}")
    return doubtful_sentences(obstacles, needed, deps.policy.platform.wallet.known_triggers)


def current_flags(deps: Dependencies, tenant_id: str) -> dict[str, bool | None]:
    """The platform's value of each flag of the policy for this tenant; None where the store does not know."""
    return {flag: deps.flags.effective(flag, tenant_id) for flag in sorted(deps.policy.flags)}


def _event(deps: Dependencies, state: UnitOfWork, plan: Plan) -> AuditEvent:
    made = PlanMade(
        mode=plan.mode,
        counts=asdict(plan.counts),
        cents=asdict(plan.cents),
        players=plan.players,
        guardrails_exceeded=tuple(plan.guardrails_exceeded),
        flag_state=plan.flag_state,
        policy_hash=plan.policy_hash,
        policy_parts=plan_parts(deps.policy),
        expires_at=plan.expires_at,
        attested=(plan_attested(plan).row,),
        unkeyed=is_unkeyed(state.audit),
    )
    return about_plan(plan, made, actor=plan.requested_by, at=plan.created_at)
