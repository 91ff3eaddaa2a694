"""What a triage found, for people, for a notice, and for the next task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger_guard.domain.facts.incidents import Triaged
from ledger_guard.domain.incidents import Incident

#: the answer when it can't be determined
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class TenantTriage:
    """One tenant's answer."""

    tenant_id: str
    #: the answer in a few words, as `backfill fault`; tenants with the same word are counted together
    word: str
    #: the answer with its figures
    conclusion: str
    #: the players or webhooks behind it, most events or largest difference first
    listed: tuple[str, ...] = ()
    #: figures, JSON-able
    figures: Mapping[str, int | float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class TriageReport:
    """A whole incident's answer."""

    incident_id: str
    trigger: str
    #: the runbook's question, as it was asked
    question: str
    #: one or two sentences over all tenants
    conclusion: str
    tenants: tuple[TenantTriage, ...]
    #: facts about the whole incident: label and text
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """For a terminal or a report."""
        found = [self.question, self.conclusion]
        found += [f"{label}: {text}" for label, text in self.facts]
        for tenant in self.tenants:
            found.append(f"{tenant.tenant_id}: {tenant.conclusion}")
            found += [f"  {line}" for line in tenant.listed]
        return tuple(found)

    @property
    def words_by_tenant(self) -> dict[str, str]:
        """Each tenant's answer in a word or two."""
        return {tenant.tenant_id: tenant.word for tenant in self.tenants}

    def as_facts(self) -> tuple[tuple[str, str], ...]:
        """Label and text pairs for a notice."""
        return (*self.facts, *((tenant.tenant_id, "\n".join((tenant.conclusion, *tenant.listed))) for tenant in self.tenants))

    def on_record(self) -> Triaged:
        """What the audit log keeps of it."""
        return Triaged(conclusion=self.conclusion, tenants=self.words_by_tenant)


def reported(
    incident: Incident, question: str, tenants: tuple[TenantTriage, ...], facts: Sequence[tuple[str, str]] = ()
) -> TriageReport:
    """An incident's answer from those of its tenants."""
    return TriageReport(incident.incident_id, incident.trigger.value, question, _summed_up(tenants), tenants, tuple(facts))


def _summed_up(tenants: tuple[TenantTriage, ...]) -> str:
    """One sentence over all tenants: the only tenant's own, or how many have which answer."""
    if len(tenants) == 1:
        return f"{tenants[0].tenant_id}: {tenants[0].conclusion}"
    words: dict[str, list[str]] = {}
    for tenant in tenants:
        words.setdefault(tenant.word, []).append(tenant.tenant_id)
    ordered = sorted(words.items(), key=lambda each: (-len(each[1]), each[0]))
    return "; ".join(f"{word} in {len(ids)} of {len(tenants)} tenants" for word, ids in ordered) + "."
