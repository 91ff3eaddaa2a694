"""Findings about wallets in words for people: counts, causes and the reason of one row."""

from __future__ import annotations

from ledger_guard.domain.findings import DifferenceCounts, RowCause, RowReason
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import PlanRow

#: by the name of the count, in display order; follows a number of wallets
_OF_WALLETS = {
    "missing": "missing",
    "stale_wallet": "not what the evidence gives",
    "lost_update": "whose player row lost an update",
    "disputed": "disputed",
    "unexplained": "unexplained, for a human",
    "unreadable": "unreadable, for a human",
}
_REASONS = {
    RowReason.NO_WALLET: "no wallet",
    RowReason.PLAYER_ROW: "the player row differs from the ledger: it lost an update",
    RowReason.UNKNOWN_WORD: "the ledger has a type, status or currency that the policy does not know",
    RowReason.BOOKED_TWICE: "one payment is booked twice on both sides, or with different amounts",
    RowReason.NEGATIVE_OPENING: "the ledger gives a balance below zero before its first row",
    RowReason.NEGATIVE_TARGET: "the evidence gives a balance below zero",
    RowReason.UNSUPPORTED: "only the player row supports the increase, and it may have been raised without a ledger row",
    RowReason.PLAYER_ROSE: "the player row rose since the guard first saw it, and no ledger row explains it",
    RowReason.OVERLAPPING_REQUESTS: "requests may have overlapped before any balance was noted, so an update may be lost",
    RowReason.OVERLAPPING_HOLDS: "withdrawals may have overlapped, so the player row may have lost one of them",
    RowReason.NO_MOVEMENT: "the ledger holds nothing about this player",
    RowReason.UNREADABLE_PLAYER: "the player row holds an amount that is not a number",
    RowReason.UNREADABLE_WALLET: "the wallet holds an amount that is not a number",
    RowReason.UNREADABLE_LEDGER: "a ledger row of this player has an amount, direction or date that can't be read",
    RowReason.CURRENCY_CODE: "there is a wallet under a currency code that only looks like the plan's",
    RowReason.UNACCOUNTED: "the evidence does not explain the wallet's amount",
}


def cause_in_words(cause: RowCause) -> str:
    """A cause, to follow a number of wallets."""
    return _OF_WALLETS.get(cause.value, "protected")


def counts_in_words(counts: DifferenceCounts) -> str:
    """`12 missing, 3 disputed`; empty when every wallet is right. Side counts are left out."""
    found = ((getattr(counts, name), words) for name, words in _OF_WALLETS.items())
    return ", ".join(f"{number} {words}" for number, words in found if number)


def why(row: PlanRow) -> str:
    """Why a wallet should hold another amount, in one sentence, with its sums."""
    parts = [
        (row.wallet_only, "only the wallet gets {}"),
        (row.player_only, "only the player got {}"),
        (row.counted_twice, "booked more than once: {}"),
        (row.other_currencies, "in other currencies: {}"),
        (row.opening, "before the ledger: {}"),
    ]
    sums = [words.format(readable(cents, row.currency)) for cents, words in parts if cents]
    reason = _REASONS.get(row.reason) if row.reason else None
    return "; ".join(filter(None, (reason, *sums))) or "the wallet differs from the player row"
