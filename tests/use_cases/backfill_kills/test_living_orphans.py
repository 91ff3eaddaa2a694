"""A writer that lives on after its task was given to a later try: it writes nothing more, and each row is written once."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest
from tests.use_cases.backfill_kills.kill_checks import assert_journal_agrees, changes
from tests.use_cases.backfill_kills.kill_points import PLACEMENTS, Tenant, new_tenant
from tests.use_cases.backfill_kills.killed_process import WHEN, Kill, Request, run_operation, small_batches
from tests.use_cases.backfill_kills.killed_worlds import KilledWorld, PausedProcess, Wallets, killed_world, wait_until

from ledger_guard.adapters.postgres.backfill import PostgresBackfillRunner
from ledger_guard.adapters.postgres.connection import ConnectionSettings
from ledger_guard.domain.audit import first_fault
from ledger_guard.domain.plans import PlanStatus
from ledger_guard.domain.writer_leases import ENDS_BY_ITSELF_SECONDS
from ledger_guard.ports import Dependencies

pytestmark = pytest.mark.postgres

#: moments of each operation in each placement, for each of two tests; 0 takes every one there is (minutes)
POINTS = int(os.environ.get("LEDGER_GUARD_ORPHAN_POINTS", "6"))
SEED = 20260302
#: the plan's rows of new_tenant that may be written
WRITABLE = (0, 1, 3, 5, 6, 7, 8)
ENDED = {"force": PlanStatus.FORCED, "undo": PlanStatus.UNDONE}
DONE = {"force": "applied", "undo": "restored"}


@pytest.fixture(scope="module", params=PLACEMENTS)
def world(request, postgres_server, migrated_template):
    names = ("orphans_1", "orphans_2") if request.param == "two_databases" else ("orphans_1", "orphans_1")
    uris = {name: postgres_server.create_database(name, template=migrated_template) for name in set(names)}
    with killed_world(uris[names[0]], uris[names[1]]) as world:
        yield world
        with world.world.deps.state.transaction() as state:
            assert first_fault(state.audit.entries(), *state.audit.head()) is None


def in_a_hurry(world: KilledWorld) -> Dependencies:
    """A guard that waits a hundredth of what it says it waits until it ends a session, and a tenth from then on."""
    slept = 0.0

    def sleep(seconds: float) -> None:
        nonlocal slept
        slept += seconds
        time.sleep(seconds / (100 if slept <= ENDS_BY_ITSELF_SECONDS else 10))

    platform, guard = world.world.uris or ("", "")
    settings = ConnectionSettings.parse(platform, "ledger_db"), ConnectionSettings.parse(guard, "ledger_guard_db")
    quick = PostgresBackfillRunner(*settings, small_batches(), world.world.clock, sleep=sleep)
    return replace(world.world.deps, backfill=quick)


def moments(world: KilledWorld, operation: str, by: str) -> list[Kill]:
    """Seeded moments, spread over all that a writer has when nobody disturbs it."""
    tenant = new_tenant(world, operation)
    ended = world.run(Request(operation, tenant.plan.plan_id, try_number=1))
    assert ended.get("error") is None, ended
    every = [(exchange, when) for exchange in range(1, int(str(ended["exchanges"])) + 1) for when in WHEN]
    dice = random.Random(f"{SEED} {operation} {by} {world.has_two_databases}")
    share = min(POINTS, len(every)) or len(every)
    edges = [len(every) * number // share for number in range(share + 1)]
    return [Kill(*every[dice.randrange(start, end)], signal.SIGSTOP) for start, end in itertools.pairwise(edges)]


def orphan(world: KilledWorld, tenant: Tenant, operation: str, pause: Kill):
    return world.paused(Request(operation, tenant.plan.plan_id, pause, try_number=1))


def images(world: KilledWorld, tenant: Tenant, operation: str) -> Counter[str]:
    """How many before-images each try has left."""
    rows = world.ask_guard(
        "select actor, count(*) from ledger_guard.before_image where plan_id = %s and operation = %s group by actor",
        *(tenant.plan.plan_id, operation),
    )
    return Counter({str(actor): int(count) for actor, count in rows})


def assert_each_row_once(world: KilledWorld, tenant: Tenant, operation: str, before: Wallets, point: Kill) -> None:
    plan_id = tenant.plan.plan_id
    run = changes(before, world.wallets(tenant.tenant_id))
    states = assert_journal_agrees(world, plan_id, {operation: [run]})
    assert {number for number in range(10) if states.get(tenant.player(number)) == DONE[operation]} == set(WRITABLE), point
    assert world.world.stored(plan_id).status is ENDED[operation], point


@pytest.mark.parametrize("operation", ["force", "undo"])
def test_a_writer_that_hangs_is_passed_by_the_next_try_and_writes_nothing_when_it_wakes_up(world, operation):
    """Its session is ended where it holds the tenant's lock; what it had begun is rolled back or settled by the next try."""
    for pause in moments(world, operation, "hangs"):
        tenant = new_tenant(world, operation)
        before = world.wallets(tenant.tenant_id)
        with orphan(world, tenant, operation, pause) as process:
            run_operation(in_a_hurry(world), operation, tenant.plan.plan_id, try_number=2)
            at_takeover, left = world.wallets(tenant.tenant_id), images(world, tenant, operation)
            process.ended()
        assert world.wallets(tenant.tenant_id) == at_takeover, pause
        assert images(world, tenant, operation) == left, pause
        assert_each_row_once(world, tenant, operation, before, pause)


@pytest.mark.parametrize("operation", ["force", "undo"])
def test_a_writer_that_lives_on_beside_the_next_try_ends_before_its_next_batch(world, operation):
    """It wakes up as soon as its lease is another's: from then on it announces and keeps no before-image."""
    for pause in moments(world, operation, "lives on"):
        tenant = new_tenant(world, operation)
        before = world.wallets(tenant.tenant_id)
        with orphan(world, tenant, operation, pause) as process:
            left = _taken_over(world, tenant, operation, process)
            error = str(process.ended().get("error") or "")
        assert images(world, tenant, operation)["try 1"] == left, pause
        assert "Invariant" not in error, pause
        assert_each_row_once(world, tenant, operation, before, pause)


def _taken_over(world: KilledWorld, tenant: Tenant, operation: str, process: PausedProcess) -> int:
    """Let the next try begin, wake the first one up once that has its lease, and return what the first had written by then."""
    failed: list[BaseException] = []

    def next_try() -> None:
        try:
            run_operation(in_a_hurry(world), operation, tenant.plan.plan_id, try_number=2)
        except BaseException as error:  # noqa: BLE001 told below
            failed.append(error)

    thread = threading.Thread(target=next_try)
    thread.start()
    held_by = "select 1 from ledger_guard.writer_lease where tenant_id = %s and try_number = 2"
    # A first try that paused within a batch keeps its lease until the batch is done: there it is woken up to end it.
    is_kept = "select 1 from pg_stat_activity where application_name = 'ledger_guard/backfill' and state like 'idle in trans%%'"
    wait_until(lambda: not thread.is_alive() or any(world.ask_guard(held_by + f" union {is_kept}", tenant.tenant_id)))
    is_taken = bool(world.ask_guard(held_by, tenant.tenant_id))
    left = images(world, tenant, operation)["try 1"]
    process.go_on()
    thread.join(60)
    assert not failed, failed
    return left if is_taken else images(world, tenant, operation)["try 1"]


def test_a_task_that_begins_only_after_the_next_try_writes_nothing(world):
    tenant = new_tenant(world, "force")
    with orphan(world, tenant, "force", Kill(1, "before", signal.SIGSTOP)) as process:
        run_operation(in_a_hurry(world), "force", tenant.plan.plan_id, try_number=2)
        at_takeover = world.wallets(tenant.tenant_id)
        process.ended()
    assert world.wallets(tenant.tenant_id) == at_takeover
    assert set(images(world, tenant, "force")) == {"try 2"}


def test_what_the_orphan_says_at_its_end_is_a_plain_sentence_and_nothing_of_it_is_on_record(world):
    tenant = new_tenant(world, "force")
    pause = _between_batches(world)
    with orphan(world, tenant, "force", pause) as process:
        _taken_over(world, tenant, "force", process)
        error = str(process.ended()["error"])
    who = f"plan {tenant.plan.plan_id}: force by try 1 of run tenant_backfill/run 1"
    assert error.startswith(f"WriterSuperseded: {who} ends here and writes no more")
    assert "try 2 of run tenant_backfill/run 1" in error
    refused = "select count(*) from ledger_guard.audit_entry where tenant_id = %s and detail ? 'refused'"
    assert world.ask_guard(refused, tenant.tenant_id) == [(0,)]


def _between_batches(world: KilledWorld) -> Kill:
    """The moment after the last exchange of a writer's first batch, found by killing writers earlier and later."""
    first, last = 1, int(str(world.run(Request("force", new_tenant(world, "force").plan.plan_id, try_number=1))["exchanges"]))
    while first < last:
        middle = (first + last) // 2
        tenant = new_tenant(world, "force")
        world.run(Request("force", tenant.plan.plan_id, Kill(middle, "before"), try_number=1))
        progress = "select 1 from ledger_guard.backfill_progress where plan_id = %s"
        first, last = (first, middle) if world.ask_guard(progress, tenant.plan.plan_id) else (middle + 1, last)
    return Kill(first, "before", signal.SIGSTOP)
