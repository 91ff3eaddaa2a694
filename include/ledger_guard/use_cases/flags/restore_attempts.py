"""Attempts without failure, pooled over tenants and windows: evidence of health where no single tenant has enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ledger_guard.domain.failure_counts import attempts_needed
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Severity, Verdict
from ledger_guard.policy.schema import Policy


@dataclass(frozen=True)
class PooledAttempts:
    """What several tenants' windows prove together."""

    #: windows with attempts, read for at least half of the tenants
    windows: int
    attempts: int
    failures: int
    #: expected failures among these attempts, by the tenants' baselines
    usual_failures: float
    #: attempts needed as proof; None where attempts prove nothing
    needed: int | None

    @property
    def suffice(self) -> bool:
        """Whether they prove health."""
        return self.needed is not None and self.attempts >= self.needed

    def described(self) -> str:
        """For people: `840 attempts with 0 failures in 12 windows`."""
        return f"{self.attempts} attempts with {self.failures} failures in {self.windows} windows"


def pooled_attempts(policy: Policy, trigger: Trigger, windows: Iterable[Sequence[Verdict]]) -> PooledAttempts:
    """Add up the attempts of windows without an alarm, and compute how many are needed to call the signal healthy.

    Enough: if the rate had risen to mild, so few failures would have at most the chance `restore.chance_of_luck`
    (`attempts_needed`); never fewer than `restore.minimum_attempts`. Mild is `mild_ratio` times the tenants' own baselines, but
    at least `minimum_events` failures an hour, since fewer are never an alarm. With the shipped numbers and no failure this takes
    8 of an hour's 12 windows: 504 webhooks at 70 a window.

    A window counts only if it has attempts and at least half of its tenants were read; a tenant with `no_data` adds nothing.
    Balance comparisons are not attempts: the same difference appears again in each window.
    """
    heard = [measured for own in windows if (measured := _measured(own))]
    verdicts = [verdict for measured in heard for verdict in measured]
    attempts = sum(_figure(verdict, "exposure") for verdict in verdicts)
    failures = sum(_figure(verdict, "events") for verdict in verdicts)
    usual = sum(_figure(verdict, "expected_events") for verdict in verdicts)
    needed = None
    if attempts and not policy.trigger(trigger).source.speaks_of_now_alone:
        detection, rules = policy.detection_of(trigger), policy.restore
        hours = len(heard) * timedelta(minutes=policy.window_minutes) / timedelta(hours=1)
        mild = max(detection.mild_ratio * usual, detection.minimum_events * hours)
        rate = min(mild / attempts, 1.0)
        needed = max(rules.minimum_attempts, attempts_needed(int(failures), rate, rules.chance_of_luck))
    return PooledAttempts(len(heard), int(attempts), int(failures), usual, needed)


def attempts_in(own: Sequence[Verdict]) -> int:
    """The number of attempts of one window that count."""
    return int(sum(_figure(verdict, "exposure") for verdict in _measured(own)))


def _measured(own: Sequence[Verdict]) -> list[Verdict]:
    """One window's verdicts with attempts; empty when more than half of the tenants could not be read."""
    found = [verdict for verdict in own if verdict.severity is not Severity.NO_DATA and _figure(verdict, "exposure") > 0]
    unread = sum(verdict.severity is Severity.NO_DATA for verdict in own)
    return found if len(found) >= unread else []


def _figure(verdict: Verdict, name: str) -> float:
    found = verdict.reasons.get(name)
    return float(found) if isinstance(found, int | float) else 0.0
