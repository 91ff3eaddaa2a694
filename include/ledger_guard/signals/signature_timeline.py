"""What changed shortly before webhooks began to be refused: deploys, rotations, secrets, flags past the guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ledger_guard.domain.past_changes import NOTICED_WITHIN, SHORTLY, changes_past_the_guard
from ledger_guard.domain.secrets import SecretFinding, SecretSighting
from ledger_guard.domain.windows import iso
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.signals.secret_ages import Sightings
from ledger_guard.signals.signature_causes import ProviderFailures, RecentChange


def first_refusal(providers: Sequence[ProviderFailures]) -> datetime | None:
    """Time of the first refusal of any provider; None when there was none."""
    return min((provider.first_seen for provider in providers if provider.failures), default=None)


def recent_changes(
    state: UnitOfWork,
    providers: Sequence[ProviderFailures],
    findings: Sequence[SecretFinding],
    sightings: Sightings,
    flag: str,
) -> list[RecentChange]:
    """Recorded changes within two hours before the first refusal, newest first; those of the signal's flag past the guard too."""
    first = first_refusal(providers)
    if first is None:
        return []
    failing = {provider.provider: provider.first_seen for provider in providers if provider.failures}
    found = [*_deploys(state, first), *_flag_changes(state, flag, first)]
    for finding in findings:
        if finding.provider in failing:
            refused_at = failing[finding.provider]
            found += _rotations(state, finding, refused_at)
            found += _new_secrets(finding, sightings.get(finding.name, []), refused_at)
    return sorted(found, key=lambda change: change.at, reverse=True)


def _deploys(state: UnitOfWork, first: datetime) -> Iterator[RecentChange]:
    deploy = state.deploys.latest(first)
    if deploy is not None and first - deploy.deployed_at <= SHORTLY:
        yield RecentChange("deploy", deploy.deployed_at, f"deploy {deploy.version} at {iso(deploy.deployed_at)}", None)


def _flag_changes(state: UnitOfWork, flag: str, first: datetime) -> Iterator[RecentChange]:
    for change in changes_past_the_guard(state.audit, flag, first - SHORTLY, first + NOTICED_WITHIN):
        yield RecentChange("flag", change.at, change.sentence, None)


def _rotations(state: UnitOfWork, finding: SecretFinding, refused_at: datetime) -> Iterator[RecentChange]:
    plan = state.rotations.last_done(finding.name)
    if plan is None or plan.done_at is None:
        return
    ends_at = plan.overlap_ends_at or plan.done_at
    if timedelta(0) <= refused_at - ends_at <= SHORTLY:
        words = f"the overlap of {finding.name}'s rotation ended at {iso(ends_at)}"
        yield RecentChange("rotation", ends_at, words, finding.provider)
    elif timedelta(0) <= refused_at - plan.done_at <= SHORTLY:
        words = f"{finding.name}'s rotation was recorded as done at {iso(plan.done_at)}"
        yield RecentChange("rotation", plan.done_at, words, finding.provider)


def _new_secrets(finding: SecretFinding, seen: Sequence[SecretSighting], refused_at: datetime) -> Iterator[RecentChange]:
    """A secret that changed shortly before the refusals, as far as the guard has seen."""
    current = next((each for each in seen if each.fingerprint == finding.fingerprint), None)
    earlier = [each for each in seen if each.fingerprint != finding.fingerprint]
    if current is None or not earlier:
        return
    before = max(each.last_seen_at for each in earlier)
    if before <= refused_at and current.first_seen_at >= refused_at - SHORTLY:
        words = f"{finding.name} changed between {iso(before)} and {iso(current.first_seen_at)}"
        yield RecentChange("secret", min(current.first_seen_at, refused_at), words, finding.provider)
