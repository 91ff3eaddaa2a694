"""Days that the random ones found and those that they find too seldom, told in each kind of world."""

from __future__ import annotations

import itertools

import pytest
from tests.use_cases.backfill.backfill_worlds import World, memory_backfill_world, postgres_backfill_world
from tests.use_cases.backfill_kills.killed_process import small_batches
from tests.use_cases.backfill_properties.casino import KINDS, Casino
from tests.use_cases.backfill_properties.promises import Promises

from ledger_guard.domain.findings import RowCause

_numbers = itertools.count(1)


@pytest.fixture(
    scope="module",
    params=["memory", *(pytest.param(each, marks=pytest.mark.postgres) for each in ("shared database", "two databases"))],
)
def world(request) -> World:
    if request.param == "memory":
        return memory_backfill_world(small_batches())
    server, template = (request.getfixturevalue(each) for each in ("postgres_server", "migrated_template"))
    platform = server.create_database("wrong_days_1", template=template)
    guard = server.create_database("wrong_days_2", template=template) if request.param == "two databases" else platform
    return postgres_backfill_world(small_batches(), platform, guard)


@pytest.fixture
def casino(world) -> Casino:
    return Casino(world, f"casino_{next(_numbers)}")


CAUSES = {
    "equal": None,
    "missing": RowCause.MISSING,
    "born": RowCause.STALE_WALLET,
    "credited": None,
    "noisy": None,
    "doubtful": RowCause.UNEXPLAINED,
    "payout": RowCause.STALE_WALLET,
    "poker": RowCause.STALE_WALLET,
    "raced": None,
    "copied": RowCause.LOST_UPDATE,
}


@pytest.mark.parametrize("kind", KINDS)
def test_who_arrives_is_planned_for_the_cause_of_its_kind(casino, kind):
    promises = Promises(casino)
    casino.arrive(kind, 1000)
    promises.plan()
    row = promises.known[-1].rows.get(casino.player_id(0))
    assert (row and row.cause) is CAUSES[kind]


@pytest.mark.parametrize("kill_at", [None, 2, 3, 4], ids=lambda reading: f"killed at clock reading {reading}")
def test_undo_keeps_the_wallet_of_a_player_who_is_gone(casino, kill_at):
    promises = Promises(casino)
    casino.arrive("missing", 1000)
    casino.arrive("born", 1000)
    promises.plan()
    promises.force(-1, kill_at=None, is_approved=True)
    for number in (0, 1):
        casino.leave(casino.player_id(number))
    forced = casino.wallets()
    promises.undo(-1, kill_at=kill_at)
    promises.undo(-1, kill_at=None)
    assert casino.wallets() == forced
    states = casino.world.states(promises.known[-1].plan.plan_id)
    assert set(states.values()) == {"kept"}


@pytest.mark.parametrize("kill_at", [2, 3, 4], ids=lambda reading: f"killed at clock reading {reading}")
def test_a_player_who_leaves_between_a_killed_undo_and_the_next_keeps_what_stands(casino, kill_at):
    promises = Promises(casino)
    casino.arrive("born", 1000)
    promises.plan()
    promises.force(-1, kill_at=None, is_approved=True)
    promises.undo(-1, kill_at=kill_at)
    casino.leave(casino.player_id(0))
    stood = casino.wallets()
    promises.undo(-1, kill_at=None)
    assert casino.wallets() == stood


@pytest.mark.parametrize("then", ["force", "undo"])
@pytest.mark.parametrize("change", [Casino.deposit, Casino.hand, Casino.move], ids=["wallet", "player", "both"])
def test_what_moves_in_between_is_left_alone_where_it_matters_to_the_write(casino, change, then):
    promises = Promises(casino)
    for kind in KINDS:
        casino.arrive(kind, 1000)
    promises.plan()
    if then == "undo":
        promises.force(-1, kill_at=None, is_approved=True)
    changed = [player_id for player_id in casino.players() if player_id in casino.wallets()]
    for player_id in changed:
        change(casino, player_id, 250)
    moved = casino.wallets()
    if then == "force":
        promises.force(-1, kill_at=None, is_approved=True)
    else:
        promises.undo(-1, kill_at=None)
    is_undo_of_untouched = then == "undo" and change is Casino.hand
    if not is_undo_of_untouched:
        assert {player_id: casino.wallets()[player_id] for player_id in changed} == {each: moved[each] for each in changed}
