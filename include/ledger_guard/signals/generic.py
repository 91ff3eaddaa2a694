"""The generic signal: a trigger that the policy describes in full. It needs no code of its own."""

from __future__ import annotations

from collections import Counter

from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.signals import Nouns
from ledger_guard.policy.triggers import TriggerPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.signals.incident_facts import affected_by_tenant, incident_span
from ledger_guard.signals.signal import COMMON_ACTIONS, RestoreNeeds, Signal, Topics
from ledger_guard.signals.triage_report import NOT_KNOWN, TenantTriage, TriageReport, reported


class Generic(Signal):
    """Events out of attempts, with the policy's own nouns. It reports figures and never advises against a repair."""

    name = "generic"
    nouns: Nouns | None = None
    sources: frozenset[str] | None = None
    actions = COMMON_ACTIONS
    restore_needs = RestoreNeeds(wallets_compared=False, rotations_done=False)

    def review_topics(self, described: TriggerPolicy) -> Topics:
        """See Signal."""
        return (
            ("Root cause", f"what caused this: {described.description.rstrip('.')}? How is it prevented from happening again?"),
        )

    def triage(self, deps: Dependencies, incident: Incident) -> TriageReport:
        """See Signal: events out of attempts for each tenant, and the subjects with most events where the source names them."""
        described = deps.policy.trigger(incident.trigger)
        nouns = described.nouns_or(self.nouns)
        at_most = deps.policy.notification.list_at_most
        hit = affected_by_tenant(deps, incident, at_most)
        with deps.state.transaction() as state:
            readings = state.readings.readings(incident.trigger, *incident_span(deps, incident))
        events: Counter[str] = Counter()
        exposure: Counter[str] = Counter()
        for reading in readings:
            events[reading.tenant_id] += reading.events
            exposure[reading.tenant_id] += reading.exposure
        tenants = tuple(
            _counted(
                tenant,
                events[tenant],
                exposure[tenant],
                nouns,
                [f"{one_line(subject.subject_id)}: {subject.events} {nouns.events}" for subject in hit.get(tenant, [])],
            )
            for tenant in incident.tenants
        )
        facts = (
            ()
            if described.source.names_subjects
            else ((nouns.subjects.capitalize(), "not known: the source does not name them"),)
        )
        return reported(incident, f"Which tenants have {nouns.events}, and how many?", tenants, facts)


def _counted(tenant_id: str, events: int, exposure: int, nouns: Nouns, listed: list[str]) -> TenantTriage:
    figures = {"events": events, "exposure": exposure}
    if not exposure and not events:
        return TenantTriage(
            tenant_id, NOT_KNOWN, f"{NOT_KNOWN}: no {nouns.exposure} were read in this time", tuple(listed), figures
        )
    share = f" ({events / exposure:.0%})" if exposure else ""
    text = f"{events:,} {nouns.events} of {exposure:,} {nouns.exposure}{share}"
    return TenantTriage(tenant_id, nouns.events if events else f"no {nouns.events}", text, tuple(listed), figures)
