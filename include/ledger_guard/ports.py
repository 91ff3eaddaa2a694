"""What the use cases need from the world outside, as Protocols, and the bundle of them that one task works with.

Each Protocol has a real adapter and an in-memory one in `adapters/`, held to the same contract tests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.approvals import Approval, ApprovalAnswer, ApprovalKind, ApprovalRequest
from ledger_guard.domain.audit import AuditEntry, AuditEvent
from ledger_guard.domain.audit_keys import AuditKeys
from ledger_guard.domain.complaints import Complaint, ComplaintKind
from ledger_guard.domain.deploys import Deploy
from ledger_guard.domain.findings import DifferenceCounts
from ledger_guard.domain.flags import FlagChange, FlagState, Freeze, ProbeFinding, ProbeLook, RotationPlan
from ledger_guard.domain.forged_calls import RefusedIds
from ledger_guard.domain.freeze_overrides import FreezeOverride
from ledger_guard.domain.incidents import Action, Incident
from ledger_guard.domain.ledger_rows import BookedMovement
from ledger_guard.domain.ledger_samples import SampledPlayer
from ledger_guard.domain.money import Cents
from ledger_guard.domain.notices import Notice, ThreadRef
from ledger_guard.domain.pacing import BackfillProgress, Steering
from ledger_guard.domain.plan_summary import PlanSummary
from ledger_guard.domain.plans import (
    BackfillMode,
    ForceOutcome,
    Plan,
    PlanContent,
    PlanRow,
    PlanStatus,
    RowState,
    UndoOutcome,
    WriteTotals,
)
from ledger_guard.domain.runs import RunGrant
from ledger_guard.domain.secrets import SecretFinding, SecretSighting
from ledger_guard.domain.signals import Reading, SensedWindow, Trigger
from ledger_guard.domain.validation import ProbeAnswer
from ledger_guard.domain.verdicts import Verdict
from ledger_guard.domain.windows import Window
from ledger_guard.domain.writability import WriteObstacle
from ledger_guard.policy.schema import Policy


class Clock(Protocol):
    """Tells the time; injected so that nothing else does."""

    def now(self) -> datetime:
        """The current moment, aware, UTC."""


# --- the platform -------------------------------------------------------------------------------------------------


class SignalSource(Protocol):
    """Where readings come from. Reading changes nothing and may be repeated."""

    def complete_through(self, trigger: Trigger) -> datetime | None:
        """Event time up to which the source promises to be complete; None when it has never delivered.

        Raises:
            SourceUnavailable: it did not answer, or a table or column is missing. The window becomes `no_data`.
        """

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """Readings of the windows `first..last` (inclusive), one per tenant and window that had any exposure.

        A comparison of balances can only speak of now: it gives readings for `last` alone.

        Raises:
            SourceUnavailable: as above.
        """

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        """Windows of `first..last` whose readings mean nothing, by their start, with the reason.

        They hold failures that can't be told from look-alikes because their error code is not known. They are `no_data`.

        Raises:
            SourceUnavailable: as above.
        """


class AccessLog(Protocol):
    """One file of ingress log lines, read as a stream."""

    @property
    def name(self) -> str:
        """The file, for people."""

    @property
    def mapping(self) -> str:
        """Name of the policy's mapping that reads it."""

    @property
    def not_knowable(self) -> tuple[str, ...]:
        """Sentences about what such a file can't tell, whatever its lines say."""

    def entries(self) -> Iterator[AccessEvent | RejectedLine]:
        """Its lines in order, blank ones left out. Raises BadInputError when the file can't be read to its end."""

    def sha256(self) -> str:
        """Hash of the file's bytes."""


class AccessEventDelivery(Protocol):
    """Access events on their way in."""

    @property
    def audit(self) -> AuditLog:
        """The audit log within the same transaction."""

    def begin(self, file: IngestedFile) -> None:
        """Announce the file that the events come from."""

    def add(self, events: Sequence[AccessEvent]) -> int:
        """Store events whose key is not known yet; returns how many that were."""

    def keep_rejects(self, file: IngestedFile, rejects: Sequence[RejectedLine]) -> None:
        """Keep lines of an announced file that are no usable events."""

    def finish(self, file: IngestedFile) -> None:
        """Record what became of an announced file."""

    def advance(self, complete_through: datetime, at: datetime) -> datetime:
        """State that every event before `complete_through` has been delivered; never moves backwards.

        Returns the moment that holds now.
        """


class AccessEventStore(Protocol):
    """Where access events are kept for the triggers to be read from."""

    def delivery(self) -> AbstractContextManager[AccessEventDelivery]:
        """Begin a transaction: what is delivered in the block is stored when it ends well, and leaves no trace otherwise.

        Raises:
            SourceUnavailable: the database does not answer or is not migrated. Nothing was stored: start again.
        """


@dataclass(frozen=True)
class AffectedSubject:
    """A player or webhook behind a trigger's events in some windows."""

    tenant_id: str
    subject_id: str
    events: int
    #: for players: available money in the player row and in the wallet, in cents; None when there is no such row
    player_available: int | None = None
    wallet_available: int | None = None
    #: for players: what the wallet should have available by the evidence, in cents; None when it can't be told
    right_available: int | None = None
    #: for players: the smallest amount asked for and refused, in cents; None when the log names none
    smallest_asked: int | None = None


@dataclass(frozen=True)
class FailureGroup:
    """Failed webhook calls of one provider and error text; calls are counted from the first refusal on."""

    provider: str
    error_code: str
    failures: int
    calls: int
    first_seen: datetime
    #: calls before the first refusal, in the same span
    calls_before: int = 0


@dataclass(frozen=True)
class CallCount:
    """Webhook calls of one provider for one tenant in one span of time."""

    provider: str
    tenant_id: str
    accepted: int
    refused: int


class TriageSource(Protocol):
    """Answers the questions of the runbook's flows. Read-only."""

    def affected_subjects(
        self, trigger: Trigger, tenants: Sequence[str], start: datetime, end: datetime, limit: int
    ) -> list[AffectedSubject]:
        """Who is behind the events in `[start, end)`, most events first, at most `limit` a tenant."""

    def share_behind(self, tenant_id: str) -> float | None:
        """The share of a tenant's players whose wallet has less available than it should, 0..1; None without players."""

    def failures_by_provider(self, start: datetime, end: datetime) -> list[FailureGroup]:
        """T2's calls and failures in `[start, end)` by provider and error code, most failures first.

        A provider none of whose calls failed has one group with no failures and no code.
        """

    def webhook_calls(self, spans: Sequence[tuple[datetime, datetime]]) -> list[list[CallCount]]:
        """T2's calls in each of these half-open spans, in their order: by provider, then tenant."""

    def refused_ids(self, start: datetime, end: datetime, known_from: datetime) -> tuple[RefusedIds, datetime | None]:
        """What T2's refused calls in `[start, end)` say of themselves, and the moment behind the first tenth of them.

        An id is known when a call with it was accepted in `[known_from, end)`. The moment is None without refusals.
        """


class SecretSource(Protocol):
    """Looks at the platform's webhook secrets without ever giving one away."""

    def findings(self) -> list[SecretFinding]:
        """One finding a configured secret: presence, fingerprint, what is wrong with it."""


@dataclass(frozen=True)
class Comparison:
    """A tenant's players against its wallets."""

    tenant_id: str
    players: int
    counts: DifferenceCounts
    #: findings with their cause, ordered by player id
    rows: tuple[PlanRow, ...]
    #: in cents; see CentTotals
    bonus_lost: Cents = 0


class Differences(Protocol):
    """One tenant's players against its wallets, in one consistent snapshot, while they are read.

    Memory does not grow with the tenant. The counts are known once every line was taken.
    """

    def new_openings(self) -> Iterator[bytes]:
        """What players held before the ledger of whom nothing was handed in as seen, in lines (domain/openings.py).

        Players who can't be judged have none. In blocks of whole lines.
        """

    def lines(self) -> Iterator[bytes]:
        """Findings with their cause in a plan's order (domain/plan_lines.py); players whose wallet is right have none.

        With `create-missing` only missing rows are among them.
        """

    @property
    def players(self) -> int:
        """Players of the tenant."""

    @property
    def counts(self) -> DifferenceCounts:
        """Everything that was found, whatever the mode."""

    @property
    def bonus_lost(self) -> Cents:
        """Bonus of players whose wallet a backfill creates without one, in cents; the next grant makes it theirs."""


class LedgerStore(Protocol):
    """The platform's players, wallets and ledger, read-only."""

    def check_columns(self) -> None:
        """Raise SourceUnavailable naming the first table or column that the policy maps and the platform lacks."""

    def tenant_exists(self, tenant_id: str) -> bool:
        """Whether the platform knows this tenant."""

    def tenant_ids(self) -> list[str]:
        """All tenants, sorted."""

    def differences(self, tenant_id: str, mode: BackfillMode, seen: Iterable[bytes] = ()) -> AbstractContextManager[Differences]:
        """Compare one tenant in cents, for as long as the block lasts.

        `seen` is what OpeningStore has seen of this tenant. Without it a player row that was raised since may be taken for money
        from before the ledger: enough to count findings, never for a plan.
        """

    def movements(self, tenant_id: str, player_ids: Sequence[str], at_most: int) -> dict[str, list[BookedMovement]]:
        """The newest ledger rows of some players, at most so many each, newest first; players without rows are left out."""

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """As `differences`, all rows at once.

        With `create-missing` only missing rows are in `rows`; `counts` always tells everything.
        """


@dataclass(frozen=True)
class WordCount:
    """How often the ledger holds a type and status."""

    type: str
    status: str
    rows: int
    players: int


class LedgerWords(Protocol):
    """What a platform's ledger is written in, for whoever points the guard at it. Read-only."""

    def counts(self) -> list[WordCount]:
        """Every type and status, sorted; none where there is no ledger table."""

    def sample(self, players_at_most: int) -> list[SampledPlayer]:
        """Players with short ledgers, the same ones each time."""


class BackfillRunner(Protocol):
    """The only writer of wallets."""

    def obstacles(self) -> list[WriteObstacle]:
        """What would keep this writer, with its login, from writing wallets, or could change what it writes.

        Raises:
            SourceUnavailable: the platform's database does not answer, is a replica, or somebody wants no writes there.
        """

    def force(self, plan_id: str, actor: str, batch_rows: int, still_permitted: Callable[[], None] | None = None) -> ForceOutcome:
        """Apply exactly the stored plan, in batches; resumes where a killed run stopped and never applies twice.

        The caller has checked that it may. `still_permitted` is asked again once nobody else can write for the tenant, before
        anything is written, and raises when another plan's writes have changed the answer. Locks player then wallet, changes a
        row only if player and wallet still are what the plan saw (else `drifted`), writes the before-image and the audit entry
        in the same transaction where guard state shares the platform's database.

        Raises:
            ConcurrentWriterError: another run writes for this tenant.
            LedgerInvariantError: the stored rows do not give the plan's hash.
        """

    def undo(self, plan_id: str, actor: str, batch_rows: int) -> UndoOutcome:
        """Give back the before-values of applied rows that still hold what force wrote; the others are `kept`.

        Raises:
            SafetyRefusal: the before-images are not those that the marked audit entries of the plan's force cover; this is on the
                audit log too, and nothing was written. Compare the tenant by a new dry-run.
        """


class FlagStore(Protocol):
    """Where flag values stand.

    Every method raises SourceUnavailable when the store does not answer, and LedgerInvariantError when what stands there does
    not tell which value the platform obeys.
    """

    @property
    def per_tenant(self) -> bool:
        """Whether it can hold a value for one tenant; without, any scope but `*` raises BadInputError."""

    def lacks(self, flag: str) -> str:
        """What a write of this flag still lacks to take effect (a restart that failed), for people; empty when nothing."""

    def finish(self, flag: str) -> None:
        """Do what `lacks` tells, again; nothing where nothing is lacking.

        Raises:
            SourceUnavailable: it failed again. The value stands written; mend the cause and call again.
        """

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value of exactly this scope (`*` is the global one); `is_enabled` is None where it has none.

        `not_known_because` says so where the platform may obey something else then that the store does not hold.
        """

    def effective(self, flag: str, tenant_id: str) -> bool | None:
        """What the platform obeys for this tenant: its own value, else the global one, else False; None when not known."""

    def scopes(self, flag: str) -> list[FlagState]:
        """All scopes that have a value, the global one first."""

    def compare_and_set(self, seen: FlagState, to_value: bool, actor: str, reason: str) -> FlagState:
        """Write `to_value` if the store still holds `seen`; returns the new state.

        Raises:
            SafetyRefusal: somebody changed it meanwhile. Ask again with what stands there now.
        """

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write `to_value` in all these scopes, or in none; errors as `compare_and_set`."""


class FlagProbes(Protocol):
    """Sees from outside whether a flag change took effect. What fails to answer is a finding, never an exception."""

    def instances(self, flag: str, tenant_id: str, wanted: bool, *, once: bool = False) -> list[ProbeFinding] | None:
        """One finding an instance, after all serve `wanted` or the policy's time is up; None when the policy names none.

        With `once` each is asked once, as it stands.
        """

    def canary(self, flag: str, tenant_id: str, wanted: bool) -> ProbeFinding | None:
        """Try the effect out; None when the policy names no canary that speaks for this scope."""

    def looks(self, flag: str) -> list[ProbeLook]:
        """What each probe of the flag shows now, for everybody: the instances, asked once, then the canary."""


class ValidationSource(Protocol):
    """The test environment, where a flag's effect is validated before it is enabled again."""

    def ask(self, flag: str) -> ProbeAnswer | None:
        """Ask the flag's probe now; None when the policy names none. A probe that does not answer has not passed."""


class Notifier(Protocol):
    """Tells people."""

    def post(self, notice: Notice, thread: ThreadRef | None) -> ThreadRef:
        """Post, under `thread` when given. Raises NotificationFailed when the channel did not take it."""


# --- guard state --------------------------------------------------------------------------------------------------


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
    """Verdicts, and what the severity engine remembers between windows."""

    def record(self, verdicts: Sequence[Verdict], incident_id: str | None) -> None:
        """Store verdicts; a later judgement of the same tenant and window replaces the earlier.

        A verdict that hangs on an incident stays there, whatever `incident_id` says later.
        """

    def withdraw(self, trigger: Trigger, window: Window, tenants: Sequence[str]) -> None:
        """Remove the verdicts of these tenants in a window that has none for them any more; unknown ones are no error."""

    def judged_through(self, trigger: Trigger) -> datetime | None:
        """End of the newest judged window."""

    def last_judged_at(self, trigger: Trigger) -> datetime | None:
        """When verdicts were last stored, by the clock that was given with them."""

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
class JudgedAs:
    """What was judged of a window: a higher revision of the sensed window means that late data came since."""

    window_start: datetime
    revision: int
    #: tenants that were kept out of their baselines
    quarantined: frozenset[str] = frozenset()


class ReplayStore(Protocol):
    """What it takes to judge windows again whose readings late data changed."""

    def checkpoint_moments(self, trigger: Trigger) -> list[datetime]:
        """How far each stored checkpoint has seen, oldest first; reads no state."""

    def checkpoint(self, trigger: Trigger, moment: datetime) -> Checkpoint | None:
        """The newest checkpoint that has seen nothing after `moment`, or None."""

    def save_checkpoint(self, trigger: Trigger, checkpoint: Checkpoint) -> None:
        """Store a checkpoint; one of the same moment is replaced."""

    def drop_checkpoints_after(self, trigger: Trigger, moment: datetime) -> None:
        """Remove checkpoints that have seen something after `moment`: a replay makes them anew."""

    def judged_as(self, trigger: Trigger) -> list[JudgedAs]:
        """What was judged of each window that is remembered, oldest first."""

    def save_judged_as(self, trigger: Trigger, judged: Sequence[JudgedAs]) -> None:
        """Remember what was judged of windows; a later judgement of the same window replaces the earlier."""

    def forget_before(self, trigger: Trigger, moment: datetime) -> None:
        """Forget checkpoints that have seen less than `moment`, and windows that begin before it."""


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

        Raises SafetyRefusal when somebody saved it since it was read: read it again.
        """


class ActionStore(Protocol):
    """What was started for incidents."""

    def start(self, action: Action) -> Action:
        """Record an action; of two unfinished ones of the same (incident, kind, target) the first is returned instead."""

    def finish(self, action: Action) -> None:
        """Record how it ended."""

    def of_incident(self, incident_id: str) -> list[Action]:
        """In order of start."""


class OpeningStore(Protocol):
    """What players held before the ledger, as the guard saw it first; nothing in it ever changes.

    `words` tells by which of the policy's ledger words: by others another opening follows, and nothing was seen yet.
    """

    def seen(self, tenant_id: str, words: str) -> Iterator[bytes]:
        """All that was seen of a tenant, in blocks of whole lines (domain/openings.py), in no order."""

    def add(self, tenant_id: str, words: str, lines: Iterable[bytes], at: datetime) -> None:
        """Keep openings, handed in in such blocks; of a player who was seen before the first one stays."""


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
        """The plan's rows as they are stored now, boiled down: what its hash is held against. Memory does not grow with rows.

        Raises BadInputError when there is no such plan.
        """

    def written_before(self, plan_id: str, tenant_id: str, since: datetime) -> WriteTotals:
        """What force wrote to the tenant's wallets after `since` for other plans, approved and undone ones included.

        From the journal of writes. `single_delta_cents` is the most that one wallet was moved then and would be by this plan,
        together; 0 where this plan has no row of a wallet that was written. What the platform's own script wrote is not in it.
        """

    def row_counts(self, plan_id: str) -> dict[str, int]:
        """Rows of the plan by state."""

    def states_of(self, plan_id: str, player_ids: Collection[str]) -> dict[str, RowState]:
        """What became of the plan's rows of these players; those that the plan has no row of are left out."""

    def set_status(self, plan_id: str, status: PlanStatus) -> None:
        """Record how far the plan is."""

    def of_incident(self, incident_id: str) -> list[Plan]:
        """Plans made for an incident, without rows, oldest first."""


class SteeringStore(Protocol):
    """Orders about running backfills, and how far these have come."""

    def ask(self, steering: Steering) -> None:
        """Record an order; it takes the place of the one before. Raises BadInputError when there is no such plan."""

    def newest(self, plan_id: str) -> Steering | None:
        """The newest order about a plan; None when nobody ever gave one."""

    def progress(self, plan_id: str) -> list[BackfillProgress]:
        """Each operation over a plan that has settled a batch, the one begun last first."""


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
        """What one run (None: the one that asked last) asks people about this subject now, in the order of its gates."""

    def escalated(self, approval_id: str, at: datetime) -> None:
        """Remember that people were reminded of a question; the first time stays. Raises BadInputError for an unknown one."""

    def of_gate(self, dag_id: str, run_id: str, task_id: str) -> Approval | None:
        """What this gate asked last, with its answer."""

    def waiting(self, now: datetime) -> list[Approval]:
        """Unanswered questions that have not expired and whose run has not ended, oldest first."""

    def unanswered(self) -> list[Approval]:
        """As `waiting`, expired ones included: nothing was recorded of them, not even silence. At most 500."""

    def orphan(self, approval_id: str, at: datetime) -> bool:
        """Close a question whose run has ended; False, and nothing is done, when it is answered, void or closed already."""

    def orphans_to_tell(self) -> list[Approval]:
        """Orphaned questions that nobody was told of, oldest first. At most 500."""

    def orphan_told(self, approval_id: str, at: datetime) -> None:
        """Remember that people were told; the first time stays. Raises BadInputError for an unknown one."""

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
        """Open a freeze; one that stands for the same flag, scope and incident is returned instead."""

    def get(self, freeze_id: str) -> Freeze:
        """Raises BadInputError when there is none with this id."""

    def standing(self, flag: str | None = None) -> list[Freeze]:
        """Freezes that stand, oldest first."""

    def lift(self, freeze: Freeze) -> None:
        """Store the lifting.

        Raises SafetyRefusal when it lacks the root cause, its owner, its link or its writer, or when the writer lifts it.
        """

    def of_incident(self, incident_id: str) -> list[Freeze]:
        """Freezes of an incident, lifted ones included, oldest first."""

    def recorded(self, flag: str | None = None) -> list[Freeze]:
        """Every freeze that there is a row of, lifted ones included, oldest first."""

    def set_right(self, freeze: Freeze) -> None:
        """Store a lifted freeze in place of whatever row has its id, for the row is not what the audit log says.

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
        """Record that a rotation took place."""

    def of_incident(self, incident_id: str) -> list[RotationPlan]:
        """Rotations planned for an incident, done ones included, oldest first."""

    def last_done(self, secret_name: str) -> RotationPlan | None:
        """The rotation of this secret that was done last."""


class SecretSightingStore(Protocol):
    """Since when the guard has seen which secret, by fingerprint."""

    def see(self, secret_name: str, fingerprint: str, at: datetime) -> list[SecretSighting]:
        """Note that the secret was in use at `at`; returns what was ever seen under this name, first seen first."""


class DeployStore(Protocol):
    """Deploys of the platform."""

    def add(self, deploy: Deploy) -> None:
        """Record a deploy."""

    def latest(self, by: datetime) -> Deploy | None:
        """The newest deploy that had taken place by this moment."""


class RunStore(Protocol):
    """Leave for runs that other runs start, and what the tasks of a run left for each other."""

    def grant(self, grant: RunGrant) -> RunGrant:
        """Give leave; leave given before for the same purpose is returned instead."""

    def granted(self, dag_id: str, run_id: str) -> RunGrant | None:
        """The leave that this run has."""

    def begun(self, run_id: str, at: datetime) -> None:
        """Remember when a granted run began; the first time stays. Raises BadInputError for a run without leave."""

    def not_begun(self, before: datetime) -> list[RunGrant]:
        """Leave given before this moment that no run made use of and nobody was told of; oldest first, at most a hundred."""

    def never_begun(self, after: datetime, before: datetime) -> list[RunGrant]:
        """Leave given in `[after, before)` that no run made use of, told or not; oldest first, at most a hundred."""

    def told(self, run_id: str, at: datetime) -> None:
        """Remember that people were told; the first time stays. Raises BadInputError for a run without leave."""

    def note(self, dag_id: str, run_id: str, name: str, content: dict[str, Any], at: datetime) -> None:
        """Keep what a task left; a later note of the same name takes its place."""

    def noted(self, dag_id: str, run_id: str, name: str) -> dict[str, Any] | None:
        """What a task of this run left under this name."""


class ComplaintStore(Protocol):
    """What stands in the way of runs and answers."""

    def begin_look(self, at: datetime, every: timedelta) -> bool:
        """Whether the last look began at least `every` ago; then this one counts as the last. Of several at once one may look."""

    def standing(self) -> list[Complaint]:
        """What is not over, the oldest first."""

    def seen(self, kind: ComplaintKind, about: str, at: datetime) -> Complaint:
        """Remember that it stands; what was over begins anew, told to nobody."""

    def over(self, kind: ComplaintKind, about: str, at: datetime) -> None:
        """Remember that it does not stand any more; nothing where it did not."""

    def told(self, kind: ComplaintKind, about: str, at: datetime) -> None:
        """Remember that people were told; the first time stays. Raises BadInputError for what was never seen."""


class AuditLog(Protocol):
    """Append-only and hash-chained."""

    def append(self, event: AuditEvent) -> AuditEntry:
        """Chain the event behind the last entry."""

    def entries(self, incident_id: str | None = None, tenant_id: str | None = None) -> Iterable[AuditEntry]:
        """Entries in order of sequence, all of them or those of an incident or tenant."""

    @property
    def keys(self) -> AuditKeys:
        """The keys that this process marks and checks entries with; none is allowed."""

    def latest(self, limit: int) -> list[AuditEntry]:
        """The newest entries, newest first; reads no more than these."""

    def about(self, subject: str, verbs: Collection[str]) -> list[AuditEntry]:
        """Entries of exactly this subject with one of these verbs, in order of sequence; reads no others."""

    def in_any_scope(self, flag: str, verb: str) -> list[AuditEntry]:
        """Entries of this verb whose subject is the flag in any scope (`flag:F@…`), in order of sequence; reads no others."""

    def of_kind(self, kind: str, verb: str) -> list[AuditEntry]:
        """Entries of this verb whose subject is of this kind (`rotation:…`), in order of sequence; reads no others."""

    def newest_of_tenant(self, tenant_id: str, verb: str) -> Iterator[AuditEntry]:
        """A tenant's entries of this verb, newest first, read as they are taken."""

    def head(self) -> tuple[int, str]:
        """Sequence and hash of the last entry, as kept apart from the entries."""

    def hash_at(self, sequence: int) -> str | None:
        """The hash that the entry of this number carries; None when there is no such entry."""


class GuardTransaction(Protocol):
    """All of guard state, within one transaction: it commits when the block ends well and leaves no trace otherwise."""

    @property
    def readings(self) -> ReadingStore:
        """Readings and the state of their windows."""

    @property
    def verdicts(self) -> VerdictStore:
        """Verdicts and the engine's memory."""

    @property
    def replay(self) -> ReplayStore:
        """What it takes to judge windows again."""

    @property
    def incidents(self) -> IncidentStore:
        """Incidents."""

    @property
    def actions(self) -> ActionStore:
        """What was started for incidents."""

    @property
    def openings(self) -> OpeningStore:
        """What players held before the ledger."""

    @property
    def plans(self) -> PlanStore:
        """Plans with their rows."""

    @property
    def steering(self) -> SteeringStore:
        """Orders about running backfills."""

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
        """Runs that start runs, and what their tasks left."""

    @property
    def complaints(self) -> ComplaintStore:
        """What stands in the way of runs and answers."""

    @property
    def audit(self) -> AuditLog:
        """The audit log."""


class Scheduler(Protocol):
    """What Airflow knows of DAGs and their runs. Every method raises SourceUnavailable when it does not say."""

    def is_paused(self, dag_id: str) -> bool:
        """Whether runs of this DAG are kept from beginning. Raises SourceUnavailable for one that Airflow does not know."""

    def queued(self, dag_id: str) -> int:
        """How many runs of this DAG have not begun."""

    def ended(self, dag_id: str, run_ids: Sequence[str]) -> list[str]:
        """Those of these runs that have ended, or are gone."""


class GuardState(Protocol):
    """The guard's own memory."""

    def transaction(self) -> AbstractContextManager[GuardTransaction]:
        """Begin a transaction. Raises SourceUnavailable when the database does not answer or is not migrated.

        Transactions do not nest: finish one before the next begins, or hand it on as an argument.
        """

    def snapshot(self) -> AbstractContextManager[GuardTransaction]:
        """Read everything as it stood at one moment, whoever writes meanwhile; nothing may be written.

        For what must agree with itself: a report, a verification of the whole audit log. Raises as `transaction` does.
        """


@dataclass(frozen=True)
class Guard:
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
    #: the time people live in: approvals, expiry, the audit log
    wall_clock: Clock
    #: None: nothing to see the platform with
    probes: FlagProbes | None = None
    #: address of the Airflow UI, for links
    ui_url: str = "http://localhost:8080"
    #: None: nothing can be asked, so a flag whose policy names a probe is not enabled again
    validation: ValidationSource | None = None
