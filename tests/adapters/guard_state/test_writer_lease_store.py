"""Who writes to each tenant's wallets: the same in memory and in Postgres."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from tests.adapters.guard_state.samples import a_plan

from ledger_guard.domain.writer_leases import NO_RUN, WriterClaim, WriterLease, new_lease

AT = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
LATER = AT + timedelta(seconds=7)


@pytest.fixture
def plan(state):
    made = a_plan()
    with state.transaction() as transaction:
        transaction.plans.add(made)
    return made


def lease(plan, try_number: int = 1) -> WriterLease:
    return new_lease("acme", plan.plan_id, "force", WriterClaim("tenant_backfill/run 1", try_number), AT)


def taken(state, wanted, seen=None) -> bool:
    with state.transaction() as transaction:
        return transaction.writer_leases.take(wanted, seen)


def stored(state, tenant_id: str = "acme") -> WriterLease | None:
    with state.transaction() as transaction:
        return transaction.writer_leases.of_tenant(tenant_id)


def test_a_lease_is_found_as_it_was_taken_and_by_its_tenant_alone(state, plan):
    assert stored(state) is None
    mine = lease(plan)
    assert taken(state, mine)
    assert stored(state) == mine
    assert stored(state, "zenith") is None


def test_only_who_saw_the_lease_that_stands_there_takes_it(state, plan):
    first, second, third = (lease(plan, number) for number in (1, 2, 3))
    assert taken(state, first)
    assert not taken(state, second)
    assert stored(state) == first
    assert taken(state, second, seen=first)
    assert not taken(state, third, seen=first)
    assert stored(state) == second


def test_a_writer_renews_its_own_lease_and_no_others(state, plan):
    first, second = lease(plan), lease(plan, 2)
    taken(state, first)
    with state.transaction() as transaction:
        assert transaction.writer_leases.keep(first, LATER)
        assert not transaction.writer_leases.keep(second, LATER + timedelta(seconds=1))
    assert stored(state) == replace(first, renewed_at=LATER)


def test_a_lease_that_is_over_is_not_renewed_and_may_be_taken(state, plan):
    first, second = lease(plan), lease(plan, 2)
    taken(state, first)
    with state.transaction() as transaction:
        transaction.writer_leases.end(first, LATER)
        assert not transaction.writer_leases.keep(first, LATER)
    assert stored(state) == replace(first, renewed_at=LATER, is_over=True)
    assert taken(state, second, seen=first)


def test_who_was_superseded_ends_nothing(state, plan):
    first, second = lease(plan), lease(plan, 2)
    taken(state, first)
    taken(state, second, seen=first)
    with state.transaction() as transaction:
        transaction.writer_leases.end(first, LATER)
    assert stored(state) == second


def test_a_writer_without_a_run_has_a_lease_too(state, plan):
    mine = new_lease("acme", plan.plan_id, "undo", NO_RUN, AT)
    assert taken(state, mine)
    assert stored(state) == mine
