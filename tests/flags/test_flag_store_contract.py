"""What every flag store promises, on the in-memory one and on Postgres."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest
from tests.flags.rollout_world import BALANCE, NOW, SIGNATURE

from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.flags import InMemoryFlagStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.flags import PostgresFlagStore
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState
from ledger_guard.policy.loader import load_policy


def _postgres(uri: str, **mapping: str) -> PostgresFlagStore:
    policy = load_policy()
    policy = policy.model_copy(update={"flag_store": policy.flag_store.model_copy(update=mapping)})
    return PostgresFlagStore(ConnectionSettings.parse(uri, "ledger_db"), policy, SettableClock(NOW))


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request):
    if request.param == "memory":
        return InMemoryFlagStore()
    return _postgres(request.getfixturevalue("database_uri"))


def _set(store, tenant_id: str, is_enabled: bool, flag: str = BALANCE) -> FlagState:
    return store.compare_and_set(store.get(flag, tenant_id), is_enabled, "somebody", "because")


def test_a_scope_without_a_row_has_no_value_and_is_off(store):
    assert store.get(BALANCE, EVERYWHERE) == FlagState(BALANCE, EVERYWHERE, None, 0)
    assert store.effective(BALANCE, "tenant-a") is False
    assert store.scopes(BALANCE) == []


def test_the_first_write_of_a_scope_has_version_one_and_each_further_one_more(store):
    assert _set(store, EVERYWHERE, True) == FlagState(BALANCE, EVERYWHERE, True, 1)
    assert _set(store, EVERYWHERE, False) == FlagState(BALANCE, EVERYWHERE, False, 2)
    assert store.get(BALANCE, EVERYWHERE) == FlagState(BALANCE, EVERYWHERE, False, 2)


@pytest.mark.parametrize(
    ("globally", "own", "effective"),
    [
        pytest.param(True, None, True, id="no value of its own: the global one"),
        pytest.param(True, False, False, id="its own off beats global on"),
        pytest.param(False, True, True, id="its own on beats global off"),
        pytest.param(None, True, True, id="its own alone"),
    ],
)
def test_a_tenant_obeys_its_own_value_before_the_global_one(store, globally, own, effective):
    if globally is not None:
        _set(store, EVERYWHERE, globally)
    if own is not None:
        _set(store, "tenant-a", own)
    assert store.effective(BALANCE, "tenant-a") is effective


def test_scopes_are_one_flags_own_with_the_global_one_first(store):
    for tenant in ("tenant-b", EVERYWHERE, "Tenant-a", "0-tenant"):
        _set(store, tenant, True)
    _set(store, EVERYWHERE, True, SIGNATURE)
    found = store.scopes(BALANCE)
    assert found[0].tenant_id == EVERYWHERE
    assert {state.tenant_id for state in found} == {"tenant-b", EVERYWHERE, "Tenant-a", "0-tenant"}
    assert {state.flag for state in found} == {BALANCE}


def test_the_store_keeps_the_reason_of_the_write(store):
    store.compare_and_set(store.get(BALANCE, EVERYWHERE), True, "payments-lead", "pilot begins")
    assert store.get(BALANCE, EVERYWHERE).change_reason == "pilot begins"
    assert store.scopes(BALANCE)[0].change_reason == "pilot begins"


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(FlagState(BALANCE, EVERYWHERE, True, 1), id="an older version of the same value"),
        pytest.param(FlagState(BALANCE, EVERYWHERE, False, 3), id="the same version with another value"),
        pytest.param(FlagState(BALANCE, EVERYWHERE, None, 0), id="no row, while there is one now"),
        pytest.param(FlagState(BALANCE, EVERYWHERE, True, 4), id="a version that never was"),
    ],
)
def test_a_write_on_anything_but_what_stands_is_refused_and_says_what_stands(store, seen):
    for value in (True, False, True):
        _set(store, EVERYWHERE, value)
    with pytest.raises(SafetyRefusal, match=r"changed meanwhile: now on \(version 3\)"):
        store.compare_and_set(seen, False, "somebody", "because")
    assert store.get(BALANCE, EVERYWHERE) == FlagState(BALANCE, EVERYWHERE, True, 3)


def test_a_write_of_many_scopes_is_all_or_none(store):
    everyone, tenant = _set(store, EVERYWHERE, True), _set(store, "tenant-a", True)
    _set(store, "tenant-a", True)
    with pytest.raises(SafetyRefusal, match="tenant-a: changed meanwhile"):
        store.compare_and_set_all([everyone, tenant], False, "somebody", "because")
    assert [state.is_enabled for state in store.scopes(BALANCE)] == [True, True]
    written = store.compare_and_set_all(store.scopes(BALANCE), False, "somebody", "because")
    assert [(state.tenant_id, state.is_enabled) for state in written] == [(EVERYWHERE, False), ("tenant-a", False)]
    assert written == store.scopes(BALANCE)


@pytest.mark.parametrize(
    "has_row", [pytest.param(True, id="a row to update"), pytest.param(False, id="the first row of its scope")]
)
def test_of_writers_that_race_for_one_flag_exactly_one_writes(store, has_row):
    if has_row:
        _set(store, EVERYWHERE, True)
    seen = store.get(BALANCE, EVERYWHERE)
    outcomes = _at_once(4, lambda number: store.compare_and_set(seen, False, f"writer {number}", f"writer {number}"))
    assert sorted(outcomes) == ["SafetyRefusal"] * 3 + ["written"]
    assert store.get(BALANCE, EVERYWHERE).version == seen.version + 1


def _at_once(writers: int, write: Callable[[int], object]) -> list[str]:
    outcomes, together = [], threading.Barrier(writers)

    def run(number: int) -> None:
        together.wait()
        try:
            write(number)
            outcomes.append("written")
        except SafetyRefusal:
            outcomes.append("SafetyRefusal")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.postgres
@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param("drop table rollout_flag", id="the table is missing"),
        pytest.param("alter table rollout_flag drop column version", id="a column is missing"),
        pytest.param("alter table rollout_flag rename column change_reason to note", id="a column has another name"),
    ],
)
def test_a_store_without_its_table_or_column_is_unavailable(database_uri, spoilt):
    with psycopg.connect(database_uri) as connection:
        connection.execute(spoilt)
    store = _postgres(database_uri)
    for use in (
        lambda: store.get(BALANCE, EVERYWHERE),
        lambda: store.scopes(BALANCE),
        lambda: store.effective(BALANCE, "tenant-a"),
        lambda: store.compare_and_set(FlagState(BALANCE, EVERYWHERE, None), True, "somebody", "because"),
    ):
        with pytest.raises(SourceUnavailable, match=r"flag store public\.rollout_flag"):
            use()


@pytest.mark.postgres
def test_a_store_whose_database_is_down_is_unavailable(tmp_path):
    with pytest.raises(SourceUnavailable):
        _postgres(f"postgresql://postgres@/platform?host={tmp_path}").get(BALANCE, EVERYWHERE)


@pytest.mark.postgres
def test_the_table_and_its_columns_are_the_policys(database_uri):
    with psycopg.connect(database_uri) as connection:
        connection.execute('alter table rollout_flag rename to "Switch"')
        connection.execute('alter table "Switch" rename column key to "select"')
    store = _postgres(database_uri, table="Switch", flag="select")
    assert _set(store, EVERYWHERE, True) == store.get(BALANCE, EVERYWHERE)


@pytest.mark.postgres
def test_a_scope_with_two_rows_stops_everything(database_uri):
    with psycopg.connect(database_uri) as connection:
        connection.execute("alter table rollout_flag drop constraint rollout_flag_pkey")
        for value in (True, False):
            connection.execute(
                "insert into rollout_flag (key, tenant_id, is_enabled, changed_by, change_reason) values (%s, '*', %s, 'x', 'x')",
                [BALANCE, value],
            )
    with pytest.raises(LedgerInvariantError, match="more than one row"):
        _postgres(database_uri).get(BALANCE, EVERYWHERE)
