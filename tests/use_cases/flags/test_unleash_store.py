"""Unleash beside people who use it: what a part gets is no value, what they change is noticed, what they wrote stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.flag_writes import compare_and_set
from tests.use_cases.flags.flag_stores import unleash_store
from tests.use_cases.flags.rollout_world import BALANCE, NOW, RUN, RolloutWorld, rollout_world

from ledger_guard.adapters.flag_stores.unleash import UnleashFlagStore
from ledger_guard.adapters.http.http_calls import HttpCaller
from ledger_guard.adapters.memory.clock import SettableClock
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.flag_writer import PostgresOneWriter
from ledger_guard.domain.errors import LedgerInvariantError, SafetyRefusal, SourceUnavailable
from ledger_guard.domain.flags import EVERYWHERE, ChangeStatus, FlagState
from ledger_guard.policy.flag_store import UnleashServer
from ledger_guard.use_cases.flags.confirm import confirm

pytestmark = pytest.mark.postgres
FEATURES = "/projects/default/features"
PRODUCTION = f"{FEATURES}/{BALANCE}/environments/production"
PART = {"name": "flexibleRollout", "parameters": {"rollout": "100", "stickiness": "default", "groupId": BALANCE}}
TENANT_ONLY = [{"contextName": "userId", "operator": "IN", "values": ["tenant-a"]}]


@pytest.fixture
def store(unleash, database_uri) -> UnleashFlagStore:
    return unleash_store(unleash, database_uri)


def put(store, value: bool, reason: str = "because") -> FlagState:
    return compare_and_set(store, store.get(BALANCE, EVERYWHERE), value, "payments-lead", reason)


def described(unleash) -> str:
    return unleash.as_a_person("GET", f"{FEATURES}/{BALANCE}").json()["description"]


def made(unleash, description: str | None = None) -> None:
    unleash.as_a_person("POST", FEATURES, {"name": BALANCE, "description": description})


def test_a_flag_that_people_made_and_never_turned_is_off(unleash, store):
    made(unleash)
    found = store.get(BALANCE, EVERYWHERE)
    assert (found.is_enabled, found.not_known_because) == (False, "")


def test_only_the_policys_environment_is_read_and_written(unleash, database_uri, store):
    put(store, True)
    elsewhere = unleash_store(unleash, database_uri, environment="development")
    assert (store.effective(BALANCE, EVERYWHERE), elsewhere.effective(BALANCE, EVERYWHERE)) == (True, False)


def test_a_flag_that_is_on_for_a_part_is_not_known_and_can_be_turned_off(unleash, store):
    made(unleash)
    unleash.as_a_person("POST", f"{PRODUCTION}/strategies", {**PART, "constraints": TENANT_ONLY})
    unleash.as_a_person("POST", f"{PRODUCTION}/on")
    assert "no active strategy reaches everyone" in store.get(BALANCE, EVERYWHERE).described()
    assert store.scopes(BALANCE) == []
    assert put(store, False).is_enabled is False


def test_a_flag_that_on_would_reach_a_part_only_is_not_turned_on(unleash, store):
    made(unleash)
    unleash.as_a_person("POST", f"{PRODUCTION}/strategies", {**PART, "constraints": TENANT_ONLY})
    with pytest.raises(SafetyRefusal, match="on would reach only some users"):
        put(store, True)
    assert store.get(BALANCE, EVERYWHERE).is_enabled is False


def test_the_reason_is_the_guards_until_a_person_turns_the_flag_even_to_and_fro(unleash, store):
    written = put(store, True, "restore (approval 1)")
    for turn in ("off", "on"):
        unleash.as_a_person("POST", f"{PRODUCTION}/{turn}")
    now = store.get(BALANCE, EVERYWHERE)
    assert (now.is_enabled, now.change_reason) == (True, "changed in Unleash by admin")
    assert now.changed_by == "admin"
    assert now.changed_at is not None
    assert now.version != written.version
    with pytest.raises(SafetyRefusal, match="changed meanwhile"):
        compare_and_set(store, written, False, "payments-lead", "because")


def test_what_people_wrote_into_the_description_stays(unleash, store):
    made(unleash, "Wallets decide.\n\nAsk payments first.\r\n  ledger_guard is told")
    put(store, True, "first")
    put(store, False, "second: żółw, “quotes”\nand a line")
    assert described(unleash).startswith(
        "Wallets decide.\n\nAsk payments first.\r\n  ledger_guard is told\nledger_guard production: {"
    )
    assert described(unleash).count("ledger_guard production") == 1
    assert store.get(BALANCE, EVERYWHERE).change_reason == "second: żółw, “quotes”\nand a line"


def test_a_description_that_people_edit_changes_no_version(unleash, store):
    written = put(store, True)
    text = f"Ask payments first.\n{described(unleash)}"
    unleash.as_a_person("PATCH", f"{FEATURES}/{BALANCE}", [{"op": "replace", "path": "/description", "value": text}])
    assert store.get(BALANCE, EVERYWHERE) == written


def test_a_flag_in_the_archive_is_not_known_and_not_made_again(unleash, store):
    made(unleash)
    unleash.as_a_person("DELETE", f"{FEATURES}/{BALANCE}")
    assert "no such flag in project default" in store.get(BALANCE, EVERYWHERE).not_known_because
    with pytest.raises(SafetyRefusal, match="in another project, in its archive"):
        put(store, False)


def test_an_environment_that_the_project_lacks_is_named_and_nothing_is_written(unleash, database_uri):
    made(unleash)
    store = unleash_store(unleash, database_uri, environment="staging")
    with pytest.raises(SourceUnavailable, match="has no environment staging"):
        compare_and_set(store, FlagState(BALANCE, EVERYWHERE, None), True, "payments-lead", "because")
    assert described(unleash) is None


def test_a_token_that_opens_nothing_is_in_no_message(unleash, database_uri):
    store = unleash_store(unleash, database_uri, token="*:*.t0p-secret")
    with pytest.raises(SourceUnavailable, match="answered 401") as refused:
        store.get(BALANCE, EVERYWHERE)
    assert "t0p-secret" not in str(refused.value)


class _SomebodyElse(HttpCaller):
    """Does something right before one call of the guard."""

    def __init__(self, ending: str, does) -> None:
        super().__init__(timeout_seconds=20, attempts=1, token=lambda: "*:*.sandbox-unleash")
        self._ending, self._does = ending, does

    def call(self, method, url, **more):
        if method != "GET" and url.endswith(self._ending):
            self._does()
        return super().call(method, url, **more)


def beside(unleash, database_uri, ending: str, does) -> UnleashFlagStore:
    settings = UnleashServer(kind="unleash", base_url=unleash.base_url, environment="production")
    one_writer = PostgresOneWriter(ConnectionSettings.parse(database_uri, "ledger_db"), 1)
    return UnleashFlagStore(settings, _SomebodyElse(ending, does), one_writer, SettableClock(NOW))


def test_a_person_who_turns_it_to_the_same_value_at_the_same_time_is_no_error(unleash, database_uri, store):
    seen = put(store, True)
    racing = beside(unleash, database_uri, "/off", lambda: unleash.as_a_person("POST", f"{PRODUCTION}/off"))
    assert compare_and_set(racing, seen, False, "payments-lead", "because").is_enabled is False


def test_a_person_who_turns_it_back_in_the_same_moment_leaves_nothing_claimed(unleash, database_uri, store):
    seen = put(store, True)
    racing = beside(unleash, database_uri, BALANCE, lambda: unleash.as_a_person("POST", f"{PRODUCTION}/on"))
    with pytest.raises(LedgerInvariantError, match=r"was turned off, but is now on .*; check in Unleash"):
        compare_and_set(racing, seen, False, "payments-lead", "because")


def test_a_person_who_turns_it_to_and_fro_in_the_same_moment_is_named(unleash, database_uri, store):
    seen = put(store, True)

    def to_and_fro() -> None:
        for turn in ("off", "on"):
            unleash.as_a_person("POST", f"{PRODUCTION}/{turn}")

    with pytest.raises(LedgerInvariantError, match=r"admin changed it in Unleash at the same moment"):
        compare_and_set(beside(unleash, database_uri, "/off", to_and_fro), seen, False, "payments-lead", "because")


def test_a_writer_that_is_killed_before_its_reason_is_kept_leaves_no_reason_of_its_own(unleash, database_uri, store):
    seen = put(store, True, "restore (approval 1)")

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_and_set(beside(unleash, database_uri, BALANCE, killed), seen, False, "payments-lead", "(approval 2)")
    now = store.get(BALANCE, EVERYWHERE)
    assert (now.is_enabled, now.change_reason) == (False, "changed in Unleash by admin")


def test_a_writer_that_waits_too_long_for_another_one_writes_nothing(unleash, database_uri, store):
    seen = put(store, True)
    lock = PostgresOneWriter(ConnectionSettings.parse(database_uri, "ledger_db"), 30)
    with lock(BALANCE), pytest.raises(SourceUnavailable, match=f"lock on writes of flag {BALANCE}"):
        compare_and_set(beside(unleash, database_uri, "/off", lambda: None), seen, False, "payments-lead", "because")
    assert store.get(BALANCE, EVERYWHERE) == seen


def world_with(store) -> RolloutWorld:
    world = rollout_world()
    world.deps = replace(world.deps, flags=store)
    return world


def test_an_approved_rollback_turns_it_off_once_and_is_seen_by_confirm_until_a_person_turns_it_on(unleash, store):
    put(store, True)
    world = world_with(store)
    incident = world.incident()
    change = world.approved_roll_back(incident)
    assert (change.to_value, world.roll_back(incident), store.effective(BALANCE, EVERYWHERE)) == (False, change, False)
    assert '"by":"payments-lead"' in described(unleash)
    assert confirm(world.deps, BALANCE, EVERYWHERE).status is ChangeStatus.UNCONFIRMED
    unleash.as_a_person("POST", f"{PRODUCTION}/on")
    found = confirm(world.deps, BALANCE, EVERYWHERE)
    assert (found.status, "the flag store holds another value: everyone on" in found.finding) == (
        ChangeStatus.NOT_IN_EFFECT,
        True,
    )


def test_a_person_who_turns_it_to_and_fro_after_the_question_voids_the_answer(unleash, store):
    put(store, True)
    world = world_with(store)
    incident = world.incident()
    world.answer(world.ask_to_roll_back(incident))
    for turn in ("off", "on"):
        unleash.as_a_person("POST", f"{PRODUCTION}/{turn}")
    with pytest.raises(SafetyRefusal, match="refused"):
        world.roll_back(incident, run_id=RUN)
    assert store.effective(BALANCE, EVERYWHERE) is True
    assert world.freezes() == []
