"""The likeliest cause of signature failures: pure rules, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from ledger_guard.domain.forged_calls import ForgeryFinding
from ledger_guard.domain.secrets import SecretFinding
from ledger_guard.domain.windows import iso
from ledger_guard.ports.platform import FailureGroup
from ledger_guard.signals.forged_calls import forged_words

#: a provider with at least this share of its calls refused is refused as a whole
REFUSED_WHOLLY = 0.9
#: up to this ratio of other calls to a refused provider's calls, hardly anyone else calls
_OTHERS_HARDLY_CALL = 0.1


@dataclass(frozen=True)
class ProviderFailures:
    """One provider's calls in the incident's windows."""

    provider: str
    calls: int
    failures: int
    #: error codes of the failures, most frequent first
    codes: tuple[str, ...]
    first_seen: datetime
    #: calls in the incident's windows before the first refusal; no part of `calls`
    calls_before: int = 0

    @property
    def share(self) -> float:
        """Failures over calls, 0..1."""
        return min(1.0, self.failures / self.calls) if self.calls else 0.0

    def in_words(self) -> str:
        """For people: `40 of 41 calls refused (98 %), first at …`."""
        if not self.failures:
            return f"none of {self.calls} calls refused"
        codes = f"; {', '.join(self.codes)}" if self.codes else ""
        return f"{self.failures} of {self.calls} calls refused ({self.share:.0%}), first at {iso(self.first_seen)}{codes}"


@dataclass(frozen=True)
class FlagFacts:
    """What is known of the flag that makes the platform check signatures."""

    name: str
    #: None when the flag store did not answer or does not know
    is_on: bool | None
    #: when it was enabled, if this is on record and shortly before the first failure
    enabled_at: datetime | None
    #: the store has it on although the record says off: someone enabled it past the guard
    is_enabled_unrecorded: bool = False
    #: when that was noticed; None: not on record
    noticed_at: datetime | None = None


@dataclass(frozen=True)
class RecentChange:
    """Something that changed shortly before the first refusal."""

    kind: Literal["deploy", "rotation", "secret", "flag"]
    at: datetime
    #: for people
    words: str
    #: the provider whose calls it affects; None: all
    provider: str | None


def by_provider(groups: Sequence[FailureGroup]) -> list[ProviderFailures]:
    """Failures added up per provider, most failures first."""
    found: dict[str, list[FailureGroup]] = {}
    for group in groups:
        found.setdefault(group.provider or "unknown", []).append(group)
    providers = [
        ProviderFailures(
            provider=name,
            calls=max(group.calls for group in own),
            failures=sum(group.failures for group in own),
            codes=tuple(g.error_code for g in sorted(own, key=lambda group: -group.failures) if g.failures and g.error_code),
            first_seen=min(group.first_seen for group in own),
            calls_before=max(group.calls_before for group in own),
        )
        for name, own in found.items()
    ]
    return sorted(providers, key=lambda provider: (-provider.failures, provider.provider))


class CauseKind(str, Enum):
    """What signature failures most likely come from."""

    NO_FAILURES = "no_failures"
    #: the flag is off: the refusals come from checks that ignore it
    FLAG_OFF = "flag_off"
    #: genuine calls are accepted as usual: the refused calls are someone else's, and a rollback would accept them
    FORGED = "forged"
    #: calls under names without a secret
    STRANGERS = "strangers"
    #: enabling the flag itself: the platform refuses correctly signed calls too, and no secret fixes that
    FLIP = "flip"
    DEPLOY = "deploy"
    CREDENTIAL = "credential"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True)
class Cause:
    """The likeliest cause of signature failures, and what people should do about it."""

    kind: CauseKind
    words: str


def likeliest_cause(
    findings: Sequence[SecretFinding],
    providers: Sequence[ProviderFailures],
    flag: FlagFacts,
    other_calls: int | None,
    recent: Sequence[RecentChange] = (),
    forgery: ForgeryFinding | None = None,
) -> Cause:
    """The likeliest cause, and one or two sentences about what to do.

    `forgery` says whether genuine calls are as many as usual; None when not known.
    `recent` are changes shortly before the first refusal, the newest first. `other_calls` counts calls of providers that
    are not among `providers`, none of them refused; None when not known.
    """
    failing = [provider for provider in providers if provider.failures]
    found = cause_beside_providers(failing, flag, forgery)
    if found is not None:
        return found
    known = {finding.provider for finding in findings}
    strangers = [provider.provider for provider in failing if provider.provider not in known]
    if len(strangers) == len(failing):
        names = ", ".join(strangers)
        words = f"Only calls under names without a secret are refused ({names}): scanners or a wrong address, not a secret."
        return Cause(CauseKind.STRANGERS, words)
    return _cause_among_providers(findings, providers, failing, flag, other_calls, recent)


def cause_beside_providers(failing: Sequence[ProviderFailures], flag: FlagFacts, forgery: ForgeryFinding | None) -> Cause | None:
    """The likeliest cause where it does not matter whose calls are refused; None where it does."""
    if not failing:
        return Cause(CauseKind.NO_FAILURES, "No webhook call was refused in the incident's windows: no secret is suspected.")
    if flag.is_on is False:
        return Cause(
            CauseKind.FLAG_OFF,
            f"{flag.name} is off, so it does not cause these refusals: some checks of the platform ignore the flag "
            "(Adyen, payouts), and rolling it back would change nothing.",
        )
    if forgery is not None and forgery.is_forged:
        return Cause(CauseKind.FORGED, forged_words(forgery))
    return None


def _cause_among_providers(
    findings: Sequence[SecretFinding],
    providers: Sequence[ProviderFailures],
    failing: Sequence[ProviderFailures],
    flag: FlagFacts,
    other_calls: int | None,
    recent: Sequence[RecentChange],
) -> Cause:
    """The likeliest cause when providers with their own secret are refused while the flag is (or may be) on."""
    known = {finding.provider for finding in findings}
    problems = {finding.provider: finding for finding in findings if finding.problems}
    suspects = [provider for provider in failing if provider.provider in problems]
    everyone = _everyone_is_refused(providers, other_calls)
    was_enabled = flag.enabled_at is not None or flag.is_enabled_unrecorded
    since_enabled = was_enabled and all(provider.share >= REFUSED_WHOLLY for provider in failing)
    deploy = next((change for change in recent if change.kind == "deploy"), None)
    if (everyone or since_enabled) and len(suspects) < len(failing):
        who = "Every provider" if everyone else ", ".join(provider.provider for provider in failing)
        if everyone and not suspects and not was_enabled and deploy is not None:
            return Cause(CauseKind.DEPLOY, deploy_fault(who, deploy))
        words = header_fault(who, flag, [_suspicion(problems[provider.provider], provider) for provider in suspects])
        return Cause(CauseKind.FLIP, words)
    if suspects:
        words = "; ".join(_suspicion(problems[provider.provider], provider) for provider in suspects)
        return Cause(
            CauseKind.CREDENTIAL, f"{words}: a secret in the platform's environment is the likeliest cause; correct it there."
        )
    unseen = {finding.provider for finding in findings if not finding.is_value_known}
    refused = [provider.provider for provider in failing if provider.provider in known]
    return _fault_beyond_form(refused, [name for name in refused if name in unseen], recent, deploy)


def _fault_beyond_form(
    refused: Sequence[str], unseen: Sequence[str], recent: Sequence[RecentChange], deploy: RecentChange | None
) -> Cause:
    """The likeliest cause when some providers are refused and their secrets' format is valid as far as known.

    `unseen`: providers whose secret only the platform's processes can read.
    """
    names = ", ".join(refused)
    changed = next((change for change in recent if change.provider is not None), None)
    if changed is not None:
        return Cause(
            CauseKind.CREDENTIAL,
            f"{changed.words}, and calls of {changed.provider} are refused since: most likely one side still uses the old "
            "secret, or not every replica was restarted. Compare fingerprints.",
        )
    if deploy is not None:
        return Cause(CauseKind.DEPLOY, deploy_fault(f"Only {names}", deploy))
    form = (
        f"the secret of {', '.join(unseen)} can't be read here: check its format in the platform's processes first. If valid,"
        if unseen
        else "the format of that secret is valid here:"
    )
    return Cause(
        CauseKind.CREDENTIAL,
        f"Only calls of {names} are refused, and {form} the provider most likely signs with another one. Compare fingerprints, "
        "then rotate.",
    )


def deploy_fault(who: str, deploy: RecentChange) -> str:
    """For people: that a deploy is the likeliest cause."""
    return (
        f"{who} has been refused since shortly after the {deploy.words}: its change of environment or code is the likeliest "
        "cause. Compare the secrets' fingerprints with those before, or take the deploy back."
    )


def _everyone_is_refused(providers: Sequence[ProviderFailures], other_calls: int | None) -> bool:
    """Whether hardly a call came through; one provider counts for all only when no other is known to call."""
    called = [provider for provider in providers if provider.calls]
    if any(provider.share < REFUSED_WHOLLY for provider in called):
        return False
    if other_calls is None:
        return len(called) > 1
    return other_calls <= _OTHERS_HARDLY_CALL * sum(provider.calls for provider in called)


def header_fault(who: str, flag: FlagFacts, suspicions: Sequence[str]) -> str:
    """For people: that the platform's own fault is the likeliest cause."""
    if flag.enabled_at:
        when = f"since {flag.name} was enabled at {iso(flag.enabled_at)}"
    elif flag.is_enabled_unrecorded:
        noticed = f" (noticed {iso(flag.noticed_at)})" if flag.noticed_at else ""
        when = f"while {flag.name} is enforced, which someone enabled past the guard{noticed}"
    else:
        when = f"while {flag.name} is enforced"
    also = f" Also: {'; '.join(suspicions)}." if suspicions else ""
    return (
        f"{who} is refused completely {when}: the platform's header fault, which refuses correctly signed webhooks too, is the "
        f"likeliest cause. No secret fixes it; a rollback is right.{also}"
    )


def _suspicion(finding: SecretFinding, provider: ProviderFailures) -> str:
    return (
        f"{provider.provider}: {finding.name} {' and '.join(finding.problems)}, and {provider.share:.0%} of its calls are refused"
    )
