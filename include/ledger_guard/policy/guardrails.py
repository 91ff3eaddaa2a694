"""Whether a plan is small and clear enough for force to go without a human."""

from __future__ import annotations

from collections.abc import Sequence

from ledger_guard.domain.money import Cents
from ledger_guard.domain.plans import PlanRow, RowCause
from ledger_guard.policy.schema import Guardrails


def exceeded_guardrails(guardrails: Guardrails, rows: Sequence[PlanRow], players: int) -> tuple[str, ...]:
    """One sentence a guardrail that these rows exceed, as in `rows 812 > max_rows 500`; protected rows don't count.

    A row's movement is what force would change in its two amounts, each taken by itself: money that moves between
    available and pending counts although the sum stays.
    """
    writable = [row for row in rows if row.cause.is_writable]
    moved = [_moved(row) for row in writable]
    share = len(writable) / players if players else float(bool(writable))
    measured = (
        ("rows", len(writable), "max_rows", guardrails.max_rows),
        ("share_of_players", round(share, 4), "max_share_of_players", guardrails.max_share_of_players),
        ("total_delta_cents", sum(moved), "max_total_delta_cents", guardrails.max_total_delta_cents),
        ("single_delta_cents", max(moved, default=0), "max_single_delta_cents", guardrails.max_single_delta_cents),
        (
            "unexplained_rows",
            sum(row.cause is RowCause.UNEXPLAINED for row in writable),
            "max_unexplained_rows",
            guardrails.max_unexplained_rows,
        ),
    )
    return tuple(f"{what} {found} > {limit_name} {limit}" for what, found, limit_name, limit in measured if found > limit)


def _moved(row: PlanRow) -> Cents:
    return abs(row.player_available - (row.wallet_available or 0)) + abs(row.player_held - (row.wallet_pending or 0))
