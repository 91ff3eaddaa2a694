"""The stand-in platform's tables have the names, types and quirks of the platform they stand in for."""

from __future__ import annotations

import psycopg
import pytest
from tests.sandbox.conftest import rows, value

from ledger_sandbox.platform_schema import create_platform

pytestmark = pytest.mark.postgres

_MONEY = [
    ("player", "balance_real"),
    ("player", "balance_bonus"),
    ("player", "balance_real_available"),
    ("player", "balance_real_held"),
    ("walletbalance", "balance_real_available"),
    ("walletbalance", "balance_real_pending"),
    ("walletbalance", "balance_bonus_available"),
    ("walletbalance", "balance_bonus_pending"),
    ("ledgertransaction", "amount"),
    ("transaction", "amount"),
    ("transaction", "balance_after"),
]


@pytest.fixture(scope="module")
def schema_uri(postgres_server, migrated_template) -> str:
    """One empty platform for all tests that only look at it."""
    return postgres_server.create_database("sandbox_schema", template=migrated_template)


def column_type(uri: str, table: str, column: str) -> tuple[str, str]:
    query = (
        "select data_type, is_nullable from information_schema.columns where table_name = %(table)s and column_name = %(column)s"
    )
    return rows(uri, query, table=table, column=column)[0]


@pytest.mark.parametrize(("table", "column"), _MONEY, ids=".".join)
def test_money_is_double_precision_and_never_null(schema_uri, table, column):
    assert column_type(schema_uri, table, column) == ("double precision", "NO")


@pytest.mark.parametrize(("table", "column"), [("tenant", "id"), ("player", "id"), ("player", "tenant_id")], ids=".".join)
def test_ids_are_texts_so_that_slugs_fit(schema_uri, table, column):
    assert column_type(schema_uri, table, column)[0] == "character varying"


def test_timestamps_have_no_zone_and_features_are_json_not_jsonb(schema_uri):
    assert column_type(schema_uri, "walletbalance", "updated_at")[0] == "timestamp without time zone"
    assert column_type(schema_uri, "tenant", "features")[0] == "json"


def test_a_ledger_row_need_not_have_a_transaction(schema_uri):
    assert column_type(schema_uri, "ledgertransaction", "tx_id") == ("character varying", "YES")


def test_reconciliation_runs_alone_have_timestamps_with_a_zone(schema_uri):
    zoned = """
        select distinct table_name from information_schema.columns
        where table_schema = 'public' and data_type = 'timestamp with time zone' and table_name <> 'rollout_flag'
    """
    assert rows(schema_uri, zoned) == [("reconciliation_runs",)]


def test_no_index_helps_to_find_a_tenants_players(schema_uri):
    found = rows(schema_uri, "select indexdef from pg_indexes where tablename = 'player'")
    assert [definition for (definition,) in found if "tenant_id" in definition] == []


def test_wallets_refer_to_no_one_so_that_orphans_can_exist(schema_uri):
    assert (
        value(schema_uri, "select count(*) from pg_constraint where conrelid = 'walletbalance'::regclass and contype = 'f'") == 0
    )


@pytest.mark.parametrize("columns", ["(tenant_id, player_id, type, idempotency_key)", "(provider, provider_event_id)"])
def test_the_ledgers_uniques_are_declared_twice(schema_uri, columns):
    found = rows(schema_uri, "select indexdef from pg_indexes where tablename = 'ledgertransaction'")
    assert len([definition for (definition,) in found if "UNIQUE" in definition and definition.endswith(columns)]) == 2


def test_a_flag_has_one_row_for_each_scope(schema_uri):
    insert = b"""
        insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason) values ('f', %s, true, 'me', 'why')
    """
    with psycopg.connect(schema_uri) as connection:
        connection.execute(insert, ["*"])
        connection.execute(insert, ["default_casino"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(insert, ["*"])


def test_creating_the_platform_twice_is_refused_and_changes_nothing(empty_database_uri):
    create_platform(empty_database_uri)
    with psycopg.connect(empty_database_uri) as connection:
        connection.execute("insert into tenant (id, name) values ('default_casino', 'Default')")
    with pytest.raises(psycopg.errors.DuplicateTable):
        create_platform(empty_database_uri)
    assert value(empty_database_uri, "select count(*) from tenant") == 1
