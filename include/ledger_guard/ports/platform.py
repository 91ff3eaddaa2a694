"""The platform as Protocols: signals, ledger, wallets, flags, secrets and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from ledger_guard.domain.access_events import AccessEvent, IngestedFile, RejectedLine
from ledger_guard.domain.comparisons import ComparedBalances, LastComparison
from ledger_guard.domain.findings import DifferenceCounts
from ledger_guard.domain.flags import FlagState, ProbeFinding, ProbeLook
from ledger_guard.domain.followed_logs import FollowedLog, LogPosition
from ledger_guard.domain.forged_calls import RefusedIds, RefusedSenders
from ledger_guard.domain.ledger_rows import BookedMovement
from ledger_guard.domain.ledger_samples import SampledPlayer
from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import BackfillMode, ForceOutcome, PlanRow, UndoOutcome
from ledger_guard.domain.repairs import WrongWallet
from ledger_guard.domain.secrets import SecretFinding
from ledger_guard.domain.signals import Reading, Trigger
from ledger_guard.domain.validation import ProbeAnswer
from ledger_guard.domain.windows import Window
from ledger_guard.domain.writability import WriteObstacle
from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim
from ledger_guard.ports.guard_state import AuditLog, UnitOfWork


class Clock(Protocol):
    """The only source of the current time."""

    def now(self) -> datetime:
        """The current moment, aware, UTC."""


class SignalSource(Protocol):
    """Where readings come from. Reading changes nothing and may be repeated."""

    def complete_through(self, trigger: Trigger) -> datetime | None:
        """Event time up to which the source is complete; None when it has never delivered.

        Raises:
            SourceUnavailable: it did not answer, or a table or column is missing. The window becomes `no_data`.
        """

    def readings(self, trigger: Trigger, first: Window, last: Window) -> list[Reading]:
        """Readings of the windows `first..last` (inclusive), one per tenant and window that had any exposure.

        A comparison of balances has no past: it gives readings for `last` only.

        Raises:
            SourceUnavailable: as above.
        """

    def unmeasurable(self, trigger: Trigger, first: Window, last: Window) -> dict[datetime, str]:
        """Windows of `first..last` whose readings can't be used, by their start, with the reason.

        They have failures without an error code, which can't be classified, or too many lines that can't be read. They are
        `no_data`.

        Raises:
            SourceUnavailable: as above.
        """


@runtime_checkable
class CostedSource(Protocol):
    """A source that can say what its reading costs."""

    def cost(self, trigger: Trigger, first: Window, last: Window) -> tuple[str, ...]:
        """What the database says of reading the windows `first..last`, as lines; empty where it can't say.

        Raises:
            SourceUnavailable: it did not answer.
        """


@runtime_checkable
class ContinuedSource(Protocol):
    """A source of comparisons that can go on from the one before. Comparing changes nothing and may be repeated."""

    def compare(self, trigger: Trigger, window: Window, before: LastComparison | None) -> ComparedBalances:
        """Readings as of now, for the window that just closed, and what the next comparison needs.

        They are those of `SignalSource.readings`, save for a player of whom a row was taken away since `before` where
        the database does not tell that rows were deleted: that is found when it is the player's turn.

        Raises:
            SourceUnavailable: as SignalSource.readings.
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
        """Sentences about data that such a file can't have."""

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

    def unknown(self, events: Sequence[AccessEvent]) -> int:
        """How many of these events, each of another key, are not stored yet."""

    def keep_rejects(self, file: IngestedFile, rejects: Sequence[RejectedLine]) -> None:
        """Store unusable lines of an announced file, for people to look at."""

    def keep_hiding(self, lines: Sequence[RejectedLine]) -> None:
        """Store lines that may hide requests from the readings, each key once; each has `near` and `hides_request_to`."""

    def finish(self, file: IngestedFile) -> None:
        """Record the result of an announced file, so far."""

    def followed(self) -> Sequence[FollowedLog]:
        """Every followed file that is remembered."""

    def keep_position(self, position: LogPosition, known_bytes: int | None) -> None:
        """Store how far an announced file was read; `known_bytes`: how far it was when that was read from here, None: not at all.

        Raises:
            StaleVersionError: another follower went on with it meanwhile, or follows the same file.
        """

    def forget_positions(self, before: datetime) -> None:
        """Drop the positions of files that were not seen since."""

    def advance(self, complete_through: datetime, at: datetime) -> datetime:
        """State that every event before `complete_through` has been delivered; never moves backwards.

        Returns the time that is valid now.
        """


class AccessEventStore(Protocol):
    """Where access events are kept for the triggers to be read from."""

    def delivery(self) -> AbstractContextManager[AccessEventDelivery]:
        """Begin a transaction: it commits when the block ends normally, else rolls back.

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
    #: for players: what the wallet should have available by the evidence, in cents; None when not known
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
        """Players or webhooks behind the events in `[start, end)`, most events first, at most `limit` per tenant.

        Asked only of a source that names subjects (`policy.sources`); raises BadInputError for any other trigger.
        """

    def share_behind(self, tenant_id: str) -> float | None:
        """The share of a tenant's players whose wallet has less available than it should, 0..1; None without players."""

    def failures_by_provider(self, trigger: Trigger, start: datetime, end: datetime) -> list[FailureGroup]:
        """A trigger's calls and failures in `[start, end)` by provider and error code, most failures first.

        A provider none of whose calls failed has one group with no failures and no code.
        """

    def webhook_calls(self, trigger: Trigger, spans: Sequence[tuple[datetime, datetime]]) -> list[list[CallCount]]:
        """A trigger's calls in each of these half-open spans, in their order: by provider, then tenant."""

    def refused_ids(
        self, trigger: Trigger, start: datetime, end: datetime, known_from: datetime
    ) -> tuple[RefusedIds, datetime | None]:
        """What is known about a trigger's refused calls in `[start, end)`, and the time after the first tenth of them.

        An id is known when a call with it was accepted in `[known_from, end)`. The moment is None without refusals.
        """

    def refused_senders(self, trigger: Trigger, start: datetime, end: datetime, limit: int) -> RefusedSenders:
        """Where a trigger's refused calls in `[start, end)` came from, with the `limit` (1 or more) addresses that sent most.

        Addresses that sent as many as each other are in order of their text.
        """


class SecretSource(Protocol):
    """Checks the platform's webhook secrets without ever returning one."""

    def findings(self) -> list[SecretFinding]:
        """One finding per configured secret: presence, fingerprint, problems."""


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
    """One tenant's players compared with its wallets, streamed from one consistent snapshot.

    Memory does not grow with the tenant. The counts are complete after the last line.
    """

    def new_openings(self) -> Iterator[bytes]:
        """Opening balances of players without a known one, in lines (domain/openings.py).

        Players who can't be judged have none. In blocks of whole lines.
        """

    def lines(self) -> Iterator[bytes]:
        """Findings with their cause in a plan's order (domain/plan_rows.py); players whose wallet is right have none.

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
        """Bonus of players whose wallet a backfill creates without bonus, in cents; the next grant overwrites it."""


class LedgerStore(Protocol):
    """The platform's players, wallets and ledger, read-only."""

    def check_columns(self) -> None:
        """Raise SourceUnavailable naming the first table or column that the policy maps and the platform lacks."""

    def tenant_exists(self, tenant_id: str) -> bool:
        """Whether the platform has this tenant."""

    def tenant_ids(self) -> list[str]:
        """All tenants, sorted."""

    def differences(self, tenant_id: str, mode: BackfillMode, seen: Iterable[bytes] = ()) -> AbstractContextManager[Differences]:
        """Compare one tenant in cents, for as long as the block lasts.

        `seen` are this tenant's openings from OpeningStore. Without them a player row that was raised since may count as money
        from before the ledger: good enough to count findings, never for a plan.
        """

    def movements(self, tenant_id: str, player_ids: Sequence[str], at_most: int) -> dict[str, list[BookedMovement]]:
        """The newest ledger rows of some players, at most so many each, newest first; players without rows are left out."""

    def wrong_wallets(self, tenant_id: str, player_ids: Sequence[str]) -> list[WrongWallet]:
        """Those of these players whose wallet is not right now, by id; no other player is read.

        Judged as by `differences` without openings.
        """

    def compare(self, tenant_id: str, mode: BackfillMode) -> Comparison:
        """As `differences`, all rows at once.

        With `create-missing` only missing rows are in `rows`; `counts` is always complete.
        """


@dataclass(frozen=True)
class WordCount:
    """How often the ledger holds a type and status."""

    type: str
    status: str
    rows: int
    players: int


class LedgerWords(Protocol):
    """The words of a platform's ledger, for setting up the guard. Read-only."""

    def counts(self) -> list[WordCount]:
        """Every type and status, sorted; none where there is no ledger table."""

    def sample(self, players_at_most: int) -> list[SampledPlayer]:
        """Players with short ledgers, the same ones each time."""


class BackfillRunner(Protocol):
    """The only writer of wallets."""

    def obstacles(self) -> list[WriteObstacle]:
        """Obstacles that keep this writer's login from writing wallets or could change what it writes.

        Raises:
            SourceUnavailable: the platform's database does not answer, is a replica, or is set read-only.
        """

    def force(
        self,
        plan_id: str,
        actor: str,
        batch_rows: int,
        still_permitted: Callable[[], None] | None = None,
        admit: Callable[[UnitOfWork], None] | None = None,
        claim: WriterClaim = NO_RUN,
    ) -> ForceOutcome:
        """Apply exactly the stored plan, in batches; resumes where a killed run stopped and never applies twice.

        The caller has checked that it may. `still_permitted` is asked again once nobody else can write for the tenant, before
        anything is written, and raises when another plan's writes have changed the answer. `admit` is asked in the transaction
        of guard state that begins or resumes the plan, and raises when it does not fit. A later try of the run in `claim` takes
        over from an earlier one that still lives, which then writes nothing more.

        Locks player then wallet, changes a row only if player and wallet still are what the plan saw (else `drifted`), writes
        the before-image and the audit entry in the same transaction where guard state shares the platform's database.

        Raises:
            ConcurrentWriterError: another run writes for this tenant.
            WriterSuperseded: another writer has taken this one's work over.
            LedgerInvariantError: the stored rows do not match the plan's hash.
        """

    def undo(self, plan_id: str, actor: str, batch_rows: int, claim: WriterClaim = NO_RUN) -> UndoOutcome:
        """Restore the before-values of applied rows that still hold what force wrote; the others are `kept`.

        Raises:
            ConcurrentWriterError, WriterSuperseded: as `force`.
            SafetyRefusal: the before-images differ from those in the marked audit entries of the plan's force; this is recorded,
            and nothing was written. Compare the tenant with a new dry-run.
        """


class FlagStore(Protocol):
    """The flag store.

    Every method raises SourceUnavailable when the store does not answer, and LedgerInvariantError when its content does not
    determine the platform's value.
    """

    @property
    def per_tenant(self) -> bool:
        """Whether it can hold a value for one tenant; without, any scope but `*` raises BadInputError."""

    def lacks(self, flag: str) -> str:
        """What is missing for a write of this flag to take effect (a failed restart), for people; empty when nothing."""

    def finish(self, flag: str) -> None:
        """Do again what `lacks` reports; does nothing when nothing is missing.

        Raises:
            SourceUnavailable: it failed again. The value is written; fix the cause and call again.
        """

    def get(self, flag: str, tenant_id: str) -> FlagState:
        """The value of exactly this scope (`*` is the global one); `is_enabled` is None where it has none.

        `not_known_because` is set when the platform may use a value that is not in the store.
        """

    def effective(self, flag: str, tenant_id: str) -> bool | None:
        """The platform's value for this tenant: its own value, else the global one, else False; None when not known."""

    def scopes(self, flag: str) -> list[FlagState]:
        """All scopes that have a value, the global one first; with who changed each and when, where the store knows."""

    def compare_and_set_all(self, seen: Sequence[FlagState], to_value: bool, actor: str, reason: str) -> list[FlagState]:
        """Write `to_value` in all these scopes if the store still holds what was seen, or in none; returns the new states.

        Raises:
            SafetyRefusal: somebody changed one meanwhile. Ask again with what stands there now.
        """


class FlagProbes(Protocol):
    """Checks from outside whether a flag change took effect. No answer is a finding, never an exception."""

    def instances(self, flag: str, tenant_id: str, wanted: bool, *, once: bool = False) -> list[ProbeFinding] | None:
        """One finding per instance, after all serve `wanted` or the policy's time is up; None when the policy names none.

        With `once` each is asked only once.
        """

    def canary(self, flag: str, tenant_id: str, wanted: bool) -> ProbeFinding | None:
        """Send the canary; None when the policy names no canary for this scope."""

    def looks(self, flag: str) -> list[ProbeLook]:
        """What each probe of the flag shows now, for everyone: the instances, asked once, then the canary."""


class ValidationSource(Protocol):
    """The test environment, where a flag's effect is validated before it is enabled again."""

    def ask(self, flag: str) -> ProbeAnswer | None:
        """Ask the flag's probe now; None when the policy names none. A probe that does not answer has not passed."""


class Scheduler(Protocol):
    """Airflow's DAGs and their runs. Every method raises SourceUnavailable when Airflow does not answer."""

    def is_paused(self, dag_id: str) -> bool:
        """Whether this DAG is paused. Raises SourceUnavailable for an unknown DAG."""

    def queued(self, dag_id: str) -> int:
        """How many runs of this DAG are queued."""

    def ended(self, dag_id: str, run_ids: Sequence[str]) -> list[str]:
        """Those of these runs that have ended or were deleted."""
