"""What every flag store promises: in memory, Postgres, dotenv file, flag server, flagd file, a real Unleash."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.flag_stores import dotenv_store, flagd_store, http_store, unleash_store
from tests.use_cases.flags.rollout_world import BALANCE, NOW, SIGNATURE

from ledger_guard.adapters.flag_stores.postgres import PostgresFlagStore
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.memory.flags import InMemoryFlagStore
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.errors import BadInputError, LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, FlagState
from ledger_guard.policy.loader import load_policy


def _postgres(uri: str, **mapping: str) -> PostgresFlagStore:
    policy = load_policy()
    policy = policy.model_copy(update={"flag_store": policy.flag_store.model_copy(update=mapping)})
    return PostgresFlagStore(ConnectionSettings.parse(uri, "ledger_db"), policy, SettableClock(NOW))


#: the stores that keep a value per tenant
WITH_TENANTS = ["memory", pytest.param("postgres", marks=pytest.mark.postgres), "http", "flagd"]
UNLEASH = pytest.param("unleash", marks=pytest.mark.postgres)
#: the stores that keep one value for everybody
WITHOUT_TENANTS = ["dotenv", UNLEASH]


def _opened(request, kind: str):
    if kind == "memory":
        return InMemoryFlagStore()
    if kind == "postgres":
        return _postgres(request.getfixturevalue("database_uri"))
    if kind == "unleash":
        return unleash_store(request.getfixturevalue("unleash"), request.getfixturevalue("database_uri"))
    folder = request.getfixturevalue("tmp_path")
    if kind == "dotenv":
        return dotenv_store(folder)
    if kind == "flagd":
        return flagd_store(folder)
    return http_store(request.getfixturevalue("flag_server"))


@pytest.fixture(params=[*WITH_TENANTS, *WITHOUT_TENANTS])
def store(request):
    return _opened(request, request.param)


@pytest.fixture(params=WITH_TENANTS)
def tenant_store(request):
    return _opened(request, request.param)


def _set(store, tenant_id: str, is_enabled: bool, flag: str = BALANCE) -> FlagState:
    return compare_and_set(store, store.get(flag, tenant_id), is_enabled, "somebody", "because")


@pytest.mark.parametrize("kind", ["memory", pytest.param("postgres", marks=pytest.mark.postgres), "http"])
def test_a_scope_without_a_row_is_off_where_the_store_is_all_that_the_platform_obeys(request, kind):
    store = _opened(request, kind)
    assert store.get(BALANCE, EVERYWHERE).not_known_because == ""
    assert store.effective(BALANCE, "tenant-a") is False


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("dotenv", "the file does not name it"),
        ("flagd", "the file does not name it"),
        pytest.param("unleash", "Unleash has no such flag in project default", marks=pytest.mark.postgres),
    ],
)
def test_a_scope_without_a_value_is_not_known_where_the_platform_may_obey_something_else(request, kind, why):
    store = _opened(request, kind)
    assert why in store.get(BALANCE, EVERYWHERE).not_known_because
    assert store.effective(BALANCE, EVERYWHERE) is None
    _set(store, EVERYWHERE, False)
    assert (store.get(BALANCE, EVERYWHERE).not_known_because, store.effective(BALANCE, EVERYWHERE)) == ("", False)


def test_a_scope_without_a_row_has_no_value(store):
    assert store.get(BALANCE, EVERYWHERE) == FlagState(BALANCE, EVERYWHERE, None, 0)
    assert store.scopes(BALANCE) == []
    assert store.lacks(BALANCE) == ""
    store.finish(BALANCE)


def test_each_write_has_a_version_of_its_own_even_of_the_same_value(store):
    written = [_set(store, EVERYWHERE, value) for value in (True, False, True, True)]
    assert [state.is_enabled for state in written] == [True, False, True, True]
    assert len({state.version for state in written} | {0}) == 5
    assert store.get(BALANCE, EVERYWHERE) == written[-1]


@pytest.mark.parametrize("kind", ["memory", pytest.param("postgres", marks=pytest.mark.postgres), "http"])
def test_a_store_that_counts_its_writes_begins_with_one(request, kind):
    store = _opened(request, kind)
    assert [_set(store, EVERYWHERE, value).version for value in (True, False)] == [1, 2]


@pytest.mark.parametrize("kind", WITHOUT_TENANTS)
def test_a_store_without_tenants_refuses_a_tenant_in_one_sentence(request, kind):
    store = _opened(request, kind)
    assert store.per_tenant is False
    for use in (
        lambda: store.get(BALANCE, "tenant-a"),
        lambda: compare_and_set(store, FlagState(BALANCE, "tenant-a", None), True, "somebody", "because"),
    ):
        with pytest.raises(BadInputError, match=r"one value for everyone, none for tenant tenant-a; allowed: tenant id \*"):
            use()


@pytest.mark.parametrize(
    ("globally", "own", "effective"),
    [
        pytest.param(True, None, True, id="no value of its own: the global one"),
        pytest.param(True, False, False, id="its own off beats global on"),
        pytest.param(False, True, True, id="its own on beats global off"),
        pytest.param(None, True, True, id="its own alone"),
    ],
)
def test_a_tenant_obeys_its_own_value_before_the_global_one(tenant_store, globally, own, effective):
    if globally is not None:
        _set(tenant_store, EVERYWHERE, globally)
    if own is not None:
        _set(tenant_store, "tenant-a", own)
    assert tenant_store.effective(BALANCE, "tenant-a") is effective


def test_scopes_are_one_flags_own_with_the_global_one_first(tenant_store):
    for tenant in ("tenant-b", EVERYWHERE, "Tenant-a", "0-tenant"):
        _set(tenant_store, tenant, True)
    _set(tenant_store, EVERYWHERE, True, SIGNATURE)
    found = tenant_store.scopes(BALANCE)
    assert found[0].tenant_id == EVERYWHERE
    assert {state.tenant_id for state in found} == {"tenant-b", EVERYWHERE, "Tenant-a", "0-tenant"}
    assert {state.flag for state in found} == {BALANCE}


def test_the_store_keeps_the_reason_of_the_write(store):
    compare_and_set(store, store.get(BALANCE, EVERYWHERE), True, "payments-lead", "pilot begins")
    assert store.get(BALANCE, EVERYWHERE).change_reason == "pilot begins"
    assert store.scopes(BALANCE)[0].change_reason == "pilot begins"


@pytest.mark.parametrize(
    "stale",
    [
        pytest.param(lambda past: past[0], id="an older version of the same value"),
        pytest.param(lambda past: replace(past[2], is_enabled=False), id="the same version with another value"),
        pytest.param(lambda _: FlagState(BALANCE, EVERYWHERE, None, 0), id="no value, while there is one now"),
        pytest.param(lambda past: replace(past[2], version=past[2].version + 1), id="a version that never was"),
    ],
)
def test_a_write_on_an_outdated_value_is_refused_with_the_current_one(store, stale):
    past = [_set(store, EVERYWHERE, value) for value in (True, False, True)]
    with pytest.raises(SafetyRefusal, match=rf"changed meanwhile: now on \(version {past[2].version}\)"):
        compare_and_set(store, stale(past), False, "somebody", "because")
    assert store.get(BALANCE, EVERYWHERE) == past[2]


def test_a_write_of_many_scopes_is_all_or_none(tenant_store):
    everyone, tenant = _set(tenant_store, EVERYWHERE, True), _set(tenant_store, "tenant-a", True)
    _set(tenant_store, "tenant-a", True)
    with pytest.raises(SafetyRefusal, match="tenant-a: changed meanwhile"):
        tenant_store.compare_and_set_all([everyone, tenant], False, "somebody", "because")
    assert [state.is_enabled for state in tenant_store.scopes(BALANCE)] == [True, True]
    written = tenant_store.compare_and_set_all(tenant_store.scopes(BALANCE), False, "somebody", "because")
    assert [(state.tenant_id, state.is_enabled) for state in written] == [(EVERYWHERE, False), ("tenant-a", False)]
    assert written == tenant_store.scopes(BALANCE)


@pytest.mark.parametrize(
    "has_row", [pytest.param(True, id="a row to update"), pytest.param(False, id="the first row of its scope")]
)
def test_of_writers_that_race_for_one_flag_exactly_one_writes(store, has_row):
    if has_row:
        _set(store, EVERYWHERE, True)
    seen = store.get(BALANCE, EVERYWHERE)
    outcomes = _at_once(4, lambda number: compare_and_set(store, seen, False, f"writer {number}", f"writer {number}"))
    assert sorted(outcomes) == ["SafetyRefusal"] * 3 + ["written"]
    assert store.get(BALANCE, EVERYWHERE).version != seen.version
    assert store.get(BALANCE, EVERYWHERE).is_enabled is False


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
        lambda: compare_and_set(store, FlagState(BALANCE, EVERYWHERE, None), True, "somebody", "because"),
    ):
        with pytest.raises(SourceUnavailable, match=r"flag store.*public\.rollout_flag"):
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


NOBODY_KNOWN = """
    alter table rollout_flag alter changed_at drop not null, alter changed_by drop not null;
    update rollout_flag set changed_at = null, changed_by = null
"""


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("spoilt", "by", "at"),
    [
        pytest.param(
            "update rollout_flag set changed_by = 'mallory', changed_at = '2026-03-01 12:00+02'",
            "mallory",
            "2026-03-01T10:00:00+00:00",
            id="known",
        ),
        pytest.param("update rollout_flag set changed_at = 'infinity'", "somebody", None, id="never"),
        pytest.param("alter table rollout_flag alter changed_at type text using 'yesterday'", "somebody", None, id="a text"),
        pytest.param(NOBODY_KNOWN, "", None, id="null"),
    ],
)
def test_who_changed_a_row_and_when_come_from_its_columns_and_no_content_of_them_stops_a_read(database_uri, spoilt, by, at):
    store = _postgres(database_uri)
    _set(store, EVERYWHERE, True)
    with psycopg.connect(database_uri) as connection:
        connection.execute(spoilt)
    (state,) = store.scopes(BALANCE)
    assert (state.changed_by, state.changed_at and state.changed_at.isoformat()) == (by, at)


@pytest.mark.parametrize("kind", ["dotenv", "flagd", "http"])
def test_a_store_that_keeps_no_one_does_not_know_who_changed_it(request, kind):
    store = _opened(request, kind)
    _set(store, EVERYWHERE, True)
    (state,) = store.scopes(BALANCE)
    assert (state.changed_by, state.changed_at) == ("", None)
