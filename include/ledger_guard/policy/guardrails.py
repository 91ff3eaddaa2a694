"""Whether a plan is small and clear enough for force to go without a human."""

from __future__ import annotations

from ledger_guard.domain.plans import WriteTotals
from ledger_guard.policy.schema import Guardrails


def exceeded_guardrails(guardrails: Guardrails, totals: WriteTotals, players: int) -> tuple[str, ...]:
    """One sentence a guardrail that a plan of so much exceeds, as in `rows 812 > max_rows 500`.

    Rows that only a human may settle don't count. A row's movement is what force would change in its two amounts, each taken
    by itself: money that moves between available and pending counts although the sum stays.
    """
    share = totals.rows / players if players else float(bool(totals.rows))
    measured = (
        ("rows", totals.rows, "max_rows", guardrails.max_rows),
        ("share_of_players", round(share, 4), "max_share_of_players", guardrails.max_share_of_players),
        ("total_delta_cents", totals.total_delta_cents, "max_total_delta_cents", guardrails.max_total_delta_cents),
        ("single_delta_cents", totals.single_delta_cents, "max_single_delta_cents", guardrails.max_single_delta_cents),
        ("disputed_rows", totals.disputed_rows, "max_disputed_rows", guardrails.max_disputed_rows),
    )
    return tuple(f"{what} {found} > {limit_name} {limit}" for what, found, limit_name, limit in measured if found > limit)
