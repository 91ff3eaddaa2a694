"""Attempts that did not fail, pooled over tenants and windows: evidence of health where no tenant alone has enough."""

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
    """What some tenants' windows show together, however little each of them proves alone."""

    #: windows with attempts that were read for at least as many tenants as they were not
    windows: int
    attempts: int
    failures: int
    #: failures that the tenants' baselines let expect among these attempts
    usual_failures: float
    #: below so many attempts nothing is proved; None where attempts prove nothing
    needed: int | None

    @property
    def suffice(self) -> bool:
        """Whether they prove health."""
        return self.needed is not None and self.attempts >= self.needed

    def described(self) -> str:
        """For people: `840 attempts with 0 failures in 12 windows`."""
        return f"{self.attempts} attempts with {self.failures} failures in {self.windows} windows"


def pooled_attempts(policy: Policy, trigger: Trigger, windows: Iterable[Sequence[Verdict]]) -> PooledAttempts:
    """Add up the attempts of windows without an alarm and say how many it takes to call the signal healthy.

    Enough are so many that so few failures had at most the chance `restore.chance_of_luck`, if the rate had risen to what the
    policy calls mild (`attempts_needed`), and never fewer than `restore.minimum_attempts`. Mild is `mild_ratio` times the
    tenants' own baselines; and since the policy calls nothing an alarm with fewer than `minimum_events` failures within the
    hour, at least that many an hour over the same attempts. With the shipped numbers and no failure that is 8 windows' worth
    of an hour's 12: at 70 webhooks a window 504 of them.

    A window counts only with attempts, and when at least as many tenants were read in it as had `no_data`; a tenant with
    `no_data` adds nothing. Compared balances are no attempts: the same difference comes again in each window.
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
    """How many attempts of one window count."""
    return int(sum(_figure(verdict, "exposure") for verdict in _measured(own)))


def _measured(own: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts of one window that rest on attempts; none where more tenants could not be read."""
    found = [verdict for verdict in own if verdict.severity is not Severity.NO_DATA and _figure(verdict, "exposure") > 0]
    unread = sum(verdict.severity is Severity.NO_DATA for verdict in own)
    return found if len(found) >= unread else []


def _figure(verdict: Verdict, name: str) -> float:
    found = verdict.reasons.get(name)
    return float(found) if isinstance(found, int | float) else 0.0
