"""dry_run over several tenants: each gets a plan of its own, and the one that would move most money comes first."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ledger_guard.domain.errors import BadInputError, LedgerGuardError
from ledger_guard.domain.identifiers import checked_tenant_id
from ledger_guard.domain.plans import BackfillMode, Plan
from ledger_guard.ports import Dependencies
from ledger_guard.use_cases.backfill.dry_run import dry_run, require_tenant


@dataclass(frozen=True)
class DryRuns:
    """What became of each tenant."""

    #: by falling harm, then tenant id
    plans: tuple[Plan, ...]
    #: tenant id → why it has no plan
    failed: dict[str, str]


def dry_run_many(
    deps: Dependencies, tenant_ids: Sequence[str] | None, mode: BackfillMode | str, requested_by: str, at_once: int = 2
) -> DryRuns:
    """Plan `tenant_ids`, or every tenant of the platform when None is given on purpose; at most `at_once` at the same time.

    A tenant that fails does not keep the others from their plans; it is in `failed`.

    Raises:
        BadInputError: a tenant is unknown or named twice, the list is empty, or the mode is unknown; nothing was planned.
        SourceUnavailable: the platform did not answer. Retry when it is back.
    """
    wanted = BackfillMode.parse(mode)
    tenants = deps.ledger.tenant_ids() if tenant_ids is None else [checked_tenant_id(each) for each in tenant_ids]
    if not tenants:
        raise BadInputError("tenants: none is given; allowed: one or more tenants, or all of them by --all-tenants")
    if len(set(tenants)) < len(tenants):
        twice = next(each for each in tenants if tenants.count(each) > 1)
        raise BadInputError(f"tenant {twice}: is named twice; allowed: each tenant once")
    for tenant_id in tenants if tenant_ids is not None else ():
        require_tenant(deps, tenant_id)
    with ThreadPoolExecutor(max_workers=at_once) as workers:
        outcomes = list(workers.map(lambda tenant_id: _planned(deps, tenant_id, wanted, requested_by), tenants))
    plans = [each for each in outcomes if isinstance(each, Plan)]
    failed = {
        tenant_id: str(each) for tenant_id, each in zip(tenants, outcomes, strict=True) if isinstance(each, LedgerGuardError)
    }
    return DryRuns(tuple(sorted(plans, key=_least_harm_last)), failed)


def _planned(deps: Dependencies, tenant_id: str, mode: BackfillMode, requested_by: str) -> Plan | LedgerGuardError:
    try:
        return dry_run(deps, tenant_id, mode, requested_by)
    except LedgerGuardError as error:
        return error


def _least_harm_last(plan: Plan) -> tuple[int, int, str]:
    moved = plan.cents.created + plan.cents.increased + plan.cents.decreased
    return (-moved, -plan.counts.repairable, plan.tenant_id)
