"""Live traffic moves money as the platform does: player and wallet stay together, and its sessions never deadlock."""

from __future__ import annotations

import random

import psycopg
import pytest
from tests.sandbox.conftest import COMPARED, IS_WRONG, rows, value

from ledger_sandbox.live import LiveTraffic
from ledger_sandbox.money_movements import (
    MoneyMovement,
    deposit,
    pay_withdraw,
    poker_bet,
    poker_win,
    reject_withdraw,
    request_withdraw,
    webhook_deposit,
    webhook_payout,
)

pytestmark = pytest.mark.postgres
BALANCES = """
    select p.balance_real_available, p.balance_real_held, w.balance_real_available, w.balance_real_pending
    from player p left join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
    where p.id = %(player_id)s
"""


def test_moves_of_many_sessions_leave_no_drift_and_never_deadlock(platform_uri):
    """Seven players and four sessions: the same rows are wanted all the time, so a lock in the wrong order or none shows."""
    done = LiveTraffic(platform_uri, threads=4, moves_per_second=10_000, tenant_id="mint_games", max_moves=800).start().wait()
    assert done.moves + done.refused == 800
    assert done.moves > 400
    assert done.deadlocks == 0
    apart = f"select count(*) {COMPARED} where p.tenant_id = 'mint_games' and {IS_WRONG}"
    assert value(platform_uri, apart) == 0
    credited = "select count(*) from ledgertransaction where tenant_id = 'mint_games' and provider_event_id not like 'evt_%%'"
    assert value(platform_uri, credited) > 50, "webhook deposits, which the player rows never get, were among them"


def test_live_traffic_runs_until_it_is_stopped(platform_uri):
    traffic = LiveTraffic(platform_uri, threads=2, moves_per_second=10_000).start()
    traffic.wait(0.3)
    stopped = traffic.stop().moves
    assert stopped > 0
    assert traffic.stop().moves == stopped


@pytest.mark.parametrize("numbers", [{"threads": 0}, {"moves_per_second": 0}, {"max_moves": 0}], ids=str)
def test_numbers_that_are_not_above_zero_are_refused(rested_uri, numbers):
    with pytest.raises(ValueError, match="allowed: numbers above 0"):
        LiveTraffic(rested_uri, **numbers)


def test_live_traffic_needs_players(rested_uri):
    with pytest.raises(ValueError, match="no players in nobody"):
        LiveTraffic(rested_uri, tenant_id="nobody")


@pytest.fixture(scope="module")
def moves_uri(postgres_server, migrated_template) -> str:
    return postgres_server.create_database("sandbox_moves", template=migrated_template)


@pytest.fixture
def one_player(moves_uri):
    """A player with 100.00 available and 20.00 held, and no wallet; gives the uri and a function that makes one move."""
    with psycopg.connect(moves_uri) as connection:
        for table in ("walletbalance", "ledgertransaction", "transaction", "player", "tenant"):
            connection.execute(f"delete from {table}".encode())
        connection.execute("insert into tenant (id, name) values ('t', 'T')")
        connection.execute("insert into player values ('p', 't', 'p', 'p@example.test', 120, 0, 100, 20)")

    def move(kind, cents: int) -> bool:
        with psycopg.connect(moves_uri) as connection:
            return kind(MoneyMovement(connection, "t", "p", cents, f"{random.getrandbits(64):x}"))

    return moves_uri, move


@pytest.mark.parametrize(
    ("kind", "cents", "moved", "balances"),
    [
        pytest.param(deposit, 500, True, (105, 20, 105, 20), id="deposit: both sides, a missing wallet made first"),
        pytest.param(request_withdraw, 10_000, True, (0, 120, 0, 120), id="request of everything: held"),
        pytest.param(request_withdraw, 10_001, False, (100, 20, None, None), id="request of a cent more: refused"),
        pytest.param(pay_withdraw, 5_000, False, (100, 20, None, None), id="payout: nothing was asked for"),
        pytest.param(reject_withdraw, 1, False, (100, 20, None, None), id="rejection: nothing was asked for"),
        pytest.param(webhook_deposit, 500, True, (100, 20, 5, 0), id="webhook deposit: the wallet alone, born from 0"),
        pytest.param(webhook_payout, 500, True, (100, 20, 0, -5), id="webhook payout: the wallet's pending alone"),
        pytest.param(poker_bet, 500, True, (95, 20, None, None), id="a bet: the player alone"),
        pytest.param(poker_bet, 10_001, False, (100, 20, None, None), id="a bet of a cent more than there is: refused"),
        pytest.param(poker_win, 500, True, (105, 20, None, None), id="a hand won: the player alone"),
    ],
)
def test_a_move_changes_exactly_its_side(one_player, kind, cents, moved, balances):
    uri, move = one_player
    assert move(kind, cents) is moved
    assert rows(uri, BALANCES, player_id="p") == [balances]


@pytest.mark.parametrize(
    ("kind", "balances"),
    [
        pytest.param(pay_withdraw, (95, 20, 95, 20), id="paid"),
        pytest.param(reject_withdraw, (100, 20, 100, 20), id="rejected"),
    ],
)
def test_a_request_ends_paid_or_rejected(one_player, kind, balances):
    uri, move = one_player
    assert move(request_withdraw, 500)
    assert move(kind, 1)
    assert rows(uri, BALANCES, player_id="p") == [balances]
    assert not move(kind, 1), "once"


@pytest.mark.parametrize(
    ("kind", "booked", "noted"),
    [
        pytest.param(deposit, ("wallet", "deposit_succeeded", "credit", 5.0), ("deposit", None, 105.0), id="deposit"),
        pytest.param(
            request_withdraw,
            ("wallet", "withdraw_requested", "credit", 10.0),
            ("withdrawal", None, 115.0),
            id="a request is booked as twice its amount, and notes what was held before it",
        ),
        pytest.param(
            webhook_deposit,
            ("deposit", "deposit_captured", "credit", 5.0),
            ("deposit", "mockpsp", 0.0),
            id="webhook",
        ),
        pytest.param(
            webhook_payout,
            ("withdraw", "withdraw_paid", "debit", 5.0),
            ("other", "mockpsp", 0.0),
            id="webhook payout",
        ),
        pytest.param(poker_bet, ("poker_bet", "success", "debit", 5.0), ("poker_bet", "poker_provider", 95.0), id="a bet"),
        pytest.param(poker_win, ("poker_win", "success", "credit", 5.0), ("poker_win", "poker_provider", 105.0), id="a win"),
    ],
)
def test_the_ledger_books_and_transactions_note_as_the_platform_does(one_player, kind, booked, noted):
    uri, move = one_player
    move(kind, 500)
    assert rows(uri, "select type, status, direction, amount from ledgertransaction") == [booked]
    assert rows(uri, "select type, provider, balance_after from transaction") == [noted]
    unkeyed = "select count(*) from ledgertransaction where idempotency_key is null"
    assert value(uri, unkeyed) == (booked[0] != "wallet"), "webhooks and poker go by no key"
