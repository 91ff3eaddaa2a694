"""Comparing a tenant: the same answers in memory and on Postgres."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from backfill_worlds import NOW, TENANT, World, memory_backfill_world

from ledger_guard.adapters.memory.ledger import LedgerMovement
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.plans import BackfillMode, DifferenceCounts, RowCause


def causes(world: World) -> dict[str, RowCause]:
    return {row.player_id: row.cause for row in world.guard.ledger.compare(TENANT, BackfillMode.FORCE).rows}


def test_each_kind_of_row_is_counted_by_what_is_the_matter(world):
    platform = world.platform
    platform.set_player(TENANT, "equal", 10.0, 1.0)
    platform.set_wallet(TENANT, "equal", 10.0, 1.0)
    platform.set_player(TENANT, "noise", 0.3)
    platform.set_wallet(TENANT, "noise", 0.1 + 0.2)
    platform.set_player(TENANT, "missing", 5.0)
    world.stale("stale", 20.0, 10.0)
    world.credited("credited", 20.0, 50.0)
    platform.set_player(TENANT, "odd", 20.0)
    platform.set_wallet(TENANT, "odd", 33.0)
    platform.set_player(TENANT, "euro", 8.0)
    platform.set_wallet(TENANT, "euro", 8.0, currency="EUR")
    platform.set_wallet(TENANT, "nobody", 8.0)
    world.stale("elsewhere", 1.0, 2.0, tenant_id="other_casino")
    platform.set_wallet(TENANT, "elsewhere", 3.0)

    found = world.guard.ledger.compare(TENANT, BackfillMode.FORCE)

    assert found.players == 7
    assert found.counts == DifferenceCounts(
        missing=2, stale_wallet=1, protected=1, unexplained=1, float_noise=1, other_currency=1, orphan=2
    )
    assert [row.player_id for row in found.rows] == ["credited", "euro", "missing", "odd", "stale"]


def test_create_missing_lists_missing_rows_alone_and_still_counts_everything(world):
    world.platform.set_player(TENANT, "missing", 5.0)
    world.stale("stale", 20.0, 10.0)
    found = world.guard.ledger.compare(TENANT, BackfillMode.CREATE_MISSING)
    assert [row.player_id for row in found.rows] == ["missing"]
    assert (found.counts.missing, found.counts.stale_wallet) == (1, 1)


@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, 1e300], ids=str)
def test_a_wallet_without_a_readable_amount_is_set_aside(world, amount):
    world.platform.set_player(TENANT, "p1", 5.0)
    world.platform.set_wallet(TENANT, "p1", amount)
    assert causes(world) == {"p1": RowCause.PROTECTED}


def test_two_equal_unreadable_amounts_are_no_agreement(world):
    world.platform.set_player(TENANT, "p1", math.nan)
    world.platform.set_wallet(TENANT, "p1", math.nan)
    assert causes(world) == {"p1": RowCause.PROTECTED}


@pytest.mark.parametrize(
    ("movement", "cause"),
    [
        pytest.param(LedgerMovement("deposit_captured", "credit", 13.0), RowCause.PROTECTED, id="wallet-only type"),
        pytest.param(
            LedgerMovement("deposit", "credit", 13.0, provider_event_id="e1"), RowCause.PROTECTED, id="a provider's event"
        ),
        pytest.param(LedgerMovement("deposit", "credit", 13.0), RowCause.PROTECTED, id="the newest credit"),
        pytest.param(LedgerMovement("deposit", "CREDIT", 13.0), RowCause.PROTECTED, id="direction in capitals"),
        pytest.param(LedgerMovement("deposit_captured", "credit", 13.0, status="failed"), RowCause.UNEXPLAINED, id="void"),
        pytest.param(
            LedgerMovement("deposit_captured", "credit", 13.0, status="Rejected"), RowCause.UNEXPLAINED, id="void, capital letter"
        ),
        pytest.param(
            LedgerMovement("deposit_captured", "credit", 13.0, currency="EUR"), RowCause.UNEXPLAINED, id="other currency"
        ),
        pytest.param(LedgerMovement("deposit_captured", "debit", 13.0), RowCause.UNEXPLAINED, id="a payout"),
        pytest.param(
            LedgerMovement("deposit_captured", "sideways", 1.0), RowCause.PROTECTED, id="unknown direction: in doubt, set aside"
        ),
        pytest.param(
            LedgerMovement("deposit_captured", "credit", math.nan),
            RowCause.PROTECTED,
            id="unreadable amount: in doubt, set aside",
        ),
    ],
)
def test_what_the_ledger_says_about_a_wallet_13_above_its_player(world, movement, cause):
    world.platform.set_player(TENANT, "p1", 20.0)
    world.platform.set_wallet(TENANT, "p1", 33.0)
    world.platform.book(TENANT, "p1", movement)
    assert causes(world) == {"p1": cause}


def test_several_newest_credits_in_a_row_explain_a_wallet_above(world):
    world.platform.set_player(TENANT, "p1", 20.0)
    world.platform.set_wallet(TENANT, "p1", 33.0)
    for days_ago, amount in ((1, 5.0), (2, 8.0), (3, 100.0)):
        world.platform.book(TENANT, "p1", LedgerMovement("deposit", "credit", amount, created_at=NOW - timedelta(days=days_ago)))
    assert causes(world) == {"p1": RowCause.PROTECTED}


def test_older_credits_alone_do_not_explain_a_wallet_above(world):
    world.platform.set_player(TENANT, "p1", 20.0)
    world.platform.set_wallet(TENANT, "p1", 33.0)
    for days_ago, amount in ((1, 5.0), (2, 13.0)):
        world.platform.book(TENANT, "p1", LedgerMovement("deposit", "credit", amount, created_at=NOW - timedelta(days=days_ago)))
    assert causes(world) == {"p1": RowCause.UNEXPLAINED}


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(3))
def test_memory_and_postgres_find_the_same_rows_in_a_large_random_tenant(database_uri, policy, seed):
    from backfill_worlds import postgres_backfill_world

    tables = (memory_backfill_world(policy), postgres_backfill_world(policy, database_uri, database_uri))
    players, wallets, movements = _random_tables(random.Random(seed))
    _fill_memory(tables[0], players, wallets, movements)
    _fill_postgres(database_uri, players, wallets, movements)

    in_memory, on_postgres = (world.guard.ledger.compare(TENANT, BackfillMode.FORCE) for world in tables)

    assert in_memory == on_postgres
    found = {row.cause for row in in_memory.rows}
    assert found == set(RowCause), "the random tenant no longer reaches every cause"
    assert in_memory.counts.float_noise
    assert in_memory.counts.orphan


def _random_tables(chance: random.Random):
    players, wallets, movements = [], [], []
    for number in range(1500):
        player_id = f"p{number:04}"
        available, held = chance.choice([0.0, 10.0, 12.345, 99.995, 1e12]), chance.choice([0.0, 0.0, 5.0])
        players.append((player_id, available, held))
        if chance.random() < 0.1:
            continue
        booked = chance.choices([0, 1, 2, 3], [2, 2, 1, 1])[0]
        for _ in range(booked):
            kind, event = chance.choice(
                [("deposit_captured", None), ("bet", None), ("deposit", f"e{len(movements)}"), ("withdraw_paid", None)]
            )
            amount = chance.choice([5.0, 10.0, 12.345, 2.675, math.nan if chance.random() < 0.02 else 20.0])
            movement = LedgerMovement(
                kind,
                chance.choice(["credit", "credit", "debit"]),
                amount,
                chance.choice(["USD", "USD", "USD", "EUR"]),
                chance.choice(["completed", "completed", "completed", "failed"]),
                event,
                NOW - timedelta(minutes=chance.randrange(3)),
            )
            movements.append((player_id, movement))
        drift = chance.choice(
            [0.0, 0.0, 1e-10, 0.005, 5.0, -5.0, 10.0, 12.345, 17.345, 25.0, math.inf if chance.random() < 0.1 else 1.0]
        )
        shift = chance.choice([0.0, 0.0, 0.0, 5.0])
        wallets.append((player_id, available + drift - shift, held + shift, "USD"))
        if chance.random() < 0.1:
            wallets.append((player_id, 3.0, 0.0, "EUR"))
    wallets += [(f"ghost{number}", 1.0, 0.0, "USD") for number in range(7)]
    return players, wallets, movements


def _fill_memory(world: World, players, wallets, movements) -> None:
    world.platform.add_tenant(TENANT)
    for player_id, available, held in players:
        world.platform.set_player(TENANT, player_id, available, held)
    for player_id, available, pending, currency in wallets:
        world.platform.set_wallet(TENANT, player_id, available, pending, currency)
    for player_id, movement in movements:
        world.platform.book(TENANT, player_id, replace(movement))


def _fill_postgres(uri: str, players, wallets, movements) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute("insert into tenant (id, name) values (%s, 'x')", [TENANT])
        cursor = connection.cursor()
        cursor.executemany(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus,"
            " balance_real_available, balance_real_held)"
            " values (%s, %s, 'u', 'e', 0, 0, %s, %s)",
            [(player_id, TENANT, available, held) for player_id, available, held in players],
        )
        cursor.executemany(
            "insert into walletbalance values (%s, %s, %s, %s, %s, 0, 0)",
            [(TENANT, player_id, currency, available, pending) for player_id, available, pending, currency in wallets],
        )
        cursor.executemany(
            "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status,"
            " provider_event_id, created_at) values (%s, 'x', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [(str(number), TENANT, player_id, *_values(movement)) for number, (player_id, movement) in enumerate(movements)],
        )


def _values(movement: LedgerMovement) -> tuple[object, ...]:
    return (
        movement.type,
        movement.direction,
        movement.amount,
        movement.currency,
        movement.status,
        movement.provider_event_id,
        movement.created_at.replace(tzinfo=None),
    )


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        pytest.param("drop table walletbalance", "no table public.walletbalance", id="table"),
        pytest.param(
            "alter table player drop column balance_real_held", "table public.player has no column balance_real_held", id="column"
        ),
    ],
)
def test_a_missing_table_or_column_is_named(database_uri, policy, spoil, named):
    from ledger_guard.adapters.postgres.connection import ConnectionSettings
    from ledger_guard.adapters.postgres.ledger import PostgresLedgerStore

    store = PostgresLedgerStore(ConnectionSettings.parse(database_uri, "ledger_db"), policy)
    store.check_columns()
    with psycopg.connect(database_uri) as connection:
        connection.execute(spoil)
    with pytest.raises(SourceUnavailable, match=named):
        store.check_columns()
    with pytest.raises(SourceUnavailable):
        store.compare(TENANT, BackfillMode.FORCE)


@pytest.mark.postgres
def test_tenants_are_known_by_their_exact_id(world):
    world.platform.add_tenant("Casino_7")
    ledger = world.guard.ledger
    assert ledger.tenant_ids() == sorted([TENANT, "Casino_7"])
    assert [ledger.tenant_exists(each) for each in (TENANT, "CASINO_7", "casino", "")] == [True, False, False, False]
