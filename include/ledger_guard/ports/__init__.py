"""The ports of one task.

The Protocols are in `platform`, `guard_state` and `people`; each has a real adapter in `adapters/`
and an in-memory one in `adapters/memory/`, held to the same contract tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger_guard.policy.schema import Policy
from ledger_guard.ports.guard_state import GuardState
from ledger_guard.ports.people import Notifier, Pager
from ledger_guard.ports.platform import (
    BackfillRunner,
    Clock,
    FlagProbes,
    FlagStore,
    LedgerStore,
    SecretSource,
    SignalSource,
    TriageSource,
    ValidationSource,
)


@dataclass(frozen=True)
class Dependencies:
    """The ports of one task, with the policy it works by."""

    policy: Policy
    state: GuardState
    signals: SignalSource
    triage: TriageSource
    secrets: SecretSource
    ledger: LedgerStore
    backfill: BackfillRunner
    flags: FlagStore
    notifier: Notifier
    #: event time: which windows have closed
    clock: Clock
    #: wall-clock time: approvals, expiry, the audit log
    wall_clock: Clock
    #: None: no probes of the platform
    probes: FlagProbes | None = None
    #: address of the Airflow UI, for links
    ui_url: str = "http://localhost:8080"
    #: None: no probe can be asked, so a flag whose policy names one is not enabled again
    validation: ValidationSource | None = None
    #: by the name that the policy gives them; none: nobody is called
    pagers: Mapping[str, Pager] = field(default_factory=dict)
