"""Which wallet rows a batch may write, decided from what stands there under lock. Amounts are raw doubles, as stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ledger_guard.domain.money import Cents, readable_cents, to_cents
from ledger_guard.domain.plans import PlanRow

#: available and held of a player, or available and pending of a wallet
Pair = tuple[float, float]


@dataclass(frozen=True)
class WalletRow:
    """A wallet row of the plan's currency."""

    balance: Pair
    bonus: Pair = (0.0, 0.0)


@dataclass(frozen=True)
class WalletWrite:
    """One write: None before makes the row, None after removes it."""

    player_id: str
    before: Pair | None
    after: Pair | None

    @property
    def moved(self) -> Cents:
        """What the write changes in the two amounts, each by itself, in cents."""
        before, after = self.before or (0.0, 0.0), self.after or (0.0, 0.0)
        return sum(abs(to_cents(now) - to_cents(then)) for now, then in zip(after, before, strict=True))


@dataclass(frozen=True)
class LockedRows:
    """What stands in the player and wallet rows of a batch while they are locked, by player id."""

    players: Mapping[str, Pair]
    wallets: Mapping[str, WalletRow]
    #: the bonus that a wallet created for a player begins with; 0 where it is not told
    new_wallet_bonus: Mapping[str, float] = field(default_factory=dict)

    def balance(self, player_id: str) -> Pair | None:
        """The wallet's two amounts, or None when there is no row."""
        wallet = self.wallets.get(player_id)
        return wallet.balance if wallet else None


@dataclass
class BatchDecision:
    """What is done with each row of a batch."""

    #: to be written now
    writes: list[WalletWrite] = field(default_factory=list)
    #: player ids whose write already stands (recovery only)
    done: list[str] = field(default_factory=list)
    #: player ids to be left alone: somebody else changed player or wallet
    left: list[str] = field(default_factory=list)


def judge_force(rows: Iterable[PlanRow], found: LockedRows) -> BatchDecision:
    """Write where player and wallet are, in cents, what the plan saw; leave every other row, and any that is set aside."""
    decision = BatchDecision()
    for row in rows:
        if may_write(row, found):
            decision.writes.append(WalletWrite(row.player_id, found.balance(row.player_id), target_of(row)))
        else:
            decision.left.append(row.player_id)
    return decision


def target_of(row: PlanRow) -> Pair:
    """What force writes, as the platform stores it: the doubles nearest to the cents."""
    return row.target_available / 100, row.target_pending / 100


def judge_undo(forced: Iterable[WalletWrite], found: LockedRows) -> BatchDecision:
    """Give back the before-values where the wallet holds exactly what force wrote; a created row must be untouched whole.

    The wallet of a player that is gone is left alone: nobody but a human knows whose money that is now.
    """
    decision = BatchDecision()
    for write in forced:
        if _still_holds(write, found):
            decision.writes.append(WalletWrite(write.player_id, write.after, write.before))
        else:
            decision.left.append(write.player_id)
    return decision


def judge_intents(
    intents: Iterable[WalletWrite], found: LockedRows, writable: Mapping[str, bool], *, is_committed: bool = False
) -> BatchDecision:
    """Decide what became of writes that were announced and not marked.

    With `is_committed`, the platform says that the transaction that was to make them came to be: a row that stood there was
    written, whatever somebody made of it since. Else the values found decide. The after-values stand: it was done. The
    before-values stand: it was not, and is done now if `writable` says that it still may be. Anything else: somebody wrote
    since, so the row is left alone.
    """
    decision = BatchDecision()
    for write in intents:
        stands = found.balance(write.player_id)
        was_there = write.before is not None and write.after is not None
        if stands == write.after or (is_committed and was_there):
            decision.done.append(write.player_id)
        elif not is_committed and stands == write.before and writable.get(write.player_id, False):
            decision.writes.append(write)
        else:
            decision.left.append(write.player_id)
    return decision


def may_write(row: PlanRow, found: LockedRows) -> bool:
    """Whether player and wallet are, in cents, what the plan saw, and the row's cause allows a write."""
    player, wallet = found.players.get(row.player_id), found.balance(row.player_id)
    if player is None or not row.cause.is_writable:
        return False
    seen = None if row.wallet_available is None else (row.wallet_available, row.wallet_pending)
    return _cents(player) == (row.player_available, row.player_held) and _cents(wallet) == seen


def _cents(pair: Pair | None) -> tuple[int | None, int | None] | None:
    return None if pair is None else (readable_cents(pair[0]), readable_cents(pair[1]))


def _still_holds(forced: WalletWrite, found: LockedRows) -> bool:
    wallet = found.wallets.get(forced.player_id)
    if forced.player_id not in found.players or wallet is None or wallet.balance != forced.after:
        return False
    return forced.before is not None or wallet.bonus == (found.new_wallet_bonus.get(forced.player_id, 0.0), 0.0)
