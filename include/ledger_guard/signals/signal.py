"""The contract of a signal: what a trigger means, one module per signal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ledger_guard.domain.facts.incidents import SecretsChecked, Triaged
from ledger_guard.domain.incidents import Incident
from ledger_guard.domain.signals import Nouns
from ledger_guard.domain.verdicts import Severity
from ledger_guard.policy.triggers import TriggerPolicy
from ledger_guard.ports import Dependencies
from ledger_guard.signals.triage_report import TriageReport

#: tenants in which a repair would help no one, with the reason
Against = Mapping[str, str]
#: facts of the audit log that may advise against repairs
Finding = Triaged | SecretsChecked
#: topic and question that people must review
Topics = tuple[tuple[str, str], ...]

#: actions of the policy that any signal may name
COMMON_ACTIONS = frozenset({"notify", "triage", "dry_run", "backfill", "freeze", "roll_back", "request_review"})
#: actions that check the secrets of webhooks
SECRET_ACTIONS = frozenset({"check_secrets", "plan_secret_rotation"})


@dataclass(frozen=True)
class RestoreNeeds:
    """What a restore of the trigger's flag needs, besides the quiet windows that every signal needs."""

    #: the affected tenants' wallets, compared recently and in order
    wallets_compared: bool
    #: every planned rotation of a secret, done
    rotations_done: bool


@dataclass(frozen=True)
class OpenDoor:
    """What is unsafe while the trigger's flag is rolled back: people are reminded more often, and loudly."""

    #: as in `Unsigned webhooks are accepted`
    what: str
    #: the danger, in one sentence
    danger: str


class Signal(ABC):
    """One signal. Every signal defines what is abstract here; the rest has an empty default."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The word in the policy's `triggers.….signal`."""

    @property
    @abstractmethod
    def nouns(self) -> Nouns | None:
        """What is counted, for people; None: the policy must name it."""

    @property
    @abstractmethod
    def sources(self) -> frozenset[str] | None:
        """Kinds of source that its triage can work with; None: any."""

    @property
    @abstractmethod
    def actions(self) -> frozenset[str]:
        """Actions that a matrix row of such a trigger may name."""

    @property
    @abstractmethod
    def restore_needs(self) -> RestoreNeeds:
        """What a restore of the trigger's flag needs."""

    @abstractmethod
    def review_topics(self, described: TriggerPolicy) -> Topics:
        """What people must review after an incident, where the policy names no topics."""

    @abstractmethod
    def triage(self, deps: Dependencies, incident: Incident) -> TriageReport:
        """Which tenants and players are affected, and why. Reads only; raises SourceUnavailable when a source is down."""

    def faults_of_row(self, trigger: str, severity: Severity, actions: Sequence[str]) -> Iterator[str]:  # noqa: ARG002
        """What is wrong with the actions of a matrix row, each as `problem; allowed: …`."""
        for word in actions:
            if word not in self.actions:
                yield f"{word} in a {trigger} row; allowed with {self.name}: {', '.join(sorted(self.actions))}"

    @property
    def against_verb(self) -> Literal["triage", "check_secrets"] | None:
        """The verb whose newest audit entry may advise against repairs; None: this signal never does."""
        return None

    def against(self, found: Finding, tenants: Sequence[str]) -> Against:  # noqa: ARG002
        """What advises against repairs, according to such an entry."""
        return {}

    def against_now(self, deps: Dependencies, incident: Incident) -> Against:  # noqa: ARG002
        """What advises against repairs as things are now; records nothing. Raises SourceUnavailable."""
        return {}

    def before_a_rollback(self, deps: Dependencies, incident: Incident) -> str:  # noqa: ARG002
        """What an approver of a rollback reads first; ends with a space, or is empty."""
        return ""

    def before_a_backfill(self, deps: Dependencies, incident: Incident, tenant_id: str) -> str:  # noqa: ARG002
        """What an approver of a tenant's backfill reads first; ends with a space, or is empty."""
        return ""

    @property
    def open_door(self) -> OpenDoor | None:
        """What is unsafe while the trigger's flag is rolled back; None: nothing."""
        return None
