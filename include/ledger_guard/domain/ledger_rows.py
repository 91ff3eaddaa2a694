"""Rows of the platform's ledger and transactions, as they stand there; amounts in whole units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger_guard.domain.ledger_evidence import Amounts
from ledger_guard.domain.windows import iso


@dataclass(frozen=True)
class LedgerRow:
    """One row of the ledger."""

    type: str
    direction: str
    amount: float
    #: None: not a date that can be read (null, an infinity); such a row proves nothing
    created_at: datetime | None
    currency: str | None = "USD"
    status: str | None = "completed"
    tx_id: str | None = None
    provider_ref: str | None = None


@dataclass(frozen=True)
class TransactionRow:
    """One transaction, with the player's balance that it noted."""

    id: str
    type: str
    amount: float
    balance_after: float
    created_at: datetime | None
    currency: str = "USD"
    provider: str | None = None


@dataclass(frozen=True)
class BookedMovement:
    """A ledger row with what it moved by the policy's words, for people."""

    row: LedgerRow
    #: whose balances it moved: both, wallet, player, nothing or unknown
    side: str
    #: what it moved of available and held, in cents; None where it can't be read
    moved: Amounts | None


def when_booked(row: LedgerRow) -> str:
    """The row's moment for people."""
    return "without a date" if row.created_at is None else iso(row.created_at)
