"""`backfill show`: a plan's rows for whoever has to approve or settle them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click

from ledger_guard.domain.finding_words import why
from ledger_guard.domain.findings import RowAction, RowCause
from ledger_guard.domain.ledger_rows import BookedMovement, when_booked
from ledger_guard.domain.money import Cents, readable
from ledger_guard.domain.plans import Plan, PlanRow
from ledger_guard.domain.shown_text import lines_shown
from ledger_guard.use_cases.backfill.show_plan import PLAYERS_AT_MOST, show_plan

COLUMNS = (
    "tenant_id",
    "player_id",
    "action",
    "available_cents",
    "pending_cents",
    "cause",
    "wallet_available_cents",
    "wallet_pending_cents",
    "player_available_cents",
    "player_held_cents",
    "why",
)
_ACTIONS = {
    RowAction.WRITE: "write",
    RowAction.WRITE_APPROVED: "write after approval",
    RowAction.HUMAN: "a human looks into it; never written",
}


@click.command()
@click.option("--plan", "plan_id", required=True, metavar="ID", help="The plan's id, as `dry-run` printed it.")
@click.option("--csv", "as_csv", is_flag=True, help="All rows as CSV with a header.")
@click.option("--rows", "with_rows", is_flag=True, help="All rows for people, doubtful ones with their ledger movements.")
@click.option("--cause", type=click.Choice([each.value for each in RowCause]), help="Only rows of this cause.")
@click.option("--json", "as_json", is_flag=True, help="All rows as JSON.")
def show(plan_id: str, as_csv: bool, with_rows: bool, cause: str | None, as_json: bool) -> None:
    """Show what a plan would write, row by row, and what it leaves to humans; players whose wallet is right have no row.

    In the CSV, `action` is write (nobody need be asked because of this row), write_approved (only with an approval of the
    plan) or human (never written). Amounts are cents; a human's row has none to write.

    \b
    Example: python -m ledger_guard backfill show --plan 7d0c… --csv > plan.csv
             python -m ledger_guard backfill show --plan 7d0c… --rows --cause unexplained
    """  # noqa: D301
    # Imported here: the command line shows its help without loading any driver.
    from ledger_guard.wiring import open_dependencies  # noqa: PLC0415

    needs_movements = not (as_csv or as_json)
    plan, movements = show_plan(open_dependencies(), plan_id, RowCause(cause) if cause else None, with_movements=needs_movements)
    if as_csv:
        _write_csv(plan)
    elif as_json:
        rows = [_as_json(row) for row in plan.rows]
        click.echo(json.dumps({"plan_id": plan.plan_id, "tenant_id": plan.tenant_id, "rows": rows}, indent=2, default=str))
    else:
        chosen = plan.rows if with_rows else [row for row in plan.rows if row.cause.action is not RowAction.WRITE]
        click.echo(lines_shown(_lines(plan, chosen, movements)))


def _write_csv(plan: Plan) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in plan.rows:
        is_written = row.cause.is_writable
        target: tuple[Any, Any] = (row.target_available, row.target_pending) if is_written else ("", "")
        wallet = ("" if each is None else each for each in (row.wallet_available, row.wallet_pending))
        kept = (row.cause.value, *wallet, row.player_available, row.player_held, why(row))
        writer.writerow((plan.tenant_id, row.player_id, row.cause.action.value, *target, *kept))


def _as_json(row: PlanRow) -> dict[str, Any]:
    target = {} if row.cause.is_writable else {"target_available": None, "target_pending": None}
    return {**asdict(row), **target, "action": row.cause.action.value, "why": why(row)}


def _lines(plan: Plan, rows: Iterable[PlanRow], movements: dict[str, list[BookedMovement]]) -> list[str]:
    lines = [f"plan {plan.plan_id}, tenant {plan.tenant_id}"]
    for row in rows:
        lines.append(f"{row.player_id}: {_ACTIONS[row.cause.action]}; {row.cause.value.replace('_', ' ')}: {why(row)}")
        held = (row.wallet_available, row.wallet_pending)
        lines.append(f"  player {_pair(row, (row.player_available, row.player_held))} · wallet {_pair(row, held)}")
        if row.cause.is_writable:
            lines.append(f"  wallet becomes {_pair(row, (row.target_available, row.target_pending))}")
        lines += [f"  {_movement(each)}" for each in movements.get(row.player_id, [])]
    if len(lines) == 1:
        lines.append("no row that needs a human; --rows shows all")
    if len(movements) >= PLAYERS_AT_MOST:
        lines.append(f"movements of the first {PLAYERS_AT_MOST} doubtful players are shown; --cause narrows the rows")
    return lines


def _pair(row: PlanRow, amounts: tuple[Cents | None, Cents | None]) -> str:
    available, held = amounts
    if available is None or held is None:
        return "none"
    return f"{readable(available, row.currency)} available, {readable(held, row.currency)} held"


def _movement(each: BookedMovement) -> str:
    row = each.row
    return f"{when_booked(row)}  {row.direction} {row.amount} {row.currency}  {row.type}/{row.status}  moved: {each.side}"
