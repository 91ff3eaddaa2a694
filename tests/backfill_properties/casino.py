"""A small tenant under test: money comes and goes in it, and what stands there can be read at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from tests.backfill.backfill_worlds import PostgresPlatform, World

from ledger_guard.adapters.memory.ledger import LedgerMovement
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.money import Cents, to_cents

Pair = tuple[float, float]
#: available, pending, and the bonus columns
Wallet = tuple[float, float, float, float]

KINDS = ("equal", "missing", "stale", "credited", "noisy", "unexplained", "split")


class Casino:
    """Its players, by number, and the books of everything that happened to them.

    `clean` are players whose wallet never missed anything: it holds what the player holds and wallet-only deposits, each with
    its ledger row.
    """

    def __init__(self, world: World, tenant_id: str) -> None:
        self.world, self.tenant_id, self._platform = world, tenant_id, world.platform
        self._platform.add_tenant(tenant_id)
        self.players_made = 0
        self.clean: set[str] = set()
        self.deposits: dict[str, list[Cents]] = defaultdict(list)
        self._booked: list[tuple[str, str, int]] = []

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
        """A new player, with the wallet of one `kind`."""
        self.players_made += 1
        player_id, amount = self.player_id(self.players_made - 1), cents / 100
        held = 3.0 if kind == "split" else 0.0
        player = 0.3 if kind == "noisy" else amount
        self._platform.set_player(self.tenant_id, player_id, player, held)
        wallet = {"missing": None, "stale": amount / 4, "noisy": 0.1 + 0.2, "unexplained": amount + 7.77}.get(kind, amount + held)
        if wallet is not None:
            self._platform.set_wallet(self.tenant_id, player_id, wallet)
        if kind == "stale":
            self._book(player_id, "bet", cents)
        if kind in ("equal", "credited", "noisy"):
            self.clean.add(player_id)
        if kind == "credited":
            self.deposit(player_id, cents)

    def move(self, player_id: str, cents: Cents) -> None:
        """A win or a loss, booked, on player and wallet."""
        self._change_player(player_id, cents)
        if player_id in self.wallets():
            self._change_wallet(player_id, cents)
        self._book(player_id, "bet", cents)

    def lag(self, player_id: str, cents: Cents) -> None:
        """A win that the wallet misses: what backfills are for."""
        self._change_player(player_id, cents)
        self._book(player_id, "bet", cents)
        self.clean.discard(player_id)

    def deposit(self, player_id: str, cents: Cents) -> None:
        """A deposit that only the wallet gets, with its ledger row."""
        self._change_wallet(player_id, cents)
        self._book(player_id, "deposit_captured", cents)
        self.deposits[player_id].append(cents)

    def give_bonus(self, player_id: str) -> None:
        """A bonus on the wallet."""
        available, pending, bonus, _ = self.wallets()[player_id]
        self._platform.set_wallet(self.tenant_id, player_id, available, pending, bonus=bonus + 1.5)

    def leave(self, player_id: str) -> None:
        """The player is deleted; a wallet stays behind as an orphan."""
        self._platform.remove_player(self.tenant_id, player_id)

    def _change_player(self, player_id: str, cents: Cents) -> None:
        available, held = self.players()[player_id]
        self._platform.set_player(self.tenant_id, player_id, available + cents / 100, held)

    def _change_wallet(self, player_id: str, cents: Cents) -> None:
        available, pending, bonus, _ = self.wallets()[player_id]
        self._platform.set_wallet(self.tenant_id, player_id, available + cents / 100, pending, bonus=bonus)

    def _book(self, player_id: str, kind: str, cents: Cents) -> None:
        event = new_id() if kind == "deposit_captured" else None
        direction = "credit" if cents > 0 else "debit"
        movement = LedgerMovement(kind, direction, abs(cents) / 100, provider_event_id=event)
        self._platform.book(self.tenant_id, player_id, movement)
        self._booked.append((player_id, kind, cents))


def cents_of(pair: Pair | None) -> tuple[Cents, Cents] | None:
    """Two amounts in cents."""
    return None if pair is None else (to_cents(pair[0]), to_cents(pair[1]))


def is_explained(casino: Casino, player_id: str, player: Pair, wallet: Wallet | None) -> bool:
    """Whether the wallet is above its player by exactly its deposits, or one of them."""
    if wallet is None:
        return False
    above = sum(cents_of(wallet[:2]) or ()) - sum(cents_of(player) or ())
    deposits = casino.deposits[player_id]
    return above > 0 and (above == sum(deposits) or above in deposits)


CasinoMaker = Callable[[], Casino]
