"""The policy's shape. Everything the guard decides by stands here; nothing is decided by a default in code."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.command_runner import BackfillWriter, CommandRunner
from ledger_guard.policy.flag_store import FlagStoreSection
from ledger_guard.policy.forgery import ForgeryRules
from ledger_guard.policy.pace import BackfillPace
from ledger_guard.policy.platform import AccessLogMapping, Flag, Platform, RequestShape, Secrets
from ledger_guard.policy.probes import Probe
from ledger_guard.policy.rollout import FreezeRules, Reminders, RestoreRules
from ledger_guard.policy.section import Section

ActionWord = Literal[
    "notify",
    "triage",
    "check_secrets",
    "dry_run",
    "backfill",
    "freeze",
    "roll_back",
    "plan_secret_rotation",
    "request_review",
]


class Sensing(Section):
    """When a window counts as complete."""

    #: how long after its end a window may still be completed by its source
    allowed_lateness_seconds: int = Field(60, ge=0)
    #: after this the window is `no_data`
    give_up_after_seconds: int = Field(600, ge=0)
    #: how far back the first run looks for its baseline, and the most a catch-up loads
    history_days: int = Field(14, ge=1, le=90)
    #: how often the sensor looks, in seconds
    poke_seconds: int = Field(15, ge=1)
    #: a window without any row that is less likely than this by chance is missing data, not health
    missing_data_probability: float = Field(1e-6, gt=0, lt=0.5)


class Detection(Section):
    """Thresholds of the severity rule (docs/severity.md)."""

    #: rate over baseline from which a rise is worth telling somebody
    mild_ratio: float = Field(1.5, gt=1)
    #: rate over baseline from which a rise is high
    severe_ratio: float = Field(5.0, gt=1)
    #: a rise that lasts this long is severe however slight
    sustained_minutes: int = Field(60, ge=1)
    #: bound on false severe alarms, and on false mild ones, per 1,000 tenant-days
    severe_false_alarms: float = Field(0.5, ge=0.01, le=1000)
    mild_false_alarms: float = Field(10.0, ge=0.01, le=10_000)
    #: how long a trouble usually lasts: longer finds slight rises that go on, shorter ends alarms sooner
    trouble_minutes: float = Field(120.0, ge=5, le=10_000)
    #: fewer expected events than this an hour at the severe ratio: `insufficient`
    minimum_expected_events: float = Field(5.0, gt=0)
    #: and never an alarm on fewer events than this within the hour
    minimum_events: int = Field(5, ge=1)
    #: windows that must be learned before a tenant is judged
    baseline_minimum_windows: int = Field(36, ge=1)
    #: the smallest share of the tenants whose common movement is looked for as `widespread`
    widespread_share: float = Field(0.12, gt=0, le=0.5)
    #: and at least so many tenants must show it
    widespread_minimum_tenants: int = Field(3, ge=2)
    #: windows with evidence of health, in a row, that end an incident
    resolve_after_windows: int = Field(2, ge=1)

    @model_validator(mode="after")
    def _thresholds_are_ordered(self) -> Detection:
        if self.mild_ratio >= self.severe_ratio:
            raise ValueError(
                f"mild_ratio {self.mild_ratio} is not below severe_ratio {self.severe_ratio}; allowed: mild < severe"
            )
        return self


class TriggerPolicy(Section):
    """What one trigger is sensed from and which flag it answers to."""

    description: str
    source: Literal["access_events", "balance_comparison"]
    #: the flag that the runbook ties to this trigger
    flag: str
    #: required for `access_events`
    request: RequestShape | None = None
    #: overrides of the common detection section
    detection: Detection | None = None
    runbook: str

    @model_validator(mode="after")
    def _access_events_need_a_request(self) -> TriggerPolicy:
        if (self.source == "access_events") != (self.request is not None):
            raise ValueError("request is needed with source access_events, and allowed only there")
        return self


class MatrixRow(Section):
    """One cell of the decision matrix."""

    trigger: Trigger
    severity: Literal[Severity.MILD, Severity.SEVERE]
    scope: Literal["any", "isolated", "widespread"] = "any"
    actions: tuple[ActionWord, ...] = Field(min_length=1)
    #: the runbook's own words for this row
    runbook_says: str = Field(min_length=10)
    owner: str = Field(min_length=1)

    def answers(self, trigger: Trigger, severity: Severity, scope: Scope) -> bool:
        """Whether this row decides such a case."""
        return self.trigger is trigger and self.severity is severity and self.scope in ("any", scope.value)


class Guardrails(Section):
    """What a plan may be for force to go without a human."""

    #: False: every plan waits for a human
    force_without_approval: bool
    max_rows: int = Field(ge=0)
    max_share_of_players: float = Field(ge=0, le=1)
    max_total_delta_cents: int = Field(ge=0)
    max_single_delta_cents: int = Field(ge=0)
    max_disputed_rows: int = Field(ge=0)
    plan_valid_minutes: int = Field(ge=1)
    #: what a tenant was written within so many hours counts with a plan: splitting a repair passes no bound
    counted_within_hours: int = Field(24, ge=1, le=24 * 365)
    #: most rows that one batch writes
    batch_rows: int = Field(5000, ge=1, le=100_000)
    #: most tenant runs that one remediation starts; beyond: a human decides
    max_tenants_per_incident: int = Field(20, ge=1, le=1000)


class ApprovalPolicy(Section):
    """Who may say yes to one kind of action, and by when."""

    approvers: tuple[str, ...] = Field(min_length=1)
    valid_minutes: int = Field(ge=1)
    minimum_reason_characters: int = Field(10, ge=1)
    #: so many different people must agree, none of them who asked
    approvers_needed: Literal[1, 2] = 1
    #: people are reminded so long before a question expires; None: not at all
    escalate_before_minutes: int | None = Field(None, ge=1)

    @property
    def longest_wait_minutes(self) -> int:
        """How long a run may wait for people, one gate behind the other."""
        return self.valid_minutes * self.approvers_needed


class BreakGlass(Section):
    """Who may act alone when nobody else answers. Nobody, unless users and kinds are named."""

    users: tuple[str, ...] = ()
    kinds: tuple[ApprovalKind, ...] = ()
    minimum_reason_characters: int = Field(30, ge=20)
    #: how long after the glass was broken the write may come
    valid_minutes: int = Field(15, ge=5, le=60)

    def users_for(self, kind: ApprovalKind) -> tuple[str, ...]:
        """Who may act alone in this."""
        return self.users if kind in self.kinds else ()


class Mitigation(Section):
    """How a remediation waits."""

    #: how long it waits for the runs it started (approvals included)
    wait_minutes: int = Field(24 * 60, ge=1)
    #: within which the signal must have recovered afterwards
    recover_within_minutes: int = Field(60, ge=1)


class Notification(Section):
    """Where people are told."""

    channel: str = Field(pattern=r"^[#CG]")
    #: most tenants and players that one message lists
    list_at_most: int = Field(10, ge=1, le=50)
    #: whom a message calls that can't wait, in Slack's own form; empty: nobody is called by name
    escalation_mention: str = Field("", pattern=r"^(<!here>|<!channel>|<@[UW][A-Z0-9]+>|<!subteam\^S[A-Z0-9]+>)?$")


class Rotation(Section):
    """How a secret rotation is planned."""

    owner: str
    due_within_hours: int = Field(24, ge=1)
    overlap_hours: int = Field(24, ge=1)


class Policy(Section):
    """The whole policy file."""

    version: Literal[1]
    name: str
    window_minutes: int = Field(5, ge=1, le=60)
    sensing: Sensing
    detection: Detection
    triggers: dict[Trigger, TriggerPolicy]
    matrix: tuple[MatrixRow, ...]
    guardrails: Guardrails
    approvals: dict[ApprovalKind, ApprovalPolicy]
    break_glass: BreakGlass = Field(default_factory=BreakGlass)
    mitigation: Mitigation
    flags: dict[str, Flag]
    flag_store: FlagStoreSection
    platform: Platform
    access_log: dict[str, AccessLogMapping]
    secrets: Secrets
    rotation: Rotation
    notification: Notification
    forgery: ForgeryRules = Field(default_factory=ForgeryRules)
    freeze: FreezeRules = Field(default_factory=FreezeRules)
    restore: RestoreRules = Field(default_factory=RestoreRules)
    reminders: Reminders = Field(default_factory=Reminders)
    backfill_pace: BackfillPace = Field(default_factory=BackfillPace)
    #: who carries plans out in tenant_backfill; `platform_script` needs the section command_runner
    backfill_writer: BackfillWriter = BackfillWriter.LEDGER_GUARD
    #: how `backfill run-script` drives the platform's own script; None: it may not
    command_runner: CommandRunner | None = None
    #: how to see that a flag change took effect, by flag; without one a change is written and `unconfirmed`
    probes: dict[str, Probe] = Field(default_factory=dict)
    #: SHA-256 of the file's content; filled in by the loader
    content_hash: str = ""

    def row_for(self, trigger: Trigger, severity: Severity, scope: Scope) -> MatrixRow:
        """The matrix row that decides this case; the loader has proved that there is exactly one."""
        for row in self.matrix:
            if row.answers(trigger, severity, scope):
                return row
        raise BadInputError(f"matrix: no row for ({trigger.value}, {severity.value}, {scope.value}); allowed: mild and severe")

    def detection_of(self, trigger: Trigger) -> Detection:
        """The trigger's own thresholds, or the common ones."""
        return self.triggers[trigger].detection or self.detection

    def checked_flag(self, flag: object) -> str:
        """Return `flag` when the policy knows it; raises BadInputError for any other word."""
        if isinstance(flag, str) and flag in self.flags:
            return flag
        raise BadInputError(f"flag: {str(flag)[:60]!r} is unknown; allowed: {', '.join(sorted(self.flags))}")
