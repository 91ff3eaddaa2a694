"""Requests at once for one player lose updates as on the platform, and the money rule gives each wallet what is right."""

from __future__ import annotations

import random
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.sandbox.conftest import AS_OF, HEALTHY, rows, value
from tests.sandbox.repair_scores import plan_rows, score

from ledger_guard.domain.findings import RowCause
from ledger_guard.policy.loader import load_policy
from ledger_sandbox.live import LiveTraffic
from ledger_sandbox.money_movements import (
    MoneyMovement,
    deposit,
    pay_withdraw,
    poker_bet,
    request_withdraw,
    webhook_deposit,
    webhook_payout,
)
from ledger_sandbox.population import generate, store

pytestmark = pytest.mark.postgres
STANDING = """
    select round(p.balance_real_available::numeric * 100)::bigint, round(w.balance_real_available::numeric * 100)::bigint,
           t.available
    from player p
    join ledger_sandbox.right_wallet t on t.player_id = p.id
    left join walletbalance w on w.tenant_id = p.tenant_id and w.player_id = p.id and w.currency = 'USD'
    where p.id = %(player_id)s
"""


@pytest.fixture
def one_of_them(database_uri) -> tuple[str, str, str]:
    """A healthy platform: its uri, a tenant, and a player with a card deposit that was noted before all else."""
    population = generate(5, HEALTHY, AS_OF)
    store(database_uri, population, AS_OF)
    [(tenant_id, accounts)] = population.accounts.items()
    make(database_uri, tenant_id, accounts[0].player_id, deposit)
    with psycopg.connect(database_uri) as connection:
        connection.execute("update ledgertransaction set created_at = created_at - interval '1 minute'")
    return database_uri, tenant_id, accounts[0].player_id


def make(uri: str, tenant_id: str, player_id: str, *kinds, cents: int = 700) -> None:
    """Requests at once: all have looked before the first of them writes. Of one kind, it is alone."""
    with ExitStack() as stack:
        each = [(kind, stack.enter_context(psycopg.connect(uri))) for kind in kinds]
        reference = random.Random().getrandbits
        looked = [(kind, MoneyMovement(to, tenant_id, player_id, cents, f"{reference(96):x}").look(), to) for kind, to in each]
        for kind, move, connection in looked:
            assert kind(move)
            connection.commit()


@pytest.mark.parametrize(
    ("kinds", "player_lost", "wallet_lost"),
    [
        pytest.param((deposit, deposit), 700, 0, id="two card deposits: the player row loses one"),
        pytest.param((deposit, request_withdraw), 700, 0, id="a deposit and a withdrawal: the same"),
        pytest.param((poker_bet, deposit), -700, -700, id="a bet and a deposit: neither side has the bet"),
        pytest.param((webhook_deposit, webhook_deposit), 1400, 700, id="two webhooks: the wallet loses one"),
        pytest.param((webhook_deposit, deposit), 700, 0, id="a webhook and a deposit: nothing is lost"),
    ],
)
def test_what_was_written_between_look_and_move_is_lost_on_one_side(one_of_them, kinds, player_lost, wallet_lost):
    uri, tenant_id, player_id = one_of_them
    make(uri, tenant_id, player_id, *kinds)
    [(player, wallet, right)] = rows(uri, STANDING, player_id=player_id)
    assert (right - player, right - wallet) == (player_lost, wallet_lost)


def test_of_two_births_at_once_one_is_swallowed(one_of_them):
    uri, tenant_id, player_id = one_of_them
    with psycopg.connect(uri) as connection:
        connection.execute("delete from walletbalance where player_id = %s", [player_id])
    make(uri, tenant_id, player_id, webhook_deposit, webhook_deposit)
    [(_, wallet, _)] = rows(uri, STANDING, player_id=player_id)
    assert wallet == 700


@pytest.mark.parametrize("seen_first", [deposit, webhook_deposit], ids=["card first", "webhook first"])
def test_a_payment_that_comes_twice_is_credited_twice_and_counts_once(one_of_them, seen_first):
    uri, tenant_id, player_id = one_of_them
    [(_, before, right_before)] = rows(uri, STANDING, player_id=player_id)
    with psycopg.connect(uri) as connection:
        assert seen_first(MoneyMovement(connection, tenant_id, player_id, 700, "first"))
        payment = connection.execute("select tx_id from ledgertransaction order by created_at desc limit 1").fetchone()[0]
        assert webhook_deposit(MoneyMovement(connection, tenant_id, player_id, 700, "again", payment=payment))
    [(_, wallet, right)] = rows(uri, STANDING, player_id=player_id)
    assert (wallet - before, right - right_before) == (1400, 700)
    planned = plan_rows(uri, load_policy(), [tenant_id])
    assert planned[player_id].counted_twice == 700
    assert score(uri, planned, [tenant_id]).wrong == []


def test_a_withdrawal_paid_by_webhook_and_by_an_operator_is_paid_once(one_of_them):
    uri, tenant_id, player_id = one_of_them
    make(uri, tenant_id, player_id, request_withdraw)
    right_before = held_by_right(uri, player_id)
    with psycopg.connect(uri) as connection:
        payment, cents = MoneyMovement(connection, tenant_id, player_id, 1, "asked").open_request()
        assert webhook_payout(MoneyMovement(connection, tenant_id, player_id, cents, "by webhook", payment=payment))
        assert pay_withdraw(MoneyMovement(connection, tenant_id, player_id, 1, "by an operator"))
    assert right_before - held_by_right(uri, player_id) == cents
    planned = plan_rows(uri, load_policy(), [tenant_id])
    assert planned[player_id].counted_twice == -cents
    assert score(uri, planned, [tenant_id]).wrong == []


def held_by_right(uri: str, player_id: str) -> int:
    return value(uri, "select held from ledger_sandbox.right_wallet where player_id = %(player_id)s", player_id=player_id)


@pytest.mark.parametrize(
    "kinds",
    [
        (deposit, deposit),
        (deposit, request_withdraw),
        (poker_bet, deposit),
        (webhook_deposit, webhook_deposit),
        (deposit, webhook_deposit, webhook_deposit, deposit),
    ],
    ids=lambda kinds: " ".join(kind.__name__ for kind in kinds),
)
def test_the_money_rule_finds_what_was_lost(one_of_them, kinds):
    uri, tenant_id, player_id = one_of_them
    make(uri, tenant_id, player_id, *kinds)
    planned = plan_rows(uri, load_policy(), [tenant_id])
    found = score(uri, planned, [tenant_id])
    assert (found.wrong, found.erased, found.players["human"]) == ([], 0, 0)
    [(player, wallet, right)] = rows(uri, STANDING, player_id=player_id)
    assert (player_id in planned) is (wallet != right)
    if right not in (wallet, player) and poker_bet in kinds:
        assert planned[player_id].cause is RowCause.LOST_UPDATE, "the player row is wrong too: a human sees it"


def test_a_webhook_that_looked_before_a_repair_takes_it_back_and_the_next_plan_has_it_again(one_of_them):
    uri, tenant_id, player_id = one_of_them
    with psycopg.connect(uri) as connection, psycopg.connect(uri) as repair:
        repair.execute("update walletbalance set balance_real_available = 1 where player_id = %s", [player_id])
        repair.commit()
        webhook = MoneyMovement(connection, tenant_id, player_id, 700, "late").look()
        right = plan_rows(uri, load_policy(), [tenant_id])[player_id].target_available
        repair.execute("update walletbalance set balance_real_available = %s where player_id = %s", [right / 100, player_id])
        repair.commit()
        assert webhook_deposit(webhook)
    [(_, wallet, _)] = rows(uri, STANDING, player_id=player_id)
    assert wallet == 800
    again = plan_rows(uri, load_policy(), [tenant_id])
    assert again[player_id].target_available == right + 700
    assert score(uri, again, [tenant_id]).wrong == []


def test_live_traffic_at_once_ends_in_deadlocks_and_lost_updates_only(one_of_them):
    """What gets lost hangs on the moment, so only what must hold whatever happens is asked for."""
    uri, tenant_id, _ = one_of_them
    hasty = make_conninfo(uri, options="-c deadlock_timeout=20ms")
    done = LiveTraffic(hasty, threads=3, moves_per_second=10_000, tenant_id=tenant_id, max_moves=90, races=True).start().wait()
    assert done.moves + done.refused + done.deadlocks == 90
    found = score(uri, plan_rows(uri, load_policy(), [tenant_id]), [tenant_id])
    assert (found.wrong, found.erased) == ([], 0)
