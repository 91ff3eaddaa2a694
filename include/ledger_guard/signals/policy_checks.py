"""What signals require of the policy: one function per rule, as in policy/checks.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ledger_guard.policy.schema import Policy
from ledger_guard.policy.words import Problem
from ledger_guard.signals.registry import SIGNALS, signal_of


def signal_problems(policy: Policy) -> list[Problem]:
    """Everything in a well-formed policy that its signals do not allow; empty when all is well."""
    unknown = list(_every_signal_is_known(policy))
    return unknown or [problem for rule in RULES[1:] for problem in rule(policy)]


def _every_signal_is_known(policy: Policy) -> Iterator[Problem]:
    for trigger, described in policy.triggers.items():
        if described.signal not in SIGNALS.names:
            yield f"triggers.{trigger}.signal", f"{described.signal[:60]!r} is unknown; allowed: {', '.join(SIGNALS.names)}"


def _every_trigger_has_words(policy: Policy) -> Iterator[Problem]:
    for trigger, described in policy.triggers.items():
        if signal_of(policy, trigger).nouns is not None:
            continue
        for key, found in (("name", described.name), ("nouns", described.nouns)):
            if found is None:
                yield f"triggers.{trigger}.{key}", f"is missing; allowed: a value (signal {described.signal} requires it)"


def _every_source_fits_its_signal(policy: Policy) -> Iterator[Problem]:
    for trigger, described in policy.triggers.items():
        kinds = signal_of(policy, trigger).sources
        if kinds is not None and described.source.kind not in kinds:
            problem = f"{described.source.kind} does not fit signal {described.signal}; allowed: {', '.join(sorted(kinds))}"
            yield f"triggers.{trigger}.source.kind", problem


def _actions_fit_their_signal(policy: Policy) -> Iterator[Problem]:
    for position, row in enumerate(policy.matrix):
        if row.trigger in policy.triggers:
            for problem in signal_of(policy, row.trigger).faults_of_row(row.trigger, row.severity, row.actions):
                yield f"matrix[{position}].actions", problem


Rule = Callable[[Policy], Iterator[Problem]]
RULES: tuple[Rule, ...] = (
    _every_signal_is_known,
    _every_trigger_has_words,
    _every_source_fits_its_signal,
    _actions_fit_their_signal,
)
