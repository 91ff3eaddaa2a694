"""Guard state as Protocols, one per subject, and the transaction over all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from ledger_guard.domain.approvals import Approval, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.budgets import BeingWritten, Written
from ledger_guard.domain.comparisons import LastComparison
from ledger_guard.domain.dark_tenants import DarkTenant
from ledger_guard.domain.deploys import Deploy
from ledger_guard.domain.flags import FlagChange, Freeze, RotationPlan
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.guard_alerts import GuardAlert, GuardAlertKind
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.pacing import BackfillOrder, BackfillProgress
from ledger_guard.domain.plan_summary import PlanSummary
from ledger_guard.domain.plans import Plan, PlanContent, PlanStatus, RowState, WriteTotals
from ledger_guard.domain.repairs import Repair
from ledger_guard.domain.runs import RunGrant
from ledger_guard.domain.secrets import SecretSighting
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger
from ledger_guard.domain.unknown_tenants import SetApart, TenantList
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.domain.writer_leases import WriterLease
from ledger_guard.ports.storage import PartitionStore


class ReadingStore(Protocol):
    """Readings and the state of their windows."""

    def sensed_through(self, trigger: Trigger) -> datetime | None:
        """End of the newest sensed window."""

    def record(self, windows: Sequence[SensedWindow], readings: Sequence[Reading]) -> int:
        """Store windows with their readings; storing the same again changes nothing.

        Different readings for a known window replace the old ones and raise its revision; a window that was `no_data`
        can become complete, never the other way round. Returns how many windows were revised.
        """

    def windows(self, trigger: Trigger, start: datetime, end: datetime) -> list[SensedWindow]:
        """Sensed windows that begin in `[start, end)`, oldest first."""

    def readings(self, trigger: Trigger, start: datetime, end: datetime) -> list[Reading]:
        """Readings whose window begins in `[start, end)`, by window, then tenant."""


class VerdictStore(Protocol):
    """Verdicts, and the severity engine's state between windows."""

    def record(self, verdicts: Sequence[Verdict], incident_id: str | None) -> None:
        """Store verdicts; a later judgement of the same tenant and window replaces the earlier.

        A verdict's incident never changes, whatever `incident_id` says later.
        """

    def withdraw(self, trigger: Trigger, window: Window, tenants: Sequence[str]) -> None:
        """Remove the verdicts of these tenants in a window that has none for them any more; unknown ones are no error."""

    def judged_through(self, trigger: Trigger) -> datetime | None:
        """End of the newest judged window."""

    def last_judged_at(self, trigger: Trigger) -> datetime | None:
        """When verdicts were last stored, by the time given with them."""

    def between(self, trigger: Trigger, start: datetime, end: datetime) -> list[Verdict]:
        """Verdicts whose window begins in `[start, end)`, by window, then tenant."""

    def engine_state(self, trigger: Trigger) -> bytes | None:
        """What the engine saved last, or None."""

    def save_engine_state(self, trigger: Trigger, judged_through: datetime, judged_at: datetime, state: bytes) -> None:
        """Save the engine's state after the window that ended at `judged_through`."""


@dataclass(frozen=True)
class Checkpoint:
    """A state of the severity engine that has seen every window up to `judged_through` and none after it."""

    judged_through: datetime
    state: bytes


@dataclass(frozen=True)
class JudgedRevision:
    """What was judged of a window; a higher revision of the sensed window means late data since."""

    window_start: datetime
    revision: int
    #: tenants that were kept out of their baselines
    quarantined: frozenset[str] = frozenset()


class ReplayStore(Protocol):
    """State for judging windows again after late data."""

    def checkpoint_moments(self, trigger: Trigger) -> list[datetime]:
        """The end of each stored checkpoint, oldest first; reads no state."""

    def checkpoint(self, trigger: Trigger, moment: datetime) -> Checkpoint | None:
        """The newest checkpoint that has seen nothing after `moment`, or None."""

    def save_checkpoint(self, trigger: Trigger, checkpoint: Checkpoint) -> None:
        """Store a checkpoint; one of the same moment is replaced."""

    def drop_checkpoints_after(self, trigger: Trigger, moment: datetime) -> None:
        """Remove checkpoints that end after `moment`: a replay makes them again."""

    def judged_revisions(self, trigger: Trigger) -> list[JudgedRevision]:
        """What was judged of each window that is remembered, oldest first."""

    def save_judged_revisions(self, trigger: Trigger, judged: Sequence[JudgedRevision]) -> None:
        """Store what was judged of windows; a later judgement of the same window replaces the earlier."""

    def forget_before(self, trigger: Trigger, moment: datetime) -> None:
        """Delete checkpoints that end before `moment`, and windows that begin before it."""


class ComparisonStore(Protocol):
    """What comparisons of balances leave for the next ones."""

    def last(self, trigger: Trigger) -> LastComparison | None:
        """What the trigger's newest comparison left; None when none went on from another yet."""

    def keep(self, trigger: Trigger, comparison: LastComparison) -> None:
        """Store what a comparison leaves, in place of what the one before left."""


class IncidentStore(Protocol):
    """Incidents; at most one that is not resolved per trigger."""

    def get(self, incident_id: str) -> Incident:
        """Raises BadInputError when there is none with this id."""

    def open_for(self, trigger: Trigger) -> Incident | None:
        """The trigger's incident that is not resolved."""

    def listed(self, *, include_resolved: bool, limit: int = 100) -> list[Incident]:
        """Incidents, newest first."""

    def add(self, incident: Incident) -> None:
        """Raises SafetyRefusal when the trigger has an unresolved incident already."""

    def save(self, incident: Incident) -> Incident:
        """Store a changed incident and return it with its new version.

        Raises SafetyRefusal when someone saved it since it was read: read it again.
        """


class ActionStore(Protocol):
    """Actions of incidents."""

    def start(self, action: Action) -> Action:
        """Record an action; of two unfinished ones of the same (incident, kind, target) the first is returned instead."""

    def finish(self, action: Action) -> None:
        """Record how it ended."""

    def of_incident(self, incident_id: str) -> list[Action]:
        """In order of start."""


class OpeningStore(Protocol):
    """Players' balances before the ledger, as the guard first saw them; they never change.

    `words` identifies the policy's ledger words: with other words the openings differ and must be seen again.
    """

    def seen(self, tenant_id: str, words: str) -> Iterator[bytes]:
        """All openings of a tenant, in blocks of whole lines (domain/openings.py), unordered."""

    def add(self, tenant_id: str, words: str, lines: Iterable[bytes], at: datetime) -> None:
        """Store openings, in such blocks; a player's first opening is kept."""


class PlanStore(Protocol):
    """Plans with their rows."""

    def add(self, plan: Plan) -> None:
        """Store a new plan, with the rows that it holds itself."""

    def add_rows(self, plan_id: str, lines: Iterable[bytes]) -> tuple[PlanContent, PlanSummary]:
        """Store the rows of a plan that is added in the same transaction, as they come; memory does not grow with them."""

    def summary(self, plan_id: str) -> PlanSummary:
        """The plan's rows, summed up for people."""

    def get(self, plan_id: str, *, with_rows: bool = True) -> Plan:
        """Raises BadInputError when there is no such plan."""

    def latest(self, tenant_id: str) -> Plan | None:
        """The tenant's newest plan, without rows."""

    def content(self, plan_id: str) -> PlanContent:
        """Totals of the plan's stored rows, for checking its hash. Memory does not grow with rows.

        Raises BadInputError when there is no such plan.
        """

    def written_before(self, plan_id: str, tenant_id: str, since: datetime) -> WriteTotals:
        """What force wrote to the tenant's wallets after `since` for other plans, approved and undone ones included.

        From the journal of writes. Audit entries say which plans wrote to the tenant; plans could be edited unnoticed.
        `single_delta_cents` is the largest sum of one wallet's earlier change and this plan's; 0 if this plan has no row of a
        written wallet. Writes of the platform's own script are not included.
        """

    def written_since(self, since: datetime) -> list[Written]:
        """What force and undo wrote to all tenants after `since`, a minute and tenant each; from the journal of writes.

        A minute's writes are told as of its end. What the platform's own script wrote is not in it.
        """

    def being_written(self, now: datetime, without: str) -> list[BeingWritten]:
        """What plans that force has begun have still to write, without one.

        Those that have not expired, or have written within the hour: others can't go on.
        """

    def repairs(self, since: datetime, tenant_id: str | None = None) -> list[Repair]:
        """What force wrote after `since`, a plan each, in the order of their last writes; from the journal of writes.

        Undone plans are among them. Of one tenant: the plans are those that the audit log says wrote to it. Writes of the
        platform's own script are not included.
        """

    def writable_players(self, plan_id: str, after: str, limit: int) -> list[str]:
        """The players of the plan's writable rows behind player id `after` (empty: from the first), at most `limit`, in order."""

    def rows_written_before(self, plan_id: str, earlier: Collection[str]) -> int:
        """How many of the plan's writable rows force wrote for any of these other plans too."""

    def row_counts(self, plan_id: str) -> dict[str, int]:
        """Rows of the plan by state."""

    def states_of(self, plan_id: str, player_ids: Collection[str]) -> dict[str, RowState]:
        """The states of the plan's rows of these players; players without a row are left out."""

    def set_status(self, plan_id: str, status: PlanStatus) -> None:
        """Record the plan's progress."""

    def of_incident(self, incident_id: str) -> list[Plan]:
        """Plans made for an incident, without rows, oldest first."""


class BackfillOrderStore(Protocol):
    """Orders for running backfills, and their progress."""

    def ask(self, order: BackfillOrder) -> None:
        """Record an order; it replaces the one before. Raises BadInputError when there is no such plan."""

    def newest(self, plan_id: str) -> BackfillOrder | None:
        """The newest order for a plan; None without one."""

    def progress(self, plan_id: str) -> list[BackfillProgress]:
        """Each operation over a plan that has settled a batch, newest first."""


class WriterLeaseStore(Protocol):
    """Who writes to each tenant's wallets; see domain/writer_leases.py."""

    def of_tenant(self, tenant_id: str) -> WriterLease | None:
        """The tenant's lease, over or not; None when nobody ever wrote."""

    def take(self, lease: WriterLease, seen: WriterLease | None) -> bool:
        """Store it in the place of the lease that was seen.

        False, and nothing changes, when another stands there now, or the transaction of a batch keeps it.
        """

    def keep(self, lease: WriterLease, at: datetime) -> bool:
        """Renew it; False when it is over or another's. Nobody takes it before this transaction ends."""

    def end(self, lease: WriterLease, at: datetime) -> None:
        """Record that its writer has ended; does nothing when another took it."""


class ApprovalStore(Protocol):
    """Questions and answers, written by the gates themselves."""

    def request(self, request: ApprovalRequest) -> None:
        """Store a question; asking again for the same gate run makes a new one and voids the old."""

    def answer(self, answer: ApprovalAnswer) -> None:
        """Store the answer.

        Raises SafetyRefusal when there is one already (an answer is never replaced), or the question is void or orphaned.
        """

    def get(self, approval_id: str) -> Approval:
        """Raises BadInputError when there is none with this id."""

    def of_run(self, kind: ApprovalKind, subject_id: str, run_id: str | None = None) -> list[Approval]:
        """The current questions of one run (None: the latest to ask) about this subject, in the order of its gates."""

    def escalated(self, approval_id: str, at: datetime) -> None:
        """Record that people were reminded of a question; the first time is kept. Raises BadInputError for an unknown one."""

    def of_gate(self, dag_id: str, run_id: str, task_id: str) -> Approval | None:
        """This gate's latest question, with its answer."""

    def waiting(self, now: datetime) -> list[Approval]:
        """Unanswered questions that have not expired and whose run has not ended, oldest first."""

    def unanswered(self) -> list[Approval]:
        """As `waiting`, but including expired ones without any record, not even a timeout. At most 500."""

    def orphan(self, approval_id: str, at: datetime) -> bool:
        """Close a question whose run has ended; does nothing and returns False when it is already answered, void or closed."""

    def orphans_to_tell(self) -> list[Approval]:
        """Orphaned questions that were not reported yet, oldest first. At most 500."""

    def orphan_told(self, approval_id: str, at: datetime) -> None:
        """Record that it was reported; the first time is kept. Raises BadInputError for an unknown one."""

    def of_incident(self, incident_id: str) -> list[Approval]:
        """Every question of an incident with its answer, voided ones included, oldest first."""


class FlagChangeStore(Protocol):
    """Every write to a flag store."""

    def add(self, change: FlagChange) -> None:
        """Record a change; recording the same change id again changes nothing."""

    def save(self, change: FlagChange) -> None:
        """Record that a change was confirmed or not."""

    def of_approval(self, approval_id: str) -> FlagChange | None:
        """The change that this approval already led to: an approval is used once."""

    def latest(self, flag: str, tenant_id: str) -> FlagChange | None:
        """The newest change of this scope."""

    def of_incident(self, incident_id: str) -> list[FlagChange]:
        """Changes made for an incident, oldest first."""


class FreezeStore(Protocol):
    """Freezes."""

    def add(self, freeze: Freeze) -> Freeze:
        """Open a freeze; an active one of the same flag, scope and incident is returned instead."""

    def get(self, freeze_id: str) -> Freeze:
        """Raises BadInputError when there is none with this id."""

    def standing(self, flag: str | None = None) -> list[Freeze]:
        """Active freezes, oldest first."""

    def lift(self, freeze: Freeze) -> None:
        """Store the lifting.

        Raises SafetyRefusal when it lacks the root cause, its owner, its link or its writer, or when the writer lifts it.
        """

    def of_incident(self, incident_id: str) -> list[Freeze]:
        """Freezes of an incident, lifted ones included, oldest first."""

    def recorded(self, flag: str | None = None) -> list[Freeze]:
        """Every freeze with a row, lifted ones included, oldest first."""

    def set_right(self, freeze: Freeze) -> None:
        """Store a lifted freeze in place of the row with its id, because that row differs from the audit log.

        Raises SafetyRefusal as `lift`.
        """


class FreezeOverrideStore(Protocol):
    """Overrides of freezes, each for one tenant."""

    def add(self, override: FreezeOverride) -> None:
        """Store an override."""

    def in_force(self, now: datetime, flag: str | None = None) -> list[FreezeOverride]:
        """Overrides that were granted by `now`, have not expired and were not ended, oldest first."""

    def end(self, override_id: str, by: str, at: datetime) -> FreezeOverride:
        """End an override before it expires and return it.

        Raises BadInputError when there is none with this id, SafetyRefusal when it had ended or expired already.
        """


class RotationStore(Protocol):
    """Plans to rotate secrets."""

    def add(self, rotation: RotationPlan) -> RotationPlan:
        """Store a plan; one that is not done for the same secret is returned instead.

        Raises SafetyRefusal while a rotation of the same secret that is done overlaps `planned_at`: old and new secret are
        both good then, and a third would cut one of them off.
        """

    def pending(self, incident_id: str | None = None) -> list[RotationPlan]:
        """Rotations that are planned and not done."""

    def done(self, rotation_id: str, by: str, at: datetime) -> None:
        """Record that a rotation was done."""

    def of_incident(self, incident_id: str) -> list[RotationPlan]:
        """Rotations planned for an incident, done ones included, oldest first."""

    def last_done(self, secret_name: str) -> RotationPlan | None:
        """The rotation of this secret that was done last."""


class SecretSightingStore(Protocol):
    """Since when the guard has seen each secret, by fingerprint."""

    def see(self, secret_name: str, fingerprint: str, at: datetime) -> list[SecretSighting]:
        """Record that the secret was in use at `at`; returns everything seen under this name, oldest first."""


class DeployStore(Protocol):
    """Deploys of the platform."""

    def add(self, deploy: Deploy) -> None:
        """Record a deploy."""

    def latest(self, by: datetime) -> Deploy | None:
        """The newest deploy up to this time."""


class RunStore(Protocol):
    """Grants for runs started by other runs, and the notes between tasks of a run."""

    def grant(self, grant: RunGrant) -> RunGrant:
        """Store a grant; an earlier one for the same purpose is returned instead."""

    def granted(self, dag_id: str, run_id: str) -> RunGrant | None:
        """This run's grant."""

    def begun(self, run_id: str, at: datetime) -> None:
        """Record when a granted run began; the first time is kept. Raises BadInputError for a run without a grant."""

    def not_begun(self, before: datetime) -> list[RunGrant]:
        """Unused, unreported grants from before this time; oldest first, at most a hundred."""

    def never_begun(self, after: datetime, before: datetime) -> list[RunGrant]:
        """Unused grants made in `[after, before)`, reported or not; oldest first, at most a hundred."""

    def told(self, run_id: str, at: datetime) -> None:
        """Record that it was reported; the first time is kept. Raises BadInputError for a run without a grant."""

    def note(self, dag_id: str, run_id: str, name: str, content: dict[str, Any], at: datetime) -> None:
        """Store a task's note; a later one of the same name replaces it."""

    def noted(self, dag_id: str, run_id: str, name: str) -> dict[str, Any] | None:
        """This run's note of this name."""


class GuardAlertStore(Protocol):
    """Alerts about blocked runs and answers."""

    def begin_look(self, at: datetime, every: timedelta) -> bool:
        """Whether the last check began at least `every` ago; then this one counts as the last. Only one of several gets True."""

    def standing(self) -> list[GuardAlert]:
        """Active alerts, oldest first."""

    def seen(self, kind: GuardAlertKind, about: str, at: datetime, detail: str = "") -> GuardAlert:
        """Record that it is active, with what there is to say now; one that was over begins again, unreported."""

    def over(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """Record that it is over; does nothing if it was not active."""

    def told(self, kind: GuardAlertKind, about: str, at: datetime) -> None:
        """Record that it was reported; the first time is kept. Raises BadInputError for an unknown one."""


class TenantStore(Protocol):
    """The platform's tenants as it said last, what others sent, and which of its tenants have gone dark."""

    def listed(self) -> TenantList | None:
        """The tenants that the platform last said it has; None before the first time."""

    def save_list(self, listed: TenantList) -> None:
        """Replace that list."""

    def set_apart(self, trigger: Trigger, start: datetime, end: datetime, found: Sequence[SetApart]) -> None:
        """Record what windows that begin in `[start, end)` had of unknown tenants; replaces what was recorded of them."""

    def apart(self, trigger: Trigger, start: datetime, end: datetime) -> list[SetApart]:
        """What windows that begin in `[start, end)` had of unknown tenants, oldest first; windows without are left out."""

    def see_dark(self, trigger: Trigger, found: Sequence[DarkTenant]) -> None:
        """Record that these are dark; those that are known to be stay as they are."""

    def not_dark(self, trigger: Trigger, tenants: Collection[str], at: datetime) -> None:
        """Record that these are not dark any more; unknown ones are no error."""

    def dark(self, trigger: Trigger, *, untold_only: bool = False) -> list[DarkTenant]:
        """Tenants that are dark now, by id; all of them, or those of which nobody was told."""

    def told_of_dark(self, trigger: Trigger, tenants: Collection[str], at: datetime) -> None:
        """Record that people were told of these; the first time is kept."""


class AuditLog(Protocol):
    """Append-only and hash-chained."""

    def append(self, event: AuditEvent) -> AuditEntry:
        """Append the event to the chain."""

    def take_turn(self) -> None:
        """Wait until no other transaction may append before this one ends: what others record with an entry stays as it is."""

    def entries(self, incident_id: str | None = None, tenant_id: str | None = None) -> Iterable[AuditEntry]:
        """Entries in order of sequence, all of them or those of an incident or tenant."""

    @property
    def keys(self) -> AuditKeys:
        """The keys that this process marks and checks entries with; none is allowed."""

    def latest(self, limit: int) -> list[AuditEntry]:
        """The newest entries, newest first; reads no more than these."""

    def about(self, subject: str, verbs: Collection[str]) -> list[AuditEntry]:
        """Entries of exactly this subject with one of these verbs, in order of sequence; reads no others."""

    def in_any_scope(self, flag: str, verb: str, since: datetime | None = None) -> list[AuditEntry]:
        """Entries of this verb whose subject is the flag in any scope (`flag:F@…`), in order of sequence; reads no others.

        `since`: only those dated after it.
        """

    def of_kind(self, kind: str, verb: str) -> list[AuditEntry]:
        """Entries of this verb whose subject is of this kind (`rotation:…`), in order of sequence; reads no others."""

    def newest_of_tenant(self, tenant_id: str, verb: str) -> Iterator[AuditEntry]:
        """A tenant's entries of this verb, newest first, read as they are taken."""

    def head(self) -> tuple[int, str]:
        """Sequence and hash of the last entry, as stored in the head."""

    def hash_at(self, sequence: int) -> str | None:
        """The hash that the entry of this number carries; None when there is no such entry."""


class UnitOfWork(Protocol):
    """All of guard state in one transaction: commits when the block ends normally, else rolls back."""

    @property
    def readings(self) -> ReadingStore:
        """Readings and the state of their windows."""

    @property
    def verdicts(self) -> VerdictStore:
        """Verdicts and the engine's state."""

    @property
    def comparisons(self) -> ComparisonStore:
        """What comparisons of balances leave for the next ones."""

    @property
    def replay(self) -> ReplayStore:
        """State for judging windows again."""

    @property
    def partitions(self) -> PartitionStore:
        """Slices of time of what grows with traffic and tenants."""

    @property
    def incidents(self) -> IncidentStore:
        """Incidents."""

    @property
    def actions(self) -> ActionStore:
        """Actions of incidents."""

    @property
    def openings(self) -> OpeningStore:
        """Players' balances before the ledger."""

    @property
    def plans(self) -> PlanStore:
        """Plans with their rows."""

    @property
    def backfill_orders(self) -> BackfillOrderStore:
        """Orders about running backfills."""

    @property
    def writer_leases(self) -> WriterLeaseStore:
        """Who writes to each tenant's wallets."""

    @property
    def approvals(self) -> ApprovalStore:
        """Questions and answers."""

    @property
    def flag_changes(self) -> FlagChangeStore:
        """Writes to flag stores."""

    @property
    def freezes(self) -> FreezeStore:
        """Freezes."""

    @property
    def overrides(self) -> FreezeOverrideStore:
        """Overrides of freezes."""

    @property
    def rotations(self) -> RotationStore:
        """Plans to rotate secrets."""

    @property
    def sightings(self) -> SecretSightingStore:
        """Since when secrets were seen."""

    @property
    def deploys(self) -> DeployStore:
        """Deploys of the platform."""

    @property
    def runs(self) -> RunStore:
        """Grants of runs, and the notes of their tasks."""

    @property
    def tenants(self) -> TenantStore:
        """Known, unknown and dark tenants."""

    @property
    def guard_alerts(self) -> GuardAlertStore:
        """Alerts about blocked runs and answers."""

    @property
    def audit(self) -> AuditLog:
        """The audit log."""


class GuardState(Protocol):
    """The guard's own state."""

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        """Begin a transaction. Raises SourceUnavailable when the database does not answer or is not migrated.

        Transactions do not nest: finish one before the next begins, or pass it as an argument.
        """

    def snapshot(self) -> AbstractContextManager[UnitOfWork]:
        """Read everything in one consistent snapshot; nothing may be written.

        For consistent reads: a report, a verification of the whole audit log. Raises as `transaction` does.
        """
