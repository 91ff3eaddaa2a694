"""The policy's schema. Everything that decides is in the policy; no default in code decides."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Literal

from pydantic import Field

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.modes import Mode
from ledger_guard.domain.people import People
from ledger_guard.domain.signals import Trigger
from ledger_guard.domain.verdicts import Scope, Severity
from ledger_guard.policy.autonomy import Autonomy
from ledger_guard.policy.budget import Budget
from ledger_guard.policy.command_runner import BackfillWriter, CommandRunner
from ledger_guard.policy.detection import Detection, Limits, Sensing
from ledger_guard.policy.drill import DrillRules
from ledger_guard.policy.flag_store import FlagStoreSection
from ledger_guard.policy.forgery import ForgeryRules
from ledger_guard.policy.groups import DelegationRules, GroupSection, people_of
from ledger_guard.policy.notification import Notification
from ledger_guard.policy.pace import BackfillPace
from ledger_guard.policy.platform import AccessLogMapping, Flag, Platform, Secrets
from ledger_guard.policy.probes import Probe
from ledger_guard.policy.retention import Retention
from ledger_guard.policy.rollout import FreezeRules, Reminders, RestoreRules
from ledger_guard.policy.section import Section
from ledger_guard.policy.sources import AccessEvents
from ledger_guard.policy.triggers import MatrixRow, TriggerPolicy
from ledger_guard.policy.wake import WakeRules
from ledger_guard.policy.words import TriggerWord


class Guardrails(Section):
    """Limits of a plan that force may write without approval."""

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
    """Who may approve one kind of action, and by when."""

    #: user names, and groups as `group:NAME`
    approvers: tuple[str, ...] = Field(min_length=1)
    valid_minutes: int = Field(ge=1)
    minimum_reason_characters: int = Field(10, ge=1)
    #: so many different people must approve, not the requester
    approvers_needed: Literal[1, 2] = 1
    #: reminder so long before a question expires; None: none
    escalate_before_minutes: int | None = Field(None, ge=1)

    @property
    def longest_wait_minutes(self) -> int:
        """How long a run may wait for people, one gate behind the other."""
        return self.valid_minutes * self.approvers_needed


class BreakGlass(Section):
    """Who may act alone when no one else answers. No one, unless users and kinds are named."""

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


class Rotation(Section):
    """How a secret rotation is planned."""

    owner: str
    due_within_hours: int = Field(24, ge=1)
    overlap_hours: int = Field(24, ge=1)


#: windows younger than this at the last check are read again for late data
_LATE_DATA = timedelta(hours=1)


class Policy(Section):
    """The whole policy file."""

    version: Literal[1]
    name: str
    window_minutes: int = Field(5, ge=1, le=60)
    sensing: Sensing
    detection: Detection
    triggers: dict[TriggerWord, TriggerPolicy] = Field(min_length=1)
    matrix: tuple[MatrixRow, ...]
    guardrails: Guardrails
    budget: Budget
    #: by name: people who are named together
    groups: dict[str, GroupSection] = Field(default_factory=dict)
    delegation: DelegationRules = Field(default_factory=DelegationRules)
    approvals: dict[ApprovalKind, ApprovalPolicy]
    autonomy: Autonomy = Field(default_factory=Autonomy)
    break_glass: BreakGlass = Field(default_factory=BreakGlass)
    drill: DrillRules = Field(default_factory=DrillRules)
    mitigation: Mitigation
    flags: dict[str, Flag]
    flag_store: FlagStoreSection
    platform: Platform
    access_log: dict[str, AccessLogMapping]
    secrets: Secrets
    rotation: Rotation
    notification: Notification
    #: who is called for what; left out: nobody
    wake: WakeRules = Field(default_factory=WakeRules)
    forgery: ForgeryRules = Field(default_factory=ForgeryRules)
    freeze: FreezeRules = Field(default_factory=FreezeRules)
    restore: RestoreRules = Field(default_factory=RestoreRules)
    reminders: Reminders = Field(default_factory=Reminders)
    retention: Retention = Field(default_factory=Retention)
    backfill_pace: BackfillPace = Field(default_factory=BackfillPace)
    #: who carries plans out in tenant_backfill; `platform_script` needs the section command_runner
    backfill_writer: BackfillWriter = BackfillWriter.LEDGER_GUARD
    #: how `backfill run-script` drives the platform's own script; None: it may not
    command_runner: CommandRunner | None = None
    #: how to see that a flag change took effect, by flag; without one a change is written and `unconfirmed`
    probes: dict[str, Probe] = Field(default_factory=dict)
    #: SHA-256 of the file's content; filled in by the loader
    content_hash: str = ""

    def approvers_of(self, kind: ApprovalKind) -> People:
        """Who may approve this kind; no one where the policy has no rule for it."""
        rule = self.approval_of(kind)
        return people_of(self.groups, rule.approvers if rule else ())

    def may_act_alone(self, kind: ApprovalKind) -> People:
        """Who may act alone in this kind."""
        return people_of(self.groups, self.break_glass.users_for(kind))

    def may_override(self) -> People:
        """Who may allow one tenant to be enabled despite a freeze."""
        return people_of(self.groups, self.freeze.override_by)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everyone who may approve anything at some time, each once."""
        return tuple(dict.fromkeys(name for kind in self.approvals for name in self.approvers_of(kind).everyone))

    @property
    def named_people(self) -> tuple[str, ...]:
        """Everyone whom the policy names, each once."""
        lists = (self.break_glass.users, self.freeze.override_by, tuple(f"group:{name}" for name in self.groups))
        others = (name for entries in lists for name in people_of(self.groups, entries).everyone)
        return tuple(dict.fromkeys((*self.approvers, *others)))

    def row_for(self, trigger: Trigger, severity: Severity, scope: Scope) -> MatrixRow:
        """The matrix row that decides this case; the loader has checked that there is exactly one."""
        for row in self.matrix:
            if row.answers(trigger, severity, scope):
                return row
        raise BadInputError(f"matrix: no row for ({trigger.value}, {severity.value}, {scope.value}); allowed: mild and severe")

    def approval_of(self, kind: ApprovalKind) -> ApprovalPolicy | None:
        """Who may approve this kind; None without a rule. A drill asks its own approvers, or else those of a rollback."""
        found = self.approvals.get(kind)
        if kind is not ApprovalKind.DRILL:
            return found
        rollback = self.approvals.get(ApprovalKind.FLAG_ROLLBACK)
        if rollback is None:
            return None
        return ApprovalPolicy(
            approvers=self.drill.approvers or rollback.approvers,
            valid_minutes=self.drill.answer_within_minutes,
            minimum_reason_characters=rollback.minimum_reason_characters,
        )

    @property
    def lateness(self) -> timedelta:
        """How far back from the newest sensed window late data is looked for: an hour, or what is allowed where that is more."""
        return max(_LATE_DATA, timedelta(seconds=self.sensing.allowed_lateness_seconds))

    @property
    def blind_windows(self) -> int:
        """After so many windows in a row without data the guard is blind; two at least."""
        return max(2, math.ceil(self.sensing.blind_after_minutes / self.window_minutes))

    @property
    def modes(self) -> dict[str, Mode]:
        """The mode of each matrix row, by the row's name."""
        return {row.name: row.mode for row in self.matrix}

    def actions_of(self, row_name: str) -> tuple[str, ...]:
        """The actions of the matrix row of this name; empty when there is none."""
        return next((row.actions for row in self.matrix if row.name == row_name), ())

    def trigger(self, trigger: Trigger) -> TriggerPolicy:
        """The policy's section of a trigger; raises BadInputError when it no longer has one."""
        return self.triggers[self.checked_trigger(trigger)]

    def checked_trigger(self, word: object) -> Trigger:
        """Return the trigger that `word` names when the policy knows it; raises BadInputError for any other word."""
        for trigger in self.triggers:
            if word == trigger:
                return trigger
        raise BadInputError(f"trigger: {str(word)[:60]!r} is unknown; allowed: {', '.join(t.value for t in self.triggers)}")

    def named(self, trigger: Trigger) -> str:
        """A trigger for people: its word, and its name where the policy still knows it."""
        return f"{trigger.value} {self.trigger_name(trigger)}".strip()

    def trigger_name(self, trigger: Trigger) -> str:
        """The name of a trigger, as in `insufficient_funds`; empty where the policy no longer knows it."""
        described = self.triggers.get(trigger)
        return "" if described is None else described.name or described.signal

    def access_events(self) -> dict[Trigger, AccessEvents]:
        """The triggers that are sensed from the access log, with their requests."""
        return {trigger: each.source for trigger, each in self.triggers.items() if isinstance(each.source, AccessEvents)}

    def detection_of(self, trigger: Trigger) -> Detection:
        """The trigger's own thresholds, or the common ones."""
        described = self.triggers.get(trigger)
        return (described and described.detection) or self.detection

    def limits_of(self, trigger: Trigger) -> Limits:
        """The trigger's absolute limits; none of them set where the policy no longer knows the trigger."""
        described = self.triggers.get(trigger)
        return described.limits if described else Limits()

    def checked_flag(self, flag: object) -> str:
        """Return `flag` when the policy knows it; raises BadInputError for any other word."""
        if isinstance(flag, str) and flag in self.flags:
            return flag
        raise BadInputError(f"flag: {str(flag)[:60]!r} is unknown; allowed: {', '.join(sorted(self.flags))}")
