"""Webhook signature: calls of payment providers refused because of their signature. Are they genuine or forged?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.incidents import SecretsChecked
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.shown_text import one_line
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.triggers import TriggerPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import AffectedSubject
from ledger_guard.signals.forged_calls import refused_calls_of
from ledger_guard.signals.incident_facts import affected_by_tenant, incident_span
from ledger_guard.signals.signal import COMMON_ACTIONS, SECRET_ACTIONS, Against, Finding, OpenDoor, RestoreNeeds, Signal, Topics
from ledger_guard.signals.signature_causes import CauseKind, by_provider, forged_words
from ledger_guard.signals.triage_report import NOT_KNOWN, TenantTriage, TriageReport, reported

_AGAINST = "refused webhooks are likely forged, and a rollback would accept them"


class WebhookSignature(Signal):
    """Refused webhooks."""

    name = "webhook_signature"
    nouns = Nouns("refused webhooks", "webhooks", "webhooks")
    sources = frozenset({"access_events"})
    actions = (COMMON_ACTIONS | SECRET_ACTIONS) - {"backfill"}
    restore_needs = RestoreNeeds(wallets_compared=False, rotations_done=True)
    against_verb: Literal["check_secrets"] = "check_secrets"
    open_door = OpenDoor("Unsigned webhooks are accepted", "Anyone who knows the address can book a payment.")

    def faults_of_row(self, trigger: str, severity: Severity, actions: Sequence[str]) -> Iterator[str]:
        """See Signal."""
        yield from super().faults_of_row(trigger, severity, [word for word in actions if word != "backfill"])
        if "backfill" in actions:
            yield f"backfill in a {trigger} row; allowed: without it (signatures do not concern wallets)"

    def review_topics(self, described: TriggerPolicy) -> Topics:  # noqa: ARG002
        """See Signal."""
        asked = "does each provider sign with the secret and the headers that the platform checks?"
        return (("Signature integration", asked),)

    def triage(self, deps: Dependencies, incident: Incident) -> TriageReport:
        """See Signal: which providers are refused, and with which error."""
        start, end = incident_span(deps, incident)
        providers = by_provider(deps.triage.failures_by_provider(incident.trigger, start, end))
        by_tenant = affected_by_tenant(deps, incident, deps.policy.notification.list_at_most)
        with deps.state.transaction() as state:
            readings = state.readings.readings(incident.trigger, start, end)
        failures: Counter[str] = Counter()
        calls: Counter[str] = Counter()
        for reading in readings:
            failures[reading.tenant_id] += reading.events
            calls[reading.tenant_id] += reading.exposure
        tenants = tuple(refused_calls(each, failures[each], calls[each], by_tenant.get(each, [])) for each in incident.tenants)
        facts = tuple((f"Provider {provider.provider}", provider.in_words()) for provider in providers)
        return reported(incident, "Which providers' webhook calls are refused, and with which error?", tenants, facts)

    def against(self, found: Finding, tenants: Sequence[str]) -> Against:
        """See Signal: every tenant, if the calls are likely forged."""
        is_forged = isinstance(found, SecretsChecked) and found.cause_kind == CauseKind.FORGED.value
        return dict.fromkeys(tenants, _AGAINST) if is_forged else {}

    def against_now(self, deps: Dependencies, incident: Incident) -> Against:
        """See Signal."""
        is_forged = refused_calls_of(deps, incident).finding.is_forged
        return dict.fromkeys(incident.tenants, _AGAINST) if is_forged else {}

    def before_a_rollback(self, deps: Dependencies, incident: Incident) -> str:
        """See Signal: whether the refused calls are genuine, looked at now."""
        try:
            refused = refused_calls_of(deps, incident)
        except SourceUnavailable as error:
            return f"Whether the refused calls are forged is not known: {error}. "
        if not refused.ids.refused:
            return ""
        words = forged_words(refused.finding) if refused.finding.is_forged else f"Genuine calls: {refused.finding.why}."
        facts = dict(refused.as_facts())
        return f"{words} Event ids: {facts['Known event ids']}. Senders: {facts['Senders']}. "


def refused_calls(tenant_id: str, failures: int, calls: int, subjects: Sequence[AffectedSubject]) -> TenantTriage:
    """How much of a tenant's webhook traffic is refused."""
    text = f"{failures} of {calls} webhook calls refused" + (f" ({failures / calls:.0%})" if calls else "")
    listed = tuple(f"{one_line(subject.subject_id)}: {subject.events} refusal(s)" for subject in subjects)
    return TenantTriage(tenant_id, _refused(failures, calls), text, listed, {"failures": failures, "calls": calls})


def _refused(failures: int, calls: int) -> str:
    if not calls:
        return NOT_KNOWN
    if not failures:
        return "none refused"
    return "all calls refused" if failures >= calls else "some calls refused"
