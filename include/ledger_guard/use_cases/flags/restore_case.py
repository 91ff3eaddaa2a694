"""A restore request: what was written for it, and which tenants and triggers it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.validation import ProbeAnswer
from ledger_guard.ports import Dependencies
from ledger_guard.signals.registry import signals_of_flag
from ledger_guard.use_cases.flags.flag_proposal import checked_scope


@dataclass(frozen=True)
class RestoreRequest:
    """A restore as requested, with what the requester wrote."""

    flag: str
    tenant_id: str
    #: whose freezes are lifted; None: those that were opened without an incident
    incident_id: str | None
    root_cause: str
    root_cause_link: str
    root_cause_owner: str
    #: used where the policy names no probe for the flag:
    #: `{"environment": "test" | "staging", "passed": true, "reference": "where to read it"}`
    validation: Mapping[str, object]

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> RestoreRequest:
        """As a run's form has it."""
        return cls(
            flag=params["flag"],
            tenant_id=params["tenant_id"],
            incident_id=params.get("incident_id"),
            root_cause=params["root_cause"],
            root_cause_link=params["root_cause_link"],
            root_cause_owner=params["root_cause_owner"],
            validation=params["validation"],
        )


@dataclass(frozen=True)
class RestoreCase(RestoreRequest):
    """A request, and what was read before the transaction began."""

    #: the answer of the test environment's probe; None when the policy names none for this flag
    probe: ProbeAnswer | None
    #: existing tenants whose wallets must be in order, sorted; None when the flag does not concern wallets.
    #: Empty proves nothing: there is nothing to compare
    wallet_tenants: tuple[str, ...] | None

    @property
    def is_global(self) -> bool:
        """Whether it is for everyone."""
        return self.tenant_id == EVERYWHERE


def restore_case(deps: Dependencies, request: RestoreRequest) -> RestoreCase:
    """Check names, and query platform and test environment, so that no transaction waits for them.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SourceUnavailable: the platform did not answer. Retry.
    """
    checked_scope(deps, request.flag, request.tenant_id)
    incident = checked_uuid(request.incident_id, "incident") if request.incident_id else None
    return RestoreCase(
        flag=request.flag,
        tenant_id=request.tenant_id,
        incident_id=incident,
        root_cause=(request.root_cause or "").strip(),
        root_cause_link=(request.root_cause_link or "").strip(),
        root_cause_owner=(request.root_cause_owner or "").strip(),
        validation=request.validation,
        probe=_probe(deps, request.flag),
        wallet_tenants=wallet_tenants(deps, request.flag, request.tenant_id, incident),
    )


def wallet_tenants(deps: Dependencies, flag: str, tenant_id: str, incident_id: str | None) -> tuple[str, ...] | None:
    """Tenants whose wallets the restore checks: the one, the incident's, or all; deleted tenants are left out.

    None where the flag does not concern wallets. If all of an incident's tenants are deleted, every tenant's wallets must be in
    order. Raises BadInputError when the incident does not exist.
    """
    if not any(signal.restore_needs.wallets_compared for signal in signals_of_flag(deps.policy, flag).values()):
        return None
    if tenant_id != EVERYWHERE:
        return (tenant_id,)
    known = deps.ledger.tenant_ids()
    if incident_id is None:
        return tuple(sorted(known))
    with deps.state.transaction() as state:
        concerned = set(state.incidents.get(incident_id).tenants)
    return tuple(sorted(concerned.intersection(known) or known))


def _probe(deps: Dependencies, flag: str) -> ProbeAnswer | None:
    named = deps.policy.restore.probes.get(flag)
    if deps.validation is not None:
        answer = deps.validation.ask(flag)
        if answer is not None or named is None:
            return answer
    return None if named is None else ProbeAnswer(named.url, None, passed=False, words="was not asked")
