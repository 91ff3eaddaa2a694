"""Plans as the `backfill` command prints them."""

from __future__ import annotations

from typing import Any

from ledger_guard.domain.facts.codec import json_form
from ledger_guard.domain.finding_words import counts_in_words
from ledger_guard.domain.findings import DifferenceCounts
from ledger_guard.domain.money import readable
from ledger_guard.domain.plan_summary import PlanSummary
from ledger_guard.domain.plans import Plan

_PLAN = (
    *("plan_id", "plan_hash", "tenant_id", "mode", "counts", "cents"),
    *("within_guardrails", "guardrails_exceeded"),
)


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """A plan for scripts, under the names that they rely on."""
    return {**json_form(plan, *_PLAN), "expires_at": plan.expires_at.isoformat()}


def plan_with_summary(plan: Plan, summary: PlanSummary) -> dict[str, Any]:
    """A plan for scripts, summed up by cause for whoever approves it."""
    return plan_as_json(plan) | {
        "summary": {
            **json_form(summary, "causes", "largest"),
            "histogram": [
                {"up_to_cents": end, "rows": rows}
                for end, rows in sorted(summary.histogram.items(), key=lambda pair: (pair[0] is None, pair[0] or 0))
            ],
        }
    }


def plan_lines(plan: Plan) -> list[str]:
    """A plan for people, a line an aspect."""
    cents = plan.cents
    verdict = (
        "within the guardrails" if plan.within_guardrails else f"beyond the guardrails: {'; '.join(plan.guardrails_exceeded)}"
    )
    money = (
        f"creates {readable(cents.created, plan.currency)}, adds {readable(cents.increased, plan.currency)}, "
        f"takes {readable(cents.decreased, plan.currency)}"
    )
    return [
        f"plan      {plan.plan_id}",
        f"hash      {plan.plan_hash}",
        f"tenant    {plan.tenant_id}, mode {plan.mode.value}, {plan.players} players",
        f"found     {counts_in_words(plan.counts) or 'every wallet is right'}",
        f"beside    {_beside(plan.counts)}",
        f"money     {money}",
        *_bonus(plan),
        f"limits    {verdict}",
        f"expires   {plan.expires_at.isoformat()}",
    ]


def _beside(counts: DifferenceCounts) -> str:
    told = (
        (counts.protected, "right (only the player row differs)"),
        (counts.player_row_wrong, "player rows that lost an update"),
        (counts.float_noise, "off by less than a cent"),
        (counts.other_currency, "in other currencies"),
        (counts.orphan, "without a player"),
    )
    return ", ".join(f"{number} {words}" for number, words in told if number) or "nothing else to tell"


def _bonus(plan: Plan) -> list[str]:
    players, lost = plan.counts.missing_with_bonus, plan.cents.bonus_lost
    if not players:
        return []
    kept = f"their next grant overwrites {readable(lost, plan.currency)} of it" if lost else "created wallets get it"
    return [f"bonus     {players} players without a wallet have a bonus; {kept}"]
