"""When a repair may follow another, what of the platform's own script counts, and what settles: the pure rules."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.audit import AuditEntry, chained
from ledger_guard.domain.audit_keys import NO_KEYS, AuditKeys, parse_audit_keys
from ledger_guard.domain.budgets import BeingWritten, Written
from ledger_guard.domain.facts.codec import Fact, recorded
from ledger_guard.domain.facts.script_writes import ScriptWriteBegun, ScriptWriteEnded
from ledger_guard.domain.repairs import due_ages, is_within
from ledger_guard.domain.script_writes import being_written_by_script, script_writes, written_by_script

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("ago", "within"),
    [(59 * MINUTE, True), (60 * MINUTE, False), (61 * MINUTE, False), (timedelta(0), True), (-timedelta(days=400), True)],
    ids=["below", "at", "above", "now", "the clock went backwards"],
)
def test_a_period_ends_at_its_last_moment_and_a_future_counts_as_now(ago, within):
    assert is_within(NOON - ago, 60 * MINUTE, NOON) is within


def test_ages_are_due_once_each_and_not_before_they_are_reached():
    ended = NOON - timedelta(hours=5)
    assert due_ages(ended, (1, 5, 24), (), NOON) == (1, 5)
    assert due_ages(ended, (1, 5, 24), (1,), NOON) == (5,)
    assert due_ages(ended, (1, 5, 24), (1, 5), NOON) == ()


def entry(fact: Fact, at: datetime, keys: AuditKeys = NO_KEYS) -> AuditEntry:
    event = recorded(fact, actor="oncall", subject="script:p", at=at, tenant_id="casino_7")
    return chained(1, event, "0" * 64, keys.newest)


BEGUN = ScriptWriteBegun(plan_id="p", rows=4, cents=4_000, until=NOON + 61 * MINUTE)
ENDED = ScriptWriteEnded(plan_id="p", is_known=True, written_rows=3, written_cents=2_500)
UNKNOWN = ScriptWriteEnded(plan_id="p", is_known=False, written_rows=0, written_cents=0)


def counted(runs, now: datetime) -> tuple[list[Written], list[BeingWritten]]:
    return list(written_by_script(runs, NOON - MINUTE, now)), list(being_written_by_script(runs, now, without="other"))


def test_while_the_script_runs_the_whole_plan_is_reserved():
    runs = script_writes([entry(BEGUN, NOON)], NO_KEYS)
    assert counted(runs, NOON + 61 * MINUTE) == ([], [BeingWritten("casino_7", 4, 4_000)])
    assert list(being_written_by_script(runs, NOON, without="p")) == []


def test_what_the_script_wrote_counts_from_its_end():
    runs = script_writes([entry(BEGUN, NOON), entry(ENDED, NOON + 5 * MINUTE)], NO_KEYS)
    assert counted(runs, NOON + 6 * MINUTE) == ([Written(NOON + 5 * MINUTE, "casino_7", 3, 2_500)], [])


def test_where_it_is_not_known_what_it_wrote_all_that_was_reserved_counts():
    runs = script_writes([entry(BEGUN, NOON), entry(UNKNOWN, NOON + 5 * MINUTE)], NO_KEYS)
    assert counted(runs, NOON + 6 * MINUTE) == ([Written(NOON + 5 * MINUTE, "casino_7", 4, 4_000)], [])


def test_a_run_whose_end_is_not_on_record_counts_as_written_when_its_process_is_gone():
    runs = script_writes([entry(BEGUN, NOON)], NO_KEYS)
    after = NOON + 61 * MINUTE + timedelta(seconds=1)
    assert counted(runs, after) == ([Written(NOON + 61 * MINUTE, "casino_7", 4, 4_000)], [])


def test_only_a_marked_entry_ends_a_reservation_where_a_key_is_set():
    """Who can write guard state and lacks the key says that the script wrote nothing."""
    keys = parse_audit_keys(f"k-1:{'ab' * 32}", "test")
    forged, true = entry(ENDED, NOON + 5 * MINUTE), entry(ENDED, NOON + 5 * MINUTE, keys)
    assert script_writes([entry(BEGUN, NOON, keys), forged], keys)[0].ended_at is None
    assert script_writes([entry(BEGUN, NOON, keys), true], keys)[0].ended_at == NOON + 5 * MINUTE


def test_the_second_run_of_a_plan_is_counted_beside_the_first():
    entries = [entry(BEGUN, NOON), entry(ENDED, NOON + MINUTE), entry(BEGUN, NOON + 2 * MINUTE)]
    first, second = script_writes(entries, NO_KEYS)
    assert (first.rows, second.rows, second.ended_at) == (3, 4, None)
