"""Who owns the database and has no key, or an old one: whatever is done to the log is found, the first bad entry named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
import pytest
from tests.adapters.guard_state.samples import an_event

from ledger_guard.adapters.flag_stores.store_rules import stored_json
from ledger_guard.adapters.memory.state import InMemoryGuardState
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.adapters.postgres.state import PostgresGuardState
from ledger_guard.domain.audit import GENESIS_HASH, AuditEntry, chained, first_fault
from ledger_guard.domain.audit_heads import exported_head, heads_fault, log_fault
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKey, AuditKeys
from ledger_guard.domain.errors import BadInputError

OLD, NEW, FORGED = AuditKey("2026-01", b"o" * 32), AuditKey("2026-02", b"n" * 32), AuditKey("2026-01", b"f" * 32)
ONE_KEY, BOTH_KEYS = AuditKeys([OLD]), AuditKeys([OLD, NEW])

WRITE = """
    insert into ledger_guard.audit_entry (
        sequence, verb, actor, subject, detail, detail_text, at, incident_id, tenant_id, previous_hash, entry_hash, key_id, mac)
    values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


@pytest.fixture
def uri(database_uri) -> str:
    """A database of the attacker's."""
    return database_uri


def state_with(uri: str, keys: AuditKeys) -> PostgresGuardState:
    return PostgresGuardState(ConnectionSettings.parse(uri, "ledger_guard_db"), keys)


def append(state: PostgresGuardState | InMemoryGuardState, *events) -> list[AuditEntry]:
    with state.transaction() as transaction:
        return [transaction.audit.append(event) for event in events]


def fault(uri: str, keys: AuditKeys | None) -> str | None:
    with state_with(uri, NO_KEYS).snapshot() as transaction:
        return first_fault(transaction.audit.entries(), *transaction.audit.head(), keys)


def tamper(uri: str, *texts: str) -> None:
    """As the superuser, with the triggers switched off."""
    with psycopg.connect(uri) as connection:
        connection.execute("set session_replication_role = replica")
        for text in texts:
            connection.execute(text)


def write_anew(uri: str, entries: Sequence[AuditEntry]) -> None:
    """Put other entries in the place of all, the head with them: no trace is left inside the database."""
    with psycopg.connect(uri) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from ledger_guard.audit_entry")
        for entry in entries:
            event, text = entry.event, stored_json(entry.event.detail)
            what = (event.verb, event.actor, event.subject, text, text, event.at, event.incident_id, event.tenant_id)
            marks = (entry.previous_hash, entry.entry_hash, entry.key_id, entry.mac)
            connection.execute(WRITE, (entry.sequence, *what, *marks))
        last = entries[-1] if entries else None
        end = (last.sequence, last.entry_hash, last.key_id) if last else (0, GENESIS_HASH, None)
        connection.execute("update ledger_guard.audit_head set sequence = %s, entry_hash = %s, key_id = %s", end)


def forged(keys: AuditKeys, *events) -> list[AuditEntry]:
    return append(InMemoryGuardState(keys), *events)


FOUR = [an_event(number) for number in range(1, 5)]
LIE = [*FOUR[:1], an_event(2, actor="nobody"), *FOUR[2:]]

pytestmark = pytest.mark.postgres


def test_an_honest_log_passes_with_its_keys_and_without_any(uri):
    append(state_with(uri, NO_KEYS), *FOUR[:1])
    append(state_with(uri, ONE_KEY), *FOUR[1:2])
    append(state_with(uri, BOTH_KEYS), *FOUR[2:])
    assert fault(uri, BOTH_KEYS) is None
    assert fault(uri, None) is None


def test_the_whole_chain_written_anew_without_marks(uri):
    append(state_with(uri, ONE_KEY), *FOUR)
    write_anew(uri, forged(NO_KEYS, *LIE))
    assert fault(uri, None) is None, "without the key nothing is to be seen: that is what the key is for"
    assert "entry 4, the last one, is not marked with a key" in (fault(uri, ONE_KEY) or "")


def test_the_whole_chain_written_anew_with_a_key_of_ones_own(uri):
    append(state_with(uri, ONE_KEY), *FOUR)
    write_anew(uri, forged(AuditKeys([FORGED]), *LIE))
    assert fault(uri, ONE_KEY) == "entry 1 has a mark that does not match key 2026-01: it was written without the key"


def test_an_unmarked_end_behind_marked_entries(uri):
    entries = append(state_with(uri, ONE_KEY), *FOUR)
    end = forged(NO_KEYS, *LIE)[2:]
    write_anew(uri, [*entries[:2], *_chained_to(entries[1], end)])
    assert "entry 3 is not marked with a key, but the one before is" in (fault(uri, ONE_KEY) or "")


def test_marks_taken_off_the_entries(uri):
    append(state_with(uri, ONE_KEY), *FOUR)
    tamper(
        uri, "update ledger_guard.audit_entry set key_id = null, mac = null", "update ledger_guard.audit_head set key_id = null"
    )
    assert fault(uri, ONE_KEY) == "entry 1 was changed: its content does not match its hash"


def test_an_unmarked_beginning_written_anew_before_the_first_marked_entry(uri):
    append(state_with(uri, NO_KEYS), *FOUR[:2])
    marked = append(state_with(uri, ONE_KEY), *FOUR[2:])
    write_anew(uri, [*forged(NO_KEYS, *LIE[:2]), *marked])
    assert "entry 3 is not chained to entry 2" in (fault(uri, ONE_KEY) or "")


def test_the_marked_end_cut_off_down_to_the_unmarked_beginning(uri):
    unmarked = append(state_with(uri, NO_KEYS), *FOUR[:2])
    append(state_with(uri, ONE_KEY), *FOUR[2:])
    write_anew(uri, unmarked)
    assert "entry 2, the last one, is not marked with a key" in (fault(uri, ONE_KEY) or "")


def test_the_chain_written_anew_with_a_key_that_leaked_and_was_replaced(uri):
    append(state_with(uri, ONE_KEY), *FOUR[:2])
    append(state_with(uri, BOTH_KEYS), *FOUR[2:])
    write_anew(uri, forged(ONE_KEY, *LIE))
    assert "entry 4, the last one, is marked with key 2026-01, the newest key is 2026-02" in (fault(uri, BOTH_KEYS) or "")


def test_an_old_key_used_behind_the_new_one(uri):
    entries = append(state_with(uri, BOTH_KEYS), *FOUR[:2])
    write_anew(uri, [*entries, *_chained_to(entries[1], forged(ONE_KEY, *FOUR)[2:], OLD)])
    assert "entry 3 is marked with key 2026-01, older than key 2026-02" in (fault(uri, BOTH_KEYS) or "")


def test_entries_of_another_key_can_t_pass_as_checked(uri):
    append(state_with(uri, ONE_KEY), *FOUR)
    for keys in (NO_KEYS, AuditKeys([NEW])):
        assert fault(uri, keys) == "entry 1 is marked with key 2026-01, which was not given: it can't be checked"


def test_a_process_without_the_key_is_refused_before_it_breaks_the_chain(uri):
    append(state_with(uri, ONE_KEY), *FOUR)
    with pytest.raises(BadInputError, match="2026-01, which this process does not have"):
        append(state_with(uri, NO_KEYS), an_event(5))
    assert fault(uri, ONE_KEY) is None


# --- what only heads on record elsewhere find ---------------------------------------------------------------------


def cut(uri: str, entries: Sequence[AuditEntry]) -> list:
    """The end cut off, the database's own memory of it with it; what the log's hashes are then."""
    write_anew(uri, entries)
    with state_with(uri, NO_KEYS).snapshot() as transaction:
        return [{entry.sequence: entry.entry_hash for entry in transaction.audit.entries()}, transaction.audit.head()[0]]


def head_of(entry: AuditEntry, key: AuditKey | None = OLD):
    return exported_head(entry.sequence, entry.entry_hash, entry.event.at, key)


def test_marked_entries_cut_off_together_with_the_head_row(uri):
    entries = append(state_with(uri, ONE_KEY), *FOUR)
    assert log_fault([head_of(entries[1]), head_of(entries[3])], *cut(uri, entries)) is None
    left = cut(uri, entries[:3])
    assert fault(uri, ONE_KEY) is None, "inside the database nothing is to be seen"
    found = log_fault([head_of(entries[1]), head_of(entries[3])], *left)
    assert found == "the log ends at entry 3, on 2026-03-01T12:00:00+00:00 it ended at 4: entries were cut off"


def test_a_log_cut_and_grown_again_is_found_at_the_first_head_it_lost(uri):
    entries = append(state_with(uri, ONE_KEY), *FOUR)
    write_anew(uri, entries[:2])
    append(state_with(uri, ONE_KEY), an_event(3, actor="nobody"), an_event(4), an_event(5))
    assert fault(uri, ONE_KEY) is None
    with state_with(uri, NO_KEYS).snapshot() as transaction:
        hashes = {entry.sequence: entry.entry_hash for entry in transaction.audit.entries()}
    found = log_fault([head_of(entries[1]), head_of(entries[2]), head_of(entries[3])], hashes, 5)
    assert found is not None
    assert found.startswith("entry 3 is not the one recorded")


def test_a_file_of_heads_is_checked_by_itself_too(uri):
    first, second = (head_of(entry) for entry in append(state_with(uri, ONE_KEY), *FOUR[:2]))
    unmarked, by_another = head_of_forged(second, None), head_of_forged(second, FORGED)
    assert heads_fault([first, first, second], ONE_KEY) is None
    assert "the log was cut" in (heads_fault([second, first], ONE_KEY) or "")
    assert "is not marked with a key, but the one before is" in (heads_fault([first, unmarked], ONE_KEY) or "")
    assert "the last one, is not marked" in (heads_fault([unmarked], ONE_KEY) or "")
    assert ": it was forged" in (heads_fault([by_another], ONE_KEY) or "")
    assert "was not given" in (heads_fault([first], NO_KEYS) or "")


def head_of_forged(head, key):
    return exported_head(head.sequence, head.entry_hash, datetime.fromisoformat(head.exported_at), key)


def _chained_to(before: AuditEntry, entries: Sequence[AuditEntry], key: AuditKey | None = None) -> list[AuditEntry]:
    found = []
    for entry in entries:
        before = chained(entry.sequence, entry.event, before.entry_hash, key)
        found.append(before)
    return found
