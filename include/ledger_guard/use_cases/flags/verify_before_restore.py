"""verify, before a restore: compare again the tenants without a usable comparison."""

from __future__ import annotations

from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.verify import verify
from ledger_guard.use_cases.flags.flag_proposal import checked_scope
from ledger_guard.use_cases.flags.restore_case import wallet_tenants
from ledger_guard.use_cases.flags.restore_evidence import comparison_fault


def verify_before_restore(deps: Dependencies, flag: str, tenant_id: str, incident_id: str | None) -> list[str]:
    """Compare and record the tenants whose newest comparison is old, not clean or missing; returns them.

    The checklist judges what is recorded here. Repeating it compares only what still needs it.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SourceUnavailable: the platform did not answer. Retry.
    """
    checked_scope(deps, flag, tenant_id)
    tenants = wallet_tenants(deps, flag, tenant_id, incident_id) or ()
    with deps.state.transaction() as state:
        due = [tenant for tenant in tenants if comparison_fault(deps, state, tenant)]
    for tenant in due:
        verify(deps, tenant)
    return due
