"""Why a player's wallet differs: the one rule, over numbers that an adapter has already added up.

Erasing a real deposit is the worst a backfill could do, so every doubt sets the row aside as `protected`.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import PlanRow, RowCause, RowState


@dataclass(frozen=True)
class Balances:
    """What player row and wallet row hold, in cents.

    None is an amount that can't be read as cents: NaN, an infinity, or too large. With `has_wallet` False the wallet's
    amounts are None as well.
    """

    player_available: Cents | None
    player_held: Cents | None
    wallet_available: Cents | None
    wallet_pending: Cents | None
    has_wallet: bool = True

    @property
    def difference(self) -> Cents | None:
        """The wallet's total above the player's, in cents; None when there is no wallet or an amount can't be read."""
        player = _total(self.player_available, self.player_held)
        wallet = _total(self.wallet_available, self.wallet_pending)
        return None if player is None or wallet is None else wallet - player


@dataclass(frozen=True)
class LedgerFacts:
    """What a player's ledger movements of one currency say. Void movements are left out; credits count up, debits down."""

    #: net of all movements, in cents; None when there is none
    net: Cents | None = None
    #: net of the movements that only the wallet got, in cents
    wallet_only_net: Cents = 0
    #: the newest one or more credits, added up, are exactly what the wallet has above the player
    recent_credits_match: bool = False
    #: one wallet-only credit is exactly what the wallet has above the player
    wallet_only_credit_matches: bool = False
    #: False when a movement has an amount or a direction that can't be read
    is_readable: bool = True


NO_MOVEMENTS = LedgerFacts()


def cause_of(balances: Balances, facts: LedgerFacts = NO_MOVEMENTS) -> RowCause:
    """The cause of a difference; the caller has found that player and wallet differ in cents, or can't be read.

    A wallet, player or ledger with an unreadable amount is `protected`: nothing can be proved about it, so a human has
    to look at it on the platform.
    """
    player = _total(balances.player_available, balances.player_held)
    if player is not None and not balances.has_wallet:
        return RowCause.MISSING
    difference = balances.difference
    if player is None or difference is None or not facts.is_readable:
        return RowCause.PROTECTED
    if difference == 0:
        # Only the split between available and held differs: no money is gained or lost.
        return RowCause.STALE_WALLET
    return _cause_of_other_total(player, difference, facts)


def _cause_of_other_total(player: Cents, difference: Cents, facts: LedgerFacts) -> RowCause:
    # The wallet-only movements are asked before the whole ledger is: an opening balance that was never booked can make
    # the ledger's net equal the player's total by chance, while the deposit above it is real.
    is_explained = difference == facts.wallet_only_net or (difference > 0 and facts.wallet_only_credit_matches)
    if is_explained or facts.net == player + difference:
        return RowCause.PROTECTED
    if facts.net == player:
        return RowCause.STALE_WALLET
    if difference > 0:
        return RowCause.PROTECTED if facts.recent_credits_match else RowCause.UNEXPLAINED
    return RowCause.STALE_WALLET if facts.wallet_only_net == 0 else RowCause.UNEXPLAINED


def difference_row(player_id: str, currency: str, balances: Balances, facts: LedgerFacts = NO_MOVEMENTS) -> PlanRow:
    """A difference with its cause, as a plan keeps it; protected rows are set aside at once.

    Unreadable amounts become 0 for a player and None for a wallet; such a row is protected, so nothing is computed from
    them.
    """
    cause = cause_of(balances, facts)
    return PlanRow(
        player_id=player_id,
        currency=currency,
        cause=cause,
        player_available=balances.player_available or 0,
        player_held=balances.player_held or 0,
        wallet_available=balances.wallet_available,
        wallet_pending=balances.wallet_pending,
        ledger_explained=facts.wallet_only_net,
        state=RowState.SET_ASIDE if cause is RowCause.PROTECTED else RowState.PLANNED,
    )


def _total(first: Cents | None, second: Cents | None) -> Cents | None:
    return None if first is None or second is None else first + second
