"""A restore: what was written down for it, and which tenants and triggers it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.validation import ProbeAnswer
from ledger_guard.ports import Guard
from ledger_guard.signals.registry import signals_of_flag
from ledger_guard.use_cases.flags.flag_proposal import checked_scope


@dataclass(frozen=True)
class RestoreCase:
    """A restore, what was written down for it, and what was asked before a transaction began."""

    flag: str
    tenant_id: str
    incident_id: str | None
    root_cause: str
    root_cause_link: str
    root_cause_owner: str
    validation: Mapping[str, object]
    #: what the test environment's probe says now; None when the policy names none for this flag
    probe: ProbeAnswer | None
    #: the tenants whose wallets have to be in order, as far as the platform knows them, sorted; None when wallets have no
    #: part in the flag. Empty is no health: nothing can be compared
    wallet_tenants: tuple[str, ...] | None

    @property
    def is_global(self) -> bool:
        """Whether it is for everyone."""
        return self.tenant_id == EVERYWHERE


def restore_case(
    guard: Guard,
    flag: str,
    tenant_id: str,
    incident_id: str | None,
    root_cause: str,
    root_cause_link: str,
    root_cause_owner: str,
    validation: Mapping[str, object],
) -> RestoreCase:
    """Check names, and ask platform and test environment, so that no transaction waits for them.

    Raises:
        BadInputError: unknown flag, tenant or incident.
        SourceUnavailable: the platform did not answer: retry.
    """
    checked_scope(guard, flag, tenant_id)
    incident = checked_uuid(incident_id, "incident") if incident_id else None
    return RestoreCase(
        flag=flag,
        tenant_id=tenant_id,
        incident_id=incident,
        root_cause=(root_cause or "").strip(),
        root_cause_link=(root_cause_link or "").strip(),
        root_cause_owner=(root_cause_owner or "").strip(),
        validation=validation,
        probe=_probe(guard, flag),
        wallet_tenants=wallet_tenants(guard, flag, tenant_id, incident),
    )


def wallet_tenants(guard: Guard, flag: str, tenant_id: str, incident_id: str | None) -> tuple[str, ...] | None:
    """Tenants whose wallets the flag would be judged by: the one, those of the incident, or all; those that are gone left out.

    None where wallets have no part in what the flag is tied to. Where all of an incident's tenants are gone, everybody's wallets
    have to be in order. Raises BadInputError when the incident does not exist.
    """
    if not any(signal.restore_needs.wallets_compared for signal in signals_of_flag(guard.policy, flag).values()):
        return None
    if tenant_id != EVERYWHERE:
        return (tenant_id,)
    known = guard.ledger.tenant_ids()
    if incident_id is None:
        return tuple(sorted(known))
    with guard.state.transaction() as state:
        concerned = set(state.incidents.get(incident_id).tenants)
    return tuple(sorted(concerned.intersection(known) or known))


def _probe(guard: Guard, flag: str) -> ProbeAnswer | None:
    named = guard.policy.restore.probes.get(flag)
    if guard.validation is not None:
        answer = guard.validation.ask(flag)
        if answer is not None or named is None:
            return answer
    return None if named is None else ProbeAnswer(named.url, None, passed=False, words="was not asked")
