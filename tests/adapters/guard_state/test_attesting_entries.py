"""How entries that attest rows are found, and freezes set right: the same rules for both kinds of guard state."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON, an_event

from ledger_guard.domain.errors import SafetyRefusal
from ledger_guard.domain.flags import Freeze
from ledger_guard.domain.identifiers import new_id

FLAG = "ledger_enforce_balance"


def stored(state, *events) -> None:
    with state.transaction() as transaction:
        for event in events:
            transaction.audit.append(event)


def test_entries_are_found_by_exactly_their_subject_and_verb(state):
    found = [("dry_run", "plan:1"), ("force", "plan:1"), ("dry_run", "plan:11"), ("dry_run", "plan:1"), ("undo", "plan:1")]
    stored(state, *(an_event(number, verb=verb, subject=subject) for number, (verb, subject) in enumerate(found)))
    with state.transaction() as transaction:
        assert [entry.sequence for entry in transaction.audit.about("plan:1", ("dry_run", "undo"))] == [1, 4, 5]
        assert transaction.audit.about("plan:2", ("dry_run",)) == []


def test_entries_of_a_flag_are_found_in_whatever_scope_and_of_no_other_flag(state):
    subjects = [f"flag:{FLAG}@*", f"flag:{FLAG}@tenant-a", f"flag:{FLAG}_2@*", f"flag:{FLAG}", f"flag:{FLAG}@Ä"]
    stored(state, *(an_event(number, verb="freeze", subject=subject) for number, subject in enumerate(subjects)))
    with state.transaction() as transaction:
        assert [entry.sequence for entry in transaction.audit.in_any_scope(FLAG, "freeze")] == [1, 2, 5]
        assert transaction.audit.in_any_scope(FLAG, "restore") == []


def test_entries_of_a_flag_may_be_asked_for_from_a_moment_on(state):
    stored(state, *(an_event(number, verb="restore", subject=f"flag:{FLAG}@*") for number in range(3)))
    with state.transaction() as transaction:
        entries = transaction.audit.in_any_scope(FLAG, "restore")
        of_the_second = entries[1].event.at
        assert [entry.sequence for entry in transaction.audit.in_any_scope(FLAG, "restore", of_the_second)] == [3]
        just_before = of_the_second - timedelta(microseconds=1)
        assert [entry.sequence for entry in transaction.audit.in_any_scope(FLAG, "restore", just_before)] == [2, 3]


def test_entries_of_a_kind_of_subject_are_found_and_no_others(state):
    subjects = ["rotation:1", "rotation:", "rotation", "rotation;1", "rotations:1", "rotation:Ä"]
    stored(state, *(an_event(number, verb="plan", subject=subject) for number, subject in enumerate(subjects)))
    stored(state, an_event(9, verb="complete", subject="rotation:1"))
    with state.transaction() as transaction:
        assert [entry.sequence for entry in transaction.audit.of_kind("rotation", "plan")] == [1, 2, 6]


def test_a_tenants_entries_come_newest_first_however_many_there_are(state):
    stored(state, *(an_event(number, verb="verify", tenant_id="tenant-a") for number in range(25)))
    stored(state, an_event(26, verb="force", tenant_id="tenant-a"), an_event(27, verb="verify", tenant_id="tenant-b"))
    with state.transaction() as transaction:
        found = [entry.sequence for entry in transaction.audit.newest_of_tenant("tenant-a", "verify")]
    assert found == list(range(25, 0, -1))


def test_a_freeze_is_set_right_over_an_edited_row_and_where_there_is_none(state):
    freeze = Freeze(new_id(), FLAG, "*", "drift", "anna", NOON)
    words = {"root_cause": "found", "root_cause_link": "OPS-1", "root_cause_owner": "team", "root_cause_by": "anna"}
    lifted = replace(freeze, lifted_at=NOON, lifted_by="boris", **words)
    with state.transaction() as transaction:
        transaction.freezes.add(replace(freeze, tenant_id="tenant-a"))
        transaction.freezes.set_right(lifted)
        other = replace(lifted, freeze_id=new_id())
        transaction.freezes.set_right(other)
        assert transaction.freezes.recorded(FLAG) == [lifted, other]
        assert transaction.freezes.recorded("another") == []
        assert transaction.freezes.standing() == []
        with pytest.raises(SafetyRefusal, match="without a root cause"):
            transaction.freezes.set_right(replace(lifted, root_cause=""))
