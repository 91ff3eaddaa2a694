"""Which severity engine judges which trigger."""

from __future__ import annotations

from ledger_guard.detection.engine import PLAIN, SeverityEngine
from ledger_guard.domain.signals import Nouns, Trigger
from ledger_guard.policy.schema import Policy


def make_engine(policy: Policy, trigger: Trigger, *, window_minutes: int | None = None, nouns: Nouns = PLAIN) -> SeverityEngine:
    """An engine that knows nothing yet, with the policy's thresholds for `trigger`; `nouns` say for people what is counted.

    `window_minutes` overrides the policy's window length, to judge a file on another grid. Where balances are compared,
    a number that stands unchanged is the same differences again, and no fresh evidence.
    """
    # loads SciPy, which a task that judges nothing does not need
    from ledger_guard.detection.level_filter import LevelFilterEngine  # noqa: PLC0415

    return LevelFilterEngine(
        trigger,
        policy.detection_of(trigger),
        policy.window_minutes if window_minutes is None else window_minutes,
        events_accumulate=not policy.trigger(trigger).source.speaks_of_now_alone,
        nouns=nouns,
        limits=policy.limits_of(trigger),
        currency=policy.platform.currency,
    )
