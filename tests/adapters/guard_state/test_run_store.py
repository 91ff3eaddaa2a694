"""Leave for runs, and what a run's tasks leave for each other: the same in memory and in Postgres."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ledger_guard.domain.errors import BadInputError
from ledger_guard.domain.runs import RunGrant

AT = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
CONF = {"tenant_id": "acme", "operation": "backfill", "mode": "force", "incident_id": None, "limits": [1, 2]}


def leave(run_id: str = "backfill__acme__1", purpose: str = "backfill acme for remediation 1", **changes) -> RunGrant:
    given = {"conf": CONF, "requested_by": "oncall", "incident_id": None, "granted_at": AT, **changes}
    return RunGrant(run_id=run_id, purpose=purpose, dag_id="tenant_backfill", **given)


def test_leave_is_found_by_dag_and_run_with_its_conf_as_given(state):
    with state.transaction() as transaction:
        assert transaction.runs.grant(leave()) == leave()
    with state.transaction() as transaction:
        assert transaction.runs.granted("tenant_backfill", "backfill__acme__1") == leave()
        assert transaction.runs.granted("flag_rollback", "backfill__acme__1") is None
        assert transaction.runs.granted("tenant_backfill", "backfill__acme__2") is None


def test_a_second_leave_for_the_same_purpose_is_the_first(state):
    with state.transaction() as transaction:
        transaction.runs.grant(leave())
        assert transaction.runs.grant(leave(run_id="backfill__acme__2", requested_by="mallory")) == leave()
        assert transaction.runs.granted("tenant_backfill", "backfill__acme__2") is None


def test_a_grant_that_no_run_used_is_found_until_its_run_begins_or_it_was_reported(state):
    with state.transaction() as transaction:
        for number in range(3):
            transaction.runs.grant(leave(f"r{number}", f"p{number}", granted_at=AT + timedelta(seconds=number)))
        runs = transaction.runs
        assert [each.run_id for each in runs.not_begun(AT + timedelta(seconds=2))] == ["r0", "r1"]
        assert [each.run_id for each in runs.not_begun(AT + timedelta(seconds=3))] == ["r0", "r1", "r2"]
        runs.begun("r0", AT + timedelta(minutes=1))
        runs.begun("r0", AT + timedelta(minutes=2))
        runs.told("r1", AT + timedelta(minutes=1))
        assert [each.run_id for each in runs.not_begun(AT + timedelta(seconds=3))] == ["r2"]
        assert runs.granted("tenant_backfill", "r0").begun_at == AT + timedelta(minutes=1)
        assert runs.granted("tenant_backfill", "r1").told_at == AT + timedelta(minutes=1)


def test_a_grant_that_no_run_used_stays_visible_after_it_was_reported(state):
    with state.transaction() as transaction:
        for number in range(4):
            transaction.runs.grant(leave(f"r{number}", f"p{number}", granted_at=AT + timedelta(seconds=number)))
        transaction.runs.told("r1", AT)
        transaction.runs.begun("r2", AT)
        found = transaction.runs.never_begun(AT + timedelta(seconds=1), AT + timedelta(seconds=4))
        assert [each.run_id for each in found] == ["r1", "r3"], "from the one moment on, before the other"
        assert transaction.runs.never_begun(AT, AT) == []


@pytest.mark.parametrize("mark", ["begun", "told"])
def test_a_run_without_leave_is_not_marked(state, mark):
    with state.transaction() as transaction, pytest.raises(BadInputError, match="r9: has no grant"):
        getattr(transaction.runs, mark)("r9", AT)


def test_a_note_is_of_one_run_and_name_and_the_newest_stands(state):
    with state.transaction() as transaction:
        transaction.runs.note("d", "r", "plan", {"plan_id": "1", "rows": [1, 2]}, AT)
        transaction.runs.note("d", "r", "plan", {"plan_id": "2"}, AT)
        transaction.runs.note("d", "r2", "plan", {"plan_id": "3"}, AT)
    with state.transaction() as transaction:
        assert transaction.runs.noted("d", "r", "plan") == {"plan_id": "2"}
        assert transaction.runs.noted("d", "r", "verified") is None
        assert transaction.runs.noted("d2", "r", "plan") is None
