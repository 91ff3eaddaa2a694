"""Repairs that give reason to doubt: tenants repaired again, and repairs that did not hold. Read-only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger_guard.domain.audit import AuditEntry
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.repairs import RepairCompared, RepairedAgain
from ledger_guard.domain.money import readable
from ledger_guard.domain.shown_text import counted
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork

#: the board shows no more
_AT_MOST = 10


def repairs_in_doubt(deps: Dependencies, state: UnitOfWork) -> Iterator[str]:
    """A sentence for each of the newest ones within the policy's days, newest first."""
    since = deps.wall_clock.now() - deps.policy.autonomy.repaired_again_within
    entries = [*state.audit.of_kind("plan", "repaired_again"), *state.audit.of_kind("plan", "verify_again")]
    newest_first = sorted((each for each in entries if each.event.at > since), key=lambda each: -each.sequence)
    found = [sentence for entry in newest_first for sentence in _doubts(entry)]
    yield from found[:_AT_MOST]


def repairs_on_record(entries: Iterable[AuditEntry]) -> Iterator[tuple[object, ...]]:
    """For an incident's report: when, tenant and what, of repeated repairs and of every later comparison."""
    for entry in entries:
        at, tenant = entry.event.at, entry.event.tenant_id
        if again := told(entry.event, RepairedAgain):
            yield at, tenant, f"repaired again: {'; then '.join(again.repairs)}. In between: {'; '.join(again.between)}"
        elif compared := told(entry.event, RepairCompared):
            yield at, tenant, _compared(compared)


def _doubts(entry: AuditEntry) -> Iterator[str]:
    tenant, when = entry.event.tenant_id, iso(entry.event.at)
    if again := told(entry.event, RepairedAgain):
        yield f"{tenant} to be repaired again ({when}): {'; then '.join(again.repairs)}"
    elif (compared := told(entry.event, RepairCompared)) and not compared.holds:
        yield f"{tenant} {_compared(compared)} ({when})"


def _compared(fact: RepairCompared) -> str:
    ages, wallets = " and ".join(f"{hours} h" for hours in fact.hours), counted(fact.players, "wallet", "wallets")
    if fact.holds:
        return f"repair of {iso(fact.repaired_at)} holds after {ages}: {wallets} compared"
    off = readable(fact.wrong_cents, fact.currency)
    return f"repair of {iso(fact.repaired_at)} did not hold after {ages}: {fact.wrong} of {wallets} wrong, by {off}"
