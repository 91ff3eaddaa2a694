"""A small tenant under test: money comes and goes in it as on the platform, and what stands there can be read at any time."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.use_cases.backfill.backfill_worlds import NOW, PostgresPlatform, World

from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.ledger_rows import LedgerRow, TransactionRow
from ledger_guard.domain.money import Cents, to_cents

Pair = tuple[float, float]
#: available, pending, and the bonus columns
Wallet = tuple[float, float, float, float]

#: what can be the matter with a player who arrives; see Casino.arrive
KINDS = ("equal", "missing", "born", "credited", "noisy", "doubtful", "payout", "poker", "raced", "copied")


class Casino:
    """Its players, by number, and the books of everything that happened to them.

    `right` holds what each player's wallet should hold, available and pending in cents, whatever stands there: every step
    that is booked counts once. Steps come an hour apart, so that no two of them can have overlapped unless they say so.
    """

    def __init__(self, world: World, tenant_id: str) -> None:
        self.world, self.tenant_id, self._platform = world, tenant_id, world.platform
        self._platform.add_tenant(tenant_id)
        self.players_made = 0
        self.right: dict[str, tuple[Cents, Cents]] = {}
        #: players whom transactions refer to: the platform can't delete them
        self.stays: set[str] = set()
        self._booked: list[tuple[str, str, str, float]] = []

    def player_id(self, number: int) -> str:
        return f"{self.tenant_id}_p{number % max(1, self.players_made)}"

    def players(self) -> dict[str, Pair]:
        """(available, held) by player."""
        rows = self._rows("players", "select id, balance_real_available, balance_real_held from player where tenant_id = %s")
        return {row[0]: (row[1], row[2]) for row in rows}

    def wallets(self) -> dict[str, Wallet]:
        """The wallet rows by player."""
        rows = self._rows(
            "wallets",
            "select player_id, balance_real_available, balance_real_pending, balance_bonus_available, balance_bonus_pending"
            " from walletbalance where tenant_id = %s",
        )
        return {row[0]: tuple(row[1:]) for row in rows}

    def data(self) -> str:
        """All that a dry-run may look at, as a text."""
        wallets = {player_id: wallet[:2] for player_id, wallet in self.wallets().items()}
        return repr((sorted(self.players().items()), sorted(wallets.items()), sorted(self._booked)))

    def _rows(self, what: str, query: str) -> list[tuple]:
        if isinstance(self._platform, PostgresPlatform):
            return self._platform._run(query, self.tenant_id)
        ledger = self._platform._ledger
        if what == "players":
            return [(key[1], *pair) for key, pair in ledger.players.items() if key[0] == self.tenant_id]
        return [(key[1], *row.balance, *row.bonus) for key, row in ledger.wallets.items() if key[0] == self.tenant_id]

    def arrive(self, kind: str, cents: Cents) -> None:
        """A new player, who had `cents` before the ledger began, and whose wallet has gone the way of its `kind`.

        equal: a wallet with the player's balances. missing: none. born: made from 0 by a webhook. credited: a webhook on top.
        noisy: equal in cents only. doubtful: it differs and the ledger says nothing. payout: a webhook's payout that reached
        no wallet. poker: a bet that never did. raced: two deposits at once, of which the player row lost one. copied: the
        same, and then the platform's script made the wallet equal to that player row.
        """
        self.players_made += 1
        player_id, amount = self.player_id(self.players_made - 1), cents / 100
        player = 0.3 if kind == "noisy" else amount
        held = 3.0 if kind == "payout" else 0.0
        self._platform.set_player(self.tenant_id, player_id, player, held)
        self.right[player_id] = (to_cents(player), to_cents(held))
        if kind not in ("missing", "born"):
            wallet = {"noisy": 0.1 + 0.2, "doubtful": amount + 7.77}.get(kind, amount)
            self._platform.set_wallet(self.tenant_id, player_id, wallet, held)
        if kind in ("born", "credited"):
            self.deposit(player_id, max(cents // 4, 1))
        elif kind == "payout":
            self._book(player_id, "withdraw", "withdraw_paid", -300)
            self._right(player_id, held=-300)
        elif kind == "poker":
            self.hand(player_id, -min(cents, 100))
        elif kind in ("raced", "copied"):
            self._lose_a_deposit(player_id, 150, 250)
        if kind == "copied":
            self.copy_player(player_id)

    def move(self, player_id: str, cents: Cents) -> None:
        """A credit or a debit by hand, on player and wallet; a missing wallet is made from the player's balances."""
        if player_id not in self.wallets():
            self._platform.set_wallet(self.tenant_id, player_id, *self.players()[player_id])
        self._change_player(player_id, cents)
        self._change_wallet(player_id, cents)
        self._book(player_id, "wallet", "manual_credit" if cents > 0 else "manual_debit", cents)
        self._right(player_id, cents)

    def hand(self, player_id: str, cents: Cents) -> None:
        """A hand of poker, won or lost: the player row alone."""
        self._change_player(player_id, cents)
        self._book(player_id, "poker_win" if cents > 0 else "poker_bet", "success", cents)
        self._right(player_id, cents)

    def deposit(self, player_id: str, cents: Cents) -> None:
        """A webhook's deposit: the wallet alone; a missing one is born from 0."""
        if player_id not in self.wallets():
            self._platform.set_wallet(self.tenant_id, player_id, 0.0)
        self._change_wallet(player_id, cents)
        self.deposit_in_the_shadow(player_id, cents)

    def deposit_in_the_shadow(self, player_id: str, cents: Cents) -> None:
        """A webhook's deposit while shadow write is off: booked, and in neither row."""
        self._book(player_id, "deposit", "deposit_captured", cents)
        self._right(player_id, cents)

    def copy_player(self, player_id: str) -> None:
        """The platform's script, forced: the wallet gets the player's balances."""
        *_, bonus, _ = self.wallets().get(player_id, (0.0,) * 4)
        self._platform.set_wallet(self.tenant_id, player_id, *self.players()[player_id], bonus=bonus)

    def give_bonus(self, player_id: str) -> None:
        """A bonus on the wallet."""
        available, pending, bonus, _ = self.wallets()[player_id]
        self._platform.set_wallet(self.tenant_id, player_id, available, pending, bonus=bonus + 1.5)

    def leave(self, player_id: str) -> None:
        """The player is deleted; a wallet stays behind as an orphan. Nothing happens to a player who has transactions."""
        if player_id in self.stays:
            return
        self._platform.remove_player(self.tenant_id, player_id)

    def is_right(self, player_id: str) -> bool:
        """Whether the wallet holds what it should."""
        wallet = self.wallets().get(player_id)
        return wallet is not None and cents_of(wallet[:2]) == self.right[player_id]

    def _lose_a_deposit(self, player_id: str, *amounts: Cents) -> None:
        """Card deposits at once: the wallet gets all of them, the player row the last."""
        before = to_cents(self.players()[player_id][0])
        at = self._next_moment()
        self.stays.add(player_id)
        for number, cents in enumerate(amounts):
            tx_id, moment = new_id(), at + timedelta(milliseconds=number)
            note = TransactionRow(tx_id, "deposit", cents / 100, (before + cents) / 100, moment)
            self._platform.note(self.tenant_id, player_id, note)
            self._book(player_id, "wallet", "deposit_succeeded", cents, moment, tx_id)
            self._change_wallet(player_id, cents)
            self._right(player_id, cents)
        self._change_player(player_id, amounts[-1])

    def _change_player(self, player_id: str, cents: Cents) -> None:
        available, held = self.players()[player_id]
        self._platform.set_player(self.tenant_id, player_id, available + cents / 100, held)

    def _change_wallet(self, player_id: str, cents: Cents) -> None:
        available, pending, bonus, _ = self.wallets()[player_id]
        self._platform.set_wallet(self.tenant_id, player_id, available + cents / 100, pending, bonus=bonus)

    def _right(self, player_id: str, available: Cents = 0, held: Cents = 0) -> None:
        before = self.right[player_id]
        self.right[player_id] = (before[0] + available, before[1] + held)

    def _book(
        self, player_id: str, kind: str, status: str, cents: Cents, at: datetime | None = None, tx_id: str | None = None
    ) -> None:
        at, tx_id = at or self._next_moment(), tx_id or (None if kind.startswith("poker") else new_id())
        amount, direction = abs(cents) / 100, "credit" if cents > 0 else "debit"
        self._platform.book(self.tenant_id, player_id, LedgerRow(kind, direction, amount, at, status=status, tx_id=tx_id))
        self._booked.append((player_id, kind, direction, amount))

    def _next_moment(self) -> datetime:
        return NOW - timedelta(days=90) + timedelta(hours=len(self._booked))


def cents_of(pair: Pair | None) -> tuple[Cents, Cents] | None:
    """Two amounts in cents."""
    return None if pair is None else (to_cents(pair[0]), to_cents(pair[1]))
