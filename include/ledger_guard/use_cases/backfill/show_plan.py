"""show_plan: a plan with its rows, and the ledger movements of those that people have to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ledger_guard.domain.findings import RowAction, RowCause
from ledger_guard.domain.identifiers import checked_uuid
from ledger_guard.domain.ledger_rows import BookedMovement, when_booked
from ledger_guard.domain.money import Cents, readable
from ledger_guard.domain.plans import Plan, PlanRow
from ledger_guard.domain.shown_text import one_line
from ledger_guard.ports import Dependencies

#: doubtful players whose movements are looked up, and the newest movements of each
PLAYERS_AT_MOST = 50
MOVEMENTS_AT_MOST = 20


def show_plan(
    deps: Dependencies, plan_id: str, cause: RowCause | None = None, *, with_movements: bool = True
) -> tuple[Plan, dict[str, list[BookedMovement]]]:
    """The plan, with rows of one cause only where one is given, and by player id the newest movements of its doubtful rows.

    The rows are what the dry-run saw; the movements are what the ledger holds now.

    Raises:
        BadInputError: no such plan.
        SourceUnavailable: the platform did not answer.
    """
    with deps.state.transaction() as state:
        plan = state.plans.get(checked_uuid(plan_id, "plan"))
    rows = tuple(row for row in plan.rows if cause is None or row.cause is cause)
    doubtful = [row.player_id for row in rows if is_doubtful(row)][:PLAYERS_AT_MOST]
    if not with_movements or not doubtful:
        return replace(plan, rows=rows), {}
    return replace(plan, rows=rows), deps.ledger.movements(plan.tenant_id, doubtful, MOVEMENTS_AT_MOST)


def taken_in_words(deps: Dependencies, plan: Plan) -> tuple[str, ...]:
    """For an approver: of the plan's largest rows each that takes money, with the wallet's newest credits that are inside it.

    Raises:
        SourceUnavailable: the platform did not answer.
    """
    with deps.state.transaction() as state:
        largest = state.plans.summary(plan.plan_id).largest
    taken = {row.player_id: -row.delta_cents for row in largest if row.delta_cents < 0}
    booked = deps.ledger.movements(plan.tenant_id, sorted(taken), MOVEMENTS_AT_MOST) if taken else {}
    return tuple(
        f"{one_line(player_id)}: takes {readable(cents, plan.currency)}; "
        f"{_credits(booked.get(player_id, []), cents, plan.currency)}"
        for player_id, cents in taken.items()
    )


def _credits(booked: Sequence[BookedMovement], taken: Cents, currency: str) -> str:
    """The newest credits of the wallet that add up to what would be taken, or all that there are."""
    inside, found = [], 0
    for each in booked:
        available = each.moved.available if each.moved and each.side in ("both", "wallet") else 0
        if available > 0 and found < taken:
            found += available
            row = each.row
            inside.append(f"{readable(available, currency)} {row.type}/{row.status} of {when_booked(row)}")
    return f"credits inside it: {', '.join(inside)}" if inside else "the ledger has no credit inside it"


def is_doubtful(row: PlanRow) -> bool:
    """Whether people have to look at the movements behind a row: a human decides, or money would be taken."""
    return row.cause.action is not RowAction.WRITE or row.delta < 0
