"""Whatever is done to a platform: what an incremental comparison says is what a whole one says, and never that less differs."""

from __future__ import annotations

import random
from collections.abc import Callable

import psycopg
import pytest
from incremental_worlds import SLICES, Comparisons, Hands

from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.comparisons import PlayerKey
from ledger_guard.ports.guard_state import GuardState

pytestmark = pytest.mark.postgres

WINDOWS = 16
TYPES = (("wallet", "deposit_succeeded"), ("wallet", "manual_debit"), ("deposit", "deposit_captured"), ("poker_win", "success"))
TIMES = ("now()", "now() - interval '40 days'", "now() + interval '2 hours'", "timestamp '2026-01-01'", "timestamp '2199-01-01'")


class Life:
    """Random operations on a platform of a few tenants, some in transactions that stay open."""

    def __init__(self, hands: Hands, seed: int) -> None:
        self.hands, self.rng = hands, random.Random(seed)
        self.number = 0
        self.players: list[PlayerKey] = []
        #: until which window a player may be judged by what was before: nobody tells that a row of his was taken away
        self.silent: dict[PlayerKey, int] = {}
        self.open: list[psycopg.Connection] = []
        #: players that an open transaction has locked
        self.locked: dict[PlayerKey, psycopg.Connection] = {}
        for tenant in "ab":
            self.tenant(tenant)
            for _ in range(12):
                self.born(tenant)

    def step(self, window: int) -> None:
        """What happens before a window is compared."""
        for _ in range(self.rng.randint(0, 5)):
            self.rng.choices(*zip(*self._operations(window), strict=True))[0]()
        for transaction in list(self.open):
            if self.rng.random() < 0.4:
                self._end(transaction)

    def close(self) -> None:
        for transaction in list(self.open):
            self._end(transaction)

    def _operations(self, window: int) -> list[tuple[Callable[[], object], int]]:
        return [
            (self.book, 6),
            (self.edit_player, 3),
            (self.edit_wallet, 3),
            (self.heal, 4),
            (self.note, 1),
            (lambda: self.born(self.rng.choice("ab")), 2),
            (lambda: self.tenant(f"t{self._next()}", players=2), 1),
            (self.second_wallet, 1),
            (lambda: self.take_away(window), 1),
            (self.delete, 1),
            (self.stay_open, 2),
        ]

    def tenant(self, tenant_id: str, players: int = 0) -> None:
        self.hands.run(f"insert into tenant (id, name) values ('{tenant_id}', 'T')")
        for _ in range(players):
            self.born(tenant_id)

    def born(self, tenant_id: str) -> None:
        player = f"p{self._next()}"
        columns = "id, tenant_id, username, email, balance_real, balance_bonus, balance_real_available, balance_real_held"
        texts = [f"insert into player ({columns}) values ('{player}', '{tenant_id}', 'u', 'e', 10, 0, 10, 0)"]
        if self.rng.random() < 0.85:
            texts.append(f"insert into walletbalance values ('{tenant_id}', '{player}', 'USD', 10, 0, 0, 0, {self._time()})")
        self.hands.run(*texts)
        self.players.append((tenant_id, player))

    def book(self) -> None:
        """A movement that reaches the rows that it should, or some of them."""
        tenant, player = self._someone()
        self.hands.run(*self._movement(tenant, player))

    def edit_player(self) -> None:
        _, player = self._someone()
        self.hands.run(f"update player set balance_real_available = {self._amount()} where id = '{player}'")

    def edit_wallet(self) -> None:
        tenant, player = self._someone()
        self.hands.run(
            f"update walletbalance set balance_real_available = {self._amount()}, updated_at = {self._time()}"
            f" where tenant_id = '{tenant}' and player_id = '{player}'"
        )

    def heal(self) -> None:
        """A player without a ledger whose wallet is made right."""
        _, player = self._someone()
        self.hands.run(
            "update walletbalance w set balance_real_available = p.balance_real_available from player p"
            f" where p.id = '{player}' and w.player_id = p.id and w.tenant_id = p.tenant_id"
        )

    def note(self) -> None:
        tenant, player = self._someone()
        self.hands.run(
            "insert into transaction (id, tenant_id, player_id, type, amount, status, state, balance_after, created_at) values"
            f" ('t{self._next()}', '{tenant}', '{player}', 'poker_win', 5, 's', 's', {self._amount()}, {self._time()})"
        )

    def second_wallet(self) -> None:
        tenant, player = self._someone()
        currency = self.rng.choice(("EUR", "usd"))
        self.hands.run(
            f"insert into walletbalance values ('{tenant}', '{player}', '{currency}', 3, 0, 0, 0) on conflict do nothing"
        )

    def take_away(self, window: int) -> None:
        """A row goes, or goes to another player, and nothing tells it."""
        tenant, player = self._someone()
        other = self.rng.choice(self.players)
        text = self.rng.choice(
            (
                f"delete from walletbalance where tenant_id = '{tenant}' and player_id = '{player}'",
                f"delete from ledgertransaction where tenant_id = '{tenant}' and player_id = '{player}'",
                f"update ledgertransaction set tenant_id = '{other[0]}', player_id = '{other[1]}' where player_id = '{player}'",
            )
        )
        self.hands.run(text, is_counted=False)
        self.silent[tenant, player] = window + SLICES - 1

    def delete(self) -> None:
        """A row goes, and the server counts it."""
        tenant, player = self._someone()
        table = self.rng.choice(("walletbalance", "ledgertransaction", "transaction"))
        self.hands.run(f"delete from {table} where tenant_id = '{tenant}' and player_id = '{player}'")

    def stay_open(self) -> None:
        """A transaction writes, and takes its time: what it wrote has times and numbers of long before it commits."""
        tenant, player = self._someone()
        if len(self.open) >= 3:
            return
        transaction = psycopg.connect(self.hands.uri)
        self.open.append(transaction)
        self.locked[tenant, player] = transaction
        for text in self._movement(tenant, player):
            transaction.execute("savepoint s" if self.rng.random() < 0.5 else "select 1")
            transaction.execute(text)

    def _movement(self, tenant: str, player: str) -> list[str]:
        kind, status = self.rng.choice(TYPES)
        amount = self.rng.choice((1, 2.5, 5))
        sign, direction = (-1, "debit") if status == "manual_debit" else (1, "credit")
        number = self._next()
        columns = "id, tx_id, tenant_id, player_id, type, direction, amount, status, created_at"
        row = f"'l{number}', 'x{number}', '{tenant}', '{player}', '{kind}', '{direction}', {amount}, '{status}', {self._time()}"
        texts = [f"insert into ledgertransaction ({columns}) values ({row})"]
        if kind != "deposit" and self.rng.random() < 0.8:
            change = f"balance_real_available = balance_real_available + {sign * amount}"
            texts.append(f"update player set {change} where id = '{player}'")
        if kind != "poker_win" and self.rng.random() < 0.8:
            texts.append(
                f"update walletbalance set balance_real_available = balance_real_available + {sign * amount}"
                f" where tenant_id = '{tenant}' and player_id = '{player}'"
            )
        return texts

    def _end(self, transaction: psycopg.Connection) -> None:
        if self.rng.random() < 0.75:
            transaction.commit()
        else:
            transaction.rollback()
        transaction.close()
        self.open.remove(transaction)
        self.locked = {key: each for key, each in self.locked.items() if each is not transaction}

    def _someone(self) -> PlayerKey:
        return self.rng.choice([key for key in self.players if key not in self.locked])

    def _amount(self) -> str:
        return self.rng.choice(("10", "0", "11.5", "10.000000001", "'NaN'", "-3"))

    def _time(self) -> str:
        return self.rng.choice(TIMES)

    def _next(self) -> int:
        self.number += 1
        return self.number


def guard_state(place: str, request: pytest.FixtureRequest) -> GuardState:
    if place == "in memory":
        return InMemoryGuardState()
    uri = request.getfixturevalue("database_uri" if place == "same database" else "second_database_uri")
    return PostgresGuardState(ConnectionSettings.parse(uri, "ledger_guard_db"))


@pytest.mark.parametrize(("place", "seed"), [("in memory", 1), ("in memory", 2), ("same database", 3), ("apart", 4)])
def test_an_incremental_comparison_says_what_a_whole_one_says(request, database_uri, policy, place, seed):
    life = Life(Hands(database_uri), seed)
    comparisons = Comparisons(database_uri, policy.platform, guard_state(place, request))
    incremental, differing = 0, 0
    for number in range(WINDOWS):
        life.step(number)
        found, whole = comparisons.next(), comparisons.whole()
        assert found.left is not None
        assert whole.left is not None
        wrong, truly_wrong = found.left.mismatched, whole.left.mismatched
        not_told = {key for key, until in life.silent.items() if number < until}
        assert wrong <= truly_wrong, "nobody stands who was not compared now"
        assert truly_wrong - wrong <= not_told, "what moved is found at once, the rest when its turn has come"
        if wrong == truly_wrong:
            assert found.readings == whole.readings, "counts, money at risk and its causes"
        assert [each.exposure for each in found.readings] == [each.exposure for each in whole.readings]
        incremental += "compared all" not in found.told
        differing += len(truly_wrong)
    life.close()
    assert incremental > WINDOWS / 3, "else nothing was shown"
    assert differing > WINDOWS, "else nothing was shown"
