"""The money rule as a table: what stands in the platform's rows, and what is right. Memory and Postgres are held to it alike.

Every row of ledger and transactions is written as the platform books it; the policy is the shipped one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from ledger_guard.domain.findings import RowCause, RowReason
from ledger_guard.domain.ledger_rows import LedgerRow, TransactionRow

START = datetime(2026, 2, 1, 9, 0, tzinfo=timezone.utc)
RIGHT = None


@dataclass(frozen=True)
class MoneyCase:
    """One player: rows in whole units, the target in cents."""

    name: str
    player: tuple[float | None, float | None]
    #: None: no wallet
    wallet: tuple[float | None, float | None] | None
    ledger: tuple[LedgerRow, ...] = ()
    transactions: tuple[TransactionRow, ...] = ()
    #: cause and reason, or RIGHT
    finding: tuple[RowCause, RowReason] | None = RIGHT
    target: tuple[int, int] | None = None
    #: currency → available, of further wallets
    other_wallets: tuple[tuple[str, float], ...] = ()
    player_row_wrong: bool = False
    #: what the guard saw first of what the player held before the ledger, in cents
    seen_opening: tuple[int, int] | None = None


def at(minutes: float) -> datetime:
    """A moment of the case."""
    return START + timedelta(minutes=minutes)


def hook(amount: float, minutes: float, tx_id: str | None = None, currency: str = "USD") -> LedgerRow:
    """A provider's deposit webhook: only the wallet gets it."""
    return LedgerRow("deposit", "credit", amount, at(minutes), currency, "deposit_captured", tx_id or f"psp-{minutes}")


def payout_hook(amount: float, minutes: float, tx_id: str) -> LedgerRow:
    """A provider's payout webhook: only the wallet's pending falls."""
    return LedgerRow("withdraw", "debit", amount, at(minutes), "USD", "withdraw_paid", tx_id)


def both(
    status: str, direction: str, amount: float, minutes: float, tx_id: str | None = None, currency: str = "USD"
) -> LedgerRow:
    """A row of the platform's own wallet service: player and wallet get it."""
    return LedgerRow("wallet", direction, amount, at(minutes), currency, status, tx_id)


def card(amount: float, minutes: float, tx_id: str) -> LedgerRow:
    """A captured card deposit."""
    return both("deposit_succeeded", "credit", amount, minutes, tx_id)


def undated(row: LedgerRow) -> LedgerRow:
    """The same row, dated by no date; on Postgres infinity, which can be neither subtracted nor read."""
    return replace(row, created_at=None)


def requested(amount: float, minutes: float, tx_id: str) -> LedgerRow:
    """A withdrawal of `amount`, booked as the platform does: twice the amount, as a credit."""
    return both("withdraw_requested", "credit", 2 * amount, minutes, tx_id)


def poker(kind: str, amount: float, minutes: float) -> LedgerRow:
    """A hand of poker: only the player gets it."""
    return LedgerRow(f"poker_{kind}", "credit" if kind == "win" else "debit", amount, at(minutes), "USD", "success", None)


def card_note(tx_id: str, amount: float, balance_after: float, minutes: float) -> TransactionRow:
    """What a card deposit noted: available before it, and the deposit."""
    return TransactionRow(tx_id, "deposit", amount, balance_after, at(minutes))


def request_note(tx_id: str, amount: float, balance_after: float, minutes: float) -> TransactionRow:
    """What a withdrawal noted: available after it, and what was held before it."""
    return TransactionRow(tx_id, "withdrawal", amount, balance_after, at(minutes))


STALE = (RowCause.STALE_WALLET, RowReason.ACCOUNTED)
DISPUTED = (RowCause.DISPUTED, RowReason.UNACCOUNTED)
ROSE = (RowCause.UNEXPLAINED, RowReason.PLAYER_ROSE)
LOST = (RowCause.LOST_UPDATE, RowReason.PLAYER_ROW)


def unexplained(reason: RowReason) -> tuple[RowCause, RowReason]:
    return RowCause.UNEXPLAINED, reason


def unreadable(reason: RowReason) -> tuple[RowCause, RowReason]:
    return RowCause.UNREADABLE, reason


CASES = (
    MoneyCase("nothing ever happened", (100.0, 0.0), (100.0, 0.0)),
    MoneyCase("float noise is no difference", (0.3, 0.0), (0.1 + 0.2, 0.0)),
    MoneyCase(
        "legacy player without a wallet", (100.0, 5.0), None, finding=(RowCause.MISSING, RowReason.NO_WALLET), target=(10000, 500)
    ),
    MoneyCase(
        "a webhook without a wallet to show for it",
        (100.0, 0.0),
        None,
        (hook(25, 1),),
        finding=(RowCause.MISSING, RowReason.NO_WALLET),
        target=(12500, 0),
    ),
    # born from 0, the commonest hurt: player 100, webhook 25, so 125; neither 25 nor 100
    MoneyCase("wallet born from 0 by a webhook", (100.0, 0.0), (25.0, 0.0), (hook(25, 1),), finding=STALE, target=(12500, 0)),
    MoneyCase("the same, legacy money held", (60.0, 40.0), (25.0, 0.0), (hook(25, 1),), finding=STALE, target=(8500, 4000)),
    MoneyCase(
        "born from 0, then moved by both sides",
        (90.0, 10.0),
        (15.0, 10.0),
        (hook(25, 1), requested(10, 2, "w1")),
        finding=STALE,
        target=(11500, 1000),
    ),
    MoneyCase("born from the player, then a webhook", (100.0, 0.0), (125.0, 0.0), (hook(25, 1),)),
    MoneyCase("new player whose only money came by webhook", (0.0, 0.0), (25.0, 0.0), (hook(25, 1),)),
    # shadow write off, or the script's force: player and wallet are equal and both wrong
    MoneyCase("a paid deposit in neither row", (100.0, 0.0), (100.0, 0.0), (hook(25, 1),), finding=STALE, target=(12500, 0)),
    MoneyCase(
        "one webhook of three lost in a race, nothing noted",
        (100.0, 0.0),
        (115.0, 0.0),
        (hook(5, 1), hook(10, 2), hook(10, 3)),
        finding=DISPUTED,
        target=(12500, 0),
    ),
    MoneyCase(
        "one webhook of three lost in a race, nothing there before the ledger",
        (0.0, 0.0),
        (15.0, 0.0),
        (hook(5, 1), hook(10, 2), hook(10, 3)),
        finding=DISPUTED,
        target=(2500, 0),
    ),
    MoneyCase(
        "one webhook of three lost in a race, the opening noted",
        (110.0, 0.0),
        (125.0, 0.0),
        (card(10, 0, "t1"), hook(5, 1), hook(10, 2), hook(10, 3)),
        (card_note("t1", 10, 110.0, 0),),
        finding=(RowCause.STALE_WALLET, RowReason.NOTED),
        target=(13500, 0),
    ),
    MoneyCase("VIP money in the wallet", (100.0, 0.0), (107.5, 0.0), (LedgerRow("adjustment", "credit", 7.5, at(1)),)),
    MoneyCase(
        "a lost dispute with its fee",
        (100.0, 0.0),
        (65.0, 0.0),
        (LedgerRow("chargeback", "debit", 20.0, at(1)), LedgerRow("chargeback_fee", "debit", 15.0, at(1))),
    ),
    MoneyCase(
        "tournament re-entry",
        (100.0, 0.0),
        (100.0, 0.0),
        (LedgerRow("mtt_reentry", "debit", 5.0, at(1)),),
        finding=STALE,
        target=(9500, 0),
    ),
    # player-only money
    MoneyCase(
        "poker never reached the wallet", (93.0, 0.0), (100.0, 0.0), (poker("bet", 7, 1),), finding=STALE, target=(9300, 0)
    ),
    MoneyCase("poker won, wallet born afterwards", (107.0, 0.0), (107.0, 0.0), (poker("win", 7, 1),)),
    MoneyCase(
        "poker and a webhook", (93.0, 0.0), (125.0, 0.0), (hook(25, 1), poker("bet", 7, 2)), finding=STALE, target=(11800, 0)
    ),
    MoneyCase(
        "the house's rake moves nobody",
        (100.0, 0.0),
        (100.0, 0.0),
        (LedgerRow("poker_rake", "credit", 3.0, at(1), "USD", "revenue"),),
    ),
    # odd bookings
    MoneyCase("a withdrawal is booked as twice its amount", (90.0, 10.0), (90.0, 10.0), (requested(10, 1, "w1"),)),
    MoneyCase(
        "request, rejection and payment move held as they should",
        (90.0, 0.0),
        (25.0 + 90.0, 0.0),
        (
            hook(25, 1),
            requested(10, 2, "w1"),
            both("withdraw_rejected", "credit", 20, 3, "w1"),
            requested(10, 4, "w2"),
            both("withdraw_paid", "debit", 10, 5, "w2"),
        ),
    ),
    MoneyCase(
        "half a cent is no amount",
        (90.0, 10.0),
        (80.0, 10.0),
        (both("withdraw_requested", "credit", 20.01, 1, "w1"),),
        finding=unreadable(RowReason.UNREADABLE_LEDGER),
    ),
    MoneyCase(
        "a bet counts by its real part",
        (97.8, 0.0),
        (97.8, 0.0),
        (LedgerRow("wallet", "debit", 12.2, at(1), "USD", "game_bet", None, "bonus:10.0|real:2.1999999999999993"),),
    ),
    MoneyCase(
        "a bet whose real part is not told",
        (97.8, 0.0),
        (90.0, 0.0),
        (LedgerRow("wallet", "debit", 12.2, at(1), "USD", "game_bet", None, "bonus:10.0"),),
        finding=unreadable(RowReason.UNREADABLE_LEDGER),
    ),
    MoneyCase("a bonus grant moves no real money", (100.0, 0.0), (100.0, 0.0), (both("bonus_granted", "credit", 50, 1),)),
    MoneyCase(
        "paid by webhook",
        (90.0, 10.0),
        (90.0, 0.0),
        (requested(10, 1, "w1"), payout_hook(10, 2, "w1")),
    ),
    MoneyCase(
        "paid by webhook, the wallet still holds it",
        (90.0, 10.0),
        (90.0, 10.0),
        (requested(10, 1, "w1"), payout_hook(10, 2, "w1")),
        finding=STALE,
        target=(9000, 0),
    ),
    # one payment counts once
    MoneyCase(
        "paid by webhook and by an operator",
        (90.0, 0.0),
        (90.0, -10.0),
        (requested(10, 1, "w1"), payout_hook(10, 2, "w1"), both("withdraw_paid", "debit", 10, 3, "w1")),
        finding=STALE,
        target=(9000, 0),
    ),
    MoneyCase(
        "a card deposit that a webhook names too",
        (110.0, 0.0),
        (120.0, 0.0),
        (card(10, 1, "t1"), hook(10, 2, "t1")),
        (card_note("t1", 10, 110.0, 1),),
        finding=STALE,
        target=(11000, 0),
    ),
    MoneyCase(
        "two webhooks of one payment",
        (100.0, 0.0),
        (150.0, 0.0),
        (hook(25, 1, "psp"), hook(25, 2, "psp")),
        finding=STALE,
        target=(12500, 0),
    ),
    MoneyCase(
        "two webhooks of one payment with other amounts",
        (100.0, 0.0),
        (150.0, 0.0),
        (hook(25, 1, "psp"), hook(26, 2, "psp")),
        finding=unexplained(RowReason.BOOKED_TWICE),
    ),
    MoneyCase(
        "an operator paid twice",
        (90.0, -10.0),
        (90.0, 0.0),
        (requested(10, 1, "w1"), both("withdraw_paid", "debit", 10, 2, "w1"), both("withdraw_paid", "debit", 10, 3, "w1")),
        finding=unexplained(RowReason.BOOKED_TWICE),
    ),
    # other currencies
    MoneyCase(
        "the player row adds up euros",
        (140.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", 40, 1, None, "EUR"),),
        other_wallets=(("EUR", 40.0),),
    ),
    MoneyCase(
        "a wallet created from a player row with euros in it",
        (140.0, 0.0),
        None,
        (both("manual_credit", "credit", 40, 1, None, "EUR"),),
        finding=(RowCause.MISSING, RowReason.NO_WALLET),
        target=(10000, 0),
    ),
    MoneyCase(
        "a euro webhook under a dollar payment's id is another payment",
        (100.0, 0.0),
        (125.0, 0.0),
        (hook(25, 1, "e1"), hook(25, 2, "e1", "EUR")),
    ),
    MoneyCase(
        "a withdrawal in euros holds none of the dollar wallet's money",
        (90.0, 10.0),
        None,
        (both("withdraw_requested", "credit", 20, 1, "w1", "EUR"),),
        finding=(RowCause.MISSING, RowReason.NO_WALLET),
        target=(10000, 0),
    ),
    MoneyCase("a euro webhook is none of the dollar wallet's", (100.0, 0.0), (100.0, 0.0), (hook(25, 1, None, "EUR"),)),
    MoneyCase(
        "a wallet under 'usd'", (100.0, 0.0), None, other_wallets=(("usd", 100.0),), finding=unreadable(RowReason.CURRENCY_CODE)
    ),
    MoneyCase(
        "a ledger row under ' USD'",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", 5, 1, None, "usd"),),
        finding=unexplained(RowReason.UNKNOWN_WORD),
    ),
    # the player row itself is wrong
    MoneyCase(
        "lost update on the player, wallet right",
        (130.0, 0.0),
        (160.0, 0.0),
        (card(30, 1, "t1"), card(30, 2, "t2")),
        (card_note("t1", 30, 130.0, 1), card_note("t2", 30, 130.0, 2)),
        player_row_wrong=True,
    ),
    MoneyCase(
        "lost update on the player, wallet born from 0",
        (130.0, 0.0),
        (60.0, 0.0),
        (card(30, 1, "t1"), card(30, 2, "t2")),
        (card_note("t1", 30, 130.0, 1), card_note("t2", 30, 130.0, 2)),
        finding=LOST,
        target=(16000, 0),
        player_row_wrong=True,
    ),
    MoneyCase(
        "lost update on the player, no wallet",
        (130.0, 0.0),
        None,
        (card(30, 1, "t1"), card(30, 2, "t2")),
        (card_note("t1", 30, 130.0, 1), card_note("t2", 30, 130.0, 2)),
        finding=LOST,
        target=(16000, 0),
        player_row_wrong=True,
    ),
    MoneyCase(
        "a player row raised without a movement",
        (150.0, 0.0),
        (100.0, 0.0),
        (card(30, 1, "t1"),),
        (card_note("t1", 30, 100.0, 1),),
        player_row_wrong=True,
    ),
    MoneyCase(
        "the first note is a withdrawal's, with money held before",
        (280.0, 60.0),
        (280.0, 60.0),
        (requested(20, 1, "w1"),),
        (request_note("w1", 20, 320.0, 1),),
    ),
    MoneyCase(
        "the first note is a withdrawal's, after a payout of what was held before the ledger",
        (280.0, 50.0),
        (280.0, 50.0),
        (both("withdraw_paid", "debit", 20, 0, "w0"), requested(20, 10, "w1")),
        (request_note("w1", 20, 310.0, 10),),
    ),
    MoneyCase(
        "held lost an update that a withdrawal's note shows",
        (280.0, 80.0),
        (280.0, 80.0),
        (card(20, 0, "t1"), requested(20, 1, "w1"), requested(20, 10, "w2")),
        (card_note("t1", 20, 320.0, 0), request_note("w1", 20, 360.0, 1)),
        finding=LOST,
        target=(28000, 10000),
        player_row_wrong=True,
    ),
    MoneyCase(
        "a webhook's transaction notes nothing",
        (100.0, 0.0),
        (125.0, 0.0),
        (hook(25, 1, "e1"),),
        (TransactionRow("e1", "deposit", 25, 0.0, at(1), provider="mockpsp"),),
    ),
    MoneyCase(
        "a deposit that was never booked notes nothing",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", 5, 1),),
        (card_note("t9", 30, 999.0, 0),),
    ),
    MoneyCase(
        "a hand of poker notes the balance without being booked under an id",
        (107.0, 0.0),
        (50.0, 0.0),
        (poker("win", 7, 1), both("manual_debit", "debit", 50, 9)),
        (TransactionRow("k1", "poker_win", 7, 107.0, at(1)),),
        finding=LOST,
        target=(5700, 0),
        player_row_wrong=True,
    ),
    MoneyCase(
        "a balance that is no number notes nothing",
        (110.0, 0.0),
        (110.0, 0.0),
        (card(10, 1, "t1"),),
        (card_note("t1", 10, math.nan, 1),),
    ),
    # a player row that was raised by hand: nothing in the ledger, nothing noted
    MoneyCase(
        "raised, the wallet made from the player row by a credit of both sides",
        (600.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", 100, 1),),
        finding=unexplained(RowReason.UNSUPPORTED),
    ),
    MoneyCase(
        "raised by a cent more than the poker that may have never reached the wallet",
        (157.01, 0.0),
        (150.0, 0.0),
        (both("manual_credit", "credit", 50, 1), poker("win", 7, 2)),
        finding=unexplained(RowReason.UNSUPPORTED),
    ),
    MoneyCase(
        "raised by a cent more than the webhooks that may have never reached the wallet",
        (100.0, 0.0),
        (99.99, 0.0),
        (hook(25, 1),),
        finding=unexplained(RowReason.UNSUPPORTED),
    ),
    MoneyCase(
        "by a cent less than the webhooks that may have never reached the wallet",
        (100.0, 0.0),
        (100.01, 0.0),
        (hook(25, 1),),
        finding=DISPUTED,
        target=(12500, 0),
    ),
    MoneyCase(
        "what is held raised, available noted",
        (110.0, 50.0),
        (110.0, 0.0),
        (card(10, 1, "t1"),),
        (card_note("t1", 10, 110.0, 1),),
        finding=unexplained(RowReason.UNSUPPORTED),
    ),
    MoneyCase(
        "raised since the guard saw it first, and just as if the wallet were born from 0",
        (500.0, 0.0),
        (25.0, 0.0),
        (hook(25, 1),),
        finding=ROSE,
        target=(52500, 0),
        seen_opening=(0, 0),
    ),
    MoneyCase(
        "raised since the guard saw it first, by what the webhook brought",
        (25.0, 0.0),
        (25.0, 0.0),
        (hook(25, 1),),
        finding=ROSE,
        target=(5000, 0),
        seen_opening=(0, 0),
    ),
    MoneyCase("raised by a cent since, no wallet and no ledger row", (100.01, 0.0), None, finding=ROSE, seen_opening=(10000, 0)),
    MoneyCase("what is held raised since, no wallet", (100.0, 0.01), None, finding=ROSE, seen_opening=(10000, 0)),
    MoneyCase(
        "a legacy player without a wallet, seen before",
        (100.0, 0.0),
        None,
        finding=(RowCause.MISSING, RowReason.NO_WALLET),
        seen_opening=(10000, 0),
    ),
    MoneyCase(
        "lowered by hand since the guard saw it first",
        (99.99, 0.0),
        None,
        finding=(RowCause.MISSING, RowReason.NO_WALLET),
        seen_opening=(10000, 0),
    ),
    MoneyCase(
        "born from 0, seen before with its legacy money",
        (100.0, 0.0),
        (25.0, 0.0),
        (hook(25, 1),),
        finding=STALE,
        target=(12500, 0),
        seen_opening=(10000, 0),
    ),
    MoneyCase(
        "paid in by the ledger since the guard saw it first",
        (140.0, 0.0),
        (65.0, 0.0),
        (hook(25, 1), both("manual_credit", "credit", 40, 2)),
        finding=STALE,
        target=(16500, 0),
        seen_opening=(10000, 0),
    ),
    MoneyCase("raised, player and wallet alike: no movement is asked for", (500.0, 0.0), (500.0, 0.0), seen_opening=(100, 0)),
    # several readings fit: a human
    MoneyCase(
        "requests may have overlapped and nothing was noted",
        (115.0, 0.0),
        (110.0, 0.0),
        (both("manual_credit", "credit", 5, 1), both("manual_credit", "credit", 10, 1.05)),
        finding=unexplained(RowReason.OVERLAPPING_REQUESTS),
    ),
    MoneyCase(
        "requests five seconds apart did not overlap",
        (115.0, 0.0),
        (20.0, 0.0),
        (hook(5, 0), both("manual_credit", "credit", 5, 1), both("manual_credit", "credit", 10, 1 + 5 / 60)),
        finding=STALE,
        target=(12000, 0),
    ),
    MoneyCase(
        "requests that may have overlapped, player and wallet agreeing",
        (115.0, 0.0),
        (115.0, 0.0),
        (both("manual_credit", "credit", 5, 1), both("manual_credit", "credit", 10, 1.05)),
    ),
    MoneyCase(
        "overlapping requests after the first note are replayed",
        (140.0, 0.0),
        (40.0, 0.0),
        (card(30, 1, "t1"), both("manual_credit", "credit", 5, 2), both("manual_credit", "credit", 5, 2.01)),
        (card_note("t1", 30, 130.0, 1),),
        finding=STALE,
        target=(14000, 0),
    ),
    MoneyCase(
        "a lost update among requests that moved what is held",
        (90.0, 50.0),
        (0.0, 0.0),
        (card(10, 1, "t1"), requested(20, 2, "w1"), requested(20, 2.01, "w2")),
        (card_note("t1", 10, 110.0, 1),),
        finding=unexplained(RowReason.OVERLAPPING_HOLDS),
        player_row_wrong=True,
    ),
    MoneyCase(
        "a lost update beside withdrawals five seconds apart, which did not overlap",
        (90.0, 50.0),
        (0.0, 0.0),
        (card(10, 1, "t1"), requested(20, 2, "w1"), requested(20, 2 + 5 / 60, "w2")),
        (card_note("t1", 10, 110.0, 1),),
        finding=LOST,
        target=(7000, 5000),
        player_row_wrong=True,
    ),
    MoneyCase(
        "two withdrawals at once, the first of which is the first note",
        (80.0, 70.0),
        (0.0, 0.0),
        (requested(10, 1, "w1"), requested(20, 1.01, "w2")),
        (request_note("w1", 10, 140.0, 1), request_note("w2", 20, 130.0, 1.01)),
        finding=unexplained(RowReason.OVERLAPPING_HOLDS),
    ),
    MoneyCase(
        "a request booked at the very moment of the first note, which holds it already",
        (130.0, 0.0),
        (130.0, 0.0),
        (both("manual_credit", "credit", 20, 1, "c1"), card(10, 1, "t1")),
        (card_note("t1", 10, 130.0, 1),),
        finding=unexplained(RowReason.OVERLAPPING_REQUESTS),
        player_row_wrong=True,
    ),
    MoneyCase(
        "a type nobody knows",
        (100.0, 0.0),
        (100.0, 0.0),
        (LedgerRow("cashback", "credit", 5.0, at(1)),),
        finding=unexplained(RowReason.UNKNOWN_WORD),
    ),
    MoneyCase(
        "a status nobody knows",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("deposit_pending_review", "credit", 5, 1),),
        finding=unexplained(RowReason.UNKNOWN_WORD),
    ),
    MoneyCase(
        "a wallet that differs, and no movement at all", (100.0, 0.0), (40.0, 0.0), finding=unexplained(RowReason.NO_MOVEMENT)
    ),
    MoneyCase(
        "the evidence gives less than nothing",
        (0.0, 0.0),
        (5.0, 0.0),
        (LedgerRow("chargeback", "debit", 20.0, at(1)),),
        finding=unexplained(RowReason.NEGATIVE_TARGET),
    ),
    MoneyCase(
        "the ledger gives less than nothing at first",
        (10.0, 0.0),
        (0.0, 0.0),
        (both("manual_credit", "credit", 30, 1),),
        finding=unexplained(RowReason.NEGATIVE_OPENING),
    ),
    MoneyCase(
        "the ledger gives less than nothing held at first",
        (100.0, 0.0),
        (0.0, 0.0),
        (requested(10, 1, "w1"),),
        finding=unexplained(RowReason.NEGATIVE_OPENING),
    ),
    MoneyCase(
        "a payout of which nothing was held",
        (100.0, 0.0),
        (100.0, 0.0),
        (payout_hook(10, 1, "w1"),),
        finding=unexplained(RowReason.NEGATIVE_TARGET),
    ),
    MoneyCase(
        "available and held changed places, by a noted balance",
        (90.0, 40.0),
        (100.0, 30.0),
        (card(10, 1, "t1"),),
        (card_note("t1", 10, 90.0, 1),),
        finding=unexplained(RowReason.UNSUPPORTED),
        target=(9000, 4000),
    ),
    MoneyCase(
        "a cent more than follows from a noted balance",
        (90.0, 40.0),
        (100.01, 30.0),
        (card(10, 1, "t1"),),
        (card_note("t1", 10, 90.0, 1),),
        finding=unexplained(RowReason.UNSUPPORTED),
        target=(9000, 4000),
    ),
    MoneyCase(
        "two webhooks of one payout with other amounts",
        (100.0, 30.0),
        (100.0, 8.0),
        (payout_hook(10, 1, "w1"), payout_hook(12, 2, "w1")),
        finding=unexplained(RowReason.BOOKED_TWICE),
    ),
    MoneyCase(
        "a wallet above the evidence that nothing accounts for",
        (100.0, 0.0),
        (133.0, 0.0),
        (both("manual_credit", "credit", 5, 1),),
        finding=DISPUTED,
        target=(10000, 0),
    ),
    MoneyCase("a wallet below zero that the ledger gives", (-5.0, 0.0), (-5.0, 0.0), (both("chargeback", "debit", 25, 1),)),
    # unreadable: a finding of its own
    MoneyCase("the wallet is NaN", (100.0, 0.0), (math.nan, 0.0), finding=unreadable(RowReason.UNREADABLE_WALLET)),
    MoneyCase(
        "the wallet's pending is infinite", (100.0, 0.0), (100.0, math.inf), finding=unreadable(RowReason.UNREADABLE_WALLET)
    ),
    MoneyCase("both are NaN", (math.nan, 0.0), (math.nan, 0.0), finding=unreadable(RowReason.UNREADABLE_PLAYER)),
    MoneyCase("the player is infinite, no wallet", (-math.inf, 0.0), None, finding=unreadable(RowReason.UNREADABLE_PLAYER)),
    MoneyCase("too large for cents to mean anything", (1e13, 0.0), (1e13, 0.0), finding=unreadable(RowReason.UNREADABLE_PLAYER)),
    MoneyCase(
        "a ledger row without a readable amount",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", math.nan, 1),),
        finding=unreadable(RowReason.UNREADABLE_LEDGER),
    ),
    MoneyCase(
        "a ledger row without a date",
        (105.0, 0.0),
        (105.0, 0.0),
        (both("manual_credit", "credit", 5, 1), undated(both("manual_credit", "credit", 5, 1)), undated(requested(5, 1, "w1"))),
        finding=unreadable(RowReason.UNREADABLE_LEDGER),
    ),
    MoneyCase(
        "a note without a date proves nothing",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", 5, 1),),
        (TransactionRow("k1", "poker_win", 7, 999.0, None),),
    ),
    MoneyCase(
        "a ledger row below zero",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "credit", -5, 1),),
        finding=unreadable(RowReason.UNREADABLE_LEDGER),
    ),
    MoneyCase(
        "a ledger row that goes sideways",
        (100.0, 0.0),
        (100.0, 0.0),
        (both("manual_credit", "sideways", 5, 1),),
        finding=unreadable(RowReason.UNREADABLE_LEDGER),
    ),
)
