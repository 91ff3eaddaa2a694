"""check_secrets: are the webhook secrets in order, and what most likely causes the signature failures?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.codec import json_form, recorded
from ledger_guard.domain.facts.incidents import SecretsChecked
from ledger_guard.domain.flags import EVERYWHERE
from ledger_guard.domain.forged_calls import ForgeryFinding
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.past_changes import NOTICED_WITHIN, SHORTLY, changes_past_the_guard
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.secrets import SecretFinding
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.platform import FailureGroup
from ledger_guard.signals.counted_causes import as_of_each, cause_by_counts
from ledger_guard.signals.forged_calls import RefusedCalls, refused_calls_of
from ledger_guard.signals.incident_facts import incident_span
from ledger_guard.signals.secret_ages import aged
from ledger_guard.signals.signature_causes import (
    Cause,
    CauseKind,
    FlagFacts,
    ProviderFailures,
    RecentChange,
    by_provider,
    likeliest_cause,
)
from ledger_guard.signals.signature_timeline import first_refusal, recent_changes
from ledger_guard.signals.webhook_calls import are_only_counted, failure_groups


@dataclass(frozen=True)
class SecretsReport:
    """What is known about the secrets and the failed calls. Contains no secret's value."""

    incident_id: str
    findings: tuple[SecretFinding, ...]
    providers: tuple[ProviderFailures, ...]
    likeliest_cause: str
    cause_kind: CauseKind
    #: which of the two could not be read, and why; what is missing there proves nothing
    unread: tuple[str, ...] = ()
    #: what changed shortly before the first refusal, the newest first
    recent: tuple[RecentChange, ...] = ()
    #: whether accepted calls are as many as usual; None when nothing was refused or the log could not be read
    refused: RefusedCalls | None = None

    def in_short(self) -> str:
        """For the incident's report: the likeliest cause, and who sent the refused calls where that is known."""
        senders = self.refused.senders if self.refused else None
        return f"{self.likeliest_cause} Senders: {senders.in_words()}." if senders and senders.is_known else self.likeliest_cause

    def as_facts(self) -> tuple[tuple[str, str], ...]:
        """Label and text pairs for a notice."""
        calls = [(f"Calls of {p.provider}", p.in_words()) for p in self.providers]
        secrets = [(f"Secret {f.name}", finding_words(f)) for f in self.findings]
        before = [("Shortly before", change.words) for change in self.recent]
        genuine = self.refused.as_facts() if self.refused else ()
        if genuine and self.refused and not self.refused.are_only_counted:
            genuine = (*genuine, self._missing_or_wrong())
        return (*genuine, *calls, *before, *secrets, *(("Could not be read", reason) for reason in self.unread))

    def _missing_or_wrong(self) -> tuple[str, str]:
        codes = list(dict.fromkeys(code for provider in self.providers for code in provider.codes))
        found = ", ".join(codes) if len(codes) > 1 else f"the access log does not say which: {''.join(codes) or 'no code'}"
        return ("Missing or wrong signature", found)

    def on_record(self) -> SecretsChecked:
        """The fact for the audit log."""
        return SecretsChecked(
            incident_id=self.incident_id,
            likeliest_cause=self.likeliest_cause,
            cause_kind=self.cause_kind.value,
            findings=tuple(json_form(finding) for finding in self.findings),
            recent=tuple(json_form(change) for change in self.recent),
            providers=tuple(json_form(provider) for provider in self.providers),
            unread=self.unread,
            refused=asdict(self.refused) if self.refused else None,
        )


def check_secrets(deps: Dependencies, incident_id: str) -> SecretsReport:
    """Check the secrets and the failed calls of the incident's windows, and record the report.

    A source that does not answer is named in `unread`; the check continues with the other, and concludes nothing but that the
    calls are forged. Raises BadInputError when there is no such incident.
    """
    report = analyse_signatures(deps, incident_id)
    with deps.state.transaction() as state:
        state.audit.append(
            recorded(
                report.on_record(),
                actor=GUARD_ITSELF,
                subject=f"incident:{incident_id}",
                at=deps.wall_clock.now(),
                incident_id=incident_id,
            )
        )
    return report


def analyse_signatures(deps: Dependencies, incident_id: str) -> SecretsReport:
    """As `check_secrets`, but records only when secrets were seen."""
    with deps.state.transaction() as state:
        incident = state.incidents.get(incident_id)
    unread: list[str] = []
    found, groups = _findings(deps, unread), _failures(deps, incident, unread)
    providers = by_provider(groups)
    with deps.state.transaction() as state:
        findings, sightings = aged(deps, state, found)
        suspected = as_of_each(providers, findings) if are_only_counted(deps, incident.trigger) else providers
        recent = recent_changes(state, suspected, findings, sightings, deps.policy.trigger(incident.trigger).flag)
    refused = _refused_calls(deps, incident, providers, unread)
    forgery = refused.finding if refused else None
    if unread and not (forgery and forgery.is_forged):
        cause = Cause(CauseKind.NOT_KNOWN, _not_known(findings, unread))
    else:
        # that calls are forged is known from the access log alone, whatever else could not be read
        cause = _cause(deps, incident, findings, providers, recent, forgery)
    return SecretsReport(
        incident_id, tuple(findings), tuple(providers), cause.words, cause.kind, tuple(unread), tuple(recent), refused
    )


def _cause(
    deps: Dependencies,
    incident: Incident,
    findings: Sequence[SecretFinding],
    providers: Sequence[ProviderFailures],
    recent: Sequence[RecentChange],
    forgery: ForgeryFinding | None,
) -> Cause:
    flag = _flag_facts(deps, incident, providers)
    if are_only_counted(deps, incident.trigger):
        return cause_by_counts(findings, providers[0] if providers else None, flag, recent, forgery)
    return likeliest_cause(findings, providers, flag, _other_calls(deps, incident, providers), recent, forgery)


def _findings(deps: Dependencies, unread: list[str]) -> list[SecretFinding]:
    try:
        return deps.secrets.findings()
    except SourceUnavailable as error:
        unread.append(str(error))
        return []


def _failures(deps: Dependencies, incident: Incident, unread: list[str]) -> list[FailureGroup]:
    try:
        return failure_groups(deps, incident)
    except SourceUnavailable as error:
        unread.append(str(error))
        return []


def _refused_calls(
    deps: Dependencies, incident: Incident, providers: Sequence[ProviderFailures], unread: list[str]
) -> RefusedCalls | None:
    if not any(provider.failures for provider in providers):
        return None
    try:
        return refused_calls_of(deps, incident)
    except SourceUnavailable as error:
        unread.append(str(error))
        return None


def _other_calls(deps: Dependencies, incident: Incident, providers: Sequence[ProviderFailures]) -> int | None:
    """Calls in the incident's windows from other callers than `providers`; None when no reading is stored."""
    with deps.state.transaction() as state:
        readings = state.readings.readings(incident.trigger, *incident_span(deps, incident))
    if not readings:
        return None
    return max(
        0, sum(reading.exposure for reading in readings) - sum(provider.calls + provider.calls_before for provider in providers)
    )


def _flag_facts(deps: Dependencies, incident: Incident, providers: Sequence[ProviderFailures]) -> FlagFacts:
    """Whether the signature flag is on anywhere, and whether it was enabled shortly before the first failure."""
    flag = deps.policy.trigger(incident.trigger).flag
    try:
        is_on = True if any(scope.is_enabled for scope in deps.flags.scopes(flag)) else deps.flags.effective(flag, EVERYWHERE)
    except SourceUnavailable:
        is_on = None
    with deps.state.transaction() as state:
        change = state.flag_changes.latest(flag, EVERYWHERE)
        first = first_refusal(providers)
        span = (first - SHORTLY, first + NOTICED_WITHIN) if first else None
        past = [each for each in changes_past_the_guard(state.audit, flag, *span) if each.fact.enables] if span else []
    if past and is_on:
        return FlagFacts(flag, is_on, None, is_enabled_unrecorded=True, noticed_at=past[-1].noticed_at)
    if change is None or first is None:
        return FlagFacts(flag, is_on, None)
    if not change.to_value:
        return FlagFacts(flag, is_on, None, is_enabled_unrecorded=is_on is True and change.changed_at <= first)
    is_recent = first - SHORTLY <= change.changed_at <= first
    return FlagFacts(flag, is_on, change.changed_at if is_recent else None)


def finding_words(finding: SecretFinding) -> str:
    """A finding for people."""
    if not finding.is_present:
        return f"missing; {'; '.join(finding.problems)}"
    if not finding.is_value_known:
        return "; ".join(["set, but its value can't be read here", *finding.problems, *finding.not_known])
    shown = f"fingerprint {finding.fingerprint}" if finding.fingerprint else "no fingerprint (the secret could be guessed)"
    since = [f"in use since at least {iso(finding.seen_since)}"] if finding.seen_since else []
    return "; ".join([f"set, {shown}", *(finding.problems or ["its format is valid"]), *since, *finding.not_known])


def _not_known(findings: Sequence[SecretFinding], unread: Sequence[str]) -> str:
    wrong = [f"{finding.name} {problem}" for finding in findings for problem in finding.problems]
    seen = f" Could be read: {'; '.join(wrong)}." if wrong else ""
    return f"The cause is not known: {'; '.join(unread)}.{seen}"
