"""Plans: the exact wallet rows a backfill would change, and the rules about them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal
from ledger_guard.domain.findings import DifferenceCounts, RowAction, RowCause, RowReason
from ledger_guard.domain.money import Cents


class BackfillMode(str, Enum):
    """What a backfill may change, named as the platform's script does."""

    #: only rows that do not exist yet
    CREATE_MISSING = "create-missing"
    #: missing rows, and rows that differ
    FORCE = "force"

    @classmethod
    def parse(cls, word: object) -> BackfillMode:
        """Read a mode; raises BadInputError for any other word."""
        for mode in cls:
            if word in (mode, mode.value):
                return mode
        raise BadInputError(f"mode: {str(word)[:60]!r} is unknown; allowed: {', '.join(m.value for m in cls)}")


class RowState(str, Enum):
    """What became of a plan row."""

    PLANNED = "planned"
    #: set aside: never written
    SET_ASIDE = "set_aside"
    #: the write is announced (guard state in a database of its own only)
    INTENDED = "intended"
    APPLIED = "applied"
    #: player or wallet was no longer what the plan saw; left alone
    DRIFTED = "drifted"
    #: undone: the before-values stand again
    RESTORED = "restored"
    #: an undo found a value that force did not write; left alone
    KEPT = "kept"


@dataclass(frozen=True)
class PlanRow:
    """One wallet row, as the dry-run saw it and as force would leave it. Amounts in cents."""

    player_id: str
    currency: str
    cause: RowCause
    player_available: Cents
    player_held: Cents
    #: None when the wallet row is missing
    wallet_available: Cents | None
    wallet_pending: Cents | None
    #: what the evidence gives: what force writes
    target_available: Cents
    target_pending: Cents
    #: None in plans made before targets were kept
    reason: RowReason | None = None
    #: the evidence, available and held together: before the first ledger row; what only the wallet got; what only the player
    #: got; booked more than once; in other currencies (see domain/ledger_evidence.py)
    opening: Cents = 0
    wallet_only: Cents = 0
    player_only: Cents = 0
    counted_twice: Cents = 0
    other_currencies: Cents = 0
    state: RowState = RowState.PLANNED

    @property
    def delta(self) -> Cents:
        """What force would add to the wallet (available and pending together); negative where it would take away."""
        return self.target_available + self.target_pending - (self.wallet_available or 0) - (self.wallet_pending or 0)

    @property
    def moved(self) -> Cents:
        """What force would change in the wallet's two amounts, each taken by itself: >= 0."""
        return abs(self.target_available - (self.wallet_available or 0)) + abs(self.target_pending - (self.wallet_pending or 0))


@dataclass(frozen=True)
class CentTotals:
    """What force would move, in cents, each >= 0."""

    created: Cents = 0
    increased: Cents = 0
    decreased: Cents = 0
    #: bonus that players lose at their next grant, because created wallets begin with none
    bonus_lost: Cents = 0


@dataclass(frozen=True)
class WriteTotals:
    """What force would do to a plan's writable rows, all together: what the guardrails are held against. Each >= 0."""

    rows: int = 0
    #: rows that are written only with approval
    disputed_rows: int = 0
    #: amounts moved, in cents: of all rows, and of the row that moves most (see `PlanRow.moved`)
    total_delta_cents: Cents = 0
    single_delta_cents: Cents = 0


NOTHING_WRITTEN = WriteTotals()


@dataclass(frozen=True)
class PlanContent:
    """A plan's rows as they are stored now, boiled down."""

    #: SHA-256 over the rows' lines (plan_rows.py)
    rows_hash: str
    totals: WriteTotals


class PlanStatus(str, Enum):
    """`planned → forcing → forced`, and `undoing → undone`."""

    PLANNED = "planned"
    FORCING = "forcing"
    FORCED = "forced"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True)
class Plan:
    """What a dry-run leaves behind."""

    plan_id: str
    plan_hash: str
    tenant_id: str
    mode: BackfillMode
    currency: str
    counts: DifferenceCounts
    cents: CentTotals
    #: players of the tenant when the plan was made
    players: int
    #: sentences, one a guardrail that the plan exceeds; empty means that force may go by itself
    guardrails_exceeded: tuple[str, ...]
    #: effective value of each flag for this tenant when the plan was made; None where it was not known
    flag_state: dict[str, bool | None]
    policy_hash: str
    created_at: datetime
    expires_at: datetime
    requested_by: str
    incident_id: str | None = None
    status: PlanStatus = PlanStatus.PLANNED
    rows: tuple[PlanRow, ...] = field(default=(), repr=False)

    @property
    def within_guardrails(self) -> bool:
        """Whether force needs no human."""
        return not self.guardrails_exceeded

    def check_hash(self, stored: PlanContent) -> None:
        """Raise LedgerInvariantError when the stored rows are not those the hash was made of: somebody edited the plan."""
        found = plan_hash(
            self.tenant_id, self.mode, self.currency, stored.rows_hash, self.flag_state, policy_hash=self.policy_hash
        )
        if found != self.plan_hash:
            raise LedgerInvariantError(
                f"plan {self.plan_id}: its rows hash to {found[:12]}, not to the stored {self.plan_hash[:12]}: the plan was "
                "changed after the dry-run; make a new one"
            )


def plan_hash(
    tenant_id: str, mode: BackfillMode, currency: str, rows_hash: str, flag_state: dict[str, bool | None], *, policy_hash: str
) -> str:
    """SHA-256 over what an approver agrees to. Same data, same hash."""
    content = [tenant_id, mode.value, currency, rows_hash, sorted(flag_state.items()), policy_hash]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def write_totals(rows: Iterable[PlanRow]) -> WriteTotals:
    """Add up the writable ones of `rows`."""
    writable = [row for row in rows if row.cause.is_writable]
    moved = [row.moved for row in writable]
    return WriteTotals(
        rows=len(writable),
        disputed_rows=sum(row.cause.action is RowAction.WRITE_APPROVED for row in writable),
        total_delta_cents=sum(moved),
        single_delta_cents=max(moved, default=0),
    )


def require_forceable(plan: Plan) -> None:
    """Raise SafetyRefusal when the plan was undone, even in part: what it saw is long gone."""
    if plan.status in (PlanStatus.UNDOING, PlanStatus.UNDONE):
        raise SafetyRefusal(f"plan {plan.plan_id}: is {plan.status.value} and can't be forced again; make a new dry-run")


def require_undoable(plan: Plan) -> None:
    """Raise BadInputError when force never began to carry out the plan."""
    if plan.status is PlanStatus.PLANNED:
        raise BadInputError(
            f"plan {plan.plan_id}: was never forced, so there is nothing to undo; allowed: a plan that was forced"
        )


@dataclass(frozen=True)
class ForceOutcome:
    """What a force run did; `applied` counts this run, `already_applied` earlier ones."""

    applied: int
    drifted: int
    already_applied: int


@dataclass(frozen=True)
class UndoOutcome:
    """What an undo did: rows given back, and rows kept because they changed since."""

    restored: int
    kept: int
