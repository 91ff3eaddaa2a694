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
from ledger_guard.signals.forged_calls import forged_words, refused_calls_of
from ledger_guard.signals.incident_facts import affected_by_tenant, incident_span
from ledger_guard.signals.signal import COMMON_ACTIONS, SECRET_ACTIONS, Against, Finding, OpenDoor, RestoreNeeds, Signal, Topics
from ledger_guard.signals.signature_causes import CauseKind, by_provider
from ledger_guard.signals.triage_report import NOT_KNOWN, TenantTriage, TriageReport, reported
from ledger_guard.signals.webhook_calls import ONLY_COUNTED, are_only_counted, failure_groups

_AGAINST = "refused webhooks are likely forged, and a rollback would accept them"
#: where nothing but numbers is known
_NOT_EXCLUDED = "refused webhooks may be forged, and a rollback would accept them: genuine calls are as many as usual"


class WebhookSignature(Signal):
    """Refused webhooks."""

    name = "webhook_signature"
    nouns = Nouns("refused webhooks", "webhooks", "webhooks")
    sources = frozenset({"access_events", "prometheus", "sql"})
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
        providers = by_provider(failure_groups(deps, incident))
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
        if are_only_counted(deps, incident.trigger):
            facts = (("Providers, senders, event ids", ONLY_COUNTED),)
        return reported(incident, "Which providers' webhook calls are refused, and with which error?", tenants, facts)

    def against(self, found: Finding, tenants: Sequence[str]) -> Against:
        """See Signal: every tenant, if the calls are likely forged."""
        if not isinstance(found, SecretsChecked) or found.cause_kind != CauseKind.FORGED.value:
            return {}
        only_counted = bool(found.refused and found.refused.get("are_only_counted"))
        return dict.fromkeys(tenants, _NOT_EXCLUDED if only_counted else _AGAINST)

    def against_now(self, deps: Dependencies, incident: Incident) -> Against:
        """See Signal."""
        finding = refused_calls_of(deps, incident).finding
        why = _NOT_EXCLUDED if finding.is_by_counts_alone else _AGAINST
        return dict.fromkeys(incident.tenants, why) if finding.is_forged else {}

    def before_a_rollback(self, deps: Dependencies, incident: Incident) -> str:
        """See Signal: whether the refused calls are genuine, looked at now."""
        try:
            refused = refused_calls_of(deps, incident)
        except SourceUnavailable as error:
            return f"Whether the refused calls are forged is not known: {error}. "
        if not refused.ids.refused:
            return ""
        words = forged_words(refused.finding) if refused.finding.is_forged else f"Genuine calls: {refused.finding.why}."
        if refused.are_only_counted:
            return f"{words} Whether forged calls are among the refused ones is {ONLY_COUNTED}. "
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
