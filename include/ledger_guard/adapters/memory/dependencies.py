"""A whole guard in memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger_guard.adapters.memory.backfill import InMemoryBackfillRunner
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.flags import InMemoryFlagStore
from ledger_guard.adapters.memory.ledger import InMemoryLedger
from ledger_guard.adapters.memory.notifier import InMemoryNotifier
from ledger_guard.adapters.memory.secrets import InMemorySecretSource
from ledger_guard.adapters.memory.signals import InMemorySignalSource, InMemoryTriageSource
from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.memory.validation import InMemoryValidationSource
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys
from ledger_guard.policy.schema import Policy
from ledger_guard.ports import Dependencies


@dataclass(frozen=True)
class MemoryWorld:
    """The guard and, for whoever drives it, each in-memory part under its own type."""

    deps: Dependencies
    state: InMemoryGuardState
    signals: InMemorySignalSource
    triage: InMemoryTriageSource
    secrets: InMemorySecretSource
    ledger: InMemoryLedger
    flags: InMemoryFlagStore
    notifier: InMemoryNotifier
    clock: SettableClock
    wall_clock: SettableClock
    validation: InMemoryValidationSource


def memory_world(policy: Policy, now: datetime, audit_keys: AuditKeys = NO_KEYS) -> MemoryWorld:
    """Build an empty world at `now`."""
    clock, wall_clock = SettableClock(now), SettableClock(now)
    state, ledger = InMemoryGuardState(audit_keys), InMemoryLedger(policy)
    signals, triage, secrets = InMemorySignalSource(policy), InMemoryTriageSource(), InMemorySecretSource()
    flags, notifier, validation = InMemoryFlagStore(), InMemoryNotifier(), InMemoryValidationSource()
    deps = Dependencies(
        policy=policy,
        state=state,
        signals=signals,
        triage=triage,
        secrets=secrets,
        ledger=ledger,
        backfill=InMemoryBackfillRunner(ledger, state, wall_clock),
        flags=flags,
        notifier=notifier,
        clock=clock,
        wall_clock=wall_clock,
        validation=validation,
    )
    return MemoryWorld(deps, state, signals, triage, secrets, ledger, flags, notifier, clock, wall_clock, validation)
