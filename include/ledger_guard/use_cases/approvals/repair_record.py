"""repaired_again: tell people once that a tenant is to be repaired again, with both repairs and what happened in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ledger_guard.domain.attestations import is_unkeyed
from ledger_guard.domain.errors import SourceUnavailable
from ledger_guard.domain.facts.backfill import PlanReviewed, about_plan
from ledger_guard.domain.facts.repairs import RepairedAgain, RepairFollowed
from ledger_guard.domain.money import readable
from ledger_guard.domain.plans import Plan
from ledger_guard.domain.repairs import Repair
from ledger_guard.domain.runs import GUARD_ITSELF
from ledger_guard.domain.settling import disturbances
from ledger_guard.domain.shown_text import counted, listed
from ledger_guard.domain.windows import iso
from ledger_guard.ports import Dependencies
from ledger_guard.ports.guard_state import UnitOfWork
from ledger_guard.use_cases.approvals.past_repairs import newest_marked, past_repairs, script_runs
from ledger_guard.use_cases.notify.notify import action_notice, notify, tell

#: players whose ledger is read to tell what wrote in between, and rows read of each
_PLAYERS_READ, _ROWS_READ = 200, 20


def record_follow_up(deps: Dependencies, plan: Plan, follows: str, actor: str) -> None:
    """Record that a plan is for rows that moved while another one was written, so that it is no second repair."""
    with deps.state.transaction() as state:
        fact = RepairFollowed(follows=follows, unkeyed=is_unkeyed(state.audit))
        state.audit.append(about_plan(plan, fact, actor=actor, at=deps.wall_clock.now()))


def not_alone_because(deps: Dependencies, plan: Plan) -> str:
    """For approvers: why the plan is not written without them, beyond the guardrails, and what a repeated repair is about."""
    with deps.state.transaction() as state:
        reviewed = newest_marked(state, f"plan:{plan.plan_id}", PlanReviewed)
        again = newest_marked(state, f"plan:{plan.plan_id}", RepairedAgain)
    why = [each for each in reviewed.why if each not in plan.guardrails_exceeded] if reviewed and reviewed.needs_approval else []
    told = f" Not written by itself: {'; '.join(why)}." if why else ""
    return f"{told} {_sentences(again)}" if again else told


def tell_repaired_again(deps: Dependencies, plan: Plan) -> None:
    """Notify and put on record, once a plan, that it repairs a tenant again; does nothing for a first repair.

    A failed channel stops nothing, and neither does a platform that does not answer: what is not known is told as not known.
    """
    period = deps.policy.autonomy.repaired_again_within
    if not period:
        return
    now = deps.wall_clock.now()
    with deps.state.transaction() as state:
        if state.audit.about(f"plan:{plan.plan_id}", RepairedAgain.verbs):
            return
        earlier = past_repairs(state, plan.tenant_id, now - period, now, plan.plan_id)
        if not earlier:
            return
        changes = [f"{each.words}" for each in disturbances(state.audit, deps.policy.flags, earlier[-1].ended_at)]
        again = _wallets_written_before(state, plan, earlier)
        totals = state.plans.content(plan.plan_id).totals
    rows = counted(totals.rows, "row", "rows")
    wanted = f"{rows}, {readable(totals.total_delta_cents, plan.currency)} wanted by plan {plan.plan_id}"
    fact = RepairedAgain(
        earlier=tuple(each.plan_id for each in earlier),
        repairs=(
            *(each.sentence(plan.currency) for each in earlier),
            f"{wanted} of {plan.requested_by} at {iso(plan.created_at)}",
        ),
        between=(*_ledger_rows(deps, plan, earlier[-1]), _on_record(changes), _UNSEEN),
        wallets_again=again,
    )
    with deps.state.transaction() as state:
        state.audit.append(about_plan(plan, fact, actor=GUARD_ITSELF, at=now))
    tell(
        lambda: notify(deps, action_notice(deps, plan.incident_id, "repaired_again", _summary(plan, earlier, fact), _facts(fact)))
    )


def _wallets_written_before(state: UnitOfWork, plan: Plan, earlier: list[Repair]) -> int | None:
    plans = [each.plan_id for each in earlier]
    # the platform's script keeps no record of each wallet
    by_script = {run.plan_id for run in script_runs(state)}
    return None if by_script & set(plans) else state.plans.rows_written_before(plan.plan_id, plans)


_UNSEEN = "writes that left no ledger row: not known"


def _summary(plan: Plan, earlier: list[Repair], fact: RepairedAgain) -> str:
    times = counted(len(earlier), "repair", "repairs")
    return (
        f"Tenant {plan.tenant_id} is to be repaired again after {times}; {_wallets(fact)}. The cause is not fixed: a human "
        "decides about this plan."
    )


def _facts(fact: RepairedAgain) -> list[tuple[str, str]]:
    return [("Repair", each) for each in fact.repairs] + [("In between", each) for each in fact.between]


def _sentences(fact: RepairedAgain) -> str:
    both, between = "; then ".join(fact.repairs), "; ".join(fact.between)
    return f"Repaired again, {_wallets(fact)}: {both}. In between: {between}."


def _wallets(fact: RepairedAgain) -> str:
    again = "not known how many" if fact.wallets_again is None else str(fact.wallets_again)
    return f"{again} of its wallets were written before"


def _on_record(changes: list[str]) -> str:
    return f"on record: {listed(changes, 5)}" if changes else "no flag change or deploy is on record"


def _ledger_rows(deps: Dependencies, plan: Plan, last: Repair) -> Iterator[str]:
    """What the ledger booked for the plan's players since the last repair, by type and status, the most frequent first."""
    with deps.state.transaction() as state:
        players = state.plans.writable_players(plan.plan_id, "", _PLAYERS_READ)
    try:
        found = deps.ledger.movements(plan.tenant_id, players, _ROWS_READ)
    except SourceUnavailable as error:
        yield f"the ledger's rows: not known ({error})"
        return
    booked = Counter(
        f"{each.row.type} {each.row.status}".strip()
        for rows in found.values()
        for each in rows
        if each.row.created_at is not None and last.ended_at < each.row.created_at
    )
    words = listed([f"{rows} {what}" for what, rows in booked.most_common()], 5, nobody="none")
    yield f"{sum(booked.values())} ledger rows of {len(players)} players since {iso(last.ended_at)}: {words}"
