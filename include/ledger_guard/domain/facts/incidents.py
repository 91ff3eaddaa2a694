"""Facts about incidents: verdicts, decisions, triage, secrets and their rotation, and alerts about the guard itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from ledger_guard.domain.facts.codec import Fact, Later, Moment, Seconds
from ledger_guard.domain.incident_lifecycle import Change
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.verdicts import Scope, Severity


@dataclass(frozen=True, kw_only=True)
class LateData:
    """What was judged again because of late data."""

    since: Seconds
    windows_revised: tuple[Seconds, ...]
    severities_changed: int
    #: the first changed severities and scopes, in words
    first_changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WindowsJudged(Fact):
    """Windows of a trigger were judged: the newest one, and what it did to the incident."""

    verbs: ClassVar[tuple[str, ...]] = ("classify",)
    trigger: str
    judged_windows: int
    change: Change
    incident_id: str | None
    severity: Severity
    scope: Scope
    window_start: Seconds | None
    blind_windows: int
    #: 0 in entries from before late data was judged again
    judged_again: int = 0
    verdicts_changed: int = 0
    judged_through: Later[Seconds] = None
    verdicts_of_newest_window: Later[Mapping[str, int]] = None
    late_data: Later[LateData] = None


@dataclass(frozen=True, kw_only=True)
class Decided(Fact):
    """The health check decided to act."""

    verbs: ClassVar[tuple[str, ...]] = ("decide",)
    branch: Literal["nothing", "notify", "remediate"]
    actions: tuple[str, ...]
    incident_id: str | None
    remediation_run_id: str | None
    change: str
    policy_hash: str


@dataclass(frozen=True, kw_only=True)
class CaseTaken(Fact):
    """A remediation opened its case."""

    verbs: ClassVar[tuple[str, ...]] = ("decide",)
    run_id: str
    actions: tuple[str, ...] = ()
    severity: Later[str] = None
    scope: Later[str] = None
    #: described by hand
    by_hand: Later[bool] = None
    #: the mode of its matrix row
    mode: Later[Mode] = None


@dataclass(frozen=True, kw_only=True)
class Triaged(Fact):
    """The runbook's question was answered."""

    verbs: ClassVar[tuple[str, ...]] = ("triage",)
    conclusion: str
    #: each tenant's answer in a word or two
    tenants: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SecretsChecked(Fact):
    """Secrets and failed calls were checked; contains no secret's value."""

    verbs: ClassVar[tuple[str, ...]] = ("check_secrets",)
    incident_id: str
    likeliest_cause: str
    cause_kind: str
    findings: tuple[Mapping[str, Any], ...] = ()
    #: what changed shortly before
    recent: tuple[Mapping[str, Any], ...] = ()
    providers: tuple[Mapping[str, Any], ...] = ()
    unread: tuple[str, ...] = ()
    refused: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class MissingVerdictsTold(Fact):
    """People were notified that the guard is blind."""

    verbs: ClassVar[tuple[str, ...]] = ("watch",)
    triggers: tuple[str, ...]
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RotationPlanned(Fact):
    """A secret's rotation was planned."""

    verbs: ClassVar[tuple[str, ...]] = ("plan_secret_rotation",)
    provider: str
    secret_name: str
    owner: str
    due_at: Later[Moment] = None
    was_planned_before: Later[bool] = None


@dataclass(frozen=True, kw_only=True)
class RotationPlannedByHand(RotationPlanned):
    """The same by hand, due to the second."""

    due_at: Later[Seconds] = None


@dataclass(frozen=True, kw_only=True)
class RotationRefused(Fact):
    """No rotation was planned, and why."""

    verbs: ClassVar[tuple[str, ...]] = ("plan_secret_rotation",)
    stage: Literal["refused"]
    why: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NoRotationNeeded(Fact):
    """No provider that fails has a secret."""

    verbs: ClassVar[tuple[str, ...]] = ("plan_secret_rotation",)
    planned: Literal[0]
    failing_without_a_secret: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RotationCompleted(Fact):
    """A person recorded a rotation as done."""

    verbs: ClassVar[tuple[str, ...]] = ("complete_rotation",)
    secret_name: str
    provider: Later[str] = None
    planned_at: Later[Moment] = None


@dataclass(frozen=True, kw_only=True)
class ReviewRequested(Fact):
    """People were asked to review topics."""

    verbs: ClassVar[tuple[str, ...]] = ("request_review",)
    topics: tuple[str, ...]
    owner: str
    runbook_says: str


@dataclass(frozen=True, kw_only=True)
class IncidentClosed(Fact):
    """A person closed an incident."""

    verbs: ClassVar[tuple[str, ...]] = ("resolve",)
    reason: str
    was: str
    newest_readable_window: Seconds | None
    unfinished_actions: tuple[str, ...]
    #: true where nothing was wrong: what was seen was no incident
    is_false_alarm: Later[bool] = None
