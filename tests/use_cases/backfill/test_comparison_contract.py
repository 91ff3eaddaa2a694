"""Comparing a tenant: the same answers in memory and on Postgres."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence

import psycopg
import pytest
from backfill_worlds import TENANT, World, memory_backfill_world, mismatches, postgres_backfill_world
from odd_players import OddPlayer, odd_players

from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.findings import DifferenceCounts, RowCause, RowReason
from ledger_guard.domain.ledger_evidence import Amounts
from ledger_guard.domain.openings import opening_lines, openings_of
from ledger_guard.domain.plan_rows import row_of
from ledger_guard.domain.plans import BackfillMode, PlanRow
from ledger_guard.policy.schema import Policy
from ledger_guard.ports.platform import Comparison


def test_each_kind_of_row_is_counted_by_what_is_the_matter(world):
    platform = world.platform
    platform.set_player(TENANT, "equal", 10.0, 1.0)
    platform.set_wallet(TENANT, "equal", 10.0, 1.0)
    platform.set_player(TENANT, "noise", 0.3)
    platform.set_wallet(TENANT, "noise", 0.1 + 0.2)
    platform.set_player(TENANT, "missing", 5.0)
    world.stale("stale", 20.0, 10.0)
    world.credited("credited", 20.0, 50.0)
    world.doubtful("doubtful", 20.0, 33.0)
    world.disputed("disputed", 20.0, 33.0)
    platform.set_player(TENANT, "unreadable", math.nan)
    platform.set_player(TENANT, "euro", 8.0)
    platform.set_wallet(TENANT, "euro", 8.0, currency="EUR")
    platform.set_wallet(TENANT, "nobody", 8.0)
    world.stale("elsewhere", 1.0, 2.0, tenant_id="other_casino")
    platform.set_wallet(TENANT, "elsewhere", 3.0)

    found = world.deps.ledger.compare(TENANT, BackfillMode.FORCE)

    assert found.players == 9
    assert found.counts == DifferenceCounts(
        missing=2,
        stale_wallet=1,
        disputed=1,
        unexplained=1,
        unreadable=1,
        protected=1,
        float_noise=1,
        other_currency=1,
        orphan=2,
        missing_with_bonus=2,
    )
    assert [row.player_id for row in found.rows] == ["disputed", "doubtful", "euro", "missing", "stale", "unreadable"]
    assert found.bonus_lost == 1400


def test_create_missing_lists_missing_rows_alone_and_still_counts_everything(world):
    world.platform.set_player(TENANT, "missing", 5.0)
    world.stale("stale", 20.0, 10.0)
    found = world.deps.ledger.compare(TENANT, BackfillMode.CREATE_MISSING)
    assert [row.player_id for row in found.rows] == ["missing"]
    assert (found.counts.missing, found.counts.stale_wallet) == (1, 1)


def openings_before(world: World) -> bytes:
    """What the guard might have seen of every second player: for every fourth a cent less than follows now."""
    with world.deps.ledger.differences(TENANT, BackfillMode.FORCE) as found:
        now = openings_of(found.new_openings())
    every_second = list(now.items())[::2]
    return opening_lines({name: each.less(Amounts(number % 2, 0)) for number, (name, each) in enumerate(every_second)})


def compare_with(world: World, seen: bytes) -> Comparison:
    with world.deps.ledger.differences(TENANT, BackfillMode.FORCE, [seen]) as found:
        rows = tuple(row_of(line) for line in found.lines())
        return Comparison(TENANT, found.players, found.counts, rows, found.bonus_lost)


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variant", ["as shipped", "other settings"])
def test_memory_and_postgres_judge_thousands_of_odd_players_alike(database_uri, policy, variant, seed):
    policy = policy if variant == "as shipped" else with_other_settings(policy)
    players = odd_players(random.Random(f"{variant} {seed}"), 2000)
    memory, postgres = memory_backfill_world(policy), postgres_backfill_world(policy, database_uri, database_uri)
    fill_memory(memory, players)
    fill_postgres(database_uri, players)

    expected, found = (world.deps.ledger.compare(TENANT, BackfillMode.FORCE) for world in (memory, postgres))

    assert unlike(expected.rows, found.rows) == []
    assert found == expected
    seen = openings_before(memory)
    expected, found = (compare_with(world, seen) for world in (memory, postgres))
    assert unlike(expected.rows, found.rows) == []
    assert found == expected
    causes_found = Counter(row.cause for row in found.rows)
    assert set(causes_found) == set(RowCause) - {RowCause.PROTECTED}, "the odd players no longer reach every cause"
    assert {row.reason for row in found.rows} == set(RowReason), "the odd players no longer reach every reason"
    assert found.counts.protected > 50
    assert found.players - len(found.rows) > 200, "hardly a wallet is right any more"
    assert min(found.counts.float_noise, found.counts.orphan, found.counts.player_row_wrong, found.counts.missing_with_bonus)
    assert mismatches(postgres, policy).events == len(found.rows)


def with_other_settings(policy: Policy) -> Policy:
    """Words of movements that never took place, requests that overlap only at one moment, and the bonus filled in."""
    ledger = policy.platform.ledger.model_copy(update={"void_statuses": ("Failed",)})
    changed = {"ledger": ledger, "concurrent_within_seconds": 1, "fill_bonus_from_player": True}
    return policy.model_copy(update={"platform": policy.platform.model_copy(update=changed)})


def unlike(expected: Sequence[PlanRow], found: Sequence[PlanRow]) -> list[tuple[PlanRow | None, PlanRow | None]]:
    """Rows of one player that are not the same in both, for a failure that can be read."""
    by_player = [{row.player_id: row for row in rows} for rows in (expected, found)]
    return [
        (by_player[0].get(player_id), by_player[1].get(player_id))
        for player_id in sorted({*by_player[0], *by_player[1]})
        if by_player[0].get(player_id) != by_player[1].get(player_id)
    ]


def fill_memory(world: World, players: Iterable[OddPlayer]) -> None:
    for each in players:
        world.platform.set_player(TENANT, each.player_id, *each.player)
        for currency, (available, pending) in each.wallets.items():
            world.platform.set_wallet(TENANT, each.player_id, available, pending, currency)
        for movement in each.ledger:
            world.platform.book(TENANT, each.player_id, movement)
        for transaction in each.transactions:
            world.platform.note(TENANT, each.player_id, transaction)
    for number in range(7):
        world.platform.set_wallet(TENANT, f"ghost{number}", 1.0)


def fill_postgres(uri: str, players: Iterable[OddPlayer]) -> None:
    """The same rows, set-based; ids are the player's own, because the platform's are unique."""
    players = list(players)
    with psycopg.connect(uri) as connection:
        connection.execute("insert into tenant (id, name) values (%s, 'x')", [TENANT])
        cursor = connection.cursor()
        cursor.executemany(
            "insert into player (id, tenant_id, username, email, balance_real, balance_bonus,"
            " balance_real_available, balance_real_held)"
            " values (%s, %s, 'u', 'e', 0, 7, %s, %s)",
            [(each.player_id, TENANT, *each.player) for each in players],
        )
        cursor.executemany(
            "insert into walletbalance values (%s, %s, %s, %s, %s, 0, 0)",
            [(TENANT, each.player_id, currency, *wallet) for each in players for currency, wallet in each.wallets.items()]
            + [(TENANT, f"ghost{number}", "USD", 1.0, 0.0) for number in range(7)],
        )
        rows = [(each, row) for each in players for row in each.ledger]
        cursor.executemany(
            "insert into ledgertransaction (id, tx_id, tenant_id, player_id, type, direction, amount, currency, status,"
            " provider_ref, created_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (str(number), own_id(each, row.tx_id), TENANT, each.player_id, row.type, row.direction, row.amount, row.currency,
                 row.status, row.provider_ref, row.created_at.replace(tzinfo=None))
                for number, (each, row) in enumerate(rows)
            ],
        )  # fmt: skip
        cursor.executemany(
            "insert into transaction (id, tenant_id, player_id, type, amount, currency, status, state, provider, balance_after,"
            " created_at) values (%s, %s, %s, %s, %s, %s, 'completed', 'completed', %s, %s, %s)",
            [
                (own_id(each, row.id), TENANT, each.player_id, row.type, row.amount, row.currency, row.provider,
                 row.balance_after, row.created_at.replace(tzinfo=None))
                for each in players
                for row in each.transactions
            ],
        )  # fmt: skip


def own_id(player: OddPlayer, tx_id: str | None) -> str | None:
    """Beginning with the id itself, so that ids of one player keep their order."""
    return tx_id and f"{tx_id} of {player.player_id}"


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
    ledger = world.deps.ledger
    assert ledger.tenant_ids() == sorted([TENANT, "Casino_7"])
    assert [ledger.tenant_exists(each) for each in (TENANT, "CASINO_7", "casino", "")] == [True, False, False, False]
