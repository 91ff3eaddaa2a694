"""The money rule, case by case: in memory and on Postgres, for plans, T3 and verify alike."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
import pytest
from backfill_worlds import TENANT, World, memory_backfill_world, mismatches, postgres_backfill_world
from money_cases import CASES, MoneyCase, both, hook

from ledger_guard.domain.findings import DifferenceCounts, RowAction, RowCause, RowReason
from ledger_guard.domain.ledger_evidence import Amounts
from ledger_guard.domain.openings import opening_lines
from ledger_guard.domain.plan_rows import row_of
from ledger_guard.domain.plans import BackfillMode, PlanRow
from ledger_guard.policy.schema import Policy
from ledger_guard.use_cases.backfill.verify import verify

EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def fill(world: World, cases: Iterable[MoneyCase]) -> None:
    """A player a case, named as it is."""
    world.platform.add_tenant(TENANT)
    for case in cases:
        world.platform.set_player(TENANT, case.name, *case.player)
        if case.wallet is not None:
            world.platform.set_wallet(TENANT, case.name, *case.wallet)
        for currency, available in case.other_wallets:
            world.platform.set_wallet(TENANT, case.name, available, currency=currency)
        for row in case.ledger:
            world.platform.book(TENANT, case.name, row)
        for row in case.transactions:
            world.platform.note(TENANT, case.name, row)


def compared(world: World, cases: Iterable[MoneyCase]) -> tuple[list[PlanRow], DifferenceCounts]:
    """What a dry-run finds, with what was seen of these cases before."""
    seen = {case.name: Amounts(*case.seen_opening) for case in cases if case.seen_opening is not None}
    with world.deps.ledger.differences(TENANT, BackfillMode.FORCE, [opening_lines(seen)]) as found:
        return [row_of(line) for line in found.lines()], found.counts


def check(case: MoneyCase, row: PlanRow | None) -> None:
    if case.finding is None:
        assert row is None, f"right, yet found {row}"
        return
    assert row is not None, "a wrong wallet without a word"
    assert (row.cause, row.reason) == case.finding
    if case.target is not None:
        assert (row.target_available, row.target_pending) == case.target


@EACH
def test_the_rule_in_memory(policy, case):
    world = memory_backfill_world(policy)
    fill(world, [case])
    rows, counts = compared(world, [case])
    check(case, next(iter(rows), None))
    assert counts.player_row_wrong == case.player_row_wrong


@pytest.fixture(scope="module")
def all_cases(postgres_server, policy: Policy, module_database_uri: str) -> World:
    """Every case in one tenant of a real Postgres."""
    world = postgres_backfill_world(policy, module_database_uri, module_database_uri)
    fill(world, CASES)
    return world


@pytest.fixture(scope="module")
def rows(all_cases) -> dict[str, PlanRow]:
    return {row.player_id: row for row in compared(all_cases, CASES)[0]}


@pytest.mark.postgres
@EACH
def test_the_rule_on_postgres(rows, case):
    check(case, rows.get(case.name))


@pytest.mark.postgres
def test_memory_and_postgres_keep_the_same_evidence(all_cases, policy):
    memory = memory_backfill_world(policy)
    fill(memory, CASES)
    (found, counts), (expected, expected_counts) = (compared(world, CASES) for world in (all_cases, memory))
    assert [row for row in found if row not in expected] == [row for row in expected if row not in found]
    assert (found, counts) == (expected, expected_counts)


@pytest.mark.postgres
def test_a_ledger_row_without_a_date_is_shown_as_one_and_keeps_no_other_from_being_read(all_cases):
    shown = all_cases.deps.ledger.movements(TENANT, ["a ledger row without a date"], 10)
    assert [each.row.created_at is None for each in shown["a ledger row without a date"]] == [False, True, True], "last of all"


@pytest.mark.postgres
def test_t3_counts_what_a_plan_would_write_and_what_it_hands_to_humans(all_cases, rows, policy):
    reading = mismatches(all_cases, policy)
    assert (reading.events, reading.exposure) == (len(rows), len(CASES))
    counts = all_cases.deps.ledger.compare(TENANT, BackfillMode.FORCE).counts
    assert reading.events == counts.repairable + counts.for_humans


@pytest.mark.postgres
@pytest.mark.parametrize("case", [case for case in CASES if case.finding], ids=lambda case: case.name)
def test_t3_counts_each_case_alone_as_the_plan_does(world_of_one, policy, case):
    fill(world_of_one, [case])
    assert mismatches(world_of_one, policy).events == 1
    assert not verify(world_of_one.deps, TENANT).is_clean


@pytest.fixture
def world_of_one(policy, database_uri) -> World:
    """An empty tenant of a real Postgres."""
    world = postgres_backfill_world(policy, database_uri, database_uri)
    world.platform.add_tenant(TENANT)
    return world


def test_without_a_table_of_transactions_overlapping_requests_go_to_a_human(policy):
    world = memory_backfill_world(without_transactions(policy))
    fill(world, [case for case in CASES if case.name == "overlapping requests after the first note are replayed"])
    (row,) = world.deps.ledger.compare(TENANT, BackfillMode.FORCE).rows
    assert (row.cause, row.reason) == (RowCause.UNEXPLAINED, RowReason.OVERLAPPING_REQUESTS)


@pytest.mark.parametrize("seconds", [0, 1, 60])
def test_how_close_requests_may_be_is_the_policys_to_say(policy, seconds):
    platform = policy.platform.model_copy(update={"concurrent_within_seconds": seconds})
    for gap, overlap in ((seconds - 0.5, True), (seconds, False), (seconds + 0.5, False)):
        world = memory_backfill_world(policy.model_copy(update={"platform": platform}))
        ledger = (hook(5, 0), both("manual_credit", "credit", 5, 1), both("manual_credit", "credit", 10, 1 + max(gap, 0) / 60))
        fill(world, [MoneyCase("p", (115.0, 0.0), (20.0, 0.0), ledger)])
        (row,) = world.deps.ledger.compare(TENANT, BackfillMode.FORCE).rows
        assert (row.reason is RowReason.OVERLAPPING_REQUESTS) == (overlap and seconds > 0)


@pytest.mark.postgres
@pytest.mark.parametrize("spoil", ["drop table ledgertransaction", "delete from ledgertransaction"])
def test_without_a_ledger_only_missing_wallets_are_made_and_the_rest_go_to_humans(world_of_one, spoil):
    fill(world_of_one, [case for case in CASES if not case.other_wallets and None not in case.player])
    with psycopg.connect(world_of_one.uris[0]) as connection:
        connection.execute(spoil)
        connection.execute("delete from transaction")
    found = world_of_one.deps.ledger.compare(TENANT, BackfillMode.FORCE)
    assert {row.cause for row in found.rows if row.cause.action is RowAction.WRITE} == {RowCause.MISSING}
    assert {row.cause.action for row in found.rows} == {RowAction.WRITE, RowAction.HUMAN}
    for row in found.rows:
        if row.cause is RowCause.MISSING:
            assert (row.target_available, row.target_pending) == (row.player_available, row.player_held)


@pytest.mark.postgres
@pytest.mark.parametrize("column", ["balance_real_available", "balance_real_pending"])
def test_a_wallet_that_holds_null_is_unreadable_and_never_clean(world_of_one, column):
    fill(world_of_one, [MoneyCase("p", (100.0, 0.0), (100.0, 0.0))])
    with psycopg.connect(world_of_one.uris[0]) as connection:
        connection.execute(f"alter table walletbalance alter {column} drop not null")
        connection.execute(f"update walletbalance set {column} = null")
    (row,) = world_of_one.deps.ledger.compare(TENANT, BackfillMode.FORCE).rows
    assert (row.cause, row.reason) == (RowCause.UNREADABLE, RowReason.UNREADABLE_WALLET)
    assert not verify(world_of_one.deps, TENANT).is_clean


def without_transactions(policy: Policy) -> Policy:
    return policy.model_copy(update={"platform": policy.platform.model_copy(update={"transactions": None})})
