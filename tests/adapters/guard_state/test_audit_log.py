"""What every AuditLog promises, and what the one in Postgres finds and refuses."""

from __future__ import annotations

import threading
from dataclasses import replace

import psycopg
import pytest
from tests.adapters.guard_state.samples import an_event

from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.domain.audit import GENESIS_HASH, first_fault
from ledger_guard.domain.identifiers import new_id
from ledger_guard.ports.guard_state import GuardState


def append(state: GuardState, *events):
    with state.transaction() as transaction:
        return [transaction.audit.append(event) for event in events]


def fault(state: GuardState) -> str | None:
    with state.snapshot() as transaction:
        return first_fault(transaction.audit.entries(), *transaction.audit.head())


def test_an_empty_log_is_sound(state):
    assert fault(state) is None
    with state.transaction() as transaction:
        assert transaction.audit.head() == (0, GENESIS_HASH)


def test_entries_are_chained_without_gaps_and_come_back_as_they_were_appended(state):
    appended = append(state, an_event(1), an_event(2, incident_id=new_id(), tenant_id="tenant-a"))
    appended += append(state, an_event(3))
    with state.transaction() as transaction:
        assert list(transaction.audit.entries()) == appended
        assert transaction.audit.head() == (3, appended[-1].entry_hash)
    assert [entry.sequence for entry in appended] == [1, 2, 3]
    assert appended[0].previous_hash == GENESIS_HASH
    assert appended[2].previous_hash == appended[1].entry_hash
    assert fault(state) is None


def test_entries_can_be_asked_for_by_incident_and_by_tenant(state):
    incident_id = new_id()
    mine, tenants, both, _ = append(
        state,
        an_event(1, incident_id=incident_id),
        an_event(2, tenant_id="tenant-a"),
        an_event(3, incident_id=incident_id, tenant_id="tenant-a"),
        an_event(4),
    )
    with state.transaction() as transaction:
        assert list(transaction.audit.entries(incident_id=incident_id)) == [mine, both]
        assert list(transaction.audit.entries(tenant_id="tenant-a")) == [tenants, both]
        assert list(transaction.audit.entries(incident_id, "tenant-a")) == [both]


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"cents": 10**19, "tiny": 1e-10, "huge": 1e23, "whole": 1.0, "third": 1 / 3}, id="numbers"),
        pytest.param({2: "b", 10: "a"}, id="keys that are numbers"),
        pytest.param({"tuple": (1, (2,)), "nested": {"z": 1, "a": None}}, id="tuples"),
        pytest.param({"text": 'İstanbul "quoted" \\ \n\t % %s'}, id="texts with signs that mean something elsewhere"),
    ],
)
def test_any_json_detail_still_gives_its_hash_when_read_back(state, detail):
    entry, _ = append(state, an_event(detail=detail), an_event(2))
    assert fault(state) is None
    with state.transaction() as transaction:
        assert next(iter(transaction.audit.entries())) == entry


@pytest.mark.parametrize("detail", [{"rate": float("inf")}, {"at": object()}], ids=["not a number", "no JSON form"])
def test_a_detail_without_a_json_form_is_refused(state, detail):
    with pytest.raises((ValueError, TypeError), match="JSON"):
        append(state, an_event(detail=detail))
    assert fault(state) is None


def test_an_event_without_a_time_zone_is_refused(state):
    with pytest.raises(ValueError, match="time zone"):
        append(state, an_event(at=an_event().at.replace(tzinfo=None)))


# --- tampering ----------------------------------------------------------------------------------------------------

EDIT = "update ledger_guard.audit_entry set {} where sequence = 2"
TAMPERINGS = [
    pytest.param(EDIT.format("actor = 'nobody'"), "entry 2 was changed", id="edited actor"),
    pytest.param(EDIT.format("detail = '{\"ratio\": 1}'"), "entry 2 was changed", id="edited detail as people query it"),
    pytest.param(EDIT.format("detail_text = '{\"ratio\":1}'"), "entry 2 was changed", id="edited detail as it was hashed"),
    pytest.param(EDIT.format("detail_text = 'no json'"), "entry 2 was changed", id="detail made unreadable"),
    pytest.param(EDIT.format("at = at + interval '1 microsecond'"), "entry 2 was changed", id="moved time"),
    pytest.param("delete from ledger_guard.audit_entry where sequence = 2", "entry 2 is missing", id="gap"),
    pytest.param("delete from ledger_guard.audit_entry where sequence = 1", "entry 1 is missing", id="cut beginning"),
    pytest.param("delete from ledger_guard.audit_entry where sequence >= 3", "entries were cut off", id="cut tail"),
    pytest.param("delete from ledger_guard.audit_entry", "entries were cut off", id="all cut off"),
    pytest.param(
        "update ledger_guard.audit_entry set sequence = case sequence when 2 then 30 when 3 then 20 else sequence end;"
        "update ledger_guard.audit_entry set sequence = sequence / 10 where sequence > 10",
        "entry 2 is not chained",
        id="reordered",
    ),
]


def tamper(uri: str, text: str) -> None:
    with psycopg.connect(uri) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(text)


@pytest.mark.postgres
@pytest.mark.parametrize(("text", "said"), TAMPERINGS)
def test_a_change_behind_the_guards_back_is_found(postgres_state, guard_state_uri, text, said):
    append(postgres_state, an_event(1), an_event(2), an_event(3))
    assert fault(postgres_state) is None
    tamper(guard_state_uri, text)
    assert said in (fault(postgres_state) or "nothing found")


@pytest.mark.postgres
def test_an_entry_that_was_rewritten_together_with_its_hash_is_found_by_the_next(postgres_state, guard_state_uri):
    entries = append(postgres_state, an_event(1), an_event(2), an_event(3))
    forged = append(InMemoryGuardState(), an_event(1), an_event(2, actor="nobody"))[1]
    tamper(
        guard_state_uri,
        f"update ledger_guard.audit_entry set actor = 'nobody', entry_hash = '{forged.entry_hash}' where sequence = 2",
    )
    assert forged.previous_hash == entries[1].previous_hash
    assert "entry 3 is not chained" in (fault(postgres_state) or "")


@pytest.mark.postgres
def test_a_replaced_end_is_found(postgres_state, guard_state_uri):
    append(postgres_state, an_event(1))
    forged = append(InMemoryGuardState(), an_event(1, actor="nobody"))[0]
    tamper(guard_state_uri, f"update ledger_guard.audit_entry set actor = 'nobody', entry_hash = '{forged.entry_hash}'")
    assert "the end was replaced" in (fault(postgres_state) or "")


def test_in_memory_too_an_edited_entry_is_found():
    state = InMemoryGuardState()
    entry = append(state, an_event(1), an_event(2))[0]
    state.tables.audit[1] = replace(entry, event=replace(entry.event, actor="nobody"))
    assert "entry 1 was changed" in (fault(state) or "")


# --- append-only --------------------------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["audit_entry", "approval_answer", "before_image"])
@pytest.mark.parametrize(
    "text",
    [
        "update ledger_guard.{table} set {column} = {column}",
        "delete from ledger_guard.{table}",
        "truncate ledger_guard.{table}",
    ],
    ids=["update", "delete", "truncate"],
)
def test_the_database_refuses_to_change_what_is_evidence(postgres_state, table, text):
    column = {"audit_entry": "actor", "approval_answer": "reason", "before_image": "actor"}[table]
    append(postgres_state, an_event(1))
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"), postgres_state.transaction() as transaction:
        transaction.connection.execute(text.format(table=table, column=column))
    assert fault(postgres_state) is None


# --- many writers, many entries -----------------------------------------------------------------------------------


def test_appends_at_the_same_time_keep_one_chain(state):
    started = threading.Barrier(2)

    def write(name: str) -> None:
        started.wait()
        for number in range(25):
            append(state, an_event(number, actor=name))

    writers = [threading.Thread(target=write, args=(name,)) for name in ("first", "second")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert fault(state) is None
    with state.transaction() as transaction:
        entries = list(transaction.audit.entries())
    assert [entry.sequence for entry in entries] == list(range(1, 51))
    assert {entry.event.actor for entry in entries} == {"first", "second"}


COPY_ENTRIES = """
    copy ledger_guard.audit_entry (sequence, verb, actor, subject, detail, detail_text, at, previous_hash, entry_hash) from stdin
"""


@pytest.mark.postgres
def test_a_long_log_is_verified(postgres_state, guard_state_uri):
    with InMemoryGuardState().transaction() as transaction:
        entries = [transaction.audit.append(an_event(number)) for number in range(20_000)]
    with psycopg.connect(guard_state_uri) as connection, connection.cursor() as cursor:
        connection.execute("set session_replication_role = replica")
        with cursor.copy(COPY_ENTRIES) as copy:
            for entry in entries:
                event, text, hashes = entry.event, stored_json(entry.event.detail), (entry.previous_hash, entry.entry_hash)
                copy.write_row((entry.sequence, event.verb, event.actor, event.subject, text, text, event.at, *hashes))
        connection.execute("update ledger_guard.audit_head set sequence = 20000, entry_hash = %s", [entries[-1].entry_hash])
    assert fault(postgres_state) is None
