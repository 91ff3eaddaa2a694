"""What every PlanStore promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.adapters.guard_state.samples import NOON, a_plan, a_plan_row, an_incident

from ledger_guard.domain.errors import BadInputError, SafetyRefusal
from ledger_guard.domain.findings import RowCause
from ledger_guard.domain.identifiers import new_id
from ledger_guard.domain.plan_rows import hash_of_lines, lines_of
from ledger_guard.domain.plan_summary import summarise
from ledger_guard.domain.plans import PlanContent, PlanStatus, RowState, WriteTotals, write_totals


def test_a_plan_comes_back_with_its_rows_and_still_gives_its_hash(state):
    plan = a_plan()
    with state.transaction() as transaction:
        transaction.plans.add(plan)
    with state.transaction() as transaction:
        found = transaction.plans.get(plan.plan_id)
        assert transaction.plans.get(plan.plan_id, with_rows=False) == replace(plan, rows=())
        stored = transaction.plans.content(plan.plan_id)
    assert found == plan
    found.check_hash(stored)


def test_the_rows_of_a_plan_give_the_same_hash_and_totals_wherever_they_are_stored(state):
    rows = (
        a_plan_row("p-1", cause=RowCause.MISSING, wallet_available=None, wallet_pending=None),
        a_plan_row("p-2", cause=RowCause.DISPUTED, target_available=-5, wallet_available=7),
        a_plan_row("p-3", cause=RowCause.UNEXPLAINED, wallet_available=10**9, state=RowState.SET_ASIDE),
        a_plan_row("p-4", cause=RowCause.UNREADABLE, wallet_available=None, state=RowState.SET_ASIDE),
        *(a_plan_row(f"odd{character}é") for character in "\\\t\n\r\b\f\v%' "),
    )
    plan = a_plan(rows=rows)
    with state.transaction() as transaction:
        transaction.plans.add(plan)
        stored = transaction.plans.content(plan.plan_id)
    assert stored == PlanContent(hash_of_lines(lines_of(rows)), write_totals(rows))
    assert (stored.totals.rows, stored.totals.disputed_rows) == (len(rows) - 2, 1)


def test_a_plan_is_summed_up_the_same_wherever_it_is_stored(state):
    sizes = (0, 1, 99, 100, 101, 1_000, 1_001, 99_999, 1_000_000, 1_000_001, 10**12)
    amounts = {"player_held": 0, "wallet_available": 0}
    rows = [a_plan_row(f"{size}-{cause}", player_available=size, cause=cause, **amounts) for size in sizes for cause in RowCause]
    plan = a_plan(rows=())
    with state.transaction() as transaction:
        content, summary = transaction.plans.add_rows(plan.plan_id, lines_of(rows))
        transaction.plans.add(plan)
        assert (
            content == transaction.plans.content(plan.plan_id) == PlanContent(hash_of_lines(lines_of(rows)), write_totals(rows))
        )
        assert summary == transaction.plans.summary(plan.plan_id) == summarise(rows)


def test_a_plan_without_rows_moves_nothing(state):
    plan = a_plan(rows=())
    with state.transaction() as transaction:
        transaction.plans.add(plan)
        assert transaction.plans.content(plan.plan_id) == PlanContent(hash_of_lines(()), WriteTotals())


def test_rows_come_back_by_player_id_as_texts_compare(state):
    rows = tuple(a_plan_row(player_id) for player_id in ("p_2", "P-9", "p-10", "é", "Z"))
    plan = a_plan(rows=rows)
    with state.transaction() as transaction:
        transaction.plans.add(plan)
        assert [row.player_id for row in transaction.plans.get(plan.plan_id).rows] == ["P-9", "Z", "p-10", "p_2", "é"]


def test_a_plan_never_changes_once_stored(state):
    plan = a_plan()
    with state.transaction() as transaction:
        transaction.plans.add(plan)
        with pytest.raises(SafetyRefusal, match="never changes"):
            transaction.plans.add(replace(plan, requested_by="somebody else"))
        assert transaction.plans.get(plan.plan_id) == plan


@pytest.mark.parametrize("plan_id", [new_id(), "plan", ""], ids=["unknown", "no id", "empty"])
def test_a_plan_that_does_not_exist_is_bad_input(state, plan_id):
    with state.transaction() as transaction:
        for ask in (
            lambda: transaction.plans.get(plan_id),
            lambda: transaction.plans.row_counts(plan_id),
            lambda: transaction.plans.content(plan_id),
            lambda: transaction.plans.set_status(plan_id, PlanStatus.FORCING),
        ):
            with pytest.raises(BadInputError, match="plan"):
                ask()


def test_the_latest_plan_is_the_tenants_newest_without_rows(state):
    older, newer = a_plan(created_at=NOON - timedelta(minutes=1)), a_plan(created_at=NOON)
    same_moment, elsewhere = a_plan(created_at=NOON), a_plan(tenant_id="tenant-b", created_at=NOON + timedelta(hours=1))
    with state.transaction() as transaction:
        for plan in (newer, older, same_moment, elsewhere):
            transaction.plans.add(plan)
        assert transaction.plans.latest("tenant-a") == replace(same_moment, rows=())
        assert transaction.plans.latest("nobody") is None


def test_rows_are_counted_by_state(state):
    rows = (a_plan_row("p-1"), a_plan_row("p-2"), a_plan_row("p-3", cause=RowCause.PROTECTED, state=RowState.SET_ASIDE))
    plan, empty = a_plan(rows=rows), a_plan(rows=())
    with state.transaction() as transaction:
        transaction.plans.add(plan)
        transaction.plans.add(empty)
        assert transaction.plans.row_counts(plan.plan_id) == {"planned": 2, "set_aside": 1}
        assert transaction.plans.row_counts(empty.plan_id) == {}


def test_the_status_is_all_that_moves(state):
    plan = a_plan()
    with state.transaction() as transaction:
        transaction.plans.add(plan)
        transaction.plans.set_status(plan.plan_id, PlanStatus.FORCING)
    with state.transaction() as transaction:
        assert transaction.plans.get(plan.plan_id) == replace(plan, status=PlanStatus.FORCING)


def test_a_plan_hangs_on_an_incident_that_exists(state):
    incident = an_incident()
    plan = a_plan(incident_id=incident.incident_id)
    with state.transaction() as transaction:
        transaction.incidents.add(incident)
        transaction.plans.add(plan)
        assert transaction.plans.get(plan.plan_id) == plan
    with pytest.raises(BadInputError, match="incident"), state.transaction() as transaction:
        transaction.plans.add(a_plan(incident_id=new_id()))
