"""Whether a plan is small and clear enough for force without approval."""

from __future__ import annotations

from ledger_guard.domain.plans import NOTHING_WRITTEN, WriteTotals
from ledger_guard.policy.schema import Guardrails


def exceeded_guardrails(
    guardrails: Guardrails, totals: WriteTotals, players: int, before: WriteTotals = NOTHING_WRITTEN
) -> tuple[str, ...]:
    """One sentence for each exceeded guardrail, as in `rows 812 > max_rows 500`.

    What the tenant was written within `counted_within_hours` (`before`, see PlanStore.written_before) counts with the plan, so
    that two plans get no more than one. Rows that only a human may settle don't count. A row's movement is what force would
    change in its two amounts, each taken by itself: money that moves between available and pending counts although the sum
    stays.
    """
    if not totals.rows:
        return ()
    measured = (
        ("rows", totals.rows, before.rows, "max_rows", guardrails.max_rows),
        (
            "share_of_players",
            _share(totals.rows, players),
            _share(before.rows, players) if before.rows else 0,
            "max_share_of_players",
            guardrails.max_share_of_players,
        ),
        (
            "total_delta_cents",
            totals.total_delta_cents,
            before.total_delta_cents,
            "max_total_delta_cents",
            guardrails.max_total_delta_cents,
        ),
        (
            "single_delta_cents",
            totals.single_delta_cents,
            max(before.single_delta_cents - totals.single_delta_cents, 0),
            "max_single_delta_cents",
            guardrails.max_single_delta_cents,
        ),
        ("disputed_rows", totals.disputed_rows, before.disputed_rows, "max_disputed_rows", guardrails.max_disputed_rows),
    )
    return tuple(
        f"{what} {_amount(now + earlier)}{_of_it(earlier, guardrails)} > {limit_name} {limit}"
        for what, now, earlier, limit_name, limit in measured
        if now and now + earlier > limit
    )


def _share(rows: int, players: int) -> float:
    return rows / players if players else 1.0


def _amount(found: float) -> float:
    return round(found, 4) if isinstance(found, float) else found


def _of_it(earlier: float, guardrails: Guardrails) -> str:
    return f" ({_amount(earlier)} of it written within {guardrails.counted_within_hours} h before)" if earlier else ""
