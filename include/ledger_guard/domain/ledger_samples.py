"""What the words of a ledger are learnt from: players with their rows, balances that transactions noted, and their wallets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from ledger_guard.domain.money import Cents

#: a type with a status
Word = tuple[str, str]


class Factor(str, Enum):
    """Which part of a row's amount a balance gets; by_direction: credit adds it, debit takes it."""

    NONE = "0"
    BY_DIRECTION = "by_direction"
    PLUS = "1"
    MINUS = "-1"
    HALF = "0.5"
    MINUS_HALF = "-0.5"

    def of(self, row: WordRow) -> float:
        """The cents of a row that a balance gets."""
        if self is Factor.BY_DIRECTION:
            return row.cents if row.is_credit else -row.cents
        return float(self.value) * row.cents


@dataclass(frozen=True)
class WordRow:
    """A ledger row in the plan's currency."""

    word: Word
    is_credit: bool
    cents: Cents
    booked_at: datetime
    tx_id: str | None = None


@dataclass(frozen=True)
class WordNote:
    """A noted balance: what the player had before the transaction, and what that moved of available."""

    transaction_id: str
    noted_at: datetime
    #: available before it, or that and what was held where `is_total`
    before: Cents
    moved_available: Cents
    is_total: bool


@dataclass(frozen=True)
class SampledPlayer:
    """One player with everything that can be known of it; wallet None where there is none."""

    available: Cents
    held: Cents
    wallet: tuple[Cents, Cents] | None
    rows: Sequence[WordRow] = ()
    notes: Sequence[WordNote] = ()
