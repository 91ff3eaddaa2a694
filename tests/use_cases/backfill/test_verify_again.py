"""Hours after a repair its players are compared once more: whether it holds is told with numbers and put on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from backfill_worlds import ACTOR, TENANT, World, approve

from ledger_guard.domain.approvals import ApprovalKind
from ledger_guard.domain.errors import NotificationFailed, SourceUnavailable
from ledger_guard.domain.plans import BackfillMode, Plan
from ledger_guard.use_cases.backfill.dry_run import dry_run
from ledger_guard.use_cases.backfill.force import force, undo
from ledger_guard.use_cases.health_check import verify_again as module
from ledger_guard.use_cases.health_check import watch as watching
from ledger_guard.use_cases.health_check.verify_again import verify_again

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def checked(world: World) -> World:
    """Compared again after an hour and a day."""
    autonomy = world.deps.policy.autonomy.model_copy(update={"verify_again_hours": (1, 24)})
    return world.with_policy(world.deps.policy.model_copy(update={"autonomy": autonomy}))


def repaired(world: World, *players: str, tenant_id: str = TENANT) -> Plan:
    for player in players:
        world.stale(player, 20.0, 10.0, tenant_id)
    plan = dry_run(world.deps, tenant_id, BackfillMode.FORCE, ACTOR)
    assert force(world.deps, plan.plan_id, ACTOR).applied == len(players)
    return plan


def compared(world: World) -> list[tuple[object, object, object]]:
    """Ages, players and wrong wallets of each comparison on record."""
    return [(each["hours"], each["players"], each["wrong"]) for each in world.audited("verify_again")]


@pytest.mark.parametrize(
    ("later", "comparisons"),
    [
        pytest.param(HOUR - SECOND, [], id="below an hour"),
        pytest.param(HOUR, [([1], 2, 0)], id="at an hour"),
        pytest.param(24 * HOUR - SECOND, [([1], 2, 0)], id="below a day"),
        pytest.param(24 * HOUR, [([1, 24], 2, 0)], id="at a day, the hour was missed"),
        pytest.param(-HOUR, [], id="the clock went backwards"),
    ],
)
def test_a_repair_is_compared_again_at_each_age(checked, later, comparisons):
    repaired(checked, "p1", "p2")
    checked.clock.advance(later)
    assert verify_again(checked.deps) == []
    assert compared(checked) == comparisons


def test_each_age_is_compared_once_whatever_restarts(checked):
    repaired(checked, "p1")
    checked.clock.advance(HOUR)
    verify_again(checked.deps)
    restarted = replace(checked.deps)
    checked.clock.advance(HOUR)
    verify_again(restarted)
    checked.clock.advance(22 * HOUR)
    verify_again(restarted)
    verify_again(restarted)
    assert compared(checked) == [([1], 1, 0), ([24], 1, 0)]


def test_a_repair_that_did_not_hold_is_told_with_numbers_and_its_tenant(checked):
    plan = repaired(checked, "p1", "p2", "p3")
    checked.platform.set_wallet(TENANT, "p2", 12.5)
    checked.platform.set_wallet(TENANT, "p3", 20.0, 1.0)
    checked.clock.advance(HOUR)
    (said,) = verify_again(checked.deps)
    assert said == (
        "The repair of tenant casino_7 did not hold: 2 of 3 wallets written until 2026-03-01T12:00:00Z are wrong again after "
        f"1 h, by 8.50 USD (plan {plan.plan_id}). The cause is not fixed."
    )
    (posted,) = checked.deps.notifier.posted
    assert posted.notice.title == "verify_again"
    assert dict(posted.notice.facts)["Wallets"].startswith("p2 (")
    (entry,) = checked.audited("verify_again")
    assert (entry["wrong"], entry["wrong_cents"]) == (2, 850)


def test_only_the_plans_own_written_players_are_compared(checked):
    """A player that moved under the plan was left alone; another one of the tenant is none of its business."""
    for player in ("p1", "p2"):
        checked.stale(player, 20.0, 10.0)
    plan = dry_run(checked.deps, TENANT, BackfillMode.FORCE, ACTOR)
    checked.platform.set_player(TENANT, "p2", 21.0)
    assert force(checked.deps, plan.plan_id, ACTOR).drifted == 1
    checked.stale("other", 20.0, 10.0)
    checked.clock.advance(HOUR)
    assert verify_again(checked.deps) == []
    assert compared(checked) == [([1], 1, 0)]


def test_an_undone_plan_is_not_compared(checked):
    plan = repaired(checked, "p1")
    approve(checked.deps.state, ApprovalKind.BACKFILL_UNDO, plan)
    undo(checked.deps, plan.plan_id, ACTOR)
    checked.clock.advance(HOUR)
    assert verify_again(checked.deps) == []
    assert compared(checked) == []


def test_no_more_repairs_are_compared_by_one_check_than_the_platform_bears(checked, monkeypatch):
    monkeypatch.setattr(module, "REPAIRS_AT_MOST", 2)
    for number in range(3):
        repaired(checked, f"t{number}_p", tenant_id=f"t{number}")
    checked.clock.advance(HOUR)
    verify_again(checked.deps)
    assert len(compared(checked)) == 2
    verify_again(checked.deps)
    assert len(compared(checked)) == 3


def test_more_players_than_one_statement_takes_are_all_compared(checked, monkeypatch):
    monkeypatch.setattr(module, "_PLAYERS_TOGETHER", 2)
    repaired(checked, "p1", "p2", "p3", "p4", "p5")
    checked.platform.set_wallet(TENANT, "p5", 1.0)
    checked.clock.advance(HOUR)
    verify_again(checked.deps)
    assert compared(checked) == [([1], 5, 1)]


def test_a_platform_that_does_not_answer_leaves_the_repair_for_the_next_check(checked):
    repaired(checked, "p1")
    checked.clock.advance(HOUR)

    class Away:
        def wrong_wallets(self, *_: object) -> object:
            raise SourceUnavailable("the platform's database: is away")

    with pytest.raises(SourceUnavailable):
        verify_again(replace(checked.deps, ledger=Away()))
    assert compared(checked) == []
    verify_again(checked.deps)
    assert compared(checked) == [([1], 1, 0)]


def test_a_policy_without_ages_compares_nothing(world):
    repaired(world, "p1")
    world.clock.advance(HOUR)
    assert verify_again(world.deps) == []
    assert compared(world) == []


def test_a_missing_wallet_is_wrong_again(checked):
    repaired(checked, "p1")
    checked.platform.remove_wallet(TENANT, "p1")
    checked.clock.advance(HOUR)
    (said,) = verify_again(checked.deps)
    assert "1 of 1 wallet written" in said
    assert "by 20.00 USD" in said


def test_the_health_check_compares_although_its_channel_is_down_for_what_it_reports_before(checked, monkeypatch):
    """The guard has no verdict here, which it can't report; the comparison is made and told all the same."""
    repaired(checked, "p1")
    checked.platform.set_wallet(TENANT, "p1", 1.0)
    checked.clock.advance(HOUR)
    with monkeypatch.context() as down:
        down.setattr(watching, "watch_and_tell", _down)
        with pytest.raises(NotificationFailed):
            watching.watch_and_verify(checked.deps)
    assert compared(checked) == [([1], 1, 1)]
    assert [each.notice.title for each in checked.deps.notifier.posted] == ["verify_again"]


def _down(_deps: object) -> list[str]:
    raise NotificationFailed("the channel is away")
