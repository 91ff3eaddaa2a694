"""Findings about wallets, their reasons, and what may be done; domain/differences.py decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RowAction(str, Enum):
    """What may be done about a plan row."""

    #: needs no approval
    WRITE = "write"
    #: written only with a human's approval of the plan
    WRITE_APPROVED = "write_approved"
    #: never written: a human decides it on the platform
    HUMAN = "human"


class RowCause(str, Enum):
    """The finding about a player's wallet; domain/differences.py decides."""

    #: the player has no wallet row in the plan's currency
    MISSING = "missing"
    #: the wallet differs from the evidence
    STALE_WALLET = "stale_wallet"
    #: the player row itself is wrong: it lost an update that the ledger shows; the wallet gets what the ledger gives
    LOST_UPDATE = "lost_update"
    #: the evidence gives another amount, and does not explain the wallet's
    DISPUTED = "disputed"
    #: several explanations fit; never written
    UNEXPLAINED = "unexplained"
    #: an amount, a currency code or a ledger row can't be read; never written
    UNREADABLE = "unreadable"
    #: of plans made before targets were kept: a real credit above the player row; never written
    PROTECTED = "protected"

    @property
    def action(self) -> RowAction:
        """What may be done about a row of this cause."""
        if self in (RowCause.MISSING, RowCause.STALE_WALLET):
            return RowAction.WRITE
        return RowAction.WRITE_APPROVED if self in (RowCause.LOST_UPDATE, RowCause.DISPUTED) else RowAction.HUMAN

    @property
    def is_writable(self) -> bool:
        """Whether force may change such a row at all; guard state asks `ledger_guard.is_writable`, the same rule."""
        return self.action is not RowAction.HUMAN


class RowReason(str, Enum):
    """Why a row has its cause."""

    NO_WALLET = "no_wallet"
    #: the wallet is off by whole parts of the evidence
    ACCOUNTED = "accounted"
    #: the player's opening balance was noted, and the wallet holds less than follows from it
    NOTED = "noted"
    PLAYER_ROW = "player_row"
    UNACCOUNTED = "unaccounted"
    UNKNOWN_WORD = "unknown_word"
    BOOKED_TWICE = "booked_twice"
    NEGATIVE_OPENING = "negative_opening"
    NEGATIVE_TARGET = "negative_target"
    #: only the player row supports the increase
    UNSUPPORTED = "unsupported"
    #: the player row rose since the guard first saw it, and no ledger row explains it
    PLAYER_ROSE = "player_rose"
    OVERLAPPING_REQUESTS = "overlapping_requests"
    OVERLAPPING_HOLDS = "overlapping_holds"
    NO_MOVEMENT = "no_movement"
    UNREADABLE_PLAYER = "player"
    UNREADABLE_WALLET = "wallet"
    UNREADABLE_LEDGER = "ledger"
    CURRENCY_CODE = "currency"


@dataclass(frozen=True)
class DifferenceCounts:
    """A tenant's players and wallets, counted by finding."""

    missing: int = 0
    stale_wallet: int = 0
    lost_update: int = 0
    disputed: int = 0
    unexplained: int = 0
    unreadable: int = 0
    #: wallets that are right although the player row differs: money that only the wallet or only the player got
    protected: int = 0
    #: equal in cents, unequal as doubles: not counted as different
    float_noise: int = 0
    #: wallet rows in other currencies; left alone
    other_currency: int = 0
    #: wallet rows without a player; left alone
    orphan: int = 0
    #: player rows that lost an update, whatever their wallet holds; reported, never copied
    player_row_wrong: int = 0
    #: players without a wallet who have a bonus: the next grant overwrites it with a new wallet's
    missing_with_bonus: int = 0

    @property
    def repairable(self) -> int:
        """Rows that a forced backfill would change."""
        return self.missing + self.stale_wallet + self.lost_update + self.disputed

    @property
    def for_humans(self) -> int:
        """Rows that only a human may decide."""
        return self.unexplained + self.unreadable

    @property
    def findings(self) -> int:
        """Players whose wallet differs from the evidence or can't be judged: the count of a balance comparison."""
        return self.repairable + self.for_humans
