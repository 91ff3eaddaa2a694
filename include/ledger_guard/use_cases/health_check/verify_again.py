"""verify_again: hours after a repair, compare its players once more, and tell when it did not hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger_guard.domain.attestations import is_marked
from ledger_guard.domain.errors import NotificationFailed
from ledger_guard.domain.facts.backfill import about_plan
from ledger_guard.domain.facts.codec import told
from ledger_guard.domain.facts.repairs import RepairCompared
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import Plan, RowState
from ledger_guard.domain.repairs import Repair, WrongWallet, due_ages
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.shown_text import counted, listed
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.past_repairs import is_undone, script_runs
from ledger_guard.use_cases.notify.notify import action_notice, notify

#: repairs compared by one health check, the oldest first; the next check takes the rest
REPAIRS_AT_MOST = 10
#: players compared by one statement
_PLAYERS_TOGETHER = 1_000
#: a comparison that is later than this (the guard was down) is not made any more
_LATE_BY = timedelta(days=2)


@dataclass(frozen=True)
class _Due:
    repair: Repair
    plan: Plan
    ages: tuple[int, ...]
    #: the platform's own script wrote it: the guard has no record of each row
    is_by_script: bool


def verify_again(deps: Dependencies) -> list[str]:
    """Compare the players of each repair that is due, record it, and return a sentence for each repair that did not hold.

    Once for each age in the policy, whatever restarts: guard state has what was compared. Several ages that are due are one
    comparison. Undone plans are left out. Recorded before it is told.

    Raises:
        NotificationFailed: a post failed. Everything was compared and recorded; let only the notifying task fail.
        SourceUnavailable: guard state or the platform did not answer. What was compared is recorded; the next check goes on.
    """
    found, failures = [], []
    for due in _due(deps):
        fact, wrong = _compare(deps, due)
        with deps.state.transaction() as state:
            event = about_plan(due.plan, fact, actor=GUARD_ITSELF, at=deps.wall_clock.now())
            state.audit.append(event)
        if fact.holds:
            continue
        sentence = not_held(due.plan, fact)
        found.append(sentence)
        some = listed([f"{each.player_id} ({each.cause.value})" for each in wrong], deps.policy.notification.list_at_most)
        facts = [("Repair", due.repair.sentence(due.plan.currency)), ("Wallets", some), ("Next", "its next plan asks a human")]
        try:
            notify(deps, action_notice(deps, due.plan.incident_id, "verify_again", sentence, facts))
        except NotificationFailed as error:
            failures.append(str(error))
    if failures:
        raise NotificationFailed("; ".join(failures))
    return found


def not_held(plan: Plan, fact: RepairCompared) -> str:
    """For people: how much of a repair did not hold."""
    wallets, off = counted(fact.players, "wallet", "wallets"), readable(fact.wrong_cents, fact.currency)
    return (
        f"The repair of tenant {plan.tenant_id} did not hold: {fact.wrong} of {wallets} written until {iso(fact.repaired_at)} "
        f"are wrong again after {max(fact.hours)} h, by {off} (plan {plan.plan_id}). The cause is not fixed."
    )


def _due(deps: Dependencies) -> list[_Due]:
    ages, now = deps.policy.autonomy.verify_again_hours, deps.wall_clock.now()
    if not ages:
        return []
    since = now - timedelta(hours=max(ages)) - _LATE_BY
    with deps.state.transaction() as state:
        found = list(_all_due(state, ages, since, now))
    return sorted(found, key=lambda due: due.repair.ended_at)[:REPAIRS_AT_MOST]


def _all_due(state: UnitOfWork, ages: tuple[int, ...], since: datetime, now: datetime) -> Iterator[_Due]:
    by_script = [
        run.as_repair(now) for run in script_runs(state) if run.rows and not run.runs(now) and run.last_write(now) > since
    ]
    repairs = [(each, False) for each in state.plans.repairs(since)] + [(each, True) for each in by_script]
    for repair, is_by_script in repairs:
        due = due_ages(repair.ended_at, ages, _compared_ages(state, repair), now)
        if due and not is_undone(state, repair.plan_id):
            yield _Due(repair, state.plans.get(repair.plan_id, with_rows=False), due, is_by_script)


def _compared_ages(state: UnitOfWork, repair: Repair) -> list[int]:
    """The ages at which this repair was compared; where a key is set, by marked entries."""
    keys = state.audit.keys
    return [
        age
        for entry in state.audit.about(f"plan:{repair.plan_id}", RepairCompared.verbs)
        if (fact := told(entry.event, RepairCompared)) and (keys.newest is None or is_marked(entry, keys))
        for age in fact.hours
    ]


def _compare(deps: Dependencies, due: _Due) -> tuple[RepairCompared, list[WrongWallet]]:
    players, wrong = 0, list[WrongWallet]()
    for some in _written_players(deps, due):
        players += len(some)
        wrong += deps.ledger.wrong_wallets(due.plan.tenant_id, some)
    fact = RepairCompared(
        hours=due.ages,
        repaired_at=due.repair.ended_at,
        players=players,
        wrong=len(wrong),
        wrong_cents=sum(each.cents for each in wrong),
        currency=due.plan.currency,
    )
    return fact, wrong


def _written_players(deps: Dependencies, due: _Due) -> Iterator[list[str]]:
    """The players whose wallets the plan wrote, some at a time; of the script's plans all that it was to write."""
    plan_id, after = due.plan.plan_id, ""
    while True:
        with deps.state.transaction() as state:
            players = state.plans.writable_players(plan_id, after, _PLAYERS_TOGETHER)
            states = {} if due.is_by_script else state.plans.states_of(plan_id, players)
        if not players:
            return
        written = [each for each in players if due.is_by_script or states.get(each) is RowState.APPLIED]
        if written:
            yield written
        after = players[-1]
