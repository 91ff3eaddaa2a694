"""verify: compare a tenant again and say what remains."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ledger_guard.domain.audit import AuditEvent
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.identifiers import checked_tenant_id, checked_uuid
from ledger_guard.domain.plans import BackfillMode, DifferenceCounts, Plan, RowState
from ledger_guard.ports import Comparison, Guard
from ledger_guard.use_cases.dry_run import require_tenant


@dataclass(frozen=True)
class Verification:
    """A tenant, compared again."""

    counts: DifferenceCounts
    #: no wallet is missing and none differs without the ledger's word for it
    is_clean: bool
    #: sentences about everything that was found, what does not count against `is_clean` included
    remaining: tuple[str, ...]


def verify(guard: Guard, tenant_id: str, plan_id: str | None = None) -> Verification:
    """Compare now and record the result.

    A plan that was only to create missing wallets is held to that: differing wallets are named, not counted against it.
    A tenant that has lost all its players since the plan is not clean: nothing was compared.

    Raises:
        BadInputError: no such tenant or plan, or the plan is another tenant's.
        SourceUnavailable: the platform did not answer. Nothing is known, so nothing is verified: retry.
    """
    tenant = checked_tenant_id(tenant_id)
    plan, drifted = _plan(guard, tenant, plan_id)
    guard.ledger.check_columns()
    require_tenant(guard, tenant)
    comparison = guard.ledger.compare(tenant, BackfillMode.FORCE)
    counts = comparison.counts
    lost = plan is not None and plan.players > 0 and comparison.players == 0
    only_missing = plan is not None and plan.mode is BackfillMode.CREATE_MISSING
    is_clean = not lost and counts.missing == 0 and (only_missing or counts.stale_wallet + counts.unexplained == 0)
    found = Verification(counts, is_clean, _sentences(comparison, lost=lost, drifted=drifted))
    with guard.state.transaction() as state:
        state.audit.append(
            AuditEvent(
                verb="verify",
                actor="ledger_guard",
                subject=f"plan:{plan.plan_id}" if plan else f"tenant:{tenant}",
                detail={
                    "counts": asdict(counts),
                    "players": comparison.players,
                    "is_clean": is_clean,
                    "remaining": list(found.remaining),
                },
                at=guard.wall_clock.now(),
                incident_id=plan.incident_id if plan else None,
                tenant_id=tenant,
            )
        )
    return found


def _plan(guard: Guard, tenant_id: str, plan_id: str | None) -> tuple[Plan | None, int]:
    if plan_id is None:
        return None, 0
    with guard.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"), with_rows=False)
        drifted = state.plans.row_counts(plan.plan_id).get(RowState.DRIFTED.value, 0)
    if plan.tenant_id != tenant_id:
        raise BadInputError(
            f"plan {plan.plan_id}: belongs to tenant {plan.tenant_id}, not to {tenant_id}; allowed: a plan of this tenant"
        )
    return plan, drifted


def _sentences(comparison: Comparison, *, lost: bool, drifted: int) -> tuple[str, ...]:
    counts = comparison.counts
    said = (
        (int(lost), "no player was compared, though the plan had some: nothing is proved"),
        (counts.missing, f"{counts.missing} wallets are missing"),
        (counts.stale_wallet, f"{counts.stale_wallet} wallets lag behind their player"),
        (counts.unexplained, f"{counts.unexplained} wallets differ and the ledger agrees with neither side"),
        (counts.protected, f"{counts.protected} wallets are set aside as protected: the ledger explains them, or can't be read"),
        (drifted, f"{drifted} rows of the plan were left alone because they had changed since the dry-run"),
        (counts.float_noise, f"{counts.float_noise} wallets differ by less than a cent, which is no difference"),
        (counts.other_currency, f"{counts.other_currency} wallets are in other currencies and were not compared"),
        (counts.orphan, f"{counts.orphan} wallets have no player"),
    )
    return tuple(sentence for number, sentence in said if number)
