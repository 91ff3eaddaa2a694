"""The likeliest cause of signature failures of which only numbers are known: pure rules, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_guard.domain.forged_calls import ForgeryFinding
from ledger_guard.domain.secrets import SecretFinding
from ledger_guard.signals.signature_causes import (
    REFUSED_WHOLLY,
    Cause,
    CauseKind,
    FlagFacts,
    ProviderFailures,
    RecentChange,
    cause_beside_providers,
    deploy_fault,
    header_fault,
)

_LOOK_THERE = "The source only counts calls: look in the platform's or the ingress's log whose calls are refused."


def cause_by_counts(
    findings: Sequence[SecretFinding],
    calls: ProviderFailures | None,
    flag: FlagFacts,
    recent: Sequence[RecentChange],
    forgery: ForgeryFinding | None,
) -> Cause:
    """The likeliest cause, from the numbers of all providers' calls together; see `likeliest_cause`.

    Whose calls are refused is not known, so no provider's secret is blamed for its share.
    """
    found = cause_beside_providers([calls] if calls and calls.failures else [], flag, forgery)
    if found is not None or calls is None:
        return found or Cause(CauseKind.NOT_KNOWN, _LOOK_THERE)
    wrong = [f"{finding.provider}: {finding.name} {' and '.join(finding.problems)}" for finding in findings if finding.problems]
    deploy = next((change for change in recent if change.kind == "deploy"), None)
    was_enabled = flag.enabled_at is not None or flag.is_enabled_unrecorded
    if was_enabled or (calls.share >= REFUSED_WHOLLY and deploy is None and not wrong):
        return Cause(CauseKind.FLIP, _flip_fault(calls, flag, wrong))
    changed = next((change.words for change in recent if change.provider is not None), None)
    if wrong or changed:
        words = "; ".join(wrong) or f"{changed}, shortly before calls were refused"
        return Cause(CauseKind.CREDENTIAL, f"{words}: the likeliest cause. Compare fingerprints. {_LOOK_THERE}")
    if deploy is not None:
        return Cause(CauseKind.DEPLOY, deploy_fault(_who(calls), deploy))
    return Cause(CauseKind.NOT_KNOWN, f"{calls.in_words()}, and nothing that is on record explains it. {_LOOK_THERE}")


def _who(calls: ProviderFailures) -> str:
    return "Every provider" if calls.share >= REFUSED_WHOLLY else f"A part of the calls ({calls.share:.0%})"


def _flip_fault(calls: ProviderFailures, flag: FlagFacts, wrong: Sequence[str]) -> str:
    if calls.share >= REFUSED_WHOLLY:
        return header_fault(_who(calls), flag, wrong)
    return f"{_who(calls)} is refused since {flag.name} was enabled: the likeliest cause; a rollback is right. {_LOOK_THERE}"


def as_of_each(calls: Sequence[ProviderFailures], findings: Sequence[SecretFinding]) -> list[ProviderFailures]:
    """The calls of all providers as if they were those of each with a secret: any of them may be the one."""
    return [replace(each, provider=finding.provider) for each in calls for finding in findings]
