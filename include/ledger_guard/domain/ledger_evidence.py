"""What a player's ledger rows and noted balances prove, added up: the evidence that domain/differences.py judges by.

The same sums are made in the database (sql/platform/judged_wallets.sql); both are held to one table of cases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from ledger_guard.domain.money import Cents


class Amounts(NamedTuple):
    """Available and held (a wallet's pending), in cents."""

    available: Cents
    held: Cents

    def plus(self, other: Amounts) -> Amounts:
        """Both, added up by component."""
        return Amounts(self.available + other.available, self.held + other.held)

    def less(self, other: Amounts) -> Amounts:
        """This without the other, by component."""
        return Amounts(self.available - other.available, self.held - other.held)

    @property
    def total(self) -> Cents:
        """Available and held together."""
        return self.available + self.held


NOTHING = Amounts(0, 0)


class Side(str, Enum):
    """Whose balances a ledger row moved."""

    BOTH = "both"
    WALLET = "wallet"
    PLAYER = "player"
    #: the policy doesn't know the row's type or status, or its currency can't be told
    UNKNOWN = "unknown"

    @property
    def is_of_player(self) -> bool:
        """Whether the player row got it."""
        return self in (Side.BOTH, Side.PLAYER)


@dataclass(frozen=True)
class Movement:
    """One ledger row that moved money."""

    side: Side
    booked_at: datetime
    #: None: the row's amount or direction can't be read
    moved: Amounts | None
    is_own_currency: bool = True
    tx_id: str | None = None
    #: the step of a payment that it books; rows of one tx_id and step are one real-world payment
    payment_step: str | None = None


@dataclass(frozen=True)
class NotedBalance:
    """A transaction that noted its player's balance, less what it moved itself."""

    transaction_id: str
    #: when the ledger booked it, or when it was made where the ledger books it under no id
    noted_at: datetime
    #: available before the move, with what was held then where `holds_held`
    before: Cents
    holds_held: bool = False


@dataclass(frozen=True)
class LedgerEvidence:
    """What one player's ledger rows and notes say. Sums in cents, of movements in every currency where not said otherwise."""

    #: what the player row got, the wallet too or not
    player_side: Amounts = NOTHING
    #: of that, what the wallet never got, in the plan's currency
    player_only: Amounts = NOTHING
    #: of that, what came in other currencies: the player row adds it up, the wallet of the plan's currency must not
    other_currencies: Amounts = NOTHING
    #: what only the wallet got, in the plan's currency, each payment once
    wallet_only: Amounts = NOTHING
    #: wallet-only rows of payments that are booked already
    counted_twice: Amounts = NOTHING
    #: the player's available before the first ledger row, by the first note; None where nothing was noted
    noted_opening_available: Cents | None = None
    #: available and held before the first ledger row, by the first note of both
    noted_opening_total: Cents | None = None
    #: the first note holds what was held too: available before it rests on what the player row holds now
    opening_rests_on_held: bool = False
    #: the first row that touched the wallet was one of the wallet alone, which makes a missing wallet from 0; any other writer
    #: makes it from the player's balances
    may_be_born_from_0: bool = False
    #: the player's opening as the guard saw it first, by the same words; None where it never looked
    seen_opening: Amounts | None = None
    #: requests that moved the player before the first note may have overlapped, so one of them may have lost an update
    requests_may_overlap: bool = False
    #: the same of any requests that moved what is held
    holds_may_overlap: bool = False
    has_movements: bool = False
    has_unknown_word: bool = False
    #: one payment is booked twice on both sides, with other amounts, or the other way round
    is_booked_twice: bool = False
    is_readable: bool = True


NO_EVIDENCE = LedgerEvidence()


def gather(
    movements: Iterable[Movement],
    notes: Iterable[NotedBalance],
    player_held: Cents | None,
    *,
    within: timedelta,
    seen_opening: Amounts | None = None,
) -> LedgerEvidence:
    """Add one player's rows up. `player_held` is what the player row holds now; requests closer than `within` may overlap."""
    rows = list(movements)
    known = [each for each in rows if each.side is not Side.UNKNOWN]
    readable = [each for each in known if each.moved is not None]
    of_player = [each for each in readable if each.side.is_of_player]
    of_wallet = [each for each in readable if each.side is Side.WALLET and each.is_own_currency]
    counted_twice, is_booked_twice = _repeated_payments(readable)
    in_turn = sorted(notes, key=lambda note: (note.noted_at, note.transaction_id))
    player_side = _net(of_player)
    return LedgerEvidence(
        player_side=player_side,
        player_only=_net(each for each in of_player if each.side is Side.PLAYER and each.is_own_currency),
        other_currencies=_net(each for each in of_player if not each.is_own_currency),
        wallet_only=_net(of_wallet).less(counted_twice),
        counted_twice=counted_twice,
        noted_opening_available=_opening_available(in_turn, of_player, player_side, player_held),
        noted_opening_total=_opening_total(in_turn, of_player),
        opening_rests_on_held=bool(in_turn) and in_turn[0].holds_held,
        may_be_born_from_0=_may_be_born_from_0(known),
        seen_opening=seen_opening,
        requests_may_overlap=_overlap(_before_first_note(in_turn, of_player), within),
        holds_may_overlap=_overlap([each.booked_at for each in of_player if _moved(each).held], within),
        has_movements=bool(rows),
        has_unknown_word=len(known) < len(rows),
        is_booked_twice=is_booked_twice,
        is_readable=len(readable) == len(known),
    )


def _net(movements: Iterable[Movement]) -> Amounts:
    total = NOTHING
    for each in movements:
        total = total.plus(_moved(each))
    return total


def _moved(movement: Movement) -> Amounts:
    assert movement.moved is not None, "only readable movements are added up"
    return movement.moved


def _may_be_born_from_0(movements: Sequence[Movement]) -> bool:
    touched = {
        side: min((each.booked_at for each in movements if each.side is side and each.is_own_currency), default=None)
        for side in (Side.BOTH, Side.WALLET)
    }
    by_both, by_wallet = touched[Side.BOTH], touched[Side.WALLET]
    return by_wallet is not None and (by_both is None or by_wallet <= by_both)


def _repeated_payments(movements: Sequence[Movement]) -> tuple[Amounts, bool]:
    """What wallet-only rows of payments booked already add up to, and whether a payment's rows contradict each other.

    It is not known which contradicting row counts: they add nothing.
    """
    payments: dict[tuple[str, str], list[Movement]] = defaultdict(list)
    for each in movements:
        if each.payment_step and each.tx_id and each.is_own_currency and each.side in (Side.BOTH, Side.WALLET):
            payments[each.tx_id, each.payment_step].append(each)
    twice, contradict = NOTHING, False
    for rows in payments.values():
        on_both = [each for each in rows if each.side is Side.BOTH]
        of_wallet = [each for each in rows if each.side is Side.WALLET]
        if len(on_both) > 1 or len({_moved(each) for each in rows}) > 1:
            contradict = True
        else:
            twice = twice.plus(_net(of_wallet if on_both else of_wallet[1:]))
    return twice, contradict


def _before(note: NotedBalance, movements: Iterable[Movement]) -> list[Movement]:
    return [each for each in movements if each.booked_at < note.noted_at and each.tx_id != note.transaction_id]


def _opening_available(
    notes: Sequence[NotedBalance], of_player: Sequence[Movement], player_side: Amounts, player_held: Cents | None
) -> Cents | None:
    if not notes or player_held is None:
        return None
    before = _net(_before(notes[0], of_player))
    held_then = player_held - player_side.held + before.held if notes[0].holds_held else 0
    return notes[0].before - before.available - held_then


def _opening_total(notes: Sequence[NotedBalance], of_player: Sequence[Movement]) -> Cents | None:
    first = next((note for note in notes if note.holds_held), None)
    return None if first is None else first.before - _net(_before(first, of_player)).total


def _before_first_note(notes: Sequence[NotedBalance], of_player: Sequence[Movement]) -> list[datetime]:
    """When requests moved the player before anything was noted, and the note's own moment; all of them without a note.

    For a request booked at the same moment as the note it is not known whether the note includes it; one without an id may be
    the note's own.
    """
    if not notes:
        return [each.booked_at for each in of_player if _moved(each) != NOTHING]
    first = notes[0]
    at_once = [each for each in of_player if each.booked_at == first.noted_at and each.tx_id not in (None, first.transaction_id)]
    requests = [*_before(first, of_player), *at_once]
    return [*(each.booked_at for each in requests if _moved(each) != NOTHING), first.noted_at]


def _overlap(moments: Iterable[datetime], within: timedelta) -> bool:
    in_turn = sorted(moments)
    return any(later - earlier < within for earlier, later in pairwise(in_turn))
